#!/usr/bin/env bash
# Times whole calls of Mask R-CNN R50-FPN, torchvision's and ours of the same file, in turn: a photo of 640×480 pixels to instances.
# usage: bench/peers/torchvision.sh [--rounds 3] [--threads 2]   (see torchvision_calls.py)
# The environment is kept in $SPINEMASK_PEERS (default: spinemask-peers in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}/training
if [ ! -x "$peers/bin/python" ]; then
	python3 -m venv "$peers"
	"$peers/bin/pip" install --quiet --disable-pip-version-check numpy torch==2.15.0 torchvision==0.29.2
fi
(cd "$here/../.." && go build -o "$peers/bin/spinemask" ./cmd/spinemask)
exec "$peers/bin/python" "$here/torchvision_calls.py" --ours "$peers/bin/spinemask" "$@"

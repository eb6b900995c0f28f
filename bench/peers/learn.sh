#!/usr/bin/env bash
# Fine-tunes the built-in model, ours and PyTorch's for the same time, and compares AP on images that were held out.
# usage: bench/peers/learn.sh --peer DIR --data DIR --work DIR [--test 6] [--folds 1,2] [--steps N] [--threads 2]   (see learn.py)
# The peer's DIR holds net.py: Mask R-CNN on SpineNet in PyTorch.
# The environment is kept in $SPINEMASK_PEERS (default: spinemask-peers in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}/training
if [ ! -x "$peers/bin/python" ]; then
	python3 -m venv "$peers"
	"$peers/bin/pip" install --quiet --disable-pip-version-check numpy torch==2.15.0 torchvision
fi
"$peers/bin/pip" install --quiet --disable-pip-version-check pillow pycocotools==2.0.11 safetensors==0.8.0
(cd "$here/../.." && go build -o "$peers/bin/spinemask" ./cmd/spinemask)
exec "$peers/bin/python" "$here/learn.py" --ours "$peers/bin/spinemask" --model "$here/../../models/nuclei/nuclei.safetensors" "$@"

#!/usr/bin/env bash
# Times steps of training, ours and PyTorch's in turn, in a window of their own.
# usage: bench/peers/training.sh --peer DIR [--rounds 3] [--threads 2] [--shapes 49,nuclei]   (see training.py)
# DIR holds step.py and net.py: Mask R-CNN on SpineNet in PyTorch.
# The environment is kept in $SPINEMASK_PEERS (default: spinemask-peers in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}/training
if [ ! -x "$peers/bin/python" ]; then
	python3 -m venv "$peers"
	"$peers/bin/pip" install --quiet --disable-pip-version-check numpy torch==2.15.0 torchvision
fi
(cd "$here/../.." && go build -o "$peers/bin/spinemask" ./cmd/spinemask)
exec "$peers/bin/python" "$here/training.py" --ours "$peers/bin/spinemask" --model "$here/../../models/nuclei/nuclei.safetensors" "$@"

#!/usr/bin/env bash
# Installs the evaluators of Python in an environment outside the tree, builds ours beside it and times them in turn.
# usage: bench/peers/evaluators.sh --gt GT.json --dt RESULTS.json [--iou segm] [--runs 5] [--tools …]   (see evaluators.py)
# The environment is kept in $SPINEMASK_PEERS (default: spinemask-peers in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}
if [ ! -x "$peers/bin/python" ]; then
	python3 -m venv "$peers"
	"$peers/bin/pip" install --quiet --disable-pip-version-check \
		numpy pycocotools==2.0.11 hotcoco==1.3.0 ultrafast-pycocotools==0.1.14 faster-coco-eval==1.8.0 vernier==0.5.4
fi
(cd "$here/../.." && go build -o "$peers/bin/cocoeval" ./cmd/cocoeval)
exec "$peers/bin/python" "$here/evaluators.py" --ours "$peers/bin/cocoeval" "$@"

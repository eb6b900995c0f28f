#!/usr/bin/env bash
# usage: labels.sh [--pairs N] [--seed S] [--panopticapi DIR] [--hover-net DIR]: makes random label images and compares what `cocoeval labels` says about them
# with stardist's matching and cellpose's metrics, which are installed from PyPI in an environment that is kept in $SPINEMASK_LABELS (default:
# spinemask-labels in the system's folder for temporary files); with clones of github.com/cocodataset/panopticapi and github.com/vqdang/hover_net also
# with the panoptic quality and the aggregated Jaccard index of those.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${SPINEMASK_LABELS:-${TMPDIR:-/tmp}/spinemask-labels}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy scikit-image==0.26.0 numba tqdm six pillow tifffile
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps stardist==0.9.2 csbdeep cellpose==4.2.1.1 # without TensorFlow and PyTorch, which what is used of them does not need
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
(cd "$here/../.." && go build -o "$out/cocoeval" ./cmd/cocoeval)
"$venv/bin/python" "$here/labels.py" --ours "$out/cocoeval" --work "$out" "$@"

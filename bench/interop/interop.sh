#!/usr/bin/env bash
# usage: interop.sh [PATH…]: segments images (default: the committed ones) in all formats and reads each with the program that it is for: pycocotools, labelme,
# ultralytics and supervision, geojson and shapely, tifffile, Python's csv and json, Pillow. Readers are installed from PyPI in an environment
# that is kept in $SPINEMASK_INTEROP (default: spinemask-interop in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${SPINEMASK_INTEROP:-${TMPDIR:-/tmp}/spinemask-interop}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check \
    pycocotools==2.0.11 labelme==6.3.1 geojson==3.3.0 shapely==2.2.0 pillow==13.0.0 numpy==2.4.6 \
    supervision==0.31.2 tifffile==2026.3.3 scikit-image==0.26.0 pyyaml
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ultralytics==8.4.190 # without PyTorch, which what is used of it does not need
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
[ $# -gt 0 ] || set -- "$here/../../testdata/images"
(cd "$here/../.." && go build -o "$out/spinemask" ./cmd/spinemask)
"$out/spinemask" segment -r "$@" -o "$out/run" --save coco,dataset,jsonl,csv,labelme,yolo,geojson,masks,cutouts,crops,report || test $? = 2
(cd "$here/../.." && go test -count=1 ./export -run InstanceTIFF -args -labels="$out/labels.tif") # more instances than any photo has
"$venv/bin/python" "$here/read.py" "$out/run" "$out/labels.tif"

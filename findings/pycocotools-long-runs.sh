#!/usr/bin/env bash
# pycocotools 2.0.11 turns run lengths into another mask, without a word, where a run
# is shorter by more than 2^29 pixels than the one two before it: the difference needs a
# seventh character of five bits in the string, and its bits are shifted as 32-bit numbers
# when the string is read back. Masks of slides and orthomosaics have such runs: a mask
# that covers a good part of an image of 40,000 × 40,000 pixels, and then a little more.
# frPyObjects goes through the string, so uncompressed run lengths are hit as well.
#
# Seen (by how much the run is shorter: area that pycocotools says, area of the runs):
#   536870911: 536870931 536870931
#   536870912: 536870932 536870932
#   536870913: 1073741845 536870933
#   1073741824: 2147483660 1073741844
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pycocotools==2.0.11 numpy==2.4.6
"$work/venv/bin/python" - > "$work/seen" <<'PY'
from pycocotools import mask

for drop in (2**29 - 1, 2**29, 2**29 + 1, 2**30):
    runs = [1, drop + 10, 2, 10, 5]  # background, object, background, object, background
    height = 40000
    width = -(-sum(runs) // height)
    runs[-1] += height * width - sum(runs)
    rle = mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    print(f"{drop}: {mask.area(rle)} {runs[1] + runs[3]}")
PY
diff "$work/seen" - <<'SEEN'
536870911: 536870931 536870931
536870912: 536870932 536870932
536870913: 1073741845 536870933
1073741824: 2147483660 1073741844
SEEN
echo "as described: pycocotools 2.0.11"

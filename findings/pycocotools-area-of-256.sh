#!/usr/bin/env bash
# pycocotools 2.0.11 with NumPy 2.4.6, mask.area of a list of masks: from the 256th mask on it raises OverflowError. The number of masks of the
# list is put into an array of dtype uint8 on the way, and NumPy 2 refuses numbers that do not fit. It is the length of the list that counts, not the
# areas. mask.toBbox and mask.iou take the same list. Images with more than 255 objects are common in microscopy and aerial pictures;
# areas have to be asked for in parts, or one by one.
#
# Seen (a mask of 4 pixels, many times):
#   area of 255: 1020 pixels in all
#   area of 256: OverflowError
#   area of 256 in two parts: 1024 pixels in all
#   toBbox of 256: (256, 4)
#   iou of 256 with one: (256, 1)
#   one mask of 1024 pixels: 1024
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pycocotools==2.0.11 numpy==2.4.6
"$work/venv/bin/python" - > "$work/seen" <<'PY'
import numpy as np
from pycocotools import mask

encode = lambda side: mask.encode(np.ones((side, side), np.uint8, order="F"))
many = [encode(2)] * 256
print("area of 255:", mask.area(many[:255]).sum(), "pixels in all")
try:
    print("area of 256:", mask.area(many).sum(), "pixels in all")
except OverflowError as e:
    print("area of 256:", type(e).__name__)
print("area of 256 in two parts:", mask.area(many[:128]).sum() + mask.area(many[128:]).sum(), "pixels in all")
print("toBbox of 256:", mask.toBbox(many).shape)
print("iou of 256 with one:", mask.iou(many, many[:1], [0]).shape)
print("one mask of 1024 pixels:", mask.area(encode(32)))
PY
diff "$work/seen" - <<'SEEN'
area of 255: 1020 pixels in all
area of 256: OverflowError
area of 256 in two parts: 1024 pixels in all
toBbox of 256: (256, 4)
iou of 256 with one: (256, 1)
one mask of 1024 pixels: 1024
SEEN
echo "as described: pycocotools 2.0.11, NumPy 2.4.6"

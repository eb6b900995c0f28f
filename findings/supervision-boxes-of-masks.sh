#!/usr/bin/env bash
# supervision 0.31.2: the boxes that mask_to_xyxy takes from masks end at the first edge of the last pixel,
# not at its second; everything else in supervision, and COCO, counts x + width as the end. A mask of 10x10
# pixels gets a box of 9x9, one of a pixel a box without area. DetectionDataset.as_coco writes these boxes
# where detections were made from masks, and pycocotools finds an IoU of 0.81 between such a box and that of
# the same mask by its own toBbox.
#
# Seen:
#   mask of 1x1: supervision 0x0, pycocotools 1x1, IoU 0.00
#   mask of 4x4: supervision 3x3, pycocotools 4x4, IoU 0.56
#   mask of 10x10: supervision 9x9, pycocotools 10x10, IoU 0.81
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q supervision==0.31.2 opencv-python-headless==4.14.0.94 pycocotools==2.0.11 numpy==2.4.6
"$work/venv/bin/python" - "$work" > "$work/seen" 2> /dev/null <<'PY'
import numpy as np, supervision
from pycocotools import mask as coco

for side in (1, 4, 10):
    m = np.zeros((1, 40, 40), bool)
    m[0, 5 : 5 + side, 5 : 5 + side] = True
    box = supervision.mask_to_xyxy(m)[0].astype(float)
    mine = np.array([[box[0], box[1], box[2] - box[0], box[3] - box[1]]])
    theirs = coco.toBbox(coco.encode(np.asfortranarray(m[0].astype(np.uint8))))[None]
    print(f"mask of {side}x{side}: supervision {mine[0, 2]:.0f}x{mine[0, 3]:.0f}, pycocotools {theirs[0, 2]:.0f}x{theirs[0, 3]:.0f}, IoU {coco.iou(mine, theirs, [0])[0, 0]:.2f}")
PY
diff "$work/seen" - <<'SEEN'
mask of 1x1: supervision 0x0, pycocotools 1x1, IoU 0.00
mask of 4x4: supervision 3x3, pycocotools 4x4, IoU 0.56
mask of 10x10: supervision 9x9, pycocotools 10x10, IoU 0.81
SEEN
echo "as described: supervision 0.31.2"

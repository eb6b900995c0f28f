#!/usr/bin/env bash
# supervision 0.31.2, DetectionDataset.as_coco: an instance whose mask has a hole, or more than one part, is
# written with iscrowd = 1. In COCO's terms it is a crowd then: evaluation does not ask for it and forgives
# what is found in it, and most trainings leave it out. So of a data set that went through supervision,
# cells with a hole and objects behind a pole are no objects any more, and AP is that of the others.
#
# Seen:
#   whole: iscrowd 0, area 100
#   with a hole: iscrowd 1, area 200
#   of two parts: iscrowd 1, area 32
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q supervision==0.31.2 opencv-python-headless==4.14.0.94 pycocotools==2.0.11 numpy==2.4.6
"$work/venv/bin/python" - "$work" > "$work/seen" 2> /dev/null <<'PY'
import json, sys
import cv2, numpy as np, supervision

masks = np.zeros((3, 40, 40), bool)
masks[0, 5:15, 5:15] = True
masks[1, 20:35, 20:35] = True
masks[1, 25:30, 25:30] = False
masks[2, 2:6, 30:34] = masks[2, 10:14, 30:34] = True
image, out = sys.argv[1] + "/a.png", sys.argv[1] + "/coco.json"
cv2.imwrite(image, np.zeros((40, 40, 3), np.uint8))
found = supervision.Detections(xyxy=supervision.mask_to_xyxy(masks).astype(float), mask=masks, class_id=np.zeros(3, int))
supervision.DetectionDataset(classes=["cell"], images=[image], annotations={image: found}).as_coco(annotations_path=out)
for name, a in zip(("whole", "with a hole", "of two parts"), json.load(open(out))["annotations"]):
    print(f"{name}: iscrowd {a['iscrowd']}, area {a['area']:.0f}")
PY
diff "$work/seen" - <<'SEEN'
whole: iscrowd 0, area 100
with a hole: iscrowd 1, area 200
of two parts: iscrowd 1, area 32
SEEN
echo "as described: supervision 0.31.2"

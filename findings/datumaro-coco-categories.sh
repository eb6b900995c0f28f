#!/usr/bin/env bash
# Datumaro 1.13.12, COCO in and COCO out: image ids and annotation ids stay, category ids are counted anew
# from 1. COCO's own ids have gaps (1 to 90 for 80 categories), so a file that went through has other ids
# for all but the first eleven, and a results file with the old ones is read by pycocotools without a word:
# classes are compared with other classes, or with none.
#
# Seen:
#   categories before: {'cell': 5, 'debris': 9} after: {'cell': 1, 'debris': 2}
#   images before: [7] after: [7]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q datumaro==1.13.12 pycocotools==2.0.11 opencv-python-headless==4.14.0.94
"$work/venv/bin/python" - "$work" > "$work/seen" 2> /dev/null <<'PY'
import json, os, sys
import cv2, datumaro, numpy as np

work = sys.argv[1]
os.makedirs(work + "/in/annotations")
os.makedirs(work + "/in/images/val")
cv2.imwrite(work + "/in/images/val/a.png", np.zeros((40, 40, 3), np.uint8))
square = [[5, 5, 15, 5, 15, 15, 5, 15]]
ring = {"size": [40, 40], "counts": [820] + [15, 25] * 4 + [15, 25, 5, 5, 5, 25, 5, 5, 5, 25, 5, 5, 5, 25, 5, 5, 5, 25, 5, 5, 5, 25] + [15, 25] * 4 + [15, 205]}
annotations = [
    dict(id=1, image_id=7, category_id=5, iscrowd=0, area=100, bbox=[5, 5, 10, 10], segmentation=square),
    dict(id=2, image_id=7, category_id=9, iscrowd=0, area=200, bbox=[20, 20, 15, 15], segmentation=ring),
    dict(id=3, image_id=7, category_id=9, iscrowd=1, area=200, bbox=[20, 20, 15, 15], segmentation=ring),
]
names = {5: "cell", 9: "debris"}
truth = dict(images=[dict(id=7, file_name="a.png", width=40, height=40)], categories=[dict(id=i, name=n) for i, n in names.items()], annotations=annotations)
json.dump(truth, open(work + "/in/annotations/instances_val.json", "w"))
data = datumaro.Dataset.import_from(work + "/in", "coco_instances")


def export(to, **options):
    data.export(work + "/" + to, "coco_instances", **options)
    return json.load(open(work + "/" + to + "/annotations/instances_val.json"))


written = export("out")
print("categories before:", {c["name"]: c["id"] for c in truth["categories"]}, "after:", {c["name"]: c["id"] for c in written["categories"]})
print("images before:", [i["id"] for i in truth["images"]], "after:", [i["id"] for i in written["images"]])
PY
diff "$work/seen" - <<'SEEN'
categories before: {'cell': 5, 'debris': 9} after: {'cell': 1, 'debris': 2}
images before: [7] after: [7]
SEEN
echo "as described: Datumaro 1.13.12"

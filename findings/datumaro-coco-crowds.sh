#!/usr/bin/env bash
# Datumaro 1.13.12, export to COCO: with segmentation_mode "mask" everything is written with iscrowd = 1,
# with "polygons" everything with 0, whatever the annotations say. So objects that are kept exactly, as
# masks, are crowds in the file, which evaluation does not ask for and most trainings leave out; and real
# crowds are objects. Only the default, "guess", keeps the flags, and draws the mask of an object as
# polygons: 196 pixels of 200 here.
#
# Seen:
#   as it is: iscrowd 0 0 1 area 100 200 200
#   guess: iscrowd 0 0 1 area 100 196 200
#   polygons: iscrowd 0 0 0 area 100 196 196
#   mask: iscrowd 1 1 1 area 100 200 200
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


print("as it is: iscrowd", *(a["iscrowd"] for a in annotations), "area", *(a["area"] for a in annotations))
for mode in ("guess", "polygons", "mask"):
    written = sorted(export(mode, segmentation_mode=mode)["annotations"], key=lambda a: a["id"])
    print(f"{mode}: iscrowd", *(a["iscrowd"] for a in written), "area", *(f"{a['area']:g}" for a in written))
PY
diff "$work/seen" - <<'SEEN'
as it is: iscrowd 0 0 1 area 100 200 200
guess: iscrowd 0 0 1 area 100 196 200
polygons: iscrowd 0 0 0 area 100 196 196
mask: iscrowd 1 1 1 area 100 200 200
SEEN
echo "as described: Datumaro 1.13.12"

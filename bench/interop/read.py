"""Reads a run of spinemask with the programs that its files are for, and holds them against each other.

Masks of results.json are exact. Outlines (data set, labelme, YOLO, GeoJSON) are made for the rule by which their readers fill them; what those fill is compared by
intersection over union.
"""

import contextlib
import csv
import glob
import io
import json
import os
import sys

import geojson
import labelme._label_file as labelme_file
import loguru
import numpy as np
import PIL.Image
import shapely.geometry
import skimage.measure
import tifffile
import yaml
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import fillers

loguru.logger.remove()
out = sys.argv[1]
path = lambda *p: os.path.join(out, *p)
stem = lambda name: os.path.splitext(name)[0]


def report(what, ious, least_mean):
    ious = np.array(ious)
    print(f"{what}: {len(ious)} read; intersection over union with the exact mask: mean {ious.mean():.4f}, 1 in 100 below {np.quantile(ious, 0.01):.3f}, least {ious.min():.3f}")
    assert ious.mean() >= least_mean, what


def iou(a, b):
    union = np.logical_or(a, b).sum()
    return np.logical_and(a, b).sum() / union if union else 1.0


with contextlib.redirect_stdout(io.StringIO()):
    images = COCO(path("images.json"))
    results = images.loadRes(path("results.json"))
ids = images.getImgIds()
exact = {i: [results.annToMask(a) for a in results.loadAnns(sorted(results.getAnnIds(imgIds=i)))] for i in ids}
info = {i: images.loadImgs(i)[0] for i in ids}
count = sum(len(m) for m in exact.values())
print(f"results.json, images.json (pycocotools): {len(ids)} images, {count} instances")

with contextlib.redirect_stdout(io.StringIO()):
    dataset = COCO(path("dataset.json"))
    detections = dataset.loadRes(path("results.json"))
    evaluation = COCOeval(dataset, detections, "segm")
    evaluation.params.maxDets = [1, 10, 1000]
    evaluation.evaluate()
    evaluation.accumulate()
ious = []
for i in ids:
    anns = dataset.loadAnns(sorted(dataset.getAnnIds(imgIds=i)))
    assert len(anns) == len(exact[i])
    ious += [iou(dataset.annToMask(a), m) for a, m in zip(anns, exact[i])]
    assert all(a["area"] == m.sum() for a, m in zip(anns, exact[i]))
report("dataset.json (pycocotools)", ious, 0.95)
precision = evaluation.eval["precision"][0, :, :, 0, 2]  # IoU 0.5, all areas, maxDets 1000
print(f"  the results scored against it by pycocotools: AP at IoU 0.5 {precision[precision > -1].mean():.4f}")
assert precision[precision > -1].mean() > 0.99

lines = [json.loads(line) for line in open(path("results.jsonl"))]
assert [line["id"] for line in lines if "instances" in line] == ids
for line in lines:
    for a, m in zip(line.get("instances", []), exact.get(line["id"], [])):
        assert (rle.decode(a["segmentation"]) == m).all() and a["area"] == m.sum()
print(f"results.jsonl (json): {len(lines)} lines, the same masks")

rows = list(csv.DictReader(open(path("results.csv"), newline="")))
assert len(rows) == count
for r in rows:
    m = exact[int(r["image_id"])][int(r["instance"]) - 1]
    y, x = np.nonzero(m)
    assert int(r["area"]) == len(x)
    assert abs(float(r["centroid_x"]) - (x.mean() + 0.5)) < 0.0051 and abs(float(r["centroid_y"]) - (y.mean() + 0.5)) < 0.0051
print(f"results.csv (csv): {len(rows)} rows, the same areas and centres")

summary = list(csv.DictReader(open(path("images.csv"), newline="")))
assert {int(r["image_id"]) for r in summary if not r["error"]} == set(ids)
for r in summary:
    if not r["error"]:
        ms = exact[int(r["image_id"])]
        assert int(r["count"]) == len(ms) and int(r["area"]) == sum(int(m.sum()) for m in ms)
        union = np.any(ms, axis=0).mean() if ms else 0
        assert abs(float(r["covered"]) - union) < 1e-6
print(f"images.csv (csv): {len(summary)} rows, the same counts, areas and covered parts")

ious, shapes = [], 0
for i in ids:
    data = labelme_file.read_label_file(path("labelme", stem(info[i]["file_name"]) + ".json"))
    assert data.image_data, "labelme found the image itself"
    masks, h, w = {}, info[i]["height"], info[i]["width"]
    order = []
    for k, s in enumerate(data.shapes):
        key = ("g", s["group_id"]) if s["group_id"] is not None else ("s", k)
        if key not in masks:
            masks[key] = np.zeros((h, w), bool)
            order.append(key)
        masks[key] |= fillers.labelme(s["points"], h, w)
        shapes += 1
    assert len(order) == len(exact[i])
    ious += [iou(masks[k], m) for k, m in zip(order, exact[i])]
report(f"labelme/ (labelme's shape_to_mask, {shapes} shapes)", ious, 0.999)

# As ultralytics reads a data file (data/utils.py: check_det_dataset, img2label_paths, verify_image_label).
data = yaml.safe_load(open(path("labels.yaml")))
assert set(data) == {"train", "val", "names"} and data["names"] == {0: "nucleus"}
photos = sorted(glob.glob(path(data["val"], "*")))
assert len(photos) == len(ids)
ious = {"ultralytics' polygon2mask": [], "supervision": [], "ultralytics' polygon2mask after its resampling to 1000 points": []}
for i in ids:
    h, w = info[i]["height"], info[i]["width"]
    photo = path(data["val"], info[i]["file_name"])
    assert photo in photos and PIL.Image.open(photo).size == (w, h)
    label = "/labels/".join(photo.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt"
    rows = [r.split() for r in open(label).read().splitlines()]
    assert len(rows) == len(exact[i])
    for r, m in zip(rows, exact[i]):
        assert len(r) > 6 and int(r[0]) == 0
        points = np.array(r[1:], np.float32).reshape(-1, 2)
        assert points.min() >= 0 and points.max() <= 1
        for name, filled in zip(ious, (fillers.ultralytics(points, h, w), fillers.supervision(points, h, w), fillers.ultralytics(points, h, w, 1000))):
            ious[name].append(iou(filled, m))
for name, list_ in ious.items():
    report(f"labels/ ({name})", list_, 0.98 if "resampling" in name else 0.999)

ious = []
for i in ids:
    collection = geojson.load(open(path("geojson", stem(info[i]["file_name"]) + ".geojson")))
    assert collection.is_valid, collection.errors()
    assert len(collection.features) == len(exact[i])
    for f, m in zip(collection.features, exact[i]):
        g = shapely.geometry.shape(f.geometry)
        assert g.is_valid, shapely.is_valid_reason(g)
        y, x = np.nonzero(m)
        inside = shapely.contains_xy(g, x + 0.5, y + 0.5).sum()
        ys, xs = np.mgrid[max(y.min() - 1, 0) : y.max() + 2, max(x.min() - 1, 0) : x.max() + 2]
        ious.append(inside / (len(x) + shapely.contains_xy(g, xs.ravel() + 0.5, ys.ravel() + 0.5).sum() - inside))
        assert f.properties["measurements"]["area"] == len(x)
report("geojson/ (geojson, shapely; at the centres of pixels)", ious, 0.97)

for i in ids:
    name = stem(info[i]["file_name"])
    labels = np.array(PIL.Image.open(path("masks", name + ".png")))
    assert labels.dtype in (np.uint16, np.int32)
    want = np.zeros(labels.shape, np.int64)
    for k, m in reversed(list(enumerate(exact[i]))):
        want[m > 0] = k + 1
    assert (labels == want).all()
    files = sorted(glob.glob(path("cutouts", name, "*.png")))
    assert len(files) == len(exact[i]) == len(glob.glob(path("crops", name, "*.png")))
    for f, m in zip(files, exact[i]):
        assert (np.array(PIL.Image.open(f))[:, :, 3] > 0).sum() == m.sum()
print("masks/, cutouts/, crops/ (Pillow): the same masks")
labels = tifffile.imread(sys.argv[2])
assert labels.shape == (1400, 300) and labels.dtype == np.uint32
assert (np.unique(labels) == np.arange(70001)).all() and len(skimage.measure.regionprops(labels)) == 70000
at = np.arange(70000) * 6
assert (labels[at % 1400, at // 1400] == np.arange(1, 70001)).all()
print("a label image of 70,000 instances in 32 bits (tifffile, scikit-image): the same labels")
print(f"report.html: {os.path.getsize(path('report.html')) // 1000} kB")

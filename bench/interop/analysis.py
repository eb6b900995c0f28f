#!/usr/bin/env python3
"""Compares the tables of error analysis with the originals on random pairs.

usage: analysis.py TABLES [N] [SEED]     TABLES: the program of bench/tables; N pairs (600), half of them of boxes, half of masks

tidecv 1.0.1: letters' counts, AP and effects, to 1e-9 AP points. hotcoco 1.3.0: TIDE by COCO's matching (counts and effects,
except where a crowd of the same class makes a Loc, or IoUs or the scores of Cls are tied, which it treats otherwise), the confusion matrix by
score, ECE and MCE. supervision 0.31.2: the confusion matrix by IoU, of boxes, except where float32 puts an IoU on the other
side of the threshold. Our own matrix has no original: its rows must add up to the annotations, its columns to the detections.
Boxes lie on a coarse grid, so that IoUs of exactly 0.5 and 0.1, ties, crowds, empty images and classes without annotations
are frequent.
"""
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter

import numpy as np

CLASSES = [3, 7, 11]


def polygon(b):
    x, y, w, h = b
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def random_pair(rng, masks):
    size, step = 64, rng.choice([5, 10])
    images = rng.sample(range(1, 40), rng.randint(1, 5))
    tied = rng.random() < 0.3

    def box():
        return [step * rng.randrange(0, 40 // step), step * rng.randrange(0, 40 // step), rng.choice([10, 10, 20]), rng.choice([10, 10, 20])]

    annotations, results = [], []
    for image in images:
        boxes = []
        for _ in range(rng.choice([0, 1, 2, 4, 8])):
            b = box()
            boxes.append(b)
            annotations.append({
                "id": len(annotations) + 1, "image_id": image, "category_id": rng.choice(CLASSES[: rng.randint(1, 3)]), "bbox": b,
                "area": b[2] * b[3], "iscrowd": int(rng.random() < 0.12), "segmentation": polygon(b),
            })
        for _ in range(rng.choice([0, 1, 3, 9])):
            b = rng.choice(boxes)[:] if boxes and rng.random() < 0.7 else box()
            if rng.random() < 0.5:
                b[rng.randrange(2)] += rng.choice([-5, 5, 10, 2])
            b = [max(0, b[0]), max(0, b[1]), b[2], b[3]]
            score = rng.choice([0.3, 0.5, 0.7, 0.8, 0.9]) if tied else round(rng.random(), 3)
            d = {"image_id": image, "category_id": rng.choice(CLASSES), "score": score}
            d["segmentation" if masks else "bbox"] = b
            results.append(d)
    rng.shuffle(annotations)
    rng.shuffle(results)
    gt = {
        "images": [{"id": i, "width": size, "height": size, "file_name": f"{i}.png"} for i in images],
        "categories": [{"id": c, "name": f"c{c}", "supercategory": "s"} for c in CLASSES], "annotations": annotations,
    }
    if masks:
        from pycocotools import mask

        for d in results:
            r = mask.frPyObjects(polygon(d["segmentation"]), size, size)[0]
            d["segmentation"] = {"size": r["size"], "counts": r["counts"].decode()}
        for a in annotations:
            if a["iscrowd"]:
                r = mask.frPyObjects(a["segmentation"], size, size)[0]
                a["segmentation"] = {"size": r["size"], "counts": r["counts"].decode()}
    scores = [d["score"] for d in results]
    return gt, results, len(set(scores)) < len(scores)


class Failures(Exception):
    pass


def equal(what, want, got, delta=0.0):
    if isinstance(want, float) and delta:
        ok = abs(want - got) <= delta
    else:
        ok = want == got
    if not ok:
        raise Failures(f"{what}: {want} by the original, {got} by ours")


def run_tidecv(gt_file, dt_file, masks):
    import tidecv
    from tidecv import datasets

    tide = tidecv.TIDE()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            run = tide.evaluate(datasets.COCO(gt_file), datasets.COCOResult(dt_file), mode=tidecv.TIDE.MASK if masks else tidecv.TIDE.BOX)
            main = {k.short_name: v for k, v in run.fix_main_errors().items()}
            special = {k.short_name: v for k, v in run.fix_special_errors().items()}
    except ZeroDivisionError:
        return None
    return run.ap, main, special, {k.short_name: v for k, v in run.count_errors().items()}


def check_tidecv(gt_file, dt_file, masks, ours):
    original = run_tidecv(gt_file, dt_file, masks)
    if original is None:
        return False
    ap, main, special, counts = original
    equal("AP", float(ap), ours["ap"] * 100, 1e-9)
    for e in ours["errors"]:
        equal(e["type"] + " count", counts[e["type"]], e["count"])
        equal(e["type"], float(main[e["type"]]), e["delta_ap"] * 100, 1e-9)
    equal("FalsePos", float(special["FalsePos"]), ours["false_positives_delta_ap"] * 100, 1e-9)
    equal("FalseNeg", float(special["FalseNeg"]), ours["false_negatives_delta_ap"] * 100, 1e-9)
    return True


def hotcoco_matrix(c):
    m, ids = np.array(c["matrix"]), list(c["cat_ids"]) + [None]
    return Counter({(ids[i], ids[j]): int(m[i, j]) for i, j in zip(*np.nonzero(m))})


def our_matrix(c):
    return Counter({(x["truth"], x["detected"]): x["count"] for x in c["cells"]})


def unclear(gt, results):
    """Whether a crowd lies under a detection of its class, which hotcoco may call a Loc, or a detection overlaps two
    annotations alike, of which hotcoco takes another one than tidecv."""
    from pycocotools import mask

    def rle(x, size):
        s = x.get("segmentation") or polygon(x["bbox"])
        return s if isinstance(s, dict) else mask.frPyObjects(s, size, size)[0]

    for d in results:
        seen = set()
        for a in gt["annotations"]:
            if a["image_id"] != d["image_id"]:
                continue
            iou = mask.iou([rle(d, 64)], [rle(a, 64)], [a["iscrowd"]])[0][0]
            if iou >= 0.1 and (iou in seen or a["iscrowd"] and a["category_id"] == d["category_id"]):
                return True
            if not a["iscrowd"]:
                seen.add(iou)
    return False


def check_hotcoco(gt_file, dt_file, masks, ours, free, tied):
    from hotcoco import COCO, COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(gt_file)
        e = COCOeval(truth, truth.load_res(dt_file), "segm" if masks else "bbox")
        e.evaluate()
        e.accumulate()
        tide, matrix, calibration = e.tide_errors(), e.confusion_matrix(), e.calibration()
    equal("hotcoco's confusion", hotcoco_matrix(matrix), our_matrix(ours["score_first"]))
    equal("ECE", float(calibration["ece"]), ours["calibration"]["ece"], 1e-12)
    equal("MCE", float(calibration["mce"]), ours["calibration"]["mce"], 1e-12)
    if free:
        for x in ours["tide"]["errors"]:
            equal("hotcoco's " + x["type"] + " count", tide["counts"][x["type"]], x["count"])
            if not (tied and x["type"] == "Cls"):
                equal("hotcoco's " + x["type"], float(tide["delta_ap"][x["type"]]), x["delta_ap"], 1e-9)


def check_supervision(gt, results, ours):
    import supervision as sv

    images = [im["id"] for im in gt["images"]]
    index = {c: i for i, c in enumerate(CLASSES)}

    def detections(list_, score):
        if not list_:
            return sv.Detections.empty()
        xywh = np.array([x["bbox"] for x in list_], dtype=np.float64)
        return sv.Detections(
            xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1), class_id=np.array([index[x["category_id"]] for x in list_]),
            confidence=np.array([x["score"] for x in list_]) if score else None,
        )

    truth = [detections([a for a in gt["annotations"] if a["image_id"] == i and not a["iscrowd"]], False) for i in images]
    found = [detections([d for d in results if d["image_id"] == i], True) for i in images]
    m = sv.ConfusionMatrix.from_detections(predictions=found, targets=truth, classes=[str(c) for c in CLASSES], conf_threshold=0.0, iou_threshold=0.5).matrix
    ids = CLASSES + [None]
    equal("supervision's confusion", Counter({(ids[i], ids[j]): int(m[i, j]) for i, j in zip(*np.nonzero(m))}), our_matrix(ours["iou_first"]))


def check_sums(gt, results, ours):
    c = our_matrix(ours["class_first"])
    truth = Counter(a["category_id"] for a in gt["annotations"] if not a["iscrowd"])
    rows, columns = Counter(), Counter()
    for (t, d), n in c.items():
        if t is not None:
            rows[t] += n
        if d is not None:
            columns[d] += n
    equal("rows", truth, rows)
    equal("columns", len(results), sum(columns.values()) + ours["class_first"]["ignored"])
    letters = ours["tide"]["detections"]
    equal("diagonal", letters.count("T"), sum(n for (t, d), n in c.items() if t == d))


def main():
    tables, n, seed = sys.argv[1], int((sys.argv + [600])[2] if len(sys.argv) > 2 else 600), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    counts, failures = Counter(), []
    for masks in (False, True):
        pairs = []
        while len(pairs) < (n + 1) // 2:
            pair = random_pair(rng, masks)
            if pair[1]:
                pairs.append(pair)
        lines = "".join(json.dumps({"gt": g, "dt": d}) + "\n" for g, d, _ in pairs)
        out = subprocess.run([tables, "pairs", "segm" if masks else "bbox"], input=lines, capture_output=True, text=True, check=True).stdout
        for k, ((gt, results, tied), line) in enumerate(zip(pairs, out.splitlines(), strict=True)):
            ours = json.loads(line, parse_constant=lambda s: 1 / 0)
            with tempfile.TemporaryDirectory() as tmp:
                gt_file, dt_file = os.path.join(tmp, "gt.json"), os.path.join(tmp, "dt.json")
                for path, x in ((gt_file, gt), (dt_file, results)):
                    with open(path, "w") as f:
                        json.dump(x, f)
                free = not unclear(gt, results)
                checks = [
                    ("tidecv", lambda: check_tidecv(gt_file, dt_file, masks, ours["tidecv"])),
                    ("hotcoco", lambda: check_hotcoco(gt_file, dt_file, masks, ours, free, tied)),
                    ("sums", lambda: check_sums(gt, results, ours)),
                ]
                if not masks:
                    checks.append(("supervision", lambda: check_supervision(gt, results, ours)))
                for name, check in checks:
                    try:
                        if check() is not False:
                            counts[name] += 1
                        else:
                            counts[name + " divides by zero"] += 1
                        if name == "hotcoco" and free:
                            counts["hotcoco's TIDE"] += 1
                    except Failures as e:
                        failures.append(f"{'segm' if masks else 'bbox'} pair {k}: {name}: {e}")
    for f in failures[:20]:
        print(f)
    print(f"seed {seed}: " + ", ".join(f"{k}: {v}" for k, v in sorted(counts.items())) + f"; {len(failures)} differences")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

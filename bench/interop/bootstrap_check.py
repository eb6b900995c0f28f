#!/usr/bin/env python3
"""Compares the statistics of resampled images with pycocotools on the copies written out as a data set.

usage: bootstrap_check.py --ours BINARY --gt GT.json --dt RESULTS.json [--iou bbox] [--count 500] [--images 12] [--seed 1]

BINARY is bench/tables. Samples are drawn here, in any order, from a random part of the images, so that most have copies and
some lack classes; half of them round the scores to tenths, so that many tie. Needs numpy and pycocotools.
"""
import argparse, contextlib, io, json, os, random, subprocess, tempfile

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def quiet(f, *args):
    with contextlib.redirect_stdout(io.StringIO()):
        return f(*args)


def statistics(gt, results, iou):
    def run():
        truth = COCO()
        truth.dataset = gt
        truth.createIndex()
        e = COCOeval(truth, truth.loadRes(results), iou)
        e.evaluate()
        e.accumulate()
        e.summarize()
        return e.stats.tolist()

    return quiet(run)


def copies(gt, anns, dets, sample, images):
    """The images of a sample, each with its place + 1 as id."""
    out, results = {"images": [], "categories": gt["categories"], "annotations": []}, []
    for place, i in enumerate(sample):
        out["images"].append({**images[i], "id": place + 1})
        for a in anns.get(i, []):
            out["annotations"].append({**a, "image_id": place + 1, "id": len(out["annotations"]) + 1})
        results += [{**d, "image_id": place + 1} for d in dets.get(i, [])]
    return out, results


def by_image(entries):
    out = {}
    for e in entries:
        out.setdefault(e["image_id"], []).append(e)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True)
    p.add_argument("--gt", required=True)
    p.add_argument("--dt", required=True)
    p.add_argument("--iou", default="bbox", choices=["bbox", "segm"])
    p.add_argument("--count", type=int, default=500)
    p.add_argument("--images", type=int, default=12)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    rng = random.Random(args.seed)
    gt, base = json.load(open(args.gt)), json.load(open(args.dt))
    gt = {k: gt[k] for k in ("images", "categories", "annotations")}
    images, anns = {i["id"]: i for i in gt["images"]}, by_image(gt["annotations"])
    worst, compared, empty = 0.0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for rounded in (False, True):
            dets = [{**d, "score": round(d["score"], 1)} for d in base] if rounded else base
            path = os.path.join(folder, "dt.json")
            json.dump(dets, open(path, "w"))
            of = by_image(dets)
            samples = []
            for _ in range(args.count // 2):
                part = rng.sample(sorted(images), min(args.images, len(images)))
                samples.append([rng.choice(part) for _ in part])
            samples = [s for s in samples if any(i in of for i in s)]  # pycocotools refuses an empty list of results
            text = json.dumps(samples)
            out = subprocess.run([args.ours, "samples", args.iou, args.gt, path], input=text, capture_output=True, text=True, check=True).stdout
            for sample, ours in zip(samples, json.loads(out), strict=True):
                g, r = copies(gt, anns, of, sample, images)
                theirs = statistics(g, r, args.iou)
                worst = max(worst, float(np.abs(np.subtract(ours, theirs)).max()))
                compared += 1
                empty += min(theirs) < 0
    print(f"{args.iou}: {compared} samples of {args.images} images, {empty} with a statistic of -1: largest difference {worst:.3g}")
    if not compared or worst > 1e-12:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

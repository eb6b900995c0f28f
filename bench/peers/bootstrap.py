#!/usr/bin/env python3
"""Times paired bootstraps over images side by side: hotcoco's compare and ours, in turn, in one window.

usage: bootstrap.py --ours BINARY --gt GT.json --a A.json --b B.json [--iou bbox|segm] [--runs N] [--resamples N]

BINARY is bench/tables. Both are timed in CPU seconds after both models were evaluated: what a resample costs, for both models
and 12 statistics. hotcoco's time without resamples, its comparison of the two models, is taken off.
"""
import argparse, contextlib, io, json, statistics, subprocess, time

from hotcoco import COCO, COCOeval, compare


def cpu(f, *args, **named):
    start = time.process_time()
    out = f(*args, **named)
    return time.process_time() - start, out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True)
    p.add_argument("--gt", required=True)
    p.add_argument("--a", required=True)
    p.add_argument("--b", required=True)
    p.add_argument("--iou", default="bbox", choices=["bbox", "segm"])
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--resamples", type=int, default=100)
    args = p.parse_args()
    with contextlib.redirect_stdout(io.StringIO()):
        truth, models = COCO(args.gt), []
        for results in (args.a, args.b):
            e = COCOeval(truth, truth.loadRes(results), args.iou)
            e.evaluate()
            models.append(e)
    theirs, ours = [], []
    for _ in range(args.runs):
        alone, _ = cpu(compare, *models, n_bootstrap=0)
        all_, t = cpu(compare, *models, n_bootstrap=args.resamples, seed=1)
        theirs.append((all_ - alone) / args.resamples)
        out = subprocess.run([args.ours, "bootstrap", args.iou, args.gt, args.a, args.b, str(args.resamples)], capture_output=True, text=True, check=True)
        o = json.loads(out.stdout)
        ours.append(o["cpu"] / args.resamples)
    name, d = "AP", o["stats"][0]
    print(f"{args.iou}: {args.resamples} resamples, {args.runs} rounds; CPU ms of a resample, both models")
    print(f"hotcoco {1e3 * statistics.median(theirs):8.3f}   {name}: {t['deltas'][name]:+.6f} {t['ci'][name] if t['ci'] else ''}")
    print(f"ours    {1e3 * statistics.median(ours):8.3f}   {name}: {d['delta']:+.6f} [{d['low']:+.6f}, {d['high']:+.6f}]")
    print(f"ours/hotcoco {statistics.median(o / t for o, t in zip(ours, theirs)):.4f}")


if __name__ == "__main__":
    main()

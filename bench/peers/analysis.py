#!/usr/bin/env python3
"""CPU seconds of the tables of error analysis (TIDE, confusion, thresholds, calibration, per image) over the evaluation
alone: ours and hotcoco's, in turn, in one window.

usage: analysis.py TABLES --gt GT.json --dt RESULTS.json [--iou bbox|segm] [--runs 5]     TABLES: the program of bench/tables

Each round is a fresh process of either; the least of three evaluations without and with tables counts for ours, the sum of
its calls for hotcoco, which computes each table anew when it is asked.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CALLS = {
    "TIDE": lambda e: e.tide_errors(), "confusion": lambda e: e.confusion_matrix(), "thresholds": lambda e: e.f_scores(),
    "calibration": lambda e: e.calibration(), "images": lambda e: e.image_diagnostics(),
}


def child(iou, gt, dt):
    """Times hotcoco's calls; prints them as JSON on the real standard output."""
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from hotcoco import COCO, COCOeval

    truth = COCO(gt)
    e = COCOeval(truth, truth.load_res(dt), iou)
    begin = time.process_time()
    e.evaluate()
    e.accumulate()
    figures = {"evaluation": time.process_time() - begin}
    for name, call in CALLS.items():
        begin = time.process_time()
        call(e)
        figures[name] = time.process_time() - begin
    os.write(out, json.dumps(figures).encode())


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("tables")
    p.add_argument("--gt", required=True)
    p.add_argument("--dt", required=True)
    p.add_argument("--iou", default="bbox", choices=["bbox", "segm"])
    p.add_argument("--runs", type=int, default=5)
    args = p.parse_args()
    ours, theirs = [], []
    for _ in range(args.runs):
        x = json.loads(subprocess.check_output([args.tables, "time", args.iou, args.gt, args.dt, "3"]))
        ours.append((min(x["evaluation"]), min(x["with_tables"])))
        theirs.append(json.loads(subprocess.check_output([sys.executable, __file__, "--child", args.iou, args.gt, args.dt])))
    median = statistics.median
    print(f"hotcoco: evaluation {median(t['evaluation'] for t in theirs):.3f}, " + ", ".join(f"{n} {median(t[n] for t in theirs):.3f}" for n in CALLS))
    print(f"ours: evaluation {median(a for a, _ in ours):.3f}, with all tables {median(b for _, b in ours):.3f}")
    hotcoco = [sum(t[n] for n in CALLS) for t in theirs]
    extra = [b - a for a, b in ours]
    print(f"tables over the evaluation: ours {median(extra):.3f} s, hotcoco {median(hotcoco):.3f} s, ratio {median(a / b for a, b in zip(extra, hotcoco)):.2f}")


if __name__ == "__main__":
    main()

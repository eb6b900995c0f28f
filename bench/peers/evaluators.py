#!/usr/bin/env python3
"""Times COCO evaluators side by side: ours and those of Python, in turn, in one window.

usage: evaluators.py --gt GT.json --dt RESULTS.json [--iou bbox|segm|boundary] [--runs N] [--ours BINARY]
                     [--tools NAME,NAME] [--json FILE]

Every run is a fresh process. A Python tool is timed from after its imports to the end of load + evaluate + accumulate;
our binary is timed as a whole process, from its start to its exit, report included: the comparison leans to the others.
Rounds go through all tools in turn, so that a slow spell of the machine hits all of them. A tool that refuses the input
is listed with its first words and not tried again. The driver itself imports only the standard library, because a
child's peak of memory begins at that of its parent.
"""
import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

PYTHON_TOOLS = ["ultrafast", "hotcoco", "vernier", "faster-coco-eval", "pycocotools"]


def load_tool(name, iou):
    """Imports a tool and returns f(gt, dt) -> function that gives the AP when it is asked, outside the timing."""
    if name == "vernier":
        from pathlib import Path

        from vernier import instance

        kind = {"bbox": "Bbox", "segm": "Segm", "boundary": "Boundary"}[iou]
        evaluator = instance.Evaluator(iou=getattr(instance, kind)(), parity_mode="strict")

        def run(gt, dt):
            data = instance.CocoDataset.from_json(Path(gt).read_bytes())
            summary = evaluator.evaluate(data, Path(dt).read_bytes())
            return lambda: summary.stats[0]

        return run
    if name == "hotcoco":
        from hotcoco import COCO, COCOeval
    elif name == "ultrafast":
        from ultrafast_pycocotools import COCO, COCOeval
    elif name == "faster-coco-eval":
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as COCOeval
    else:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

    def run(gt, dt):
        truth = COCO(gt)
        evaluation = COCOeval(truth, truth.loadRes(dt), iou)
        evaluation.evaluate()
        evaluation.accumulate()

        def average_precision():
            evaluation.summarize()
            return evaluation.stats[0]

        return average_precision

    return run


def child(name, iou, gt, dt):
    """Runs one tool once; prints its figures as JSON on the real standard output, which the tool does not see."""
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    figures = {}
    try:
        run = load_tool(name, iou)
        wall, cpu = time.perf_counter(), time.process_time()
        average_precision = run(gt, dt)
        figures["cpu"], figures["wall"] = time.process_time() - cpu, time.perf_counter() - wall
        figures["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures["ap"] = float(average_precision())
    except BaseException as e:  # a panic of the Rust tools is no Exception
        figures = {"refused": f"{type(e).__name__}: {e}"[:100]}
    os.write(out, json.dumps(figures).encode())


def whole_process(command):
    """Runs a command; returns its output and the CPU seconds, wall seconds and peak MiB of the process."""
    start = time.perf_counter()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out = p.stdout.read()
    errors = p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    wall = time.perf_counter() - start
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        out = errors
    return p.returncode, out, {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "rss": usage.ru_maxrss / 1024}


def run_once(tool, args):
    if tool == "ours":
        code, out, figures = whole_process([args.ours, args.gt, args.dt, "--iou", args.iou])
        if code:
            return {"refused": out.strip()[:100]}
        figures["ap"] = float(re.search(r"= (-?[\d.]+)\s*$", out, re.MULTILINE).group(1))
        return figures
    code, out, process = whole_process([sys.executable, __file__, "--child", tool, args.iou, args.gt, args.dt])
    if code or not out:
        return {"refused": out.strip().splitlines()[-1][:100] if out.strip() else f"exit {code}"}
    figures = json.loads(out)
    figures["process_cpu"] = process["cpu"]
    return figures


def table(results, args):
    print(f"\n{args.iou}: {os.path.basename(args.gt)} with {os.path.basename(args.dt)}, {args.runs} rounds, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'tool':18}{'CPU s: best':>12}{'median':>9}{'wall s: best':>14}{'median':>9}{'peak MiB':>10}{'AP':>9}"
          f"{'ours/it CPU':>13}{'wall':>7}")
    ours = results.get("ours")
    for tool, runs in results.items():
        if "refused" in runs[-1]:
            print(f"{tool:18}refused: {runs[-1]['refused']}")
            continue
        line = f"{tool:18}"
        for key, width in (("cpu", 12), ("wall", 14)):
            values = [r[key] for r in runs]
            line += f"{min(values):{width}.3f}{statistics.median(values):9.3f}"
        line += f"{max(r['rss'] for r in runs):10.0f}{runs[-1]['ap']:9.4f}"
        if ours and tool != "ours" and "refused" not in ours[-1]:
            for key, width in (("cpu", 13), ("wall", 7)):  # of the same rounds
                line += f"{statistics.median(o[key] / r[key] for o, r in zip(ours, runs)):{width}.2f}"
        print(line)


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gt", required=True)
    p.add_argument("--dt", required=True)
    p.add_argument("--iou", default="bbox", choices=["bbox", "segm", "boundary"])
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--ours", help="the cocoeval binary; without it only the others are timed")
    p.add_argument("--tools", default="ultrafast,hotcoco,vernier", help="of " + ",".join(PYTHON_TOOLS))
    p.add_argument("--json", help="write every figure to this file")
    args = p.parse_args()
    tools = (["ours"] if args.ours else []) + args.tools.split(",")
    unknown = set(tools) - {"ours", *PYTHON_TOOLS}
    if unknown:
        p.error("unknown tools: " + ", ".join(sorted(unknown)))
    results = {t: [] for t in tools}
    for _ in range(args.runs):
        for tool in tools:
            if not (results[tool] and "refused" in results[tool][-1]):
                results[tool].append(run_once(tool, args))
    table(results, args)
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"iou": args.iou, "gt": args.gt, "dt": args.dt, "results": results}, f, indent=1)


if __name__ == "__main__":
    main()

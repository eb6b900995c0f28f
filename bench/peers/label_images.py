"""Makes pairs of label images of many nuclei, and times programs that compare them.

usage: label_images.py make DIR [--pairs 1000] [--side 1024] [--objects 200]
       label_images.py time DIR --ours cocoeval [--peer-pairs 50]     (in the environment of bench/interop/labels.sh)

Images are PNG of 16 bits: discs in a jittered grid, and the same a few pixels off, some halved, dropped or added.
"""

import argparse
import importlib.util
import pathlib
import resource
import subprocess
import time

import numpy as np
import PIL.Image


def draw(labels, label, cy, cx, r, half):
    y0, y1, x0, x1 = max(0, int(cy - r)), int(cy + r) + 2, max(0, int(cx - r)), int(cx + r) + 2
    window = labels[y0:y1, x0:x1]
    y, x = np.mgrid[y0 : y0 + window.shape[0], x0 : x0 + window.shape[1]]
    inside = (y - cy) ** 2 + (x - cx) ** 2 < r * r
    window[inside] = label
    if half:
        window[inside & (x > cx)] = label + 1


def make(args):
    rng = np.random.default_rng(1)
    step = args.side / np.sqrt(args.objects)
    centres = np.arange(step / 2, args.side, step)
    for side in ("true", "predicted"):
        (args.dir / side).mkdir(parents=True)
    for i in range(args.pairs):
        maps = [np.zeros((args.side, args.side), np.uint16) for _ in range(2)]
        label = 1
        for cy in centres:
            for cx in centres:
                y, x = np.array([cy, cx]) + rng.uniform(-step / 4, step / 4, 2)
                r, kind = rng.uniform(step / 5, step / 2), rng.random()
                if kind > 0.05:
                    draw(maps[0], label, y, x, r, False)
                if kind < 0.9:
                    draw(maps[1], label, y + rng.uniform(-2, 2), x + rng.uniform(-2, 2), r * rng.uniform(0.85, 1.1), kind > 0.85)
                label += 2
        for side, labels in zip(("true", "predicted"), maps):
            PIL.Image.fromarray(labels).save(args.dir / side / f"{i:04d}.png")


def timed(args):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([args.ours, "labels", "--json", args.dir / "true", args.dir / "predicted"], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    pairs = sorted(p.name for p in (args.dir / "true").iterdir())
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"ours: {len(pairs)} pairs, reading included, {wall:.1f} s, {1000 * cpu / len(pairs):.1f} ms of CPU a pair, peak {after.ru_maxrss / 1024:.0f} MB")
    path = pathlib.Path(importlib.util.find_spec("stardist").submodule_search_locations[0]) / "matching.py"
    spec = importlib.util.spec_from_file_location("stardist_matching", path)
    stardist = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stardist)
    total = 0
    for i, name in enumerate(pairs[: args.peer_pairs + 1]):
        start = time.process_time()
        maps = [np.array(PIL.Image.open(args.dir / side / name)) for side in ("true", "predicted")]
        stardist.matching(*maps, thresh=[0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
        if i > 0:  # the first one compiles
            total += time.process_time() - start
    print(f"stardist's matching: {1000 * total / (min(len(pairs) - 1, args.peer_pairs)):.1f} ms of CPU a pair, reading included")


p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("what", choices=["make", "time"])
p.add_argument("dir", type=pathlib.Path)
p.add_argument("--pairs", type=int, default=1000)
p.add_argument("--side", type=int, default=1024)
p.add_argument("--objects", type=int, default=200)
p.add_argument("--ours")
p.add_argument("--peer-pairs", type=int, default=50)
args = p.parse_args()
make(args) if args.what == "make" else timed(args)

"""Times steps of training of Mask R-CNN, ours and PyTorch's, in turn.

usage: training.py --ours SPINEMASK --model NUCLEI --peer DIR [--rounds 3] [--threads 2] [--shapes 49,nuclei] [--ways eager,backbone]

Every round starts each program once, for a few steps after some that do not count.
What is compared is the best step of a round, and the most memory of the process.
"""
import argparse, json, os, statistics, subprocess, sys

SHAPES = {  # side, images, regions and masks of an image, steps
    "49": (640, 2, 512, 128, 3),
    "nuclei": (384, 8, 64, 16, 6),
}


def run(command, folder=None):
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    p = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)
    if p.returncode:
        sys.exit(f"{' '.join(command)}: exit code {p.returncode}")
    return json.loads(p.stdout)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--ours", required=True)
    a.add_argument("--model", required=True)
    a.add_argument("--peer", required=True)
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--shapes", default="49,nuclei")
    a.add_argument("--ways", default="eager,backbone", help="of PyTorch: eager, or what is compiled")
    a = a.parse_args()
    for shape in a.shapes.split(","):
        side, batch, rois, masks, steps = SHAPES[shape]
        ours = [a.ours, "bench", "--train", "--json", "--size", str(side), "--batch", str(batch), "--rois", str(rois), "--masks", str(masks),
                "--threads", str(a.threads), "--runs", str(steps)]
        if shape == "nuclei":
            ours += ["--model", a.model]
        theirs = [sys.executable, "step.py", "--net", shape, "--size", str(side), "--batch", str(batch), "--rois", str(rois), "--masks", str(masks),
                  "--threads", str(a.threads), "--steps", str(steps)]
        times, memory = {}, {}
        for _ in range(a.rounds):
            r = run(ours)
            times.setdefault("spinemask", []).append(r["step"]["best_s"])
            memory["spinemask"] = max(memory.get("spinemask", 0), r["rss_mb"])
            for way in a.ways.split(","):
                r = run(theirs + ([] if way == "eager" else ["--compile", way]), a.peer)
                times.setdefault(way, []).append(r["best_s"])
                memory[way] = max(memory.get(way, 0), r["rss_mb"] * 1.048576)
        print(f"{shape}: {side}x{side}, batch {batch}, {rois} regions and {masks} masks an image, {a.threads} threads, {a.rounds} rounds")
        for name, list_ in times.items():
            ratio = statistics.median(o / t for o, t in zip(times["spinemask"], list_))
            print(f"  {name:10} best {min(list_):.3f} s, median {statistics.median(list_):.3f} s, ours / it {ratio:.2f}; {memory[name]:.0f} MB", flush=True)


if __name__ == "__main__":
    main()

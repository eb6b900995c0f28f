"""Times whole calls of torchvision's Mask R-CNN R50-FPN and ours, of one file, in turn.

usage: torchvision_calls.py --ours SPINEMASK [--rounds 3] [--threads 2]

The weights are random, but one class is likely everywhere, so that there are 1000 regions and 100
masks as in our benchmark. torchvision is timed as it comes, with its pictures channels last, and with its
backbone compiled. Masks are pasted by all.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

import torch, torchvision


def model():
    torch.manual_seed(0)
    m = torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()
    with torch.no_grad():
        m.roi_heads.box_predictor.cls_score.bias[1] = 3
    return m


def best(m, picture, calls=3):
    seconds = []
    with torch.inference_mode():
        for _ in range(calls + 1):
            start = time.perf_counter()
            (found,) = m([picture])
            seconds.append(time.perf_counter() - start)
    return min(seconds[1:]), len(found["masks"])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--ours", required=True)
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    picture = torch.rand(3, 480, 640)
    ways = {"eager": model(), "channels last": model().to(memory_format=torch.channels_last), "backbone compiled": model()}
    ways["backbone compiled"].backbone = torch.compile(ways["backbone compiled"].backbone)
    times, found = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "maskrcnn_resnet50_fpn.pth")
        torch.save(ways["eager"].state_dict(), path)
        for _ in range(a.rounds):
            p = subprocess.run([a.ours, "bench", "--model", path, "--json", "--runs", "4", "--threads", str(a.threads)],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if p.returncode:
                sys.exit(f"spinemask: exit code {p.returncode}")
            times.setdefault("spinemask", []).append(json.loads(p.stdout)["total"]["best_s"])
            for way, m in ways.items():
                seconds, found[way] = best(m, picture)
                times.setdefault(way, []).append(seconds)
    print(f"640×480, {a.threads} threads, {a.rounds} rounds, masks of torchvision: {found}")
    for name, list_ in times.items():
        ratio = statistics.median(o / t for o, t in zip(times["spinemask"], list_))
        print(f"  {name:18} best {min(list_):.3f} s, median {statistics.median(list_):.3f} s, ours / it {ratio:.2f}")


if __name__ == "__main__":
    main()

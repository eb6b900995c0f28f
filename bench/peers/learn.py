"""Fine-tunes the built-in model on photos with few objects, ours and PyTorch's in turn for the same time, and compares AP on images held out.

usage: learn.py --ours SPINEMASK --model NUCLEI --peer DIR --data DIR --work DIR [--test 6] [--folds 1,2] [--steps N] [--threads 2] [--before CMD]

The data folder holds a COCO data set (trainval.json, images/), or pictures with label images (x.jpg, x_mask.png) in any sub-folders.
With --test N, N images chosen by --seed are held out; otherwise each image once, which gives as many folds as there are images.
Every fold has its folder in WORK; one that is trained there is only measured again. --before names a command that is put before those
whose time is taken. Both programs make the recipe "fine-tune", begin with the same weights (those of our run before its first update)
and are measured by the same evaluator, after their last update.
"""
import argparse, glob, json, os, random, shlex, statistics, subprocess, sys

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, out=subprocess.PIPE):
    p = subprocess.run(command, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"), stdout=out, text=True)
    if p.returncode:
        sys.exit(f"{shlex.join(command)}: exit code {p.returncode}")
    return p.stdout


def data_set(folder):
    """The data set of a folder as COCO has it, and the folder of its images."""
    path = os.path.join(folder, "trainval.json")
    if os.path.exists(path):
        with open(path) as f:
            return json.load(f), os.path.join(folder, "images")
    d = dict(images=[], annotations=[], categories=[dict(id=1, name="object")])
    for path in sorted(glob.glob(os.path.join(folder, "**", "*_mask.png"), recursive=True), key=os.path.basename):
        labels = np.asarray(Image.open(path)).astype(np.int64)
        number = len(d["images"]) + 1
        d["images"].append(dict(id=number, file_name=os.path.relpath(path[:-len("_mask.png")] + ".jpg", folder), height=labels.shape[0], width=labels.shape[1]))
        for v in np.unique(labels[labels > 0]):
            rle = coco_mask.encode(np.asfortranarray(labels == v, np.uint8))
            d["annotations"].append(dict(id=len(d["annotations"]) + 1, image_id=number, category_id=1, iscrowd=0, area=int(coco_mask.area(rle)),
                                         bbox=coco_mask.toBbox(rle).tolist(), segmentation=dict(size=rle["size"], counts=rle["counts"].decode())))
    if not d["images"]:
        sys.exit(f"{folder}: neither trainval.json nor *_mask.png")
    return d, folder


def part(d, ids):
    return dict(images=[i for i in d["images"] if i["id"] in ids], annotations=[a for a in d["annotations"] if a["image_id"] in ids], categories=d["categories"])


def write(path, value):
    with open(path, "w") as f:
        json.dump(value, f)
    return path


class Fold:
    def __init__(self, a, d, images, folder, held):
        self.a, self.images, self.folder = a, images, folder
        os.makedirs(folder, exist_ok=True)
        ids = {i["id"] for i in d["images"]}
        self.train_set, self.test_set = write(self.path("train.json"), part(d, ids - held)), write(self.path("test.json"), part(d, held))
        one = part(d, held)
        for c in one["annotations"]:
            c["category_id"] = 1
        self.names = [i["file_name"] for i in one["images"]]
        self.before = write(self.path("test_of_one_class.json"), dict(one, categories=[dict(id=1, name="nucleus")]))

    def path(self, name):
        return os.path.join(self.folder, name)

    def ours(self, *command):
        return [self.a.ours, *command, "--threads", str(self.a.threads)]

    def train_ours(self, out, *flags, before=()):
        """Without validation on the way, the last model is the one that is kept."""
        run([*before, *self.ours("train", self.train_set, "--images", self.images, "--val", self.test_set, "-o", self.path(out), "--quiet", *flags)])

    def torch(self, results, start, seconds, before=()):
        return json.loads(run([*before, sys.executable, os.path.join(HERE, "learn_torch.py"), "--peer", self.a.peer, "--images", self.images, "--train", self.train_set, "--test", self.test_set,
                               "--start", start, "--recipe", self.path("ours.training/recipe.json"), "--seconds", str(seconds), "--results", self.path(results), "--threads", str(self.a.threads),
                               *(["--compile"] if self.a.compile else [])]))

    def measure(self, truth, *what):
        """AP of masks and boxes of all detections, of which both programs give 400 at most."""
        ap = {}
        for kind in ("segm", "bbox"):
            r = json.loads(run(self.ours("eval", truth, *what, "--iou", kind, "--max-dets", "1,10,400", "--mode", "corrected", "--json")))
            ap[kind] = r["evaluations"][0]["stats"]
        return ap

    def train(self):
        a, timed = self.a, shlex.split(self.a.before)
        steps = ["--steps", str(a.steps)] if a.steps else []
        self.train_ours("ours.safetensors", "--recipe", "fine-tune", "--validate-every", "1000000", *steps, before=timed)
        recipe, log = self.ran()
        # One update at a rate of next to nothing gives the weights before the first.
        still = dict(recipe, steps=1, batch=1, learning_rate=dict(value=1e-30, warmup_steps=0, warmup=0))
        self.train_ours("start.safetensors", "--recipe", write(self.path("still.json"), still))
        theirs = self.torch("torch.json", self.path("start.safetensors"), sum(l["seconds"] for l in log), before=timed)
        write(self.path("torch.log.json"), theirs)

    def ran(self):
        """The recipe of our run, and what it wrote about its steps."""
        with open(self.path("ours.training/recipe.json")) as f, open(self.path("ours.training/train.jsonl")) as g:
            return json.load(f), [l for l in map(json.loads, g) if "seconds" in l]

    def result(self):
        recipe, log = self.ran()
        with open(self.path("torch.log.json")) as f:
            theirs = json.load(f)
        images = ("--images", self.images)
        result = dict(
            held_out=self.names, batch=recipe["batch"],
            before=self.measure(self.before, *images, "--model", self.a.model),
            ours=dict(steps=len(log), seconds=sum(l["seconds"] for l in log), ap=self.measure(self.test_set, *images, "--model", self.path("ours.safetensors"))),
            torch=dict(steps=theirs["steps"], seconds=theirs["seconds"], ap=self.measure(self.test_set, self.path("torch.json"))))
        write(self.path("result.json"), result)
        return result


def table(results):
    print("held out | before | ours: steps, images/s | AP masks, boxes | PyTorch: steps, images/s | AP masks, boxes | seconds")
    rows = []
    for r in results:
        o, t = r["ours"], r["torch"]
        row = [r["before"]["segm"]["AP"], r["before"]["bbox"]["AP"], o["steps"], r["batch"] * o["steps"] / o["seconds"], o["ap"]["segm"]["AP"], o["ap"]["bbox"]["AP"],
               t["steps"], r["batch"] * t["steps"] / t["seconds"], t["ap"]["segm"]["AP"], t["ap"]["bbox"]["AP"], o["seconds"], t["seconds"]]
        rows.append((", ".join(r["held_out"]), row))
    if len(rows) > 1:
        rows.append(("mean", [statistics.mean(c) for c in zip(*(row for _, row in rows))]))
    for name, v in rows:
        print(f"{name} | {v[0]:.3f} {v[1]:.3f} | {v[2]:.0f}, {v[3]:.2f} | {v[4]:.3f} {v[5]:.3f} | {v[6]:.0f}, {v[7]:.2f} | {v[8]:.3f} {v[9]:.3f} | {v[10]:.0f} {v[11]:.0f}")


def main():
    a = argparse.ArgumentParser()
    for name in ("ours", "model", "peer", "data", "work"):
        a.add_argument("--" + name, required=True)
    a.add_argument("--test", type=int, default=0, help="images to hold out, once; 0: each image in its turn")
    a.add_argument("--folds", help="numbers of the folds to make, from 1 on")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--steps", type=int, default=0, help="of ours, in place of the recipe's")
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--compile", action="store_true", help="PyTorch's backbone")
    a.add_argument("--before", default="", help="command before those whose time is taken")
    a = a.parse_args()
    d, images = data_set(a.data)
    ids = [i["id"] for i in d["images"]]
    splits = [{i} for i in ids]
    if a.test:
        splits = [set(random.Random(a.seed).sample(ids, a.test))]
    folds = [Fold(a, d, images, os.path.join(a.work, str(n)), held) for n, held in enumerate(splits, 1)]
    wanted = [f for n, f in enumerate(folds, 1) if not a.folds or str(n) in a.folds.split(",")]
    for f in wanted:
        if not os.path.exists(f.path("torch.log.json")):
            f.train()
    table([f.result() for f in wanted])


if __name__ == "__main__":
    main()

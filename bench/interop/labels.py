"""Compares `cocoeval labels` with the originals on random label images. See labels.sh."""

import argparse
import ast
import importlib.util
import json
import pathlib
import subprocess
import sys
import types

import numpy as np
import PIL.Image
import tifffile

THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]


def load(name, path, *, without=()):
    """Imports one file of a package; modules that it imports, but does not need here, are empty."""
    for other in without:
        sys.modules.setdefault(other, types.ModuleType(other))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def installed(package, file):
    folder = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    return folder / file


def functions(path, *names, **using):
    """Takes single functions from a file that imports what is not installed."""
    tree = ast.parse(pathlib.Path(path).read_text())
    tree.body = [n for n in tree.body if getattr(n, "name", None) in names]
    exec(compile(tree, str(path), "exec"), using)
    return [using[n] for n in names]


def blobs(rng, height, width):
    """A map of ellipses or rectangles, the later ones over the earlier ones, with gaps between the labels."""
    labels = np.zeros((height, width), np.int64)
    y, x = np.mgrid[:height, :width]
    for label in rng.choice(np.arange(1, 250), size=rng.integers(0, 25), replace=False):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        ry, rx = rng.uniform(1, height / 4), rng.uniform(1, width / 4)
        if rng.random() < 0.5:
            labels[((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1] = label
        else:
            labels[(abs(y - cy) < ry) & (abs(x - cx) < rx)] = label
    return labels


def predict(rng, truth):
    """The map with objects moved, split, merged, dropped and added; now and then it is the same, or another one."""
    kind = rng.random()
    if kind < 0.05:
        return truth.copy()
    if kind < 0.1:
        return blobs(rng, *truth.shape)
    out = np.zeros_like(truth)
    next_label = 1
    for label in np.unique(truth[truth > 0]):
        mask = np.roll(truth == label, rng.integers(-2, 3, size=2), axis=(0, 1))
        change = rng.random()
        if change < 0.1:
            continue
        if change < 0.3:  # halves
            ys, xs = np.nonzero(mask)
            half = mask & (np.arange(mask.shape[1]) < np.median(xs))[None, :] if rng.random() < 0.5 else mask & (np.arange(mask.shape[0]) < np.median(ys))[:, None]
            out[mask] = next_label
            out[half] = next_label + 1
            next_label += 2
        elif change < 0.4 and next_label > 1:  # one with the object before it
            out[mask] = next_label - 1
        else:
            out[mask] = next_label
            next_label += int(rng.integers(1, 4))
    return out


def save(rng, folder, name, labels):
    kind = rng.integers(4)
    if kind == 0 and labels.max() < 256:
        PIL.Image.fromarray(labels.astype(np.uint8)).save(folder / f"{name}.png")
    elif kind == 1:
        PIL.Image.fromarray(labels.astype(np.uint16)).save(folder / f"{name}_cp_masks.png")
    elif kind == 2:
        tifffile.imwrite(folder / f"{name}.tif", labels.astype(np.int32 if rng.random() < 0.5 else np.uint32), compression="zlib")
    else:
        tifffile.imwrite(folder / f"{name}_masks.tif", labels.astype(np.uint16))


class Differences:
    def __init__(self):
        self.largest = {}

    def compare(self, what, ours, theirs, tolerance, where):
        difference = float(np.max(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)), initial=0))
        self.largest[what] = max(self.largest.get(what, 0), difference)
        if not difference <= tolerance:
            sys.exit(f"{where}: {what}: {ours}, the original has {theirs}")


def label_images(args, rng):
    stardist = load("stardist_matching", installed("stardist", "matching.py"))
    average_precision, aji_of_cellpose = cellpose_functions()
    fast_aji = functions(args.hover_net / "metrics/stats_utils.py", "get_fast_aji", np=np)[0] if args.hover_net else None
    folders = [args.work / "true", args.work / "predicted"]
    for f in folders:
        f.mkdir()
    maps = []
    for i in range(args.pairs):
        truth = blobs(rng, *rng.integers(8, 120, size=2))
        pair = truth, predict(rng, truth)
        maps.append(pair)
        for f, labels in zip(folders, pair):
            save(rng, f, f"p{i:05d}", labels)
    ours = json.loads(subprocess.run([args.ours, "labels", "--json", *folders], check=True, stdout=subprocess.PIPE).stdout)
    assert [im["name"] for im in ours["per_image"]] == [f"p{i:05d}" for i in range(args.pairs)]
    d = Differences()
    fields = ["tp", "fp", "fn", "precision", "recall", "f1", "accuracy", "mean_matched_score", "mean_true_score", "panoptic_quality"]
    for im, (truth, predicted) in zip(ours["per_image"], maps):
        name = im["name"]
        for got, want in zip(im["matching"], stardist.matching(truth, predicted, thresh=THRESHOLDS)):
            for field in fields:
                d.compare("stardist " + field, got[field], getattr(want, field), 1e-6, name)
        if (truth > 0).any() and (predicted > 0).any() and not truth.all() and not predicted.all():
            ap, tp, fp, fn = average_precision(truth, predicted, threshold=THRESHOLDS)
            for field, want in zip(["accuracy", "tp", "fp", "fn"], [ap, tp, fp, fn]):
                d.compare("cellpose " + field, [m[field] for m in im["matching"]], want, 1e-6, name)
            d.compare("cellpose AJI", im["aji_cellpose"], aji_of_cellpose([truth], [predicted])[0], 1e-9, name)
            if fast_aji:
                relabelled = [np.unique(m, return_inverse=True)[1].reshape(m.shape) for m in (truth, predicted)]
                d.compare("AJI of hover_net", im["aji"], fast_aji(*relabelled), 1e-9, name)
    truths, predictions = zip(*maps)
    for by_image, part in [(False, "pooled"), (True, "mean")]:
        all_images = stardist.matching_dataset(truths, predictions, thresh=THRESHOLDS, by_image=by_image, show_progress=False)
        for got, want in zip(ours[part]["matching"], all_images):
            for field in fields[3:]:
                d.compare(f"stardist data set, {part}", got[field], getattr(want, field), 1e-5, field)  # sums in float32
    return d


def cellpose_functions():
    import scipy.optimize
    import scipy.sparse

    names = ["average_precision", "aggregated_jaccard_index", "mask_ious", "_label_overlap", "_intersection_over_union", "_true_positive"]
    return functions(installed("cellpose", "metrics.py"), *names, np=np, linear_sum_assignment=scipy.optimize.linear_sum_assignment, csr_matrix=scipy.sparse.csr_matrix)[:2]


def runs(mask):
    """COCO's uncompressed run lengths."""
    flat = np.concatenate([[0], mask.flatten(order="F").astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], edges, [mask.size]]))
    return {"size": list(mask.shape), "counts": counts.tolist()}


def panoptic(args, rng):
    """Data sets of 10 images each through panopticapi, and as COCO files through our program."""
    sys.path.insert(0, str(args.panopticapi))
    from panopticapi.evaluation import pq_compute_single_core
    from panopticapi.utils import id2rgb

    d = Differences()
    categories = {k: {"id": k, "isthing": 1} for k in (1, 4, 9)}
    folder = args.work / "panoptic"
    folder.mkdir()
    for n in range(args.pairs // 10):
        gt = {"images": [], "categories": [{"id": k, "name": str(k)} for k in categories], "annotations": []}
        dt, pairs = [], []
        for image in range(10):
            truth = blobs(rng, *rng.integers(8, 60, size=2))
            predicted = predict(rng, truth)
            gt["images"].append({"id": image, "height": truth.shape[0], "width": truth.shape[1]})
            category = {int(k): int(rng.choice([1, 4, 9])) for k in np.unique(truth[truth > 0])}
            segments = [{"id": k, "category_id": c, "iscrowd": int(rng.random() < 0.15), "area": int((truth == k).sum())} for k, c in category.items()]
            segments.sort(key=lambda s: s["iscrowd"])  # as our program lays them
            for s in segments:
                gt["annotations"].append({"id": len(gt["annotations"]) + 1, "image_id": image, "category_id": s["category_id"], "iscrowd": s["iscrowd"],
                                          "area": s["area"], "bbox": [0, 0, 1, 1], "segmentation": runs(truth == s["id"])})
            guesses = []
            for k in np.unique(predicted[predicted > 0]):
                under = truth[(predicted == k) & (truth > 0)]
                c = category[int(np.bincount(under).argmax())] if len(under) and rng.random() < 0.8 else int(rng.choice([1, 4, 9]))
                guesses.append({"id": int(k), "category_id": c})
                dt.append({"image_id": image, "category_id": c, "score": round(float(rng.uniform(0.5, 1)), 2), "segmentation": runs(predicted == k)})
            for side, labels in [("gt", truth), ("dt", predicted)]:
                PIL.Image.fromarray(id2rgb(labels.astype(np.uint32))).save(folder / f"{side}{image}.png")
            pairs.append(({"image_id": image, "file_name": f"gt{image}.png", "segments_info": segments},
                          {"image_id": image, "file_name": f"dt{image}.png", "segments_info": guesses}))
        (folder / "gt.json").write_text(json.dumps(gt))
        (folder / "dt.json").write_text(json.dumps(dt))
        want = pq_compute_single_core(0, pairs, str(folder), str(folder), categories)
        ours = json.loads(subprocess.run([args.ours, "labels", "--json", folder / "gt.json", folder / "dt.json"], check=True, stdout=subprocess.PIPE).stdout)
        for c in ours["categories"]:
            w = want[c["id"]]
            d.compare("panopticapi tp, fp, fn", [c["tp"], c["fp"], c["fn"]], [w.tp, w.fp, w.fn], 0, f"set {n}")
        means, per_class = want.pq_average(categories, None)
        for c in ours["categories"]:
            d.compare("panopticapi of a class", [c["pq"], c["sq"], c["rq"]], [per_class[c["id"]][k] for k in ("pq", "sq", "rq")], 1e-12, f"set {n}")
        d.compare("panopticapi means", [ours["panoptic"][k] for k in ("pq", "sq", "rq")], [means[k] for k in ("pq", "sq", "rq")], 1e-12, f"set {n}")
    return d


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--ours", required=True)
    p.add_argument("--work", type=pathlib.Path, required=True)
    p.add_argument("--pairs", type=int, default=600)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--panopticapi", type=pathlib.Path)
    p.add_argument("--hover-net", type=pathlib.Path)
    args = p.parse_args()
    rng = np.random.default_rng(args.seed)
    parts = [("label images", label_images)] + ([("panoptic maps", panoptic)] if args.panopticapi else [])
    for what, compare in parts:
        print(f"{args.pairs} pairs of {what}; largest differences:")
        for name, difference in compare(args, rng).largest.items():
            print(f"  {difference:8.1e}  {name}")


main()

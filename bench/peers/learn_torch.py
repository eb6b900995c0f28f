"""Trains net.py, Mask R-CNN on SpineNet in PyTorch, as "spinemask train" does it, for a given time, and runs it over test images.

usage: learn_torch.py --peer DIR --images DIR --train GT.json --test GT.json --start START.safetensors --recipe recipe.json --seconds T --results OUT.json
       [--steps N] [--compile] [--threads 2]      with --seconds 0 the network stays as it is

DIR holds net.py. Recipe, initial weights and data are those of our run; warm-up and cosine are stretched over the time. Prints a line of JSON about the run.
Sizes and rules are those of the Model Garden, as in packages train/augment, train/target and train/loss.
"""
import argparse, json, math, os, sys, time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from pycocotools import mask as coco_mask

import learn_weights

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


class Picture:
    """A picture in memory, normalised, with its objects. Boxes are y1, x1, y2, x2."""
    def __init__(self, folder, image, annotations, rows, masks=True):
        self.id, self.height, self.width = image["id"], image["height"], image["width"]
        rgb = np.asarray(Image.open(os.path.join(folder, image["file_name"])).convert("RGB"), np.float32)
        assert rgb.shape[:2] == (self.height, self.width), image["file_name"]
        self.pixels = torch.from_numpy((rgb / 255 - MEAN) / STD).permute(2, 0, 1)[None].contiguous()
        b = np.float32([a["bbox"] for a in annotations]).reshape(-1, 4)
        self.boxes = torch.from_numpy(np.stack([b[:, 1], b[:, 0], b[:, 1] + b[:, 3], b[:, 0] + b[:, 2]], 1))
        self.classes = torch.tensor([rows[a["category_id"]] for a in annotations], dtype=torch.long)
        if masks:
            self.masks = torch.from_numpy(np.stack([bitmap(a["segmentation"], self.height, self.width) for a in annotations]))


def bitmap(segmentation, height, width):
    if isinstance(segmentation, list):
        return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width)))
    if isinstance(segmentation["counts"], list):
        segmentation = coco_mask.frPyObjects(segmentation, height, width)
    return coco_mask.decode(segmentation)


def read(path, folder, masks=True):
    with open(path) as f:
        d = json.load(f)
    rows = {c["id"]: i + 1 for i, c in enumerate(d["categories"])}
    of = {}
    for a in d["annotations"]:
        of.setdefault(a["image_id"], []).append(a)
    return [Picture(folder, im, of.get(im["id"], []), rows, masks) for im in d["images"]], {r: c for c, r in rows.items()}


class View:
    """A picture mirrored, scaled and cut as the network sees it (train/augment)."""
    def __init__(self, p, side, scale, flip, rng):
        self.picture, self.flip = p, rng.random() < flip
        u, uy, ux = rng.random(3).astype(np.float32)
        want = side if scale[0] == scale[1] == 1 else round(side * (scale[0] + u * (scale[1] - scale[0])))
        ratio = min(want / p.height, want / p.width)
        h, w = round(p.height * ratio), round(p.width * ratio)
        self.scale = torch.tensor([h / p.height, w / p.width] * 2)
        oy, ox = int(max(h - side, 0) * uy), int(max(w - side, 0) * ux)
        self.offset = torch.tensor([oy, ox] * 2, dtype=torch.float32)
        x = F.interpolate(p.pixels.flip(3) if self.flip else p.pixels, (h, w), mode="bilinear", align_corners=False)[:, :, oy:oy + side, ox:ox + side]
        self.pixels = F.pad(x, (0, side - x.shape[3], 0, side - x.shape[2]))
        b = p.boxes
        if self.flip:
            b = torch.stack([b[:, 0], p.width - b[:, 3], b[:, 2], p.width - b[:, 1]], 1)
        b = (b * self.scale - self.offset).clamp(0, side)
        self.kept = ((b[:, 2] > b[:, 0]) & (b[:, 3] > b[:, 1])).nonzero()[:, 0]
        self.boxes, self.classes = b[self.kept], p.classes[self.kept]

    def crops(self, which, side):
        """Masks of objects over their own boxes, side×side values (tf.image.crop_and_resize)."""
        p = self.picture
        b = (self.boxes[which] + self.offset) / self.scale
        y, y_in = corner_aligned(side, b[:, 0], b[:, 2], p.height)
        x, x_in = corner_aligned(side, b[:, 1], b[:, 3], p.width)
        mask = self.kept[which][:, None, None]
        def at(row, column):
            if self.flip:
                column = p.width - 1 - column
            return p.masks[mask, row[:, :, None], column[:, None, :]].float()
        return blend(at, y, x, p.height - 1, p.width - 1) * (y_in[:, :, None] & x_in[:, None, :])


def corner_aligned(side, low, high, n):
    last = n - 1
    at = (low / n * last)[:, None] + torch.arange(side) * ((high - low) / n * last / (side - 1))[:, None]
    at = torch.where((at > last) & (at < last + 1e-3), torch.tensor(float(last)), at)
    return at, (at >= 0) & (at <= last)


def blend(at, y, x, last_y, last_x):
    """Bilinear values of at(rows, columns) at places y, x."""
    y0, x0 = y.floor().clamp(0, last_y).long(), x.floor().clamp(0, last_x).long()
    y1, x1 = (y0 + 1).clamp(max=last_y), (x0 + 1).clamp(max=last_x)
    fy, fx = (y - y0)[:, :, None], (x - x0)[:, None, :]
    top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx
    return top * (1 - fy) + (at(y1, x0) * (1 - fx) + at(y1, x1) * fx) * fy


def mask_targets(view, which, regions, size, side):
    """What the mask head should give for regions of objects (target.CropMask)."""
    pad = 2
    cells = F.pad(view.crops(which, side), (pad,) * 4)
    b = view.boxes[which]
    def places(axis):
        scale = side / (b[:, axis + 2] - b[:, axis] + 1e-8)
        step = (regions[:, axis + 2] - regions[:, axis]) * scale / size
        return ((regions[:, axis] - b[:, axis]) * scale + pad)[:, None] + (torch.arange(size) + .5) * step[:, None]
    each = torch.arange(len(b))[:, None, None]
    last = side + 2 * pad - 1
    return blend(lambda r, c: cells[each, r[:, :, None], c[:, None, :]], places(0), places(1), last, last)


def iou(a, b):
    h = (torch.minimum(a[:, None, 2], b[:, 2]) - torch.maximum(a[:, None, 0], b[:, 0])).clamp_(min=0)
    w = (torch.minimum(a[:, None, 3], b[:, 3]) - torch.maximum(a[:, None, 1], b[:, 1])).clamp_(min=0)
    inter = h.mul_(w)
    area = lambda t: (t[:, 2] - t[:, 0]) * (t[:, 3] - t[:, 1])
    return inter / (area(a)[:, None] + area(b) - inter).clamp_(min=1e-12)


def chosen(candidates, n):
    return candidates[torch.randperm(len(candidates))[:n]]


def label_anchors(A, boxes, s):
    """Labels 1, 0, -1 (not sampled), whether there is an object, and which."""
    label = torch.full((len(A),), -1.)
    if len(boxes) == 0:
        label[chosen(torch.arange(len(A)), s["samples"])] = 0
        return label, torch.zeros(len(A), dtype=torch.bool), None
    m = iou(A, boxes)
    v, which = m.max(1)
    positive, negative = v >= .7, v < .3
    best = m.argmax(0)
    positive[best], negative[best] = True, False
    which.numpy()[best.numpy()[::-1]] = np.arange(len(boxes))[::-1]   # of two objects the first
    p = chosen(positive.nonzero()[:, 0], int(s["samples"] * s["fraction"]))
    label[p] = 1
    label[chosen(negative.nonzero()[:, 0], s["samples"] - len(p))] = 0
    return label, positive, which


def sample_regions(proposals, boxes, s):
    """Regions of an image, how many of them (the first) are objects, and which."""
    p = torch.cat([F.pad(proposals, (0, 0, 0, s["post_nms"] - len(proposals))), boxes])
    v, which = iou(p, boxes).max(1) if len(boxes) else (torch.zeros(len(p)), torch.zeros(len(p), dtype=torch.long))
    positive = chosen((v >= .5).nonzero()[:, 0], int(s["samples"] * s["fraction"]))
    i = torch.cat([positive, chosen((v < .5).nonzero()[:, 0], s["samples"] - len(positive))])
    return p[i], len(positive), which[i]


def huber(e, delta):
    return F.huber_loss(e, torch.zeros_like(e), delta=delta, reduction="sum")


def losses(N, net, views, side, recipe):
    s = recipe["regions"]
    x = torch.cat([v.pixels for v in views]).contiguous(memory_format=torch.channels_last)
    feats = net.backbone(x)
    scores, deltas = net.rpn_head(feats)
    levels = net.anchors(side, side)
    A, cuts = torch.cat(levels), [len(a) for a in levels]
    labels = [label_anchors(A, v.boxes, recipe["anchors"]) for v in views]
    label = torch.stack([l for l, _, _ in labels])
    z = torch.cat(scores, 1)
    out = {"rpn_score_loss": F.binary_cross_entropy_with_logits(z, label.clamp(min=0), weight=(label >= 0).float(), reduction="sum") / (len(views) * s["samples"])}
    box = 0.
    first = 0
    for a, d, n in zip(levels, deltas, cuts):
        total, count = 0., 0
        for k, (v, (_, positive, which)) in enumerate(zip(views, labels)):
            i = positive[first:first + n].nonzero()[:, 0]
            if len(i):
                total = total + huber(d[k, i] - N.encode(v.boxes[which[first + i]], a[i]), 1 / 9)
                count += len(i)
        box = box + total / (4 * count + .01)
        first += n
    out["rpn_box_loss"] = box
    with torch.no_grad():
        proposals = N.propose(net, [c.detach() for c in scores], [d.detach() for d in deltas], side, side, s["pre_nms_per_level"], s["post_nms"])
    R, image, T, G, positive, MR, M_image, M_target, M_class = [], [], [], [], [], [], [], [], []
    for k, (v, (p, _)) in enumerate(zip(views, proposals)):
        r, n, which = sample_regions(p, v.boxes, s)
        t = torch.zeros(len(r), dtype=torch.long)
        t[:n] = v.classes[which[:n]]
        R.append(r); image.append(torch.full((len(r),), k)); T.append(t); G.append(v.boxes[which[:n]]); positive.append(r[:n])
        m = min(n, s["masks"])
        if m:
            MR.append(r[:m]); M_image.append(torch.full((m,), k)); M_class.append(t[:m])
            M_target.append(mask_targets(v, which[:m], r[:m], 28, s["mask_crop"]))
    R, image, T, G, positive = map(torch.cat, (R, image, T, G, positive))
    c, b = net.box_head(net.align(feats, R, image, 7))
    out["frcnn_cls_loss"] = F.cross_entropy(c, T)
    f = (T > 0).nonzero()[:, 0]
    out["frcnn_box_loss"] = huber(b.reshape(len(b), -1, 4)[f, T[f]] - N.encode(G, positive, (10, 10, 5, 5)), 1.) / (4 * len(f) + .01)
    out["mask_loss"] = z.sum() * 0
    if MR:
        MR, M_image, M_target, M_class = map(torch.cat, (MR, M_image, M_target, M_class))
        logits = net.mask_head(net.align(feats, MR, M_image, 14))[torch.arange(len(MR)), M_class]
        out["mask_loss"] = F.binary_cross_entropy_with_logits(logits, M_target, reduction="sum") / (784 * len(MR) + .01)
    return out


def rate(recipe, share):
    """The learning rate when a share of the run is over: cosine, from its beginning on, and a linear warm-up before it (train/optim)."""
    r = recipe["learning_rate"]
    each = recipe["batch"] if r.get("per_image") else 1
    assert r["cosine"], "a recipe without cosine"
    warm = r["warmup_steps"] / recipe["steps"]
    after = lambda u: each * r["value"] * .5 * (1 + math.cos(math.pi * u))
    return after(share) if share >= warm else each * r["warmup"] + share / warm * (after(warm) - each * r["warmup"])


class Trainer:
    def __init__(self, N, net, pictures, recipe, side):
        self.N, self.net, self.pictures, self.recipe, self.side = N, net, pictures, recipe, side
        assert recipe["norms"]["frozen"] and not recipe["augment"].get("turns") and not recipe["augment"].get("color"), "a recipe that this script does not know"
        norms = [p for m in net.modules() if isinstance(m, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)) for p in m.parameters()]
        for p in norms:
            p.requires_grad_(False)
        self.trained = [p for p in net.parameters() if p.requires_grad]
        self.kernels = [p for n, p in net.named_parameters() if p.requires_grad and n.endswith("weight")]
        self.begin()

    def begin(self):
        self.rng = np.random.default_rng(self.recipe["seed"])
        torch.manual_seed(self.recipe["seed"])
        self.order = []
        # Keras keeps the rate inside the velocity: gradients are multiplied by it, and SGD's own is 1.
        self.sgd = torch.optim.SGD(self.trained, lr=1., momentum=self.recipe["momentum"])

    def views(self):
        list_ = []
        for _ in range(self.recipe["batch"]):
            if not self.order:
                self.order = list(self.rng.permutation(len(self.pictures)))
            a = self.recipe["augment"]
            list_.append(View(self.pictures[self.order.pop()], self.side, a["scale"], a["flip"], self.rng))
        return list_

    def step(self, rate):
        start = time.perf_counter()
        parts = losses(self.N, self.net, self.views(), self.side, self.recipe)
        self.sgd.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        with torch.no_grad():
            torch._foreach_add_([p.grad for p in self.kernels], self.kernels, alpha=self.recipe["weight_decay"])
            torch.nn.utils.clip_grad_norm_(self.trained, self.recipe["clip_norm"])
            torch._foreach_mul_([p.grad for p in self.trained], rate)
        self.sgd.step()
        return {k: float(v.detach()) for k, v in parts.items()}, time.perf_counter() - start

    def train(self, seconds, steps, compiled):
        """Makes as many updates as begin within the time, or so many. Before them there are two at a rate of 0, which count only if the
        network is compiled in them."""
        first = sum(self.step(0.)[1] for _ in range(2))
        self.begin()
        log, spent = [], first if compiled else 0.
        while len(log) < steps if steps else spent < seconds:
            r = rate(self.recipe, len(log) / steps if steps else spent / seconds)
            parts, took = self.step(r)
            spent += took
            log.append(dict(learning_rate=r, losses=parts, seconds=took))
        return dict(steps=len(log), seconds=spent, first_steps_s=first, log=log)


@torch.no_grad()
def paste(boxes, masks, height, width):
    """Bitmaps of boxes in picture pixels with their probabilities, size×size."""
    out = []
    for b, m in zip(boxes, masks):
        y1, x1, y2, x2 = b.tolist()
        top, left = max(int(y1) - 1, 0), max(int(x1) - 1, 0)
        ys, xs = torch.arange(top, min(math.ceil(y2) + 1, height)) + .5, torch.arange(left, min(math.ceil(x2) + 1, width)) + .5
        bits = np.zeros((height, width), np.uint8, order="F")
        if len(ys) and len(xs) and y2 > y1 and x2 > x1:
            gy, gx = torch.meshgrid((ys - y1) / (y2 - y1) * 2 - 1, (xs - x1) / (x2 - x1) * 2 - 1, indexing="ij")
            v = F.grid_sample(m[None, None], torch.stack([gx, gy], -1)[None], align_corners=False)[0, 0]
            bits[top:top + len(ys), left:left + len(xs)] = (v >= .5).numpy()
        out.append(bits)
    return out


@torch.no_grad()
def results(N, net, pictures, ids, side, proposals):
    list_ = []
    for p in pictures:
        v = View(p, side, (1, 1), 0, np.random.default_rng(0))
        boxes, scores, classes, masks = N.detect(net, v.pixels, post=proposals)
        boxes = boxes / v.scale
        boxes = torch.minimum(boxes, torch.tensor([p.height, p.width] * 2, dtype=torch.float32))
        for b, s, c, bits in zip(boxes, scores, classes, paste(boxes, masks, p.height, p.width)):
            y1, x1, y2, x2 = b.tolist()
            if y2 <= y1 or x2 <= x1:
                continue
            rle = coco_mask.encode(bits)
            list_.append(dict(image_id=p.id, category_id=ids[int(c)], score=float(s), bbox=[x1, y1, x2 - x1, y2 - y1],
                              segmentation=dict(size=rle["size"], counts=rle["counts"].decode())))
    return list_


def main():
    a = argparse.ArgumentParser()
    for name in ("peer", "images", "train", "test", "start", "recipe", "results"):
        a.add_argument("--" + name, required=True)
    a.add_argument("--seconds", type=float, required=True)
    a.add_argument("--steps", type=int, default=0, help="in place of as many as begin within the time")
    a.add_argument("--compile", action="store_true", help="the backbone; the first two steps, in which that is done, count")
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()
    sys.path.insert(0, a.peer)
    import net as N
    torch.set_num_threads(a.threads)
    arrays, meta = learn_weights.read(a.start)
    config = meta["config"]
    side = config["input"]["height"]
    net = learn_weights.network(N, config)
    learn_weights.load(net, arrays)
    net = net.to(memory_format=torch.channels_last).eval()
    ran = {}
    with open(a.recipe) as f:
        recipe = json.load(f)
    if a.seconds > 0:
        pictures, _ = read(a.train, a.images)
        backbone = net.backbone
        trainer = Trainer(N, net, pictures, recipe, side)
        if a.compile:
            net.backbone = torch.compile(backbone)
        ran = trainer.train(a.seconds, a.steps, a.compile)
        net.backbone = backbone
    pictures, ids = read(a.test, a.images, masks=False)
    with open(a.results, "w") as f:
        json.dump(results(N, net, pictures, ids, side, config["rpn"]["post_nms"]), f)
    print(json.dumps(ran))


if __name__ == "__main__":
    main()

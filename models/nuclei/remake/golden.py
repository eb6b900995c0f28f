"""Makes the golden values of models/nuclei/testdata, and those of "spinemask verify", for a native model file, with the same network in PyTorch.

usage: golden.py --peer DIR --model nuclei.safetensors --images DIR --truth instances_val.json --to models/nuclei/testdata [--threads 2]

DIR of --peer holds net.py, SpineNet Mask R-CNN with the Model Garden's semantics (checked against that to a relative 6e-7). Run in the root of the repository; needs
torch, torchvision, safetensors, pillow and pycocotools. The input of the stages is that of the present tensors_256.safetensors.
"""
import argparse, json, os, sys

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco
from safetensors.torch import load_file, save_file

sys.path.insert(0, "bench/peers")
import learn_weights

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
WHOLE = ("2246874c8b5ba218.png", "538b7673d507014d.png", "5d58600efa0c2667.png")  # images of detections_640.json


def fit(image, size):
    """H×W×3 uint8 -> 1×3×size×size: normalised, then resized bilinearly with pixels lying at half, zero at the right and the bottom; and the scale."""
    h, w = image.shape[:2]
    s = min(size / h, size / w)
    height, width = round(h * s), round(w * s)
    x = torch.from_numpy((image.astype(np.float32) / np.float32(255) - MEAN) / STD).permute(2, 0, 1)[None]
    out = torch.zeros(1, 3, size, size)
    out[:, :, :height, :width] = torch.nn.functional.interpolate(x, (height, width), mode="bilinear", align_corners=False)
    return out, (height / h, width / w)


def paste(mask, box, height, width, threshold):
    """A pixel is set when its middle lies in the box and the bilinear value there of the probabilities, with a border of zeros, is above a threshold."""
    y1, x1, y2, x2 = [float(v) for v in box]
    out = np.zeros((height, width), np.uint8, order="F")
    top, bottom = max(0, int(np.ceil(y1 - .5))), min(height, int(np.floor(y2 - .5)) + 1)
    left, right = max(0, int(np.ceil(x1 - .5))), min(width, int(np.floor(x2 - .5)) + 1)
    if top >= bottom or left >= right:
        return out
    n = mask.shape[0]
    p = np.pad(mask, 1)
    v = (np.arange(top, bottom) + .5 - y1) / max(y2 - y1, 1e-6) * n + .5
    u = (np.arange(left, right) + .5 - x1) / max(x2 - x1, 1e-6) * n + .5
    v0, u0 = np.clip(np.floor(v).astype(int), 0, n), np.clip(np.floor(u).astype(int), 0, n)
    fv, fu = (v - v0)[:, None], (u - u0)[None]
    value = (p[v0][:, u0] * (1 - fv) * (1 - fu) + p[v0][:, u0 + 1] * (1 - fv) * fu
             + p[v0 + 1][:, u0] * fv * (1 - fu) + p[v0 + 1][:, u0 + 1] * fv * fu)
    out[top:bottom, left:right] = value > threshold
    return out


def dsb(found, truth):
    """Mean over the IoU thresholds 0.50, 0.55, …, 0.95 of TP / (TP + FP + FN), and the value at 0.5; a hit lies above the threshold. found falls by score."""
    if not found or not truth:
        return (1., 1.) if not found and not truth else (0., 0.)
    iou = coco.iou(found, truth, [0] * len(truth))
    values = []
    for t in range(10, 20):
        used, hits = np.zeros(len(truth), bool), 0
        for row in iou:
            j = np.where(used, 0, row).argmax()
            if not used[j] and row[j] > t / 20:
                used[j] = True
                hits += 1
        values.append(hits / (len(truth) + len(found) - hits))
    return float(np.mean(values)), values[0]


@torch.no_grad()
def stages(N, net, x, proposals):
    """The values of every stage for an input 1×3×H×W, as H×W×C."""
    height, width = x.shape[2:]
    last = lambda t: t.permute(0, 2, 3, 1).contiguous()
    feats = net.backbone(x)
    low = 8 - len(feats)
    out = {"input": last(x)[0]} | {f"P{l}": last(f)[0] for l, f in enumerate(feats, low)}
    scores, deltas = net.rpn_head(feats)
    for l, f, s, d in zip(range(low, 8), feats, scores, deltas):
        out[f"rpn_score_{l}"], out[f"rpn_box_{l}"] = s.reshape(*f.shape[2:], -1), d.reshape(*f.shape[2:], -1)
    out["proposals"], out["proposal_scores"] = N.propose(net, scores, deltas, height, width, 1000, proposals)[0]
    features = net.align(feats, out["proposals"], torch.zeros(len(out["proposals"])), 7)
    out["class_logits"], out["box_deltas"] = net.box_head(features)
    out["roi_features"] = last(features[:6])
    boxes, s, classes, masks = N.detect(net, x, post=proposals)
    out["detection_boxes"], out["detection_scores"], out["detection_classes"], out["detection_masks"] = boxes, s, classes.float(), masks[:12]
    out["mask_roi_features"] = last(net.align(feats, boxes[:6], torch.zeros(6), 14))
    return {k: v.contiguous() for k, v in out.items()}


def main():
    a = argparse.ArgumentParser()
    for name in ("peer", "model", "images", "truth", "to"):
        a.add_argument("--" + name, required=True)
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()
    sys.path.insert(0, a.peer)
    import net as N
    torch.set_num_threads(a.threads)
    arrays, meta = learn_weights.read(a.model)
    config = meta["config"]
    net = learn_weights.network(N, config)
    learn_weights.load(net, arrays)
    net.eval()
    d = config["detections"]

    def find(rgb):
        """Scores, boxes y1 x1 y2 x2 in image pixels and masks of what is found, by falling score."""
        height, width = rgb.shape[:2]
        x, scale = fit(rgb, config["input"]["height"])
        boxes, s, _, masks = N.detect(net, x, d["max"], d["score_threshold"], post=config["rpn"]["post_nms"], iou_thr=d["nms_iou"])
        boxes = boxes.numpy() / np.float32([scale[0], scale[1]] * 2)
        return s, boxes, [coco.encode(paste(m, b, height, width, config["masks"]["threshold"])) for m, b in zip(masks.numpy(), boxes)]

    self_check = "cmd/spinemask/golden/nuclei"
    found = zip(*find(np.asarray(Image.open(self_check + ".png").convert("RGB"))))
    with open(self_check + ".json", "w") as f:
        rows = [dict(score=float(v), box_yxyx=[float(c) for c in b], counts=r["counts"].decode()) for v, b, r in found if v >= 0.5]
        f.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")

    tensors = os.path.join(a.to, "tensors_256.safetensors")
    x = load_file(tensors)["input"].permute(2, 0, 1)[None].contiguous()
    save_file(stages(N, net, x, config["rpn"]["post_nms"]), tensors)

    with open(a.truth) as f:
        truth = json.load(f)
    objects = {}
    for o in truth["annotations"]:
        objects.setdefault(o["image_id"], []).append(o["segmentation"])
    display = d["display_threshold"]
    whole, scores = [], []
    for im in truth["images"]:
        rgb = np.asarray(Image.open(os.path.join(a.images, im["file_name"])).convert("RGB"))
        s, boxes, rles = find(rgb)
        if im["file_name"] in WHOLE:
            whole.append(dict(file_name=im["file_name"], detections=[
                dict(score=float(v), box_yxyx=[float(c) for c in b], exact=r["counts"].decode()) for v, b, r in zip(s, boxes, rles)]))
        shown = [r for v, r in zip(s, rles) if v >= display]
        score, at50 = dsb(shown, objects.get(im["id"], []))
        scores.append(dict(file_name=im["file_name"], modality=im["modality"], instances=len(objects.get(im["id"], [])), found=len(shown), dsb=round(score, 6), at50=round(at50, 6)))
        print(scores[-1], flush=True)
    with open(os.path.join(a.to, "detections_640.json"), "w") as f:
        json.dump(whole, f)
    with open(os.path.join(a.to, "val_scores.json"), "w") as f:
        json.dump(dict(display_threshold=display, images=scores), f, indent=1)


if __name__ == "__main__":
    main()

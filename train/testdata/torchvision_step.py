"""Gradients of a narrow Mask R-CNN of torchvision: trunk, pyramid, RPN and both heads, norms frozen.

python torchvision_step.py    writes torchvision_step.safetensors beside itself (torch, torchvision, safetensors, numpy)

Weights, the image and the gradients of the outputs follow from names (internal/testkit/testweights/formula), so that only boxes, outputs
and gradients are stored. Everything is computed in float64 with these float32 numbers.
"""
import math
import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops.misc import FrozenBatchNorm2d

NARROW, CHANNELS, CLASSES, H, W = 32, 8, 3, 128, 160
M = (1 << 64) - 1


def formula(name, shape, a, c=0.0):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & M
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    v = (u - np.float32(0.5)) * np.float32(2 * a) + np.float32(c)
    return torch.from_numpy(v.astype(np.float32).reshape(shape)).double()


def spread(name, shape):
    """Half width and centre of a weight: kernels have nearly the deviation of He's, as a power of two."""
    if len(shape) > 1:
        return 2.0 ** round(math.log2(6 / np.prod(shape[1:])) / 2), 0.0
    if name.endswith("running_var"):
        return 0.25, 1.0
    if name.endswith("bn3.weight"):
        return 0.125, 0.375
    if ".bn" in name or "downsample.1" in name:
        return 0.25, {"weight": 1.0, "bias": 0.25}.get(name.rsplit(".", 1)[1], 0.0)
    return 0.125, 0.0


class Tiny(ResNet):
    def _make_layer(self, block, planes, *args, **kwargs):
        if planes == 64:
            self.inplanes = 64 // NARROW
            self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)
            self.bn1 = self._norm_layer(self.inplanes)
        return super()._make_layer(block, planes // NARROW, *args, **kwargs)


body = Tiny(Bottleneck, [3, 4, 6, 3], norm_layer=FrozenBatchNorm2d)
body.fc = nn.Identity()
backbone = BackboneWithFPN(body, {f"layer{i}": str(i - 1) for i in range(1, 5)}, [256 // NARROW << i for i in range(4)], CHANNELS)
net = MaskRCNN(
    backbone, rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in (32, 64, 128, 256, 512)), ((0.5, 1.0, 2.0),) * 5),
    rpn_head=RPNHead(CHANNELS, 3), box_head=TwoMLPHead(CHANNELS * 49, 16), box_predictor=FastRCNNPredictor(16, CLASSES),
    mask_head=MaskRCNNHeads(CHANNELS, (CHANNELS,) * 4, 1), mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, CLASSES),
).double()
state = net.state_dict()
net.load_state_dict({k: formula("weight/" + k, tuple(v.shape), *spread(k, tuple(v.shape))) for k, v in state.items()})

torch.manual_seed(4)
image = formula("image", (1, 3, H, W), 1.0) + formula("image/16", (1, 3, H // 16, W // 16), 1.5).repeat_interleave(16, 2).repeat_interleave(16, 3)
corner = torch.rand(10, 2) * torch.tensor([W - 16.0, H - 16.0])
size = 8 + torch.rand(10, 2) ** 2 * torch.tensor([W - 8.0, H - 8.0])
boxes = torch.cat([corner, torch.minimum(corner + size, torch.tensor([W * 1.0, H * 1.0]))], 1)
boxes[0] = torch.tensor([0.0, 0.0, W, H])
regions, masked = [boxes.double()], [boxes[:4].double()]

features = net.backbone(image.float().double())
outs = {}
objectness, deltas = net.rpn.head(list(features.values()))
for i, (o, d) in enumerate(zip(objectness, deltas)):
    outs[f"objectness{i + 2}"], outs[f"deltas{i + 2}"] = o, d
roi = net.roi_heads
outs["classes"], outs["box"] = roi.box_predictor(roi.box_head(roi.box_roi_pool(features, regions, [(H, W)])))
outs["masks"] = roi.mask_predictor(roi.mask_head(roi.mask_roi_pool(features, masked, [(H, W)])))
loss = sum((v * formula("gradient/" + k, tuple(v.shape), 1.0)).sum() for k, v in outs.items())
loss.backward()
store = {"boxes": boxes, "loss": loss.detach().reshape(1).float()}
store |= {"out." + k: v.detach().float() for k, v in outs.items() if k not in ("objectness2", "deltas2", "objectness3", "deltas3", "masks")}
for k, p in net.named_parameters():
    store["grad." + k] = p.grad.float()
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torchvision_step.safetensors")
save_file({k: t.contiguous() for k, t in store.items()}, path)
os.chmod(path, 0o644)

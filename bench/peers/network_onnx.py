"""Mask R-CNN and RetinaNet with SpineNet-49 (arXiv 1912.05027) as ONNX, with random weights: what the peers run.

The structure is that of tensorflow/tpu, models/official/detection, modeling/architecture/{spinenet,heads}.py, without the
level-2 block that its detectors cut off. Norms are folded into the convolutions, as every runtime does. Mask R-CNN has three
parts, because RoIAlign and the choice of boxes stand between them:

    trunk.onnx  image 1x3xSxS             -> objectness3..7, deltas3..7 and the maps P3..P7
    box.onnx    features 1000x256x7x7     -> classes, deltas
    mask.onnx   features 100x256x14x14    -> logits

RetinaNet has one:

    trunk.onnx  image 1x3xSxS             -> classes3..7, deltas3..7 and the maps P3..P7

usage: network_onnx.py FOLDER [--side 640] [--network mask_rcnn]
"""
import argparse
import math
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROPOSALS, DETECTIONS, CLASSES = 1000, 100, 91
PUBLISHED = {  # multiply-adds of all parts; the paper's tables say 215.7e9 and 85.4e9
    ("mask_rcnn", 640): 215_446_086_400,
    ("retinanet", 640): 85_281_555_200,
}

WIDTH = {2: 64, 3: 128, 4: 256, 5: 256, 6: 256, 7: 256}
BOTTLENECK, RESIDUAL = 4, 1  # times the width: the channels that a block makes
BLOCKS = [  # level, kind, two parents (0 and 1 are the stem's blocks, i+2 is block i), is an output
    (2, BOTTLENECK, (0, 1), False), (4, RESIDUAL, (0, 1), False), (3, BOTTLENECK, (2, 3), False),
    (4, BOTTLENECK, (2, 4), False), (6, RESIDUAL, (3, 5), False), (4, BOTTLENECK, (3, 5), False),
    (5, RESIDUAL, (6, 7), False), (7, RESIDUAL, (6, 8), False), (5, BOTTLENECK, (8, 9), False),
    (5, BOTTLENECK, (8, 10), False), (4, BOTTLENECK, (5, 10), True), (3, BOTTLENECK, (4, 10), True),
    (5, BOTTLENECK, (7, 12), True), (7, BOTTLENECK, (5, 14), True), (6, BOTTLENECK, (12, 14), True),
]


class Part:
    """An ONNX graph in the making. Values are names; shapes are N, C, H, W."""

    def __init__(self, name, input_name, shape):
        self.name, self.nodes, self.weights, self.outputs = name, [], [], []
        self.input, self.shapes, self.macs = input_name, {input_name: tuple(shape)}, 0
        self.random = np.random.default_rng(49)

    def node(self, op, inputs, shape, **attributes):
        out = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, **attributes))
        self.shapes[out] = tuple(shape)
        return out

    def constant(self, value, name):
        name = f"{name}{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def kernel(self, shape, fan_in, out):
        """A kernel that keeps values of order one, and a bias."""
        w = self.random.uniform(-1, 1, shape).astype(np.float32) * np.float32(math.sqrt(3 / fan_in))
        return [self.constant(w, "w"), self.constant(self.random.uniform(-0.5, 0.5, out).astype(np.float32), "b")]

    def relu(self, x):
        return self.node("Relu", [x], self.shapes[x])

    def conv(self, x, size, out, stride=1):
        n, c, h, w = self.shapes[x]
        h, w, pad = h // stride, w // stride, size // 2
        self.macs += n * h * w * c * out * size * size
        weights = self.kernel((out, c, size, size), c * size * size, out)
        return self.node("Conv", [x, *weights], (n, out, h, w), kernel_shape=[size, size], strides=[stride, stride], pads=[pad] * 4)

    def conv_relu(self, *args, **kwargs):
        return self.relu(self.conv(*args, **kwargs))

    def pool(self, x, size, stride):
        n, c, h, w = self.shapes[x]
        pad = size - stride  # SAME on sides that the stride divides: the odd pixel comes after
        before, after = pad // 2, pad - pad // 2
        return self.node("MaxPool", [x], (n, c, h // stride, w // stride), kernel_shape=[size, size], strides=[stride, stride], pads=[before, before, after, after])

    def upsample(self, x, factor):
        n, c, h, w = self.shapes[x]
        scales = self.constant(np.array([1, 1, factor, factor], np.float32), "scales")
        return self.node("Resize", [x, "", scales], (n, c, h * factor, w * factor), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def add(self, *values):
        x = values[0]
        for y in values[1:]:
            assert self.shapes[x] == self.shapes[y], (self.shapes[x], self.shapes[y])
            x = self.node("Add", [x, y], self.shapes[x])
        return x

    def deconv(self, x, out):
        n, c, h, w = self.shapes[x]
        self.macs += n * h * w * c * out * 4
        return self.node("ConvTranspose", [x, *self.kernel((c, out, 2, 2), c, out)], (n, out, 2 * h, 2 * w), kernel_shape=[2, 2], strides=[2, 2])

    def flatten(self, x):
        n, *rest = self.shapes[x]
        return self.node("Flatten", [x], (n, math.prod(rest)))

    def dense(self, x, out):
        n, c = self.shapes[x]
        self.macs += n * c * out
        return self.node("Gemm", [x, *self.kernel((out, c), c, out)], (n, out), transB=1)

    def output(self, x, name):
        self.nodes.append(helper.make_node("Identity", [x], [name], name=name))
        self.shapes[name] = self.shapes[x]
        self.outputs.append(name)

    def model(self):
        def info(name):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shapes[name])

        graph = helper.make_graph(self.nodes, self.name, [info(self.input)], [info(o) for o in self.outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        return model


def unit(g, x, kind, width, project=False):
    """A residual unit: relu(main + shortcut)."""
    shortcut = g.conv(x, 1, 4 * width) if project else x
    if kind == BOTTLENECK:
        x = g.conv(g.conv_relu(g.conv_relu(x, 1, width), 3, width), 1, 4 * width)
    else:
        x = g.conv(g.conv_relu(x, 3, width), 3, width)
    return g.relu(g.add(x, shortcut))


def resample(g, x, width, level, to_level, channels):
    """Squeezes by a half, changes the size, expands (figure 3 of the paper)."""
    x = g.conv_relu(x, 1, width // 2)
    if level < to_level:
        x = g.conv_relu(x, 3, width // 2, stride=2)
        ratio = 2 ** (to_level - level - 1)
        if ratio > 1:
            x = g.pool(x, 3 if ratio == 2 else 5, ratio)
    elif level > to_level:
        x = g.upsample(x, 2 ** (level - to_level))
    return g.conv(x, 1, channels)


def rpn_head(g, p, level):
    x = g.conv_relu(p, 3, 256)
    g.output(g.conv(x, 1, 3), f"objectness{level}")
    g.output(g.conv(x, 1, 12), f"deltas{level}")


def retinanet_head(g, p, level):
    for name, channels in (("classes", 9 * CLASSES), ("deltas", 9 * 4)):
        x = p
        for _ in range(4):
            x = g.conv_relu(x, 3, 256)
        g.output(g.conv(x, 3, channels), f"{name}{level}")


def trunk(side, head):
    """Backbone and dense head."""
    g = Part("trunk", "image", (1, 3, side, side))
    x = g.pool(g.conv_relu("image", 7, 64, stride=2), 3, 2)
    features, used = [], []  # (value, level, width), how often a feature is a parent
    for i in range(2):
        x = unit(g, x, BOTTLENECK, 64, project=i == 0)
        features.append((x, 2, 64))
        used.append(0)
    endpoints = {}
    for level, kind, parents, is_output in BLOCKS:
        width, terms = WIDTH[level], []
        for p in parents:
            value, from_level, from_width = features[p]
            terms.append(resample(g, value, from_width, from_level, level, kind * width))
            used[p] += 1
        if is_output:  # features that no block uses feed the endpoint of their size
            for p, (value, from_level, _) in enumerate(features):
                if not used[p] and from_level == level and g.shapes[value][1] == kind * width:
                    terms.append(value)
                    used[p] += 1
        x = unit(g, g.relu(g.add(*terms)), kind, width)
        features.append((x, level, width))
        used.append(0)
        if is_output:
            endpoints[level] = x
    for level in range(3, 8):
        p = g.conv_relu(endpoints[level], 1, 256)
        g.output(p, f"P{level}")
        head(g, p, level)
    return g


def box_head():
    g = Part("box", "features", (PROPOSALS, 256, 7, 7))
    x = "features"
    for _ in range(4):
        x = g.conv_relu(x, 3, 256)
    x = g.relu(g.dense(g.flatten(x), 1024))
    g.output(g.dense(x, CLASSES), "classes")
    g.output(g.dense(x, 4 * CLASSES), "deltas")
    return g


def mask_head():
    g = Part("mask", "features", (DETECTIONS, 256, 14, 14))
    x = "features"
    for _ in range(4):
        x = g.conv_relu(x, 3, 256)
    g.output(g.conv(g.relu(g.deconv(x, 256)), 1, CLASSES), "logits")
    return g


PARTS = {"mask_rcnn": ("trunk", "box", "mask"), "retinanet": ("trunk",)}


def write(folder, side, network):
    """Writes the parts of a network and returns their multiply-adds."""
    os.makedirs(folder, exist_ok=True)
    macs = {}
    parts = (trunk(side, rpn_head), box_head(), mask_head()) if network == "mask_rcnn" else (trunk(side, retinanet_head),)
    for part in parts:
        onnx.save(part.model(), os.path.join(folder, part.name + ".onnx"))
        macs[part.name] = part.macs
    total = sum(macs.values())
    want = PUBLISHED.get((network, side), total)
    if total != want:
        raise SystemExit(f"the network has {total} multiply-adds, want {want}")
    return macs


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder")
    p.add_argument("--side", type=int, default=640, help="of the input, a multiple of 128")
    p.add_argument("--network", default="mask_rcnn", choices=PARTS)
    args = p.parse_args()
    macs = write(args.folder, args.side, args.network)
    for name, n in macs.items():
        print(f"{name:6}{n / 1e9:9.3f} G multiply-adds")
    print(f"{'total':6}{sum(macs.values()) / 1e9:9.3f} G")


if __name__ == "__main__":
    main()

"""Weights of a native model file as the state of net.py's MaskRCNN, Mask R-CNN on SpineNet in PyTorch."""
import json

import torch
from safetensors import safe_open
from torchvision.ops import roi_align


def read(path):
    """The arrays of a native model file as float32, and its config."""
    with safe_open(path, "pt") as f:
        arrays = {name: f.get_tensor(name).float() for name in f.keys()}
        meta = f.metadata()
    return arrays, {k: json.loads(v) if v[:1] in "{[" else v for k, v in meta.items()}


def network(N, config):
    """The MaskRCNN of net.py, given as a module, for the config of a native file. A network whose levels begin at 2 has SpineNet's endpoint of that level, the last block
    of the table in the Model Garden, official/vision/modeling/backbones/spinenet.py."""
    size = dict(classes=len(config["categories"]) + 1, anchor_size=config["anchors"]["size"])
    if config["backbone"]["min_level"] == 3:
        return N.MaskRCNN(**size)
    end = (2, "b", (2, 13), 1)
    if end not in N.SPECS:
        N.SPECS.append(end)

    class SpineNet(N.SpineNet):
        def __init__(self, scale=0.375, endpoints=64):
            super().__init__(scale, endpoints)
            self.ends["2"] = N.ConvBN(4 * int(N.FILT[2] * scale), endpoints)

        def forward(self, x):
            trace = {}
            levels = super().forward(x, trace)
            return [self.ends["2"](trace["features"][-1])] + levels

    class MaskRCNN(N.MaskRCNN):
        def __init__(self, **size):
            super().__init__(**size)
            self.backbone = SpineNet()
            self.rpn_bn.append(N.bn(self.rpn.out_channels))

        def anchors(self, height, width):
            y, x = torch.meshgrid(torch.arange(2, height, 4.), torch.arange(2, width, 4.), indexing="ij")
            ratios = torch.tensor([.5, 1, 2]).sqrt()
            half = torch.stack([4 * self.anchor_size / ratios, 4 * self.anchor_size * ratios], -1) / 2
            middle = torch.stack([y, x], -1)[:, :, None]
            return [torch.cat([middle - half, middle + half], -1).reshape(-1, 4)] + super().anchors(height, width)

        def align(self, levels, boxes, image, size):
            out = super().align(levels[1:], boxes, image, size)
            side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=1e-12).sqrt()
            small = (torch.floor(torch.log2(side / 224) + 4) < 3).nonzero()[:, 0]
            if len(small):
                corners = torch.cat([image[small][:, None], boxes[small][:, [1, 0, 3, 2]] + 2], 1)
                out[small] = roi_align(levels[0], corners, (size, size), 1 / 4, 1, True)
            return out

    return MaskRCNN(**size)


def layers(net):
    """Pairs of a module of net.py and the native name of its layer or norm."""
    def block(module, place):
        names = ("c1", "c2", "c3") if hasattr(module, "c3") else ("c1", "c2")
        pairs = [(getattr(module, n), f"{place}/conv{i}") for i, n in enumerate(names)]
        return pairs + ([(module.proj, f"{place}/shortcut")] if getattr(module, "proj", None) is not None else [])
    b = net.backbone
    both = [(b.stem, "backbone/stem/conv")] + block(b.g0, "backbone/stem/group0/unit0") + block(b.g1, "backbone/stem/group1/unit0")
    for k, (pair, after) in enumerate(zip(b.res, b.blocks)):
        for j, r in enumerate(pair):
            convs = [r.a, r.c] if r.b is None else [r.a, r.b, r.c]
            both += [(m, f"backbone/block{k:02}/resample{j}/conv{i}") for i, m in enumerate(convs)]
        both += block(after, f"backbone/block{k:02}/unit0")
    both += [(m, f"backbone/endpoint{level}") for level, m in b.ends.items()]
    yield from ((part, name + tail) for m, name in both for part, tail in ((m.conv, ""), (m.bn, "/norm")))
    yield net.rpn, "rpn/conv0"
    yield from ((m, f"rpn/conv0/norm{level}") for level, m in enumerate(net.rpn_bn, 8 - len(net.rpn_bn)))
    yield net.rpn_cls, "rpn/objectness"
    yield net.rpn_box, "rpn/deltas"
    for head, convs in (("box", net.box_convs), ("mask", net.mask_convs)):
        for i, (conv, norm) in enumerate(convs):
            yield conv, f"{head}/conv{i}"
            yield norm, f"{head}/conv{i}/norm"
    yield net.fc, "box/fc0"
    yield net.fc_bn, "box/fc0/norm"
    yield net.cls, "box/class"
    yield net.box, "box/deltas"
    yield net.deconv, "mask/deconv"
    yield net.deconv_bn, "mask/deconv/norm"
    yield net.mask_out, "mask/logits"


def load(net, arrays):
    """Copies native arrays into net; every array and every parameter has to have its counterpart."""
    norm = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    used, set_ = set(), set()
    with torch.no_grad():
        for module, place in layers(net):
            of_norm = isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d))
            for key, value in module.state_dict(keep_vars=True).items():
                if key == "num_batches_tracked":
                    continue
                name = f"{place}/{norm[key] if of_norm else {'weight': 'kernel', 'bias': 'bias'}[key]}"
                v = arrays[name]
                if v.ndim == 4:  # height, width, in, out; of a deconvolution out, in
                    v = v.permute(3, 2, 0, 1)
                elif v.ndim == 2:
                    v = v.t()
                assert v.shape == value.shape, (name, v.shape, value.shape)
                value.copy_(v)
                used.add(name)
                set_.add(id(value))
    left = set(arrays) - used
    missing = [n for n, p in net.named_parameters() if id(p) not in set_]
    assert not left and not missing, (left, missing)

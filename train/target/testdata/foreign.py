"""Deltas of boxes as torchvision, Detectron2 and mmdetection make them for training.

python foreign.py DETECTRON2 MMDET    writes foreign.safetensors beside itself; DETECTRON2 is the folder of its sources, MMDET
that of an unpacked wheel. Only the functions are taken out of them, with nothing changed.
"""
import ast
import math
import os
import sys
from typing import *

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder


def take(path, name):
    tree = ast.parse(open(path).read())
    node = next(n for n in ast.walk(tree) if getattr(n, "name", None) == name and isinstance(n, (ast.FunctionDef, ast.ClassDef)))
    node.decorator_list = []
    scope = {"torch": torch, "np": np, "math": math, "Tensor": Tensor, "_DEFAULT_SCALE_CLAMP": math.log(1000 / 16), **{k: v for k, v in globals().items() if k in ("List", "Optional", "Sequence", "Tuple", "Union")}}
    exec(compile(ast.Module([node], []), path, "exec"), scope)
    return scope[name]


d2 = take(sys.argv[1] + "/detectron2/modeling/box_regression.py", "Box2BoxTransform")
coders = sys.argv[2] + "/mmdet/models/task_modules/coders/"
mmdet = take(coders + "delta_xywh_bbox_coder.py", "bbox2delta")
legacy = take(coders + "legacy_delta_xywh_bbox_coder.py", "legacy_bbox2delta")
torch.manual_seed(6)
corner, size = torch.rand(40, 2) * 300, torch.exp(torch.rand(40, 2) * 5)
base = torch.cat([corner, corner + size], 1)
gt = base + (torch.rand(40, 4) - 0.5) * 0.6 * torch.cat([size, size], 1)
gt[0] = base[0]
out = {"base": base, "gt": gt}
for name, weights in (("anchors", (1.0, 1.0, 1.0, 1.0)), ("regions", (10.0, 10.0, 5.0, 5.0))):
    out[f"torchvision.{name}"] = BoxCoder(weights).encode([gt], [base])[0]
    out[f"detectron2.{name}"] = d2(weights).get_deltas(base, gt)
    stds = [1 / w for w in weights]
    out[f"mmdet3.{name}"] = mmdet(base, gt, stds=stds)
    out[f"mmdet1.{name}"] = legacy(base, gt, stds=stds)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "foreign.safetensors")
save_file({k: t.contiguous() for k, t in out.items()}, path)
os.chmod(path, 0o644)

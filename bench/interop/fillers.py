"""How three programs turn an outline into a mask: functions of the programs themselves, not copies of them."""

import importlib.util
import os

import cv2
import numpy as np
import supervision as sv
from labelme.utils import shape_to_mask


def _ultralytics():
    """polygon2mask and resample_segments, without PyTorch, which the package imports but these functions do not need."""
    wanted = {}
    for path, name in (("data/utils.py", "polygon2mask"), ("utils/ops.py", "resample_segments")):
        folder = importlib.util.find_spec("ultralytics").submodule_search_locations[0]
        source = open(os.path.join(folder, path)).read()
        start = source.index(f"\ndef {name}(")
        end = source.index("\ndef ", start + 1)
        scope = {"np": np, "cv2": cv2}
        exec(compile("from __future__ import annotations\n" + source[start:end], path, "exec"), scope)
        wanted[name] = scope[name]
    return wanted


_functions = _ultralytics()


def ultralytics(line, h, w, points=None):
    """line is N×2, parts of width and height. With points it is first put through that many, as in training."""
    if points is not None:
        line = _functions["resample_segments"]([line.copy()], points)[0]
    return _functions["polygon2mask"]((h, w), [(line * [w, h]).reshape(-1)], 1, 1).astype(bool)


def supervision(line, h, w):
    """As sv.DetectionDataset.from_yolo does: rounded to whole pixels, then filled."""
    return sv.polygon_to_mask(np.round(line * [w, h]).astype(int), (w, h)).astype(bool)


def labelme(points, h, w):
    return shape_to_mask((h, w), points, "polygon")

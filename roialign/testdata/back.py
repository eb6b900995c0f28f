"""RoIAlign of torchvision, forward and backward, on one map and on boxes of many sizes.

python back.py    writes back.safetensors beside itself (torch, torchvision, safetensors)
"""
import os
import torch
from safetensors.torch import save_file
from torchvision.ops import roi_align

torch.manual_seed(5)
SCALE, H, W, C = 0.25, 20, 26, 3
x = torch.randn(1, C, H, W)
boxes = torch.tensor([  # x1 y1 x2 y2 in pixels of the input, which is 80 high and 104 wide
    [10.3, 8.7, 37.9, 30.2],     # inside
    [0.0, 0.0, 104.0, 80.0],     # everything
    [-9.5, -3.25, 22.0, 14.5],   # over the upper left corner
    [88.0, 61.5, 119.75, 97.0],  # over the lower right corner
    [50.0, 40.0, 51.5, 41.25],   # below a pixel of the map
    [60.25, 12.0, 64.25, 77.0],  # tall
    [3.0, 33.3, 101.0, 39.9],    # wide
    [-40.0, 20.0, -8.0, 60.0],   # outside, on the left
    [103.0, 79.0, 104.0, 80.0],  # in the last corner
    [24.0, 24.0, 56.0, 56.0],    # on the grid
])
out = {"x": x[0], "boxes": boxes}
for name, aligned, ratio, size, of in (
    ("legacy7", False, 2, 7, boxes), ("legacy14", False, 2, 14, boxes[:4]),
    ("adaptive7", True, 0, 7, boxes), ("adaptive14", True, -1, 14, boxes[:4]),
):
    v = x.clone().requires_grad_()
    y = roi_align(v, [of], size, SCALE, ratio, aligned)
    dy = torch.randn_like(y)
    y.backward(dy)
    out |= {f"{name}.y": y.detach(), f"{name}.dy": dy, f"{name}.dx": v.grad[0]}
# mmdetection 1.x: the far corners lie a pixel further, sides of less than a pixel of the map stay as they are
of = boxes[[i for i in range(len(boxes)) if i not in (4, 8)]]
v = x.clone().requires_grad_()
y = roi_align(v, [of + torch.tensor([0, 0, 1, 1])], 7, SCALE, 2, False)
dy = torch.randn_like(y)
y.backward(dy)
out |= {"mmdet1.boxes": of, "mmdet1.y": y.detach(), "mmdet1.dy": dy, "mmdet1.dx": v.grad[0]}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "back.safetensors")
save_file({k: t.contiguous() for k, t in out.items()}, path)
os.chmod(path, 0o644)

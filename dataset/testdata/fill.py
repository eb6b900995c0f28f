# Writes fill.json: polygons, rectangles and circles as Pillow 13.0.0 (ImageDraw, as labelme 6.3.1 calls it)
# and OpenCV 5.0.0 (fillPoly, as ultralytics calls it) fill them.
import json, math, random
import cv2, numpy as np
from PIL import Image, ImageDraw

H, W = 30, 40
random.seed(7)

def runs(mask):
    flat, out, value, n = mask.flatten(order="F"), [], 0, 0
    for v in flat.tolist():
        if v != value:
            out.append(n)
            value, n = v, 0
        n += 1
    return out + [n]

def pillow(draw):
    m = Image.fromarray(np.zeros((H, W), np.uint8))
    draw(ImageDraw.Draw(m))
    return runs(np.array(m))

def opencv(xy):
    m = np.zeros((H, W), np.uint8)
    cv2.fillPoly(m, [np.asarray(xy, np.int32).reshape(-1, 2)], color=1)
    return runs(m)

cases = {"polygons": [], "rectangles": [], "circles": []}
for i in range(120):
    n = random.randint(3, 12)
    lo, hi = (0, 1) if i % 3 else (-0.3, 1.3)
    xy = [(round(random.uniform(lo, hi) * W, 2), round(random.uniform(lo, hi) * H, 2)) for _ in range(n)]
    if i % 2:  # a star, which does not cross itself
        cx, cy = W / 2, H / 2
        xy.sort(key=lambda p: math.atan2(p[1] - cy, p[0] - cx))
    cases["polygons"].append({
        "xy": [v for p in xy for v in p],
        "pillow": pillow(lambda d: d.polygon(xy, outline=1, fill=1)),
        "opencv": opencv(xy) if lo == 0 else None})
for i in range(20):
    x0, y0, x1, y1 = (round(random.uniform(-3, 45), 2) for _ in range(4))
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    cases["rectangles"].append({"xy": [x0, y0, x1, y1], "pillow": pillow(lambda d: d.rectangle((x0, y0, x1, y1), outline=1, fill=1))})
    cx, cy, r = round(random.uniform(0, W), 2), round(random.uniform(0, H), 2), round(random.uniform(3, 14), 2)
    cases["circles"].append({"xy": [cx, cy, r], "pillow": pillow(lambda d: d.ellipse(((cx - r, cy - r), (cx + r, cy + r)), outline=1, fill=1))})
json.dump(cases, open("fill.json", "w"), separators=(",", ":"))

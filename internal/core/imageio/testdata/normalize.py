"""Percentiles by numpy 2.4.6 of numbers that the test makes by the same formula.  python normalize.py > normalize.json"""
import json
import numpy as np

def noise(n):
    """x(i+1) = 1664525 x(i) + 1013904223 modulo 2**32 (Numerical Recipes), from 1."""
    x, out = 1, []
    for _ in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(x)
    return np.array(out, np.uint32)

r = noise(1001)
pages = {
    "uint8": (r >> 24).astype(np.uint8),
    "uint16": (r >> 16).astype(np.uint16),
    "int16": (r >> 16).astype(np.uint16).view(np.int16),
    "uint32": r,
    "int32": r.view(np.int32),
    "float32": (r.view(np.int32) / 1e5).astype(np.float32),
    "float64": r.view(np.int32) / 1e-200,
}
out = []
for name, page in pages.items():
    for low, high in [(0.1, 99.9), (0, 100), (1, 99), (12.5, 50), (33, 40)]:
        lo, hi = np.percentile(page.astype(np.float64), [low, high])
        scaled = (page.astype(np.float64) - lo) * 255 / (hi - lo)
        levels = np.clip(np.floor(scaled + 0.5), 0, 255).astype(int)
        out.append({"type": name, "low": low, "high": high, "lo": lo, "hi": hi, "levels": levels[:40].tolist()})
json.dump(out, __import__("sys").stdout)

"""Fills the outlines of small masks with the fillers of ultralytics, supervision and labelme.

usage: go test ./export -run ReadersOfOutlines -args -outlines=/tmp/outlines.json
       python fill.py /tmp/outlines.json export/testdata/outlines.json
"""

import json
import sys

import numpy as np

import fillers

masks = json.load(open(sys.argv[1]))
rows = lambda mask: ["".join(".#"[int(v)] for v in row) for row in mask]
for m in masks:
    h, w = len(m["rows"]), len(m["rows"][0])
    line = np.array(m["yolo"].split()[1:], np.float32).reshape(-1, 2)
    m["ultralytics"] = rows(fillers.ultralytics(line, h, w))
    m["supervision"] = rows(fillers.supervision(line, h, w))
    m["labelme_fill"] = rows(np.logical_or.reduce([fillers.labelme(s, h, w) for s in m["labelme"]]))
with open(sys.argv[2], "w") as f:
    json.dump(masks, f, indent=1)
    f.write("\n")

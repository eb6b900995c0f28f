#!/usr/bin/env bash
# cellpose 4.2.1.1, metrics.average_precision: the number of objects of a label image is taken for the number of its
# different values less one, for the background. An image that objects fill has no background, as crops of
# dense tissue and watersheds have none: then one object is not counted, in the truth and in the prediction. False positives
# and misses of a perfect prediction are -1 each, and the average precision TP / (TP + FP + FN) is above 1: infinite with two objects,
# 1.5 with six. A mean over images takes it in.
#
# Seen (a label image compared with itself, IoU 0.5):
#   2 objects and background: AP 1.00 TP 2 FP 0 FN 0
#   2 objects, no background: AP inf TP 2 FP -1 FN -1
#   6 objects, no background: AP 1.50 TP 6 FP -1 FN -1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q cellpose==4.2.1.1 numpy==2.4.6
"$work/venv/bin/python" - > "$work/seen" 2> /dev/null <<'PY'
import numpy as np
from cellpose import metrics

stripes = lambda n: np.repeat(np.arange(1, n + 1, dtype=np.int32), 4)[None].repeat(8, 0)
images = {
    "2 objects and background": np.pad(stripes(2), 2),
    "2 objects, no background": stripes(2),
    "6 objects, no background": stripes(6),
}
for name, labels in images.items():
    ap, tp, fp, fn = metrics.average_precision([labels], [labels], threshold=[0.5])
    print(f"{name}: AP {ap[0, 0]:.2f} TP {tp[0, 0]:.0f} FP {fp[0, 0]:.0f} FN {fn[0, 0]:.0f}")
PY
diff "$work/seen" - <<'SEEN'
2 objects and background: AP 1.00 TP 2 FP 0 FN 0
2 objects, no background: AP inf TP 2 FP -1 FN -1
6 objects, no background: AP 1.50 TP 6 FP -1 FN -1
SEEN
echo "as described: cellpose 4.2.1.1"

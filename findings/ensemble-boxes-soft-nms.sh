#!/usr/bin/env bash
# ensemble-boxes 1.0.9, soft_nms: boxes come back in the order of their softened scores, but with the scores
# they had. Soft-NMS keeps boxes that overlap and says so by lower scores; here a duplicate comes back at
# its full score, behind a box that it now outranks. Whoever sorts the result by score, as every evaluation
# does, has no suppression at all, but for boxes whose softened score fell under the threshold.
#
# Seen:
#   sigma 0.5: scores 0.9, 0.7, 0.8, the duplicate of 0.8 softened to 0.108 by the formula
#   sigma 0.3: scores 0.9, 0.7, 0.8, the duplicate of 0.8 softened to 0.029 by the formula
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q ensemble-boxes==1.0.9 numpy==2.4.6
"$work/venv/bin/python" - "$work" > "$work/seen" 2> /dev/null <<'PY'
import numpy as np
from ensemble_boxes import soft_nms

boxes = [[[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]]]
scores = [[0.9, 0.8, 0.7]]
for sigma in (0.5, 0.3):
    kept, out, _ = soft_nms(boxes, scores, [[0, 0, 0]], method=2, sigma=sigma, thresh=0.001)
    softened = 0.8 * np.exp(-1 / sigma)
    print(f"sigma {sigma}: scores {', '.join(f'{v:g}' for v in out)}, the duplicate of 0.8 softened to {softened:.3f} by the formula")
PY
diff "$work/seen" - <<'SEEN'
sigma 0.5: scores 0.9, 0.7, 0.8, the duplicate of 0.8 softened to 0.108 by the formula
sigma 0.3: scores 0.9, 0.7, 0.8, the duplicate of 0.8 softened to 0.029 by the formula
SEEN
echo "as described: ensemble-boxes 1.0.9"

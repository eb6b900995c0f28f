#!/usr/bin/env bash
# tifffile 2026.3.3 writes an array of 3 or 4 planes as one page of planar RGB or
# RGBA, also where the caller says that the planes are z, time or channels; of 2 or 5
# planes each is a grey page. A z-stack of three slices and one of five are two kinds of
# file, and a reader that trusts the tag PhotometricInterpretation takes the first for a
# colour picture. What it is stands in the JSON of ImageDescription alone ("axes"), which
# is what a reader has to believe.
#
# Seen (planes: pages, photometric, planar configuration, axes of the series):
#   2: 2 MINISBLACK 1 ZYX
#   3: 1 RGB 2 ZYX
#   4: 1 RGB 2 ZYX
#   5: 5 MINISBLACK 1 ZYX
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q tifffile==2026.3.3 numpy==2.4.6
"$work/venv/bin/python" - > "$work/seen" <<'PY'
import io
import numpy as np, tifffile

for n in (2, 3, 4, 5):
    f = io.BytesIO()
    tifffile.imwrite(f, np.zeros((n, 8, 10), np.uint16), metadata={"axes": "ZYX"})
    f.seek(0)
    with tifffile.TiffFile(f) as t:
        p = t.pages[0]
        print(f"{n}: {len(t.pages)} {p.photometric.name} {int(p.planarconfig)} {t.series[0].axes}")
PY
diff "$work/seen" - <<'SEEN'
2: 2 MINISBLACK 1 ZYX
3: 1 RGB 2 ZYX
4: 1 RGB 2 ZYX
5: 5 MINISBLACK 1 ZYX
SEEN
echo "as described: tifffile 2026.3.3"

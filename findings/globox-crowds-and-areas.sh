#!/usr/bin/env bash
# globox 2.9.0, AnnotationSet.from_coco and COCOEvaluator: of a COCO file iscrowd and area are not read. A
# crowd counts as one object to be found, so what is found in it is wrong, where COCO forgives it; and an
# object is small, medium or large by its box, where COCO goes by the area of its mask. So box AP on COCO's
# own files is not pycocotools', though it is to the last digit where there are no crowds and areas are
# those of boxes.
#
# Seen:
#   one object: AP, of small, of medium: pycocotools 1.000 none 1.000, globox 1.000 none 1.000
#   and a crowd, with one found in it: AP, of small, of medium: pycocotools 1.000 none 1.000, globox 0.252 none 0.500
#   the object is thin, of 900 pixels: AP, of small, of medium: pycocotools 1.000 1.000 none, globox 1.000 none 1.000
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q globox==2.9.0 pycocotools==2.0.11 numpy==2.4.6
"$work/venv/bin/python" - "$work" > "$work/seen" 2> /dev/null <<'PY'
import contextlib, io, json, sys
from globox import AnnotationSet, COCOEvaluator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def compare(name, objects, found):
    annotations = [dict(id=i + 1, image_id=1, category_id=1, bbox=b, area=a, iscrowd=c) for i, (b, a, c) in enumerate(objects)]
    truth = dict(images=[dict(id=1, file_name="a.jpg", width=500, height=500)], categories=[dict(id=1, name="x")], annotations=annotations)
    results = [dict(image_id=1, category_id=1, bbox=b, score=s) for b, s in found]
    files = [sys.argv[1] + "/truth.json", sys.argv[1] + "/results.json"]
    for f, v in zip(files, (truth, results)):
        json.dump(v, open(f, "w"))
    with contextlib.redirect_stdout(io.StringIO()):
        t = COCO(files[0])
        e = COCOeval(t, t.loadRes(files[1]), "bbox")
        e.evaluate(), e.accumulate(), e.summarize()
    t = AnnotationSet.from_coco(files[0])
    g = COCOEvaluator(ground_truths=t, predictions=t.from_results(files[1]))
    nan = lambda v: "none" if v != v or v < 0 else f"{v:.3f}"
    theirs = " ".join(nan(v) for v in (g.ap(), g.ap_small(), g.ap_medium()))
    print(f"{name}: AP, of small, of medium: pycocotools {' '.join(nan(v) for v in (e.stats[0], e.stats[3], e.stats[4]))}, globox {theirs}")


box = [200, 200, 50, 50]
compare("one object", [(box, 2500, 0)], [(box, 0.5)])
compare("and a crowd, with one found in it", [(box, 2500, 0), ([0, 0, 150, 150], 9000, 1)], [(box, 0.5), ([10, 10, 50, 50], 0.9)])
compare("the object is thin, of 900 pixels", [(box, 900, 0)], [(box, 0.5)])
PY
diff "$work/seen" - <<'SEEN'
one object: AP, of small, of medium: pycocotools 1.000 none 1.000, globox 1.000 none 1.000
and a crowd, with one found in it: AP, of small, of medium: pycocotools 1.000 none 1.000, globox 0.252 none 0.500
the object is thin, of 900 pixels: AP, of small, of medium: pycocotools 1.000 1.000 none, globox 1.000 none 1.000
SEEN
echo "as described: globox 2.9.0, pycocotools 2.0.11"

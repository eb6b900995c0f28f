#!/usr/bin/env python3
"""Makes random pairs, as make.py does, and what lvis-api or boundary-iou-api makes of them.
usage: others.py lvis|boundary SEED COUNT > lvis.jsonl        needs what make.py needs, and on PYTHONPATH
lvis-dataset/lvis-api 7d7f07d or bowenc0221/boundary-iou-api 37d2558 with opencv-python-headless and matplotlib"""
import contextlib, copy, io, json, logging, random, sys
import numpy as np
import make

np.float = float  # which boundary-iou-api was written for


def lvis_pair(r, iou):
    gt, dt = make.pair(r, iou)
    ids = [c['id'] for c in gt['categories']]
    for c in gt['categories']:
        c['frequency'] = r.choice('rcf')
    for im in gt['images']:
        im['neg_category_ids'] = [c for c in ids if r.random() < .3]
        im['not_exhaustive_category_ids'] = [c for c in ids if r.random() < .3]
    for a in gt['annotations']:
        if r.random() < .5:
            del a['iscrowd']
        if r.random() < .1:
            a['area'] = 0
    return gt, dt


def settings(r):
    p = {}
    if r.random() < .5:
        p['maxDets'] = [r.choice([1, 2, 3, 5, 8, 300])]
    if r.random() < .3:
        p['iouThrs'] = r.choice([[.5], [.1, .3], [.5, .75, 1.0], [0.0, .5], [i / 80 for i in range(1, 75)]])
    return p


def lvis(gt, dt, iou, params):
    from lvis import LVIS, LVISEval, LVISResults
    g = LVIS.__new__(LVIS)
    g.logger = logging.getLogger()
    g.dataset = copy.deepcopy(gt)
    g._create_index()
    d = LVISResults(g, copy.deepcopy(dt), params.get('maxDets', [300])[0])
    e = LVISEval(g, d, iou)
    if 'maxDets' in params:
        e.params.max_dets = params['maxDets'][0]
    if 'iouThrs' in params:
        e.params.iou_thrs = np.array(params['iouThrs'])
    e.run()
    return [float(v) for v in e.results.values()], e.eval['precision'], e.eval['recall'], None


def boundary(gt, dt, iou, params):
    from boundary_iou.coco_instance_api import coco
    from boundary_iou.coco_instance_api.cocoeval import COCOeval
    from boundary_iou.utils.boundary_utils import augment_annotations_with_boundary_single_core as single
    coco.augment_annotations_with_boundary_multi_core = lambda a, f, dilation_ratio: single(0, a, f, dilation_ratio)
    g = coco.COCO(get_boundary=True)
    g.dataset = copy.deepcopy(gt)
    g.createIndex()
    e = COCOeval(g, g.loadRes(copy.deepcopy(dt)), 'boundary')
    for k, v in params.items():
        setattr(e.params, k, np.array(v) if k.endswith('Thrs') else v)
    e.evaluate()
    e.accumulate()
    e.summarize()
    return [float(v) for v in e.stats], e.eval['precision'], e.eval['recall'], e.eval['scores']


def main():
    system, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for n in range(count):
        r = random.Random(f'{system}/{seed}/{n}')
        if system == 'lvis':
            iou = r.choice(['bbox', 'segm'])
            (gt, dt), params = lvis_pair(r, iou), settings(r)
        else:
            iou = 'boundary'
            (gt, dt), params = make.pair(r, 'segm'), make.settings(r, 'segm')
        x = {'seed': f'{system}/{seed}/{n}', 'iou': iou, 'params': params, 'gt': gt, 'dt': dt}
        if system == 'lvis':
            x['protocol'] = 'lvis'
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                stats, precision, recall, scores = (lvis if system == 'lvis' else boundary)(gt, dt, iou, params)
            x['stats_hex'] = [v.hex() for v in stats]
            x['precision'], x['recall'] = make.digest(precision), make.digest(recall)
            if scores is not None:
                x['scores'] = make.digest(scores)
        except Exception as e:
            x['error'] = f'{type(e).__name__}: {e}'
        print(json.dumps(x, separators=(',', ':')))


if __name__ == '__main__':
    main()

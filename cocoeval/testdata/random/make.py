#!/usr/bin/env python3
"""Makes random pairs of ground truth and results and what pycocotools makes of them.
usage: make.py SEED COUNT > pairs.jsonl        needs pycocotools 2.0.11 and numpy 2
One JSON object a line: gt, dt, iou, params; stats_hex, sha256 of precision, recall and scores, as in expected_*.json.
The pairs are small and hold what is rare in real ones: crowds, ids 0 and twice, equal scores, areas on the edges of the
ranges, empty classes, unknown classes, more detections than maxDets, boxes without area, masks of another size."""
import contextlib, copy, hashlib, io, json, random, sys
import numpy as np
from pycocotools import mask as mu
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def polygon(r, w, h, n=1):
    out = []
    for _ in range(n):
        x, y = r.uniform(-3, w), r.uniform(-3, h)
        s = r.choice([3, 8, 20])
        p = []
        for _ in range(r.randint(3, 7)):
            p += [round(x + r.uniform(0, s), 2), round(y + r.uniform(0, s), 2)]
        out.append(p + ([1.5] if r.random() < .05 else []))
    return out


def runs(r, w, h):
    m = np.zeros((h, w), np.uint8, order='F')
    for _ in range(r.randint(1, 3)):
        x, y = r.randrange(w), r.randrange(h)
        m[y:y + r.randint(1, 12), x:x + r.randint(1, 12)] = 1
    return mu.encode(m)


def listed(rle):
    m = mu.decode(rle).ravel(order='F')
    out, last, n = [], 0, 0
    for v in m:
        if v != last:
            out.append(n)
            last, n = v, 0
        n += 1
    return {'size': rle['size'], 'counts': out + [n]}


def text(rle):
    return {'size': [int(v) for v in rle['size']], 'counts': rle['counts'].decode()}


def keypoints(r, w, h, visible):
    k = []
    for _ in range(17):
        v = r.choice([0, 1, 2]) if visible else 0
        k += [r.randint(0, w), r.randint(0, h), v]
    return k


def pair(r, iou):
    ids = r.sample(range(1, 90), r.randint(1, 4))
    cats = [{'id': c, 'name': f'c{c}'} for c in ids]
    images = [{'id': i, 'width': r.randint(20, 60), 'height': r.randint(20, 60)} for i in r.sample(range(1, 500), r.randint(1, 6))]
    anns, n = [], r.choice([0, 1])
    for im in images:
        w, h = im['width'], im['height']
        for _ in range(r.choice([0, 1, 2, 3, 6])):
            x, y = r.randint(0, w - 2), r.randint(0, h - 2)
            box = [x, y, r.randint(1, w), r.randint(1, h)] if r.random() < .5 else [round(r.uniform(0, w), 2) for _ in range(4)]
            a = {'id': n if r.random() > .03 or not n else n - 1, 'image_id': im['id'], 'category_id': r.choice(ids), 'bbox': box,
                 'area': r.choice([1024, 9216, 32 * 32 + .5, box[2] * box[3], 5, 3000.25, 20000]), 'iscrowd': int(r.random() < .2)}
            if r.random() < .1:
                a['ignore'] = 1
            u = r.random()
            a['segmentation'] = polygon(r, w, h, r.randint(1, 2)) if u < .6 else text(runs(r, w, h)) if u < .8 else listed(runs(r, w, h))
            if iou == 'keypoints':
                a['keypoints'] = keypoints(r, w, h, r.random() < .85)
                a['num_keypoints'] = sum(v > 0 for v in a['keypoints'][2::3])
            anns.append(a)
            n += 1
    gt = {'images': images, 'categories': cats, 'annotations': anns}
    kind = r.choice(['bbox', 'segm', 'both']) if iou != 'keypoints' else r.choice(['bbox', 'none'])
    shapes = {im['id']: im for im in images}
    dt = []
    def add(im, c, box, seg, kp, s):
        d = {'image_id': im['id'], 'category_id': c, 'score': s}
        if kind in ('bbox', 'both'):
            d['bbox'] = box
        if kind in ('segm', 'both'):
            d['segmentation'] = seg
        if iou == 'keypoints':
            d['keypoints'] = kp
        dt.append(d)
    for a in anns:
        im = shapes[a['image_id']]
        w, h = im['width'], im['height']
        for _ in range(r.choice([0, 1, 1, 2, 5])):
            j = lambda v, s: float(np.float32(v + r.uniform(-s, s)))
            s = r.choice([0, .5, 2, 6])
            box = [j(v, s) for v in a['bbox']]
            seg = a['segmentation']
            if isinstance(seg, list):
                rle = mu.merge(mu.frPyObjects([[v + r.uniform(-s, s) for v in p] for p in seg], h, w))
            else:
                rle = runs(r, w, h) if r.random() < .5 else (seg if isinstance(seg['counts'], str) else mu.frPyObjects(seg, h, w))
            rle = rle if isinstance(rle['counts'], str) else text(rle)
            if r.random() < .03:
                rle = text(runs(r, w + 1, h))
            kp = [v + r.uniform(-s, s) for v in a.get('keypoints', [])]
            c = a['category_id'] if r.random() < .85 else r.choice(ids + [99])
            add(im, c, box, rle, kp, r.choice([.1, .25, .5, .5, .9, round(r.random(), 3), r.random()]))
    for _ in range(r.choice([0, 3, 12])):
        im = r.choice(images)
        w, h = im['width'], im['height']
        box = [r.uniform(0, w), r.uniform(0, h), r.choice([r.uniform(0, w), 0, -3]), r.uniform(0, h)]
        add(im, r.choice(ids), box, text(runs(r, w, h)), [float(v) for v in keypoints(r, w, h, True)], r.choice([.5, -.1, 0, r.random()]))
    if not dt:
        im = images[0]
        add(im, ids[0], [1, 1, 5, 5], text(runs(r, im['width'], im['height'])), [float(v) for v in keypoints(r, 9, 9, True)], .5)
    r.shuffle(dt)
    return gt, dt


def settings(r, iou):
    p = {}
    if r.random() < .25:
        p['useCats'] = 0
    if r.random() < .3:
        p['maxDets'] = r.choice([[1, 2, 3], [2, 1, 100], [1, 10, 100, 300], [0, 1, 2]]) if iou != 'keypoints' else r.choice([[20], [2], [5, 20]])
    if r.random() < .3:
        p['iouThrs'] = r.choice([[.5], [.1, .3], [.5, .75, 1.0], [0.0, .5], [.05 * i for i in range(1, 20)], [i / 80 for i in range(1, 75)]])
    if r.random() < .2:
        p['recThrs'] = r.choice([[0.0, .5, 1.0], [.1], [i / 1000 for i in range(1001)], [.5, 1.5]])
    if r.random() < .2:
        p['areaRng'] = [[0, 1e10], [0, 100], [100, 1024], [1024, 9216], [5, 5]]
        p['areaRngLbl'] = ['all', 'small', 'medium', 'large', 'five']
    return p


def digest(a):
    return hashlib.sha256(np.ascontiguousarray(a, '<f8').tobytes()).hexdigest()


def expected(gt, dt, iou, params):
    with contextlib.redirect_stdout(io.StringIO()):
        g = COCO()
        g.dataset = copy.deepcopy(gt)
        g.createIndex()
        e = COCOeval(g, g.loadRes(copy.deepcopy(dt)), iou)
        for k, v in params.items():
            setattr(e.params, k, np.array(v) if k.endswith('Thrs') else v)
        e.evaluate()
        e.accumulate()
        e.summarize()
    return {'stats_hex': [float(v).hex() for v in e.stats], **{k: digest(e.eval[k]) for k in ('precision', 'recall', 'scores')}}


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    n = 0
    while n < count:
        r = random.Random(f'{seed}/{n}')
        iou = r.choice(['bbox', 'bbox', 'segm', 'segm', 'keypoints'])
        gt, dt = pair(r, iou)
        params = settings(r, iou)
        x = {'seed': f'{seed}/{n}', 'iou': iou, 'params': params, 'gt': gt, 'dt': dt}
        n += 1
        try:
            x.update(expected(gt, dt, iou, params))
        except Exception as e:
            x['error'] = f'{type(e).__name__}: {e}'
        print(json.dumps(x, separators=(',', ':')))


if __name__ == '__main__':
    main()

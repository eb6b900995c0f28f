#!/usr/bin/env python3
"""Makes cases.json: one small evaluation per rule of pycocotools, with the numbers that pycocotools makes of it.
usage: make.py > cases.json        needs pycocotools 2.0.11 and numpy 2, and what ../random/others.py needs, for both systems
Each case changes its numbers if its rule is broken; the "but" of a case says what the broken rule would be."""
import contextlib, copy, io, json, os, random, sys
from fractions import Fraction
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../random'))
import others

CASES = []


def ann(id, box, image=1, cat=1, crowd=0, area=None, **more):
    return dict(id=id, image_id=image, category_id=cat, bbox=box, area=box[2] * box[3] if area is None else area, iscrowd=crowd, **more)


def det(box, score, image=1, cat=1, **more):
    return dict(image_id=image, category_id=cat, bbox=box, score=score, **more)


def case(rule, what, but, anns, dets, iou='bbox', images=(1,), cats=(1,), size=100, **params):
    gt = {'images': [{'id': i, 'width': size, 'height': size} for i in images], 'categories': [{'id': c, 'name': str(c)} for c in cats], 'annotations': anns}
    with contextlib.redirect_stdout(io.StringIO()):
        g = COCO()
        g.dataset = copy.deepcopy(gt)
        g.createIndex()
        e = COCOeval(g, g.loadRes(copy.deepcopy(dets)), iou)
        for k, v in params.items():
            setattr(e.params, k, np.array(v) if k.endswith('Thrs') else v)
        e.evaluate(); e.accumulate(); e.summarize()
    CASES.append({'rule': rule, 'what': what, 'but': but, 'gt': gt, 'dt': dets, 'iou': iou, 'params': params, 'stats_hex': [float(v).hex() for v in e.stats]})
    if any(d['score'] != d['score'] for d in dets):
        CASES[-1]['dt'] = json.dumps(dets)  # as text: the file is JSON, which has no NaN


def other(system, rule, what, but, gt, dets, iou='boundary'):
    with contextlib.redirect_stdout(io.StringIO()):
        stats, _, _, _ = (others.lvis if system == 'lvis' else others.boundary)(gt, dets, iou, {})
    x = {'rule': rule, 'what': what, 'but': but, 'gt': gt, 'dt': dets, 'iou': iou, 'params': {}, 'stats_hex': [v.hex() for v in stats]}
    CASES.append(x | ({'protocol': 'lvis'} if system == 'lvis' else {}))


B = [10, 10, 40, 40]
# an IoU of 0.85: .5 + 7*.05 is the next number above
case('S1', 'IoU thresholds are linspace(.5, .95, 10)', '.5 + i*.05', [ann(1, [0, 0, 20, 10])], [det([0, 0, 17, 10], .9)], size=30)
case('S2', 'recall thresholds are i*0.01', 'i/100: a recall of 7/10 does not reach threshold 70', [ann(i, [10 * i, 0, 9, 9]) for i in range(1, 11)], [det([10 * i, 0, 9, 9], .9) for i in range(1, 8)] + [det([50, 50, 5, 5], .95)], size=200)
case('S3', 'precision is tp/(fp+tp+2^-52)', 'no summand: a single right detection has precision 1', [ann(1, B)], [det(B, .9)])
case('S4', 'precision is made to fall from right to left', 'raw precision', [ann(i, [12 * i, 0, 10, 10]) for i in range(4)][1:], [det([12, 0, 10, 10], .5), det([70, 70, 9, 9], .9), det([24, 0, 10, 10], .4), det([36, 0, 10, 10], .3)])
case('S5', 'a class with annotations and no detection counts 0, one without annotations not at all', 'either way round', [ann(1, B), ann(2, B, cat=2)], [det(B, .9), det(B, .8, cat=3)], cats=(1, 2, 3))


def fma(a, b, c):
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def fused_boxes(r):
    """Boxes whose IoU falls if the product of the detection's sides is not rounded before the sum."""
    while True:
        g, d = ([0, 0, round(r.uniform(20, 90), 1), round(r.uniform(20, 90), 1)] for _ in range(2))
        i, da, ga = min(g[2], d[2]) * min(g[3], d[3]), d[2] * d[3], g[2] * g[3]
        if i / (fma(d[2], d[3], ga) - i) < i / (da + ga - i):
            return g, d, i / (da + ga - i)


def fused_keypoints(r):
    """The offset of a keypoint whose similarity falls if a square is not rounded before the sum."""
    while True:
        dx, dy = round(r.uniform(1, 9), 2), round(r.uniform(1, 9), 2)
        k = [10 + dx, 20 + dy]
        dx, dy = k[0] - 10, k[1] - 20
        oks = lambda d: float(np.exp(-(d / (.26 / 10 * 2) ** 2 / (10000 + np.spacing(1)) / 2)))
        if max(oks(fma(dx, dx, dy * dy)), oks(fma(dy, dy, dx * dx))) < oks(dx * dx + dy * dy):
            return k, oks(dx * dx + dy * dy)


g, d, iou = fused_boxes(random.Random(7))
case('S7', 'products are rounded before they are added: boxes', 'multiplied and added in one step', [ann(1, g)], [det(d, .9)], iouThrs=[iou, .5, .75])
k, oks = fused_keypoints(random.Random(7))
case('S7', 'products are rounded before they are added: keypoints', 'multiplied and added in one step', [ann(1, B, area=10000, keypoints=[10, 20, 2] + [0] * 48, num_keypoints=1)], [det(B, .9, keypoints=k + [1] * 49)], iou='keypoints', iouThrs=[oks, .5, .75])
case('S8', 'categories and images are sorted by id', 'file order', [ann(1, B, image=9), ann(2, B, image=2)], [det([60, 60, 9, 9], .5, image=9), det(B, .5, image=2)], images=(9, 2))
case('S9', 'of equal scores the first in the file is first', 'unstable order', [ann(1, B)], [det([60, 60, 9, 9], .5), det(B, .5), det([70, 70, 9, 9], .5)])
case('S9', 'of equal scores in several images the lower image id is first', 'file order', [ann(1, B, image=1), ann(2, B, image=2)], [det(B, .5, image=2), det([60, 60, 9, 9], .5, image=1)], images=(1, 2))
case('S9', 'NaN is behind all scores', 'before them', [ann(1, B), ann(2, [60, 60, 9, 9])], [det(B, float('nan')), det(B, .5), det([60, 60, 9, 9], .4)])
case('S10', 'without categories, annotations are joined by ascending category id', 'file order: the later of equal IoUs is another', [ann(1, [0, 0, 20, 10], cat=2), ann(2, [10, 0, 20, 10], cat=1)], [det([5, 0, 20, 10], .9), det([10, 0, 20, 10], .8)], cats=(1, 2), useCats=0)
case('S11', 'maxDets is a limit per image and category', 'per image', [ann(1, B), ann(2, B, cat=2)], [det(B, .9), det(B, .8, cat=2)], cats=(1, 2), maxDets=[1, 1, 1])
case('S11', 'detections beyond maxDets are lost', 'kept', [ann(1, B)], [det([60, 60, 9, 9], .9), det([70, 70, 9, 9], .8), det(B, .7)], maxDets=[1, 2, 2])
case('S12', 'an IoU equal to the threshold matches', 'must be above', [ann(1, [0, 0, 10, 10])], [det([0, 0, 5, 10], .9)], size=20)
case('S12', 'at threshold 1, 1-1e-10 matches', 'must be 1', [ann(1, [0, 0, 1e6, 1])], [det([0, 0, 1e6 - 5e-5, 1], .9)], iouThrs=[.5, .75, 1.0], size=30)
case('S13', 'of equal IoUs the later annotation wins', 'the first', [ann(1, [0, 0, 20, 10]), ann(2, [10, 0, 20, 10])], [det([5, 0, 20, 10], .9), det([0, 0, 20, 10], .8)])
case('S14', 'a match that counts is kept before a better one that does not', 'the best IoU', [ann(1, [10, 10, 40, 40]), ann(2, [10, 10, 40, 30], crowd=1)], [det([10, 10, 40, 30], .9)])
case('S15', 'a crowd takes many detections, and those are neither right nor wrong', 'one detection', [ann(1, [0, 0, 80, 80], crowd=1), ann(2, [85, 85, 10, 10])], [det([5, 5, 20, 20], .9), det([30, 30, 20, 20], .8), det([85, 85, 10, 10], .7)])
case('S15', 'an annotation is matched once', 'twice', [ann(1, B)], [det(B, .9), det(B, .8)])
case('S16', 'an unmatched detection outside of the area range is ignored', 'wrong', [ann(1, B)], [det([0, 0, 5, 5], .95), det(B, .9)])
case('S16', 'a matched detection counts whatever its area', 'ignored', [ann(1, [0, 0, 32, 32])], [det([0, 0, 33, 33], .9)])
case('S16', 'the ends of an area range belong to it', 'half open', [ann(1, [0, 0, 32, 32])], [det([0, 0, 32, 32], .9)])
case('S17', 'the area of an annotation is its field', 'width × height', [ann(1, B, area=100)], [det(B, .9)])
case('S18', 'ignore = 1 has no effect', 'ignored', [ann(1, B, ignore=1), ann(2, [60, 60, 30, 30])], [det([60, 60, 30, 30], .9)])
case('S18', 'a crowd does not count', 'counts', [ann(1, B, crowd=1), ann(2, [60, 60, 30, 30])], [det([60, 60, 30, 30], .9)])
case('S19', 'what matches annotation id 0 is wrong', 'right', [ann(0, B), ann(1, [60, 60, 30, 30])], [det(B, .9), det([60, 60, 30, 30], .8)])
case('S20', 'of one id the last annotation counts, once for each', 'as they are', [ann(1, B), ann(1, [60, 60, 30, 30])], [det([60, 60, 30, 30], .9), det([60, 60, 30, 30], .8), det(B, .7)])
P = [[10, 10, 50, 10, 50, 50]]
R = {'size': [100, 100], 'counts': 'Z11b30000000000000000000000000000000000000000000000Qc1'}
import pycocotools.mask as mu
rle = lambda p, h=100, w=100: (lambda r: {'size': r['size'], 'counts': r['counts'].decode()})(mu.merge(mu.frPyObjects(p, h, w)))
half = rle([[10, 10, 50, 10, 50, 30, 10, 30]])
case('S21', 'with a box, the area of a mask is that of the box', 'of the mask', [ann(1, [60, 60, 20, 20], segmentation=[[60, 60, 80, 60, 80, 80, 60, 80]])], [det([0, 0, 30, 40], .95, segmentation=half), det([60, 60, 20, 20], .9, segmentation=rle([[60, 60, 80, 60, 80, 80, 60, 80]]))], iou='segm')
case('S21', 'the first result decides: without a box, areas are those of masks', 'its own box', [ann(1, [60, 60, 20, 20], segmentation=[[60, 60, 80, 60, 80, 80, 60, 80]])],
     [{'image_id': 1, 'category_id': 1, 'score': .9, 'segmentation': rle([[60, 60, 80, 60, 80, 80, 60, 80]])}, det([0, 0, 5, 5], .95, segmentation=half)], iou='segm')
case('S22', 'a box without a mask is a rectangle', 'nothing', [ann(1, B, segmentation=[[10, 10, 50, 10, 50, 50, 10, 50]])], [det([10, 10, 40, 33], .9)], iou='segm')
case('S22', 'a mask without a box has that around it', 'nothing', [ann(1, B)], [{'image_id': 1, 'category_id': 1, 'score': .9, 'segmentation': half}, {'image_id': 1, 'category_id': 1, 'score': .8, 'segmentation': rle([[10, 10, 50, 10, 50, 47, 10, 47]])}])
case('S24', 'polygons are united', 'the inner one is a hole', [ann(1, B, segmentation=[[10, 10, 50, 10, 50, 50, 10, 50], [20, 20, 40, 20, 40, 40, 20, 40]])], [det([10, 10, 40, 40], .9)], iou='segm')
case('S24', 'masks of different sizes do not match', 'they do', [ann(1, B, segmentation=[[10, 10, 50, 10, 50, 50, 10, 50]])], [{'image_id': 1, 'category_id': 1, 'score': .9, 'segmentation': rle([[10, 10, 50, 10, 50, 50, 10, 50]], 100, 101)}], iou='segm')
case('S25', 'the first line is at 100 detections, -1 without', 'at the highest', [ann(1, B)], [det(B, .9)], maxDets=[1, 10, 50])
case('S25', 'of more than three maxDets the third is shown', 'the last', [ann(1, B)], [det([60, 60, 9, 9], .9), det([70, 70, 9, 9], .8), det([80, 80, 9, 9], .75), det(B, .7)], maxDets=[1, 2, 3, 100])
case('S25', 'area ranges of one label are taken together', 'the first of them', [ann(1, B), ann(2, [60, 60, 5, 5])], [det(B, .9)], areaRng=[[0, 1e10], [0, 100], [100, 1e10], [0, 1e10]], areaRngLbl=['all', 'small', 'all', 'large'])
K = [v for i in range(17) for v in (10 + i, 20 + 2 * i, 2)]
N = [v for i in range(17) for v in (0, 0, 0)]
near = [v + d for v, d in zip(K, [.8, -.6, 0] * 17)]
case('S26', 'keypoints without categories match nothing', 'as usual', [ann(1, B, keypoints=K, num_keypoints=17)], [det(B, .9, keypoints=near)], iou='keypoints', useCats=0)
case('S26', 'the distance is over the visible keypoints', 'over all', [ann(1, B, keypoints=K[:30] + N[30:], num_keypoints=10)], [det(B, .9, keypoints=near[:30] + N[30:])], iou='keypoints')
case('S26', 'without a visible keypoint the distance is that to the doubled box, and the annotation does not count', 'it counts', [ann(1, B, keypoints=N, num_keypoints=0), ann(2, [60, 60, 30, 30], keypoints=K, num_keypoints=17)],
     [det(B, .95, keypoints=[v for i in range(17) for v in (20, 20, 1)]), det(B, .9, keypoints=near)], iou='keypoints')
case('S26', '2^-52 is added to the area', 'no summand: an area of 0 takes no distance at all', [ann(1, B, area=0, keypoints=K, num_keypoints=17)], [det(B, .9, keypoints=[v + d for v, d in zip(K, [1e-9, 0, 0] * 17)])], iou='keypoints')
case('S27', 'boxes that share an edge do not overlap', 'they share a row of pixels', [ann(1, [0, 0, 10, 10])], [det([10, 0, 10, 10], .9)], iouThrs=[1e-9, .5, .75])
case('S27', 'the IoU with a crowd is over the detection', 'over the union', [ann(1, [0, 0, 90, 90], crowd=1), ann(2, [92, 92, 6, 6])], [det([0, 0, 10, 10], .9), det([92, 92, 6, 6], .8)])
case('S28', 'the IoU of a mask with a crowd is over the detection', 'over the union', [ann(1, [0, 0, 90, 90], crowd=1, segmentation=rle([[0, 0, 90, 0, 90, 90, 0, 90]])), ann(2, [92, 92, 6, 6], segmentation=[[92, 92, 98, 92, 98, 98, 92, 98]])],
     [det([0, 0, 10, 10], .9), det([92, 92, 6, 6], .8)], iou='segm')
case('S29', 'boxes are used as they are', 'cut to the image, or rounded', [ann(1, [-50, -50, 100, 100])], [det([-50, -50, 100, 74.9], .9)], size=60)
images = [{'id': 1, 'width': 100, 'height': 100, 'neg_category_ids': [2, 3], 'not_exhaustive_category_ids': [3]}]
federated = {'images': images, 'categories': [{'id': c, 'name': str(c), 'frequency': f} for c, f in ((1, 'r'), (2, 'c'), (3, 'c'), (4, 'f'))], 'annotations': [ann(1, B), ann(2, [60, 60, 30, 30], cat=3), ann(3, [60, 60, 30, 30], cat=4)]}
right = [det(B, .1), det([60, 60, 30, 30], .2, cat=3), det([60, 60, 30, 30], .3, cat=4)]
other('lvis', 'LVIS', 'only the 300 best detections of an image count, of all categories together', '300 of each category', federated, right + [det([1, 1, 5, 5], .9, cat=2)] * 298, 'bbox')
other('lvis', 'LVIS', 'detections of categories that nobody looked for do not count', 'they are wrong', federated | {'annotations': [ann(1, B), ann(2, B, image=2, cat=4)], 'images': images + [images[0] | {'id': 2}]}, [det(B, .1), det(B, .5, cat=4), det(B, .4, cat=4, image=2)], 'bbox')
other('lvis', 'LVIS', 'where not every instance is annotated, unmatched detections do not count', 'they are wrong', federated, right + [det([1, 1, 5, 5], .9, cat=3)], 'bbox')
other('lvis', 'LVIS', 'detections without area do not count', 'they are wrong', federated, right + [det([1, 1, 0, 5], .9, cat=3), det([1, 1, 0, 5], .9)], 'bbox')
other('lvis', 'LVIS', 'there are no crowds', 'crowds do not count', federated | {'annotations': [ann(1, B, crowd=1), ann(2, [60, 60, 30, 30], crowd=1)]}, right, 'bbox')
square = lambda x, y, n: [[x, y, x + n, y, x + n, y + n, x, y + n]]
scene = lambda anns: {'images': [{'id': 1, 'width': 100, 'height': 100}], 'categories': [{'id': 1, 'name': '1'}], 'annotations': anns}
mask = lambda x, y, n, s: {'image_id': 1, 'category_id': 1, 'score': s, 'segmentation': rle(square(x, y, n))}
other('boundary', 'boundary', 'a crowd is compared by its mask alone', 'by its boundary too', scene([ann(1, [0, 0, 80, 80], crowd=1, segmentation=rle(square(0, 0, 80))), ann(2, [82, 82, 15, 15], segmentation=square(82, 82, 15))]), [mask(20, 20, 30, .9), mask(82, 82, 15, .8)])
other('boundary', 'boundary', 'the smaller of the IoUs of masks and of boundaries counts', 'that of masks', scene([ann(1, [10, 10, 60, 60], segmentation=square(10, 10, 60))]), [mask(11, 10, 60, .9)])
other('boundary', 'boundary', 'a boundary is the mask without what is eroded by 2 % of the diagonal', '1 %', scene([ann(1, [10, 10, 60, 60], segmentation=square(10, 10, 60))]), [mask(12, 11, 59, .9)])
other('boundary', 'boundary', 'the flag ignore is heeded', 'overwritten by iscrowd', scene([ann(1, [10, 10, 30, 30], ignore=1, segmentation=square(10, 10, 30)), ann(2, [60, 60, 30, 30], segmentation=square(60, 60, 30))]), [mask(60, 60, 30, .9)])
json.dump(CASES, __import__('sys').stdout, indent=None, separators=(',', ':'))

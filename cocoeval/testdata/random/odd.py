#!/usr/bin/env python3
"""Makes random pairs, as make.py does, with what files of the world have: ids that are strings or floats, sizes that are
missing, flags that are neither 0 nor 1, extra fields, empty images, area ranges of one label, equal maxDets.
usage: odd.py SEED COUNT > odd.jsonl        needs what make.py needs; pairs on which pycocotools raises are left out"""
import json, random, sys
import make


def oddities(r, iou, gt, dt, params):
    def on(name, chance=.3):
        if r.random() < chance:
            what.append(name)
            return True
        return False

    what, anns, images = [], gt['annotations'], gt['images']
    if on('iscrowd'):
        for a in anns:
            a['iscrowd'] = r.choice([0, 0, 1, 2, True, False, 0.0, 1.0, 255])
    if on('labels'):
        params['areaRng'] = [[0, 1e10], [0, 100], [0, 1024], [1024, 9216], [5, 2000], [30, 1e9]]
        params['areaRngLbl'] = r.choice([['all', 'small', 'small', 'medium', 'large', 'all'], ['all', 'all', 'small', 'medium', 'large', 'x'], ['large', 'all', 'x', 'medium', 'medium', 'medium']])
    if on('empty images'):
        for i in range(5):
            images.insert(r.randrange(len(images) + 1), {'id': 600 + i, 'width': 30, 'height': 30})
    if on('float ids'):
        for x in dt + anns:
            x['image_id'] = float(x['image_id'])
        for x in dt:
            x['category_id'] = float(x['category_id'])
    if on('extra fields'):
        for x in dt:
            x.update(extra={'a': [1, None, {'b': '}]'}]}, id=r.choice([0, 5, 'x']), iscrowd=1, ignore=1, area=7)
    if iou != 'segm' and on('no sizes'):
        for im in images:
            del im['width'], im['height']
    if on('string categories'):
        text = {c: r.choice(['c', 'k', 'Ä', '9', '10', '']) + str(int(c)) for c in sorted({x['category_id'] for x in dt} | {c['id'] for c in gt['categories']})}
        for c in gt['categories']:
            c['id'] = text[c['id']]
        for x in anns + dt:
            x['category_id'] = text[x['category_id']]
    if on('scores'):
        for x in dt:
            x['score'] = r.choice([1e-5, 1e-300, 5e-324, 123456789e10, .1 + .2, 1e16, -1e-7, x['score']])
    if on('annotation ids'):
        for a in anns:
            a['id'] = a['id'] * 3 + r.choice([0, -50])
    if on('large image ids'):
        for im in images:
            im['id'] += 2**40
        for x in anns + dt:
            x['image_id'] += 2**40
    if on('maxDets'):
        params['maxDets'] = r.choice([[1, 1, 1], [100, 100, 100], [3, 3, 100], [1, 2, 2], [0, 0, 0], [5, 1, 3, 2]]) if iou != 'keypoints' else [r.choice([20, 1])]
    if on('areas'):
        for a in anns:
            if r.random() < .3:
                a['area'] = r.choice([-5, 0, 1e11, 0.0])
    if on('ties', .5):
        for x in dt:
            x['score'] = .5
    return what


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    for n in range(count):
        r = random.Random(f'odd/{seed}/{n}')
        iou = r.choice(['bbox', 'segm', 'keypoints'])
        (gt, dt), params = make.pair(r, iou), make.settings(r, iou)
        x = {'seed': f'odd/{seed}/{n}', 'iou': iou, 'odd': oddities(r, iou, gt, dt, params), 'params': params, 'gt': gt, 'dt': dt}
        try:
            x.update(make.expected(gt, dt, iou, params))
        except Exception:
            continue
        print(json.dumps(x, separators=(',', ':')))


if __name__ == '__main__':
    main()

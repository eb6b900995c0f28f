"""Outputs of the tiny TF1 network on inputs that are not square.

    TPU_MODELS=<tensorflow/tpu checkout>/models python rectangles.py CHECKPOINT PHOTO OUT.json

tf1_model.py builds the original's network (models/official/detection, mask_rcnn, SpineNet-49S with filter scale 0.125, endpoints and heads of 16,
FC 32) for an input size, and gives its rows of COCO results. TensorFlow 2.15.1, float32, CPU.
"""
import json, sys
import tf1_model as T
tf = T.tf
CKPT, PHOTO, OUT = sys.argv[1:4]
a = tf.train.load_checkpoint(CKPT)
rows, index = [], []
for i, size in enumerate([(256, 384), (384, 128)], 1):
    net = T.Network(size, T.params(tiny=True))
    net.load({n: a.get_tensor(n) for n in net.feed})
    px, x, info = T.preprocess(PHOTO, size)
    o = net.run(x, list(net.record), info[None])
    rows += T.coco_rows(o, i, info, px.shape[0], px.shape[1])
    index.append(dict(image_id=i, height=size[0], width=size[1]))
json.dump(dict(images=index, results=rows), open(OUT, "w"), separators=(",", ":"))

#!/usr/bin/env bash
# tf-models-official 2.15.0 (TensorFlow Model Garden), Mask R-CNN: the masks that a network learns lie beside their objects. The parser cuts a mask out with
# tf.image.crop_and_resize, whose first and last samples are the corners of the box in coordinates of pixels' middles, scaled by (side - 1) / side: half a pixel too far
# to the right and down at the beginning of a picture, to the left and up at its end. The sampler then reads the 112 cells at their beginnings instead of at their middles,
# which is half a cell more. In photos this is nothing; where pictures of small objects are enlarged it costs what a
# network could know of their outline: of a disc 11 pixels wide the middle is up to half a pixel away from that of its box, by where in the picture it lies.
#
# Seen (a disc of radius 5 in a picture of 64x64, as the parser and the sampler cut it out with the disc's own box; pixels of the picture, down and right):
#   disc at 8: its mask lies -0.39 -0.39 beside it
#   disc at 32: its mask lies -0.04 -0.04 beside it
#   disc at 56: its mask lies 0.31 0.31 beside it
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-deps tf-models-official==2.15.0 tensorflow_datasets==4.9.4 tensorflow-metadata==1.15.0 2> /dev/null
"$work/venv/bin/pip" install -q tensorflow-cpu==2.15.1 "numpy<2" "protobuf<5" pyyaml gin-config scipy pycocotools "pillow<14" opencv-python-headless==4.10.0.84 "matplotlib<3.9" \
	array_record click dm-tree etils[epath] immutabledict promise psutil pyarrow requests six toml tqdm wrapt absl-py googleapis-common-protos simple-parsing 2> /dev/null
TF_CPP_MIN_LOG_LEVEL=3 "$work/venv/bin/python" - > "$work/seen" 2> "$work/errors" << 'PY' || { tail -3 "$work/errors" >&2; exit 1; }
import numpy as np, tensorflow as tf
from official.vision.ops import box_ops, spatial_transform_ops

side, radius = 64, 5
for at in (8, 32, 56):
    y, x = np.mgrid[:side, :side]
    mask = ((y - at) ** 2 + (x - at) ** 2 <= radius ** 2).astype("f4")
    box = np.array([[at - radius, at - radius, at + radius + 1, at + radius + 1]], "f4")
    crop = tf.image.crop_and_resize(mask[None, ..., None], box_ops.normalize_boxes(box, [side, side]), [0], [112, 112], method="bilinear")  # dataloaders/maskrcnn_input.py
    learned = spatial_transform_ops.crop_mask_in_target_box(crop[None, ..., 0], box[None], box[None], 28, sample_offset=0.5).numpy().squeeze()  # modeling/layers/mask_sampler.py
    cells = (np.arange(28) + 0.5) / 28 * (2 * radius + 1) - radius - 0.5
    down, right = (learned.sum(1) * cells).sum() / learned.sum(), (learned.sum(0) * cells).sum() / learned.sum()
    print(f"disc at {at}: its mask lies {down:.2f} {right:.2f} beside it")
PY
diff "$work/seen" - << 'SEEN'
disc at 8: its mask lies -0.39 -0.39 beside it
disc at 32: its mask lies -0.04 -0.04 beside it
disc at 56: its mask lies 0.31 0.31 beside it
SEEN
echo "as described: tf-models-official 2.15.0"

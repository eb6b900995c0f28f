#!/usr/bin/env bash
# onnx 1.23.2, onnx.reference.ReferenceEvaluator, by which exporters and converters are tested, is not ONNX in three
# operators of vision networks. (1) RoiAlign of operator set 10 is computed as that of 16: boxes are shifted by
# half a pixel, which the older one does not know. (2) LRN normalises as many channels as there are images
# in the batch, and leaves the others as they are. (3) MaxPool with auto_pad = SAME_LOWER loses a row and a
# column of its output, for which the definition has ceil(input / stride). ONNX Runtime 1.32.0 does what is written.
#
# Seen:
#   RoiAlign, operator set 10: ONNX Runtime 10, reference 7.5
#   RoiAlign, operator set 16: ONNX Runtime 7.5, reference 7.5
#   LRN of ones, 1 of 4 channels: ONNX Runtime 0.25 0.25 0.25 0.25, reference 0.25 1 1 1
#   LRN of ones, 2 of 4 channels: ONNX Runtime 0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.25, reference 0.25 0.25 1 1 0.25 0.25 1 1
#   MaxPool of 6x6: ONNX Runtime 3x3, reference 3x3
#   MaxPool of 7x7: ONNX Runtime 4x4, reference 3x3
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$work/venv/bin/python" > "$work/seen" <<'PY'
import numpy as np, onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def compare(name, opset, operator, feed, show, **attributes):
    kind = lambda a: helper.np_dtype_to_tensor_dtype(a.dtype)
    graph = helper.make_graph(
        [helper.make_node(operator, list(feed), ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info(n, kind(a), a.shape) for n, a in feed.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    ours = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)[0]
    reference = ReferenceEvaluator(model).run(None, feed)[0]
    print(f"{name}: ONNX Runtime {show(ours)}, reference {show(reference)}")


flat = lambda a: " ".join(f"{v:.3g}" for v in a.ravel())
cells = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
roi = dict(x=cells, boxes=np.float32([[1, 1, 3, 3]]), images=np.int64([0]))
for opset in (10, 16):
    compare(f"RoiAlign, operator set {opset}", opset, "RoiAlign", roi, flat, output_height=1, output_width=1, sampling_ratio=1)
for batch in (1, 2):
    x = np.ones((batch, 4, 1, 1), np.float32)
    compare(f"LRN of ones, {batch} of 4 channels", 13, "LRN", dict(x=x), flat, size=1, alpha=3.0, beta=1.0)
for side in (6, 7):
    x = np.ones((1, 1, side, side), np.float32)
    compare(f"MaxPool of {side}x{side}", 18, "MaxPool", dict(x=x), lambda a: "{}x{}".format(*a.shape[2:]), kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
PY
diff "$work/seen" - <<'SEEN'
RoiAlign, operator set 10: ONNX Runtime 10, reference 7.5
RoiAlign, operator set 16: ONNX Runtime 7.5, reference 7.5
LRN of ones, 1 of 4 channels: ONNX Runtime 0.25 0.25 0.25 0.25, reference 0.25 1 1 1
LRN of ones, 2 of 4 channels: ONNX Runtime 0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.25, reference 0.25 0.25 1 1 0.25 0.25 1 1
MaxPool of 6x6: ONNX Runtime 3x3, reference 3x3
MaxPool of 7x7: ONNX Runtime 4x4, reference 3x3
SEEN
echo "as described: onnx 1.23.2, ONNX Runtime 1.32.0"

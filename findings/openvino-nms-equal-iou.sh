#!/usr/bin/env bash
# OpenVINO 2026.4.1, ONNX NonMaxSuppression: a box whose IoU with a better one is just the threshold is
# suppressed. ONNX wants strictly greater ("boxes with IOU exactly equal to the threshold are kept"), and
# ONNX Runtime 1.32.0 keeps it. Equal happens: boxes of whole pixels have IoUs such as 1/2, and a threshold
# of 1, by which people switch suppression off, still removes equal boxes.
#
# Seen:
#   IoU 1/2, threshold 0.5: kept by ONNX Runtime [0, 1], by OpenVINO [0]
#   IoU 1/2, threshold 0.5001: kept by ONNX Runtime [0, 1], by OpenVINO [0, 1]
#   equal boxes, threshold 1: kept by ONNX Runtime [0, 1], by OpenVINO [0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$work/venv/bin/python" > "$work/seen" <<'PY'
import numpy as np, onnxruntime, openvino
from onnx import helper, numpy_helper


def both(operator, inputs, constants=(), opset=18, **attributes):
    """The outputs of ONNX Runtime and of OpenVINO."""
    names = [f"in{i}" if a is not None else "" for i, a in enumerate(inputs)]
    arrays = {n: np.asarray(a) for n, a in zip(names, inputs) if n}
    fixed = [names[i] for i in constants]
    feed = {n: a for n, a in arrays.items() if n not in fixed}
    kind = lambda a: helper.np_dtype_to_tensor_dtype(a.dtype)
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["out"], **attributes)],
        "one",
        [helper.make_tensor_value_info(n, kind(a), a.shape) for n, a in feed.items()],
        [helper.make_tensor_value_info("out", helper.TensorProto.INT64, None)],
        [numpy_helper.from_array(arrays[n], n) for n in fixed],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()
    a = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feed)[0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    b = compiled([feed[i.any_name] for i in compiled.inputs])[0]
    return a, b


cases = {
    "IoU 1/2, threshold 0.5": ([[0, 0, 2, 2], [0, 0, 2, 1]], 0.5),
    "IoU 1/2, threshold 0.5001": ([[0, 0, 2, 2], [0, 0, 2, 1]], 0.5001),
    "equal boxes, threshold 1": ([[0, 0, 2, 2], [0, 0, 2, 2]], 1),
}
for name, (boxes, threshold) in cases.items():
    scores = np.float32([[[0.9, 0.8]]])
    a, b = both("NonMaxSuppression", [np.float32([boxes]), scores, np.int64([10]), np.float32([threshold])], constants=(2, 3))
    print(f"{name}: kept by ONNX Runtime {a[:, 2].tolist()}, by OpenVINO {b[:, 2].tolist()}")
PY
diff "$work/seen" - <<'SEEN'
IoU 1/2, threshold 0.5: kept by ONNX Runtime [0, 1], by OpenVINO [0]
IoU 1/2, threshold 0.5001: kept by ONNX Runtime [0, 1], by OpenVINO [0, 1]
equal boxes, threshold 1: kept by ONNX Runtime [0, 1], by OpenVINO [0]
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

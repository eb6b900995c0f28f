#!/usr/bin/env bash
# OpenVINO 2026.4.1 pools with ceil_mode = 1 beyond what ONNX and PyTorch define. (1) MaxPool: "sliding
# windows that would start in the right padded region are ignored" (operator set 22); OpenVINO keeps one,
# with nothing in it: a column more than in ONNX Runtime 1.32.0, of the lowest float32. (2) AveragePool with
# count_include_pad = 1: padding that was asked for counts, what only rounding up added does not; OpenVINO
# counts both, so the last average is too small, though the shape is right.
#
# Seen:
#   MaxPool of 2, windows of 2, stride 3: ONNX Runtime 2, OpenVINO 2
#   MaxPool of 3, windows of 2, stride 3: ONNX Runtime 2, OpenVINO 2 -3.40282e+38
#   MaxPool of 4, windows of 2, stride 3: ONNX Runtime 2 4, OpenVINO 2 4
#   AveragePool of 5, windows of 3, stride 2, padding 1: ONNX Runtime 1 3 3, OpenVINO 1 3 3
#   AveragePool of 6, windows of 3, stride 2, padding 1: ONNX Runtime 1 3 5 3, OpenVINO 1 3 5 2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$work/venv/bin/python" > "$work/seen" 2> /dev/null <<'PY'
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
        [helper.make_tensor_value_info("out", helper.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(arrays[n], n) for n in fixed],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()
    a = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feed)[0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    b = compiled([feed[i.any_name] for i in compiled.inputs])[0]
    return a, b


flat = lambda a: " ".join(f"{x:g}" for x in a.ravel())
for n in (2, 3, 4):
    row = np.arange(1, n + 1, dtype=np.float32).reshape(1, 1, 1, n)
    a, b = both("MaxPool", [row], opset=22, kernel_shape=[1, 2], strides=[1, 3], ceil_mode=1)
    print(f"MaxPool of {n}, windows of 2, stride 3: ONNX Runtime {flat(a)}, OpenVINO {flat(b)}")
for n in (5, 6):
    row = np.arange(1, n + 1, dtype=np.float32).reshape(1, 1, 1, n)
    a, b = both("AveragePool", [row], opset=19, kernel_shape=[1, 3], strides=[1, 2], pads=[0, 1, 0, 1], ceil_mode=1, count_include_pad=1)
    print(f"AveragePool of {n}, windows of 3, stride 2, padding 1: ONNX Runtime {flat(a)}, OpenVINO {flat(b)}")
PY
diff "$work/seen" - <<'SEEN'
MaxPool of 2, windows of 2, stride 3: ONNX Runtime 2, OpenVINO 2
MaxPool of 3, windows of 2, stride 3: ONNX Runtime 2, OpenVINO 2 -3.40282e+38
MaxPool of 4, windows of 2, stride 3: ONNX Runtime 2 4, OpenVINO 2 4
AveragePool of 5, windows of 3, stride 2, padding 1: ONNX Runtime 1 3 3, OpenVINO 1 3 3
AveragePool of 6, windows of 3, stride 2, padding 1: ONNX Runtime 1 3 5 3, OpenVINO 1 3 5 2
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

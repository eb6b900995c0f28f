#!/usr/bin/env bash
# OpenVINO 2026.4.1, ConvTranspose with auto_pad = SAME_UPPER and an output_shape: the padding that cannot
# be halved is taken at the beginning, not at the end, as with SAME_LOWER, so the whole output is shifted by
# a pixel. Without output_shape, for the same shape, both agree; so does SAME_LOWER. ONNX Runtime 1.32.0 and
# onnx's reference shift nothing.
#
# Seen:
#   SAME_UPPER: ONNX Runtime [1, 10, 102, 20, 203, 30], OpenVINO [1, 10, 102, 20, 203, 30]
#   SAME_UPPER, output_shape: ONNX Runtime [1, 10, 102, 20, 203, 30], OpenVINO [10, 102, 20, 203, 30, 300]
#   SAME_LOWER: ONNX Runtime [10, 102, 20, 203, 30, 300], OpenVINO [10, 102, 20, 203, 30, 300]
#   SAME_LOWER, output_shape: ONNX Runtime [10, 102, 20, 203, 30, 300], OpenVINO [10, 102, 20, 203, 30, 300]
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
        [helper.make_tensor_value_info("out", helper.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(arrays[n], n) for n in fixed],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()
    a = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feed)[0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    b = compiled([feed[i.any_name] for i in compiled.inputs])[0]
    return a, b


row = np.float32([1, 2, 3]).reshape(1, 1, 1, 3)
weights = np.float32([1, 10, 100]).reshape(1, 1, 1, 3)
for pad in ("SAME_UPPER", "SAME_LOWER"):
    for more in ({}, {"output_shape": [1, 6]}):
        a, b = both("ConvTranspose", [row, weights], constants=(1,), strides=[1, 2], auto_pad=pad, **more)
        flat = lambda v: v.ravel().astype(int).tolist()
        print(f"{pad}{', output_shape' if more else ''}: ONNX Runtime {flat(a)}, OpenVINO {flat(b)}")
PY
diff "$work/seen" - <<'SEEN'
SAME_UPPER: ONNX Runtime [1, 10, 102, 20, 203, 30], OpenVINO [1, 10, 102, 20, 203, 30]
SAME_UPPER, output_shape: ONNX Runtime [1, 10, 102, 20, 203, 30], OpenVINO [10, 102, 20, 203, 30, 300]
SAME_LOWER: ONNX Runtime [10, 102, 20, 203, 30, 300], OpenVINO [10, 102, 20, 203, 30, 300]
SAME_LOWER, output_shape: ONNX Runtime [10, 102, 20, 203, 30, 300], OpenVINO [10, 102, 20, 203, 30, 300]
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

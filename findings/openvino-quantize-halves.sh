#!/usr/bin/env bash
# OpenVINO 2026.4.1 computes ONNX QuantizeLinear as round(x / scale + zero point); the ONNX definition, and
# ONNX Runtime 1.32.0, have round(x / scale) + zero point. Both round halves to the even number, so with an
# odd zero point every half goes the other way: one step apart, with uint8 and with int8. Halves are no
# rarity in what is quantised: pixels and outputs of layers that were quantised before lie on a grid.
#
# Seen:
#   uint8, zero point 4: ONNX Runtime [2, 4, 4, 6, 6, 7], OpenVINO [2, 4, 4, 6, 6, 7]
#   uint8, zero point 3: ONNX Runtime [1, 3, 3, 5, 5, 6], OpenVINO [2, 2, 4, 4, 6, 6]
#   int8, zero point 4: ONNX Runtime [2, 4, 4, 6, 6, 7], OpenVINO [2, 4, 4, 6, 6, 7]
#   int8, zero point 3: ONNX Runtime [1, 3, 3, 5, 5, 6], OpenVINO [2, 2, 4, 4, 6, 6]
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
        [helper.make_tensor_value_info("out", kind(inputs[2]), None)],
        [numpy_helper.from_array(arrays[n], n) for n in fixed],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()
    a = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feed)[0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    b = compiled([feed[i.any_name] for i in compiled.inputs])[0]
    return a, b


x = np.float32([-1.5, -0.5, 0.5, 1.5, 2.5, 2.6])
for kind in (np.uint8, np.int8):
    for zero in (4, 3):
        a, b = both("QuantizeLinear", [x, np.float32(1), kind(zero)], constants=(1, 2))
        print(f"{kind.__name__}, zero point {zero}: ONNX Runtime {a.tolist()}, OpenVINO {b.tolist()}")
PY
diff "$work/seen" - <<'SEEN'
uint8, zero point 4: ONNX Runtime [2, 4, 4, 6, 6, 7], OpenVINO [2, 4, 4, 6, 6, 7]
uint8, zero point 3: ONNX Runtime [1, 3, 3, 5, 5, 6], OpenVINO [2, 2, 4, 4, 6, 6]
int8, zero point 4: ONNX Runtime [2, 4, 4, 6, 6, 7], OpenVINO [2, 4, 4, 6, 6, 7]
int8, zero point 3: ONNX Runtime [1, 3, 3, 5, 5, 6], OpenVINO [2, 2, 4, 4, 6, 6]
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

#!/usr/bin/env bash
# OpenVINO 2026.4.1 on the CPU turns a NaN into a number in Relu, Clip, Max and HardSigmoid: 0, the lower
# limit, the other operand, and 1. In ONNX Runtime 1.32.0 it stays a NaN. So a network that overflowed, or
# whose weights are damaged, ends in NaN there, which is noticed, and here in plausible scores; and of a
# gate by HardSigmoid a NaN opens all. Sigmoid keeps it in both.
#
# Seen:
#   Relu of NaN: ONNX Runtime nan, OpenVINO 0
#   Clip of NaN: ONNX Runtime nan, OpenVINO 0
#   Max of NaN: ONNX Runtime nan, OpenVINO 1
#   HardSigmoid of NaN: ONNX Runtime nan, OpenVINO 1
#   Sigmoid of NaN: ONNX Runtime nan, OpenVINO nan
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


nan = np.float32([np.nan, 2, -2])
zero, six = np.float32(0), np.float32(6)
for name, inputs, constants in (
    ("Relu", [nan], ()),
    ("Clip", [nan, zero, six], (1, 2)),
    ("Max", [nan, np.float32([1, 1, 1])], ()),
    ("HardSigmoid", [nan], ()),
    ("Sigmoid", [nan], ()),
):
    a, b = both(name, inputs, constants)
    print(f"{name} of NaN: ONNX Runtime {a[0]:g}, OpenVINO {b[0]:g}")
PY
diff "$work/seen" - <<'SEEN'
Relu of NaN: ONNX Runtime nan, OpenVINO 0
Clip of NaN: ONNX Runtime nan, OpenVINO 0
Max of NaN: ONNX Runtime nan, OpenVINO 1
HardSigmoid of NaN: ONNX Runtime nan, OpenVINO 1
Sigmoid of NaN: ONNX Runtime nan, OpenVINO nan
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

#!/usr/bin/env bash
# OpenVINO 2026.4.1 takes clip(x + 3, 0, 6) · c for its operation HSigmoid, which is
# clip(x + 3, 0, 6) / 6, whenever c is within 1e-4 of 1/6, and computes with 1/6. The
# TensorFlow Model Garden's hard sigmoid (modeling/activations) multiplies by 0.16667,
# which is such a number: a gate of 1.00002 (6 · 0.16667) becomes 1, relatively 2e-5 off, far
# above the rounding of float32, and a network of many such gates drifts on. A constant
# that is a little further away stays what it is, and ONNX Runtime takes all as they stand.
#
# Seen (the output for x = 3, from ONNX Runtime and from OpenVINO on the CPU with float32):
#   c = 0.16667: 1.000020 1.000000
#   c = 0.1668: 1.000800 1.000800
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$work/venv/bin/python" - "$work" > "$work/seen" <<'PY'
import sys
import numpy as np, onnx, onnxruntime, openvino
from onnx import TensorProto, helper, numpy_helper

for c in (0.16667, 0.1668):
    constants = {"three": 3, "zero": 0, "six": 6, "c": c}
    g = helper.make_graph(
        [
            helper.make_node("Add", ["x", "three"], ["a"]),
            helper.make_node("Clip", ["a", "zero", "six"], ["b"]),
            helper.make_node("Mul", ["b", "c"], ["y"]),
        ],
        "gate",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 4, 4])],
        [numpy_helper.from_array(np.float32(v), k) for k, v in constants.items()],
    )
    path = sys.argv[1] + "/gate.onnx"
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    x = np.full((1, 1, 4, 4), 3, np.float32)
    ort = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    core = openvino.Core()
    ov = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]
    print(f"c = {c}: {ort.flat[0]:.6f} {ov.flat[0]:.6f}")
PY
diff "$work/seen" - <<'SEEN'
c = 0.16667: 1.000020 1.000000
c = 0.1668: 1.000800 1.000800
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

#!/usr/bin/env bash
# OpenVINO 2026.4.1 reads an ONNX Resize with antialias = 1 and computes it without: no error, no warning,
# and pixels as if the attribute were not there. So a model with its preprocessing inside (an image made
# smaller by antialiased interpolation, as Pillow and torchvision do) sees other pixels than in ONNX Runtime
# 1.32.0. The attribute exclude_outside is ignored in the same way.
#
# Seen:
#   linear, 8 to 2: ONNX Runtime 2.50 30.50, OpenVINO 2.50 30.50
#   linear, 8 to 2, antialias: ONNX Runtime 4.78 30.59, OpenVINO 2.50 30.50
#   cubic, 8 to 3, antialias: ONNX Runtime 0.66 12.05 38.62, OpenVINO 0.60 12.12 38.82
#   cubic, 8 to 3: ONNX Runtime 0.60 12.12 38.82, OpenVINO 0.60 12.12 38.82
#   cubic, 8 to 3, exclude_outside: ONNX Runtime 0.59 12.12 38.99, OpenVINO 0.60 12.12 38.82
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


row = np.arange(8, dtype=np.float32).reshape(1, 1, 1, 8) ** 2
resize = lambda n, **k: both("Resize", [row, None, None, np.int64([1, 1, 1, n])], constants=(3,), **k)
for title, n, k in (
    ("linear, 8 to 2", 2, dict(mode="linear")),
    ("linear, 8 to 2, antialias", 2, dict(mode="linear", antialias=1)),
    ("cubic, 8 to 3, antialias", 3, dict(mode="cubic", antialias=1)),
    ("cubic, 8 to 3", 3, dict(mode="cubic")),
    ("cubic, 8 to 3, exclude_outside", 3, dict(mode="cubic", exclude_outside=1)),
):
    a, b = resize(n, **k)
    numbers = lambda v: " ".join(f"{x:.2f}" for x in v.ravel())
    print(f"{title}: ONNX Runtime {numbers(a)}, OpenVINO {numbers(b)}")
PY
diff "$work/seen" - <<'SEEN'
linear, 8 to 2: ONNX Runtime 2.50 30.50, OpenVINO 2.50 30.50
linear, 8 to 2, antialias: ONNX Runtime 4.78 30.59, OpenVINO 2.50 30.50
cubic, 8 to 3, antialias: ONNX Runtime 0.66 12.05 38.62, OpenVINO 0.60 12.12 38.82
cubic, 8 to 3: ONNX Runtime 0.60 12.12 38.82, OpenVINO 0.60 12.12 38.82
cubic, 8 to 3, exclude_outside: ONNX Runtime 0.59 12.12 38.99, OpenVINO 0.60 12.12 38.82
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

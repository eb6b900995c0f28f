#!/usr/bin/env bash
# ONNX Runtime 1.32.0, RoiAlign with mode "max", does not pool what RoIAlign samples. A sample is
# interpolated from four cells, each with a weight; the largest of these four weighted cells is taken for
# the sample, not their sum. So a map of ones becomes less than one, by up to three quarters where a sample
# lies amid four cells. OpenVINO 2026.4.1 interpolates first and takes the largest sample then, from the
# same file. With mode "avg", the default, both agree.
#
# Seen:
#   a map of ones, box [0.25, 0.25, 2.25, 2.25], avg: ONNX Runtime 1.0000, OpenVINO 1.0000
#   a map of ones, box [0.25, 0.25, 2.25, 2.25], max: ONNX Runtime 0.5625, OpenVINO 1.0000
#   a map of ones, box [0.0, 0.0, 4.0, 4.0], avg: ONNX Runtime 1.0000, OpenVINO 1.0000
#   a map of ones, box [0.0, 0.0, 4.0, 4.0], max: ONNX Runtime 0.2500, OpenVINO 1.0000
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


ones = np.ones((1, 1, 4, 4), np.float32)
for box in ([0.25, 0.25, 2.25, 2.25], [0.0, 0.0, 4.0, 4.0]):
    for mode in ("avg", "max"):
        a, b = both("RoiAlign", [ones, np.float32([box]), np.int64([0])], mode=mode, sampling_ratio=1, output_height=1, output_width=1)
        print(f"a map of ones, box {box}, {mode}: ONNX Runtime {a.flat[0]:.4f}, OpenVINO {b.flat[0]:.4f}")
PY
diff "$work/seen" - <<'SEEN'
a map of ones, box [0.25, 0.25, 2.25, 2.25], avg: ONNX Runtime 1.0000, OpenVINO 1.0000
a map of ones, box [0.25, 0.25, 2.25, 2.25], max: ONNX Runtime 0.5625, OpenVINO 1.0000
a map of ones, box [0.0, 0.0, 4.0, 4.0], avg: ONNX Runtime 1.0000, OpenVINO 1.0000
a map of ones, box [0.0, 0.0, 4.0, 4.0], max: ONNX Runtime 0.2500, OpenVINO 1.0000
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

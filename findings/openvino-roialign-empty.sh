#!/usr/bin/env bash
# OpenVINO 2026.4.1, RoiAlign with sampling_ratio 0 (as many samples as fit) and
# coordinate_transformation_mode half_pixel, Detectron2's way: a box without width or height has no sample,
# and its features are NaN. In ONNX Runtime 1.32.0 they are 0, as in Detectron2 and torchvision, which
# divide by one sample at least. Boxes without extent are what clipping to the image leaves of those
# outside.
#
# Seen:
#   half_pixel: ONNX Runtime [7.5, 0.0, 0.0], OpenVINO [7.5, nan, nan]
#   output_half_pixel: ONNX Runtime [10.0, 9.5, 0.0], OpenVINO [10.0, 9.5, 0.0]
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


cells = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
boxes = np.float32([[1, 1, 3, 3], [1, 1, 1, 3], [2, 4, 4, 4]])
for mode in ("half_pixel", "output_half_pixel"):
    a, b = both("RoiAlign", [cells, boxes, np.int64([0, 0, 0])], sampling_ratio=0, output_height=1, output_width=1, coordinate_transformation_mode=mode)
    print(f"{mode}: ONNX Runtime {a.ravel().tolist()}, OpenVINO {b.ravel().tolist()}")
PY
diff "$work/seen" - <<'SEEN'
half_pixel: ONNX Runtime [7.5, 0.0, 0.0], OpenVINO [7.5, nan, nan]
output_half_pixel: ONNX Runtime [10.0, 9.5, 0.0], OpenVINO [10.0, 9.5, 0.0]
SEEN
echo "as described: OpenVINO 2026.4.1, ONNX Runtime 1.32.0"

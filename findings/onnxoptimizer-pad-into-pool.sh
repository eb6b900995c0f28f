#!/usr/bin/env bash
# onnxoptimizer 0.4.2, pass fuse_pad_into_pool, one of those that optimize() runs by default: a Pad with
# zeros before a MaxPool becomes padding of the MaxPool, which counts as minus infinity. Where all
# activations at the border are negative the maximum was 0 and is negative then. A network of TensorFlow or
# Keras has such a pair (ZeroPadding2D before the pooling of a stem). Behind a ReLU the two are the same,
# behind another activation they are not. An AveragePool that pads by itself and does not count that padding
# takes the zeros in, and does not count them any more.
#
# Seen:
#   Pad and MaxPool: 0 0 0 0; optimised to MaxPool: -1 -3 -9 -11
#   Pad and AveragePool: -0.25 -1.5 -4.5 -11; optimised to AveragePool: -0.111111 -1 -3 -11
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 onnxoptimizer==0.4.2 numpy==2.4.6
"$work/venv/bin/python" - "$work" > "$work/seen" 2> /dev/null <<'PY'
import numpy as np, onnxoptimizer, onnxruntime
from onnx import TensorProto, helper, numpy_helper


def run(model):
    x = -np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)
    out = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    return " ".join(f"{v:g}" for v in out.ravel())


for operator, attributes in (("MaxPool", {}), ("AveragePool", {"pads": [1, 1, 1, 1], "count_include_pad": 0})):
    graph = helper.make_graph(
        [
            helper.make_node("Pad", ["x", "pads"], ["padded"]),
            helper.make_node(operator, ["padded"], ["y"], kernel_shape=[3, 3], strides=[3, 3], **attributes),
        ],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.int64([0, 0, 1, 1, 0, 0, 1, 1]), "pads")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    better = onnxoptimizer.optimize(model)
    print(f"Pad and {operator}: {run(model)}; optimised to {'+'.join(n.op_type for n in better.graph.node)}: {run(better)}")
PY
diff "$work/seen" - <<'SEEN'
Pad and MaxPool: 0 0 0 0; optimised to MaxPool: -1 -3 -9 -11
Pad and AveragePool: -0.25 -1.5 -4.5 -11; optimised to AveragePool: -0.111111 -1 -3 -11
SEEN
echo "as described: onnxoptimizer 0.4.2"

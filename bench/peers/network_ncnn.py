"""Runs the ONNX files of network_onnx.py with ncnn, which reads a text of layers and a file of weights.

ncnn has no batches: a head runs a RoI at a time, each on one thread, as many at once as there are threads.
"""
from concurrent.futures import ThreadPoolExecutor

import ncnn
import numpy as np
import onnx
from onnx import helper, numpy_helper


def translate(graph):
    """Returns the text of the layers and the bytes of the weights."""
    weights = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    uses = {}
    for n in graph.node:
        for name in n.input:
            uses[name] = uses.get(name, 0) + 1
    lines, binary, fed = [], [], {}

    def read(name):
        """The blob that the next reader of a value takes; ncnn wants one for each."""
        if uses.get(name, 0) < 2:
            return name
        fed[name] = fed.get(name, -1) + 1
        return f"{name}_{fed[name]}"

    def emit(kind, name, inputs, outputs, parameters=""):
        lines.append(f"{kind} {name} {len(inputs)} {len(outputs)} {' '.join(inputs + outputs)} {parameters}")
        for out in outputs:
            if uses.get(out, 0) > 1:
                lines.append(f"Split {out}_split 1 {uses[out]} {out} " + " ".join(f"{out}_{i}" for i in range(uses[out])))

    emit("Input", "input", [], [graph.input[0].name])
    for n in graph.node:
        a = {x.name: helper.get_attribute_value(x) for x in n.attribute}
        x, out = [read(n.input[0])], [n.output[0]]
        if n.op_type in ("Conv", "ConvTranspose", "Gemm"):
            w, b = weights[n.input[1]], weights[n.input[2]]
            binary += [np.zeros(1, np.uint32).tobytes()]  # the tag of float32
            if n.op_type == "ConvTranspose":
                w = w.transpose(1, 0, 2, 3)
            binary += [np.ascontiguousarray(w).tobytes(), b.tobytes()]
        if n.op_type == "Conv":
            emit("Convolution", n.name, x, out, f"0={len(b)} 1={w.shape[2]} 3={a['strides'][0]} 4={a['pads'][0]} 5=1 6={w.size}")
        elif n.op_type == "ConvTranspose":
            emit("Deconvolution", n.name, x, out, f"0={len(b)} 1={w.shape[2]} 3={a['strides'][0]} 5=1 6={w.size}")
        elif n.op_type == "Gemm":
            emit("InnerProduct", n.name, x, out, f"0={len(b)} 1=1 2={w.size}")
        elif n.op_type == "Relu":
            emit("ReLU", n.name, x, out)
        elif n.op_type == "Add":
            emit("BinaryOp", n.name, x + [read(n.input[1])], out, "0=0")
        elif n.op_type == "MaxPool":
            top, left, bottom, right = a["pads"]
            emit("Pooling", n.name, x, out, f"0=0 1={a['kernel_shape'][0]} 2={a['strides'][0]} 3={left} 13={top} 14={right} 15={bottom} 5=1")
        elif n.op_type == "Resize":
            factor = weights[n.input[2]][-1]
            emit("Interp", n.name, x, out, f"0=1 1={factor:e} 2={factor:e}")
        elif n.op_type == "Flatten":
            emit("Flatten", n.name, x, out)
        else:
            emit("Noop", n.name, x, out)
    blobs = sum(int(line.split()[3]) for line in lines)
    return f"7767517\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n", b"".join(binary)


def load(path, threads):
    """Returns f(input's name, input) that runs the file."""
    model = onnx.load(path)
    rows = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    text, binary = translate(model.graph)
    with open(path + ".param", "w") as f:
        f.write(text)
    with open(path + ".bin", "wb") as f:
        f.write(binary)
    net = ncnn.Net()
    net.opt.num_threads = threads if rows == 1 else 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    if net.load_param(path + ".param") or net.load_model(path + ".bin"):
        raise SystemExit("ncnn cannot read " + path)
    outputs = [o.name for o in model.graph.output]
    pool = ThreadPoolExecutor(threads)

    def item(name, value):
        extractor = net.create_extractor()
        extractor.input(name, ncnn.Mat(value))
        for out in outputs:
            status, _ = extractor.extract(out)
            assert status == 0, out

    def run(name, value):
        if rows == 1:
            item(name, value[0])
        else:
            list(pool.map(lambda v: item(name, v), value))

    return run

"""Runs the ONNX files of network_onnx.py with PyTorch: eager, compiled, and compiled in bfloat16."""
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper


class Net(torch.nn.Module):
    """The nodes of a graph, one after the other."""

    def __init__(self, graph):
        super().__init__()
        self.input, self.outputs = graph.input[0].name, [o.name for o in graph.output]
        self.scales, self.steps = {}, []
        for w in graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(w).copy())
            if w.name.startswith("scales"):
                self.scales[w.name] = float(value[-1])
            else:
                self.register_parameter(w.name, torch.nn.Parameter(value, requires_grad=False))
        for n in graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in n.attribute}
            self.steps.append((n.op_type, list(n.input), n.output[0], attributes))

    def forward(self, x):
        v = {self.input: x}
        for op, names, out, a in self.steps:
            x = v[names[0]]
            if op == "Conv":
                y = F.conv2d(x, getattr(self, names[1]), getattr(self, names[2]), a["strides"], a["pads"][:2])
            elif op == "ConvTranspose":
                y = F.conv_transpose2d(x, getattr(self, names[1]), getattr(self, names[2]), a["strides"])
            elif op == "Gemm":
                y = F.linear(x, getattr(self, names[1]), getattr(self, names[2]))
            elif op == "Relu":
                y = F.relu(x)
            elif op == "Add":
                y = x + v[names[1]]
            elif op == "MaxPool":
                top, left, bottom, right = a["pads"]
                y = F.max_pool2d(F.pad(x, (left, right, top, bottom), value=float("-inf")), a["kernel_shape"], a["strides"])
            elif op == "Resize":
                y = F.interpolate(x, scale_factor=self.scales[names[2]], mode="nearest")
            elif op == "Flatten":
                y = x.flatten(1)
            elif op == "Identity":
                y = x
            else:
                raise ValueError("no operation " + op)
            v[out] = y
        return [v[o] for o in self.outputs]


def load(path, threads, peer):
    """Returns f(input's name, input) that runs the file."""
    torch.set_num_threads(threads)
    net = Net(onnx.load(path).graph).eval().to(memory_format=torch.channels_last)
    kind = torch.bfloat16 if peer == "torch-bf16" else torch.float32
    net = net.to(kind)
    if peer != "torch":
        torch._inductor.config.freezing = True  # weights are constants: packed once
        net = torch.compile(net)

    def run(_, value):
        with torch.inference_mode():
            return net(torch.from_numpy(value).to(kind).contiguous(memory_format=torch.channels_last))

    return run

#!/usr/bin/env python3
"""Times Mask R-CNN, or RetinaNet, with SpineNet-49 in turn, in one window: ours and the runtimes that people would use instead.

usage: networks.py --ours SPINEMASK [--network mask_rcnn | --model FILE] [--threads 2] [--rounds 7] [--side 640] [--peers NAME,NAME] [--json FILE]

With --model it is the network of a model file, as "spinemask export" writes it, at the model's own size.

Every peer is a process that loads the network once (see network_onnx.py) and runs it when it is told to; a round goes
through all of them, so that a slow spell of the machine hits all. Theirs are the parts of the network alone, on inputs that are
there already; ours is everything from decoded pixels to run-length masks, or boxes: the comparison leans to the others. "ours --fast" computes
with larger rounding errors where the processor multiplies tiles of bfloat16.

  ort, openvino-f32           float32, as ours
  torch, torch-compile        float32: eager with channels last, and compiled
  ncnn                        float32 with Winograd; it has no batches: its heads run a RoI at a time
  openvino                    its default: bfloat16 where the processor has it
  torch-bf16                  the same by choice
  ort-int8, openvino-int8     8-bit weights and activations (QDQ), calibrated on noise: their speed is real, their answers are not
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx

import network_onnx

PEERS = ["ort", "openvino-f32", "torch", "torch-compile", "ncnn", "openvino", "torch-bf16", "ort-int8", "openvino-int8"]


def wait_until_idle(most=5):
    """Waits until nobody else works on the machine, but not longer than most seconds."""
    def busy_and_all():
        with open("/proc/stat") as f:
            t = [int(x) for x in f.readline().split()[1:9]]
        return sum(t) - t[3] - t[4], sum(t)

    end = time.monotonic() + most
    while os.path.exists("/proc/stat") and time.monotonic() < end:
        busy, total = busy_and_all()
        time.sleep(0.3)
        busy2, total2 = busy_and_all()
        if busy2 - busy <= 0.1 * (total2 - total):
            return


ROWS = {"trunk": 1, "box": network_onnx.PROPOSALS, "mask": network_onnx.DETECTIONS}


def inputs(folder):
    """Name and values of the input of each part that lies in the folder."""
    r = np.random.default_rng(1)
    data = {}
    for part, rows in ROWS.items():
        path = os.path.join(folder, part + ".onnx")
        if os.path.exists(path):
            graph_input = onnx.load(path).graph.input[0]
            shape = [d.dim_value for d in graph_input.type.tensor_type.shape.dim]
            values = r.standard_normal((rows, *shape[1:]), np.float32)
            data[part] = graph_input.name, values if part == "trunk" else np.maximum(values, 0)
    return data


def export(args):
    """Writes the parts of args.model with the names that network_onnx gives them."""
    os.makedirs(args.folder, exist_ok=True)
    for name in os.listdir(args.folder):
        os.remove(os.path.join(args.folder, name))
    subprocess.run([args.ours, "export", args.model, "-o", os.path.join(args.folder, "trunk.onnx")], check=True, stdout=subprocess.DEVNULL)
    for part in ("box", "mask"):
        head = os.path.join(args.folder, f"trunk.{part}_head.onnx")
        if os.path.exists(head):
            os.rename(head, os.path.join(args.folder, part + ".onnx"))


def quantized(path):
    return path.replace(".onnx", ".int8.onnx")


def quantize(folder):
    """Writes the parts with 8-bit weights (a scale per channel) and activations."""
    from onnxruntime import quantization

    class Noise(quantization.CalibrationDataReader):
        def __init__(self, name, value):
            self.left = [{name: value}]

        def get_next(self):
            return self.left.pop() if self.left else None

    for part, (name, value) in inputs(folder).items():
        path = os.path.join(folder, part + ".onnx")
        quantization.quantize_static(
            path, quantized(path), Noise(name, value), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
            activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)


def load_ort(path, threads):
    import onnxruntime as ort

    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    return lambda name, value: session.run(None, {name: value})


def load_openvino(path, threads, **config):
    import openvino

    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, **config}
    request = openvino.Core().compile_model(path, "CPU", config).create_infer_request()
    return lambda name, value: request.infer({name: value}, share_inputs=True, share_outputs=True)


def load(peer, folder, part, threads):
    """Loads a part and returns f(input's name, input) that runs it."""
    path = os.path.join(folder, part + ".onnx")
    if peer.startswith("ort"):
        return load_ort(quantized(path) if peer == "ort-int8" else path, threads)
    if peer == "openvino-f32":
        return load_openvino(path, threads, INFERENCE_PRECISION_HINT="f32")
    if peer.startswith("openvino"):
        return load_openvino(quantized(path) if peer == "openvino-int8" else path, threads)
    if peer.startswith("torch"):
        import network_torch

        return network_torch.load(path, threads, peer)
    import network_ncnn

    return network_ncnn.load(path, threads)


def worker(peer, folder, threads):
    """Loads everything, runs it twice, then once for each line that it reads; answers with the seconds of each part."""
    data = inputs(folder)
    parts = {part: load(peer, folder, part, threads) for part in data}

    def run():
        times = {}
        for part, f in parts.items():
            start = time.perf_counter()
            f(*data[part])
            times[part] = time.perf_counter() - start
        return times

    run()
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(run()), flush=True)


class Peer:
    def __init__(self, name, args):
        self.times, self.refused = [], None
        command = [sys.executable, __file__, "--worker", name, args.folder, str(args.threads)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(args.threads),
                       # without these malloc returns memory after every layer, and page faults dominate eager PyTorch
                       "MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for line in self.process.stdout:
            if line == "ready\n":
                return
        self.refused = f"exit {self.process.wait()}"

    def run(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.times.append(json.loads(self.process.stdout.readline()))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    refused = None

    def __init__(self, args, *flags):
        self.times = []
        model = ["--model", args.model] if args.model else ["--network", args.network, "--variant", "49", "--size", str(args.side)]
        self.command = [args.ours, "bench", *model, "--threads", str(args.threads), "--runs", "1", "--json", *flags]

    def run(self):
        r = json.loads(subprocess.run(self.command, capture_output=True, check=True, text=True).stdout)
        self.figures = {k: r[k] for k in ("model", "height", "width", "cpu", "kernels", "peak_gflops")}
        self.times.append({s["name"]: s["best_s"] for s in r["stages"]})

    def end(self):
        pass


def table(runners, args):
    totals = {name: [sum(t.values()) for t in r.times] for name, r in runners.items()}
    f = runners["ours"].figures
    print(f"{f['model']} {f['height']}×{f['width']}, {args.threads} threads, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}, "
          f"{f['cpu']}, {f['kernels']}, peak {f['peak_gflops']:.0f} GF/s")
    print(f"{'':15}{'best s':>9}{'median':>9}{'ours/it best':>15}{'median':>9}{'fast/it':>9}   best of each part")
    for name, r in runners.items():
        if r.refused:
            print(f"{name:15}refused: {r.refused}")
            continue
        line = f"{name:15}{min(totals[name]):9.4f}{statistics.median(totals[name]):9.4f}"
        if not isinstance(r, Ours):
            ratio = statistics.median(o / t for o, t in zip(totals["ours"], totals[name]))  # of the same rounds
            line += f"{min(totals['ours']) / min(totals[name]):15.2f}{ratio:9.2f}"
            fast = statistics.median(o / t for o, t in zip(totals["ours --fast"], totals[name]))
            line += f"{fast:9.2f}"
        else:
            line += " " * 33
        print(line + "   " + ", ".join(f"{p} {min(t[p] for t in r.times):.4f}" for p in r.times[0]))


def main():
    if sys.argv[1:2] == ["--worker"]:
        return worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True, help="the spinemask binary")
    p.add_argument("--folder", required=True, help="where the networks are kept")
    p.add_argument("--network", default="mask_rcnn", choices=network_onnx.PARTS)
    p.add_argument("--model", help="a model file, instead of the network")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--side", type=int, default=640)
    p.add_argument("--peers", default="ort,openvino-f32,openvino,ort-int8,openvino-int8", help="of " + ",".join(PEERS))
    p.add_argument("--json", help="write every time to this file")
    args = p.parse_args()
    peers = args.peers.split(",")
    if unknown := set(peers) - set(PEERS):
        p.error("unknown peers: " + ", ".join(sorted(unknown)))
    if args.model:
        args.folder = os.path.join(args.folder, "model")
        export(args)
    else:
        args.folder = os.path.join(args.folder, args.network, str(args.side))
        network_onnx.write(args.folder, args.side, args.network)
    if any("int8" in peer for peer in peers):
        quantize(args.folder)
    runners = {"ours": Ours(args), "ours --fast": Ours(args, "--fast")}
    for name in peers:
        runners[name] = Peer(name, args)
    for _ in range(args.rounds):
        for r in runners.values():
            if not r.refused:
                wait_until_idle()
                r.run()
    for r in runners.values():
        r.end()
    table(runners, args)
    if args.json:
        with open(args.json, "w") as f:
            json.dump({name: r.times for name, r in runners.items()}, f, indent=1)


if __name__ == "__main__":
    main()

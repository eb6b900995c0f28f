"""Checks exported files with onnx.checker, runs them in ONNX Runtime and OpenVINO, and compares with what ours gave for the same inputs.

usage: onnx_check.py PICTURE FOLDER   with model.onnx, its heads, and the folder "ours" that the program network made of the picture, whose size is the input's

A difference is the largest of an output, divided by the output's largest value, or by 1 where that is less. Exits with 1 if one is above 1e-4 and above three times
"nudged", how far our outputs move with the last bits of the input: networks of random weights, which most fixtures are, amplify rounding, trained ones do not.
"""
import glob
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from PIL import Image

BAR = 1e-4


def shape_of(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def check_input(path, image, picture):
    """The metadata make ours of the picture."""
    about = {p.key: json.loads(p.value) for p in onnx.load(path).metadata_props if p.key in ("size", "channels", "mean", "std")}
    pixels = np.asarray(Image.open(picture).convert("RGB"), np.float32)
    if about["channels"] == "bgr":
        pixels = pixels[..., ::-1]
    pixels = (pixels - about["mean"]) / about["std"]
    assert list(image.shape) == [1, 3, *about["size"]], image.shape
    np.testing.assert_allclose(pixels.transpose(2, 0, 1), image[0], atol=2e-6 * np.abs(image).max(), rtol=0)


def check(path, part):
    """The file keeps ONNX's rules, its shapes follow from its nodes, and it says what it has to."""
    model = onnx.load(path)
    onnx.checker.check_model(path, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
    stated = {v.name: shape_of(v) for v in list(model.graph.value_info) + list(model.graph.output)}
    for v in list(inferred.graph.value_info) + list(inferred.graph.output):
        assert stated[v.name] == shape_of(v), (v.name, stated[v.name], shape_of(v))
    missing = {o for n in model.graph.node for o in n.output} - set(stated)
    assert not missing, missing
    about = {p.key: p.value for p in model.metadata_props}
    assert model.opset_import[0].version == int(about["opset"])
    for key in ("size", "mean", "std", "classes", "config", "provenance", "channels"):
        json.loads(about[key])
    assert [v.name for v in model.graph.input] == [v["name"] for v in part["inputs"]]
    assert [v.name for v in model.graph.output] == [v["name"] for v in part["outputs"]]


def read(folder, part, value, ending=""):
    return np.fromfile(os.path.join(folder, "ours", part["name"] + "." + value["name"] + ending), np.float32).reshape(value["shape"])


def difference(ours, theirs):
    return float(np.abs(ours - theirs.reshape(ours.shape)).max()) / max(1.0, float(np.abs(ours).max()))


def run_ort(path, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def run_openvino(path, inputs):
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled(inputs)
    return [results[o] for o in compiled.outputs]


def main():
    picture, folder = sys.argv[1:]
    failed = False
    with open(os.path.join(folder, "ours", "index.json")) as f:
        parts = json.load(f)
    files = sorted(glob.glob(os.path.join(folder, "*.onnx")))
    assert len(files) == len(parts), files
    for part in parts:
        path = os.path.join(folder, "model.onnx" if part["name"] == "trunk" else f"model.{part['name']}.onnx")
        check(path, part)
        inputs = {v["name"]: read(folder, part, v) for v in part["inputs"]}
        if part["name"] == "trunk":
            check_input(path, inputs["image"], picture)
        ours = {v["name"]: read(folder, part, v) for v in part["outputs"]}
        nudged = max(difference(ours[v["name"]], read(folder, part, v, ".nudged")) for v in part["outputs"])
        line = f"{os.path.basename(folder):33}{part['name']:10} nudged {nudged:.1e}  "
        for name, run in (("ORT", run_ort), ("OpenVINO", run_openvino)):
            found = [(difference(ours[v["name"]], theirs), v["name"]) for v, theirs in zip(part["outputs"], run(path, inputs), strict=True)]
            worst, at = max(found)
            held = all(d <= max(BAR, 3 * nudged) for d, _ in found)  # no NaN
            failed |= not held
            line += f"{name} {worst:.1e} {at}{'' if held else ' TOO FAR'}".ljust(40)
        print(line.rstrip(), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

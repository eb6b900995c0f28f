#!/usr/bin/env bash
# usage: onnx.sh [NAME…]: exports models (default: all below), checks the files with onnx.checker and compares ONNX Runtime and OpenVINO on them with ours,
# from the same inputs. Those of the fixtures need SPINEMASK_SHARED. Readers are installed from PyPI in an environment that is kept in $SPINEMASK_INTEROP
# (default: spinemask-interop in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
venv=${SPINEMASK_INTEROP:-${TMPDIR:-/tmp}/spinemask-interop}-onnx
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
(cd "$root" && go build -o "$out/" ./cmd/spinemask ./bench/interop/network && go build -o "$out/make" ./bench/models)
shared=${SPINEMASK_SHARED:+$(cd "$SPINEMASK_SHARED" && pwd)}
failed=0

# compare NAME FILE HEIGHTxWIDTH [FLAG…]: the flags are those of spinemask export about a foreign file
compare() {
  local folder=$out/models/$1
  [ ${#names[@]} = 0 ] || [[ " ${names[*]} " = *" $1 "* ]] || return 0
  mkdir -p "$folder"
  "$out/spinemask" convert "$2" -o "$out/native.safetensors" "${@:4}" > "$out/log" || { cat "$out/log"; return 1; }
  "$out/spinemask" export "$2" -o "$folder/model.onnx" --size "$3" "${@:4}" > "$out/log"
  cut "$3"
  "$out/network" "$out/native.safetensors" "$out/$3.png" "$3" "$folder/ours"
  "$venv/bin/python" "$here/onnx_check.py" "$out/$3.png" "$folder" || failed=1
  rm -r "$folder"
}

# cut HEIGHTxWIDTH makes a picture of that size
cut() {
  [ -f "$out/$1.png" ] || "$venv/bin/python" - "$root/testdata/garden/sklearn_china.webp" "$1" "$out/$1.png" <<'EOF'
import sys
from PIL import Image
height, width = map(int, sys.argv[2].split("x"))
Image.open(sys.argv[1]).convert("RGB").resize((width, height)).save(sys.argv[3])
EOF
}

names=("$@")
data=$root/testdata
compare nuclei "$root/models/nuclei/nuclei.safetensors" 640x640
compare tf1_tiny "$data/tf1_tiny/spinenet-tiny.tar.gz" 256x384
compare mmdet_tiny "$data/mmdet_tiny/tiny.pth" 256x384
for kind in mask_rcnn:49 mask_rcnn:190 mask_rcnn:resnet-50 retinanet:49S retinanet:mobile-49 retinanet:mobile-49XS classification:49 classification:resnet-50; do
  name=random_${kind//:/_}
  [ ${#names[@]} = 0 ] || [[ " ${names[*]} " = *" $name "* ]] || continue
  "$out/make" random "${kind%:*}" "${kind#*:}" "$out/random.safetensors" # a published size with weights of no meaning
  case $kind in classification:*) size=224x224 ;; *) size=256x384 ;; esac
  compare "$name" "$out/random.safetensors" $size
done
if [ -n "$shared" ]; then
  f=$shared/fixtures
  compare detectron2_tiny "$f/detectron2_maskrcnn_r50_fpn/tiny_zoo.pkl" 256x352
  compare mmdet_r50_pytorch "$f/mmdet_maskrcnn_r50_fpn/tiny_pytorch_v3.pth" 192x256
  compare mmdet_r50_caffe "$f/mmdet_maskrcnn_r50_fpn/tiny_caffe_v2.pth" 192x256 --style caffe
  compare mmdet_spinenet_tiny "$f/mmdet_spinenet/tiny_v2_zip.pth" 128x256
  compare tf1_classification "$f/tf1_classification/ckpt_tf1" 224x224
  compare tf2_classification_resnet "$f/tf2_classification/ckpt_resnet50" 224x224
  compare tf2_classification_spinenet "$f/tf2_classification/ckpt_spinenet" 256x256 --activation swish
  compare tf2_resnet_fpn "$f/tf2_resnet_fpn/ckpt_mrcnn" 256x384
  compare tf2_resnet_fpn_retina "$f/tf2_resnet_fpn/ckpt_retina" 256x384
  compare tf2_retinanet "$f/tf2_retinanet/ckpt_trainer" 256x384
  compare tf2_spinenet_mobile "$f/tf2_spinenet_mobile/ckpt_mrcnn" 256x384
  compare tf2_spinenet_mobile_retina "$f/tf2_spinenet_mobile/ckpt_retina" 256x384 --activation swish
  compare tf2_spinenet_mrcnn "$f/tf2_spinenet_mrcnn/ckpt_model_only" 256x384
  mkdir "$out/native"
  "$out/make" formula "$f" "$out/native"
  for model in "$out"/native/*; do
    compare "$(basename "$model" .safetensors)" "$model" 256x384
  done
fi

# The program of docs/onnx.md runs as it stands there.
if [ ${#names[@]} = 0 ]; then
  "$out/spinemask" export -o "$out/example/model.onnx" > "$out/log"
  cp "$data/images/c901794d1a421d52.png" "$out/example/photo.png"
  sed -n '/^```python$/,/^```$/p' "$root/docs/onnx.md" | sed '/^```/d' > "$out/example/example.py"
  (cd "$out/example" && "$venv/bin/python" example.py) || failed=1
fi
exit $failed

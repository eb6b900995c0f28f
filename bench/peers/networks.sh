#!/usr/bin/env bash
# Installs the runtimes in an environment outside the tree, builds ours beside it and times the same network in turn.
# usage: bench/peers/networks.sh [--network mask_rcnn | --network mobile | --model FILE] [--threads 2] [--rounds 7] [--peers ort,openvino-f32,torch,…]   (see networks.py)
# mobile is RetinaNet on mobile SpineNet-49, of weights of no meaning, written by spinemask export.
# The environment is kept in $SPINEMASK_PEERS (default: spinemask-peers in the system's folder for temporary files).
# PyTorch, some gigabytes, is installed only when a peer's name begins with torch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}/networks
if [ ! -x "$peers/bin/python" ]; then
	python3 -m venv "$peers"
fi
packages="numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 ncnn==1.0.20261020"
case "$*" in *torch*) packages="$packages torch==2.15.0" ;; esac
"$peers/bin/pip" install --quiet --disable-pip-version-check $packages
(cd "$here/../.." && go build -o "$peers/bin/spinemask" ./cmd/spinemask)
if [ "${1-}" = --network ] && [ "${2-}" = mobile ]; then
	shift 2
	(cd "$here/../.." && go run ./bench/models random retinanet mobile-49 "$peers/mobile.safetensors")
	set -- --model "$peers/mobile.safetensors" "$@"
fi
exec "$peers/bin/python" "$here/networks.py" --ours "$peers/bin/spinemask" --folder "$peers/networks" "$@"

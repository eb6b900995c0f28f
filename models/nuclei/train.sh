#!/usr/bin/env bash
# Trains the built-in model further, and puts it in its place with model card and picture if it is better on the validation images.
# usage: models/nuclei/train.sh DATA WORK RECIPE [flags of "spinemask train"]
# DATA holds images/, annotations/instances_train.json and annotations/instances_val.json, RECIPE is one of models/nuclei/recipes, WORK is a folder for everything
# on the way. The run begins with the present model, or with what a flag --from names, and goes on with --resume. With PEER, a folder with net.py, Mask R-CNN on SpineNet in PyTorch, and PYTHON, which
# has what remake/golden.py needs, the golden values of the tests are made anew, too; without them those tests fail until they are. same_test.go's sums and the
# sentences of the card have to be brought up to date by hand.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '3p' "$0" >&2; exit 2; }
data=$(realpath "$1") recipe=$(realpath "$3")
mkdir -p "$2"
work=$(realpath "$2")
shift 3
cd "$(dirname "$0")/../.."
go build -o "$work/" ./cmd/spinemask ./models/nuclei/remake ./models/nuclei/remake/clusters
validation=(-images "$data/images" -truth "$data/annotations/instances_val.json")

[ -e "$work/clusters.images/instances.json" ] || "$work/clusters" -images "$data/images" -truth "$data/annotations/instances_train.json" -to "$work/clusters.images"
name=$(basename "$recipe" .json)
"$work/spinemask" train "$work/clusters.images/instances.json" --images "$work/clusters.images" --val "$data/annotations/instances_val.json" --val-images "$data/images" \
	--from models/nuclei/nuclei.safetensors --recipe "$recipe" -o "$work/$name.safetensors" "$@"

number() { sed "s/.*\"$1\":\([0-9.]*\).*/\1/" "$2"; }
"$work/remake" "${validation[@]}" -score models/nuclei/nuclei.safetensors -closer >"$work/before.json"
"$work/remake" "${validation[@]}" -score "$work/$name.safetensors" -closer >"$work/$name.json"
before=$(number best_dsb "$work/before.json") after=$(number best_dsb "$work/$name.json")
echo "DSB score on the validation images, each at its best display threshold: $before before, $after after"
awk "BEGIN { exit !($after > $before) }" || { echo "not better: the model stays"; exit 0; }
"$work/remake" "${validation[@]}" -weights "$work/$name.safetensors" -display "$(number best_display "$work/$name.json")"
if [ -n "${PEER:-}" ]; then
	"${PYTHON:-python3}" models/nuclei/remake/golden.py --peer "$PEER" --model models/nuclei/nuclei.safetensors \
		--images "$data/images" --truth "$data/annotations/instances_val.json" --to models/nuclei/testdata
fi

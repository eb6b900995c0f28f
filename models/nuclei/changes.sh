#!/usr/bin/env bash
# Trains the built-in model by recipes that differ from one recipe in one thing each, and scores what comes out on the validation images.
# usage: models/nuclei/changes.sh DATA WORK RECIPE STEPS [flags of "spinemask train"]
# DATA and WORK are those of train.sh, which has to have sorted the images into clusters. The runs are those of changes.json, STEPS long; WORK/runs
# gets the models, and a line of JSON for each in scores.json. What is there already is not made again.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '3p' "$0" >&2; exit 2; }
data=$(realpath "$1") work=$(realpath "$2") recipe=$(realpath "$3") steps=$4
shift 4
cd "$(dirname "$0")/../.."
go build -o "$work/" ./cmd/spinemask ./models/nuclei/remake ./models/nuclei/remake/changes
out=$work/runs
mkdir -p "$out"
for name in $("$work/changes" -recipe "$recipe" -changes models/nuclei/changes.json -steps "$steps" -to "$out"); do
	[ -e "$out/$name.score.json" ] && continue
	resume=()
	[ -d "$out/$name.training" ] && resume=(--resume)
	"$work/spinemask" train "$work/clusters.images/instances.json" --images "$work/clusters.images" --val "$data/annotations/instances_val.json" --val-images "$data/images" \
		--from models/nuclei/nuclei.safetensors --recipe "$out/$name.json" --validate-every "$steps" -o "$out/$name.safetensors" "${resume[@]}" "$@"
	"$work/remake" -images "$data/images" -truth "$data/annotations/instances_val.json" -score "$out/$name.safetensors" >"$out/$name.partial"
	mv "$out/$name.partial" "$out/$name.score.json"
done
cat "$out"/*.score.json >"$out/scores.json"

#!/usr/bin/env bash
# Kills a training at random moments, resumes it, and compares the model with that of an
# undisturbed run, byte for byte.
#
#   bench/torture/train_kill.sh [KILLS [STEPS]]      50 and 40 if not given
set -euo pipefail
cd "$(dirname "$0")/../.."

kills=${1:-50}
steps=${2:-40}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/spinemask" ./cmd/spinemask
train() {
  exec "$dir/spinemask" train testdata/nuclei_val.json --images testdata/images -o "$dir/$1/m.safetensors" \
    --train-size 128x128 --batch 1 --steps "$steps" --validate-every 4 --quiet "${@:2}"
}

began=$(date +%s%N)
(train whole)
took=$((($(date +%s%N) - began) / 1000000))
echo "undisturbed: $took ms"

killed=0
for ((i = 0; i < kills; i++)); do
  resume=--resume
  [ -e "$dir/killed/m.training/state.safetensors" ] || resume=--resume=false
  (train killed $resume) &
  pid=$!
  # Half of the kills come early, half of them anywhere in a tenth of the run.
  sleep "$(awk -v t="$took" -v r=$RANDOM -v i=$i 'BEGIN { printf "%.3f", (0.3 + r / 32768 * t / 10000 * (i % 2 ? 1 : 0.3)) }')"
  if kill -9 $pid 2> /dev/null; then killed=$((killed + 1)); fi
  wait $pid 2> /dev/null || true
done
(train killed --resume)
cmp "$dir/whole/m.safetensors" "$dir/killed/m.safetensors"
echo "killed $killed times, and the model has the same bytes"

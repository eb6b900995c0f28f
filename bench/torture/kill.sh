#!/usr/bin/env bash
# usage: kill.sh [KILLS] [PHOTOS]: kills a run at random moments (kill -9), goes on with it each time, and wants the same bytes in every file as from a run that
# nobody disturbs. 200 kills of a run over 200 copies of the small ones of the committed images take about five minutes on two cores.
set -euo pipefail
kills=${1:-200} photos=${2:-200}
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/spinemask" ./cmd/spinemask
mkdir "$dir/photos"
mapfile -t images < <(find testdata/images -name '*.png' -size -100k | sort)
for i in $(seq "$photos"); do
  cp "${images[$((i % ${#images[@]}))]}" "$dir/photos/$(printf %06d "$i").png"
done
truncate -s 5000 "$dir/photos/000007.png" # one that fails
trap 'tail -n 5 "$dir/stderr" >&2' ERR
options=(--save coco,overlay,report,csv,labelme,masks --on-existing skip --quiet)
segment() { "$dir/spinemask" segment "$dir/photos" -o "$1" "${options[@]}" 2>>"$dir/stderr" || test $? = 2; }

segment "$dir/whole"
RANDOM=1 killed=0
while [ "$killed" -lt "$kills" ]; do
  "$dir/spinemask" segment "$dir/photos" -o "$dir/killed" "${options[@]}" 2>>"$dir/stderr" & pid=$! # not the function: its shell would die, not the run
  sleep "$(printf '0.%03d' $((RANDOM % 1000)))"
  kill -9 $pid 2>/dev/null || true
  code=0
  wait $pid 2>/dev/null || code=$?
  if [ $code = 137 ]; then killed=$((killed + 1)); fi # else it had ended by itself
  # Whatever is there under its own name is whole.
  python3 -c 'import glob, json, sys; [json.load(open(f)) for p in ("*.json", "labelme/*.json") for f in glob.glob(sys.argv[1] + "/" + p)]' "$dir/killed"
done
echo "killed $killed times, $(grep -c '"done"' "$dir/killed/journal.jsonl") of $photos images finished so far"
segment "$dir/killed"
if grep -v 'truncated: the file ends' "$dir/stderr"; then exit 1; fi # nothing else went wrong on the way
diff -r "$dir/whole" "$dir/killed"
echo "the same bytes: $(find "$dir/whole" -type f | wc -l) files"

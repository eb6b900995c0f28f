#!/usr/bin/env bash
# Kills searches at random moments and goes on with them: one process alone, whose folder must end with the same bytes as that of an undisturbed one, and two
# processes in one folder, in which no architecture may come twice and no line be lost. The proxy is as small as it gets.
#
#   bench/torture/search_kill.sh [KILLS [EVALUATIONS]]      50 and 30 if not given; half of the kills are of two processes
set -euo pipefail
cd "$(dirname "$0")/../.."

kills=${1:-50}
evaluations=${2:-30}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/spinemask" ./cmd/spinemask
begin() { # FOLDER
  exec "$dir/spinemask" search testdata/nuclei_val.json --images testdata/images -o "$1" --evaluations "$evaluations" --steps 2 --batch 1 --size 128 --threads 1 --quiet
}
go_on() { # FOLDER
  if [ -e "$1/search.json" ]; then exec "$dir/spinemask" search --resume "$1" --threads 1 --quiet; fi
  begin "$1"
}
moment() { awk -v t="$took" -v r=$RANDOM -v k="$1" 'BEGIN { f = 6 / k; printf "%.3f", r / 32768 * t / 1000 * (f < 0.8 ? f : 0.8) }'; }
whole_lines() { # everything that has a name is whole
  python3 - "$1" << 'PY'
import glob, json, sys
for name in glob.glob(sys.argv[1] + "/*.jsonl") + glob.glob(sys.argv[1] + "/work/0*.[prt]*"):
    for line in open(name):
        assert line.endswith("\n"), name
        json.loads(line)
for name in glob.glob(sys.argv[1] + "/*.json") + glob.glob(sys.argv[1] + "/best/*.json"):
    json.load(open(name))
PY
}

began=$(date +%s%N)
(begin "$dir/whole/found")
took=$((($(date +%s%N) - began) / 1000000))
echo "undisturbed: $evaluations architectures in $took ms"

same() { diff -r -x work -x times.jsonl "$dir/whole/found" "$dir/alone/found"; }
alone=$(((kills + 1) / 2)) killed=0 ended=0
while [ $killed -lt $alone ]; do
  (go_on "$dir/alone/found") & pid=$!
  sleep "$(moment $alone)"
  code=0
  kill -9 $pid 2> /dev/null || true
  wait $pid 2> /dev/null || code=$?
  whole_lines "$dir/alone/found"
  case $code in
    137) killed=$((killed + 1)) ;;
    0) same; rm -rf "$dir/alone/found"; ended=$((ended + 1)) ;; # it came to its end before: once more
    *) exit 1 ;;
  esac
done
(go_on "$dir/alone/found")
same
echo "killed $killed times, and the folder has the same bytes, $((ended + 1)) times"

two=$((kills - alone)) killed=0 ended=0 pids=()
check() { # when both have come to their end
  for pid in "${pids[@]}"; do wait "$pid"; done
  (go_on "$dir/both/found") # what the last one that was killed had begun
  python3 - "$dir/both/found" "$evaluations" << 'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1] + "/architectures.jsonl")]
assert [l["trial"] for l in lines] == list(range(int(sys.argv[2]))), "a line is lost or out of place"
assert len({json.dumps(l["table"]) for l in lines}) == len(lines), "an architecture came twice"
assert all("proxy" in l for l in lines)
assert len(open(sys.argv[1] + "/times.jsonl").readlines()) == len(lines)
PY
  test -z "$(ls "$dir/both/found/work/processes" "$dir/both/found/work/temporary" | grep -v :)"
  ended=$((ended + 1))
}
begin_both() {
  rm -rf "$dir/both/found"
  (begin "$dir/both/found") &
  pids=($!)
  until [ -e "$dir/both/found/search.json" ]; do sleep 0.02; done
  (go_on "$dir/both/found") &
  pids+=($!)
}
begin_both
while [ $killed -lt $two ]; do
  sleep "$(moment $two)"
  i=$((RANDOM % 2)) code=0
  kill -9 "${pids[$i]}" 2> /dev/null || true
  wait "${pids[$i]}" 2> /dev/null || code=$?
  whole_lines "$dir/both/found"
  case $code in
    137)
      killed=$((killed + 1))
      (go_on "$dir/both/found") &
      pids[$i]=$!
      ;;
    0)
      pids=("${pids[1 - i]}")
      check
      begin_both
      ;;
    *) exit 1 ;;
  esac
done
check
echo "two processes, killed $killed times in $ended searches: $evaluations architectures each, none twice, none lost"

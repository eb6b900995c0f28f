#!/usr/bin/env bash
# bench/arm64/mca.sh [CORE...]: what a model of a core makes of the inner loops of the NEON kernels: multiply-adds in a
# round, cycles that it takes, and the share of the core's peak. The loops are cut out of the disassembly of the test
# binary; what the model leaves out are caches. Needs llvm-objdump and llvm-mca of LLVM 19 or newer (LLVM=-19 is the ending
# of their names).
set -euo pipefail
cd "$(dirname "$0")/../.."
llvm=${LLVM--19}
cores=("$@")
[ $# -gt 0 ] || cores=(neoverse-n1 neoverse-v1)
declare -A units=([neoverse-n1]=2 [neoverse-v1]=4 [neoverse-n2]=2 [neoverse-v2]=4) # multiply-adds a cycle
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go test -c -o "$out/test" ./internal/core/kernels
package=github.com/spinemask/spinemask/internal/core/kernels

# loop SYMBOL writes the innermost loop of a function with the most multiply-adds.
loop() {
  "llvm-objdump$llvm" -d --no-show-raw-insn --no-leading-headers --disassemble-symbols="$package.$1.abi0" "$out/test" |
    awk '
      /^ *[0-9a-f]+:/ {
        address = $1; sub(/:/, "", address)
        $1 = ""; sub(/ *<.*/, ""); sub(/ *\/\/.*/, "")
        at[address] = n + 1; text[++n] = $0
        if ($1 !~ /^(b\.|tbz)/) next
        target = $NF; sub(/^0x/, "", target)
        sub(/0x[0-9a-f]+$/, ".", text[n])
        if (!(target in at)) next # forward
        if (at[target] > last) { # no other loop inside
          adds = 0
          for (i = at[target]; i <= n; i++) adds += text[i] ~ /fml[as]/
          if (adds > most) { most = adds; from = at[target]; to = n }
        }
        last = n
      }
      END { for (i = from; i <= to; i++) print text[i] }'
}

printf '%-18s %-14s %8s %8s %10s %s\n' kernel core adds instrs cycles 'of peak'
for kernel in neonPeak neonTile1x15 neonTile2x10 neonTile3x7 neonOuter2x12 neonPairMany1 neonDepthwiseMany neonWinogradInput7 neonWinogradFinish7; do
  loop $kernel > "$out/loop.s"
  adds=$(grep -c 'fml[as]' "$out/loop.s")
  for core in "${cores[@]}"; do
    "llvm-mca$llvm" -mtriple=aarch64-linux-gnu -mcpu="$core" -iterations=400 "$out/loop.s" > "$out/report" 2> "$out/errors" || { cat "$out/errors" >&2; exit 1; }
    awk -v k=$kernel -v core="$core" -v adds="$adds" -v units="${units[$core]}" '
      /^Iterations:/ { n = $2 } /^Instructions:/ { i = $2 } /^Total Cycles:/ { c = $3 }
      END { printf "%-18s %-14s %8d %8d %10.1f %.2f\n", k, core, adds, i / n, c / n, adds / units / (c / n) }' "$out/report"
  done
done

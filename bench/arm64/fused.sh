#!/usr/bin/env bash
# bench/arm64/fused.sh: on arm64 the compiler makes one instruction of a product and a sum, which rounds once, unless the
# product is converted explicitly; and the functions of package math differ between processors. Lists both in the commands
# built for arm64, as file and line, except where results do not depend on them: drawn pictures, pages, measuring, and
# the draws of training.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -o "$out" ./cmd/...
found=$(for command in "$out"/*; do go tool objdump -s 'spinemask|^main\.' "$command"; done | awk '
  /^TEXT/ {
    f = $2
    sub(/^github.com\/spinemask\/spinemask\//, "", f)
    skip = f ~ /^internal\/(core\/(overlay|page)|command\/(bench|video|trainreport))\./ || f ~ /^main\./
    explicit = f ~ /^(internal\/core\/portable\.|cocoeval\.exp\()/ # math.FMA, by name
    next
  }
  skip { next }
  !explicit && /\tFN?M(ADD|SUB)[SD] / { print $1 " " f ": fused" }
  /CALL math\.(arch)?(Exp|exp|Exp2|exp2|Expm1|expm1|Log|log|Log2|log2|Log10|log10|Log1p|log1p|Pow|pow|Sin|sin|Cos|cos|Sincos|Tan|tan|Atan|atan|satan|Atan2|atan2|Cbrt|cbrt)(\.abi0)?\(SB\)/ { sub(/.*CALL /, ""); print $0, "in", f }
' | sort -u)
if [ -n "$found" ]; then
  printf '%s\n' "$found"
  exit 1
fi

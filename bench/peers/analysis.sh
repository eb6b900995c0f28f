#!/usr/bin/env bash
# Installs hotcoco in an environment outside the tree, builds ours beside it and times the tables of error analysis in turn.
# usage: bench/peers/analysis.sh --gt GT.json --dt RESULTS.json [--iou segm] [--runs 5]   (see analysis.py)
# The environment is that of evaluators.sh, $SPINEMASK_PEERS.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}
[ -x "$peers/bin/python" ] || python3 -m venv "$peers"
"$peers/bin/python" -c 'import hotcoco' 2>/dev/null || "$peers/bin/pip" install --quiet --disable-pip-version-check numpy hotcoco==1.3.0
(cd "$here/../.." && go build -o "$peers/bin/tables" ./bench/tables)
exec "$peers/bin/python" "$here/analysis.py" "$peers/bin/tables" "$@"

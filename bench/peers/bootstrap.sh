#!/usr/bin/env bash
# Times the paired bootstrap of hotcoco and ours, in turn.
# usage: bench/peers/bootstrap.sh --gt GT.json --a A.json --b B.json [--iou segm] [--runs 3] [--resamples 100]
# The environment is kept in $SPINEMASK_PEERS (default: spinemask-peers in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${SPINEMASK_PEERS:-${TMPDIR:-/tmp}/spinemask-peers}
if [ ! -x "$peers/bin/python" ]; then
	python3 -m venv "$peers"
fi
"$peers/bin/python" -c 'import hotcoco' 2>/dev/null || "$peers/bin/pip" install --quiet --disable-pip-version-check numpy hotcoco==1.3.0
(cd "$here/../.." && go build -o "$peers/bin/tables" ./bench/tables)
exec "$peers/bin/python" "$here/bootstrap.py" --ours "$peers/bin/tables" "$@"

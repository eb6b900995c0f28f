#!/usr/bin/env bash
# Compares the tables of error analysis with tidecv, hotcoco and supervision on random pairs, see analysis.py.
# usage: bench/interop/analysis.sh [N] [SEED]
# The originals are kept in $SPINEMASK_ANALYSIS (default: spinemask-analysis in the system's folder for temporary files).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${SPINEMASK_ANALYSIS:-${TMPDIR:-/tmp}/spinemask-analysis}
if [ ! -x "$venv/bin/python" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check \
		numpy==2.4.6 pycocotools==2.0.11 tidecv==1.0.1 hotcoco==1.3.0 supervision==0.31.2 "setuptools<81"
fi
(cd "$here/../.." && go build -o "$venv/bin/tables" ./bench/tables)
exec "$venv/bin/python" "$here/analysis.py" "$venv/bin/tables" "$@"

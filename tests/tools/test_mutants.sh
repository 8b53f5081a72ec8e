#!/usr/bin/env bash
# Changed configurations, datasets, models and texts through the programs: test_mutants.sh [COUNT].
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
needs numpy h5py
"$python" -B "$MLCE_SOURCE/tests/fuzz/mutants.py" "$MLCE_BIN" "${1:-60}"

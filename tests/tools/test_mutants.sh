#!/usr/bin/env bash
# Changed configurations, datasets, models and texts through the programs: test_mutants.sh [COUNT].
# MLCE_BIN is the folder of the programs; MLCE_PYTHON a Python with numpy and h5py.
set -u
python=${MLCE_PYTHON:-python3}
"$python" -c 'import numpy, h5py' 2>/dev/null ||
    { echo "skipped: $python has no numpy and h5py"; exit 77; }
exec "$python" -B "$(dirname "$0")/../fuzz/mutants.py" "${MLCE_BIN:?folder of the programs}" "${1:-60}"

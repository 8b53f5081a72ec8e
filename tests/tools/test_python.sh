#!/usr/bin/env bash
# scripts/mlce.py: its structs are those of the headers, it predicts what mlce-predict does, its
# losses are NumPy's, from several threads too. Environment: see tests/CMakeLists.txt.
set -eu
if grep -q '^MLCE_SANITIZE:BOOL=ON' "$MLCE_BUILD/CMakeCache.txt"; then
    echo "skipped: Python cannot load the library of a sanitizer build"
    exit 77
fi
python=${MLCE_PYTHON:-python3}
"$python" -c 'import numpy, h5py' 2>/dev/null || { echo "skipped: $python has no numpy and h5py"; exit 77; }
export MLCE_LIBRARY=$MLCE_BUILD/lib/libmlce.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
check() { PYTHONPATH=$MLCE_SOURCE/scripts "$python" -B "$MLCE_SOURCE/tests/interop/check_mlce.py" "$@"; }

# predict RUN CONFIG DATA [KEY=VALUE...]
predict() {
    "$MLCE_BIN/mlce-train" "$MLCE_SOURCE/configs/$2" data.train="$3/train.h5" data.dev="$3/dev.h5" data.test= \
        train.output="$1" train.epochs=3 "${@:4}" >"$1.log" 2>&1 || { cat "$1.log"; exit 1; }
    "$MLCE_BIN/mlce-predict" "$1" "$3/dev.h5" -o "$1.jsonl"
    check predict "$1" "$3/dev.h5" "$1.jsonl"
}

check structs "$MLCE_SOURCE/include" "$MLCE_CC"
check losses
"$MLCE_BIN/mlce-data" demo spans --sequences 200 >/dev/null
"$MLCE_BIN/mlce-data" demo labels --task labels --sequences 400 >/dev/null
predict run ner.ini spans optim.lr=0.01
predict deep ner.ini spans optim.lr=0.003 encoder.1.type=bilstm encoder.1.size=32
predict shape ner.ini spans optim.lr=0.01 features.shape=64
predict items labels.ini labels

# A library that is not there is named.
if MLCE_LIBRARY=$work/none.so check losses 2>errors.txt || ! grep -q 'ImportError.*none.so' errors.txt; then
    echo "FAILED: a missing library:" && cat errors.txt
    exit 1
fi

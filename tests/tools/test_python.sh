#!/usr/bin/env bash
# scripts/mlce.py: its structs are those of the headers, it predicts what mlce-predict does, its
# losses are NumPy's, from several threads too.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -e
! sanitized || skip "Python cannot load the library of a sanitizer build"
needs numpy h5py
export PYTHONPATH=$MLCE_SOURCE/scripts
export MLCE_LIBRARY=$MLCE_BUILD/lib/libmlce.so

# predict RUN CONFIG DATA [KEY=VALUE...]
predict() {
    accepts mlce-train "$MLCE_SOURCE/configs/$2" data.train="$3/train.h5" data.dev="$3/dev.h5" data.test= \
        train.output="$1" train.epochs=3 "${@:4}"
    accepts mlce-predict "$1" "$3/dev.h5" -o "$1.jsonl"
    check check_mlce predict "$1" "$3/dev.h5" "$1.jsonl"
}

check check_mlce structs "$MLCE_SOURCE/include" "$MLCE_CC"
check check_mlce losses
accepts mlce-data demo spans --sequences 200
accepts mlce-data demo labels --task labels --sequences 400
predict run ner.ini spans optim.lr=0.01
predict deep ner.ini spans optim.lr=0.003 encoder.1.type=bilstm encoder.1.size=32
predict shape ner.ini spans optim.lr=0.01 features.shape=64
predict items labels.ini labels

# A library that is not there is named.
claim 'a missing library is named' \
    '! MLCE_LIBRARY=$folder/none.so interop check_mlce losses 2>stderr && grep -q "ImportError.*none.so" stderr'

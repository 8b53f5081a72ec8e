#!/usr/bin/env bash
# Parity with other programs: weights and predictions with NumPy, figures with a plain count and
# with seqeval, and a seed's weights with themselves.
#
# MLCE_BIN is the folder of the programs, MLCE_PYTHON a Python with numpy, h5py, safetensors and
# seqeval, MLCE_SAMPLE_DATA the folder of the sample data.
set -eu
bin=${MLCE_BIN:?folder of the programs}
python=${MLCE_PYTHON:-python3}
source=$(cd "$(dirname "$0")/../.." && pwd)
checks=$source/tests/interop
samples=${MLCE_SAMPLE_DATA:-$source/../shared/data}
"$python" -c 'import numpy, h5py, safetensors, seqeval' 2>/dev/null ||
    { echo "skipped: $python has no numpy, h5py, safetensors and seqeval"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
check() { "$python" -B "$checks/$1.py" "${@:2}"; }

# train RUN TRAIN DEV [KEY=VALUE...]
train() {
    "$bin/mlce-train" "$source/configs/ner.ini" data.train="$2" data.dev="$3" train.output="$1" \
        data.test= train.epochs=2 "${@:4}" >"$1.log" 2>&1 || { cat "$1.log"; exit 1; }
}

# The run's exports, predictions and figures on a dataset.
compare_run() {
    local run=$1 data=$2
    "$bin/mlce-export" "$run" --format safetensors -o "$run.safetensors" >/dev/null
    "$bin/mlce-export" "$run" --format hdf5 -o "$run.weights.h5" >/dev/null
    "$bin/mlce-predict" "$run" "$data" -o "$run.jsonl" >/dev/null
    "$bin/mlce-eval" "$run" "$data" --json >"$run.json"
    check check_export "$run.safetensors" "$run.weights.h5" "$data" "$run.jsonl"
    check check_eval recount "$data" "$run.jsonl" "$run.json"
    check check_metrics "$run/metrics.jsonl" "$run.json"
}

# The same with seqeval, on the sequences that tags can express.
compare_seqeval() {
    local run=$1 data=$2
    check check_eval flat "$data" "$run.jsonl" "$run.flat.h5"
    "$bin/mlce-predict" "$run" "$run.flat.h5" -o "$run.flat.jsonl" >/dev/null
    "$bin/mlce-eval" "$run" "$run.flat.h5" --json >"$run.flat.json"
    check check_eval seqeval "$run.flat.h5" "$run.flat.jsonl" "$run.flat.json"
}

echo "--- demo data"
"$bin/mlce-data" demo demo --sequences 300 >/dev/null
train run demo/train.h5 demo/dev.h5
compare_run run demo/dev.h5
compare_seqeval run demo/dev.h5

echo "--- texts"
check check_text check demo/dev.h5 run.jsonl
check check_text make demo/dev.h5 scripts.h5
"$bin/mlce-predict" run scripts.h5 -o scripts.jsonl >/dev/null
check check_text check scripts.h5 scripts.jsonl

echo "--- every form of model"
train qk demo/train.h5 demo/dev.h5 model.type_terms=qk model.max_width=6
compare_run qk demo/dev.h5
train each demo/train.h5 demo/dev.h5 model.head=global_pointer model.rope=no
compare_run each demo/dev.h5
train deep demo/train.h5 demo/dev.h5 encoder.1.type=mlp encoder.1.depth=2 encoder.1.size=48 \
    train.epochs=6 optim.lr=3e-3
compare_run deep demo/dev.h5
train shape demo/train.h5 demo/dev.h5 features.shape=64 features.ngram_max=5
compare_run shape demo/dev.h5

echo "--- the same seed, the same bits"
train again demo/train.h5 demo/dev.h5
check check_same_weights run/best.h5 again/best.h5
wide=(train.batch_size=64 encoder.1.type=mlp encoder.1.size=64 encoder.1.dropout=0.1)
train one demo/train.h5 demo/dev.h5 train.threads=1 "${wide[@]}"
train two demo/train.h5 demo/dev.h5 train.threads=2 "${wide[@]}"
check check_same_weights one/best.h5 two/best.h5
check check_same_weights one/last.h5 two/last.h5
"$bin/mlce-predict" run demo/dev.h5 --threads 1 | cmp - run.jsonl
"$bin/mlce-predict" run demo/dev.h5 --threads 2 | cmp - run.jsonl
train another demo/train.h5 demo/dev.h5 train.seed=2
check check_same_weights run/best.h5 another/best.h5 differ

if [ -e "$samples/wnut17/train.h5" ]; then
    echo "--- WNUT 2017"
    train wnut "$samples/wnut17/train.h5" "$samples/wnut17/dev.h5"
    compare_run wnut "$samples/wnut17/dev.h5"
    compare_seqeval wnut "$samples/wnut17/dev.h5"
    check check_text check "$samples/wnut17/dev.h5" wnut.jsonl
    train tweets "$samples/wnut17/train.h5" "$samples/wnut17/dev.h5" features.shape=256
    compare_run tweets "$samples/wnut17/dev.h5"
else
    echo "skipped: no sample data"
fi

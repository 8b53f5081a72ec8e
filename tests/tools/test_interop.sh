#!/usr/bin/env bash
# Parity with other programs: weights and predictions with NumPy, figures with a plain count and
# with seqeval, and a seed's weights with themselves.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -e
needs numpy h5py safetensors seqeval

# train RUN TRAIN DEV [KEY=VALUE...]
train() {
    accepts mlce-train "$MLCE_SOURCE/configs/ner.ini" data.train="$2" data.dev="$3" train.output="$1" \
        data.test= train.epochs=2 "${@:4}"
}

# The run's exports, predictions and figures on a dataset.
compare_run() {
    local run=$1 data=$2
    accepts mlce-export "$run" --format safetensors -o "$run.safetensors"
    accepts mlce-export "$run" --format hdf5 -o "$run.weights.h5"
    accepts mlce-predict "$run" "$data" -o "$run.jsonl"
    mlce-eval "$run" "$data" --json >"$run.json"
    check check_export "$run.safetensors" "$run.weights.h5" "$data" "$run.jsonl"
    check check_eval recount "$data" "$run.jsonl" "$run.json"
    check check_metrics "$run/metrics.jsonl" "$run.json"
}

# The same with seqeval, on the sequences that tags can express.
compare_seqeval() {
    local run=$1 data=$2
    check check_eval flat "$data" "$run.jsonl" "$run.flat.h5"
    accepts mlce-predict "$run" "$run.flat.h5" -o "$run.flat.jsonl"
    mlce-eval "$run" "$run.flat.h5" --json >"$run.flat.json"
    check check_eval seqeval "$run.flat.h5" "$run.flat.jsonl" "$run.flat.json"
}

echo "--- demo data"
accepts mlce-data demo demo --sequences 300
train run demo/train.h5 demo/dev.h5
compare_run run demo/dev.h5
compare_seqeval run demo/dev.h5

echo "--- texts"
check check_text check demo/dev.h5 run.jsonl
check check_text make demo/dev.h5 scripts.h5
accepts mlce-predict run scripts.h5 -o scripts.jsonl
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
mlce-predict run demo/dev.h5 --threads 1 | cmp - run.jsonl
mlce-predict run demo/dev.h5 --threads 2 | cmp - run.jsonl
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

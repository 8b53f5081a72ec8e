#!/usr/bin/env bash
# scripts/embed_transformers.py: the embeddings are the encoder's, an interrupted run goes on, and
# the programs read what it writes. Environment: see tests/CMakeLists.txt.
set -eu
python=${MLCE_PYTHON:-python3}
"$python" -c 'import numpy, h5py, torch, transformers' 2>/dev/null ||
    { echo "skipped: $python has no torch, transformers and h5py (scripts/setup --embed)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HF_HUB_OFFLINE=1
PYTHONPATH=$MLCE_SOURCE/scripts "$python" -B "$MLCE_SOURCE/tests/interop/check_embed.py" "$work"

# train RUN DATA [KEY=VALUE...]
train() {
    "$MLCE_BIN/mlce-train" "$MLCE_SOURCE/configs/ner.ini" data.train="$2" data.dev="$2" data.test= train.output="$1" \
        train.epochs=2 "${@:3}" >"$1.log" 2>&1 || { cat "$1.log"; exit 1; }
}
train run 4-mean.h5
train mixed 4-6-mean.h5 encoder.1.type=mix encoder.1.input_layers=2
"$MLCE_BIN/mlce-eval" run 4-mean.h5 >/dev/null 2>errors.txt
[ ! -s errors.txt ] || { echo "FAILED: the same embeddings:" && cat errors.txt && exit 1; }

# A run knows the embeddings it was trained on.
for program in mlce-eval mlce-predict; do
    "$MLCE_BIN/$program" run 6-first.h5 >/dev/null 2>errors.txt
    grep -q "warning: 6-first.h5: its embeddings were made by 'encoder@[0-9a-f]* layers=6 pooling=first', the model was \
trained on 'encoder@[0-9a-f]* layers=4 pooling=mean'" errors.txt ||
        { echo "FAILED: $program does not warn of other embeddings:" && cat errors.txt && exit 1; }
done

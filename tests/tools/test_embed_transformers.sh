#!/usr/bin/env bash
# scripts/embed_transformers.py: the embeddings are the encoder's, an interrupted run goes on, and
# the programs read what it writes.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -e
needs numpy h5py torch transformers
export HF_HUB_OFFLINE=1
PYTHONPATH=$MLCE_SOURCE/scripts check check_embed "$folder"

# train RUN DATA [KEY=VALUE...]
train() {
    accepts mlce-train "$MLCE_SOURCE/configs/ner.ini" data.train="$2" data.dev="$2" data.test= train.output="$1" \
        train.epochs=2 "${@:3}"
}
train run 4-mean.h5
train mixed 4-6-mean.h5 encoder.1.type=mix encoder.1.input_layers=2
accepts mlce-eval run 4-mean.h5
claim "the same embeddings need no warning" '[ ! -s stderr ]'

# A run knows the embeddings it was trained on.
for program in mlce-eval mlce-predict; do
    accepts $program run 6-first.h5
    grep -q "warning: 6-first.h5: its embeddings were made by 'encoder@[0-9a-f]* layers=6 pooling=first', the model was \
trained on 'encoder@[0-9a-f]* layers=4 pooling=mean'" stderr || fail "$program does not warn of other embeddings"
done

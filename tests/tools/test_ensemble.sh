#!/usr/bin/env bash
# Several runs as one model: mlce-eval and mlce-predict with more than one RUN.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
train() { accepts mlce-train train.ini "$@"; }
evaluate() { timeout 60 mlce-eval "$@"; }
predict() { timeout 60 mlce-predict "$@"; }

accepts mlce-data demo data --sequences 100 --dim 64
cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[optim]
lr = 1e-2
[train]
epochs = 4
INI
train train.output=a
train train.output=b train.seed=2 encoder.1.type=mlp
train train.output=c train.seed=3 model.head=global_pointer model.head_size=32
train train.output=short model.max_width=3
refuses 2 "an ensemble has no weights of its own" -- mlce-export a b --format onnx
accepts mlce-data demo labels --task labels --sequences 50 --dim 64
train train.output=items model.head=multilabel_classifier data.train=labels/train.h5 data.dev=labels/dev.h5

claim 'a run and two copies of it score as the run does' \
    "diff <(evaluate a data/test.h5) <(evaluate a a a data/test.h5)"
claim 'different encoders, sizes and heads go together' 'evaluate a b c data/test.h5 --json >mean.json'
claim 'the order of the runs does not matter' \
    "diff <(evaluate a b c data/test.h5) <(evaluate c a b data/test.h5)"
claim 'predictions are those that were counted' \
    'predict a b c data/test.h5 -o mean.jsonl && [ "$(grep -o "\"start\"" mean.jsonl | wc -l)" -gt 0 ]'
claim 'they have the same bits with one thread' \
    'predict a b c data/test.h5 --threads 1 | cmp -s - mean.jsonl'
claim 'a checkpoint file is a run too' 'evaluate a b/best.h5 data/test.h5 >/dev/null'
claim 'a threshold is found for the mean' 'evaluate a b data/test.h5 --find-threshold | grep -q ^best'

accepts mlce-eval a data/dev.h5 --find-threshold --store
claim 'stored thresholds are averaged' "evaluate a b data/test.h5 | grep -q 'stored threshold'"

refuses 2 '--store puts a threshold into one run, 2 are given' -- \
    mlce-eval a b data/test.h5 --find-threshold --store
refuses 1 'short cannot be averaged with a: it has model.max_width = 3' -- \
    mlce-eval a short data/test.h5
refuses 1 'items cannot be averaged with a: it is for items' -- \
    mlce-predict a items data/test.h5
refuses 1 'nowhere' -- mlce-predict a nowhere data/test.h5
refuses 1 'is read by this command' -- mlce-predict a b data/test.h5 -o b/best.h5
refuses 2 'give RUN and DATA' -- mlce-predict a

# resume.bash - what the tests of interrupted runs share: data, configurations, comparison.
# Sourced after claims.bash.
# shellcheck shell=bash

# configs: one name a line. Between them: streamed and resident data, batches by tokens, dropout,
# two encoders, averaged weights, evaluation by steps and by epochs, patience, labels.
resume_configs='streamed resident labels'

make_inputs() {
    mlce-data demo "$folder/data" --sequences 120 --dim 32 >/dev/null || return 1
    mlce-data demo "$folder/labels" --task labels >/dev/null || return 1
    cat >"$folder/streamed.ini" <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
test = data/test.h5
memory = 0
bucket = yes
[model]
dropout = 0.2
[encoder.1]
type = bilstm
size = 16
dropout = 0.1
[encoder.2]
type = mlp
[optim]
lr = 3e-3
ema = 0.99
schedule = cosine
warmup = 0.1
[train]
epochs = 4
batch_size = 0
batch_tokens = 120
eval_steps = 25
save_steps = 3
keep_last = 2
output = run
INI
    cat >"$folder/resident.ini" <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[encoder.1]
type = transformer
size = 32
heads = 2
dropout = 0.1
[optim]
lr = 3e-3
[train]
epochs = 12
patience = 6
batch_size = 8
save_steps = 5
output = run
INI
    cat >"$folder/labels.ini" <<'INI'
[data]
train = labels/train.h5
dev = labels/dev.h5
[model]
head = multilabel_classifier
dropout = 0.1
[optim]
name = adamw
weight_decay = 0.01
[train]
epochs = 3
batch_size = 64
save_steps = 7
output = run
INI
}

# in_place NAME: a folder NAME from which the configurations find their data.
in_place() {
    mkdir -p "$folder/$1" && cd "$folder/$1" && ln -sfn ../data data && ln -sfn ../labels labels
}

# same_run A B: the runs left the same: checkpoints byte for byte, tables, metrics but for times.
same_run() {
    local file
    for file in best.h5 last.h5 result.txt; do
        [ ! -e "$1/$file" ] && [ ! -e "$2/$file" ] && continue
        cmp "$1/$file" "$2/$file" || return 1
    done
    cmp <(without_times "$1/metrics.jsonl") <(without_times "$2/metrics.jsonl") || return 1
    [ "$(cd "$1" && echo step-*.h5)" = "$(cd "$2" && echo step-*.h5)" ]
}
without_times() {
    sed -E 's/"(tokens_per_second|waiting|seconds)":[^,}]*//g' "$1"
}

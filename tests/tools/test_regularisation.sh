#!/usr/bin/env bash
# Parameter groups, averaged weights, smoothed labels and schedules through mlce-train.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
# losses_and_scores RUN: metrics.jsonl without what depends on the clock
losses_and_scores() { sed -E 's/"(tokens_per_second|waiting|seconds)":[^,]*,//g' "$1/metrics.jsonl"; }
train() { run mlce-train train.ini "$@"; }
micro() { timeout 120 mlce-eval "$1" data/dev.h5 | grep '^micro'; }

accepts mlce-data demo data --sequences 80
cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[encoder.1]
type = mlp
size = 16
[optim]
name = adamw
lr = 5e-3
weight_decay = 0.01
ema = 0.95
schedule = cosine
lr_end = 0.1
warmup = 0.1
clip_norm = 5
[optim.group.1]
match = *.bias
weight_decay = 0
[optim.group.2]
match = encoder.1.*
lr_scale = 0.5
[loss]
label_smoothing = 0.1
[train]
epochs = 4
output = run
INI

train train.threads=1
claim 'all of it in one configuration trains' "[ $? -eq 0 ] && grep -q 'best dev F1' stdout"
claim 'each group says what it is for' \
    "grep -qF 'group 1, *.bias: 3 parameters, learning rate x 1, weight decay 0' stdout &&
     grep -qF 'group 2, encoder.1.*: 1 parameters, learning rate x 0.5' stdout"
claim 'mlce-eval prints the figures of the average that training printed' \
    '[ "$(micro run)" = "$(grep "^micro" run/result.txt)" ]'
accepts mlce-export run --format hdf5 -o run.weights.h5
claim 'so does its export' '[ "$(micro run.weights.h5)" = "$(micro run)" ]'
claim 'the config as used trains to the same checkpoints' \
    "run mlce-train run/config.ini train.output=again && cmp -s run/result.txt again/result.txt"
for threads in 2 4; do
    train train.threads=$threads train.output=run$threads
    claim "the same F1 and losses with $threads threads" \
        '[ "$(losses_and_scores run)" = "$(losses_and_scores run$threads)" ]'
done
for loss in threshold_ce binary_ce focal; do
    train loss.name=$loss train.epochs=1 train.output=$loss
    claim "$loss takes label smoothing" "[ $? -eq 0 ]"
done

train loss.name=topk_ce train.output=wrong data.train=nowhere.h5
claim 'a loss that cannot take it is refused before data is read' \
    "[ $? -eq 1 ] && grep -q 'loss.label_smoothing has no effect with loss.name = topk_ce' stderr"
train optim.group.3.match='decoder.*' train.output=wrong
claim 'a group without parameters is refused with their names' \
    "[ $? -eq 1 ] && grep -qF \"optim.group.3.match = 'decoder.*' matches no parameter: there are encoder.1.layer.1.weight\" stderr"
train optim.group.3.match='head.*.bias' train.output=wrong
claim 'so is one that comes too late' "[ $? -eq 1 ] && grep -q 'groups before it' stderr"
train optim.group.3.lr_scale=2 train.output=wrong data.train=nowhere.h5
claim 'and one that does not say for what it is' "[ $? -eq 1 ] && grep -q 'optim.group.3.match is not set' stderr"
claim 'none of them leaves a folder' '[ ! -e wrong ]'
train optim.warmup=5000 train.epochs=1 train.output=long
claim 'a warm-up longer than the run is reported' "[ $? -eq 0 ] && grep -q 'will not reach' stderr"

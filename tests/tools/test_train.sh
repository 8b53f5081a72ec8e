#!/usr/bin/env bash
# mlce-train as a user runs it: what it prints, what it leaves, and what it does in odd surroundings.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
train() { run mlce-train train.ini "$@"; }

accepts mlce-data demo data --sequences 80
cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
test = data/test.h5
[optim]
lr = 3e-3
[train]
epochs = 2
output = run
INI

train
claim 'the first lines name threads, vector instructions, OpenBLAS and where the data is kept' \
    "head -1 stdout | grep -qE '^speed [0-9]+ threads?, .*OpenBLAS.*OpenMP' && grep -q 'kept in memory' stdout"
claim 'plain lines, no wider than a terminal, one an evaluation' \
    "[ \"\$(grep -cE '^ +[12] +[0-9]+ ' stdout)\" -eq 2 ] && ! grep -q $'\r' stdout && ! grep -E '^ +[12] +[0-9]+ ' stdout | grep -qE '.{80}'"
claim 'result.txt has the tables that were printed' \
    "grep -q '^dev' run/result.txt && grep -q '^test' run/result.txt && grep -qF \"\$(grep '^micro' run/result.txt | tail -1)\" stdout"
claim 'one line of metrics.jsonl an evaluation' "[ \$(wc -l <run/metrics.jsonl) -eq 2 ]"
claim 'the config as used trains to the same model' \
    "timeout 120 mlce-train run/config.ini train.output=again >/dev/null && cmp -s run/result.txt again/result.txt"

# OpenMP that gives a region fewer threads than it has been asked for must not hang OpenBLAS.
claim 'OMP_THREAD_LIMIT=1' 'OMP_THREAD_LIMIT=1 train train.output=limit'
claim 'OMP_DYNAMIC=true' 'OMP_DYNAMIC=true train train.output=dynamic'
claim 'both give the same tables' 'cmp -s run/result.txt limit/result.txt && cmp -s run/result.txt dynamic/result.txt'

sum=$(cat run/best.h5 run/metrics.jsonl | cksum)
train --force optim.lr=1e6 encoder.1.type=mlp encoder.1.depth=6
claim 'a loss that is not finite ends the run with step, sequences and advice' \
    "[ $? -eq 1 ] && grep -qE 'step [0-9]+ \(sequences .*optim.lr' stderr"
claim 'a forced run that saves nothing keeps the checkpoint and metrics before it' \
    '[ "$(cat run/best.h5 run/metrics.jsonl | cksum)" = "$sum" ]'
train --force
claim 'a forced run replaces them' "[ $? -eq 0 ] && [ \$(wc -l <run/metrics.jsonl) -eq 2 ]"
train --force train.output=.
claim 'a folder that is no run is not replaced' "[ $? -eq 1 ] && grep -q 'other things than a run' stderr && [ -f train.ini ]"

train train.output=narrow model.max_width=2
claim 'gold spans over max_width are reported once a split' \
    "[ \$(grep -c 'wider than model.max_width = 2' stderr) -eq 3 ]"
train train.output=nodev data.dev= data.test=
claim 'without dev data the last checkpoint is kept' \
    "[ $? -eq 0 ] && [ -f nodev/best.h5 ] && [ ! -e nodev/result.txt ] && grep -q 'no dev data' stdout"
train train.output=x train.batch_size=0
claim 'a batch needs a limit' "[ $? -eq 1 ] && grep -q 'train.batch_tokens' stderr"
train train.output=tokens train.batch_size=0 train.batch_tokens=200 data.bucket=yes data.memory=0
claim 'batches by tokens, bucketed, streamed' "[ $? -eq 0 ] && grep -q 'read as needed' stdout"

# Who reads the output may go away: the run ends as it would, and says that it was not heard.
env --default-signal=PIPE mlce-train train.ini train.output=unread 2>stderr | true
claim 'a run that nobody listens to is trained to its end' \
    "[ ${PIPESTATUS[0]} -eq 1 ] && cmp -s run/result.txt unread/result.txt && grep -q 'cannot write to standard output' stderr"

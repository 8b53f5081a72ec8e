#!/usr/bin/env bash
# mlce-train --sweep as a user runs it: runs, tables, going on, and what is refused.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
train() { run mlce-train "$@"; }
lines() { sed 1d "$1" | wc -l; }

accepts mlce-data demo data --sequences 60 --dim 64
cat >sweep.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
test = data/test.h5
[optim]
lr = sweep(1e-3, 3e-2, log)
[model]
dropout = sweep(0, 0.2)   ; each
[train]
epochs = 2
seed = sweep(1, 2)
output = s
[sweep]
runs = 6
INI

train sweep.ini --sweep
claim 'a sweep trains its runs' "[ $? -eq 0 ] && [ -f s/006/best.h5 ] && [ ! -e s/007 ]"
claim 'and prints a line for each, with the table' \
    "[ \$(grep -cE '^ +[1-6] of 6  dev F1 0\\.[0-9]{4} .*optim.lr=0.* train.seed=[12]$' stdout) -eq 6 ] && grep -q '^ dev F1  deviation  runs' stdout"
claim 'the table of tabs has a line for each, the best first' \
    "[ \$(lines s/sweep.tsv) -eq 6 ] && sed 1d s/sweep.tsv | cut -f2 | sort -c -g -r"
best=$(sed -n 2p s/sweep.tsv | cut -f1)
f1=$(printf %.4f "$(sed -n 2p s/sweep.tsv | cut -f2)")
claim 'its F1 is that of the run' \
    "[ $f1 = \"\$(sed -n '/^dev/,/^micro/s/^micro average *//p' s/$best/result.txt | awk '{print \$3}')\" ]"
train s/003/config.ini train.output=alone
claim "a run's own config.ini gives its figures again" \
    "[ $? -eq 0 ] && cmp -s alone/result.txt s/003/result.txt && ! grep -q sweep s/003/config.ini"

# A run that is not finished starts again, the others are kept; more runs may be asked for.
rm s/004/config.ini
rm s/002/*
touch s/002/config.ini.part s/002/best.h5.part # as a run that was killed leaves them
sum=$(cat s/001/best.h5 s/003/best.h5 s/004/result.txt | cksum)
cp s/001/best.h5 kept.h5
train sweep.ini --sweep sweep.runs=7
claim 'started again, it goes on' "[ $? -eq 0 ] && [ \$(lines s/sweep.tsv) -eq 7 ] && [ -f s/002/best.h5 ]"
claim 'runs that are finished are kept' "grep -qE '^ +1 of 7 .*kept' stdout && cmp -s kept.h5 s/001/best.h5"
claim 'those that are not are trained' \
    "! grep -E '^ +[247] of 7 ' stdout | grep -q kept && [ \"\$(cat s/001/best.h5 s/003/best.h5 s/004/result.txt | cksum)\" = '$sum' ]"
refuses 1 'whose train.epochs is not that of this sweep' -- mlce-train sweep.ini --sweep train.epochs=3
refuses 1 'a sweep over other values' -- mlce-train sweep.ini --sweep 'optim.lr=sweep(1e-3, 2e-2, log)'
cp s/001/config.ini kept.ini
mv s moved && mlce-train --resume "$PWD/moved/001" train.threads=1 >/dev/null
train sweep.ini --sweep sweep.runs=7 train.output="$PWD/moved/" train.save_steps=3
claim 'a sweep that was moved, and finished by hand, is taken for what it is' \
    "[ $? -eq 0 ] && [ \$(grep -c 'kept from before' stdout) -eq 7 ] && ! cmp -s kept.ini moved/001/config.ini"
mv moved s
exec 9>s/002/.lock && flock -n 9
sum=$(find s -name '*.h5' -o -name config.ini | sort | xargs cat | cksum)
refuses 1 's/002: another process works in this folder' -- mlce-train sweep.ini --sweep --force
claim 'a sweep of which a run is trained is not replaced' \
    "[ '$sum' = \"\$(find s -name '*.h5' -o -name config.ini | sort | xargs cat | cksum)\" ]"
exec 9>&-
train sweep.ini --sweep train.epochs=1 sweep.runs=2 --force
claim '--force begins anew' "[ $? -eq 0 ] && [ \$(lines s/sweep.tsv) -eq 2 ] && ! grep -q 'kept from before' stdout && grep -q '^epochs = 1' s/001/config.ini"

# One run fails: the next begins.
train sweep.ini --sweep train.output=f 'optim.lr=sweep(1e-2, 1e6)' model.dropout=0 train.seed=1 \
    encoder.1.type=mlp encoder.1.depth=6
claim 'a run that fails is recorded, and the sweep goes on' \
    "[ $? -eq 0 ] && [ \$(grep -c '	finished	' f/sweep.tsv) -eq 1 ] && grep -q '	failed	step ' f/sweep.tsv && grep -q 'failed .*optim.lr=1e6.*step' stdout"
train sweep.ini --sweep train.output=f 'optim.lr=sweep(1e-2, 1e6)' model.dropout=0 train.seed=1 \
    encoder.1.type=mlp encoder.1.depth=6
claim 'it is not tried again' "[ $? -eq 0 ] && [ \$(grep -c 'kept from before' stdout) -eq 2 ]"

# What is not the run's own failure ends the sweep, and is tried again.
own() { train sweep.ini --sweep train.output=own model.dropout=0 'optim.lr=sweep(1e-3, 2e-3)' train.seed=1 sweep.runs=0 train.epochs=1 data.train=own.h5; }
ends() {
    own
    claim "$1: the sweep ends and the run waits" "[ $? -eq 1 ] && grep -q '$2' stderr && ! grep -q failed own/sweep.tsv && grep -q waiting own/sweep.tsv"
}
cp data/train.h5 own.h5
own
cp -r own whole
sed -i s/finished/waiting/ own/sweep.json
cp data/dev.h5 own.h5
ends 'data that is not what a run began with' 'not what the run was trained with'
cp data/train.h5 own.h5
truncate -s 3000 own/002/last.h5
ends 'a damaged checkpoint' 'own/002/last.h5'
rm -r own/002
truncate -s 3000 own.h5
ends 'damaged data' 'data.train: own.h5'
cp data/train.h5 own.h5
own
claim 'mended, it goes on to the same end' "[ $? -eq 0 ] && cmp own/001/best.h5 whole/001/best.h5 && cmp own/002/best.h5 whole/002/best.h5"
accepts mlce-data demo labels --task labels
train sweep.ini --sweep train.output=l model.dropout=0 optim.lr=1e-3 train.seed=1 sweep.runs=0 train.epochs=1 \
    data.{train=labels/train.h5,dev=labels/dev.h5,test=} model.head=multilabel_classifier 'loss.name=sweep(multilabel_ce, softmax_ce)'
claim 'a loss that cannot take the data fails by itself' \
    "[ $? -eq 0 ] && grep -q '	failed	.*just one an item' l/sweep.tsv && grep -q '	finished	' l/sweep.tsv"
head -c 3000 data/train.h5 >cut.h5
train sweep.ini --sweep train.output=d model.dropout=0 optim.lr=1e-3 train.seed=1 sweep.runs=0 train.epochs=1 \
    'data.train=sweep(own.h5, cut.h5)'
claim 'and so does a file of several' "[ $? -eq 0 ] && grep -q '	failed	.*cut.h5' d/sweep.tsv"

# Sanitizers need all the address space there is.
if ! sanitized; then
    large() { train sweep.ini --sweep train.output=large model.dropout=0 optim.lr=1e-3 train.seed=1 sweep.runs=0 train.epochs=1 \
        encoder.1.type=bilstm 'encoder.1.size=sweep(16, 100000)'; }
    (ulimit -v 16000000 && OMP_NUM_THREADS=2 large)
    claim 'a run without memory waits while the others are trained' \
        "[ $? -eq 1 ] && grep -q 'out of memory in 1 of the 2 runs' stderr && grep -q '	finished	' large/sweep.tsv && grep -q '	waiting	' large/sweep.tsv"
fi

# Stopped in the middle, after the first run at the earliest.
env --default-signal=INT mlce-train sweep.ini --sweep train.output=i train.epochs=3 \
    sweep.runs=400 >stdout 2>stderr &
pid=$!
for _ in $(seq 600); do
    grep -q '	finished	' i/sweep.tsv 2>/dev/null && break
    sleep 0.1
done
kill -INT $pid
wait $pid
claim 'Ctrl-C leaves whole tables' "[ \$(lines i/sweep.tsv) -eq 400 ]"
done_before=$(grep -c '	finished	' i/sweep.tsv)
claim 'with the runs that were over' "[ $done_before -ge 1 ]"
train sweep.ini --sweep train.output=i train.epochs=3 sweep.runs=$((done_before + 1))
claim 'and the sweep goes on from there' "[ $? -eq 0 ] && [ \$(grep -c 'kept from before' stdout) -eq $done_before ]"

refuses 1 "s: is the folder of a sweep: name one of its runs" -- mlce-export s --format safetensors
refuses 1 'to try several, start mlce-train with --sweep' -- mlce-train sweep.ini train.output=x
refuses 1 'a sweep without a value to try' -- mlce-train s/001/config.ini --sweep train.output=x
refuses 1 'run 1 of the sweep' -- mlce-train sweep.ini --sweep train.output=x model.head_size=7
sed 's/3e-2/3e-2x/' sweep.ini >wrong.ini
refuses 1 "wrong.ini:6: optim.lr = '3e-2x' is not a number" -- mlce-train wrong.ini --sweep
refuses 1 'data.dev is not set' -- mlce-train sweep.ini --sweep train.output=x data.dev=
refuses 1 'is not the folder of a sweep' -- mlce-train sweep.ini --sweep train.output=data
refuses 1 'data.train: nowhere.h5: cannot open' -- mlce-train sweep.ini --sweep train.output=x data.train=nowhere.h5
refuses 1 'data.test: sweep.ini: ' -- mlce-train sweep.ini --sweep train.output=x data.test=sweep.ini
sum=$(cat f/sweep.tsv f/sweep.json | cksum)
refuses 1 'data.dev: nowhere.h5: cannot open' -- mlce-train sweep.ini --sweep train.output=f data.dev=nowhere.h5 --force
claim 'a sweep is not replaced by one that is refused' "[ \"\$(cat f/sweep.tsv f/sweep.json | cksum)\" = '$sum' ]"

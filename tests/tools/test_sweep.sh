#!/usr/bin/env bash
# mlce-train --sweep as a user runs it: runs, tables, going on, and what is refused.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0
claim() {
    if eval "$2"; then echo "ok: $1"; else
        echo "FAILED: $1 ($2)"
        sed 's/^/    /' err
        failed=1
    fi
}
train() { timeout 120 "$MLCE_BIN/mlce-train" "$@" >out 2>err; }
refused() {
    local text=$1
    shift
    train "$@"
    local code=$?
    claim "refused: $*" "[ $code -eq 1 ] && grep -qF -- \"$text\" err"
}
lines() { sed 1d "$1" | wc -l; }

"$MLCE_BIN/mlce-data" demo data --sequences 60 --dim 64 >/dev/null || exit 1
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
    "[ \$(grep -cE '^ +[1-6] of 6  dev F1 0\\.[0-9]{4} .*optim.lr=0.* train.seed=[12]$' out) -eq 6 ] && grep -q '^ dev F1  deviation  runs' out"
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
claim 'runs that are finished are kept' "grep -qE '^ +1 of 7 .*kept' out && cmp -s kept.h5 s/001/best.h5"
claim 'those that are not are trained' \
    "! grep -E '^ +[247] of 7 ' out | grep -q kept && [ \"\$(cat s/001/best.h5 s/003/best.h5 s/004/result.txt | cksum)\" = '$sum' ]"
refused 'whose train.epochs is not that of this sweep' sweep.ini --sweep train.epochs=3
refused 'a sweep over other values' sweep.ini --sweep 'optim.lr=sweep(1e-3, 2e-2, log)'
train sweep.ini --sweep train.epochs=1 sweep.runs=2 --force
claim '--force begins anew' "[ $? -eq 0 ] && [ \$(lines s/sweep.tsv) -eq 2 ] && ! grep -q 'kept from before' out && grep -q '^epochs = 1' s/001/config.ini"

# One run fails: the next begins.
train sweep.ini --sweep train.output=f 'optim.lr=sweep(1e-2, 1e6)' model.dropout=0 train.seed=1 \
    encoder.1.type=mlp encoder.1.depth=6
claim 'a run that fails is recorded, and the sweep goes on' \
    "[ $? -eq 0 ] && [ \$(grep -c '	finished	' f/sweep.tsv) -eq 1 ] && grep -q '	failed	step ' f/sweep.tsv && grep -q 'failed .*optim.lr=1e6.*step' out"
train sweep.ini --sweep train.output=f 'optim.lr=sweep(1e-2, 1e6)' model.dropout=0 train.seed=1 \
    encoder.1.type=mlp encoder.1.depth=6
claim 'it is not tried again' "[ $? -eq 0 ] && [ \$(grep -c 'kept from before' out) -eq 2 ]"

# Stopped in the middle, after the first run at the earliest.
env --default-signal=INT "$MLCE_BIN/mlce-train" sweep.ini --sweep train.output=i train.epochs=3 \
    sweep.runs=400 >out 2>err &
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
claim 'and the sweep goes on from there' "[ $? -eq 0 ] && [ \$(grep -c 'kept from before' out) -eq $done_before ]"

refused 'to try several, start mlce-train with --sweep' sweep.ini train.output=x
refused 'a sweep without a value to try' s/001/config.ini --sweep train.output=x
refused 'run 1 of the sweep' sweep.ini --sweep train.output=x model.head_size=7
sed 's/3e-2/3e-2x/' sweep.ini >wrong.ini
refused "wrong.ini:6: optim.lr = '3e-2x' is not a number" wrong.ini --sweep
refused 'data.dev is not set' sweep.ini --sweep train.output=x data.dev=
refused 'is not the folder of a sweep' sweep.ini --sweep train.output=data
refused 'nowhere.h5: cannot open' sweep.ini --sweep train.output=y data.train=nowhere.h5
claim 'nothing was made for what was refused' '[ ! -e x ]'
exit $failed

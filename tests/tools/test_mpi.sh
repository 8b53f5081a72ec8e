#!/usr/bin/env bash
# mlce-train, mlce-eval and mlce-predict on several ranks of MPI.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"

accepts mlce-data demo data --sequences 120 --dim 32
cat >ner.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
test = data/test.h5
[model]
dropout = 0.2
[encoder.1]
type = bilstm
size = 16
dropout = 0.1
[optim]
lr = 5e-3
ema = 0.9
clip_norm = 5
[train]
epochs = 4
batch_size = 10
eval_steps = 5
seed = 3
INI

if [ "${MLCE_MPI:-yes}" = no ]; then
    OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 refuses 1 'built without MPI' -- mlce-train ner.ini
    OMPI_COMM_WORLD_SIZE=1 accepts mlce-train ner.ini train.output=one train.epochs=1
    exit 0
fi
command -v mpirun >/dev/null || skip "no mpirun"
needs json
# More ranks than cores, as any user: Open MPI 4 and 5.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=1
check_course() { "$python" -B "$MLCE_SOURCE/tests/interop/check_course.py" "$@"; }

# ---- Training ----

accepts mlce-train ner.ini train.output=one train.threads=1
for n in 2 3; do
    accepts mpirun -n $n mlce-train ner.ini train.output=run$n train.threads=1
    matches "$n ranks, each 1 thread"
    claim "each line is printed once by $n ranks" '[ "$(grep -c "^model" stdout)" = 1 ]'
    claim "$n ranks come to the course and figures of one process" \
        'check_course one run$n 1e-5'
    claim "$n ranks leave the files that one process leaves" \
        '[ "$(ls one)" = "$(ls run$n)" ]'
done
claim 'the final tables are the same' 'cmp one/result.txt run2/result.txt'
accepts mpirun -n 2 mlce-train ner.ini train.output=again train.threads=1
claim 'the same number of ranks gives the same figures to the last digit' 'check_course run2 again 0'

# ---- Prediction and evaluation ----

accepts mlce-predict one data/test.h5 -o alone.jsonl
accepts mpirun -n 3 mlce-predict one data/test.h5 -o ranks.jsonl
claim 'ranks predict what one process does, in order' 'cmp alone.jsonl ranks.jsonl'
accepts mpirun -n 2 mlce-predict one data/test.h5
claim 'and print it' 'cmp alone.jsonl <(tr -d "\r" <stdout)'
accepts mlce-predict one data/test.h5 --format conll --overlap flat -o alone.conll
accepts mpirun -n 2 mlce-predict one data/test.h5 --format conll --overlap flat -o ranks.conll
claim 'columns too' 'cmp alone.conll ranks.conll'
for how in '' --find-threshold --calibrate; do
    accepts mlce-eval one data/dev.h5 $how --json
    cp stdout alone.json
    accepts mpirun -n 3 mlce-eval one data/dev.h5 $how --json
    claim "ranks evaluate as one process does ${how:-}" 'cmp alone.json <(tr -d "\r" <stdout)'
done
accepts mpirun -n 2 mlce-eval run2 data/dev.h5 --find-threshold --store
accepts mlce-eval run2 data/dev.h5
says 'stored threshold'

# ---- Failures ----

# fails TEXT COMMAND...: one message, with exit code 1.
fails() {
    local text=$1 code=0
    shift
    run "$@" || code=$?
    [ $code = 1 ] || fail "$*: exit code $code, expected 1"
    [ "$(grep -c '^mlce-[a-z]*: error' stderr)" = 1 ] || fail "$*: not one error"
    complains "$text"
}
fails 'nowhere.h5' mpirun -n 3 mlce-train ner.ini train.output=new data.train=nowhere.h5
fails 'batch_sise' mpirun -n 3 mlce-train ner.ini train.batch_sise=3
fails 'exists' mpirun -n 2 mlce-train ner.ini train.output=one
fails 'without mpirun' mpirun -n 2 mlce-train ner.ini train.output=new --sweep
cat >other.sh <<'SH'
[ "${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}" != 1 ] || set -- data.train=nowhere.h5
exec mlce-train ner.ini train.output=new "$@"
SH
fails 'rank 1 of 3: data.train: nowhere.h5' mpirun -n 3 bash other.sh
sed -i 's/data.train=nowhere.h5/optim.lr=0.5/' other.sh
fails 'not the same configuration' mpirun -n 3 bash other.sh
claim 'a run that did not begin leaves no folder' '[ ! -e new ]'
fails 'cannot' mpirun -n 2 mlce-predict one data/test.h5 -o nowhere/spans.jsonl
accepts mpirun -n 1 mlce-train --version

# ---- Interruptions ----

long=(mlce-train ner.ini train.output=long train.epochs=100000 train.eval_steps=100000 train.save_steps=5)
start() { # start COMMAND...: until there is a checkpoint
    mpirun -n 2 "$@" >stdout 2>stderr &
    pid=$!
    for _ in $(seq 600); do
        [ ! -e long/last.h5 ] || return 0
        sleep 0.1
    done
    stop "no checkpoint: $*"
}
rank() { pgrep -P $pid -x mlce-train | sed -n "$1p"; }
finish() { # the exit code of mpirun, or `late`
    local code=0
    for _ in $(seq 300); do
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 $pid 2>/dev/null; then
        kill -9 $pid
        echo late
        return
    fi
    wait $pid || code=$?
    echo $code
}
start "${long[@]}"
kill -TERM "$(rank 2)"
finish >code
claim 'a signal to one rank ends all with its code' '[ "$(cat code)" = 143 ]'
claim 'and they say once where they stopped' '[ "$(grep -c "stopped after step .* saved in long/last.h5" stderr)" = 1 ]'
rm -rf long
start "${long[@]}"
kill -INT $pid
finish >code
claim 'Ctrl-C to mpirun saves and ends all' 'grep -q "stopped after step .* saved in" stderr && [ "$(cat code)" != 0 ]'
rm -rf long
start "${long[@]}"
kill -KILL "$(rank 2)"
finish >code
claim 'a rank that is killed ends all' '[ "$(cat code)" != 0 ] && [ "$(cat code)" != late ]'
claim 'and mpirun says which' 'grep -qi "rank 1.*signal 9\|signal 9.*rank 1\|KILLED" stderr'
accepts mpirun -n 3 mlce-train --resume long train.epochs=1
matches 'going on after step [0-9]+'

#!/usr/bin/env bash
# Lets one call of a training run fail after the other - open, write, fsync, rename, ... of its files,
# allocations of memory - or kills mlce-train in it, and looks at what is left each time: one clear
# error, a last.h5 that is old or new and never half, and a run that can be resumed to what it would
# have been.
#   test_faults.sh [POINTS]     how many calls to try, evenly spread, of each kind (16;
#                               MLCE_FAULT_POINTS; all: of memory 300)
# MLCE_SEED: other points. The last line counts.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
points=${1:-${MLCE_FAULT_POINTS:-16}}
memory_points=$([ "$points" = all ] && echo 300 || echo "$points")
RANDOM=${MLCE_SEED:-1}
. "$MLCE_SOURCE/tests/tools/resume.bash"
. "$MLCE_SOURCE/tests/tools/faults.bash"
make_inputs || stop 'no inputs'
# An evaluation, and a checkpoint on each side of it.
settings=(train.epochs=1 train.eval_steps=10 train.save_steps=8 train.batch_tokens=220 train.keep_last=1)

in_place whole
tried=0 errors=0 dead=0 survived=0 possible=0
# try N FAULT: the run with the fault at call N; then what must hold.
try() {
    rm -rf "$folder/faulty"
    in_place faulty
    MLCE_FAULT=$1:$2 faulty "$where" mlce-train ../streamed.ini "${settings[@]}" >stdout 2>stderr
    local code=$? command=(../streamed.ini "${settings[@]}") what="$kind, call $1, $2"
    case $code in
    0) survived=$((survived + 1)) ;;
    1)
        errors=$((errors + 1))
        [ "$(grep -c 'error: ' stderr)" -eq 1 ] || stop "$what: not one error"
        grep -qE "error: .*($said)" stderr || stop "$what: the error does not say it"
        ;;
    137) dead=$((dead + 1)) ;;
    *) stop "$what: exit code $code" ;;
    esac
    [ ! -e run/last.h5 ] || mlce-eval run/last.h5 data/dev.h5 >/dev/null 2>stderr || stop "$what: last.h5 is not good"
    [ ! -e run/best.h5 ] || mlce-eval run/best.h5 data/dev.h5 >/dev/null 2>stderr || stop "$what: best.h5 is not good"
    if [ -e run/config.ini ]; then command=(--resume run); else rm -rf run; fi
    mlce-train "${command[@]}" >stdout 2>stderr || stop "$what: cannot resume"
    same_run run "$folder/whole/run" || stop "$what: resumed to something else"
    [ -z "$(find run -name '*.part')" ] || stop "$what: left $(find run -name '*.part')"
    tried=$((tried + 1))
}
# try_all POINTS FAULT...: spread over all calls that count, with one fault after the other.
try_all() {
    local most=$1 faults=("${@:2}") calls step n=0
    rm -rf "$folder/whole/run"
    cd "$folder/whole" || stop
    MLCE_FAULT_COUNT=$folder/count faulty "$where" mlce-train ../streamed.ini "${settings[@]}" >stdout 2>stderr || stop 'without a fault'
    calls=$(cat "$folder/count")
    [ "$calls" -gt 50 ] || stop "only $calls calls were counted"
    possible=$((possible + calls))
    [ "$most" = all ] && most=$calls
    step=$(((calls + most - 1) / most))
    for ((call = 1 + RANDOM % step; call <= calls; call += step)); do
        try $call "${faults[$((n++ % ${#faults[@]}))]}"
    done
}
kind=files where=/run said=run
try_all "$points" kill EIO ENOSPC+
kind=memory where=malloc said=$no_memory
try_all "$memory_points" EIO
echo "ok: $tried of $possible calls tried: $errors clear errors, $dead kills, $survived without effect; all resumed as if never interrupted"

#!/usr/bin/env bash
# Lets one call of a training run fail after the other - open, write, fsync, rename, ... of its files,
# allocations of memory - or kills mlce-train in it, and looks at what is left each time: one clear
# error, a last.h5 that is old or new and never half, and a run that can be resumed to what it would
# have been. HDF5 1.10 may die of an allocation of its own that fails; the rest must hold.
#   test_faults.sh [POINTS]     how many calls to try, evenly spread, of each kind (16;
#                               MLCE_FAULT_POINTS; all: every call, with every fault, and 500 of
#                               HDF5's allocations)
# MLCE_SEED: other points. The last line counts.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
points=${1:-${MLCE_FAULT_POINTS:-16}}
RANDOM=${MLCE_SEED:-1}
. "$MLCE_SOURCE/tests/tools/resume.bash"
. "$MLCE_SOURCE/tests/tools/faults.bash"
make_inputs || stop 'no inputs'
# An evaluation, and a checkpoint on each side of it.
settings=(train.epochs=1 train.eval_steps=10 train.save_steps=8 train.batch_tokens=220 train.keep_last=1)

in_place whole
tried=0 errors=0 dead=0 survived=0 crashed=0 possible=0
wrong() { fail "$kind, call $call of $calls, $fault: $*"; }
# What a run goes on from: every byte of its files, but for times and numbers of processes.
state() {
    (cd run 2>/dev/null || exit 0
    cksum $(ls -A | grep -vxE '\.lock|metrics\.jsonl|report\.html')
    [ ! -e metrics.jsonl ] || without_times metrics.jsonl)
}
declare -A is_known # states from which a run has gone on as it must
# try CALL FAULT: the run with the fault at that call; then what must hold.
try() {
    call=$1 fault=$2
    rm -rf "$folder/faulty"
    in_place faulty
    tried=$((tried + 1))
    MLCE_FAULT=$call:$fault faulty "$where" mlce-train ../streamed.ini "${settings[@]}" >stdout 2>stderr
    local code=$? checkpoint command=(../streamed.ini "${settings[@]}")
    case $code in
    0) survived=$((survived + 1)) ;;
    1)
        errors=$((errors + 1))
        [ "$(grep -c 'error: ' stderr)" -eq 1 ] || wrong 'not one error'
        grep -qE "error: .*($said)" stderr || wrong 'the error does not say it'
        ;;
    137) dead=$((dead + 1)) ;;
    134 | 139 | 255) # SIGABRT, SIGSEGV; "infinite loop closing library"
        crashed=$((crashed + 1))
        [ "$kind" = hdf5 ] || wrong "exit code $code"
        ;;
    *) wrong "exit code $code" ;;
    esac
    local key
    key=$(state | cksum)
    [ -z "${is_known[$key]:-}" ] || return
    local so_far=$failures
    for checkpoint in last best; do
        [ ! -e run/$checkpoint.h5 ] || mlce-eval run/$checkpoint.h5 data/dev.h5 >/dev/null 2>stderr ||
            wrong "$checkpoint.h5 is not good"
    done
    if [ -e run/config.ini ]; then command=(--resume run); else rm -rf run; fi
    if ! mlce-train "${command[@]}" >stdout 2>stderr; then
        wrong 'cannot resume'
        return
    fi
    same_run run "$folder/whole/run" || wrong 'resumed to something else'
    [ -z "$(find run -name '*.part')" ] || wrong "left $(find run -name '*.part')"
    [ $failures -gt "$so_far" ] || is_known[$key]=yes
}
# try_all POINTS FAULT...: at so many calls, spread over all that count, with one fault after the
# other, or at all of them with each.
try_all() {
    local most=$1 faults=("${@:2}") step n=0 at
    rm -rf "$folder/whole/run"
    cd "$folder/whole" || stop
    MLCE_FAULT_COUNT=$folder/count faulty "$where" mlce-train ../streamed.ini "${settings[@]}" >stdout 2>stderr || stop 'without a fault'
    calls=$(cat "$folder/count")
    [ "$calls" -gt 50 ] || stop "only $calls calls were counted"
    possible=$((possible + calls))
    if [ "$most" = all ]; then
        for ((at = 1; at <= calls; at++)); do
            for fault in "${faults[@]}"; do try $at $fault; done
        done
        return
    fi
    step=$(((calls + most - 1) / most))
    for ((at = 1 + RANDOM % step; at <= calls; at += step)); do
        try $at "${faults[$((n++ % ${#faults[@]}))]}"
    done
}
kind=files where=/run said=run
try_all "$points" kill EIO ENOSPC+
kind=memory where=malloc said=$no_memory
try_all "$points" EIO
kind=hdf5 said=.
[ "$points" != all ] || points=500
MLCE_FAULT_FROM=libhdf5 try_all "$points" EIO
tally 'faults injected' $tried "in $possible calls: $errors clear errors, $dead kills, $crashed crashes of HDF5, $survived without effect; ${#is_known[@]} states gone on from"

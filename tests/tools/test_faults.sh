#!/usr/bin/env bash
# Lets one call on the files of a run fail after the other - open, write, fsync, rename, ... - or
# kills mlce-train in it, and looks at what is left each time: one clear error, a last.h5 that is
# old or new and never half, and a run that can be resumed to what it would have been.
#   test_faults.sh [POINTS]     how many calls to try, evenly spread (24; MLCE_FAULT_POINTS; all)
# The last line counts.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
points=${1:-${MLCE_FAULT_POINTS:-24}}
. "$MLCE_SOURCE/tests/tools/resume.bash"
export OMP_NUM_THREADS=1
make_inputs || stop "no inputs"
"${MLCE_CC:-cc}" -D_GNU_SOURCE -O1 -fPIC -shared -o "$folder/fault.so" "$MLCE_SOURCE/tests/fault/fault.c" -ldl || stop "fault.c does not build"
# An evaluation, and a checkpoint on each side of it.
settings=(train.epochs=1 train.eval_steps=10 train.save_steps=8 train.batch_tokens=220 train.keep_last=1)

faulty() { LD_PRELOAD=$folder/fault.so MLCE_FAULT_PATH=${where:-/run} "$@"; }

in_place whole
MLCE_FAULT_COUNT=$folder/count faulty mlce-train ../streamed.ini "${settings[@]}" >stdout 2>stderr || stop 'without a fault'
calls=$(cat "$folder/count")
[ "$calls" -gt 50 ] || stop "only $calls calls were counted"
[ "$points" = all ] && points=$calls
[ "$points" -lt "$calls" ] || points=$calls

tried=0 errors=0 dead=0 survived=0
# try N FAULT: the run with the fault at call N; then what must hold.
try() {
    rm -rf "$folder/faulty"
    in_place faulty
    MLCE_FAULT=$1:$2 faulty mlce-train ../streamed.ini "${settings[@]}" >stdout 2>stderr
    local code=$? command=(../streamed.ini "${settings[@]}")
    case $code in
    0) survived=$((survived + 1)) ;;
    1)
        errors=$((errors + 1))
        [ "$(grep -c 'error: ' stderr)" -eq 1 ] || stop "call $1, $2: not one error"
        grep -q 'error: .*run.*' stderr || stop "call $1, $2: the error does not name the file"
        ;;
    137) dead=$((dead + 1)) ;;
    *) stop "call $1, $2: exit code $code" ;;
    esac
    [ ! -e run/last.h5 ] || mlce-eval run/last.h5 data/dev.h5 >/dev/null 2>stderr || stop "call $1, $2: last.h5 is not good"
    [ ! -e run/best.h5 ] || mlce-eval run/best.h5 data/dev.h5 >/dev/null 2>stderr || stop "call $1, $2: best.h5 is not good"
    if [ -e run/config.ini ]; then command=(--resume run); else rm -rf run; fi
    mlce-train "${command[@]}" >stdout 2>stderr || stop "call $1, $2: cannot resume"
    same_run run "$folder/whole/run" || stop "call $1, $2: resumed to something else"
    [ -z "$(find run -name '*.part')" ] || stop "call $1, $2: left $(find run -name '*.part')"
    tried=$((tried + 1))
}
for ((n = 0; n < points; n++)); do
    call=$((1 + n * calls / points))
    case $((n % 3)) in
    0) try $call kill ;;
    1) try $call EIO ;;
    2) try $call ENOSPC+ ;;
    esac
done
echo "ok: $tried of $calls calls tried: $errors clear errors, $dead kills, $survived without effect; all resumed as if never interrupted"

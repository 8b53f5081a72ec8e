#!/usr/bin/env bash
# Lets calls fail under every command that writes - memory that is refused; open, write, fsync,
# rename, ... of files - or kills it there. Each time one clear error and exit code 1, and every
# file as it was before or as the command leaves it, never half of it.
#   test_fault_outputs.sh [POINTS] [COMMANDS]    how many calls to try (60, spread evenly over all
#                         commands; MLCE_FAULT_POINTS; all: every call, with every fault); names of
#                         commands, or "except" and names, else all
# MLCE_SEED: other points. The last line counts.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
points=${1:-${MLCE_FAULT_POINTS:-60}}
only=${2:-}
RANDOM=${MLCE_SEED:-1}
. "$MLCE_SOURCE/tests/tools/faults.bash"
make_outputs_inputs || stop 'no inputs'

wrong() {
    cd "$folder" && fail "$name ($kind, call $call of $calls, $fault): $*"
    cd work || exit 1
}
# The command's folder as it was before; not copied again where it still is so.
afresh() {
    cd "$folder" || exit 1
    diff -rq work before >differences 2>&1 || { rm -rf work && cp -a before work; } || exit 1
    cd work || exit 1
}
# faulted: the command of `words` with the fault that the environment says.
faulted() {
    faulty "$where" "${words[@]}" >"$folder/stdout" 2>"$folder/stderr"
}

# A page is made also where data cannot be read any more, and says so: then it is as good as that of after.
take_page() {
    [ "$kind $name" = 'files compare' ] && grep -q 'so no figures by type: .*' out/compared.html &&
        cp "$folder/after/out/compared.html" out
}

# Every file but a lock, which has the number of a process, is that of before or that of after; no
# part is left, but where it was killed or could not be removed.
is_old_or_new() {
    local file
    take_page
    ! diff -rqx .lock . "$folder/before" >"$folder/differences" || return 0
    while IFS= read -r file; do
        cmp -s "$file" "$folder/before/$file" || cmp -s "$file" "$folder/after/$file" ||
            { [[ $file == *.part* || $file == *.new ]] && [ "$1$fault" != 1EIO ]; } || wrong "$file is neither old nor new"
    done < <(find . -type f ! -name .lock)
    while IFS= read -r file; do
        [ -e "$file" ] || [ ! -e "$folder/after/$file" ] || wrong "$file is gone"
    done < <(cd "$folder/before" && find . -type f ! -name .lock)
}

tried=0 errors=0 dead=0 survived=0
try() {
    call=$1 fault=$2
    local code
    afresh
    MLCE_FAULT=$call:$fault faulted
    code=$?
    case $code in
    0)
        survived=$((survived + 1))
        ! take_page || cp "$folder/out-after" "$folder/stdout"
        diff -rqx .lock . "$folder/after" >"$folder/stderr" && cmp -s "$folder/stdout" "$folder/out-after" ||
            wrong 'succeeded with something else'
        ;;
    1)
        errors=$((errors + 1))
        [ "$(grep -c 'error: ' "$folder/stderr")" -eq 1 ] || wrong 'not one error'
        [ "$kind" != memory ] || grep -qE "$no_memory" "$folder/stderr" ||
            wrong 'the error does not say that memory is out'
        ;;
    137)
        dead=$((dead + 1))
        ;;
    *) wrong "exit code $code" ;;
    esac
    is_old_or_new $code
    if [ $code != 0 ] && [ "$kind" = files ]; then
        # threshold and calibrate read what they write: run/best.h5, which may be the new one; a folder
        # that was written is not written again
        cmp -s run/best.h5 "$folder/before/run/best.h5"
        local is_old=$?
        faulted || grep -q 'exists already' "$folder/stderr" || wrong 'does not work afterwards'
        [ $is_old != 0 ] || diff -rqx .lock . "$folder/after" >"$folder/stderr" || wrong 'leaves something else afterwards'
    fi
    tried=$((tried + 1))
}

is_chosen() {
    case " $only " in
    '  ') ;;
    ' except '*) [[ " $only " != *" $name "* ]] ;;
    *) [[ " $only " == *" $name "* ]] ;;
    esac
}

# plan: prints "KIND CALLS NAME: COMMAND" for each command and kind of call.
plan() {
    local line
    while IFS= read -r line; do
        name=${line%%: *}
        [ -n "$line" ] && is_chosen || continue
        read -ra words <<<"${line#*: }"
        for kind in memory files; do
            set_where
            afresh
            MLCE_FAULT_COUNT=$folder/count faulted || {
                echo "FAILED: $name without a fault: $(cat "$folder/stderr")" >&2
                return 1
            }
            echo "$kind $(cat "$folder/count") $line"
        done
    done <<<"$commands"
}
set_where() {
    where=malloc
    [ "$kind" = memory ] || where=$folder/work
}

plan >"$folder/plan" || stop "no plan"
total=$(awk '{ n += $2 } END { print n }' "$folder/plan")
# Every step-th call of all, from a random one on; of each command and kind at least one.
step=1
[ "$points" = all ] || step=$(((total + points - 1) / points))
next=$((1 + RANDOM % step))
while read -r kind calls line; do
    [ "$calls" -gt 0 ] || continue
    name=${line%%: *}
    read -ra words <<<"${line#*: }"
    set_where
    afresh
    faulted || stop "$name"
    rm -rf "$folder/after" && mv "$folder/work" "$folder/after" && cp "$folder/stdout" "$folder/out-after"
    [ $next -le "$calls" ] || try $((1 + RANDOM % calls)) EIO
    faults=(EIO) stride=$step
    [ "$kind" = memory ] || faults=(kill EIO ENOSPC+)
    # here every part that a dataset may have is looked for: none that cannot be read is absent
    [ "$kind $name" != 'files to-jsonl' ] || [ "$points" = all ] || faults=(EIO) stride=1 next=1
    while [ $next -le "$calls" ]; do
        these=("${faults[$((tried % ${#faults[@]}))]}")
        [ "$points" != all ] || these=("${faults[@]}")
        for fault in "${these[@]}"; do try $next $fault; done
        next=$((next + stride))
    done
    next=$((next - calls))
    [ $next -gt 0 ] || next=1
done <"$folder/plan"
tally 'faults injected' $tried "in $total calls: $errors clear errors, $dead kills, $survived without effect"

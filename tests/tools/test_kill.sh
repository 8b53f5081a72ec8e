#!/usr/bin/env bash
# Kills mlce-train with -9 at random moments, resumes it until it is done, and compares what it left
# with a run that was never interrupted:  test_kill.sh [KILLS]   (10; MLCE_KILLS)
# The last line counts. MLCE_SEED repeats the moments, as far as the machine does.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
kills=${1:-${MLCE_KILLS:-10}}
RANDOM=${MLCE_SEED:-$$}
. "$MLCE_SOURCE/tests/tools/resume.bash"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
make_inputs || stop "no inputs"

now() { date +%s%N; }

declare -A length
for config in $resume_configs; do
    in_place "whole-$config"
    started=$(now)
    mlce-train "../$config.ini" >stdout 2>stderr || stop "$config, uninterrupted"
    length[$config]=$((($(now) - started) / 1000000))
done

killed=0 runs=0 between=0
while [ "$killed" -lt "$kills" ]; do
    for config in $resume_configs; do
        rm -rf "$folder/killed"
        in_place killed
        command=("../$config.ini")
        while :; do
            mlce-train "${command[@]}" >stdout 2>stderr &
            pid=$!
            if [ "$killed" -lt "$kills" ]; then
                # anywhere in the run, the first tenth of a second (of starting) less often
                milliseconds=$((50 + RANDOM % (length[$config] + 50)))
                sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
                kill -9 $pid 2>/dev/null
            fi
            wait $pid 2>/dev/null
            code=$?
            [ $code -eq 0 ] && break
            [ $code -eq 137 ] || stop "$config: exit code $code after $killed kills"
            killed=$((killed + 1))
            [ -e run/config.ini ] && command=(--resume run) # else it was killed before it began
            [ -e run/last.h5 ] || continue
            between=$((between + 1))
            mlce-eval run/last.h5 data/dev.h5 >/dev/null 2>stderr ||
                mlce-eval run/last.h5 labels/dev.h5 >/dev/null 2>stderr ||
                stop "$config: last.h5 is not good after a kill"
        done
        same_run run "$folder/whole-$config/run" || stop "$config: not the run that was never interrupted"
        runs=$((runs + 1))
    done
done
tally 'kills survived' $killed "$between with a checkpoint, in $runs runs, all as if never interrupted"

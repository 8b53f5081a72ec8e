#!/usr/bin/env bash
# A disk that is full, a folder that cannot be written, one that goes away in mid-run: each time one
# clear error, what stood there is as it was, and the run goes on once there is room again.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
. "$MLCE_SOURCE/tests/tools/resume.bash"
. "$MLCE_SOURCE/tests/tools/faults.bash"
make_inputs || stop 'no inputs'
make_outputs_inputs || stop 'no inputs'
in_place work

# one_error WORDS COMMAND...: ends with 1 and one error that has the words.
one_error() {
    local words=$1
    shift
    exits 1 "$@"
    [ "$(grep -c 'error: ' stderr)" -eq 1 ] || fail "$*: not one error"
    complains "$words"
}

# ---- The folder goes away, or becomes one of another kind ----

settings=(train.epochs=200 train.patience=0)
goes_on() { [ -s run/metrics.jsonl ]; }
mlce-train ../resident.ini "${settings[@]}" >stdout 2>stderr &
pid=$!
for _ in $(seq 400); do goes_on && break || sleep 0.05; done
mv run gone # in one step: rm would race with what is written
wait $pid
claim 'a folder that is removed in mid-run ends it with 1' "[ $? -eq 1 ]"
claim 'with one error, which names it' '[ "$(grep -c "error: " stderr)" -eq 1 ] && grep -q "error: .*run.*No such file" stderr'

# ---- Small disks, which only root of a namespace can mount ----

if [ "$(id -u)" = 0 ] && mkdir "$folder/small" && mount -t tmpfs -o size=4m none "$folder/small" 2>/dev/null; then
    trap 'cd / && umount "$folder/small"; at_exit' EXIT
else
    echo 'note: skipped: a full disk and a read-only one: nothing can be mounted here'
    exit $((failures > 0))
fi
ln -s "$folder/small" small
fill() { dd if=/dev/zero of=small/ballast bs=1k count=100000 2>/dev/null; }

run mlce-train ../streamed.ini train.output=whole || fail 'the run that is never interrupted'
run mlce-train ../streamed.ini train.output=small/run train.keep_last=0 train.epochs=2 || fail 'on a small disk'
before=$(cat small/run/*.h5 | cksum)
fill
one_error 'No space left on device' mlce-train --resume small/run train.epochs=4
claim 'nothing half-written is left on the full disk' '[ -z "$(find small/ -name "*.part")" ]'
claim 'the checkpoints are as they were' '[ "$(cat small/run/*.h5 | cksum)" = "$before" ]'
accepts mlce-eval small/run/last.h5 data/dev.h5
rm small/ballast
accepts mlce-train --resume small/run train.epochs=4

cd "$folder/before" && ln -s "$folder/small" small || exit 1
while IFS= read -r line; do
    read -ra words <<<"${line#*: }"
    [[ " ${words[*]} " == *" -o out"* ]] || continue
    output=${words[-1]}
    for ((i = 0; i < ${#words[@]}; i++)); do
        [ "${words[i]}" != -o ] || output=${words[i + 1]}
    done
    [[ $output == out* ]] || continue
    rm -rf small/* && mkdir small/out && echo old >"small/$output.old"
    [ ! -f "$output" ] || cp "$output" "small/$output"
    fill
    listing=$(find small/ -type f ! -name ballast ! -name .lock -exec cksum {} + | sort)
    one_error 'No space left on device' "${words[@]//$output/small/$output}"
    claim "${line%%: *}: a full disk is left as it was" '[ "$(find small/ -type f ! -name ballast ! -name .lock -exec cksum {} + | sort)" = "$listing" ]'
done <<<"$commands"

# ---- A disk that cannot be written ----

rm -rf small/* && cp -r run small/ && mount -o remount,ro small || stop 'remount'
one_error 'Read-only file system' mlce-train --resume small/run train.epochs=20
one_error 'Read-only file system' mlce-train train.ini train.output=small/new
one_error 'Read-only file system' mlce-predict run data/dev.h5 -o small/spans.jsonl
one_error 'Read-only file system' mlce-predict run data/dev.h5 --format brat -o small/brat
one_error 'Read-only file system' mlce-data convert in.conll -o small/new.h5
one_error 'Read-only file system' mlce-export run --format onnx -o small/model.onnx
one_error 'Read-only file system' mlce-import in.safetensors -o small/run --force
one_error 'Read-only file system' mlce-eval small/run data/dev.h5 --find-threshold --store
accepts mlce-eval small/run data/dev.h5

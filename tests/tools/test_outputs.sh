#!/usr/bin/env bash
# Where the programs write: what they read, and what is no file, is never replaced.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0
claim() {
    if eval "$2"; then echo "ok: $1"; else
        echo "FAILED: $1 ($2)"
        failed=1
    fi
}
refused() {
    local text=$1
    shift
    "$@" >out 2>err
    local code=$?
    claim "refused: $*" "[ $code -eq 1 ] && grep -qF -- '$text' err"
}

"$MLCE_BIN/mlce-data" demo data --sequences 60 >/dev/null || exit 1
cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[train]
epochs = 1
output = run
INI
"$MLCE_BIN/mlce-train" train.ini >/dev/null || exit 1

sum=$(cat data/dev.h5 run/best.h5 | cksum)
refused 'is read by this command' "$MLCE_BIN/mlce-predict" run data/dev.h5 -o data/dev.h5
refused 'is read by this command' "$MLCE_BIN/mlce-predict" run 'data/d*.h5' -o data/../data/dev.h5
refused 'is read by this command' "$MLCE_BIN/mlce-predict" run data/dev.h5 -o run/best.h5
refused 'is what is to be exported' "$MLCE_BIN/mlce-export" run --format hdf5 -o run/best.h5
claim 'what was read is as it was' '[ "$(cat data/dev.h5 run/best.h5 | cksum)" = "$sum" ]'

mkfifo pipe
refused 'not a file' "$MLCE_BIN/mlce-predict" run data/dev.h5 -o pipe
claim 'a pipe stays a pipe' '[ -p pipe ]'
refused 'directory' "$MLCE_BIN/mlce-export" run --format safetensors -o run

touch target
ln -s target link
"$MLCE_BIN/mlce-predict" run data/dev.h5 -o link || failed=1
claim 'a link stays a link, and its file is written' '[ -L link ] && [ "$(wc -l <target)" -gt 1 ]'
"$MLCE_BIN/mlce-predict" run data/dev.h5 >stdout.jsonl || failed=1
claim 'standard output and -o are the same' 'cmp -s stdout.jsonl target'
claim 'nothing half-written is left' '[ -z "$(find . -name "*.part")" ]'
"$MLCE_BIN/mlce-predict" run data/dev.h5 >/dev/full 2>err
claim 'a full device is an error' "[ $? -eq 1 ] && grep -q 'mlce-predict: error' err"
exit $failed

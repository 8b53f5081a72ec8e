#!/usr/bin/env bash
# Where the programs write: what they read, and what is no file, is never replaced.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"

accepts mlce-data demo data --sequences 60
cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[train]
epochs = 1
output = run
INI
accepts mlce-train train.ini

mkdir empty
accepts mlce-train train.ini train.output=empty
mkdir killed && touch killed/.lock killed/config.ini.part
accepts mlce-train train.ini train.output=killed
claim 'a run takes an empty folder, and one in which another was killed before it began' \
    '[ -e empty/best.h5 ] && [ -e killed/best.h5 ] && [ ! -e killed/config.ini.part ]'
mkdir other && touch other/notes
refuses 1 'exists already' -- mlce-train train.ini train.output=other
refuses 1 'exists already' -- mlce-train train.ini

sum=$(cat data/dev.h5 run/best.h5 | cksum)
refuses 1 'is read by this command' -- mlce-predict run data/dev.h5 -o data/dev.h5
refuses 1 'is read by this command' -- mlce-predict run 'data/d*.h5' -o data/../data/dev.h5
refuses 1 'is read by this command' -- mlce-predict run data/dev.h5 -o run/best.h5
refuses 1 'is what is to be exported' -- mlce-export run --format hdf5 -o run/best.h5
refuses 1 'is read by this command' -- mlce-predict run data/dev.h5 -o run/config.ini
refuses 1 'is a file of the run itself' -- mlce-export run --format safetensors -o run/last.h5
for file in run/best.h5 run/config.ini run/metrics.jsonl data/dev.h5; do
    refuses 1 'is read by this command' -- mlce-report run -o $file
    refuses 1 'is read by this command' -- mlce-report run empty -o $file
done
claim 'what was read is as it was' '[ "$(cat data/dev.h5 run/best.h5 | cksum)" = "$sum" ]'

mkfifo pipe
refuses 1 'not a file' -- mlce-predict run data/dev.h5 -o pipe
claim 'a pipe stays a pipe' '[ -p pipe ]'
refuses 1 'directory' -- mlce-export run --format safetensors -o run

for form in jsonl html; do
    file_limit=1 refuses 1 "big.$form: cannot write: File too large" -- mlce-predict run data/train.h5 --format $form --threshold -9 -o big.$form
done

touch target
ln -s target link
accepts mlce-predict run data/dev.h5 -o link
claim 'a link stays a link, and its file is written' '[ -L link ] && [ "$(wc -l <target)" -gt 1 ]'
accepts mlce-predict run data/dev.h5
claim 'standard output and -o are the same' 'cmp -s stdout target'
mkdir target-folder victim && touch victim/precious
ln -s target-folder folder-link && ln -s victim brat.part
accepts mlce-data convert data/dev.h5 -o folder-link --to brat
claim 'a folder is written where a link leads' '[ -L folder-link ] && [ -n "$(ls target-folder)" ]'
accepts mlce-data convert data/dev.h5 -o brat --to brat
claim 'what a link in the way of a part leads to stays' '[ -e victim/precious ] && [ ! -e brat.part ] && [ -n "$(ls brat)" ]'
mkdir here && cd here
refuses 1 '.: exists already' -- mlce-data convert ../data/dev.h5 -o . --to brat
cd ..
claim 'nothing half-written is left' '[ -z "$(find . -name "*.part")" ]'
mlce-predict run data/dev.h5 >/dev/full 2>stderr
claim 'a full device is an error' "[ $? -eq 1 ] && grep -q 'mlce-predict: error' stderr"

#!/usr/bin/env bash
# mlce-data, run as a user runs it.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"

# Help and version.
accepts mlce-data --help
says "usage: mlce-data COMMAND"
says "mlce-data demo demo-data"
accepts mlce-data demo --help
says "--sequences N"
accepts mlce-data inspect -h
says "--rows N"
accepts mlce-data --version
matches '^mlce-data [0-9]+\.[0-9]+\.[0-9]+$'
accepts mlce-data --help
claim 'the help fits 100 columns' '! grep -qE ".{101}" stdout'

# A corpus of the given size; the same again, byte for byte in what it shows; another by its seed.
accepts mlce-data demo a/b --sequences 50 --dim 64
says "train.h5 (50 sentences), dev.h5 (10), test.h5 (10)"
claim 'a demo is three files' '[ "$(find a | sort | xargs)" = "a a/b a/b/dev.h5 a/b/test.h5 a/b/train.h5" ]'
accepts mlce-data inspect a/b/train.h5 --rows 50
says "sequences   50 (tokens: shortest "
says "64 features a token, float16"
says "made by     hash:64"
says "with        token text, token chars, text, ids, spans"
matches '^  organisation +[0-9]+ +[0-9.]+%$'
says "sequence 49, "
sed 1d stdout >first
accepts mlce-data demo again --sequences 50 --dim 64
accepts mlce-data inspect again/train.h5 --rows 50
claim 'the same options give the same corpus' 'sed 1d stdout | cmp -s - first'
accepts mlce-data demo other --sequences 50 --dim 64 --seed 2
accepts mlce-data inspect other/train.h5 --rows 50
claim 'another seed gives another' '! sed 1d stdout | cmp -s - first'
accepts mlce-data inspect 'a/b/*.h5' --rows 0
says "sequences   70 "
says_not "sequence 0,"
accepts mlce-data inspect a/b/dev.h5
claim 'inspect shows 3 sequences by default' '[ "$(grep -c "^  sequence [0-9]" stdout)" = 3 ]'

# Nothing is replaced without --force.
cp a/b/dev.h5 dev.before
rm a/b/train.h5
refuses 1 "a/b/dev.h5: exists already" "--force" -- mlce-data demo a/b --sequences 20 --dim 64
claim 'nothing was written' 'cmp -s a/b/dev.h5 dev.before && [ ! -e a/b/train.h5 ]'
accepts mlce-data demo a/b --sequences 20 --dim 64 --force
cmp -s a/b/dev.h5 dev.before && fail "--force did not replace dev.h5"

# Folders that cannot be.
touch file
refuses 1 "file: cannot make the folder" -- mlce-data demo file
refuses 1 "file/below: cannot make the folder" -- mlce-data demo file/below

# A file-size limit of 64 KiB stands in for a full disk: nothing is left, not even the folder.
file_limit=64 refuses 1 full/ -- mlce-data demo full --sequences 2000

# What is not a dataset.
refuses 1 "missing.h5" -- mlce-data inspect missing.h5
echo "not HDF5" >text.h5
refuses 1 "text.h5" -- mlce-data inspect text.h5
head -c 5000 dev.before >cut.h5
refuses 1 "cut.h5" -- mlce-data inspect cut.h5
refuses 1 '.: ' -- mlce-data inspect .

claim 'a failure writes nothing to stdout' '[ ! -s stdout ]'

# Wrong usage.
refuses 2 "a command is missing" -- mlce-data
refuses 2 "unknown command 'dem': did you mean 'demo'" -- mlce-data dem
refuses 2 "unknown command 'xyzzy'" -- mlce-data xyzzy
refuses 2 "option '--nope'" -- mlce-data --nope
refuses 2 "takes one folder" -- mlce-data demo
refuses 2 "takes one folder" -- mlce-data demo x y
refuses 2 "folder's name is empty" -- mlce-data demo ""
refuses 2 "'0' is not a whole number" -- mlce-data demo x --sequences 0
refuses 2 "'many' is not a whole number" -- mlce-data demo x --sequences many
refuses 2 "'5x' is not a whole number" -- mlce-data demo x --seed 5x
refuses 2 "'-1' is not a whole number" -- mlce-data demo x --seed -1
refuses 2 "from 8 to 65536" -- mlce-data demo x --dim 4
refuses 2 "option '--dim' needs a value" -- mlce-data demo x --dim
refuses 2 "option '--force' has no value" -- mlce-data demo x --force=yes
refuses 2 "unknown option '-x'" -- mlce-data demo -x
refuses 2 "takes one file" -- mlce-data inspect
refuses 2 "takes one file" -- mlce-data inspect a b
refuses 2 "is not a whole number" -- mlce-data inspect a --rows -1

# Text of a hostile file or name cannot drive the terminal.
refuses 1 'evil\x1b[2J.h5' -- mlce-data inspect "$(printf 'evil\033[2J.h5')"

# stdout that cannot be written is a failure.
if [ -w /dev/full ]; then
    mlce-data inspect dev.before >/dev/full 2>stderr && fail "a full stdout is not an error"
    complains "cannot write to standard output"
fi

# Real files of several kinds.
if [ -r "$samples/germeval2014/b.h5" ]; then
    accepts mlce-data inspect "$samples/germeval2014/b.h5" --rows 1
    says "sequences   1500 "
    says "tokens      28146"
    says "spans       1942 "
    says "PERpart"
    accepts mlce-data inspect "$samples/wnut17/train.h5" --rows 1
    says "sequences   3394 "
else
    echo "skipped: no sample data in $samples"
fi

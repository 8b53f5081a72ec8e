#!/usr/bin/env bash
# mlce-data, run as a user runs it. MLCE_BIN is the folder of the programs.
set -u
data=${MLCE_BIN:?folder of the programs}/mlce-data
source=${MLCE_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
samples=${MLCE_SAMPLE_DATA:-$source/../shared/data}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

failures=0
fail() {
    echo "FAILED: $*"
    sed 's/^/    /' stderr
    failures=$((failures + 1))
}

# expect CODE ARGUMENTS...: runs mlce-data; stdout and stderr are left in files of that name.
expect() {
    local code=$1
    shift
    timeout 120 "$data" "$@" >stdout 2>stderr
    local got=$?
    [ "$got" = "$code" ] || fail "mlce-data $*: exit $got, expected $code"
    if [ "$code" != 0 ]; then
        grep -q '^mlce-data: error: ' stderr || fail "mlce-data $*: no message"
        [ -s stdout ] && fail "mlce-data $*: wrote to stdout although it failed"
    fi
}
says() { grep -qF -e "$1" stdout || fail "stdout lacks '$1'"; }
complains() { grep -qF -e "$1" stderr || fail "stderr lacks '$1': $(cat stderr)"; }

# Help and version.
expect 0 --help
says "usage: mlce-data COMMAND"
says "mlce-data demo demo-data"
expect 0 demo --help
says "--sequences N"
expect 0 inspect -h
says "--rows N"
expect 0 --version
grep -qE '^mlce-data [0-9]+\.[0-9]+\.[0-9]+$' stdout || fail "version: $(cat stdout)"
[ "$("$data" --help | awk 'length > 100' | wc -l)" = 0 ] || fail "help lines over 100 columns"

# A corpus of the given size; the same again, byte for byte in what it shows; another by its seed.
expect 0 demo a/b --sequences 50 --dim 64
says "train.h5 (50 sentences), dev.h5 (10), test.h5 (10)"
[ "$(find a | sort | xargs)" = "a a/b a/b/dev.h5 a/b/test.h5 a/b/train.h5" ] || fail "$(find a)"
expect 0 inspect a/b/train.h5 --rows 50
says "sequences   50 (tokens: shortest "
says "64 features a token, float16"
says "made by     hash:64"
says "with        token text, token chars, text, ids, spans"
grep -qE '^  organisation +[0-9]+ +[0-9.]+%$' stdout || fail "no line for organisation"
says "sequence 49, "
sed 1d stdout >first
expect 0 demo again --sequences 50 --dim 64
expect 0 inspect again/train.h5 --rows 50
sed 1d stdout | cmp -s - first || fail "the same options gave another corpus"
expect 0 demo other --sequences 50 --dim 64 --seed 2
expect 0 inspect other/train.h5 --rows 50
sed 1d stdout | cmp -s - first && fail "another seed gave the same corpus"
expect 0 inspect 'a/b/*.h5' --rows 0
says "sequences   70 "
grep -q "sequence 0," stdout && fail "--rows 0 shows sequences"
expect 0 inspect a/b/dev.h5
[ "$(grep -c '^  sequence [0-9]' stdout)" = 3 ] || fail "inspect shows 3 sequences by default"

# Nothing is replaced without --force.
cp a/b/dev.h5 dev.before
rm a/b/train.h5
expect 1 demo a/b --sequences 20 --dim 64
complains "a/b/dev.h5: exists already"
complains "--force"
cmp -s a/b/dev.h5 dev.before || fail "dev.h5 changed"
[ -e a/b/train.h5 ] && fail "train.h5 was written although dev.h5 was in the way"
expect 0 demo a/b --sequences 20 --dim 64 --force
cmp -s a/b/dev.h5 dev.before && fail "--force did not replace dev.h5"

# Folders that cannot be.
touch file
expect 1 demo file
complains "file: cannot make the folder"
expect 1 demo file/below
complains "file/below: cannot make the folder"

# A file-size limit of 64 KiB stands in for a full disk: nothing is left, not even the folder.
(
    ulimit -f 64
    trap '' XFSZ
    "$data" demo full --sequences 2000 >stdout 2>stderr
    [ $? = 1 ]
) || fail "a full disk is not an error"
complains "mlce-data: error: "
[ -e full ] && fail "left behind: $(find full)"

# What is not a dataset.
expect 1 inspect missing.h5
complains "missing.h5"
echo "not HDF5" >text.h5
expect 1 inspect text.h5
complains "text.h5"
head -c 5000 dev.before >cut.h5
expect 1 inspect cut.h5
complains "cut.h5"
expect 1 inspect .

# Wrong usage: exit 2 and where to find help.
wrong() {
    local text=$1
    shift
    expect 2 "$@"
    complains "$text"
    complains "--help'."
}
wrong "a command is missing"
wrong "unknown command 'dem'" dem
wrong "option '--nope'" --nope
wrong "takes one folder" demo
wrong "takes one folder" demo x y
wrong "folder's name is empty" demo ""
wrong "'0' is not a whole number" demo x --sequences 0
wrong "'many' is not a whole number" demo x --sequences many
wrong "'5x' is not a whole number" demo x --seed 5x
wrong "'-1' is not a whole number" demo x --seed -1
wrong "from 8 to 65536" demo x --dim 4
wrong "option '--dim' needs a value" demo x --dim
wrong "option '--force' has no value" demo x --force=yes
wrong "unknown option '-x'" demo -x
wrong "takes one file" inspect
wrong "takes one file" inspect a b
wrong "is not a whole number" inspect a --rows -1
[ -e x ] && fail "wrong usage made the folder x"

# Text of a hostile file or name cannot drive the terminal.
expect 1 inspect "$(printf 'evil\033[2J.h5')"
complains 'evil\x1b[2J.h5'

# stdout that cannot be written is a failure.
if [ -w /dev/full ]; then
    "$data" inspect dev.before >/dev/full 2>stderr && fail "a full stdout is not an error"
    complains "cannot write to standard output"
fi

# Real files of several kinds.
if [ -r "$samples/germeval2014/b.h5" ]; then
    expect 0 inspect "$samples/germeval2014/b.h5" --rows 1
    says "sequences   1500 "
    says "tokens      28146"
    says "spans       1942 "
    says "PERpart"
    expect 0 inspect "$samples/wnut17/train.h5" --rows 1
    says "sequences   3394 "
else
    echo "skipped: no sample data in $samples"
fi

[ "$failures" = 0 ] || exit 1
echo "passed"

#!/usr/bin/env bash
# mlce-data check, stats, validate, split and merge, run as a user runs them. MLCE_BIN is the folder of
# the programs.
set -u
bin=${MLCE_BIN:?folder of the programs}
data=$bin/mlce-data
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
    local code=$1 got
    shift
    timeout 120 "$data" "$@" >stdout 2>stderr
    got=$?
    [ "$got" = "$code" ] || fail "mlce-data $*: exit $got, expected $code"
    [ "$code" = 0 ] || grep -q '^mlce-data: error: ' stderr || fail "mlce-data $*: no message"
}
says() { grep -qF -e "$1" stdout || fail "stdout lacks '$1': $(cat stdout)"; }
says_not() { grep -qF -e "$1" stdout && fail "stdout has '$1'"; }
complains() { grep -qF -e "$1" stderr || fail "stderr lacks '$1': $(cat stderr)"; }
wrong() {
    local text=$1
    shift
    expect 2 "$@"
    complains "$text"
    complains "--help'."
}
# The records of a dataset as JSON lines, in some order.
records() { "$data" convert "$1" -o - 2>/dev/null | sort; }

expect 0 demo d --sequences 300 --dim 32
expect 0 demo wide --sequences 20 --dim 64
expect 0 demo l --sequences 200 --task labels

# Help.
for command in check stats validate split merge; do
    expect 0 $command --help
    says "usage: mlce-data $command"
    says "examples:"
    [ "$(awk 'length > 100' stdout | wc -l)" = 0 ] || fail "$command: help lines over 100 columns"
done

# ---- check ----
expect 0 check d/train.h5 d/dev.h5 d/test.h5
says "d/test.h5"
grep -qE '^organisation +[0-9]+ +[0-9]+ +[0-9]+$' stdout || fail "no line for organisation"
says "spans kept by max_width"
says "0 errors, "
grep -q "$(printf '\033')" stdout && fail "colours in a file"
cp stdout plain
expect 0 check d/train.h5 d/train.h5
says "300 of 300 sequences (100.0%) stand in d/train.h5 too, by their tokens (0 is 0 there"
expect 0 check d/train.h5 --few 100000
says "only "
expect 0 check l/train.h5 l/dev.h5
says "items"
says_not "max_width"

# What training refuses is an error: exit code 1, and still the whole report.
expect 1 check d/train.h5 wide/dev.h5
says "has 1 layer of 64 features"
says "1 error, "
complains "1 error found"
expect 1 check d/train.h5 missing.h5 d/dev.h5
says "missing.h5"
says "(unreadable)"
expect 1 check d/train.h5 l/dev.h5
says "holds items with labels"
expect 1 check missing.h5 d/dev.h5
says "missing.h5"
wrong "none given" check
wrong "is not a whole number" check a --few 0
wrong "unknown or ambiguous" check a --nope

# Columns stand under each other, also with names in wide characters.
awk '/^type/ { width = length($0); next } /^$/ { width = 0 } width && length($0) != width' plain |
    grep -q . && fail "the table of types is not aligned"
printf '東京\tB-都市\n\nJürgen\tB-Person\n\nx\tO\n' >wide.conll
expect 0 convert wide.conll -o wide.h5
expect 0 stats wide.h5
says "都市               1   50.0%"
says "Person             1   50.0%"

# Colours on a terminal only, and not where NO_COLOR is set.
if command -v script >/dev/null; then
    unset NO_COLOR
    TERM=xterm script -qec "'$data' check d/train.h5 missing.h5" /dev/null </dev/null >coloured
    grep -q "$(printf '\033')\[1;31merror" coloured || fail "no colours on a terminal"
    NO_COLOR=1 TERM=xterm script -qec "'$data' check d/train.h5 missing.h5" /dev/null </dev/null >coloured
    grep -q "$(printf '\033')" coloured && fail "colours with NO_COLOR"
else
    echo "skipped: no script(1) to make a terminal"
fi

# ---- JSON ----
json() { python3 -c "import json, sys; d = json.load(open('stdout')); sys.exit(not ($1))" ||
    fail "JSON: not $1"; }
if command -v python3 >/dev/null; then
    expect 0 stats d/train.h5 --json
    json "d['sequences'] == 300 and d['features'] == 32 and len(d['types']) == 7"
    json "sum(t['spans'] for t in d['types']) == d['spans']"
    json "len(d['values']['columns']['mean']) == 32 and d['parts']['token text'] is True"
    json "sum(h['count'] for h in d['lengths']['histogram']) == 300"
    json "d['span_shape']['kept'][-1]['share'] == 1"
    expect 0 stats l/dev.h5 --json
    json "d['format'] == 'mlce-labels' and 'lengths' not in d"
    expect 1 check d/train.h5 missing.h5 --json
    json "d['errors'] == 1 and d['findings'][0]['code'] == 'unreadable' and len(d['files']) == 2"
    expect 0 check d/train.h5 d/dev.h5 --json
    json "d['errors'] == 0 and d['files'][1]['file'] == 'd/dev.h5'"
else
    echo "skipped: no python3 to read JSON"
fi
wrong "takes one file" stats
expect 1 stats missing.h5

# ---- validate ----
expect 0 validate d/train.h5 l/dev.h5
says "d/train.h5: ok, 300 sequences, "
says "l/dev.h5: ok, 40 items, "
head -c 20000 d/train.h5 >cut.h5
expect 1 validate cut.h5 missing.h5 d/dev.h5
complains "cut.h5"
complains "missing.h5"
says "d/dev.h5: ok"
[ "$(grep -c ok stdout)" = 1 ] || fail "a broken file is ok"
# A chunk that cannot be unpacked: nothing but reading it tells.
if python3 -c 'import h5py' 2>/dev/null; then
    python3 - <<'PYTHON'
import h5py, shutil
shutil.copy("d/train.h5", "squeezed.h5")
with h5py.File("squeezed.h5", "r+") as file:
    rows = file["tokens/embeddings"][:]
    del file["tokens/embeddings"]
    made = file.create_dataset("tokens/embeddings", data=rows, chunks=(64, 32), compression="gzip")
    chunk = made.id.get_chunk_info(5)
with open("squeezed.h5", "r+b") as file:
    file.seek(chunk.byte_offset + 20)
    file.write(b"\xff" * 40)
PYTHON
    expect 1 validate squeezed.h5
    complains "squeezed.h5: /tokens/embeddings: cannot read rows"
else
    echo "skipped: no h5py to damage a chunk"
fi
wrong "none given" validate
wrong "is not a whole number" validate a --timeout x

# ---- split ----
expect 0 split d/train.h5 --into train=0.8,dev=0.1,test=0.1 -o cut/
says "cut/train.h5: "
for name in train dev test; do records cut/$name.h5; done | sort >parts
records d/train.h5 | cmp -s - parts || fail "the parts are not the whole"
expect 0 check cut/train.h5 cut/dev.h5 cut/test.h5
says_not "stand in cut/train.h5 too"
expect 0 split d/train.h5 --into train=0.8,dev=0.1,test=0.1 -o again
for name in train dev test; do
    cmp -s <("$data" convert cut/$name.h5 -o -) <("$data" convert again-$name.h5 -o -) ||
        fail "the same options gave another $name"
done
expect 0 split d/train.h5 --into train=0.8,dev=0.1,test=0.1 -o again --seed 2
cmp -s <("$data" convert cut/dev.h5 -o -) <("$data" convert again-dev.h5 -o -) &&
    fail "another seed gave the same dev"
expect 0 split l/train.h5 --into a=0.5,b=0.5 -o labels
cat <(records labels-a.h5) <(records labels-b.h5) | sort | cmp -s - <(records l/train.h5) ||
    fail "the parts of items are not the whole"
expect 1 split d/train.h5 --into a=0.5,b=0.5 -o documents --together documents
complains "its documents are not known"
cp d/train.h5 self-a.h5
expect 1 split self-a.h5 --into a=0.5,b=0.5 -o self
complains "self-a.h5: is the file that is split"
cmp -s d/train.h5 self-a.h5 || fail "the file that is split was changed"

# A file-size limit of 64 KiB stands in for a full disk: nothing is left, not even the folder.
(
    ulimit -f 64
    trap '' XFSZ
    "$data" split d/train.h5 --into a=0.1,b=0.9 -o full/ >stdout 2>stderr
    [ $? = 1 ]
) || fail "a full disk is not an error"
[ -e full ] && fail "left behind: $(find full)"

wrong "sum to 0.9" split d/train.h5 --into a=0.5,b=0.4 -o x
wrong "two parts or more" split d/train.h5 --into a=1 -o x
wrong "two parts or more" split d/train.h5 -o x
wrong "not NAME=SHARE" split d/train.h5 --into a,b -o x
wrong "not a number over 0" split d/train.h5 --into a=0,b=1 -o x
wrong "not a number over 0" split d/train.h5 --into a=nan,b=1 -o x
wrong "stands twice" split d/train.h5 --into a=0.5,a=0.5 -o x
wrong "has a /" split d/train.h5 --into a/b=0.5,c=0.5 -o x
wrong "the output is missing" split d/train.h5 --into a=0.5,b=0.5
wrong "there is no 'all'" split d/train.h5 --into a=0.5,b=0.5 -o x --together all
wrong "takes one file" split --into a=0.5,b=0.5 -o x
compgen -G 'x*' >/dev/null && fail "wrong usage wrote: $(echo x*)"

# ---- merge ----
expect 0 merge cut/train.h5 cut/dev.h5 cut/test.h5 -o whole.h5
says "whole.h5: 300 sequences, "
records whole.h5 | cmp -s - parts || fail "merged parts are not the whole"
expect 0 validate whole.h5
expect 1 merge d/train.h5 wide/dev.h5 -o no.h5
complains "they cannot be merged"
expect 1 merge d/train.h5 l/train.h5 -o no.h5
expect 1 merge d/train.h5 missing.h5 -o no.h5
[ -e no.h5 ] && fail "a merge that failed left no.h5"
cp d/dev.h5 dev.h5
expect 1 merge d/train.h5 dev.h5 -o dev.h5
complains "is one of the files"
cmp -s d/dev.h5 dev.h5 || fail "merge changed its input"
wrong "the output is missing" merge a b
wrong "none given" merge -o x

# Text of a hostile file or name cannot drive the terminal.
expect 1 check "$(printf 'evil\033[2J.h5')"
says 'evil\x1b[2J.h5'

# Real data.
if [ -r "$samples/wnut17/train.h5" ]; then
    expect 0 check "$samples/wnut17/train.h5" "$samples/wnut17/dev.h5"
    says "30 sequences (3.0%) are longer, up to 82 tokens"
    expect 0 split "$samples/germeval2014/b.h5" --into train=0.8,dev=0.2 -o german
    grep -qE '^  LOC +45[89] +11[45]$' stdout || fail "LOC is not spread evenly: $(cat stdout)"
else
    echo "skipped: no sample data in $samples"
fi

[ "$failures" = 0 ] || exit 1
echo "passed"

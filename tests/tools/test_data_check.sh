#!/usr/bin/env bash
# mlce-data check, stats, validate, split and merge, run as a user runs them.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"

# The records of a dataset as JSON lines, in some order.
records() { mlce-data convert "$1" -o - 2>/dev/null | sort; }

accepts mlce-data demo d --sequences 300 --dim 32
accepts mlce-data demo wide --sequences 20 --dim 64
accepts mlce-data demo l --sequences 200 --task labels

# Help.
for command in check stats validate split merge; do
    accepts mlce-data $command --help
    says "usage: mlce-data $command"
    says "examples:"
    claim "the help of $command fits 100 columns" '! grep -qE ".{101}" stdout'
done

# ---- check ----
accepts mlce-data check d/train.h5 d/dev.h5 d/test.h5
says "d/test.h5"
matches '^organisation +[0-9]+ +[0-9]+ +[0-9]+$'
says "spans kept by max_width"
says "0 errors, "
says_not $'\033'
cp stdout plain
accepts mlce-data check d/train.h5 d/train.h5
says "300 of 300 sequences (100.0%) stand in d/train.h5 too, by their tokens (0 is 0 there"
accepts mlce-data check d/train.h5 --few 100000
says "only "
accepts mlce-data check l/train.h5 l/dev.h5
says "items"
says_not "max_width"

# What training refuses is an error: exit code 1, and still the whole report.
exits 1 mlce-data check d/train.h5 wide/dev.h5
says "has 1 layer of 64 features"
says "1 error, "
complains "1 error found"
exits 1 mlce-data check d/train.h5 missing.h5 d/dev.h5
says "missing.h5"
says "(unreadable)"
exits 1 mlce-data check d/train.h5 l/dev.h5
says "holds items with labels"
exits 1 mlce-data check missing.h5 d/dev.h5
says "missing.h5"
refuses 2 "none given" -- mlce-data check
refuses 2 "is not a whole number" -- mlce-data check a --few 0
refuses 2 "unknown option '--nope'" -- mlce-data check a --nope

# Columns stand under each other, also with names in wide characters.
awk '/^type/ { width = length($0); next } /^$/ { width = 0 } width && length($0) != width' plain |
    grep -q . && fail "the table of types is not aligned"
printf '東京\tB-都市\n\nJürgen\tB-Person\n\nx\tO\n' >wide.conll
accepts mlce-data convert wide.conll -o wide.h5
accepts mlce-data stats wide.h5
says "都市               1   50.0%"
says "Person             1   50.0%"

# Colours on a terminal only, and not where NO_COLOR is set.
if command -v script >/dev/null; then
    unset NO_COLOR
    TERM=xterm script -qec "mlce-data check d/train.h5 missing.h5" /dev/null </dev/null >coloured
    grep -q "$(printf '\033')\[1;31merror" coloured || fail "no colours on a terminal"
    NO_COLOR=1 TERM=xterm script -qec "mlce-data check d/train.h5 missing.h5" /dev/null </dev/null >coloured
    grep -q "$(printf '\033')" coloured && fail "colours with NO_COLOR"
else
    echo "skipped: no script(1) to make a terminal"
fi

# ---- JSON ----
json() { "$python" -c "import json, sys; d = json.load(open('stdout')); sys.exit(not ($1))" ||
    fail "JSON: not $1"; }
if has json; then
    accepts mlce-data stats d/train.h5 --json
    json "d['sequences'] == 300 and d['features'] == 32 and len(d['types']) == 7"
    json "sum(t['spans'] for t in d['types']) == d['spans']"
    json "len(d['values']['columns']['mean']) == 32 and d['parts']['token text'] is True"
    json "sum(h['count'] for h in d['lengths']['histogram']) == 300"
    json "d['span_shape']['kept'][-1]['share'] == 1"
    accepts mlce-data stats l/dev.h5 --json
    json "d['format'] == 'mlce-labels' and 'lengths' not in d"
    exits 1 mlce-data check d/train.h5 missing.h5 --json
    json "d['errors'] == 1 and d['findings'][0]['code'] == 'unreadable' and len(d['files']) == 2"
    accepts mlce-data check d/train.h5 d/dev.h5 --json
    json "d['errors'] == 0 and d['files'][1]['file'] == 'd/dev.h5'"
else
    echo "skipped: no python3 to read JSON"
fi
refuses 2 "takes one file" -- mlce-data stats
refuses 1 missing.h5 -- mlce-data stats missing.h5

# ---- validate ----
accepts mlce-data validate d/train.h5 l/dev.h5
says "d/train.h5: ok, 300 sequences, "
says "l/dev.h5: ok, 40 items, "
head -c 20000 d/train.h5 >cut.h5
refuses 1 "cut.h5" "missing.h5" -- mlce-data validate cut.h5 missing.h5 d/dev.h5
says "d/dev.h5: ok"
claim 'no broken file is ok' '[ "$(grep -c ok stdout)" = 1 ]'
mlce-data validate d/train.h5 d/dev.h5 l/dev.h5 2>stderr | head -n 1 >stdout
claim 'a reader that goes away makes no file a damaged one' '[ ! -s stderr ]'
refuses 1 'left-open.h5' -- mlce-data inspect "$MLCE_SOURCE/tests/fuzz/damaged/left-open.h5"
claim 'HDF5 adds nothing to the error' '[ "$(wc -l <stderr)" = 1 ]'
# A chunk that cannot be unpacked, one with a changed byte: nothing but reading it tells.
if has h5py; then
    "$python" - <<'PYTHON'
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
shutil.copy("d/train.h5", "changed.h5")
with h5py.File("changed.h5") as file:
    rows = file["tokens/embeddings"].id
    chunk = rows.get_chunk_info(rows.get_num_chunks() // 2)
with open("changed.h5", "r+b") as file:
    file.seek(chunk.byte_offset + 20)
    byte = file.read(1)[0]
    file.seek(chunk.byte_offset + 20)
    file.write(bytes([byte ^ 1]))
PYTHON
    refuses 1 "squeezed.h5: /tokens/embeddings: cannot read rows" -- mlce-data validate squeezed.h5
    refuses 1 "changed.h5: /tokens/embeddings: cannot read rows" "checksum; the file is damaged: take a copy of it" -- mlce-data validate changed.h5
else
    echo "skipped: no h5py to damage a chunk"
fi
refuses 2 "none given" -- mlce-data validate
refuses 2 "is not a whole number" -- mlce-data validate a --timeout x

# ---- split ----
accepts mlce-data split d/train.h5 --into train=0.8,dev=0.1,test=0.1 -o cut/
says "cut/train.h5: "
for name in train dev test; do records cut/$name.h5; done | sort >parts
claim 'the parts are the whole' 'records d/train.h5 | cmp -s - parts'
accepts mlce-data check cut/train.h5 cut/dev.h5 cut/test.h5
says_not "stand in cut/train.h5 too"
accepts mlce-data split d/train.h5 --into train=0.8,dev=0.1,test=0.1 -o again
for name in train dev test; do
    cmp -s <(mlce-data convert cut/$name.h5 -o -) <(mlce-data convert again-$name.h5 -o -) ||
        fail "the same options gave another $name"
done
accepts mlce-data split d/train.h5 --into train=0.8,dev=0.1,test=0.1 -o again --seed 2
cmp -s <(mlce-data convert cut/dev.h5 -o -) <(mlce-data convert again-dev.h5 -o -) &&
    fail "another seed gave the same dev"
accepts mlce-data split l/train.h5 --into a=0.5,b=0.5 -o labels
cat <(records labels-a.h5) <(records labels-b.h5) | sort | cmp -s - <(records l/train.h5) ||
    fail "the parts of items are not the whole"
refuses 1 "its documents are not known" -- mlce-data split d/train.h5 --into a=0.5,b=0.5 -o documents --together documents
cp d/train.h5 self-a.h5
refuses 1 "self-a.h5: is the file that is split" -- mlce-data split self-a.h5 --into a=0.5,b=0.5 -o self
claim 'the file that is split is as it was' 'cmp -s d/train.h5 self-a.h5'

# A file-size limit of 64 KiB stands in for a full disk: nothing is left, not even the folder.
file_limit=64 refuses 1 full/ -- mlce-data split d/train.h5 --into a=0.1,b=0.9 -o full/

refuses 2 "sum to 0.9" -- mlce-data split d/train.h5 --into a=0.5,b=0.4 -o x
refuses 2 "two parts or more" -- mlce-data split d/train.h5 --into a=1 -o x
refuses 2 "two parts or more" -- mlce-data split d/train.h5 -o x
refuses 2 "not NAME=SHARE" -- mlce-data split d/train.h5 --into a,b -o x
refuses 2 "not a number over 0" -- mlce-data split d/train.h5 --into a=0,b=1 -o x
refuses 2 "not a number over 0" -- mlce-data split d/train.h5 --into a=nan,b=1 -o x
refuses 2 "stands twice" -- mlce-data split d/train.h5 --into a=0.5,a=0.5 -o x
refuses 2 "has a /" -- mlce-data split d/train.h5 --into a/b=0.5,c=0.5 -o x
refuses 2 "the output is missing" -- mlce-data split d/train.h5 --into a=0.5,b=0.5
refuses 2 "there is no 'all'" -- mlce-data split d/train.h5 --into a=0.5,b=0.5 -o x --together all
refuses 2 "takes one file" -- mlce-data split --into a=0.5,b=0.5 -o x

# ---- merge ----
accepts mlce-data merge cut/train.h5 cut/dev.h5 cut/test.h5 -o whole.h5
says "whole.h5: 300 sequences, "
claim 'merged parts are the whole' 'records whole.h5 | cmp -s - parts'
accepts mlce-data validate whole.h5
refuses 1 "they cannot be merged" -- mlce-data merge d/train.h5 wide/dev.h5 -o no.h5
refuses 1 l/train.h5 -- mlce-data merge d/train.h5 l/train.h5 -o no.h5
refuses 1 missing.h5 -- mlce-data merge d/train.h5 missing.h5 -o no.h5
cp d/dev.h5 dev.h5
refuses 1 "is one of the files" -- mlce-data merge d/train.h5 dev.h5 -o dev.h5
claim 'merge leaves its input as it was' 'cmp -s d/dev.h5 dev.h5'
refuses 2 "the output is missing" -- mlce-data merge a b
refuses 2 "none given" -- mlce-data merge -o x

# Text of a hostile file or name cannot drive the terminal.
exits 1 mlce-data check "$(printf 'evil\033[2J.h5')"
says 'evil\x1b[2J.h5'

# Real data.
if [ -r "$samples/wnut17/train.h5" ]; then
    accepts mlce-data check "$samples/wnut17/train.h5" "$samples/wnut17/dev.h5"
    says "30 sequences (3.0%) are longer, up to 82 tokens"
    accepts mlce-data split "$samples/germeval2014/b.h5" --into train=0.8,dev=0.2 -o german
    matches '^  LOC +45[89] +11[45]$'
else
    echo "skipped: no sample data in $samples"
fi

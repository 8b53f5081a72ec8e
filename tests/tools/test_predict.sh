#!/usr/bin/env bash
# mlce-predict's formats, overlaps and probabilities, run as a user runs them.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
predict() { timeout 60 mlce-predict "$@"; }
evaluate() { timeout 60 mlce-eval "$@"; }
count() { grep -o '"start"' "$1" | wc -l; }

accepts mlce-data demo data --sequences 150 --dim 64
cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[optim]
lr = 1e-2
[train]
epochs = 3
INI
accepts mlce-train train.ini train.output=run
accepts mlce-train train.ini train.output=top loss.name=topk_ce
accepts mlce-data demo labels --task labels --sequences 50 --dim 64
accepts mlce-train train.ini train.output=items model.head=multilabel_classifier \
    data.train=labels/train.h5 data.dev=labels/dev.h5

# What is chosen.
predict run data/test.h5 -o plain.jsonl
predict run data/test.h5 --threshold 0 -o zero.jsonl
claim 'an untouched run predicts over 0' 'cmp -s plain.jsonl zero.jsonl'
claim 'there are no probabilities without a calibration' '! grep -q probability plain.jsonl'
predict run data/test.h5 --threshold -4 -o all.jsonl
predict run data/test.h5 --threshold -4 --overlap nested -o nested.jsonl
predict run data/test.h5 --threshold -4 --overlap flat -o flat.jsonl
predict run data/test.h5 --threshold -9 --top 2 -o top.jsonl
predict run data/test.h5 --threshold -9 -o low.jsonl
claim 'a low threshold predicts more, flat less than nested, nested less than all' \
    '[ $(count plain.jsonl) -lt $(count all.jsonl) ] && [ $(count flat.jsonl) -lt $(count nested.jsonl) ] &&
     [ $(count nested.jsonl) -lt $(count all.jsonl) ]'
claim 'the 2 best of each sequence' '[ $(count top.jsonl) -eq $((2 * $(wc -l <top.jsonl))) ]'
if has; then
    claim 'none overlap, none cross, and the best are the best' '"$python" - <<PY
import json
read = lambda name: [[(s["start"], s["end"], s["score"]) for s in json.loads(l)["spans"]] for l in open(name)]
pairs = lambda spans: [(a, b) for a in spans for b in spans if a[:2] < b[:2] and b[0] < a[1]]
assert not any(pairs(s) for s in read("flat.jsonl"))
assert all(a[0] == b[0] or b[1] <= a[1] for s in read("nested.jsonl") for a, b in pairs(s))
for chosen, every in zip(read("top.jsonl"), read("low.jsonl")):
    assert sorted(s[2] for s in chosen) == sorted(s[2] for s in every)[-2:]
PY'
fi
claim 'one thread chooses the same' \
    'predict run data/test.h5 --threshold -4 --overlap nested --threads 1 | cmp -s - nested.jsonl'

# Formats.
predict run data/test.h5 --format conll --overlap flat -o flat.conll
predict run data/test.h5 --overlap flat -o flat0.jsonl
claim 'columns are what convert makes of the lines' \
    'mlce-data convert flat0.jsonl -o - --to conll 2>/dev/null | cmp -s - flat.conll'
claim 'columns also go to standard output' \
    'predict run data/test.h5 --format conll --overlap flat | cmp -s - flat.conll'
predict run data/test.h5 --format brat -o brat
accepts mlce-data convert plain.jsonl -o brat-converted --to brat
claim 'so is brat' 'diff -r brat brat-converted >stdout'
predict run data/test.h5 --threshold -2 --format html -o page.html
claim 'a page needs nothing else' '! grep -qE "<script|<link|src=|url\(|@import" page.html'
claim 'a page tells the types apart' 'grep -q "class=\"s c1\"" page.html && grep -q "class=\"legend\"" page.html'
claim 'a page has each sequence' '[ $(grep -c "<li><p class=\"why\">" page.html) -eq $(wc -l <plain.jsonl) ]'
has && claim 'a page is well-formed XML' \
    '"$python" -c "import xml.dom.minidom as m; m.parse(\"page.html\")"'
claim 'a page of labels' 'predict items labels/test.h5 --format html | grep -q "class=\"k c"'

# Probabilities.
before=$(cksum <run/best.h5)
accepts mlce-eval run data/dev.h5 --calibrate
claim 'calibrating shows errors before and after and stores nothing' \
    'grep -q "^1 / (1" stdout && grep -q "^fitted here  *[0-9]" stdout && [ "$(cksum <run/best.h5)" = "$before" ]'
accepts mlce-eval run data/dev.h5 --calibrate --store --json
cp stdout fit.json
predict run data/test.h5 -o calibrated.jsonl
claim 'each score then has its probability' \
    '[ $(grep -o "\"probability\"" calibrated.jsonl | wc -l) -eq $(count calibrated.jsonl) ]'
claim 'and nothing else is different' \
    "sed 's/\"probability\":[^,}]*,//g' calibrated.jsonl | cmp -s - plain.jsonl"
if has; then
    claim 'it is that of the fit' '"$python" - <<PY
import json, math
fit = json.load(open("fit.json"))["fitted"]
for line in open("calibrated.jsonl"):
    for s in json.loads(line)["spans"]:
        p = 1 / (1 + math.exp(-(fit["slope"] * s["score"] + fit["intercept"])))
        assert abs(p - s["probability"]) < 1e-6, (p, s)
PY'
fi
claim 'what is stored is judged on other data' 'evaluate run data/test.h5 --calibrate | grep -q ^stored'
claim 'an export keeps it' 'mlce-export run --format hdf5 -o weights.h5 >/dev/null &&
    predict weights.h5 data/test.h5 | cmp -s - calibrated.jsonl'
accepts mlce-export run --format safetensors -o w.safetensors
claim 'and weights that come back' 'mlce-import w.safetensors -o back >/dev/null &&
    predict back data/test.h5 | cmp -s - calibrated.jsonl'
claim 'an ensemble of calibrated runs is calibrated' 'predict run run data/test.h5 | grep -q probability'
accepts mlce-train train.ini train.output=other train.seed=2
claim 'an ensemble with one that is not is not' '! predict run other data/test.h5 | grep -q probability'
claim 'labels are calibrated too' 'evaluate items labels/dev.h5 --calibrate --store >/dev/null &&
    predict items labels/test.h5 | grep -q probability'

# Taken out again.
accepts mlce-eval run data/dev.h5 --find-threshold --store
claim 'a stored threshold is used' 'evaluate run data/test.h5 | grep -q "stored threshold"'
accepts mlce-eval run --reset-thresholds
claim 'and taken out' '! evaluate run data/test.h5 | grep -q "stored threshold" && predict run data/test.h5 | cmp -s - calibrated.jsonl'
accepts mlce-eval run --reset-calibration
claim 'so is a calibration' 'predict run data/test.h5 | cmp -s - plain.jsonl'

refuses 2 "there is no 'xml': jsonl, conll, brat, html" -- mlce-predict run data/test.h5 --format xml
refuses 2 "there is no 'some'" -- mlce-predict run data/test.h5 --overlap some
refuses 2 'not a number' -- mlce-predict run data/test.h5 --threshold nan
refuses 2 'from 1 to' -- mlce-predict run data/test.h5 --top 0
refuses 2 'name it with -o' -- mlce-predict run data/test.h5 --format brat
refuses 1 'best scores' -- mlce-predict top data/test.h5 --overlap flat
refuses 1 'best scores' -- mlce-predict top data/test.h5 --threshold 1
refuses 1 'best scores' -- mlce-eval top data/dev.h5 --calibrate
refuses 1 'do not overlap' -- mlce-predict items labels/test.h5 --overlap flat
refuses 1 'cannot hold' -- mlce-predict items labels/test.h5 --format conll
refuses 1 'is read by this command' -- mlce-predict run data/test.h5 --format html -o run/best.h5
refuses 2 '--per-type is for --store' -- mlce-eval run data/dev.h5 --find-threshold --per-type
refuses 2 'one command each' -- mlce-eval run data/dev.h5 --find-threshold --calibrate
refuses 2 'no DATA' -- mlce-eval run data/dev.h5 --reset-thresholds
refuses 2 'puts a calibration into one run' -- mlce-eval run other data/dev.h5 --calibrate --store
# A text of which the file does not say where its tokens stand.
if has h5py; then
    "$python" - <<'PYTHON'
import h5py, shutil
shutil.copy("data/test.h5", "unplaced.h5")
with h5py.File("unplaced.h5", "r+") as file:
    del file["tokens/chars"]
PYTHON
    accepts mlce-predict run unplaced.h5 --format brat -o unplaced
    accepts mlce-predict run data/test.h5 --format brat -o placed
    claim 'tokens are found in their text' 'diff -r unplaced placed'
else
    echo "skipped: no h5py to take a part out of a dataset"
fi
claim 'nothing half-written is left' '[ -z "$(find . -name "*.part")" ]'

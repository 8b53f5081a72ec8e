#!/usr/bin/env bash
# Items with labels, as a user works with them: made, trained with every loss, scored, predicted,
# exported; bad input; figures beside scikit-learn's, and thresholds beside plain search.
#
# MLCE_BIN is the folder of the programs; MLCE_PYTHON a Python with numpy, h5py and scikit-learn.
set -u
bin=${MLCE_BIN:?folder of the programs}
python=${MLCE_PYTHON:-python3}
source=$(cd "$(dirname "$0")/../.." && pwd)
checks=$source/tests/interop
"$python" -c 'import numpy, h5py, sklearn' 2>/dev/null ||
    { echo "skipped: $python has no numpy, h5py and scikit-learn"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
touch stdout stderr before after
failures=0
fail() {
    echo "FAILED: $*"
    sed 's/^/    /' stderr
    failures=$((failures + 1))
}

# accepts COMMAND...
accepts() {
    timeout 120 "$@" >stdout 2>stderr
    local got=$?
    [ "$got" = 0 ] || fail "${*#"$bin"/}: exit $got"
}
# refuses CODE TEXT... -- COMMAND...: the message has each TEXT, and no file is new or gone.
refuses() {
    local code=$1 texts=() text got
    shift
    while [ "$1" != -- ]; do
        texts+=("$1")
        shift
    done
    shift
    find . | sort >before
    timeout 60 "$@" >stdout 2>stderr
    got=$?
    find . | sort >after
    [ "$got" = "$code" ] || fail "${*#"$bin"/}: exit $got, expected $code"
    cmp -s before after || fail "${*#"$bin"/}: new or gone: $(comm -3 before after | tr -d '\t' | xargs)"
    for text in "${texts[@]}"; do
        grep -qF -e "$text" stderr || fail "${*#"$bin"/}: the message lacks '$text'"
    done
}
says() { grep -qE -e "$1" stdout || fail "stdout lacks '$1'"; }
check() { "$python" -B "$checks/$1.py" "${@:2}" || fail "$*"; }

# micro_f1 RUN DATA OVER: mlce-eval's micro F1 is over OVER.
micro_f1() {
    accepts "$bin/mlce-eval" "$1" "$2" --json
    "$python" -c 'import json, sys; f = json.load(open("stdout"))["micro"]["f1"]; print(f)
sys.exit(not f > float(sys.argv[1]))' "$3" || fail "$1 on $2: micro F1 is not over $3"
}

# compare NAME MODEL DATA: the figures of MODEL on DATA with scikit-learn's.
compare() {
    "$python" -B "$checks/lower_thresholds.py" "$2" "$1.all.h5"
    accepts "$bin/mlce-predict" "$1.all.h5" "$3" -o "$1.all.jsonl"
    accepts "$bin/mlce-predict" "$2" "$3" -o "$1.jsonl"
    accepts "$bin/mlce-eval" "$2" "$3" --json
    cp stdout "$1.json"
    check check_labels compare "$3" "$1.all.jsonl" "$1.jsonl" "$1.json"
}

# sweep NAME RUN DATA OPTION...: found thresholds with plain search; all.jsonl must be there.
sweep() {
    accepts "$bin/mlce-eval" "$2" "$3" --find-threshold --json "${@:4}"
    cp stdout "$1.found.json"
    check check_threshold found "$3" "$1.all.jsonl" "$1.found.json"
}

# stores NAME RUN DATA OPTION...: the same, stored in a copy of the run, and used.
stores() {
    rm -rf kept
    cp -r "$2" kept
    cp kept/last.h5 last.before
    sweep "$1" kept "$3" --store "${@:4}"
    [ -e kept/best.h5.part ] && fail "--store left kept/best.h5.part"
    cmp -s kept/last.h5 last.before || fail "--store changed last.h5"
    check check_same_weights "$2/best.h5" kept/best.h5
    accepts "$bin/mlce-predict" kept "$3" -o kept.jsonl
    accepts "$bin/mlce-eval" kept "$3" --json
    grep -q 'with .*stored threshold' stderr || fail "mlce-eval --json does not say what is stored"
    check check_threshold stored "$1.all.jsonl" kept.jsonl stdout "$1.found.json"
    accepts "$bin/mlce-eval" kept "$3"
    says 'with (the stored threshold|stored thresholds)'
    sweep "$1" kept "$3" # finds the same whatever is stored
}

echo "--- demo data and the recipe"
accepts "$bin/mlce-data" demo demo-labels --task labels
says 'train.h5 \(2000 items\), dev.h5 \(400\)'
cp -r demo-labels first
accepts "$bin/mlce-data" demo demo-labels --task labels --force
cmp -s demo-labels/dev.h5 first/dev.h5 || fail "the same options gave other items"
accepts "$bin/mlce-data" inspect demo-labels/dev.h5
says '^  items +400$'
says '96 an item, float16'
says 'least 1, median [34], most 6'
says '^    label-[0-9]+'
accepts "$bin/mlce-train" "$source/configs/labels.ini"
says 'items/s'
says '^samples average'
micro_f1 runs/labels demo-labels/dev.h5 0.95
micro_f1 runs/labels demo-labels/test.h5 0.95
accepts "$bin/mlce-eval" runs/labels demo-labels/test.h5
{ sed -n '1,/^test$/d;p' runs/labels/result.txt | cmp -s - stdout; } ||
    fail "mlce-eval's table is not that of result.txt"
accepts "$bin/mlce-export" runs/labels --format safetensors
accepts "$bin/mlce-export" runs/labels --format hdf5
accepts "$bin/mlce-eval" runs/labels demo-labels/dev.h5 --json
cp stdout direct
accepts "$bin/mlce-eval" runs/labels/model.h5 demo-labels/dev.h5 --json
cmp -s stdout direct || fail "exported weights give other figures"
accepts "$bin/mlce-predict" runs/labels demo-labels/dev.h5 --threads 1 -o one.jsonl
accepts "$bin/mlce-predict" runs/labels demo-labels/dev.h5 --threads 2 -o two.jsonl
cmp -s one.jsonl two.jsonl || fail "two threads predict otherwise"

echo "--- every loss"
for loss in threshold_ce binary_ce focal; do
    accepts "$bin/mlce-train" "$source/configs/labels.ini" loss.name=$loss train.output=$loss
    micro_f1 $loss demo-labels/dev.h5 0.9
done
accepts "$bin/mlce-train" "$source/configs/labels.ini" loss.name=topk_ce loss.k=3 train.output=topk_ce
accepts "$bin/mlce-predict" topk_ce demo-labels/dev.h5 -o topk.jsonl
[ "$(grep -c '"score".*"score".*"score"' topk.jsonl)" = 400 ] || fail "topk_ce: not 3 labels an item"
grep -q '"score".*"score".*"score".*"score"' topk.jsonl && fail "topk_ce: more than 3 labels"

echo "--- figures beside scikit-learn's"
compare demo runs/labels/best.h5 demo-labels/dev.h5
check check_labels make .
accepts "$bin/mlce-train" "$source/configs/labels.ini" data.train=train.h5 data.dev=dev.h5 data.test= \
    train.epochs=4 train.output=run
compare run run/best.h5 dev.h5
"$python" -B "$checks/lower_thresholds.py" run/best.h5 ties.h5 ties
compare ties ties.h5 dev.h5
accepts "$bin/mlce-predict" run dev.h5
says '^\{"item":0,"text":"item no. 0","labels":\[.*\]\}$'

echo "--- thresholds beside plain search: labels"
for beta in 1 0.5 3; do
    sweep run run dev.h5 --beta $beta
    sweep demo runs/labels demo-labels/dev.h5 --beta $beta
done
stores run run dev.h5
stores run run dev.h5 --per-type
accepts "$bin/mlce-eval" run dev.h5 --find-threshold --beta 2
says ' F2  predicted'
says '^best '
says '^in use '

echo "--- thresholds beside plain search: spans"
accepts "$bin/mlce-data" demo demo --sequences 60 --dim 64 --seed 2 --force # a dev of 12
mv demo/dev.h5 few.h5
accepts "$bin/mlce-data" demo demo --sequences 200 --dim 64 --force
mv few.h5 demo/dev.h5
for loss in multilabel_ce threshold_ce; do
    accepts "$bin/mlce-train" "$source/configs/ner.ini" data.train=demo/train.h5 \
        data.dev=demo/dev.h5 data.test= train.epochs=8 train.output=spans-$loss loss.name=$loss
    "$python" -B "$checks/lower_thresholds.py" spans-$loss/best.h5 $loss.all.h5
    accepts "$bin/mlce-predict" $loss.all.h5 demo/dev.h5 -o $loss.all.jsonl
    sweep $loss spans-$loss demo/dev.h5
done
sweep multilabel_ce spans-multilabel_ce demo/dev.h5 --beta 2
stores multilabel_ce spans-multilabel_ce demo/dev.h5
stores multilabel_ce spans-multilabel_ce demo/dev.h5 --per-type
# One sequence of many tokens has more spans than are kept.
"$python" -c 'import h5py, shutil
shutil.copyfile("demo/dev.h5", "long.h5")
with h5py.File("long.h5", "r+") as f:
    starts, offsets, spans = f["sequences/offsets"][:], f["spans/offsets"][:], f["spans/items"][:]
    for s in range(len(starts) - 1):
        spans[offsets[s]:offsets[s + 1], :2] += starts[s]
    for name in ("sequences", "spans", "tokens/text", "tokens/chars"): del f[name]
    f["sequences/offsets"], f["spans/offsets"] = [0, starts[-1]], [0, len(spans)]
    f["spans/items"] = spans'
accepts "$bin/mlce-predict" multilabel_ce.all.h5 long.h5 -o long.all.jsonl
stores long spans-multilabel_ce long.h5
stores long spans-multilabel_ce long.h5 --per-type

echo "--- bad input"
train=("$bin/mlce-train" "$source/configs/labels.ini" data.train=train.h5 data.dev=dev.h5 data.test=
    train.output=out)
# with NAME PYTHON: NAME.h5 is train.h5 changed.
with() {
    cp train.h5 "$1.h5"
    "$python" -c "import h5py, numpy
with h5py.File('$1.h5', 'r+') as f:
    n = len(f['labels/items'])
    w = numpy.ones(n)
    $2"
}
with large "f['labels/items'][7] = 12"
refuses 1 large.h5 'row 7 of /labels/items' '12 is out of range: there are 12 labels' -- "${train[@]}" data.train=large.h5
with negative "f['labels/items'][7] = -1"
refuses 1 negative.h5 '-1 is out of range' -- "${train[@]}" data.dev=negative.h5
for weight in 0 1.5 -1 nan; do
    with weight "w[3] = float('$weight'); f['labels/weights'] = w"
    refuses 1 weight.h5 'row 3 of /labels/weights' 'over 0 and at most 1' -- "${train[@]}" data.train=weight.h5
done
with soft "w[3] = 0.25; f['labels/weights'] = w"
accepts "$bin/mlce-train" "$source/configs/labels.ini" data.train=soft.h5 data.dev=soft.h5 data.test= \
    train.output=soft train.epochs=2
compare soft soft/best.h5 soft.h5
accepts "$bin/mlce-data" inspect soft.h5 --rows 300
says '\(0.25\)'
refuses 1 soft.h5 'weight 0.25' topk_ce -- "${train[@]}" data.train=soft.h5 loss.name=topk_ce
with nan "f['items/features'][5, 2] = float('nan')"
refuses 1 nan.h5 '/items/features: row 5, column 2' -- "${train[@]}" data.train=nan.h5
refuses 1 nan.h5 '/items/features: row 5, column 2' -- "${train[@]}" data.train=nan.h5 data.memory=0
with bare "del f['labels']"
refuses 1 bare.h5 'has no /labels' -- "${train[@]}" data.train=bare.h5
refuses 1 bare.h5 'has no /labels' -- "$bin/mlce-eval" run bare.h5
refuses 1 bare.h5 'has no /labels' -- "$bin/mlce-eval" run bare.h5 --find-threshold
accepts "$bin/mlce-predict" run bare.h5
refuses 1 'loss.k = 13' '12 labels' -- "${train[@]}" loss.name=topk_ce loss.k=13
refuses 1 loss.name hinge multilabel_ce -- "${train[@]}" loss.name=hinge
refuses 1 softmax_ce 'labels' 'just one' -- "${train[@]}" loss.name=softmax_ce
refuses 1 train.h5 multilabel_classifier -- "${train[@]}" model.head=global_pointer
refuses 1 demo/train.h5 efficient_global_pointer -- "${train[@]}" data.train=demo/train.h5
refuses 1 'one format' -- "${train[@]}" data.train=train.h5,demo/train.h5
for tool in mlce-eval mlce-predict; do
    refuses 1 mlce-labels global_pointer -- "$bin/$tool" spans-threshold_ce dev.h5
    refuses 1 mlce-spans multilabel_classifier -- "$bin/$tool" run demo/dev.h5
    refuses 1 dev.h5 15 96 -- "$bin/$tool" runs/labels dev.h5
done
refuses 1 topk_ce 'best scores' -- "$bin/mlce-eval" topk_ce demo-labels/dev.h5 --find-threshold
with none "del f['labels/items'], f['labels/offsets']
    f['labels/items'] = numpy.zeros(0, int); f['labels/offsets'] = numpy.zeros(301, int)"
refuses 1 none.h5 'no gold labels' -- "$bin/mlce-eval" run none.h5 --find-threshold --store
cp run/best.h5 best.before
for options in '--beta 1' --store --per-type; do
    refuses 2 --find-threshold -- "$bin/mlce-eval" run dev.h5 $options
done
for beta in 0 -1 1e9 one ''; do
    refuses 2 --beta -- "$bin/mlce-eval" run dev.h5 --find-threshold --beta "$beta"
done
refuses 2 'no task' -- "$bin/mlce-data" demo x --task tags
(
    ulimit -f 4 # stands in for a full disk
    trap '' XFSZ
    refuses 1 run/best.h5 -- "$bin/mlce-eval" run dev.h5 --find-threshold --store
    exit $failures
) || failures=$((failures + 1))
cmp -s run/best.h5 best.before || fail "a store that failed changed the run"

[ $failures = 0 ] || { echo "$failures failed"; exit 1; }
echo "all as it should be"

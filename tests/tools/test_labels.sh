#!/usr/bin/env bash
# Items with labels, as a user works with them: made, trained with every loss, scored, predicted,
# exported; bad input; figures beside scikit-learn's, and thresholds beside plain search.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
needs numpy h5py sklearn

# micro_f1 RUN DATA OVER: mlce-eval's micro F1 is over OVER.
micro_f1() {
    accepts mlce-eval "$1" "$2" --json
    "$python" -c 'import json, sys; f = json.load(open("stdout"))["micro"]["f1"]; print(f)
sys.exit(not f > float(sys.argv[1]))' "$3" || fail "$1 on $2: micro F1 is not over $3"
}

# What is compared at the end, all at once: Python takes longer to start than to look.
compared=() found=() stored=() number=0

# compare NAME MODEL DATA: the figures of MODEL on DATA with scikit-learn's.
compare() {
    check lower_thresholds "$2" "$1.all.h5"
    accepts mlce-predict "$1.all.h5" "$3" -o "$1.all.jsonl"
    accepts mlce-predict "$2" "$3" -o "$1.jsonl"
    accepts mlce-eval "$2" "$3" --json
    cp stdout "$1.json"
    compared+=("$3" "$1.all.jsonl" "$1.jsonl" "$1.json")
}

# sweep NAME RUN DATA OPTION...: found thresholds with plain search; NAME.all.jsonl must be there.
sweep() {
    number=$((number + 1))
    accepts mlce-eval "$2" "$3" --find-threshold --json "${@:4}"
    cp stdout $number.found.json
    found+=("$3" "$1.all.jsonl" $number.found.json)
}

# stores NAME RUN DATA OPTION...: the same, stored in a copy of the run, and used.
stores() {
    rm -rf kept
    cp -r "$2" kept
    cp kept/last.h5 last.before
    sweep "$1" kept "$3" --store "${@:4}"
    claim "--store leaves no part, and last.h5 as it is" '[ ! -e kept/best.h5.part ] && cmp -s kept/last.h5 last.before'
    check check_same_weights "$2/best.h5" kept/best.h5
    accepts mlce-predict kept "$3" -o $number.jsonl
    accepts mlce-eval kept "$3" --json
    cp stdout $number.json
    complains ' stored threshold' # it says what is in use
    stored+=("$1.all.jsonl" $number.jsonl $number.json $number.found.json)
    accepts mlce-eval kept "$3"
    matches 'with (the stored threshold|stored thresholds)'
    sweep "$1" kept "$3" # finds the same whatever is stored
}

echo "--- demo data and the recipe"
accepts mlce-data demo demo-labels --task labels
matches 'train.h5 \(2000 items\), dev.h5 \(400\)'
cp -r demo-labels first
accepts mlce-data demo demo-labels --task labels --force
claim 'the same options give the same items' 'cmp -s demo-labels/dev.h5 first/dev.h5'
accepts mlce-data inspect demo-labels/dev.h5
matches '^  items +400$'
matches '96 an item, float16'
matches 'least 1, median [34], most 6'
matches '^    label-[0-9]+'
accepts mlce-train "$MLCE_SOURCE/configs/labels.ini"
matches 'items/s'
matches '^samples average'
micro_f1 runs/labels demo-labels/dev.h5 0.95
micro_f1 runs/labels demo-labels/test.h5 0.95
accepts mlce-eval runs/labels demo-labels/test.h5
claim "mlce-eval's table is that of result.txt" "sed '1,/^test\$/d' runs/labels/result.txt | cmp -s - stdout"
accepts mlce-export runs/labels --format safetensors
accepts mlce-export runs/labels --format hdf5
accepts mlce-eval runs/labels demo-labels/dev.h5 --json
cp stdout direct
accepts mlce-eval runs/labels/model.h5 demo-labels/dev.h5 --json
claim 'exported weights give the same figures' 'cmp -s stdout direct'
accepts mlce-predict runs/labels demo-labels/dev.h5 --threads 1 -o one.jsonl
accepts mlce-predict runs/labels demo-labels/dev.h5 --threads 2 -o two.jsonl
claim 'two threads predict the same' 'cmp -s one.jsonl two.jsonl'

echo "--- every loss"
for loss in threshold_ce binary_ce focal; do
    accepts mlce-train "$MLCE_SOURCE/configs/labels.ini" loss.name=$loss train.output=$loss
    micro_f1 $loss demo-labels/dev.h5 0.9
done
accepts mlce-train "$MLCE_SOURCE/configs/labels.ini" loss.name=topk_ce loss.k=3 train.output=topk_ce
accepts mlce-predict topk_ce demo-labels/dev.h5 -o topk.jsonl
claim 'topk_ce: 3 labels an item, no more' '[ "$(grep -c "\"score\".*\"score\".*\"score\"" topk.jsonl)" = 400 ] &&
    ! grep -q "\"score\".*\"score\".*\"score\".*\"score\"" topk.jsonl'

echo "--- figures beside scikit-learn's"
compare demo runs/labels/best.h5 demo-labels/dev.h5
check check_labels make .
accepts mlce-train "$MLCE_SOURCE/configs/labels.ini" data.train=train.h5 data.dev=dev.h5 data.test= \
    train.epochs=4 train.output=run
compare run run/best.h5 dev.h5
check lower_thresholds run/best.h5 ties.h5 ties
compare ties ties.h5 dev.h5
accepts mlce-predict run dev.h5
matches '^\{"item":0,"text":"item no. 0","labels":\[.*\]\}$'

echo "--- thresholds beside plain search: labels"
for beta in 1 0.5 3; do
    sweep run run dev.h5 --beta $beta
    sweep demo runs/labels demo-labels/dev.h5 --beta $beta
done
stores run run dev.h5
stores run run dev.h5 --per-type
accepts mlce-eval run dev.h5 --find-threshold --beta 2
matches ' F2  predicted'
matches '^best '
matches '^in use '

echo "--- thresholds beside plain search: spans"
accepts mlce-data demo demo --sequences 60 --dim 64 --seed 2 --force # a dev of 12
mv demo/dev.h5 few.h5
accepts mlce-data demo demo --sequences 200 --dim 64 --force
mv few.h5 demo/dev.h5
for loss in multilabel_ce threshold_ce; do
    accepts mlce-train "$MLCE_SOURCE/configs/ner.ini" data.train=demo/train.h5 \
        data.dev=demo/dev.h5 data.test= train.epochs=8 train.output=spans-$loss loss.name=$loss
    check lower_thresholds spans-$loss/best.h5 $loss.all.h5
    accepts mlce-predict $loss.all.h5 demo/dev.h5 -o $loss.all.jsonl
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
accepts mlce-predict multilabel_ce.all.h5 long.h5 -o long.all.jsonl
stores long spans-multilabel_ce long.h5
stores long spans-multilabel_ce long.h5 --per-type

echo "--- bad input"
train=(mlce-train "$MLCE_SOURCE/configs/labels.ini" data.train=train.h5 data.dev=dev.h5 data.test=
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
accepts mlce-train "$MLCE_SOURCE/configs/labels.ini" data.train=soft.h5 data.dev=soft.h5 data.test= \
    train.output=soft train.epochs=2
compare soft soft/best.h5 soft.h5
accepts mlce-data inspect soft.h5 --rows 300
matches '\(0.25\)'
refuses 1 soft.h5 'weight 0.25' topk_ce -- "${train[@]}" data.train=soft.h5 loss.name=topk_ce
with nan "f['items/features'][5, 2] = float('nan')"
refuses 1 nan.h5 '/items/features: row 5, column 2' -- "${train[@]}" data.train=nan.h5
refuses 1 nan.h5 '/items/features: row 5, column 2' -- "${train[@]}" data.train=nan.h5 data.memory=0 data.check_rows=yes
with bare "del f['labels']"
refuses 1 bare.h5 'has no /labels' -- "${train[@]}" data.train=bare.h5
refuses 1 bare.h5 'has no /labels' -- mlce-eval run bare.h5
refuses 1 bare.h5 'has no /labels' -- mlce-eval run bare.h5 --find-threshold
accepts mlce-predict run bare.h5
refuses 1 'loss.k = 13' '12 labels' -- "${train[@]}" loss.name=topk_ce loss.k=13
refuses 1 loss.name hinge multilabel_ce -- "${train[@]}" loss.name=hinge
refuses 1 softmax_ce 'labels' 'just one' -- "${train[@]}" loss.name=softmax_ce
refuses 1 train.h5 multilabel_classifier -- "${train[@]}" model.head=global_pointer
refuses 1 demo/train.h5 efficient_global_pointer -- "${train[@]}" data.train=demo/train.h5
refuses 1 'one format' -- "${train[@]}" data.train=train.h5,demo/train.h5
for tool in mlce-eval mlce-predict; do
    refuses 1 mlce-labels global_pointer -- $tool spans-threshold_ce dev.h5
    refuses 1 mlce-spans multilabel_classifier -- $tool run demo/dev.h5
    refuses 1 dev.h5 15 96 -- $tool runs/labels dev.h5
done
refuses 1 topk_ce 'best scores' -- mlce-eval topk_ce demo-labels/dev.h5 --find-threshold
with none "del f['labels/items'], f['labels/offsets']
    f['labels/items'] = numpy.zeros(0, int); f['labels/offsets'] = numpy.zeros(301, int)"
refuses 1 none.h5 'no gold labels' -- mlce-eval run none.h5 --find-threshold --store
cp run/best.h5 best.before
for options in '--beta 1' --store --per-type; do
    refuses 2 --find-threshold -- mlce-eval run dev.h5 $options
done
for beta in 0 -1 1e9 one ''; do
    refuses 2 --beta -- mlce-eval run dev.h5 --find-threshold --beta "$beta"
done
refuses 2 "there is no 'tags': spans, labels" -- mlce-data demo x --task tags
file_limit=4 refuses 1 run/best.h5 -- mlce-eval run dev.h5 --find-threshold --store
claim 'a store that failed changed nothing' 'cmp -s run/best.h5 best.before'

echo "--- what was put off"
check check_labels compare "${compared[@]}"
check check_threshold found "${found[@]}"
check check_threshold stored "${stored[@]}"

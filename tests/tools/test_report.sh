#!/usr/bin/env bash
# Reports: what mlce-train leaves and mlce-report makes again, with hostile names, without data, and
# of several runs; and a browser's picture of one where there is a browser.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
python=${MLCE_PYTHON:-python3}
"$python" -c '' 2>/dev/null || {
    echo "skipped: no python3"
    exit 77
}
failed=0
claim() {
    if eval "$2"; then echo "ok: $1"; else
        echo "FAILED: $1 ($2)"
        failed=1
    fi
}
checks=$MLCE_SOURCE/tests/interop
check() { "$python" -B "$checks/check_report.py" "$@"; }
train() { timeout 300 "$MLCE_BIN/mlce-train" "$@" >out 2>err || { cat err; failed=1; }; }
report() { timeout 300 "$MLCE_BIN/mlce-report" "$@" >out 2>err; }

"$MLCE_BIN/mlce-data" demo data --sequences 300 >/dev/null || exit 1
"$MLCE_BIN/mlce-data" demo items --task labels --sequences 300 >/dev/null || exit 1
sets=(data.train=data/train.h5 data.dev=data/dev.h5 data.test=data/test.h5)
train "$MLCE_SOURCE/configs/ner.ini" "${sets[@]}" train.epochs=4 train.output=run

claim 'a run has a page, well-formed and sufficient to itself' 'check page run/report.html'
"$MLCE_BIN/mlce-eval" run data/dev.h5 --json >eval.json
claim 'its figures are those of mlce-eval' 'check figures run/report.html eval.json'
cp run/report.html first.html
claim 'made again it has the same bytes' 'report run && cmp -s run/report.html first.html'
claim 'and wherever it is made' 'report ./run/ --threads 1 -o again.html && cmp -s again.html first.html'
claim 'data is not written over' '! report run -o data/dev.h5 && grep -q "is data of this run" err'
claim 'nothing half-written is left' '[ -z "$(find . -name "*.part")" ]'

mv data elsewhere
claim 'without its data a page says so and has the curves' \
    'report run -o bare.html && check page bare.html && grep -q "No data of dev" bare.html &&
     grep -q "polyline" bare.html && ! grep -q "id=\"errors\"" bare.html'
mv elsewhere data

train "$MLCE_SOURCE/configs/labels.ini" data.{train=items/train,dev=items/dev,test=items/test}.h5 \
    train.epochs=3 train.output=labels
"$MLCE_BIN/mlce-eval" labels items/dev.h5 --json >eval.json
claim 'labels have a page with the figures of mlce-eval' \
    'check page labels/report.html && check figures labels/report.html eval.json'

train "$MLCE_SOURCE/configs/ner.ini" "${sets[@]}" data.dev= data.test= train.epochs=1 train.output=nodev
claim 'a run without dev data has a page' 'check page nodev/report.html'
train "$MLCE_SOURCE/configs/ner.ini" "${sets[@]}" train.epochs=2 train.eval_steps=5 optim.lr=1e-4 \
    train.output='run & "<b>2"'
claim 'a name of a folder is no markup' 'check page "run & \"<b>2\"/report.html"'
claim 'runs are compared as text, with what differs' \
    'report run "run & \"<b>2\"" nodev -o all.html && grep -q "^dev F1 .*\*" out &&
     grep -qE "^optim.lr +3e-3 +1e-4 +3e-3" out && grep -q "^person" out'
claim 'and as a page' 'check page all.html'
claim 'what is no run is refused' \
    '! report data && grep -q "mlce-report: error" err && ! report run/best.h5 && ! report nowhere'
claim 'no run is wrong usage' 'report; [ $? -eq 2 ]'
head -c 40 run/metrics.jsonl >cut && cp -r run broken && cp cut broken/metrics.jsonl
claim 'a metrics.jsonl that is cut off is named' '! report broken && grep -q "metrics.jsonl: line 1" err'

if "$python" -c 'import h5py' 2>/dev/null; then
    mkdir hostile && "$python" -B "$checks/make_hostile.py" hostile || failed=1
    train "$MLCE_SOURCE/configs/ner.ini" data.train=hostile/train.h5 data.dev=hostile/dev.h5 data.test= \
        train.epochs=3 train.output=hostile/run
    claim 'names and tokens that try to be markup are text' \
        'check page hostile/run/report.html && grep -q "&lt;script&gt;alert" hostile/run/report.html'
    claim 'a type of dev that train lacks is named' 'grep -q "not in train" hostile/run/report.html'
else
    echo "skipped: hostile names: $python has no h5py"
fi

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
picture() { # picture FILE PNG
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/browser" \
        --screenshot="$2" --window-size=1200,3000 "file://$folder/$1" >/dev/null 2>&1
}
echo '<!DOCTYPE html><title>blank</title>' >blank.html
if [ -n "$browser" ] && picture blank.html "$folder/blank.png" && [ -s blank.png ]; then
    claim 'a browser shows it' 'picture first.html "$folder/page.png" && check picture page.png blank.png'
else
    echo "skipped: the picture: no Chromium that starts"
fi
exit $failed

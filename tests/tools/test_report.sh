#!/usr/bin/env bash
# Reports: what mlce-train leaves and mlce-report makes again, with hostile names, without data, and
# of several runs; and a browser's picture of one where there is a browser.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
needs sys
check_report() { interop check_report "$@"; }
train() { accepts mlce-train "$@"; }
report() { run mlce-report "$@"; }

accepts mlce-data demo data --sequences 300
accepts mlce-data demo items --task labels --sequences 300
sets=(data.train=data/train.h5 data.dev=data/dev.h5 data.test=data/test.h5)
train "$MLCE_SOURCE/configs/ner.ini" "${sets[@]}" train.epochs=4 train.output=run

claim 'a run has a page, well-formed and sufficient to itself' 'check_report page run/report.html'
claim 'its links lead to its parts' 'grep -q "<a href=\"#curves\">curves</a>" run/report.html &&
    grep -q "<a href=\"#speed\">speed</a>" run/report.html && ! grep -q "&lt;a" run/report.html'
mlce-eval run data/dev.h5 --json >eval.json
claim 'its figures are those of mlce-eval' 'check_report figures run/report.html eval.json'
cp run/report.html first.html
claim 'made again it has the same bytes' 'report run && cmp -s run/report.html first.html'
claim 'and wherever it is made' 'report ./run/ --threads 1 -o again.html && cmp -s again.html first.html'
claim 'data is not written over' '! report run -o data/dev.h5 && grep -q "is read by this command" stderr'
claim 'nothing half-written is left' '[ -z "$(find . -name "*.part")" ]'

mv data elsewhere
claim 'without its data a page says so and has the curves' \
    'report run -o bare.html && check_report page bare.html && grep -q "No data of dev" bare.html &&
     grep -q "polyline" bare.html && ! grep -q "id=\"errors\"" bare.html'
mv elsewhere data

train "$MLCE_SOURCE/configs/labels.ini" data.{train=items/train,dev=items/dev,test=items/test}.h5 \
    train.epochs=3 train.output=labels
mlce-eval labels items/dev.h5 --json >eval.json
claim 'labels have a page with the figures of mlce-eval' \
    'check_report page labels/report.html && check_report figures labels/report.html eval.json'

train "$MLCE_SOURCE/configs/ner.ini" "${sets[@]}" data.dev= data.test= train.epochs=1 train.output=nodev
claim 'a run without dev data has a page' 'check_report page nodev/report.html'
train "$MLCE_SOURCE/configs/ner.ini" "${sets[@]}" train.epochs=2 train.eval_steps=5 optim.lr=1e-4 \
    train.output='run & "<b>2"'
claim 'a name of a folder is no markup' 'check_report page "run & \"<b>2\"/report.html"'
claim 'runs are compared as text, with what differs' \
    'report run "run & \"<b>2\"" nodev -o all.html && grep -q "^dev F1 .*\*" stdout &&
     grep -qE "^optim.lr +3e-3 +1e-4 +3e-3" stdout && grep -q "^person" stdout'
claim 'and as a page' 'check_report page all.html'
accepts mlce-export run --format safetensors
accepts mlce-import run/model.safetensors -o imported "${sets[@]}"
mlce-eval imported data/dev.h5 --json >eval.json
claim 'imported weights have a page without curves' 'report imported && check_report page imported/report.html &&
    check_report figures imported/report.html eval.json &&
    ! grep -q "polyline\|#curves\|#speed" imported/report.html && grep -q "id=\"errors\"" imported/report.html'
claim 'and are compared with the run they are of' 'report imported run -o both.html && check_report page both.html &&
    grep -qE "^dev F1 +0.[0-9]+. +0.[0-9]+" stdout && grep -qE "^best epoch +[1-4]$" stdout'
accepts mlce-import run/model.safetensors -o bare --force data.dev= data.train= data.test=
claim 'also without any data' 'report bare && check_report page bare/report.html'
claim 'what is no run is refused' \
    '! report data && grep -q "mlce-report: error" stderr && ! report run/best.h5 && ! report nowhere'
claim 'no run is wrong usage' 'report; [ $? -eq 2 ]'
head -c 40 run/metrics.jsonl >cut && cp -r run broken && cp cut broken/metrics.jsonl
claim 'a metrics.jsonl that is cut off is named' '! report broken && grep -q "metrics.jsonl: line 1" stderr'

if has h5py; then
    mkdir hostile && check make_hostile hostile
    train "$MLCE_SOURCE/configs/ner.ini" data.train=hostile/train.h5 data.dev=hostile/dev.h5 data.test= \
        train.epochs=3 train.output=hostile/run
    claim 'names and tokens that try to be markup are text' \
        'check_report page hostile/run/report.html && grep -q "&lt;script&gt;alert" hostile/run/report.html'
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
    claim 'a browser shows it' 'picture first.html "$folder/page.png" && check_report picture page.png blank.png'
else
    echo "skipped: the picture: no Chromium that starts (Debian: chromium, 290 MB; scripts/setup leaves it out)"
fi

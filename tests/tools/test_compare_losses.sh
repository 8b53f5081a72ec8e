#!/usr/bin/env bash
# scripts/compare-losses on tiny data: it ends with a table, figures and a plot that hold every loss,
# and takes up where it was stopped.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
needs numpy h5py

compare() { MLCE_PYTHON=$python timeout 600 "$MLCE_SOURCE/scripts/compare-losses" --tiny --output "$folder/out" "$@" >log 2>&1; }

compare --jobs 2 || { cat log; exit 1; }
common='multilabel_ce|binary_ce, weight 1|binary_ce, weight 10|binary_ce, weight 100|focal \(0.25, 2\)|focal, best of grid: \(.*\)'
row() { echo "^\\| ($1) \\|( \\**0\\.[0-9]{3}\\** ± 0\\.[0-9]{3} \\|){2} [0-9e-]+ \\| (\\**0\\.[0-9]{3}\\** ± 0\\.[0-9]{3}|none) \\|\$"; }
sed -n '/^### 20 labels/,/^### /p' out/results.md >labels.md
sed -n '/^### Demo corpus/,$p' out/results.md >spans.md
claim 'each loss has a row of figures for labels' \
    "[ \$(grep -cE '$(row "$common|binary_ce, weight n/k: .*")' labels.md) -eq 7 ]"
claim 'each loss has a row of figures for spans' \
    "[ \$(grep -cE '$(row "$common|threshold_ce|topk_ce")' spans.md) -eq 8 ]"
claim 'the plot is XML, with a line for each loss in each panel and nine in the legend' \
    "'$python' -c 'import sys, xml.etree.ElementTree as e; sys.exit(len(list(e.parse(\"out/f1.svg\").iter(\"{http://www.w3.org/2000/svg}polyline\"))) != 7 + 8 + 9)'"
claim 'the threshold that is best for dev is no worse there than that of the loss' "'$python' -c '
import json, sys
rows = [row for rows in json.load(open(\"out/results.json\")).values() for row in rows]
sys.exit(len(rows) != 15 or any(r[\"threshold\"][0] < r[\"own\"][0] - 1e-9 if r[\"threshold\"] else r[\"loss\"] != \"topk_ce\" for r in rows))'"
claim 'nothing is written into the source folder' "[ ! -e '$MLCE_SOURCE/scripts/compare_losses/__pycache__' ]"

sum=$(cat out/results.md out/results.json out/f1.svg | cksum)
run=$(find out/runs/labels-20/multilabel_ce -name 'lr-3e-2-seed-2')
touch -d '2001-01-01' out/runs/*/*/*/metrics.jsonl
rm "$run/arguments.txt"
echo broken >"$run/metrics.jsonl"
compare --jobs 1
claim 'stopped in a run, it repeats that one, and no other' \
    "[ $? -eq 0 ] && [ \"\$(find out/runs -name metrics.jsonl -newermt 2002-01-01)\" = '$run/metrics.jsonl' ]"
claim 'and comes to the same bytes' '[ "$(cat out/results.md out/results.json out/f1.svg | cksum)" = "$sum" ]'

MLCE_BIN=$folder/nowhere compare --output "$folder/other"
claim 'a program that is missing is named' "[ $? -eq 1 ] && grep -q '^compare-losses: error: .*nowhere/mlce-' log && ! grep -q Traceback log"
compare --slow
claim 'an unknown option is wrong usage' "[ $? -eq 2 ]"

#!/usr/bin/env bash
# mlce-import: what mlce-export wrote comes back, and a model that was trained in PyTorch has
# PyTorch's scores here and, exported again, in onnxruntime.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -e
fixture=$MLCE_SOURCE/tests/fixtures/torch_run

echo "--- out and in again"
mlce-import "$fixture/weights.safetensors" --config "$fixture/model.ini" \
    --types "$fixture/data.h5" -o run
mlce-export run --format safetensors
printf '%s\n' person place thing >types.txt
mlce-import run/model.safetensors -o again --types types.txt
mlce-eval run "$fixture/data.h5" --json >run.json
mlce-eval again "$fixture/data.h5" --json | cmp - run.json
mlce-predict run "$fixture/data.h5" >run.jsonl
mlce-predict again "$fixture/data.h5" | cmp - run.jsonl
grep -q '^output = again$' again/config.ini

echo "--- in the place of another run"
touch again/last.h5 again/metrics.jsonl
mlce-import run/model.safetensors -o again --force
claim 'nothing of it is left' '[ "$(ls again | xargs)" = "best.h5 config.ini" ]'

cp run/model.safetensors again
refuses 1 'is a file of the run that is to be replaced' -- mlce-import again/model.safetensors -o again --force
claim 'weights stay that stand in the run' 'cmp -s run/model.safetensors again/model.safetensors'

# Whether mlce, and onnxruntime on its export, score as PyTorch did.
compare() {
    local from=$1
    mlce-import "$from/weights.safetensors" --config "$from/model.ini" --types "$from/data.h5" \
        -o run --force
    mlce-export run --format onnx -o run.onnx
    check lower_thresholds run/best.h5 all.h5
    mlce-predict all.h5 "$from/data.h5" -o all.jsonl
    check check_torch "$from" all.jsonl run.onnx
}

echo "--- PyTorch, mlce, onnxruntime"
needs numpy h5py onnx onnxruntime
[ "$MLCE_ONNX" = yes ] || skip "built without ONNX"
compare "$fixture"
if has torch safetensors; then
    mkdir fresh
    "$python" -B "$MLCE_SOURCE/tests/fixtures/torch_run.py" fresh
    compare fresh
else
    echo "skipped: $python has no torch: the stored model was enough"
fi

#!/usr/bin/env bash
# mlce-import: what mlce-export wrote comes back, and a model that was trained in PyTorch has
# PyTorch's scores here and, exported again, in onnxruntime.
#
# MLCE_BIN is the folder of the programs, MLCE_PYTHON a Python with numpy, h5py, onnx, onnxruntime;
# if it has torch and safetensors too, the PyTorch model is trained anew as well.
set -eu
bin=${MLCE_BIN:?folder of the programs}
python=${MLCE_PYTHON:-python3}
source=$(cd "$(dirname "$0")/../.." && pwd)
fixture=$source/tests/fixtures/torch_run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

echo "--- out and in again"
"$bin/mlce-import" "$fixture/weights.safetensors" --config "$fixture/model.ini" \
    --types "$fixture/data.h5" -o run
"$bin/mlce-export" run --format safetensors
printf '%s\n' person place thing >types.txt
"$bin/mlce-import" run/model.safetensors -o again --types types.txt
"$bin/mlce-eval" run "$fixture/data.h5" --json >run.json
"$bin/mlce-eval" again "$fixture/data.h5" --json | cmp - run.json
"$bin/mlce-predict" run "$fixture/data.h5" >run.jsonl
"$bin/mlce-predict" again "$fixture/data.h5" | cmp - run.jsonl
grep -q '^output = again$' again/config.ini

echo "--- in the place of another run"
touch again/last.h5 again/metrics.jsonl
"$bin/mlce-import" run/model.safetensors -o again --force
[ "$(ls again | xargs)" = "best.h5 config.ini" ] || { echo "FAILED: there is $(ls again | xargs)"; exit 1; }

# Whether mlce, and onnxruntime on its export, score as PyTorch did.
compare() {
    local from=$1
    "$bin/mlce-import" "$from/weights.safetensors" --config "$from/model.ini" --types "$from/data.h5" \
        -o run --force
    "$bin/mlce-export" run --format onnx -o run.onnx
    "$python" -B "$source/tests/interop/lower_thresholds.py" run/best.h5 all.h5
    "$bin/mlce-predict" all.h5 "$from/data.h5" -o all.jsonl
    "$python" -B "$source/tests/interop/check_torch.py" "$from" all.jsonl run.onnx
}

echo "--- PyTorch, mlce, onnxruntime"
"$python" -c 'import numpy, h5py, onnx, onnxruntime' 2>/dev/null ||
    { echo "skipped: $python has no numpy, h5py, onnx and onnxruntime"; exit 77; }
[ "$MLCE_ONNX" = yes ] || { echo "skipped: built without ONNX"; exit 77; }
compare "$fixture"
if "$python" -c 'import torch, safetensors' 2>/dev/null; then
    mkdir fresh
    "$python" -B "$source/tests/fixtures/torch_run.py" fresh
    compare fresh
else
    echo "skipped: $python has no torch: the stored model was enough"
fi

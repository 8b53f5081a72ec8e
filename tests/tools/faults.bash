# faults.bash - what the tests that make calls fail share: the library that does it, and a command
# of every kind that writes. Sourced after claims.bash.
# shellcheck shell=bash
export OMP_NUM_THREADS=1
# The allocations that count are those of the programs, and of jansson and utf8proc for them.
export MLCE_FAULT_FROM=mlce-,libjansson,libutf8proc
# What an error says where memory was refused; a thread that gets none is told "try again".
# shellcheck disable=SC2034
no_memory='out of memory|Cannot allocate memory|cannot start the thread'
"${MLCE_CC:-cc}" -D_GNU_SOURCE -O1 -fPIC -shared -o "$folder/fault.so" "$MLCE_SOURCE/tests/fault/fault.c" -ldl ||
    stop 'fault.c does not build'

# faulty PATH COMMAND...: with the library, which counts the calls on files with PATH in their names
# ("malloc": allocations). The caller sets MLCE_FAULT, MLCE_FAULT_COUNT as it wants.
faulty() {
    local path=$1
    shift
    LD_PRELOAD=$folder/fault.so MLCE_FAULT_PATH=$path "$@"
}

# Each command runs in a folder like this one, in which its output stands already, an older one.
make_outputs_inputs() {
    mkdir "$folder/before" && cd "$folder/before" || return 1
    mlce-data demo data --sequences 40 --dim 32 --seed 2 && mlce-data demo labels --task labels --sequences 40 &&
        mlce-data convert data/dev.h5 -o in.conll && mlce-data convert data/dev.h5 -o in.jsonl &&
        mlce-data convert data/dev.h5 -o in-brat --to brat || return 1
    printf '%s\n' person title organisation location date event product >types.txt
    printf 'the 0.1 0.2\nof 0.3 0.4\nin -1 2\n' >vectors.txt
    cat >train.ini <<'INI'
[data]
train = data/train.h5
dev = data/dev.h5
[model]
head_size = 8
[encoder.1]
type = mlp
size = 16
[train]
epochs = 15
batch_size = 4
output = run
[optim]
lr = 0.03
INI
    mlce-train train.ini && mlce-export run --format safetensors -o in.safetensors || return 1
    mkdir out parts
    cp data/dev.h5 out/old.h5
    local name
    for name in columns jsonl brat vectors merge; do cp data/dev.h5 out/$name.h5; done
    for name in parts/train.h5 parts/dev.h5; do cp data/dev.h5 $name; done
    for name in out.conll out.jsonl out/spans.jsonl out/spans.conll out/spans.html out/model.safetensors out/model.onnx \
        out/compared.html; do echo old >$name; done
    cp run/best.h5 out/model.h5
} >/dev/null 2>&1

# name: command, its program first; one a line.
commands='
columns: mlce-data convert in.conll -o out/columns.h5 --embed hash:16
jsonl: mlce-data convert in.jsonl -o out/jsonl.h5 --embed hash:16
brat: mlce-data convert in-brat -o out/brat.h5 --embed hash:16
vectors: mlce-data convert in.conll -o out/vectors.h5 --embed vectors:vectors.txt
to-columns: mlce-data convert data/dev.h5 -o out.conll
to-jsonl: mlce-data convert data/dev.h5 -o out.jsonl
to-brat: mlce-data convert data/dev.h5 -o out/brat --to brat
merge: mlce-data merge data/dev.h5 data/test.h5 -o out/merge.h5
split: mlce-data split data/train.h5 --into train=0.6,dev=0.4 -o parts/
check: mlce-data check data/train.h5 data/dev.h5
stats: mlce-data stats data/dev.h5 --json
inspect: mlce-data inspect labels/dev.h5
demo: mlce-data demo data --sequences 40 --dim 32 --seed 3 --force
eval: mlce-eval run data/dev.h5
threshold: mlce-eval run data/dev.h5 --find-threshold --store --per-type
calibrate: mlce-eval run data/dev.h5 --calibrate --store
predict: mlce-predict run data/dev.h5 -o out/spans.jsonl
predict-columns: mlce-predict run data/dev.h5 --format conll --overlap flat -o out/spans.conll
predict-html: mlce-predict run data/dev.h5 --format html -o out/spans.html
predict-brat: mlce-predict run data/dev.h5 --format brat -o out/brat
safetensors: mlce-export run --format safetensors -o out/model.safetensors
onnx: mlce-export run --format onnx -o out/model.onnx
hdf5: mlce-export run --format hdf5 -o out/model.h5
import: mlce-import in.safetensors -o out/run --force
import-types: mlce-import in.safetensors --types types.txt -o out/typed --force
compare: mlce-report run run -o out/compared.html
'

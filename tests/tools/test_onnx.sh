#!/usr/bin/env bash
# mlce-export --format onnx with its real clients: onnx's checker and onnxruntime, for every encoder
# and every form of head, over batches of sequences of 1 to 40 tokens.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -e
needs numpy h5py onnx onnxruntime
[ "$MLCE_ONNX" = yes ] || skip "built without ONNX"

# model NAME DATA [KEY=VALUE...]: a run.
model() {
    accepts mlce-train empty.ini data.train="$2" train.output="run-$1" train.epochs=1 \
        train.threads=1 "${@:3}"
}
# compare DATA NAME...: the scores of the models on the data with those of their ONNX files.
compare() {
    local name
    check check_onnx disturb "${@:2}"
    for name in "${@:2}"; do
        accepts mlce-predict "$name.h5" "$1" --threads 1 -o "$name.jsonl"
        accepts mlce-export "$name.h5" --format onnx -o "$name.onnx"
    done
    check check_onnx compare "$@"
}

check check_onnx make .
: >empty.ini

declare -A encoders=(
    [none]=""
    [mlp]="encoder.1.type=mlp encoder.1.size=10 encoder.1.depth=2"
    [bilstm]="encoder.1.type=bilstm encoder.1.size=7 encoder.1.layers=2"
    [gru]="encoder.1.type=gru encoder.1.size=7 encoder.1.layers=2"
    [cnn]="encoder.1.type=cnn encoder.1.size=12 encoder.1.width=3 encoder.1.depth=2"
    [maxout]="encoder.1.type=cnn encoder.1.size=8 encoder.1.width=7 encoder.1.pieces=3"
    [transformer]="encoder.1.type=transformer encoder.1.size=16 encoder.1.heads=2 encoder.1.depth=2"
    [window]="encoder.1.type=transformer encoder.1.size=12 encoder.1.heads=3 encoder.1.window=2"
)
declare -A heads=(
    [shared]="model.head_size=6"
    [qk]="model.head_size=6 model.type_terms=qk loss.name=threshold_ce"
    [qk-flat]="model.head_size=5 model.type_terms=qk model.rope=no model.max_width=7"
    [each]="model.head=global_pointer model.head_size=6 model.max_width=3"
    [each-flat]="model.head=global_pointer model.head_size=5 model.rope=no loss.name=threshold_ce"
)
mix="encoder.1.type=mix encoder.1.input_layers=3"
labels="model.head=multilabel_classifier"

spans=() layers=() items=()
for encoder in "${!encoders[@]}"; do
    for head in "${!heads[@]}"; do
        model "$encoder-$head" spans.h5 ${encoders[$encoder]} ${heads[$head]}
        spans+=("$encoder-$head")
    done
    model "$encoder-labels" items.h5 ${encoders[$encoder]} $labels
    items+=("$encoder-labels")
done
model threshold-labels items.h5 $labels loss.name=threshold_ce
items+=(threshold-labels)
for head in "${!heads[@]}"; do
    model "mix-$head" layers.h5 $mix ${heads[$head]}
    layers+=("mix-$head")
done
model stack layers.h5 $mix encoder.2.type=bilstm encoder.2.size=5 encoder.3.type=cnn \
    encoder.3.size=10 encoder.4.type=transformer encoder.4.size=8 encoder.4.heads=2
layers+=(stack)
shape="features.shape=8"
model shape spans.h5 $shape encoder.1.type=gru encoder.1.size=5
spans+=(shape)
model standardise spans.h5 $shape features.standardise=yes encoder.1.type=mlp encoder.1.size=5
spans+=(standardise)
model shape-behind-mix layers.h5 $mix $shape
layers+=(shape-behind-mix)

compare spans.h5 "${spans[@]}"
compare layers.h5 "${layers[@]}"
compare items.h5 "${items[@]}"

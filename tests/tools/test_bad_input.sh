#!/usr/bin/env bash
# Bad input: every program says what is wrong, where, and leaves nothing half-written.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
needs numpy h5py

check make_bad .
cat >train.ini <<'INI'
[data]
train = good.h5
dev = good.h5
[model]
head_size = 4
[train]
epochs = 2
batch_size = 2
threads = 1
INI

train=(mlce-train train.ini train.output=out)

echo "--- a run to work with"
accepts mlce-train train.ini train.output=run

echo "--- files that are no dataset"
refuses 1 missing.h5 -- "${train[@]}" data.train=missing.h5
refuses 1 'none-*.h5' -- "${train[@]}" 'data.train=none-*.h5'
refuses 1 not_hdf5.h5 HDF5 -- "${train[@]}" data.train=not_hdf5.h5
refuses 1 empty_file.h5 -- "${train[@]}" data.train=empty_file.h5
refuses 1 truncated.h5 -- "${train[@]}" data.train=truncated.h5
refuses 1 . -- "${train[@]}" data.train=.
refuses 1 wrong_format.h5 format mlce-audio -- "${train[@]}" data.train=wrong_format.h5
refuses 1 no_format.h5 format mlce-spans -- "${train[@]}" data.train=no_format.h5
refuses 1 later_version.h5 version 2 -- "${train[@]}" data.train=later_version.h5
refuses 1 data.train -- "${train[@]}" data.train=

cp train.ini train.csv
refuses 1 train.csv 'mlce-data convert' -- "${train[@]}" data.train=train.csv

mkdir unfinished
refuses 1 'unfinished: is a folder without best.h5' -- mlce-predict unfinished good.h5

echo "--- options"
refuses 2 "unknown option '--forse': did you mean '--force'" -- "${train[@]}" --forse
refuses 2 "unknown option '--epochs'" 'without dashes' -- "${train[@]}" --epochs 3
refuses 2 "option '--re' may be '--reset-thresholds' or '--reset-calibration'" -- mlce-eval run --re
refuses 2 "unknown option '--fromat'" "'--format'" -- mlce-predict run good.h5 --fromat=html

echo "--- types"
refuses 1 no_types.h5 /types -- "${train[@]}" data.train=no_types.h5
refuses 1 type_twice.h5 /types PER -- "${train[@]}" data.train=type_twice.h5
refuses 1 renamed.h5 PLACE -- "${train[@]}" data.dev=renamed.h5
refuses 1 renamed.h5 PLACE -- "${train[@]}" data.train=good.h5,renamed.h5

echo "--- embeddings"
refuses 1 no_embeddings.h5 /tokens/embeddings -- "${train[@]}" data.train=no_embeddings.h5
refuses 1 flat_embeddings.h5 /tokens/embeddings -- "${train[@]}" data.train=flat_embeddings.h5
refuses 1 integer_embeddings.h5 /tokens/embeddings -- "${train[@]}" data.train=integer_embeddings.h5
refuses 1 other_width.h5 9 8 -- "${train[@]}" data.dev=other_width.h5
refuses 1 other_width.h5 9 8 -- "${train[@]}" data.train=good.h5,other_width.h5
for memory in 2048 0; do # in memory, and read batch by batch
    refuses 1 nan.h5 /tokens/embeddings 5 -- "${train[@]}" data.train=nan.h5 data.memory=$memory
    refuses 1 infinite.h5 /tokens/embeddings 11 -- \
        "${train[@]}" data.train=infinite.h5 data.memory=$memory
done
refuses 1 nan.h5 /tokens/embeddings 5 -- "${train[@]}" data.dev=nan.h5

echo "--- offsets"
for name in falling overrunning short_offsets late_start no_offsets huge_offset; do
    refuses 1 $name.h5 /sequences/offsets -- "${train[@]}" data.train=$name.h5
done
for name in span_offsets_falling span_offsets_overrunning span_offsets_too_few; do
    refuses 1 $name.h5 /spans/offsets -- "${train[@]}" data.train=$name.h5
done

echo "--- spans: the message names the sequence and the span"
refuses 1 span_past_end.h5 'sequence 1, span 0' 'end 2' -- "${train[@]}" data.train=span_past_end.h5
refuses 1 span_empty.h5 'sequence 2, span 0' 'end 2' empty -- "${train[@]}" data.train=span_empty.h5
refuses 1 span_backwards.h5 'sequence 2, span 0' 'start 3' 'end 1' -- "${train[@]}" data.train=span_backwards.h5
refuses 1 span_negative.h5 'sequence 2, span 0' -1 -- "${train[@]}" data.train=span_negative.h5
refuses 1 span_unknown_type.h5 'sequence 2, span 1' 'type 3' -- "${train[@]}" data.train=span_unknown_type.h5
refuses 1 span_twice.h5 'sequence 0' twice -- "${train[@]}" data.train=span_twice.h5

echo "--- nothing to learn from"
refuses 1 no_sequences.h5 -- "${train[@]}" data.train=no_sequences.h5
refuses 1 unlabelled.h5 /spans -- "${train[@]}" data.train=unlabelled.h5
refuses 1 unlabelled.h5 /spans -- "${train[@]}" data.dev=unlabelled.h5

echo "--- what is unusual, but right"
accepts mlce-train train.ini train.output=empty data.train=empty_sequences.h5
accepts mlce-train train.ini train.output=short data.train=one_token.h5 data.dev=one_token.h5
accepts mlce-train train.ini train.output=bare data.train=no_gold.h5 data.dev=no_gold.h5
accepts mlce-eval bare no_gold.h5 --json
"$python" -c 'import json; assert json.load(open("stdout"))["micro"]["f1"] == 0' ||
    fail "micro F1 without any gold span is not 0"
accepts mlce-train train.ini train.output=other data.dev=reordered.h5
check check_same_weights run/best.h5 other/best.h5
accepts mlce-eval run good.h5 --json
cp stdout in_order
accepts mlce-eval run reordered.h5 --json
claim 'types in another order give the same figures' 'cmp -s stdout in_order'

echo "--- configuration"
write() { printf '%s\n' "$@" >wrong.ini; }
wrong=(mlce-train wrong.ini data.train=good.h5 train.output=out)
write '[optim]' 'lr = fast'
refuses 1 wrong.ini 2 optim.lr fast -- "${wrong[@]}"
write '[train]' 'epochs = 0'
refuses 1 wrong.ini train.epochs 0 -- "${wrong[@]}"
write '[train]' 'epochs = 3x'
refuses 1 wrong.ini train.epochs 3x -- "${wrong[@]}"
write '[optim]' 'lr = 0.1' 'lr = 0.2'
refuses 1 wrong.ini 3 optim.lr -- "${wrong[@]}"
write '[optim]' 'warmpu = 0.1'
refuses 1 wrong.ini 2 warmpu optim.warmup -- "${wrong[@]}"
write '[optimm]' 'warmup = 0.1'
refuses 1 wrong.ini optimm '[optim]' -- "${wrong[@]}"
write 'epochs = 3'
refuses 1 wrong.ini 1 epochs section -- "${wrong[@]}"
write '[train' 'epochs = 3'
refuses 1 wrong.ini 1 -- "${wrong[@]}"
write '[encoder.2]' 'size = 4'
refuses 1 encoder.1 -- "${wrong[@]}"
write '[model]' 'size = 4'
refuses 1 wrong.ini model.size -- "${wrong[@]}"
write '[model]' 'head = global_pointer' 'type_terms = qk'
refuses 1 model.type_terms global_pointer -- "${wrong[@]}"
write '[model]' 'head = global_ponter'
refuses 1 wrong.ini model.head global_pointer -- "${wrong[@]}"
write '[model]' 'head_size = 5'
refuses 1 model.head_size even -- "${wrong[@]}"
refuses 1 missing.ini -- mlce-train missing.ini
refuses 1 optim.lr fast -- "${train[@]}" optim.lr=fast
refuses 1 optim.rl optim.lr -- "${train[@]}" optim.rl=0.1

echo "--- output"
refuses 1 run --force -- mlce-train train.ini train.output=run
accepts mlce-train train.ini train.output=other --force
touch blocked
refuses 1 blocked -- mlce-train train.ini train.output=blocked/run
refuses 1 blocked -- mlce-export run --format safetensors -o blocked/model
refuses 1 blocked -- mlce-export run --format hdf5 -o blocked/model
refuses 1 blocked -- mlce-predict run good.h5 -o blocked/out
refuses 1 blocked -- mlce-data demo blocked/demo

echo "--- using a model"
for tool in mlce-eval mlce-predict; do
    refuses 1 nowhere -- $tool nowhere good.h5
    refuses 1 missing.h5 -- $tool run missing.h5
    refuses 1 truncated.h5 -- $tool run truncated.h5
    refuses 1 other_width.h5 9 8 -- $tool run other_width.h5
    refuses 1 renamed.h5 PLACE -- $tool run renamed.h5
    refuses 1 nan.h5 5 -- $tool run nan.h5
    refuses 1 good.h5 -- $tool good.h5 good.h5
done
refuses 1 unlabelled.h5 /spans -- mlce-eval run unlabelled.h5
accepts mlce-predict run unlabelled.h5
refuses 1 nan.h5 -- mlce-predict run nan.h5 -o predictions.jsonl
mkdir half && head -c 2000 run/best.h5 >half/best.h5
refuses 1 half -- mlce-eval half good.h5
refuses 1 half -- mlce-export half --format safetensors -o model
refuses 1 nowhere -- mlce-export nowhere --format safetensors -o model

echo "--- features of the tokens' text"
text=('/tokens/text' 'features.shape = 0')
refuses 1 data.train good.h5 "${text[@]}" -- "${train[@]}" features.shape=16
refuses 1 data.dev good.h5 "${text[@]}" -- "${train[@]}" features.shape=16 data.train=words.h5
refuses 1 words_too_few.h5 '13 items' -- "${train[@]}" features.shape=16 data.train=words_too_few.h5
refuses 1 'features.shape has no effect' -- "${train[@]}" features.shape=16 \
    model.head=multilabel_classifier
refuses 1 'features.ngram_min has no effect' -- "${train[@]}" features.ngram_min=2
refuses 1 'features.ngram_min = 6 is over' -- "${train[@]}" features.shape=16 features.ngram_min=6
refuses 1 'features.shape = 65537' '65,536' -- "${train[@]}" features.shape=65537
accepts mlce-train train.ini features.shape=16 train.output=shape data.train=words.h5 \
    data.dev=words.h5
for tool in mlce-eval mlce-predict; do
    accepts $tool shape words.h5
    refuses 1 good.h5 "${text[@]}" -- $tool shape good.h5
    refuses 1 other_width.h5 9 8 'computes 32' -- $tool shape other_width.h5
done

echo "--- weights from elsewhere"
accepts mlce-export run --format safetensors -o model.safetensors
import=(mlce-import -o imported)
head -c -4 model.safetensors >short.safetensors
printf '{}' >tiny.safetensors
refuses 1 nowhere -- "${import[@]}" nowhere
refuses 1 half 'not a file' -- "${import[@]}" half
refuses 1 good.h5 'no safetensors file' -- "${import[@]}" good.h5
refuses 1 short.safetensors 'is the file whole' -- "${import[@]}" short.safetensors
refuses 1 tiny.safetensors '2 bytes' -- "${import[@]}" tiny.safetensors
refuses 1 nowhere.ini -- "${import[@]}" model.safetensors --config nowhere.ini
refuses 1 model.head_size no -- "${import[@]}" model.safetensors model.head_size=no
refuses 1 'head.qk.weight is [8, 8], not [12, 8]' -- "${import[@]}" model.safetensors model.head_size=6
refuses 1 'missing: encoder.1.layer.1.weight' -- "${import[@]}" model.safetensors encoder.1.type=mlp
refuses 1 nowhere.txt -- "${import[@]}" model.safetensors --types nowhere.txt
refuses 1 run --force -- mlce-import model.safetensors -o run
refuses 1 blocked -- mlce-import model.safetensors -o blocked/run

echo "--- wrong usage"
for tool in mlce-train mlce-eval mlce-predict mlce-export mlce-import mlce-data; do
    refuses 2 --help -- $tool
    refuses 2 no-such-option -- $tool --no-such-option
done
refuses 2 '-o RUN' -- mlce-import model
refuses 2 paper -- mlce-export run --format paper -o model

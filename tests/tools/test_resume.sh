#!/usr/bin/env bash
# mlce-train --resume as a user meets it: signals, changes, finished and damaged runs, two at once,
# losses that are not finite, data that is cut.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
. "$MLCE_SOURCE/tests/tools/resume.bash"
. "$MLCE_SOURCE/tests/tools/faults.bash"
make_inputs && in_place work || stop "no inputs"
cp ../streamed.ini ../resident.ini .
train() { run mlce-train "$@"; }
# begin ARGUMENTS...: a run in the background, with the signals as a shell at a terminal has them;
# returns once run/metrics.jsonl has a line that was not there.
begin() {
    local lines=0
    [ -e run/metrics.jsonl ] && lines=$(wc -l <run/metrics.jsonl)
    env --default-signal=INT,TERM,HUP mlce-train "$@" >stdout 2>stderr &
    pid=$!
    for _ in $(seq 400); do
        [ -s run/metrics.jsonl ] && [ "$(wc -l <run/metrics.jsonl)" -gt "$lines" ] && return
        sleep 0.05
    done
}
end() {
    kill "-$1" $pid
    wait $pid
    code=$?
}

# ---- Signals ----
for signal in INT:130 TERM:143 HUP:129; do
    begin streamed.ini train.epochs=3000 train.save_steps=0
    end ${signal%:*}
    claim "SIG${signal%:*} ends a run with exit code ${signal#*:} and says how to go on" \
        "[ $code -eq ${signal#*:} ] && grep -q 'stopped after step [0-9]* of [0-9]*, saved in run/last.h5; to go on: mlce-train --resume run' stderr"
    at=$(sed -n 's/.*after step \([0-9]*\) of.*/\1/p' stderr)
    begin --resume run train.epochs=3000
    end INT
    claim 'and it goes on from there' "grep -q \"going on after step $at \" stdout && [ $code -eq 130 ]"
    rm -r run
done
mkdir $'\e[31m'
begin streamed.ini train.epochs=3000 train.output=$'\e[31m/../run'
end INT
claim 'what is said of a stop drives no terminal' "! grep -q $'\e' stderr && grep -qF 'saved in \x1b[31m/../run/' stderr"
rm -r run
begin streamed.ini train.epochs=3000
kill -INT $pid
kill -INT $pid
wait $pid
claim 'after two signals the checkpoint is good' "[ $? -eq 130 ] && mlce-eval run/last.h5 data/dev.h5 >/dev/null"

# ---- To the same end: stopped by a signal, not killed ----
mkdir ../whole && (cd ../whole && ln -s ../data data && mlce-train ../streamed.ini train.epochs=12 >/dev/null)
rm -r run
begin streamed.ini train.epochs=12
end TERM
train --resume run
claim 'a run that was stopped ends as one that was not' 'same_run run ../whole/run'
train --resume run
claim 'a finished run says so' "[ $? -eq 0 ] && grep -q 'this run is finished.*train.epochs=N' stdout && same_run run ../whole/run"
train --resume run/ train.epochs=13
claim 'more epochs need no flag; what they do to the schedule is said' \
    "[ $? -eq 0 ] && [ \$(tail -1 run/metrics.jsonl | cut -c1-11) = '{\"epoch\":13' ] && grep -q 'learning rate goes on where it is in the course over 13' stderr"

# ---- Without the best, which an epoch of no use was after ----
train resident.ini train.output=worse train.epochs=2
train --resume worse train.epochs=3 optim.lr=1e-12 --accept-changes
rm worse/best.h5
train --resume worse train.epochs=3
claim 'a best.h5 that is gone is said, and what can be done' \
    "[ $? -eq 1 ] && grep -q 'is gone or cannot be read.*cp worse/last.h5 worse/best.h5' stderr"
cp worse/last.h5 worse/best.h5
accepts mlce-train --resume worse train.epochs=3
refuses 2 'give the folder of a RUN' -- mlce-train --resume ''

# ---- Shortened: over before it was ever evaluated ----
rm -rf run
train streamed.ini train.epochs=2 train.eval_steps=100000 train.save_steps=1 train.keep_last=3
mv "$(ls run/step-*.h5 | head -n 1)" run/last.h5 && rm run/best.h5 run/metrics.jsonl
at=$(sed -n 's/.*going on after step \([0-9]*\).*/\1/p' <(mlce-train --resume run train.epochs=1))
claim 'a run that is shortened to less than was done evaluates what it has' \
    "[ -f run/best.h5 ] && [ \$(wc -l <run/metrics.jsonl) -eq 1 ] && grep -q '\"step\":$at,' run/metrics.jsonl"

# ---- Changes ----
rm -rf run
train resident.ini train.output=short train.epochs=2 && cp -r short other && mv short moved
train --resume moved train.epochs=12 train.threads=1 data.memory=1024
train resident.ini
claim 'more epochs, in a folder that was moved: as if planned so' \
    "cmp <(without_times moved/metrics.jsonl) <(without_times run/metrics.jsonl)" 
rm -rf run && cp -r other run
refuses 1 'optim.lr = 0.01, was 3e-3; encoder.1.dropout = 0.2, was 0.1' -- mlce-train --resume run optim.lr=0.01 encoder.1.dropout=0.2
claim 'and nothing was changed' 'cmp -s run/last.h5 other/last.h5 && cmp -s run/config.ini other/config.ini'
sed -i 's/^lr = .*/lr = 0.02/' run/config.ini
refuses 1 'give --accept-changes' -- mlce-train --resume run
train --resume run train.epochs=3 --accept-changes
claim 'changes are accepted, and named' "[ $? -eq 0 ] && grep -q 'warning: .*optim.lr = 0.02, was 3e-3' stderr"
rm -r run && cp -r other run
train --resume run optim.lr=3.0e-3 data.train=../data/train.h5 train.epochs=3
claim 'other words for the same are no change' "[ $? -eq 0 ]"
refuses 1 'its config asks for' -- mlce-train --resume run train.epochs=4 model.head_size=32 --accept-changes
rm -r run && cp -r other run
mlce-data demo more --sequences 121 --dim 32 >/dev/null
mlce-data demo turned --sequences 120 --dim 32 --seed 9 >/dev/null
refuses 1 'data.train has 121 sequences, had 120' -- mlce-train --resume run data.train=more/train.h5 train.epochs=3
refuses 1 'data.train has ' -- mlce-train --resume run data.train=turned/train.h5 train.epochs=3
train --resume run data.train=more/train.h5 train.epochs=3 --accept-changes
claim 'other data is accepted when told so' "[ $? -eq 0 ] && grep -q 'warning: .*data.train has 121 sequences' stderr"

# ---- What cannot go on ----
refuses 1 'data/config.ini: cannot open' -- mlce-train --resume data
refuses 1 'nowhere/config.ini' -- mlce-train --resume nowhere
refuses 2 '--force' -- mlce-train --resume run --force
refuses 2 '--accept-changes' -- mlce-train streamed.ini --accept-changes
rm -r run && cp -r other run
size=$(stat -c %s run/last.h5)
truncate -s $((size / 2)) run/last.h5
refuses 1 'run/last.h5' -- mlce-train --resume run
cp other/last.h5 run/last.h5
"$python" - 2>/dev/null <<'PYTHON' && has_h5py=yes
import h5py
with h5py.File("run/last.h5", "r+") as f:
    f["/optimizer/m/head.qk.weight" if "head.qk.weight" in f["optimizer/m"] else "/optimizer/m/" + list(f["optimizer/m"])[0]][0, 0] += 1
PYTHON
if [ "${has_h5py:-}" ]; then
    refuses 1 'is damaged: its numbers do not have the checksum' -- mlce-train --resume run
else
    echo 'skipped: damage, no h5py'
fi
rm -r run && cp -r other run
rm run/last.h5
train --resume run train.epochs=2
claim 'without a checkpoint it begins at the beginning, and says so' \
    "[ $? -eq 0 ] && grep -q 'no checkpoint in run yet' stdout && cmp <(without_times run/metrics.jsonl) <(without_times other/metrics.jsonl)"
printf '{"epoch":9,"step":99,"se' >>run/metrics.jsonl
train --resume run
claim 'half a last line of metrics is dropped' "[ $? -eq 0 ] && [ \$(wc -l <run/metrics.jsonl) -eq 2 ] && ! grep -q '\"step\":99' run/metrics.jsonl"

# ---- step-N.h5 in the place of last.h5 ----
train resident.ini train.output=kept train.epochs=2 train.keep_last=3
cp -r kept linked && cp -r kept copied
accepts mlce-export kept --format safetensors -o weights.safetensors
at=$(ls kept | sed -n 's/^step-\([0-9]*\).h5$/\1/p' | sort -n | tail -n 1)
ln -sf nowhere/last.h5 kept/last.h5
refuses 1 'kept/last.h5' 'No such file' -- mlce-train --resume kept
rm kept/last.h5
MLCE_FAULT=1:kill faulty kept/last.h5 mlce-train --resume kept train.keep_last=0 >stdout 2>stderr
code=$?
train --resume kept train.epochs=3 train.keep_last=3
claim 'without last.h5 a run goes on from the last step-N.h5, also after a kill there' \
    "[ $? -eq 0 ] && [ $code -eq 137 ] && grep -q 'going on after step $at .* of kept/step-$at.h5' stdout"
mv kept after && mv copied kept
train --resume kept train.epochs=3
claim 'to the same end' 'same_run kept after'
accepts mlce-import weights.safetensors -o kept --force
claim 'a run that is replaced by weights leaves no checkpoint to go on from' '[ -z "$(ls kept | grep step-)" ]'
ln -sf last.h5 after/best.h5
accepts mlce-import weights.safetensors -o after --force
claim 'weights take the place of a best.h5 that links to a checkpoint' 'mlce-eval after data/dev.h5 >/dev/null'
rm -r after && cp -r linked began && rm began/{last,best}.h5 began/metrics.jsonl
train resident.ini train.output=began train.epochs=1 --force
claim 'a run that was killed before its first last.h5 can be replaced' "[ $? -eq 0 ]"
ln -sf "step-$at.h5" linked/last.h5
cp "linked/step-$at.h5" linked-to.h5
accepts mlce-train --resume linked train.epochs=6
claim 'a step-N.h5 that last.h5 links to is not written to' \
    "[ ! -L linked/last.h5 ] && { [ ! -e linked/step-$at.h5 ] || cmp linked/step-$at.h5 linked-to.h5; }"

# ---- Two at once ----
rm -r run
begin streamed.ini train.epochs=3000
exits 1 mlce-train streamed.ini --force
complains "another process works in this folder (number $pid)"
exits 1 mlce-train --resume run
complains 'another process'
end KILL
train --resume run train.epochs=1
claim 'the lock is gone with the process' "[ $? -eq 0 ]"

# ---- The folder, the data ----
rm -r run
begin streamed.ini train.epochs=3000
mv run gone && rm -r gone
wait $pid
claim 'a folder removed in mid-run is one error' "[ $? -eq 1 ] && [ \$(grep -c error: stderr) -eq 1 ] && grep -q 'run/' stderr"
rm -rf run
begin streamed.ini train.epochs=3000 train.eval_steps=200 train.save_steps=0
for _ in $(seq 400); do [ -e run/best.h5 ] && break || sleep 0.01; done # not while it writes
kill -STOP $pid
mv run gone
mlce-train resident.ini train.epochs=1 >/dev/null || fail 'another run in the place of one that was moved'
before=$(cat run/*.* | cksum)
kill -CONT $pid
wait $pid
claim 'a run whose folder was moved does not write into the one that took its place' \
    "[ $? -eq 1 ] && grep -q 'error: run: the folder was moved or removed' stderr && [ \"$before\" = \"\$(cat run/*.* | cksum)\" ]"
rm -rf run gone
cp -L data/train.h5 cut.h5
begin streamed.ini train.epochs=3000 data.train=cut.h5
truncate -s 30000 cut.h5
wait $pid
claim 'a dataset that shrinks is named, the checkpoint good' \
    "[ $? -eq 1 ] && grep -q 'cut.h5: has been cut from' stderr && mlce-eval run/last.h5 data/dev.h5 >/dev/null"
cp -L data/train.h5 cut.h5
claim 'and the run goes on with the data as it was' "train --resume run train.epochs=1"

# ---- Not finite ----
printf '[data]\ntrain = data/train.h5\n[encoder.1]\ntype = mlp\ndepth = 6\n[optim]\nlr = 1e6\n[train]\noutput = nan\nepochs = 2\n' >nan.ini
train nan.ini
claim 'a loss that is not finite leaves the state before the step' \
    "[ $? -eq 1 ] && grep -q 'error: step [0-9]* (sequences .*of data.train)' stderr && [ -f nan/nan.h5 ]"
train nan.ini train.on_nan=skip train.most_skips=3 --force
claim 'it can be skipped, so many times' \
    "[ $? -eq 1 ] && [ \$(grep -c 'warning: step .*skipped, [123] of 3' stderr) -eq 3 ] && grep -q 'error: 3 steps were skipped' stderr"

printf 'plus%s\nminus%s\n' "$(printf ' 1e30%.0s' {1..32})" "$(printf ' -1e30%.0s' {1..32})" >vectors
printf 'plus O\nminus O\n' >huge.conll
mlce-data convert huge.conll -o huge.h5 --embed vectors:vectors --precision f32 --types-from data/train.h5 >/dev/null || fail huge.h5
printf '[data]\ntrain = data/train.h5\ndev = huge.h5\n[train]\noutput = huge\nepochs = 1\n' >huge.ini
train huge.ini
claim 'scores of dev that are not finite leave the state too' \
    "[ $? -eq 1 ] && grep -q 'error: step [0-9]*, data.dev: huge.h5: sequence 0' stderr && [ -f huge/nan.h5 ]"

# ---- Sweeps ----
begin_sweep() { env --default-signal=INT mlce-train resident.ini --sweep 'optim.lr=sweep(1e-3, 2e-3)' train.output=sweep train.epochs=${1:-12} train.patience=0; }
begin_sweep >stdout 2>stderr
mv sweep whole-sweep
begin_sweep >stdout 2>stderr &
pid=$!
for _ in $(seq 600); do
    [ -s sweep/002/metrics.jsonl ] && break
    sleep 0.02
done
kill -INT $(pgrep -P $pid mlce-train || echo $pid)
wait $pid
claim 'a sweep is stopped' "[ $? -eq 130 ] || [ -f sweep/002/result.txt ]"
before=$(wc -l <sweep/002/metrics.jsonl)
begin_sweep >stdout 2>stderr
claim 'and goes on inside the run' \
    "[ $? -eq 0 ] && cmp sweep/002/best.h5 whole-sweep/002/best.h5 && cmp <(without_times sweep/002/metrics.jsonl) <(without_times whole-sweep/002/metrics.jsonl)"

cp data/train.h5 own.h5
sweep_own() { mlce-train resident.ini --sweep 'optim.lr=sweep(1e-3, 2e-3)' data.train=own.h5 train.output=own train.epochs=1 "$@" >stdout 2>stderr; }
sweep_own
cp turned/train.h5 own.h5
(MLCE_FAULT=1:kill faulty own/001/best.h5 sweep_own --force)
sweep_own
claim 'a sweep that began anew with --force takes nothing over from the one before' \
    "[ $? -eq 0 ] && ! grep -q failed stdout && [ $(grep -c 'kept from before' stdout) -eq 0 ]"
mv own after && sweep_own
claim 'and ends as one that began in no folder' 'cmp own/001/best.h5 after/001/best.h5 && cmp own/002/best.h5 after/002/best.h5'

# ---- Another run's files ----
small=(train.epochs=1 train.save_steps=0 train.output=over)
train resident.ini "${small[@]}" train.seed=1
(cd ../whole && mlce-train ../resident.ini "${small[@]}" train.seed=2 >/dev/null)
MLCE_FAULT=1:kill faulty over/best.h5 mlce-train resident.ini "${small[@]}" train.seed=2 --force >stdout 2>stderr
train --resume over
claim 'a best.h5 that --force had not replaced yet is not taken for its own' 'same_run over ../whole/over'
rm -r over
LD_PRELOAD=$folder/fault.so MLCE_FAULT_PATH=data/dev.h5 MLCE_FAULT=1:stop MLCE_WALK_SECONDS=0 \
    mlce-train resident.ini "${small[@]}" >stdout 2>stderr &
pid=$!
for _ in $(seq 400); do grep -q '^State:.*stopped' /proc/$pid/status && break || sleep 0.05; done
mlce-train resident.ini "${small[@]}" >/dev/null || fail 'the one that is faster'
before=$(cat over/*.h5 | cksum)
kill -CONT $pid
wait $pid
claim 'a run that ended while the data of another was read is not replaced' \
    "[ $? -eq 1 ] && grep -q 'over: exists already' stderr && [ \"$before\" = \"\$(cat over/*.h5 | cksum)\" ]"
rm over/.lock
accepts mlce-eval over data/dev.h5 --find-threshold --store
claim 'what stores into a run that has no lock makes one' '[ -e over/.lock ] && rm over/.lock'
accepts mlce-import weights.safetensors -o over --force
claim 'and so does what replaces it' '[ -e over/.lock ]'
exec 9>over/.lock && flock -n 9
refuses 1 'over: another process works in this folder' -- mlce-eval over data/dev.h5 --find-threshold --store
refuses 1 'over: another process works in this folder' -- mlce-import weights.safetensors -o over --force
exec 9>&-
accepts mlce-eval over data/dev.h5 --find-threshold --store
accepts mlce-import weights.safetensors -o over --force

# ---- Stopped before the first evaluation; no file ----
train resident.ini train.output=young train.epochs=1 train.save_steps=1
rm young/best.h5 young/metrics.jsonl young/result.txt young/report.html
train resident.ini train.output=young train.epochs=1 --force
claim 'a run without an evaluation can be replaced' "[ $? -eq 0 ] && [ -f young/best.h5 ]"
ln -sf /dev/zero young/metrics.jsonl
refuses 1 'young/metrics.jsonl: is no regular file' -- mlce-train --resume young train.epochs=2
rm young/metrics.jsonl && mkfifo young/metrics.jsonl
refuses 1 'young/metrics.jsonl: is no regular file' -- mlce-report young
rm young/metrics.jsonl
printf '{"epoch":%s,"train_loss":1}\n' 9000000000000000000 9000000000000001024 >young/metrics.jsonl
accepts mlce-report young

# ---- Links in the folder, which lead anywhere ----
echo precious >precious
ln -sf ../precious young/report.html && accepts mlce-report young
ln -s ../precious young/model.safetensors
refuses 1 'model.safetensors: is a link' -- mlce-export young --format safetensors
rm young/.lock && ln -s ../precious young/.lock
refuses 1 'young/.lock: cannot write' -- mlce-train --resume young train.epochs=2
rm young/.lock
claim 'a link in the folder is replaced, not followed' \
    "[ ! -L young/report.html ] && [ \"\$(cat precious)\" = precious ]"

# ---- Less data ----
train resident.ini train.output=less train.epochs=1 train.save_steps=1 train.keep_last=5
mv less/step-13.h5 less/last.h5
mlce-data demo less-data --sequences 40 --dim 32 >/dev/null
train --resume less data.train=less-data/train.h5 train.epochs=3 --accept-changes
claim 'with fewer batches than the run had done the next epoch begins, and that is said' \
    "[ $? -eq 0 ] && grep -q 'warning: the run goes on behind batch 13 of epoch 1, which has 5 now: it is over' stderr && tail -n 1 less/metrics.jsonl | grep -q '^{\"epoch\":3,'"

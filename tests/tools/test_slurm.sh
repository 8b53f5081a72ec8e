#!/usr/bin/env bash
# scripts/slurm-train, with what it calls played by scripts.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"

mkdir slurm && printf '#!/bin/sh\necho srun "$@"\nexit ${SRUN_CODE:-0}\n' >slurm/srun &&
    printf '#!/bin/sh\necho scontrol "$@"\n' >slurm/scontrol && chmod +x slurm/*
job() { run env PATH="$folder/slurm:$PATH" SLURM_JOB_ID=7 MLCE_TRAIN=mlce-train "$MLCE_SOURCE/scripts/slurm-train" "$@"; }
# again ARGUMENTS...: after it went back into the queue.
again() { SLURM_RESTART_COUNT=1 job "$@" || fail "the job, again: $*"; }

cat >ner.ini <<'INI'
[data]
output = not/this
[train] ; here
epochs = 2
  output = runs/of file   ; blanks
[model]
INI
mkdir -p one other 'runs/of file' runs/run
touch one/config.ini 'runs/of file/config.ini'

job ner.ini train.output=one --force || fail 'the job'
matches '^srun .* mlce-train ner.ini train.output=one --force$'
says_not scontrol
SRUN_CODE=143 job ner.ini train.output=one
claim 'a job whose time is up goes back into the queue' 'grep -q "^scontrol requeue 7$" stdout'
again ner.ini train.output=one --force
claim 'it goes on with its run' 'grep -q "mlce-train --resume one$" stdout'
again --force ner.ini model.dropout=0.1
claim 'also where the file names the folder' 'grep -q "mlce-train --resume runs/of file$" stdout'
again ner.ini train.output=other --force optim.lr=1
claim 'and with what it was asked for where no run is there yet, but without --force' \
    'grep -q "mlce-train ner.ini train.output=other optim.lr=1$" stdout'
printf '[train]\r\nepochs = 1\r\noutput:one\r\n' >dos.ini
again dos.ini
claim 'lines that end with CR are read too' 'grep -q "mlce-train --resume one$" stdout'
printf '[train]\nepochs = 1\n' >short.ini
touch runs/run/config.ini
again short.ini
claim 'a file that names none means the default' 'grep -q "mlce-train --resume runs/run$" stdout'
again train.epochs=3 --resume other
claim 'a job that began with --resume stays as it is' 'grep -q "mlce-train train.epochs=3 --resume other$" stdout'
claim 'the default is the one of mlce-train' 'mlce-train --help-config | grep -qE "^ +output +runs/run "'

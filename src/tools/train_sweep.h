/* train_sweep.h - `mlce-train --sweep`. */
#ifndef MLCE_TOOLS_TRAIN_SWEEP_H
#define MLCE_TOOLS_TRAIN_SWEEP_H

#include "mlce/train.h"

/* Trains the runs that `config` stands for, prints a line for each and the table at the end, and
   returns the exit code. `train` shows a run: its opening of the first one only, its progress of
   each. */
int mlce_train_sweep(const mlce_config *config, const mlce_train_options *train);

#endif

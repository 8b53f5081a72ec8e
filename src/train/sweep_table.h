/* sweep_table.h - the tables of a sweep as text. */
#ifndef MLCE_TRAIN_SWEEP_TABLE_H
#define MLCE_TRAIN_SWEEP_TABLE_H

#include "train/sweep_record.h"

#define MLCE_SWEEP_FILE "sweep.json"

const char *mlce_run_state_name(mlce_run_state state);

/* A line for each run, columns separated by tabs; on the heap, NULL (message set) on failure. */
char *mlce_sweep_tsv(const mlce_sweep_plan *plan, const mlce_sweep_record *records);

#endif

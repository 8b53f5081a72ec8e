/* sweep_plan.h - which runs a sweep is. */
#ifndef MLCE_TRAIN_SWEEP_PLAN_H
#define MLCE_TRAIN_SWEEP_PLAN_H

#include "core/config_sweep.h"

/* A key with several values. */
typedef struct mlce_sweep_key {
    const char *name; /* the configuration's */
    mlce_config_sweep sweep;
} mlce_sweep_key;

typedef struct mlce_sweep_plan {
    const mlce_config *config; /* with its sweep(...) values; must outlive the plan */
    const char *output;        /* the sweep's folder */
    mlce_sweep_key *keys;      /* a list of seeds is the last */
    int key_count, runs;
    int seeds;     /* runs of each setting: how many values train.seed has; else 1 */
    char **values; /* [runs, key_count] as text */
} mlce_sweep_plan;

/* Plans the runs and checks the configuration of each. Free with mlce_sweep_plan_free(), also after
   a failure. */
mlce_status mlce_sweep_plan_make(const mlce_config *config, mlce_sweep_plan *plan);
void mlce_sweep_plan_free(mlce_sweep_plan *plan);

/* Value `key` of run `run`, both from 0. */
const char *mlce_sweep_plan_value(const mlce_sweep_plan *plan, int run, int key);
/* "optim.lr=0.0003 model.dropout=0.2": the first `keys` settings; on the heap, NULL (message set)
   on failure. */
char *mlce_sweep_plan_settings(const mlce_sweep_plan *plan, int run, int keys);
/* The configuration of a run, for the caller to free. */
mlce_status mlce_sweep_plan_config(const mlce_sweep_plan *plan, int run, mlce_config **config);
/* "001", the name of a run's folder. */
typedef struct mlce_sweep_folder {
    char name[16];
} mlce_sweep_folder;
mlce_sweep_folder mlce_sweep_plan_folder(int run);

#endif

/* sweep.h - many runs from one configuration, each with other values of some keys.
 *
 * A value "sweep(0.1, 0.2, 0.3)" is a list: each of them is tried. For a key that is a number,
 * "sweep(1e-4, 3e-3, log)" is a range to draw from, evenly on a logarithmic scale, and with
 * `linear` evenly. Runs are
 *
 *   - every combination of the lists, in a random order, and after the last from the first again;
 *   - for each combination values drawn from the ranges;
 *   - for each setting so made every train.seed, where that is a list;
 *   - sweep.runs of them, or without ranges, and sweep.runs = 0, all.
 *
 * Order and draws depend on sweep.seed and the lists and ranges alone: with a larger sweep.runs the
 * first runs are the same.
 */
#ifndef MLCE_SWEEP_H
#define MLCE_SWEEP_H

#include "mlce/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlce_run_state { MLCE_RUN_WAITING, MLCE_RUN_FINISHED, MLCE_RUN_FAILED } mlce_run_state;

/* A run of a sweep. Strings are the sweep's, valid during the call. */
typedef struct mlce_sweep_run {
    int number, runs;     /* from 1, of so many */
    const char *settings; /* "optim.lr=0.0003 model.dropout=0.2" */
    mlce_run_state state;
    bool kept;                       /* finished, or failed, when the sweep was started before */
    const mlce_train_result *result; /* of one that finished just now; else NULL */
    double dev_f1;                   /* of one that finished */
    const char *error;               /* of one that failed */
} mlce_sweep_run;

typedef struct mlce_sweep_options {
    mlce_train_options train; /* of each run; with `force` the sweep in the folder is replaced */
    /* Each may be NULL: before a run, and when it is over (with those that are kept at once). */
    void (*begin)(const mlce_sweep_run *run, void *context);
    void (*end)(const mlce_sweep_run *run, void *context);
    void *context;
} mlce_sweep_options;

/* Trains the runs one after the other and leaves in the folder train.output
 *
 *   001, 002, ...    the folder of each run, as mlce_train() leaves it; its config.ini trains it
 *                    again alone
 *   sweep.tsv        a line for each run, the best dev micro F1 first
 *   sweep.json       the same, and with a list of seeds mean and deviation of each setting
 *
 * the two tables from the start, and anew after each run. All configurations are checked, and
 * the first run's data is opened, before anything is written. A sweep in the folder goes on:
 * runs that are in its tables, and whose folders have the configuration that they would have
 * now, are kept, and one that was not finished goes on from its last checkpoint; a folder with
 * another configuration (but for where it lies, how often it is saved and by how many threads)
 * is refused. A run that fails by its own settings, as it would again, is recorded, and the next
 * one begins; one that runs out of memory waits while the others are trained, and MLCE_E_MEMORY
 * is the end; any other failure ends the sweep at once. It goes on with the runs that wait.
 *
 * *table (NULL: not wanted) gets the tables as text, for the caller to free. */
MLCE_API mlce_status mlce_sweep(const mlce_config *config, const mlce_sweep_options *options,
                                char **table);

#ifdef __cplusplus
}
#endif
#endif

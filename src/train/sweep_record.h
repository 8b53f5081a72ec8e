/* sweep_record.h - what came of the runs of a sweep, and its tables. */
#ifndef MLCE_TRAIN_SWEEP_RECORD_H
#define MLCE_TRAIN_SWEEP_RECORD_H

#include "mlce/sweep.h"
#include "train/sweep_plan.h"

typedef struct mlce_sweep_record {
    mlce_run_state state;
    bool is_begun; /* its folder is there: a run that waits goes on from it. Not recorded */
    double dev_f1, test_f1; /* of a finished one, and what follows */
    bool has_test;
    int64_t best_epoch, epochs;
    double seconds;
    char *error; /* of a failed one; on the heap */
} mlce_sweep_record;

/* Reads the folder's sweep.json, where there is one, into records[plan->runs], all of which wait. A
   run that was recorded with other settings is refused. */
mlce_status mlce_sweep_read(const mlce_sweep_plan *plan, mlce_sweep_record *records);
/* Writes sweep.json and sweep.tsv. */
mlce_status mlce_sweep_write(const mlce_sweep_plan *plan, const mlce_sweep_record *records);
/* Both tables for people; on the heap, NULL (message set) on failure. */
char *mlce_sweep_table(const mlce_sweep_plan *plan, const mlce_sweep_record *records);

/* ---- Order ---- */

/* Runs by number from 0: those that finished by falling F1, then those that failed, then those that
   wait. On the heap; NULL (message set) on failure. */
int *mlce_sweep_order(const mlce_sweep_plan *plan, const mlce_sweep_record *records);

/* The runs of one setting that finished, with different seeds. */
typedef struct mlce_sweep_setting {
    int run; /* the first */
    int count;
    double mean,
        deviation; /* of dev F1; the deviation of a sample, 0 where there is one run only */
} mlce_sweep_setting;

/* Settings with a finished run, by falling mean; *count of them, on the heap. */
mlce_status mlce_sweep_settings(const mlce_sweep_plan *plan, const mlce_sweep_record *records,
                                mlce_sweep_setting **settings, int *count);

#endif

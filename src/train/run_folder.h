/* run_folder.h - the folder of a training run and the files in it. */
#ifndef MLCE_TRAIN_RUN_FOLDER_H
#define MLCE_TRAIN_RUN_FOLDER_H

#include "mlce/train.h"

/* Refuses a path that exists, unless `force` and it is a folder. Makes nothing. */
mlce_status mlce_run_folder_check(const char *path, bool force);

/* Makes the folder and those above it; with what a run before left there (config.ini,
   metrics.jsonl, best.h5, last.h5, result.txt) removed. */
mlce_status mlce_run_folder_make(const char *path);

/* "folder/name" on the heap; NULL (message set) on failure. */
char *mlce_run_folder_file(const char *path, const char *name);

/* Appends one line to metrics.jsonl. */
mlce_status mlce_run_folder_log(const char *path, const mlce_train_evaluation *evaluation,
                                bool has_dev);

#endif

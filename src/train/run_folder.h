/* run_folder.h - the folder of a training run and the files in it. */
#ifndef MLCE_TRAIN_RUN_FOLDER_H
#define MLCE_TRAIN_RUN_FOLDER_H

#include "mlce/train.h"

/* Refuses a path that exists, unless `force` and it is an empty folder or one that a run made; and
   one that could not be written. Makes nothing. */
mlce_status mlce_run_folder_check(const char *path, bool force);

/* Makes the folder and those above it. What a run before left there stays for now. */
mlce_status mlce_run_folder_make(const char *path);

/* Removes what a run before left in the folder: metrics, tables, exports. To be called when there
   is something better to put there; checkpoints stay until new ones take their places. */
mlce_status mlce_run_folder_clear(const char *path);

/* "folder/name" on the heap; NULL (message set) on failure. */
char *mlce_run_folder_file(const char *path, const char *name);

/* Appends one line to metrics.jsonl. */
mlce_status mlce_run_folder_log(const char *path, const mlce_train_evaluation *evaluation);

#endif

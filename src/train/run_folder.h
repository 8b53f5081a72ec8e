/* run_folder.h - the folder of a training run and the files in it. */
#ifndef MLCE_TRAIN_RUN_FOLDER_H
#define MLCE_TRAIN_RUN_FOLDER_H

#include "mlce/train.h"

/* Refuses a path that exists, unless it is an empty folder, or one in which a run was killed before
   it began, or `force` and one that a run made; and one that could not be written. With `resume`:
   one that does not hold a run. Makes nothing. */
mlce_status mlce_run_folder_check(const char *path, bool force, bool resume);

/* Whether the folder is empty, or has what a run or a sweep leaves that ended, or was killed,
   before it saved anything. */
bool mlce_run_folder_is_unfinished(const char *path);

/* Makes the folder and those above it. What a run before left there stays for now. */
mlce_status mlce_run_folder_make(const char *path);

/* mlce_folder_lock() for a process that trains there: removes the parts of files that one before
   did not finish. */
mlce_status mlce_run_folder_lock(const char *path, int *lock);

/* What a run goes on from, on the heap: last.h5 or, where there is none, the step-N.h5 with the
   largest N, which was written before it. *file is NULL where there is neither. */
mlce_status mlce_run_folder_checkpoint(const char *path, char **file);

/* Removes what a run before left in the folder: metrics, tables, exports. To be called when there
   is something better to put there; best.h5 stays until the first evaluation. */
mlce_status mlce_run_folder_clear(const char *path);
/* Whether `file` is one that it removes. */
bool mlce_run_folder_clears(const char *path, const char *file);
/* Removes the checkpoints that another run could go on from: last.h5, step-N.h5. */
mlce_status mlce_run_folder_drop_checkpoints(const char *path);
/* Removes the step-N.h5 with N > step, and of the others all but the `keep` with the largest N, but
   for one that last.h5 or best.h5 is a link to. */
mlce_status mlce_run_folder_prune(const char *path, int64_t step, int64_t keep);

mlce_status mlce_run_folder_remove(const char *path, const char *name);
bool mlce_run_folder_has(const char *path, const char *name);
/* Whether `file` is one that the run in the folder is read from: no page, no table, no export. */
bool mlce_run_folder_owns(const char *path, const char *file);

/* "folder/name" on the heap; NULL (message set) on failure. */
char *mlce_run_folder_file(const char *path, const char *name);

/* metrics.jsonl: appends one line, which is on disk when this returns. After a failure the file is
   as it was. */
mlce_status mlce_run_folder_log(const char *path, const mlce_train_evaluation *evaluation);
/* Keeps its first `lines` whole lines; *seconds gets those of the last. */
mlce_status mlce_run_folder_trim_log(const char *path, int64_t lines, double *seconds);

#endif

/* train_stop.h - Ctrl-C and its like: the first ends a training run with a checkpoint, the second
 * ends the process at once. */
#ifndef MLCE_TOOLS_TRAIN_STOP_H
#define MLCE_TOOLS_TRAIN_STOP_H

#include <stdbool.h>

#include "mlce/ranks.h"

/* Catches SIGINT, SIGTERM and SIGHUP, but for those that the caller of the program has it ignore.
   A pipe that nobody reads any more does not end the process. */
void mlce_train_stop_catch(void);
/* From now on the first signal is to be waited for (`on`), or ends the process too: as long as a
   run has made no step there is nothing to save. */
void mlce_train_stop_wait(bool on);
/* For mlce_train_options.stop. */
bool mlce_train_stop_asked(void *context);
/* The exit code that a shell has for the signal: 130 after Ctrl-C; 1 where there was none. */
int mlce_train_stop_code(void);
/* After a stop on several ranks (NULL: none), which one of them may have been told: its signal is
   now that of all. */
void mlce_train_stop_share(const mlce_ranks *ranks);

#endif

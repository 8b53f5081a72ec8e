/* loop.h - the epochs of a run: steps, evaluations, checkpoints. */
#ifndef MLCE_TRAIN_LOOP_H
#define MLCE_TRAIN_LOOP_H

#include "train/session.h"

/* Trains from session->state to the end of the last epoch, or where train.patience ends the run.
   MLCE_E_STOPPED where options->stop asked for it: then last.h5 has the state. */
mlce_status mlce_train_loop(mlce_session *session, mlce_train_result *result);

#endif

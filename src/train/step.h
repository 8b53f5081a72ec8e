/* step.h - one step of training. */
#ifndef MLCE_TRAIN_STEP_H
#define MLCE_TRAIN_STEP_H

#include "train/session.h"

/* What a step did, the same on all ranks but for the time. */
typedef struct mlce_step {
    double loss;     /* mean over the step's sequences */
    int64_t batches; /* that it took */
    int64_t tokens;  /* in them, of all ranks */
    double waiting;  /* seconds, for those behind the first */
    bool skipped;    /* the loss or a gradient was not finite, and the weights are as they were */
    bool stop;       /* with ranks: options->stop asked for it, on some rank */
    bool save;       /* train.save_minutes are over, on the first one */
} mlce_step;

/* `read` is what came of reading the batch: where it is no good, the other ranks have to be told.
   Forward and backward over train.accumulate batches, of which `batch` is the first and the others
   come from session->batcher; Adam; and session->state.step goes up by one. A loss or gradient that
   is not finite leaves the weights as they are: with train.on_nan = skip the step counts as
   skipped, as long as train.most_skips allows; else it is MLCE_E_NUMERIC, and nan.h5 has the state
   before the step. */
mlce_status mlce_train_step(mlce_session *session, const mlce_batch *batch, mlce_status read,
                            mlce_step *step);

/* Writes nan.h5 because of the failure whose message was set last, which stays; `which` tells what
   weights it has. Returns MLCE_E_NUMERIC. */
mlce_status mlce_stop_not_finite(mlce_session *session, const char *which);
/* The name of the first parameter with a number that is not finite, or NULL. */
const char *mlce_find_bad_parameter(const mlce_parameters *parameters);

#endif

/* step.h - one step of training. */
#ifndef MLCE_TRAIN_STEP_H
#define MLCE_TRAIN_STEP_H

#include "train/session.h"

/* Forward, backward, Adam, and session->state.step goes up by one. A loss or gradient that is not
   finite leaves the weights as they are: with train.on_nan = skip the step counts as skipped
   (*skipped), as long as train.most_skips allows; else it is MLCE_E_NUMERIC, and nan.h5 has the
   state before it. */
mlce_status mlce_train_step(mlce_session *session, const mlce_batch *batch, double *loss,
                            bool *skipped);

#endif

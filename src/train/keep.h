/* keep.h - the checkpoints that a run leaves in its folder as it goes. All ranks make these calls;
 * the first one writes, and all learn whether that went well. */
#ifndef MLCE_TRAIN_KEEP_H
#define MLCE_TRAIN_KEEP_H

#include "train/session.h"

/* Writes last.h5, and with train.keep_last step-N.h5. Between evaluations. */
mlce_status mlce_keep_last(mlce_session *session);
/* An evaluation, whose figures are in session->state, while the average is exchanged: a line of
   metrics.jsonl, then last.h5, then best.h5. In this order a run that is killed between two of
   them goes on from last.h5 without a gap: lines behind it are made again, and a best.h5 that it
   should have is written from it. */
mlce_status mlce_keep_evaluation(mlce_session *session, const mlce_train_evaluation *evaluation);
/* Whether train.save_steps asks for a checkpoint now, or train.save_minutes, which are `over`. */
bool mlce_keep_is_due(const mlce_session *session, bool over);

/* Writes nan.h5. */
mlce_status mlce_keep_problem(mlce_session *session, const char *problem);

/* After the state was restored from a checkpoint: what else is in the folder goes back to that. */
mlce_status mlce_keep_return(mlce_session *session);

#endif

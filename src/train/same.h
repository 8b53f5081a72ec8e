/* same.h - whether all ranks train the same. */
#ifndef MLCE_TRAIN_SAME_H
#define MLCE_TRAIN_SAME_H

#include "train/session.h"

/* Before the first step: refuses ranks whose configuration, data or checkpoint is another than that
   of the first rank. */
mlce_status mlce_same_start(mlce_session *session);

/* Now and then: where the weights are no longer the same bits - ranks on processors of different
   kinds round differently - all take those of the first rank, with a warning the first time. */
mlce_status mlce_same_weights(mlce_session *session);

#endif

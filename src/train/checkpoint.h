/* checkpoint.h - a model and the state of its training in one HDF5 file.
 *
 * What weights.h describes, with format = "mlce-checkpoint", and
 *
 *   /  attributes        epoch, step, adam_steps, stale, seed, best_f1, best_loss
 *   /optimizer/m/NAME, /optimizer/v/NAME    Adam's moments
 *   /optimizer/weights/NAME    with optim.ema: what training goes on with, while /parameters is the
 *                              average
 *
 * The random state is seed and step: every draw is a function of them.
 */
#ifndef MLCE_TRAIN_CHECKPOINT_H
#define MLCE_TRAIN_CHECKPOINT_H

#include "mlce/model.h"
#include "mlce/optim.h"

/* Where a training run stands. */
typedef struct mlce_train_state {
    int64_t epoch;             /* epochs that are complete */
    int64_t step;              /* steps that are complete */
    int64_t stale;             /* evaluations in a row without a better one */
    double best_f1, best_loss; /* of the best evaluation on dev; best_f1 = -1 before the first */
} mlce_train_state;

/* Writes the file whole or not at all. With optim.ema the average is in the model, exchanged. */
mlce_status mlce_checkpoint_write(const char *path, mlce_model *model, mlce_adam *adam,
                                  const mlce_train_state *state);

#endif

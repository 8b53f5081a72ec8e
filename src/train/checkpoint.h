/* checkpoint.h - a model and the state of its training in one HDF5 file.
 *
 * What weights.h describes, with format = "mlce-checkpoint", and
 *
 *   /  attributes             the members of mlce_train_state, adam_steps, seed, and state_crc32,
 *                             the CRC-32 of those numbers as text, adam_steps first; problem, of
 *                             a nan.h5: what was wrong
 *   /optimizer/m/NAME,
 *   /optimizer/v/NAME         Adam's moments
 *   /optimizer/weights/NAME   with optim.ema: what training goes on with, while /parameters is
 *                             the average
 *
 * The random state is seed and step: every draw is a function of them. No times are stored: a run
 * that was interrupted leaves the same bytes as one that was not.
 */
#ifndef MLCE_TRAIN_CHECKPOINT_H
#define MLCE_TRAIN_CHECKPOINT_H

#include "data/hdf5.h"
#include "mlce/model.h"
#include "mlce/optim.h"

/* What of a split must be the same for a run to go on. */
typedef struct mlce_split_state {
    int64_t sequences, tokens, spans, width;
    int64_t checksum; /* of offsets, spans and the embeddings of some sequences */
} mlce_split_state;

/* The mean of the steps' losses since some point. */
typedef struct mlce_loss_meter {
    double loss; /* summed */
    int64_t steps;
} mlce_loss_meter;

/* Where a training run stands. */
typedef struct mlce_train_state {
    int64_t epoch;       /* epochs that are complete */
    int64_t batch;       /* batches of the next one that are done */
    int64_t step;        /* steps that are complete, with those skipped */
    int64_t skipped;     /* steps whose loss or gradient was not finite */
    int64_t batches;     /* of the first epoch; the steps of the run are planned with it */
    int64_t evaluations; /* lines of metrics.jsonl */
    int64_t evaluated;   /* the step of the last one */
    int64_t stale;       /* evaluations in a row without a better one */
    int64_t best_epoch, best_step;
    double best_f1, best_loss; /* of the best evaluation on dev; best_f1 = -1 before the first */
    mlce_loss_meter in_epoch, in_interval; /* since the epoch, or the last evaluation, began */
    mlce_split_state train, dev, test;     /* all 0 where a split is not given */
    int64_t blocks; /* checksum of those that data.train is read in; 0: it is in memory */
} mlce_train_state;

/* Writes the file whole or not at all. With optim.ema the average is in the model, exchanged.
   `problem`: NULL, or what a nan.h5 is for. */
mlce_status mlce_checkpoint_write(const char *path, mlce_model *model, mlce_adam *adam,
                                  const mlce_train_state *state, const char *problem);

/* The state in an open checkpoint. */
mlce_status mlce_checkpoint_read_state(const mlce_h5 *file, mlce_train_state *state);

/* Weights and the optimizer's state from an open checkpoint: what training goes on with is then in
   the model. A checkpoint without an average gives the average its weights to start from. */
mlce_status mlce_checkpoint_restore(const mlce_h5 *file, mlce_model *model, mlce_adam *adam);

#endif

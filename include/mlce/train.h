/* train.h - training from a configuration, and evaluation. */
#ifndef MLCE_TRAIN_H
#define MLCE_TRAIN_H

#include "mlce/metrics.h"
#include "mlce/model.h"
#include "mlce/ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Predicts the dataset (which mlce_model_accepts() must have accepted) and counts against its gold
   spans, or labels (those with weights count from 0.5 on). `metrics` comes initialised for the
   model's types, and is added to. `loss` may be NULL. */
MLCE_API mlce_status mlce_evaluate(mlce_model *model, mlce_dataset *dataset, mlce_metrics *metrics,
                                   double *loss);

/* Where a run is, after a step. */
typedef struct mlce_train_progress {
    mlce_task task;        /* with MLCE_TASK_LABELS "tokens" are items */
    int64_t epoch, epochs; /* epoch counts from 1 */
    int64_t step, steps;   /* of the whole run */
    double loss;           /* mean over the epoch so far */
    double lr;
    double tokens_per_second; /* since the epoch began, without evaluations */
    double waiting;           /* the share of that time in which it waited for data */
    double seconds_left;      /* of training, at this speed */
} mlce_train_progress;

/* An evaluation on the dev data. */
typedef struct mlce_train_evaluation {
    mlce_task task;
    int64_t epoch, step;
    double train_loss; /* mean since the last evaluation */
    bool has_dev;      /* the next three are of the dev data */
    double dev_loss;
    mlce_score micro, macro;
    bool best;                /* the best so far: saved as best.h5 */
    double tokens_per_second; /* of training since the last evaluation, or the run went on */
    double waiting;           /* the share of that time in which it waited for data */
    double seconds;           /* of the run, up to evaluations before it was interrupted included */
} mlce_train_evaluation;

/* The end of a run. The tables are owned by the result. */
typedef struct mlce_train_result {
    mlce_task task;
    int64_t steps, epochs; /* epochs: begun */
    double seconds;        /* of training and evaluation, as those of an evaluation */
    double tokens_per_second;
    double best_f1;
    int64_t best_epoch;
    bool has_dev, has_test;
    bool stopped_early; /* by train.patience */
    bool was_finished;  /* options->resume found no step left to do */
    char *dev_table;    /* mlce_metrics_table() of the best checkpoint; NULL without data.dev */
    char *test_table;
    double dev_f1, test_f1;
} mlce_train_result;

MLCE_API void mlce_train_result_free(mlce_train_result *result);

typedef struct mlce_train_options {
    bool force; /* replace the run in an output folder that exists */
    /* Go on with the run in the output folder, from its last checkpoint, to the same bits that it
       would have come to without the interruption; from the start where it has none. A
       configuration or data that are not those of the checkpoint are refused, unless
       accept_changes; but free to change are keys that say where, how fast, how long and how
       safely: train.epochs, train.patience, train.threads, train.save_*, train.keep_last,
       train.on_nan, train.most_skips, data.memory (unless it changes whether data.train is in
       memory, and so its order), data.check_rows, and the paths of data. */
    bool resume;
    bool accept_changes;
    /* Whether to end the run here, asked after each step and often during an evaluation: then the
       state is saved and mlce_train() returns MLCE_E_STOPPED. May be NULL. A signal handler may set
       what it returns. */
    bool (*stop)(void *context);
    /* Each may be NULL. `line` gets the first lines of a run, without newline: threads, vector
       instructions, OpenBLAS, data and where it is kept, the model. */
    void (*line)(const char *text, void *context);
    void (*progress)(const mlce_train_progress *progress, void *context);
    void (*evaluated)(const mlce_train_evaluation *evaluation, void *context);
    void *context;
    /* Train together with other processes, on the same bytes of configuration and data, each on its
       part of every batch. Rank 0 alone writes, in a folder that all can read; the callbacks above
       are called on every rank, and what stop() asks for on one, all do. To the last bits (those of
       sums in another order) the result does not depend on how many there are. NULL: alone. */
    const mlce_ranks *ranks;
} mlce_train_options;

/* Trains as `config` says (with optim.ema, what is evaluated and saved is the weights' average)
 * and leaves in the folder train.output
 *
 *   config.ini       the configuration as used
 *   metrics.jsonl    one JSON object an evaluation
 *   best.h5          the checkpoint with the best dev micro F1, of several the one with the lowest
 *                    dev loss (the last one, without data.dev)
 *   last.h5          the last checkpoint: after an evaluation, every train.save_steps and
 *                    train.save_minutes, and where options->stop ended the run
 *   step-N.h5        with train.keep_last, the last ones
 *   nan.h5           the state before a step whose loss or gradient was not finite, or whose
 *                    scores of dev are not
 *   result.txt       the tables of dev and test, by the best checkpoint
 *   report.html      the run to look at (report.h)
 *
 * Each file is replaced by a whole one or not at all. The folder is locked for other processes, and
 * made after configuration and data have been found right; one that exists is refused unless
 * options->force or resume. `result` may be NULL; free it with mlce_train_result_free(). */
MLCE_API mlce_status mlce_train(const mlce_config *config, const mlce_train_options *options,
                                mlce_train_result *result);

#ifdef __cplusplus
}
#endif
#endif

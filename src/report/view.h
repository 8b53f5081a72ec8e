/* view.h - what is known of a run: what its folder says, and what its best model does on its data.
 */
#ifndef MLCE_REPORT_VIEW_H
#define MLCE_REPORT_VIEW_H

#include <jansson.h>

#include "mlce/train.h"
#include "report/errors.h"
#include "report/statistics.h"

typedef enum mlce_split { MLCE_TRAIN, MLCE_DEV, MLCE_TEST, MLCE_SPLITS } mlce_split;
extern const char *const mlce_split_names[MLCE_SPLITS]; /* "train", "dev", "test" */

typedef struct mlce_view {
    const char *run; /* the folder as it was given */
    char *name;      /* of the folder itself */
    mlce_model *model;
    json_t *config;                     /* {"optim.lr": "0.001", ...}, keys sorted */
    mlce_train_evaluation *evaluations; /* none of a run that was imported */
    size_t evaluation_count, evaluation_capacity;
    size_t best; /* the evaluation whose model is kept */

    mlce_dataset *data[MLCE_SPLITS]; /* NULL: the run has no such split, or it is missing */
    char *missing[MLCE_SPLITS];      /* why it is missing; NULL: it is not */
    bool has_text;                   /* of dev */
    mlce_statistics statistics[MLCE_SPLITS];
    bool has_metrics[MLCE_SPLITS];
    mlce_metrics metrics[MLCE_SPLITS]; /* of the best model; not for train */
    mlce_errors errors;                /* on dev */
    bool borrows;                      /* model and data are someone else's */
    const mlce_train_options *options; /* whose `stop` ends the predictions; may be NULL */
} mlce_view;

/* Reads the run's folder, opens the data its configuration names, and predicts dev and test. Data
   that cannot be had is no failure: `missing` says why. */
mlce_status mlce_view_open(const char *run, mlce_view *view);

/* The same with a model and data that are open; each of the data may be NULL. They must outlive the
   view. MLCE_E_STOPPED where options->stop asks for it. */
mlce_status mlce_view_of(const char *run, mlce_model *model, mlce_dataset *const *data,
                         const mlce_train_options *options, mlce_view *view);
void mlce_view_free(mlce_view *view);

/* The evaluation whose model is kept; of a run without any, zeros. */
const mlce_train_evaluation *mlce_view_best(const mlce_view *view);

/* A value of the configuration; "" where it has no effect. */
const char *mlce_view_setting(const mlce_view *view, const char *key);

#endif

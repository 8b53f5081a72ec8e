/* calibration.h - scores turned into probabilities, and how far those can be trusted.
 *
 *   p(s) = 1 / (1 + e^-(a s + b))     that what scores s is right
 *
 * a and b are those of logistic regression on candidates from labelled data, with Platt's targets
 * (R + 1) / (R + 2) for the R right ones and 1 / (W + 2) for the W wrong ones, which keep a and b
 * finite where a score parts them perfectly (Platt 1999; Lin, Lin and Weng 2007).
 *
 * The candidates are what is predicted, and as many again of what is not, the nearest below the
 * threshold: probabilities are for what is predicted, or might be with another threshold. All
 * pairs of tokens would be no better: nearly all of them score far below, and would decide a and b
 * where nobody asks.
 */
#ifndef MLCE_TRAIN_CALIBRATION_H
#define MLCE_TRAIN_CALIBRATION_H

#include "mlce/model.h"
#include "train/cuts.h"

/* A tenth of the probabilities from 0 to 1. */
typedef struct mlce_bin {
    int64_t count, right;
    double probability; /* the mean */
} mlce_bin;

enum { MLCE_BINS = 10 };

/* What probabilities are worth. */
typedef struct mlce_reliability {
    int64_t count, right;
    double error;    /* expected calibration error: sum over bins of count / all * |right / count -
                        probability| (Naeini et al. 2015) */
    double log_loss; /* mean of -log of the probability of what was the case */
    mlce_bin bins[MLCE_BINS];
} mlce_reliability;

mlce_reliability mlce_reliability_of(const mlce_candidate *items, size_t count,
                                     mlce_calibration calibration);

/* Fits a and b by Newton's method. MLCE_E_DATA where nothing is right, or nothing wrong, or what
   scores higher is not right more often. */
mlce_status mlce_calibration_fit(const mlce_candidate *items, size_t count,
                                 mlce_calibration *calibration);

/* One calibration on all candidates, and on those that are predicted. */
typedef struct mlce_calibrated {
    mlce_calibration calibration;
    mlce_reliability candidates, predicted;
} mlce_calibrated;

typedef struct mlce_calibration_report {
    mlce_calibrated plain;  /* slope 1, intercept 0: 1 / (1 + e^-s) */
    mlce_calibrated stored; /* the model's own; {0} where it has none */
    mlce_calibrated fitted;
} mlce_calibration_report;

/* Predicts the dataset, which mlce_model_accepts() must have accepted, finds the candidates, and
   fits to them. The model is as before at the end. */
mlce_status mlce_calibrate(mlce_model *model, mlce_dataset *dataset,
                           mlce_calibration_report *report);

#endif

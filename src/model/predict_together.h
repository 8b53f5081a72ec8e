/* predict_together.h - mlce_predict() by several ranks. */
#ifndef MLCE_MODEL_PREDICT_TOGETHER_H
#define MLCE_MODEL_PREDICT_TOGETHER_H

#include "model/predictor.h"

/* mlce_predict() for a model with ranks; *loss_sum (may be NULL) gets the sum over sequences. */
mlce_status mlce_predict_together(const mlce_model *model, mlce_dataset *dataset,
                                  mlce_prediction_fn *callback, void *context, double *loss_sum);

#endif

/* average.h - what model.c has for averages of models. */
#ifndef MLCE_MODEL_AVERAGE_H
#define MLCE_MODEL_AVERAGE_H

#include "mlce/model.h"

/* The average of models that go together, which it owns on success. */
mlce_status mlce_model_join(mlce_model *const *models, int count, mlce_model **average);

/* How many of the best scores are predicted; 0: those over the thresholds. */
int mlce_model_top(const mlce_model *model);

#endif

/* calibrate.h - `mlce-eval --calibrate`. */
#ifndef MLCE_TOOLS_CALIBRATE_H
#define MLCE_TOOLS_CALIBRATE_H

#include <stdbool.h>

#include "mlce/model.h"

/* Fits probabilities to the dataset, prints how far they can be trusted, and with `store` puts them
   into the model's file. */
mlce_status mlce_tool_calibrate(const char *run, mlce_model *model, mlce_dataset *dataset,
                                bool store, bool json);

#endif

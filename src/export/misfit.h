/* misfit.h - what keeps the tensors of a file from being the parameters of a model. */
#ifndef MLCE_EXPORT_MISFIT_H
#define MLCE_EXPORT_MISFIT_H

#include "export/safetensors.h"
#include "mlce/model.h"

/* The features a token for which the file's tensors are those of the model that `config` describes.
   MLCE_E_DATA where there is none; the message lists what is missing, surplus, and of another
   shape. */
mlce_status mlce_find_width(const mlce_tensors *tensors, const mlce_config *config,
                            const char *const *types, int type_count, int *width);

#endif

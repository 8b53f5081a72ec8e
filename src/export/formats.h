/* formats.h - the writers of the export formats: each makes the file `part`, which is to become
   `path` (the name for messages). */
#ifndef MLCE_EXPORT_FORMATS_H
#define MLCE_EXPORT_FORMATS_H

#include "mlce/model.h"

typedef mlce_status mlce_export_fn(mlce_model *model, const char *part, const char *path);

mlce_export_fn mlce_export_safetensors, mlce_export_onnx, mlce_export_hdf5;

#endif

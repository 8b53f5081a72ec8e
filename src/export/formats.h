/* formats.h - the writers of the export formats: each makes the file `part`, which is to become
   `path` (the name for messages). */
#ifndef MLCE_EXPORT_FORMATS_H
#define MLCE_EXPORT_FORMATS_H

#include "core/file.h"
#include "mlce/model.h"

typedef mlce_status mlce_export_fn(mlce_model *model, const char *part, const char *path);

mlce_export_fn mlce_export_safetensors, mlce_export_onnx, mlce_export_hdf5;

/* mlce_export(), to a path that is the user's own or not. */
mlce_status mlce_export_to(mlce_model *model, const char *format, const char *path,
                           mlce_links links);

#endif

/* export.h - a model's weights for other programs. */
#ifndef MLCE_EXPORT_H
#define MLCE_EXPORT_H

#include "mlce/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the model to `path`, whole or not at all, in one of the formats
 *
 *   safetensors   F32 tensors named as the parameters; __metadata__ has format = "mlce", version,
 *                 task ("spans" or "labels"), config (a flat JSON object), types (a JSON array),
 *                 thresholds (a JSON array, of a model that has them), width, embedding
 *   onnx          the forward pass, opset 17, with the same metadata. Inputs: embeddings, float32
 *                 [batch, length, width], sequences padded at their ends with anything; lengths,
 *                 int64 [batch]. Output: scores, float32 [batch, types, length, length], those of
 *                 the spans from token i to token j (both included), -1e12 where there is none: j
 *                 before i, in the padding, or wider than model.max_width. For items length is 1
 *                 and the scores are [batch, types]. MLCE_E_ARGUMENT in a build without ONNX, and
 *                 for a model over 2 GiB
 *   hdf5          /parameters/NAME [rows, cols] float32, /types; the root attributes have format =
 *                 "mlce-weights", version, config, width, embedding. mlce_model_load() reads it too
 *
 * A format that does not exist is MLCE_E_ARGUMENT, and the message lists those that do. */
MLCE_API mlce_status mlce_export(mlce_model *model, const char *format, const char *path);

/* Names of the formats by index, from 0 on; NULL after the last. */
MLCE_API const char *mlce_export_format(int index);

#ifdef __cplusplus
}
#endif
#endif

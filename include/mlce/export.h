/* export.h - a model's weights for other programs, and from them. */
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

/* A model with the weights of a safetensors file, made by mlce_export() or by another program under
 * the same names, in F64, F32, F16 or BF16. Dimensions of 1 do not count: a bias is [n] or [1, n].
 *
 * `types`: a text file with a type's name on each line, or a dataset; NULL: those that the file's
 * metadata has under "types". Thresholds and embedding are the metadata's where it has them. The
 * features a token are what the weights' shapes leave.
 *
 * MLCE_E_DATA where the file is not right (nothing in it is trusted), a number is not finite, or
 * the tensors are not the parameters of the model that `config` describes: the message lists what
 * is missing, what is surplus, and what is of another shape. Free with mlce_model_free(). */
MLCE_API mlce_status mlce_import(const char *path, const mlce_config *config, const char *types,
                                 mlce_model **model);
/* Sets the keys that the metadata of such a file has under "config"; MLCE_E_DATA where it has none.
 */
MLCE_API mlce_status mlce_import_config(const char *path, mlce_config *config);

/* Names of the formats by index, from 0 on; NULL after the last. */
MLCE_API const char *mlce_export_format(int index);

#ifdef __cplusplus
}
#endif
#endif

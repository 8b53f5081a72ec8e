/* metadata.h - what an exported model says of itself beside its weights: texts by key.
 *
 *   format       "mlce"
 *   version      of the library
 *   task         "spans" or "labels"
 *   config       a flat JSON object of texts
 *   types        a JSON array of texts
 *   thresholds   a JSON array of numbers: scores over these are predicted; absent with topk_ce and
 *                softmax_ce
 *   width        features a token of the datasets it is for
 *   input_width  of its input: those, then the shape features (mlce/shape.h) that the config has
 *   embedding    what made the embeddings
 */
#ifndef MLCE_EXPORT_METADATA_H
#define MLCE_EXPORT_METADATA_H

#include <jansson.h>

#include "mlce/model.h"

/* As a JSON object of texts, to be freed with json_decref(); NULL when out of memory. */
json_t *mlce_export_metadata(mlce_model *model);

#endif

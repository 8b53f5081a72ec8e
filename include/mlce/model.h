/* model.h - a model: dropout on the embeddings, a stack of encoders, a head.
 *
 * models/ has one file for each encoder and head: its configuration keys, its parameters, its
 * forward pass. src/model/registry.c lists them.
 */
#ifndef MLCE_MODEL_H
#define MLCE_MODEL_H

#include "mlce/config.h"
#include "mlce/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_model mlce_model;

/* A model as `config` describes it, for embeddings of `width` features and the given types, with
   start values from the key train.seed. The config and the names are copied. */
MLCE_API mlce_status mlce_model_new(const mlce_config *config, int width,
                                    const char *const *type_names, int types, mlce_model **model);
MLCE_API void mlce_model_free(mlce_model *model);

MLCE_API const mlce_config *mlce_model_config(const mlce_model *model);
MLCE_API mlce_parameters *mlce_model_parameters(const mlce_model *model);
MLCE_API int mlce_model_width(const mlce_model *model);
MLCE_API int mlce_model_types(const mlce_model *model);
MLCE_API const char *const *mlce_model_type_names(const mlce_model *model);
/* What made the embeddings the model was trained on; "" when not known. */
MLCE_API const char *mlce_model_embedding(const mlce_model *model);
MLCE_API mlce_status mlce_model_set_embedding(mlce_model *model, const char *embedding);

/* The forward pass over a packed batch, built in `graph`; the loss of its gold spans follows by
   mlce_span_loss_op(), its spans by mlce_span_decode(). Failures are recorded in the graph. */
MLCE_API mlce_span_factors mlce_model_forward(mlce_model *model, mlce_graph *graph,
                                              const mlce_batch *batch);

/* Whether a dataset's features fit the model; also brings its types into the model's order.
   MLCE_E_DATA says what differs. */
MLCE_API mlce_status mlce_model_accepts(const mlce_model *model, mlce_dataset *dataset);

/* Reads the model of a run folder (its best checkpoint) or of a checkpoint file. */
MLCE_API mlce_status mlce_model_load(const char *path, mlce_model **model);

/* The file that mlce_model_load() reads for `path`: RUN/best.h5 for a folder, else the path
   itself; on the heap, for the caller to free. NULL (message set) on failure. */
MLCE_API char *mlce_model_file(const char *path);

/* ---- Using a model ---- */

/* Called for each sequence of a dataset in turn with its predicted spans (sorted by start, end,
   type; valid during the call). Any other status than MLCE_OK stops and is passed on. */
typedef mlce_status mlce_prediction_fn(int64_t sequence, const mlce_scored_span *spans,
                                       size_t count, void *context);

/* Predicts the whole dataset, which mlce_model_accepts() must have accepted. The batches follow the
   model's config, so the same model and data give the same bits. If `loss` is not NULL it gets the
   mean loss over sequences and types. */
MLCE_API mlce_status mlce_predict(mlce_model *model, mlce_dataset *dataset,
                                  mlce_prediction_fn *callback, void *context, double *loss);

#ifdef __cplusplus
}
#endif
#endif

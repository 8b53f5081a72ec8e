/* model.h - a model: dropout on the embeddings, a stack of encoders, a head.
 *
 * models/ has one file for each encoder and head: its configuration keys, its parameters, its
 * forward pass. src/model/registry.c lists them.
 */
#ifndef MLCE_MODEL_H
#define MLCE_MODEL_H

#include "mlce/config.h"
#include "mlce/ranks.h"
#include "mlce/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_model mlce_model;

/* Refuses (MLCE_E_CONFIG) keys that fit no data: what can be said before any data is read. */
MLCE_API mlce_status mlce_model_check(const mlce_config *config);
/* A model as `config` describes it, for embeddings of `width` features and the given types, with
   start values from the key train.seed. The config and the names are copied. */
MLCE_API mlce_status mlce_model_new(const mlce_config *config, int width,
                                    const char *const *type_names, int types, mlce_model **model);
MLCE_API void mlce_model_free(mlce_model *model);

MLCE_API const mlce_config *mlce_model_config(const mlce_model *model);
MLCE_API mlce_parameters *mlce_model_parameters(const mlce_model *model);
/* What the head is for. */
MLCE_API mlce_task mlce_model_task(const mlce_model *model);
/* Features a token of the datasets it is for. */
MLCE_API int mlce_model_width(const mlce_model *model);
/* Features a token of the batches it is for: those of the dataset, then the shape features
   (mlce/shape.h) that features.shape asks for. A batch of another width fails in
   mlce_model_forward(): mlce_batch_options.shape = mlce_shape_options_from(config) makes it right.
 */
MLCE_API int mlce_model_input_width(const mlce_model *model);
MLCE_API int mlce_model_types(const mlce_model *model);
MLCE_API const char *const *mlce_model_type_names(const mlce_model *model);
/* Takes from the data that the model will be trained on what features.standardise asks for: the
   mean and deviation of each column of the embeddings, over all sequences or, of large data, evenly
   chosen ones. Once, before training; mlce_train() does it. Nothing to do without that key. */
MLCE_API mlce_status mlce_model_fit_input(mlce_model *model, mlce_dataset *train);
/* What made the embeddings the model was trained on; "" when not known. */
MLCE_API const char *mlce_model_embedding(const mlce_model *model);
MLCE_API mlce_status mlce_model_set_embedding(mlce_model *model, const char *embedding);
/* [types]: what scores over these is predicted; all 0 unless set. The model's own memory, which the
   caller may write; part of the model wherever it is saved. */
MLCE_API float *mlce_model_thresholds(mlce_model *model);
/* Whether they decide: not with topk_ce and softmax_ce, which predict the best scores. */
MLCE_API bool mlce_model_has_thresholds(const mlce_model *model);
/* Puts the model's thresholds into the file that mlce_model_load() reads for `path`, which must be
   of this model: whole or not at all. MLCE_E_IO while a run trains in that folder. */
MLCE_API mlce_status mlce_model_store_thresholds(mlce_model *model, const char *path);

/* How probable it is that what scores s is right (Platt 1999): 1 / (1 + e^-(slope s + intercept)).
   slope > 0; {0, 0}: the model is not calibrated, no probabilities are known. */
typedef struct mlce_calibration {
    float slope, intercept;
} mlce_calibration;

MLCE_API double mlce_probability(mlce_calibration calibration, float score);
MLCE_API mlce_calibration mlce_model_calibration(const mlce_model *model);
/* Part of the model wherever it is saved. */
MLCE_API void mlce_model_set_calibration(mlce_model *model, mlce_calibration calibration);
/* Puts it into the file that mlce_model_load() reads for `path`, like the thresholds. */
MLCE_API mlce_status mlce_model_store_calibration(mlce_model *model, const char *path);

/* What the head makes of a batch. */
typedef struct mlce_output {
    mlce_task task;
    mlce_span_factors factors; /* MLCE_TASK_SPANS */
    mlce_node *scores;         /* MLCE_TASK_LABELS: [items, types]; with threshold_ce less s_0 */
} mlce_output;

/* The forward pass over a packed batch, built in `graph`. Failures are recorded in the graph. */
MLCE_API mlce_output mlce_model_forward(const mlce_model *model, mlce_graph *graph,
                                        const mlce_batch *batch);
/* The configured loss of the batch's gold spans  ->  [1, 1] */
MLCE_API mlce_node *mlce_model_loss(const mlce_model *model, mlce_graph *graph,
                                    const mlce_output *output, const mlce_batch *batch);
/* The predicted spans of the batch, by the rule of the configured loss: over the thresholds, or for
   topk_ce and softmax_ce the best ones. */
MLCE_API mlce_status mlce_model_decode(const mlce_model *model, const mlce_output *output,
                                       const mlce_batch *batch, mlce_span_list *list);

/* Whether a dataset's task and features fit the model, and its tokens have the text that shape
   features need; also brings its types into the model's order. MLCE_E_DATA says what differs,
   MLCE_E_CONFIG which encoder is not for such data. */
MLCE_API mlce_status mlce_model_accepts(const mlce_model *model, mlce_dataset *dataset);

/* Reads the model of a run folder (its best checkpoint), of a checkpoint file, or of weights
   exported as hdf5. */
MLCE_API mlce_status mlce_model_load(const char *path, mlce_model **model);

/* A model whose scores are the mean of those of the models: an ensemble, for predicting. The models
   are the average's from then on, and freed with it; on failure they stay the caller's. They may
   differ in encoders, sizes, heads and losses, but have the same task, types in the same order,
   width, model.max_width, and rule of what is predicted (over thresholds, or so many best ones);
   else MLCE_E_ARGUMENT says what differs. Its thresholds are the means of theirs, and its
   calibration's numbers too where all are calibrated (else it is not), its loss, batches and
   configuration the first one's. It has no parameters of its own: it cannot be trained, saved or
   exported. */
MLCE_API mlce_status mlce_model_average(mlce_model *const *models, int count, mlce_model **average);
/* The average of the models that mlce_model_load() reads; of one path, that model itself. */
MLCE_API mlce_status mlce_model_load_average(const char *const *paths, int count,
                                             mlce_model **model);
/* Of how many models it is the average; 0: of none, it is a model itself. */
MLCE_API int mlce_model_members(const mlce_model *model);

/* The file that mlce_model_load() reads for `path`: RUN/best.h5 for a folder, else the path
   itself; on the heap, for the caller to free. NULL (message set) on failure. */
MLCE_API char *mlce_model_file(const char *path);

/* ---- Using a model ---- */

/* The prediction for one sequence. */
typedef struct mlce_prediction {
    int64_t sequence;              /* in the dataset, or among those of mlce_predictor_run() */
    const mlce_scored_span *spans; /* sorted by start, end, type */
    size_t count;
    const float *scores; /* MLCE_TASK_LABELS: of all types; else NULL */
} mlce_prediction;

/* Predicts embeddings in memory. Any number of threads may share a model, each with a predictor of
   its own, while none writes its thresholds or parameters; mlce/threads.h says how many OpenMP
   threads each should have. */
typedef struct mlce_predictor mlce_predictor;

/* `model` is not copied and must outlive the predictor. Free with mlce_predictor_free(). */
MLCE_API mlce_status mlce_predictor_new(const mlce_model *model, mlce_predictor **predictor);
/* NULL is allowed. */
MLCE_API void mlce_predictor_free(mlce_predictor *predictor);

/* The spans (or labels) of some sequences.

     offsets      [sequences+1]: sequence s is the rows offsets[s] .. offsets[s+1], from 0 on; a
                  sequence may be empty. NULL: each row is a sequence, as for items with labels
     embeddings   [offsets[sequences], width], of what mlce_model_embedding() names; width as of
                  mlce_model_width(): K * D where the model mixes K layers
     tokens       [offsets[sequences]] the tokens as written, UTF-8: for a model with
   features.shape, whose mlce_model_input_width() is more than its width; not read for others
     *predictions [sequences], the predictor's own, valid until its next call; NULL on failure

   Any number of sequences may be given at once: they are worked through in batches of the size the
   model was trained with, as in mlce_predict(), and the same sequences give the same bits there.

   MLCE_E_ARGUMENT  offsets that fall, items of a labels model that are not one row each, or no
                    tokens for a model that needs them
   MLCE_E_NUMERIC   an embedding that is not finite, or so large that a score is not; the message
                    names the sequence */
MLCE_API mlce_status mlce_predictor_run(mlce_predictor *predictor, int sequences,
                                        const int *offsets, const float *embeddings,
                                        const char *const *tokens,
                                        const mlce_prediction **predictions);

/* Called for each sequence of a dataset in turn; the prediction is valid during the call. Any other
   status than MLCE_OK stops and is passed on. */
typedef mlce_status mlce_prediction_fn(const mlce_prediction *prediction, void *context);

/* From then on mlce_predict() with this model, and what stands on it, shares the work with other
   processes: all ranks call it for the same model and data, each computes every count-th batch, and
   each is given all predictions, the same bits as without ranks. A failure on one of them, also of
   a callback, is all of them's. `ranks` must outlive the model; NULL (the start): alone. */
MLCE_API void mlce_model_set_ranks(mlce_model *model, const mlce_ranks *ranks);

/* Predicts the whole dataset, which mlce_model_accepts() must have accepted. The batches follow the
   model's config, so the same model and data give the same bits. If `loss` is not NULL it gets the
   mean loss over sequences and types. */
MLCE_API mlce_status mlce_predict(const mlce_model *model, mlce_dataset *dataset,
                                  mlce_prediction_fn *callback, void *context, double *loss);

#ifdef __cplusplus
}
#endif
#endif

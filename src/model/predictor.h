/* predictor.h - a model's predictions of one batch at a time. */
#ifndef MLCE_MODEL_PREDICTOR_H
#define MLCE_MODEL_PREDICTOR_H

#include "mlce/batch.h"
#include "mlce/model.h"

/* What mlce_predict() and mlce_predictor_run() cut their batches by: as in training, but in order.
 */
mlce_batch_options mlce_predictor_batches(const mlce_model *model);

/* Predicts a batch, of which spans and span_offsets are read for the loss only (NULL: not wanted).
 */
mlce_status mlce_predictor_batch(mlce_predictor *predictor, const mlce_batch *batch, double *loss);

/* The prediction of the batch's sequence b, valid until the next batch. */
mlce_prediction mlce_predictor_at(const mlce_predictor *predictor, const mlce_batch *batch, int b);

#endif

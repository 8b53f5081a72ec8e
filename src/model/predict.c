/* predict.c - a model over a whole dataset, batch by batch. */
#include "model/predict_together.h"
#include "model/private.h"

static mlce_status hand_over(const mlce_predictor *predictor, const mlce_batch *batch,
                             mlce_prediction_fn *callback, void *context) {
    mlce_status status = MLCE_OK;
    for (int b = 0; b < batch->sequences && !status; b++) {
        mlce_prediction one = mlce_predictor_at(predictor, batch, b);
        status = callback(&one, context);
    }
    return status;
}

static mlce_status predict_alone(const mlce_model *model, mlce_dataset *dataset,
                                 mlce_prediction_fn *callback, void *context, double *loss_sum) {
    mlce_batch_options options = mlce_predictor_batches(model);
    mlce_predictor *predictor = NULL;
    mlce_batcher *batcher = NULL;
    const mlce_batch *batch;
    double mean;
    mlce_status status = mlce_predictor_new(model, &predictor);
    if (!status) status = mlce_batcher_new(dataset, &options, &batcher);
    if (!status) status = mlce_batcher_start(batcher, 0);
    while (!status && !(status = mlce_batcher_next(batcher, &batch)) && batch) {
        status = mlce_predictor_batch(predictor, batch, loss_sum ? &mean : NULL);
        if (!status && loss_sum) *loss_sum += mean * batch->sequences;
        if (!status) status = hand_over(predictor, batch, callback, context);
    }
    mlce_batcher_free(batcher);
    mlce_predictor_free(predictor);
    return status;
}

mlce_status mlce_predict(const mlce_model *model, mlce_dataset *dataset,
                         mlce_prediction_fn *callback, void *context, double *loss) {
    double sum = 0;
    int64_t sequences = mlce_dataset_sequences(dataset);
    mlce_status status = (model->ranks ? mlce_predict_together : predict_alone)(
        model, dataset, callback, context, loss ? &sum : NULL);
    if (status == MLCE_E_NUMERIC) mlce_fail_prefix(status, "%s: ", mlce_dataset_name(dataset));
    if (loss) *loss = sequences ? sum / (double)sequences : 0;
    return status;
}

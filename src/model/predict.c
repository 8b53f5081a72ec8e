/* predict.c - a model over a whole dataset, batch by batch. */
#include "mlce/model.h"

#include <math.h>

#include "mlce/batch.h"

/* What is kept from batch to batch. */
typedef struct prediction {
    mlce_model *model;
    mlce_graph *graph;
    mlce_span_list found;
    mlce_prediction_fn *callback;
    void *context;
    double loss; /* summed over sequences */
} prediction;

/* Embeddings so large that products overflow: nothing said of such a sequence is worth anything. */
static mlce_status check_finite(const prediction *p, const mlce_batch *batch,
                                const mlce_node *loss) {
    const char *advice = "its embeddings are too large for the model";
    for (int b = 0; b < batch->sequences; b++)
        for (size_t n = p->found.offsets[b]; n < p->found.offsets[b + 1]; n++)
            if (!isfinite(p->found.items[n].score))
                return mlce_fail(MLCE_E_NUMERIC, "sequence %lld: a score is not finite: %s",
                                 (long long)batch->ids[b], advice);
    if (loss && !isfinite(loss->value[0]))
        return mlce_fail(MLCE_E_NUMERIC, "sequences %lld to %lld: their loss is not finite: %s",
                         (long long)batch->ids[0], (long long)batch->ids[batch->sequences - 1],
                         advice);
    return MLCE_OK;
}

static mlce_status hand_over(prediction *p, const mlce_output *output, const mlce_batch *batch) {
    for (int b = 0; b < batch->sequences; b++) {
        size_t first = p->found.offsets[b];
        mlce_prediction one = {
            .sequence = batch->ids[b],
            .spans = p->found.items + first,
            .count = p->found.offsets[b + 1] - first,
        };
        if (output->task == MLCE_TASK_LABELS)
            one.scores = output->scores->value + (size_t)b * (size_t)output->scores->cols;
        mlce_status status = p->callback(&one, p->context);
        if (status) return status;
    }
    return MLCE_OK;
}

static mlce_status predict_batch(prediction *p, const mlce_batch *batch, bool wants_loss) {
    mlce_graph_reset(p->graph);
    mlce_output output = mlce_model_forward(p->model, p->graph, batch);
    mlce_node *loss = wants_loss ? mlce_model_loss(p->model, p->graph, &output, batch) : NULL;
    mlce_status status = mlce_graph_status(p->graph);
    if (status) return status;
    if (loss) p->loss += (double)loss->value[0] * batch->sequences;
    status = mlce_model_decode(p->model, &output, batch, &p->found);
    if (!status) status = check_finite(p, batch, loss);
    return status ? status : hand_over(p, &output, batch);
}

static mlce_status predict_all(prediction *p, mlce_batcher *batcher, bool wants_loss) {
    const mlce_batch *batch;
    mlce_status status = mlce_batcher_start(batcher, 0);
    while (!status && !(status = mlce_batcher_next(batcher, &batch)) && batch)
        status = predict_batch(p, batch, wants_loss);
    return status;
}

mlce_status mlce_predict(mlce_model *model, mlce_dataset *dataset, mlce_prediction_fn *callback,
                         void *context, double *loss) {
    const mlce_config *config = mlce_model_config(model);
    mlce_batch_options options = {
        .sequences = (int)mlce_config_int(config, "train.batch_size"),
        .tokens = (int)mlce_config_int(config, "train.batch_tokens"),
        .shape = mlce_shape_options_from(config),
    };
    prediction p = {.model = model, .callback = callback, .context = context};
    mlce_batcher *batcher = NULL;
    mlce_status status = mlce_batcher_new(dataset, &options, &batcher);
    if (status) return status;
    p.graph = mlce_graph_new();
    if (p.graph) {
        mlce_graph_set_training(p.graph, false);
        status = predict_all(&p, batcher, loss != NULL);
    } else {
        status = MLCE_E_MEMORY;
    }
    if (status == MLCE_E_NUMERIC) mlce_fail_prefix(status, "%s: ", mlce_dataset_name(dataset));
    int64_t sequences = mlce_dataset_sequences(dataset);
    if (loss) *loss = sequences ? p.loss / (double)sequences : 0;
    mlce_span_list_free(&p.found);
    mlce_graph_free(p.graph);
    mlce_batcher_free(batcher);
    return status;
}

/* evaluate.c - predictions counted against gold. */
#include "train/evaluate.h"

#include <stdlib.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "train/session.h"

mlce_status mlce_gold_of(const mlce_dataset *dataset, int64_t sequence, mlce_gold *gold) {
    gold->spans = mlce_dataset_gold(dataset, sequence, &gold->count);
    const float *weights = mlce_dataset_gold_weights(dataset, sequence);
    if (!weights) return MLCE_OK;
    int kept = 0;
    mlce_status status =
        mlce_grow((void **)&gold->kept, &gold->capacity, (size_t)gold->count, sizeof *gold->kept);
    for (int n = 0; n < gold->count && !status; n++)
        if (weights[n] >= 0.5f) gold->kept[kept++] = gold->spans[n];
    gold->spans = gold->kept;
    gold->count = kept;
    return status;
}

mlce_status mlce_check_has_gold(const mlce_dataset *dataset) {
    if (mlce_dataset_has_spans(dataset)) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA,
                     "%s: has no %s to evaluate against: label it, or use mlce-predict",
                     mlce_dataset_name(dataset), mlce_dataset_layout_of(dataset)->gold);
}

typedef struct counting {
    const mlce_dataset *dataset;
    mlce_metrics *metrics;
    mlce_gold gold;
    const mlce_train_options *options; /* NULL: not to be stopped */
} counting;

static mlce_status count(const mlce_prediction *prediction, void *context) {
    counting *c = context;
    if (c->options && mlce_wants_stop(c->options)) return MLCE_E_STOPPED;
    mlce_status status = mlce_gold_of(c->dataset, prediction->sequence, &c->gold);
    if (status) return status;
    return mlce_metrics_add(c->metrics, c->gold.spans, c->gold.count, prediction->spans,
                            prediction->count, prediction->scores);
}

mlce_status mlce_evaluate(mlce_model *model, mlce_dataset *dataset, mlce_metrics *metrics,
                          double *loss) {
    return mlce_evaluate_until(model, dataset, metrics, loss, NULL);
}

mlce_status mlce_evaluate_until(mlce_model *model, mlce_dataset *dataset, mlce_metrics *metrics,
                                double *loss, const mlce_train_options *options) {
    counting c = {.dataset = dataset, .metrics = metrics, .options = options};
    mlce_status status = mlce_check_has_gold(dataset);
    if (!status) status = mlce_predict(model, dataset, count, &c, loss);
    free(c.gold.kept);
    return status;
}

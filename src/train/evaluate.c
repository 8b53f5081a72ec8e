/* evaluate.c - predictions counted against gold spans. */
#include "mlce/train.h"

typedef struct counting {
    const mlce_dataset *dataset;
    mlce_span_metrics *metrics;
} counting;

static mlce_status count(const mlce_prediction *prediction, void *context) {
    counting *c = context;
    int gold_count;
    const mlce_span *gold = mlce_dataset_gold(c->dataset, prediction->sequence, &gold_count);
    return mlce_span_metrics_add(c->metrics, gold, gold_count, prediction->spans,
                                 prediction->count);
}

mlce_status mlce_evaluate(mlce_model *model, mlce_dataset *dataset, mlce_span_metrics *metrics,
                          double *loss) {
    if (!mlce_dataset_has_spans(dataset))
        return mlce_fail(MLCE_E_DATA,
                         "%s: has no /spans to evaluate against: label it, or use mlce-predict",
                         mlce_dataset_name(dataset));
    counting c = {dataset, metrics};
    return mlce_predict(model, dataset, count, &c, loss);
}

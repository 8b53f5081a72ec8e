/* metrics.h - precision, recall and F1 over exact spans.
 *
 * A predicted span is right if its sequence has a gold span of the same start, end and type. Micro
 * figures come from the summed counts; macro figures are the plain mean over the types that stand
 * in gold or prediction (as seqeval has it). A quotient 0/0 is 0.
 */
#ifndef MLCE_METRICS_H
#define MLCE_METRICS_H

#include "mlce/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_counts {
    int64_t correct, predicted, gold;
} mlce_counts;

typedef struct mlce_score {
    double precision, recall, f1;
    int64_t support; /* gold spans */
} mlce_score;

typedef struct mlce_span_metrics {
    int types;
    mlce_counts *counts; /* [types] */
} mlce_span_metrics;

MLCE_API mlce_status mlce_span_metrics_init(mlce_span_metrics *metrics, int types);
MLCE_API void mlce_span_metrics_free(mlce_span_metrics *metrics);
/* Adds one sequence. Neither list need be sorted; neither holds a span twice. */
MLCE_API mlce_status mlce_span_metrics_add(mlce_span_metrics *metrics, const mlce_span *gold,
                                           int gold_count, const mlce_scored_span *predicted,
                                           size_t predicted_count);
MLCE_API mlce_score mlce_score_of(mlce_counts counts);
MLCE_API mlce_score mlce_span_metrics_micro(const mlce_span_metrics *metrics);
MLCE_API mlce_score mlce_span_metrics_macro(const mlce_span_metrics *metrics);

/* A table, aligned, one line a type, then micro and macro; or the JSON object
   {"micro": {"precision", "recall", "f1", "support"}, "macro": {...}, "types": {name: {...}}}
   with every double in as many digits as give the same double again. On the heap, for the
   caller to free; NULL (message set) on failure. */
MLCE_API char *mlce_span_metrics_table(const mlce_span_metrics *metrics,
                                       const char *const *type_names);
MLCE_API char *mlce_span_metrics_json(const mlce_span_metrics *metrics,
                                      const char *const *type_names);

#ifdef __cplusplus
}
#endif
#endif

/* metrics.h - how right predictions are: exact spans, or the labels of items.
 *
 * A predicted span is right if its sequence has a gold span of the same start, end and type; a
 * predicted label, if its item has it. Micro figures come from the summed counts; macro figures are
 * the plain mean over the types that stand in gold or prediction (as seqeval has it). A quotient
 * 0/0 is 0.
 *
 * In terms of scikit-learn, on indicator matrices of items and labels:
 *
 *   micro, samples         precision_recall_fscore_support(average="micro" or "samples",
 *                          zero_division=0)
 *   macro                  the same with average="macro" and labels= those that occur; its F1 is
 * also f1_score(average="macro", zero_division=nan) exact match            accuracy_score Hamming
 * loss           hamming_loss ranking                label_ranking_average_precision_score
 *
 * Precision at k is the share of an item's k best labels that are gold, mean over items; of equal
 * scores the label with the lower id is the better; where there are fewer than k labels, it is
 * still divided by k.
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
    int64_t support; /* gold spans or labels */
} mlce_score;

enum { MLCE_PRECISIONS_AT = 3 }; /* at k = 1, 3, 5 */

/* Sums over items. */
typedef struct mlce_item_sums {
    int64_t items;
    int64_t exact; /* items whose labels are all right */
    int64_t wrong; /* labels predicted that are not gold, and gold that are not predicted */
    double precision, recall, f1, ranking, precision_at[MLCE_PRECISIONS_AT];
} mlce_item_sums;

typedef struct mlce_metrics {
    mlce_task task;
    int types;
    mlce_counts *counts; /* [types] */
    mlce_item_sums sums; /* MLCE_TASK_LABELS only */
} mlce_metrics;

MLCE_API mlce_status mlce_metrics_init(mlce_metrics *metrics, mlce_task task, int types);
MLCE_API void mlce_metrics_free(mlce_metrics *metrics);
/* Adds one sequence or item. Neither list need be sorted; neither holds a span twice. `scores`
   [types]: of all labels of an item; not read for spans. */
MLCE_API mlce_status mlce_metrics_add(mlce_metrics *metrics, const mlce_span *gold, int gold_count,
                                      const mlce_scored_span *predicted, size_t predicted_count,
                                      const float *scores);
MLCE_API mlce_score mlce_score_of(mlce_counts counts);
MLCE_API mlce_score mlce_metrics_micro(const mlce_metrics *metrics);
MLCE_API mlce_score mlce_metrics_macro(const mlce_metrics *metrics);

/* What only items with labels have: means over items. */
typedef struct mlce_item_metrics {
    mlce_score samples; /* of each item, then the mean */
    double exact_match, hamming_loss, ranking, precision_at[MLCE_PRECISIONS_AT];
} mlce_item_metrics;
MLCE_API mlce_item_metrics mlce_metrics_items(const mlce_metrics *metrics);

/* A table, aligned, one line a type, then micro and macro, and for items with labels the rest; or
   the JSON object
   {"micro": {"precision", "recall", "f1", "support"}, "macro": {...}, "types": {name: {...}}}
   and for items with labels also {"samples": {...}, "exact_match", "hamming_loss",
   "ranking_average_precision", "precision_at": {"1", "3", "5"}}, with every double in as many
   digits as give the same double again. On the heap, for the caller to free; NULL (message set) on
   failure. */
MLCE_API char *mlce_metrics_table(const mlce_metrics *metrics, const char *const *type_names);
MLCE_API char *mlce_metrics_json(const mlce_metrics *metrics, const char *const *type_names);

#ifdef __cplusplus
}
#endif
#endif

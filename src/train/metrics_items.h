/* metrics_items.h - the figures of items, which spans do not have, and what metrics share. */
#ifndef MLCE_TRAIN_METRICS_ITEMS_H
#define MLCE_TRAIN_METRICS_ITEMS_H

#include <stdio.h>

#include "mlce/metrics.h"

extern const int mlce_precision_at[MLCE_PRECISIONS_AT]; /* the k */

/* 0 where there is nothing below. */
static inline double mlce_quotient(double above, double below) {
    return below > 0 ? above / below : 0;
}

/* The counts of all types. */
mlce_counts mlce_metrics_counts(const mlce_metrics *metrics);

/* Adds an item with `count` gold labels, ascending, of which `correct` are among the `predicted`.
 */
mlce_status mlce_item_sums_add(mlce_item_sums *sums, int types, const mlce_span *gold, size_t count,
                               size_t predicted, size_t correct, const float *scores);

/* Prints a name that came from a file and returns how many columns a terminal gives it; NULL as
   `out`: only measures. What no terminal should get, and bytes that are not UTF-8, become question
   marks. */
int mlce_print_name(FILE *out, const char *name);

#endif

/* metrics_items.c - what is counted item by item: per-sample figures and rankings. */
#include "train/metrics_items.h"

#include <stdlib.h>

#include "mlce/memory.h"

const int mlce_precision_at[MLCE_PRECISIONS_AT] = {1, 3, 5};
enum { DEEPEST = 5 };

/* ---- Ranking ---- */

static int by_falling_score(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

/* The first of the falling g[0..n-1] that is at most x; one is. */
static size_t first_at_most(const float *g, size_t n, float x) {
    size_t low = 0, high = n - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g[middle] <= x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* With g_1 >= g_2 >= ... the scores of the gold labels
     mean over m of  (gold labels that score >= g_m) / (labels that score >= g_m)
   `at_least` is [n], cleared. */
static double ranking_precision(float *g, size_t *at_least, size_t n, const float *scores,
                                int types) {
    double sum = 0;
    qsort(g, n, sizeof *g, by_falling_score);
    for (int a = 0; a < types; a++)
        if (scores[a] >= g[n - 1]) at_least[first_at_most(g, n, scores[a])]++;
    for (size_t m = 1; m < n; m++) at_least[m] += at_least[m - 1];
    for (size_t m = 0; m < n; m++) {
        size_t gold = m + 1;
        while (gold < n && g[gold] == g[m]) gold++;
        sum += mlce_quotient((double)gold, (double)at_least[m]);
    }
    return sum / (double)n;
}

/* An item of which no label is gold, or every one, is ranked right however. */
static mlce_status add_ranking(mlce_item_sums *sums, int types, const mlce_span *gold, size_t count,
                               const float *scores) {
    if (count == 0 || count >= (size_t)types) {
        sums->ranking += 1;
        return MLCE_OK;
    }
    float *g = mlce_calloc(count, sizeof *g);
    size_t *at_least = mlce_calloc(count, sizeof *at_least);
    for (size_t i = 0; g && i < count; i++) g[i] = scores[gold[i].type];
    if (g && at_least) sums->ranking += ranking_precision(g, at_least, count, scores, types);
    mlce_status status = g && at_least ? MLCE_OK : MLCE_E_MEMORY;
    free(at_least);
    free(g);
    return status;
}

/* ---- Precision at k ---- */

/* The labels with the best scores, the lower id first of equal ones; how many. */
static int find_best(const float *scores, int types, int best[DEEPEST]) {
    int found = 0;
    for (int a = 0; a < types; a++) {
        if (found == DEEPEST && !(scores[a] > scores[best[DEEPEST - 1]])) continue;
        int place = found < DEEPEST ? found++ : DEEPEST - 1;
        for (; place > 0 && scores[a] > scores[best[place - 1]]; place--)
            best[place] = best[place - 1];
        best[place] = a;
    }
    return found;
}

static int compare_types(const void *left, const void *right) {
    int a = ((const mlce_span *)left)->type, b = ((const mlce_span *)right)->type;
    return (a > b) - (a < b);
}

static void add_precisions(mlce_item_sums *sums, int types, const mlce_span *gold, size_t count,
                           const float *scores) {
    int best[DEEPEST], found = find_best(scores, types, best), right = 0;
    for (int n = 0, k = 0; n < DEEPEST && k < MLCE_PRECISIONS_AT; n++) {
        mlce_span wanted = {0, 1, n < found ? best[n] : -1};
        right += count && bsearch(&wanted, gold, count, sizeof *gold, compare_types);
        if (n + 1 == mlce_precision_at[k]) sums->precision_at[k++] += right / (n + 1.0);
    }
}

/* ---- Sums ---- */

mlce_status mlce_item_sums_add(mlce_item_sums *sums, int types, const mlce_span *gold, size_t count,
                               size_t predicted, size_t correct, const float *scores) {
    double c = (double)correct, p = (double)predicted, g = (double)count;
    sums->items++;
    sums->precision += mlce_quotient(c, p);
    sums->recall += mlce_quotient(c, g);
    sums->f1 += mlce_quotient(2 * c, p + g);
    sums->exact += correct == count && correct == predicted;
    sums->wrong += (int64_t)(count + predicted - 2 * correct);
    add_precisions(sums, types, gold, count, scores);
    return add_ranking(sums, types, gold, count, scores);
}

mlce_item_metrics mlce_metrics_items(const mlce_metrics *metrics) {
    const mlce_item_sums *sums = &metrics->sums;
    double items = (double)sums->items;
    mlce_item_metrics mean = {
        .samples = {mlce_quotient(sums->precision, items), mlce_quotient(sums->recall, items),
                    mlce_quotient(sums->f1, items), mlce_metrics_counts(metrics).gold},
        .exact_match = mlce_quotient((double)sums->exact, items),
        .hamming_loss = mlce_quotient((double)sums->wrong, items * metrics->types),
        .ranking = mlce_quotient(sums->ranking, items),
    };
    for (int k = 0; k < MLCE_PRECISIONS_AT; k++)
        mean.precision_at[k] = mlce_quotient(sums->precision_at[k], items);
    return mean;
}

/* metrics.c - precision, recall and F1 over exact spans or labels. */
#include "mlce/metrics.h"

#include <stdlib.h>

#include "mlce/memory.h"
#include "train/metrics_items.h"

mlce_status mlce_metrics_init(mlce_metrics *metrics, mlce_task task, int types) {
    *metrics = (mlce_metrics){.task = task};
    if (types < 1) return mlce_fail(MLCE_E_ARGUMENT, "metrics of %d types", types);
    metrics->counts = mlce_calloc((size_t)types, sizeof *metrics->counts);
    if (!metrics->counts) return MLCE_E_MEMORY;
    metrics->types = types;
    return MLCE_OK;
}

void mlce_metrics_free(mlce_metrics *metrics) {
    free(metrics->counts);
    *metrics = (mlce_metrics){0};
}

static int compare_spans(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

static mlce_status check_type(const mlce_metrics *metrics, mlce_span span) {
    if (span.type >= 0 && span.type < metrics->types) return MLCE_OK;
    return mlce_fail(MLCE_E_ARGUMENT, "a span of type %d, where there are %d types", span.type,
                     metrics->types);
}

/* Both lists sorted, then walked side by side: what they share is correct. Returns how many. */
static size_t count_spans(mlce_counts *counts, mlce_span *gold, size_t n, mlce_span *predicted,
                          size_t m) {
    size_t correct = 0;
    if (n) qsort(gold, n, sizeof *gold, compare_spans);
    if (m) qsort(predicted, m, sizeof *predicted, compare_spans);
    for (size_t i = 0; i < n; i++) counts[gold[i].type].gold++;
    for (size_t j = 0; j < m; j++) counts[predicted[j].type].predicted++;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        int order = compare_spans(&gold[i], &predicted[j]);
        if (order == 0) {
            counts[gold[i].type].correct++;
            correct++;
        }
        if (order <= 0) i++;
        if (order >= 0) j++;
    }
    return correct;
}

static mlce_status check(const mlce_metrics *metrics, const mlce_span *gold, int gold_count,
                         const mlce_scored_span *predicted, size_t predicted_count,
                         const float *scores) {
    if (gold_count < 0) return mlce_fail(MLCE_E_ARGUMENT, "%d gold spans", gold_count);
    if (metrics->task == MLCE_TASK_LABELS && !scores)
        return mlce_fail(MLCE_E_ARGUMENT, "an item without the scores of its labels");
    for (int i = 0; i < gold_count; i++)
        if (check_type(metrics, gold[i])) return MLCE_E_ARGUMENT;
    for (size_t j = 0; j < predicted_count; j++)
        if (check_type(metrics, predicted[j].span)) return MLCE_E_ARGUMENT;
    return MLCE_OK;
}

mlce_status mlce_metrics_add(mlce_metrics *metrics, const mlce_span *gold, int gold_count,
                             const mlce_scored_span *predicted, size_t predicted_count,
                             const float *scores) {
    mlce_status status = check(metrics, gold, gold_count, predicted, predicted_count, scores);
    if (status) return status;
    size_t n = (size_t)gold_count, m = predicted_count;
    mlce_span *sorted = m > SIZE_MAX - n ? NULL : mlce_calloc(n + m, sizeof *sorted);
    if (!sorted) return mlce_fail(MLCE_E_MEMORY, "out of memory: %zu spans", n);
    for (size_t i = 0; i < n; i++) sorted[i] = gold[i];
    for (size_t j = 0; j < m; j++) sorted[n + j] = predicted[j].span;
    size_t correct = count_spans(metrics->counts, sorted, n, sorted + n, m);
    if (metrics->task == MLCE_TASK_LABELS)
        status = mlce_item_sums_add(&metrics->sums, metrics->types, sorted, n, m, correct, scores);
    free(sorted);
    return status;
}

/* ---- Figures ---- */

/* P = correct / predicted,  R = correct / gold,  F1 = 2 P R / (P + R) */
mlce_score mlce_score_of(mlce_counts counts) {
    mlce_score score = {.support = counts.gold};
    score.precision = mlce_quotient((double)counts.correct, (double)counts.predicted);
    score.recall = mlce_quotient((double)counts.correct, (double)counts.gold);
    score.f1 = mlce_quotient(2 * score.precision * score.recall, score.precision + score.recall);
    return score;
}

mlce_counts mlce_metrics_counts(const mlce_metrics *metrics) {
    mlce_counts sum = {0};
    for (int a = 0; a < metrics->types; a++) {
        sum.correct += metrics->counts[a].correct;
        sum.predicted += metrics->counts[a].predicted;
        sum.gold += metrics->counts[a].gold;
    }
    return sum;
}

mlce_score mlce_metrics_micro(const mlce_metrics *metrics) {
    return mlce_score_of(mlce_metrics_counts(metrics));
}

mlce_score mlce_metrics_macro(const mlce_metrics *metrics) {
    mlce_score mean = {0};
    int present = 0;
    for (int a = 0; a < metrics->types; a++) {
        if (!metrics->counts[a].gold && !metrics->counts[a].predicted) continue;
        mlce_score score = mlce_score_of(metrics->counts[a]);
        mean.precision += score.precision;
        mean.recall += score.recall;
        mean.f1 += score.f1;
        mean.support += score.support;
        present++;
    }
    mean.precision = mlce_quotient(mean.precision, present);
    mean.recall = mlce_quotient(mean.recall, present);
    mean.f1 = mlce_quotient(mean.f1, present);
    return mean;
}

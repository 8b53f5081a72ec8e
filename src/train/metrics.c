/* metrics.c - precision, recall and F1 over exact spans. */
#include "mlce/metrics.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/config_locale.h"
#include "mlce/memory.h"

mlce_status mlce_span_metrics_init(mlce_span_metrics *metrics, int types) {
    *metrics = (mlce_span_metrics){0};
    if (types < 1) return mlce_fail(MLCE_E_ARGUMENT, "metrics of %d types", types);
    metrics->counts = mlce_calloc((size_t)types, sizeof *metrics->counts);
    if (!metrics->counts) return MLCE_E_MEMORY;
    metrics->types = types;
    return MLCE_OK;
}

void mlce_span_metrics_free(mlce_span_metrics *metrics) {
    free(metrics->counts);
    *metrics = (mlce_span_metrics){0};
}

static int compare_spans(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

static mlce_status check_type(const mlce_span_metrics *metrics, mlce_span span) {
    if (span.type >= 0 && span.type < metrics->types) return MLCE_OK;
    return mlce_fail(MLCE_E_ARGUMENT, "a span of type %d, where there are %d types", span.type,
                     metrics->types);
}

/* Both lists sorted, then walked side by side: what they share is correct. */
static void count_spans(mlce_counts *counts, mlce_span *gold, size_t n, mlce_span *predicted,
                        size_t m) {
    qsort(gold, n, sizeof *gold, compare_spans);
    qsort(predicted, m, sizeof *predicted, compare_spans);
    for (size_t i = 0; i < n; i++) counts[gold[i].type].gold++;
    for (size_t j = 0; j < m; j++) counts[predicted[j].type].predicted++;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        int order = compare_spans(&gold[i], &predicted[j]);
        if (order == 0) counts[gold[i].type].correct++;
        if (order <= 0) i++;
        if (order >= 0) j++;
    }
}

mlce_status mlce_span_metrics_add(mlce_span_metrics *metrics, const mlce_span *gold, int gold_count,
                                  const mlce_scored_span *predicted, size_t predicted_count) {
    if (gold_count < 0) return mlce_fail(MLCE_E_ARGUMENT, "%d gold spans", gold_count);
    size_t n = (size_t)gold_count, m = predicted_count;
    if (n + m == 0) return MLCE_OK;
    for (size_t i = 0; i < n; i++)
        if (check_type(metrics, gold[i])) return MLCE_E_ARGUMENT;
    for (size_t j = 0; j < m; j++)
        if (check_type(metrics, predicted[j].span)) return MLCE_E_ARGUMENT;
    mlce_span *sorted = m > SIZE_MAX - n ? NULL : mlce_calloc(n + m, sizeof *sorted);
    if (!sorted) return mlce_fail(MLCE_E_MEMORY, "out of memory: %zu spans", n);
    for (size_t i = 0; i < n; i++) sorted[i] = gold[i];
    for (size_t j = 0; j < m; j++) sorted[n + j] = predicted[j].span;
    count_spans(metrics->counts, sorted, n, sorted + n, m);
    free(sorted);
    return MLCE_OK;
}

/* ---- Figures ---- */

static double quotient(double above, double below) {
    return below > 0 ? above / below : 0;
}

/* P = correct / predicted,  R = correct / gold,  F1 = 2 P R / (P + R) */
mlce_score mlce_score_of(mlce_counts counts) {
    mlce_score score = {.support = counts.gold};
    score.precision = quotient((double)counts.correct, (double)counts.predicted);
    score.recall = quotient((double)counts.correct, (double)counts.gold);
    score.f1 = quotient(2 * score.precision * score.recall, score.precision + score.recall);
    return score;
}

static mlce_counts sum_counts(const mlce_span_metrics *metrics) {
    mlce_counts sum = {0};
    for (int a = 0; a < metrics->types; a++) {
        sum.correct += metrics->counts[a].correct;
        sum.predicted += metrics->counts[a].predicted;
        sum.gold += metrics->counts[a].gold;
    }
    return sum;
}

mlce_score mlce_span_metrics_micro(const mlce_span_metrics *metrics) {
    return mlce_score_of(sum_counts(metrics));
}

mlce_score mlce_span_metrics_macro(const mlce_span_metrics *metrics) {
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
    mean.precision = quotient(mean.precision, present);
    mean.recall = quotient(mean.recall, present);
    mean.f1 = quotient(mean.f1, present);
    return mean;
}

/* ---- As a table ---- */

static const char micro_label[] = "micro average", macro_label[] = "macro average";

/* Prints `name` and returns how many columns a terminal gives it; NULL as `out`: only measures.
   Control characters and bytes that are not UTF-8 become question marks. */
static int print_name(FILE *out, const char *name) {
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)name;
    int columns = 0;
    while (*at) {
        utf8proc_int32_t character;
        utf8proc_ssize_t bytes = utf8proc_iterate(at, -1, &character);
        bool shown = bytes > 0 && utf8proc_category(character) != UTF8PROC_CATEGORY_CC;
        if (bytes < 1) bytes = 1;
        columns += shown ? utf8proc_charwidth(character) : 1;
        if (out) fprintf(out, "%.*s", shown ? (int)bytes : 1, shown ? (const char *)at : "?");
        at += bytes;
    }
    return columns;
}

static void print_row(FILE *out, const char *name, int width, mlce_score score) {
    int columns = print_name(out, name);
    fprintf(out, "%*s  %9.4f  %6.4f  %6.4f  %7lld\n", width - columns, "", score.precision,
            score.recall, score.f1, (long long)score.support);
}

static void print_table(FILE *out, const mlce_span_metrics *metrics, const char *const *names) {
    int width = (int)sizeof micro_label - 1;
    for (int a = 0; a < metrics->types; a++) {
        int columns = print_name(NULL, names[a]);
        if (columns > width) width = columns;
    }
    fprintf(out, "%-*s  precision  recall      f1  support\n", width, "type");
    for (int a = 0; a < metrics->types; a++)
        print_row(out, names[a], width, mlce_score_of(metrics->counts[a]));
    fputc('\n', out);
    print_row(out, micro_label, width, mlce_span_metrics_micro(metrics));
    print_row(out, macro_label, width, mlce_span_metrics_macro(metrics));
    mlce_counts sum = sum_counts(metrics);
    if (!sum.gold && !sum.predicted)
        fputs("no spans in gold or prediction: every figure is 0\n", out);
}

char *mlce_span_metrics_table(const mlce_span_metrics *metrics, const char *const *type_names) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool failed = !out;
    if (out) {
        mlce_locale locale = mlce_locale_begin();
        print_table(out, metrics, type_names);
        mlce_locale_end(locale);
        failed = ferror(out) != 0;
        if (fclose(out)) failed = true;
    }
    if (!failed) return text;
    free(text);
    mlce_fail(MLCE_E_MEMORY, "out of memory: a table of %d types", metrics->types);
    return NULL;
}

/* ---- As JSON ---- */

static json_t *score_json(mlce_score score) {
    return json_pack("{s:f, s:f, s:f, s:I}", "precision", score.precision, "recall", score.recall,
                     "f1", score.f1, "support", (json_int_t)score.support);
}

char *mlce_span_metrics_json(const mlce_span_metrics *metrics, const char *const *type_names) {
    json_t *types = json_object(), *root = json_object();
    char *text = NULL;
    bool failed = !types || !root;
    for (int a = 0; a < metrics->types && !failed; a++) {
        mlce_score score = mlce_score_of(metrics->counts[a]);
        failed = json_object_set_new(types, type_names[a], score_json(score)) != 0;
        if (failed) mlce_fail(MLCE_E_DATA, "the name of type %d cannot be written as JSON", a);
    }
    if (!failed) {
        failed = json_object_set_new(root, "micro", score_json(mlce_span_metrics_micro(metrics))) ||
                 json_object_set_new(root, "macro", score_json(mlce_span_metrics_macro(metrics))) ||
                 json_object_set(root, "types", types);
        if (!failed) text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        if (!text) mlce_fail(MLCE_E_MEMORY, "out of memory: metrics as JSON");
    } else if (!types || !root) {
        mlce_fail(MLCE_E_MEMORY, "out of memory: metrics as JSON");
    }
    json_decref(types);
    json_decref(root);
    return text;
}

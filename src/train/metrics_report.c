/* metrics_report.c - figures as a table and as JSON. */
#include <errno.h>
#include <stdio.h>
#include <utf8proc.h>

#include "core/config_locale.h"
#include "core/json.h"
#include "core/text.h"
#include "data/dataset_layout.h"
#include "train/metrics_items.h"

/* ---- As a table ---- */

static const char micro_label[] = "micro average", macro_label[] = "macro average",
                  samples_label[] = "samples average";

int mlce_print_name(FILE *out, const char *name) {
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)name;
    int columns = 0;
    while (*at) {
        utf8proc_int32_t character;
        utf8proc_ssize_t bytes = utf8proc_iterate(at, -1, &character);
        bool shown = bytes > 0 && !mlce_text_is_control(character);
        if (bytes < 1) bytes = 1;
        columns += shown ? utf8proc_charwidth(character) : 1;
        if (out) fprintf(out, "%.*s", shown ? (int)bytes : 1, shown ? (const char *)at : "?");
        at += bytes;
    }
    return columns;
}

static void print_row(FILE *out, const char *name, int width, mlce_score score) {
    int columns = mlce_print_name(out, name);
    fprintf(out, "%*s  %9.4f  %6.4f  %6.4f  %7lld\n", width - columns, "", score.precision,
            score.recall, score.f1, (long long)score.support);
}

/* What only items have, below the averages. */
static void print_items(FILE *out, const mlce_metrics *metrics, int width) {
    mlce_item_metrics items = mlce_metrics_items(metrics);
    print_row(out, samples_label, width, items.samples);
    fprintf(out, "\nexact match   %.4f\nHamming loss  %.6f\nranking       %.4f\n",
            items.exact_match, items.hamming_loss, items.ranking);
    for (int k = 0; k < MLCE_PRECISIONS_AT; k++)
        fprintf(out, "precision@%d   %.4f\n", mlce_precision_at[k], items.precision_at[k]);
}

static void print_table(FILE *out, const mlce_metrics *metrics, const char *const *names) {
    const mlce_dataset_layout *layout = &mlce_dataset_layouts[metrics->task];
    bool of_items = metrics->task == MLCE_TASK_LABELS;
    int width = (int)(of_items ? sizeof samples_label : sizeof micro_label) - 1;
    for (int a = 0; a < metrics->types; a++) {
        int columns = mlce_print_name(NULL, names[a]);
        if (columns > width) width = columns;
    }
    fprintf(out, "%-*s  precision  recall      f1  support\n", width, layout->type);
    for (int a = 0; a < metrics->types; a++)
        print_row(out, names[a], width, mlce_score_of(metrics->counts[a]));
    fputc('\n', out);
    print_row(out, micro_label, width, mlce_metrics_micro(metrics));
    print_row(out, macro_label, width, mlce_metrics_macro(metrics));
    if (of_items) print_items(out, metrics, width);
    mlce_counts sum = mlce_metrics_counts(metrics);
    if (!sum.gold && !sum.predicted)
        fprintf(out, "no %ss in gold or prediction: every %s is 0\n", layout->span,
                of_items ? "precision, recall and F1" : "figure");
}

char *mlce_metrics_table(const mlce_metrics *metrics, const char *const *type_names) {
    mlce_text text;
    FILE *out = mlce_text_begin(&text);
    if (out) {
        mlce_locale locale = mlce_locale_begin();
        print_table(out, metrics, type_names);
        mlce_locale_end(locale);
    }
    return mlce_text_end(&text, "a table of figures");
}

/* ---- As JSON ---- */

static json_t *score_json(mlce_score score) {
    return json_pack("{s:f, s:f, s:f, s:I}", "precision", score.precision, "recall", score.recall,
                     "f1", score.f1, "support", (json_int_t)score.support);
}

/* Adds what only items have. Whether it failed. */
static bool add_items_json(json_t *root, const mlce_metrics *metrics) {
    mlce_item_metrics items = mlce_metrics_items(metrics);
    json_t *at = json_object();
    for (int k = 0; k < MLCE_PRECISIONS_AT; k++) {
        char name[8];
        snprintf(name, sizeof name, "%d", mlce_precision_at[k]);
        mlce_json_set(&at, name, json_real(items.precision_at[k]));
    }
    json_t *more = json_pack("{s:o, s:f, s:f, s:f, s:o}", "samples", score_json(items.samples),
                             "exact_match", items.exact_match, "hamming_loss", items.hamming_loss,
                             "ranking_average_precision", items.ranking, "precision_at", at);
    bool failed = !more || json_object_update(root, more);
    json_decref(more);
    return failed;
}

/* {name: score}; NULL (message set) on failure. */
static json_t *types_json(const mlce_metrics *metrics, const char *const *type_names) {
    errno = 0; /* jansson leaves ENOMEM there, if that is why */
    json_t *types = json_object();
    for (int a = 0; a < metrics->types; a++) {
        mlce_score score = mlce_score_of(metrics->counts[a]);
        if (!json_object_set_new(types, type_names[a], score_json(score))) continue;
        if (errno != ENOMEM)
            mlce_fail(MLCE_E_DATA, "the name of type %d cannot be written as JSON", a);
        else
            mlce_fail(MLCE_E_MEMORY, "out of memory: metrics as JSON");
        json_decref(types);
        return NULL;
    }
    if (!types) mlce_fail(MLCE_E_MEMORY, "out of memory: metrics as JSON");
    return types;
}

char *mlce_metrics_json(const mlce_metrics *metrics, const char *const *type_names) {
    json_t *types = types_json(metrics, type_names);
    if (!types) return NULL;
    json_t *root = json_pack("{s:o, s:o, s:o}", "micro", score_json(mlce_metrics_micro(metrics)),
                             "macro", score_json(mlce_metrics_macro(metrics)), "types", types);
    if (root && metrics->task == MLCE_TASK_LABELS && add_items_json(root, metrics)) {
        json_decref(root);
        root = NULL;
    }
    return mlce_json_text(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17), "metrics");
}

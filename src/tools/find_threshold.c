/* find_threshold.c - `mlce-eval --find-threshold`: the thresholds as a table or as JSON. */
#include "tools/find_threshold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "data/dataset_layout.h"
#include "tools/tool.h"
#include "train/threshold.h"

/* "F1", "F0.5" */
static void name_f(double beta, char *name, size_t size) {
    snprintf(name, size, "F%g", beta);
}

/* ---- As tables ---- */

static void print_figures(const mlce_cut *cut) {
    printf("  %9.4f  %6.4f  %6.4f", cut->precision, cut->recall, cut->f);
}

static void print_cut(const char *mark, const mlce_cut *cut) {
    printf("%-6s %9.4f", mark, (double)cut->threshold);
    print_figures(cut);
    printf("  %9lld\n", (long long)cut->counts.predicted);
}

static void print_sweep(const mlce_thresholds *found, const char *f) {
    printf("       threshold  precision  recall  %6s  predicted\n", f);
    for (int n = 0; n < found->row_count; n++) {
        bool is_best = found->rows[n].counts.predicted == found->best.counts.predicted;
        print_cut(is_best ? "best" : "", &found->rows[n]);
    }
    printf("%-6s %9s", "in use", "");
    print_figures(&found->in_use);
    printf("  %9lld\n", (long long)found->in_use.counts.predicted);
}

static void print_types(const mlce_thresholds *found, const mlce_model *model, const char *f) {
    const char *const *names = mlce_model_type_names(model);
    printf("\nthe best of each %s\n", mlce_dataset_layouts[mlce_model_task(model)].type);
    printf("       threshold  precision  recall  %6s  support\n", f);
    for (int a = 0; a < mlce_model_types(model); a++) {
        printf("       %9.4f", (double)found->types[a].threshold);
        print_figures(&found->types[a]);
        printf("  %7lld  ", (long long)found->types[a].counts.gold);
        mlce_tool_put(stdout, names[a]);
        putchar('\n');
    }
    printf("%-6s %9s", "all", "");
    print_figures(&found->each);
    printf("  %7lld\n", (long long)found->each.counts.gold);
}

static void print_tables(const mlce_thresholds *found, const mlce_model *model,
                         const mlce_dataset *dataset) {
    char f[32];
    name_f(found->beta, f, sizeof f);
    mlce_tool_put(stdout, mlce_dataset_name(dataset));
    printf(": %lld gold %ss\n\n", (long long)found->best.counts.gold,
           mlce_dataset_layout_of(dataset)->span);
    print_sweep(found, f);
    print_types(found, model, f);
}

/* ---- As JSON ---- */

static json_t *cut_json(const mlce_cut *cut, bool has_threshold) {
    json_t *object =
        json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "precision", cut->precision, "recall",
                  cut->recall, "f", cut->f, "correct", (json_int_t)cut->counts.correct, "predicted",
                  (json_int_t)cut->counts.predicted, "support", (json_int_t)cut->counts.gold);
    if (has_threshold) mlce_json_set(&object, "threshold", json_real((double)cut->threshold));
    return object;
}

static mlce_status print_json(const mlce_thresholds *found, const mlce_model *model,
                              const char *stored) {
    json_t *rows = json_array(), *types = json_object();
    for (int n = 0; n < found->row_count; n++)
        mlce_json_append(&rows, cut_json(&found->rows[n], true));
    for (int a = 0; a < mlce_model_types(model); a++)
        mlce_json_set(&types, mlce_model_type_names(model)[a], cut_json(&found->types[a], true));
    json_t *root = json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:s?}", "beta", found->beta, "in_use",
                             cut_json(&found->in_use, false), "best", cut_json(&found->best, true),
                             "sweep", rows, "types", types, "each_type_its_own",
                             cut_json(&found->each, false), "stored", stored);
    return mlce_json_print(stdout, root, JSON_INDENT(2) | JSON_REAL_PRECISION(17), "thresholds");
}

/* ---- Storing ---- */

static mlce_status store(const char *run, mlce_model *model, const mlce_thresholds *found,
                         bool per_type) {
    if (found->best.counts.correct == 0)
        return mlce_fail(MLCE_E_DATA,
                         "nothing that the model predicts is right, with any "
                         "threshold: nothing is stored");
    float *thresholds = mlce_model_thresholds(model);
    for (int a = 0; a < mlce_model_types(model); a++)
        thresholds[a] = per_type ? found->types[a].threshold : found->best.threshold;
    return mlce_tool_is_silent() ? MLCE_OK : mlce_model_store_thresholds(model, run);
}

static void print_stored(const char *run, const mlce_thresholds *found, bool per_type) {
    if (per_type)
        printf("\nstored a threshold for each type in ");
    else
        printf("\nstored the threshold %.4f in ", (double)found->best.threshold);
    mlce_tool_put(stdout, run);
    printf(": mlce-eval and mlce-predict use it\n");
}

mlce_status mlce_find_threshold(const char *run, mlce_model *model, mlce_dataset *dataset,
                                const mlce_find_options *options) {
    mlce_thresholds found;
    mlce_status status = mlce_thresholds_find(model, dataset, options->beta, &found);
    if (status) return mlce_fail_prefix(status, "%s: ", run);
    if (options->store) status = store(run, model, &found, options->per_type);
    if (!status && options->json) {
        const char *stored = !options->store ? NULL : options->per_type ? "per type" : "one";
        status = print_json(&found, model, stored);
    } else if (!status) {
        print_tables(&found, model, dataset);
        if (options->store) print_stored(run, &found, options->per_type);
    }
    mlce_thresholds_free(&found);
    return status;
}

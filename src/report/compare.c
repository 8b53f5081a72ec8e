/* compare.c - several runs side by side. */
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "mlce/memory.h"
#include "mlce/report.h"
#include "report/chart.h"
#include "report/grid.h"
#include "report/page.h"
#include "report/report.h"

typedef struct comparison {
    mlce_view *views;
    int count;
    const char **keys; /* of settings that differ, sorted; owned by the views */
    int key_count;
    const char **types; /* names; owned by the views */
    int type_count;
    mlce_grid figures, by_type; /* a column a run */
} comparison;

/* ---- What differs ---- */

static int compare_keys(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Where a run goes differs always. */
static bool differs(const comparison *c, const char *key) {
    const char *first = mlce_view_setting(&c->views[0], key);
    for (int n = 1; n < c->count; n++)
        if (strcmp(mlce_view_setting(&c->views[n], key), first))
            return strcmp(key, "train.output") != 0;
    return false;
}

static mlce_status find_keys(comparison *c) {
    size_t most = 0, all = 0;
    for (int n = 0; n < c->count; n++) most += json_object_size(c->views[n].config);
    c->keys = mlce_calloc(most, sizeof *c->keys);
    if (!c->keys) return MLCE_E_MEMORY;
    for (int n = 0; n < c->count; n++) {
        const char *key;
        json_t *value;
        json_object_foreach(c->views[n].config, key, value) c->keys[all++] = key;
    }
    if (all) qsort(c->keys, all, sizeof *c->keys, compare_keys);
    for (size_t i = 0; i < all; i++) {
        bool again = i > 0 && strcmp(c->keys[i], c->keys[i - 1]) == 0;
        if (!again && differs(c, c->keys[i])) c->keys[c->key_count++] = c->keys[i];
    }
    return MLCE_OK;
}

/* The number of a type in a run's model; -1: it has none of that name. */
static int type_of(const mlce_view *view, const char *name) {
    for (int a = 0; a < mlce_model_types(view->model); a++)
        if (strcmp(mlce_model_type_names(view->model)[a], name) == 0) return a;
    return -1;
}

static void add_type(comparison *c, const char *name) {
    for (int n = 0; n < c->type_count; n++)
        if (strcmp(c->types[n], name) == 0) return;
    if (c->type_count < MLCE_PAGE_ROWS) c->types[c->type_count++] = name;
}

static mlce_status add_types(comparison *c, const mlce_view *view) {
    const mlce_metrics *metrics = &view->metrics[MLCE_DEV];
    if (!view->has_metrics[MLCE_DEV]) return MLCE_OK;
    int *ids = mlce_calloc((size_t)metrics->types, sizeof *ids), count = 0;
    int64_t *weights = mlce_calloc((size_t)metrics->types, sizeof *weights);
    mlce_status status = ids && weights ? MLCE_OK : MLCE_E_MEMORY;
    for (int a = 0; a < metrics->types && !status; a++)
        weights[a] = metrics->counts[a].gold + metrics->counts[a].predicted;
    if (!status) status = mlce_page_pick(weights, metrics->types, MLCE_PAGE_ROWS, ids, &count);
    for (int n = 0; n < count && !status; n++)
        add_type(c, mlce_model_type_names(view->model)[ids[n]]);
    free(ids);
    free(weights);
    return status;
}

/* ---- Tables ---- */

enum { HEAD, F1, PRECISION, RECALL, TEST_F1, EPOCH, PARAMETERS, TIME, SPEED, SETTINGS };

static const char *const figure_names[SETTINGS] = {
    [HEAD] = "",
    [F1] = "dev F1",
    [PRECISION] = "dev precision",
    [RECALL] = "dev recall",
    [TEST_F1] = "test F1",
    [EPOCH] = "best epoch",
    [PARAMETERS] = "parameters",
    [TIME] = "seconds",
    [SPEED] = "tokens/s",
};

static double mean_speed(const mlce_view *view) {
    double sum = 0;
    for (size_t i = 0; i < view->evaluation_count; i++)
        sum += view->evaluations[i].tokens_per_second;
    return sum / (double)view->evaluation_count;
}

static mlce_status fill_training(mlce_grid *g, int column, const mlce_view *view) {
    const mlce_train_evaluation *last = &view->evaluations[view->evaluation_count - 1];
    mlce_status status =
        mlce_grid_set(g, EPOCH, column, "%lld", (long long)mlce_view_best(view)->epoch);
    if (!status) status = mlce_grid_set(g, TIME, column, "%.1f", last->seconds);
    if (status) return status;
    return mlce_grid_set(g, SPEED, column, "%s",
                         mlce_page_count((int64_t)(mean_speed(view) + 0.5)));
}

/* What a run's metrics.jsonl says, not what its data gives now; only of one that was imported. */
static mlce_status fill_run(comparison *c, int run) {
    const mlce_view *view = &c->views[run];
    const mlce_train_evaluation *best = mlce_view_best(view);
    mlce_grid *g = &c->figures;
    int column = run + 1;
    mlce_status status = mlce_grid_set(g, HEAD, column, "%s", view->run);
    bool was_trained = view->evaluation_count > 0;
    if (!status && (was_trained ? best->has_dev : view->has_metrics[MLCE_DEV])) {
        mlce_score dev = was_trained ? best->micro : mlce_metrics_micro(&view->metrics[MLCE_DEV]);
        status = mlce_grid_set(g, F1, column, "%.4f", dev.f1);
        if (!status) status = mlce_grid_set(g, PRECISION, column, "%.4f", dev.precision);
        if (!status) status = mlce_grid_set(g, RECALL, column, "%.4f", dev.recall);
    }
    if (!status && view->has_metrics[MLCE_TEST])
        status = mlce_grid_set(g, TEST_F1, column, "%.4f",
                               mlce_metrics_micro(&view->metrics[MLCE_TEST]).f1);
    if (!status && was_trained) status = fill_training(g, column, view);
    size_t numbers = mlce_parameters_numbers(mlce_model_parameters(view->model));
    if (!status)
        status = mlce_grid_set(g, PARAMETERS, column, "%s", mlce_page_count((int64_t)numbers));
    for (int k = 0; k < c->key_count && !status; k++)
        status = mlce_grid_set(g, SETTINGS + k, column, "%s", mlce_view_setting(view, c->keys[k]));
    return status;
}

static mlce_status fill_figures(comparison *c) {
    mlce_grid *g = &c->figures;
    mlce_status status = mlce_grid_new(SETTINGS + c->key_count, c->count + 1, g);
    for (int r = 0; r < SETTINGS && !status; r++)
        status = mlce_grid_set(g, r, 0, "%s", figure_names[r]);
    for (int k = 0; k < c->key_count && !status; k++)
        status = mlce_grid_set(g, SETTINGS + k, 0, "%s", c->keys[k]);
    for (int n = 0; n < c->count && !status; n++) status = fill_run(c, n);
    if (status) return status;
    mlce_grid_mark_best(g, F1);
    mlce_grid_mark_best(g, TEST_F1);
    return MLCE_OK;
}

static mlce_status fill_types(comparison *c) {
    mlce_grid *g = &c->by_type;
    c->types = mlce_calloc(MLCE_PAGE_ROWS, sizeof *c->types);
    mlce_status status = c->types ? MLCE_OK : MLCE_E_MEMORY;
    for (int n = 0; n < c->count && !status; n++) status = add_types(c, &c->views[n]);
    if (!status) status = mlce_grid_new(c->type_count + 1, c->count + 1, g);
    if (!status) status = mlce_grid_set(g, 0, 0, "dev F1 by type");
    for (int n = 0; n < c->count && !status; n++) {
        const mlce_view *view = &c->views[n];
        status = mlce_grid_set(g, 0, n + 1, "%s", view->run);
        for (int t = 0; t < c->type_count && !status; t++) {
            int a = view->has_metrics[MLCE_DEV] ? type_of(view, c->types[t]) : -1;
            if (a < 0) continue;
            status = mlce_grid_set(g, t + 1, n + 1, "%.4f",
                                   mlce_score_of(view->metrics[MLCE_DEV].counts[a]).f1);
        }
    }
    for (int t = 0; t < c->type_count && !status; t++) {
        status = mlce_grid_set(g, t + 1, 0, "%s", c->types[t]);
        if (!status) mlce_grid_mark_best(g, t + 1);
    }
    return status;
}

/* ---- The page ---- */

typedef enum curve { CURVE_F1, CURVE_DEV_LOSS, CURVE_TRAIN_LOSS } curve;

static double value_of(const mlce_train_evaluation *e, curve which) {
    if (which == CURVE_F1) return e->micro.f1;
    return which == CURVE_DEV_LOSS ? e->dev_loss : e->train_loss;
}

static void free_lines(mlce_chart_line *lines, int count) {
    for (int n = 0; lines && n < count; n++) {
        free((double *)lines[n].x);
        free((double *)lines[n].y);
    }
    free(lines);
}

/* A line of the run's values; a run without dev has none of dev. */
static mlce_status make_line(const comparison *c, int run, curve which, bool by_steps,
                             mlce_chart_line *line) {
    static const char *const colours[] = {
        "c0",        "c1",        "c2",        "c3",        "c4",        "c5",
        "c6",        "c7",        "c0 dashed", "c1 dashed", "c2 dashed", "c3 dashed",
        "c4 dashed", "c5 dashed", "c6 dashed", "c7 dashed", "c0 dotted", "c1 dotted",
        "c2 dotted", "c3 dotted", "c4 dotted", "c5 dotted", "c6 dotted", "c7 dotted"};
    const mlce_view *view = &c->views[run];
    size_t points = view->evaluation_count;
    double *x = mlce_calloc(points, sizeof *x), *y = mlce_calloc(points, sizeof *y);
    *line = (mlce_chart_line){view->run, colours[run % (int)(sizeof colours / sizeof *colours)], x,
                              y, (int)points};
    if (!x || !y) return MLCE_E_MEMORY;
    mlce_page_positions(view, by_steps, x);
    for (size_t i = 0; i < points; i++) y[i] = value_of(&view->evaluations[i], which);
    return MLCE_OK;
}

static mlce_status put_curve(mlce_html *html, const comparison *c, curve which) {
    static const char *const titles[] = {"F1 on dev", "Loss of dev", "Loss of train"};
    bool by_steps = false;
    for (int n = 0; n < c->count; n++) by_steps = by_steps || mlce_page_needs_steps(&c->views[n]);
    mlce_chart_line *lines = mlce_calloc((size_t)c->count, sizeof *lines);
    if (!lines) return MLCE_E_MEMORY;
    int made = 0;
    mlce_status status = MLCE_OK;
    for (int n = 0; n < c->count && !status; n++)
        if (c->views[n].evaluation_count &&
            (which == CURVE_TRAIN_LOSS || mlce_view_best(&c->views[n])->has_dev))
            status = make_line(c, n, which, by_steps, &lines[made++]);
    mlce_chart chart = {
        .title = titles[which],
        .x_name = by_steps ? "step" : "epoch",
        .y_name = which == CURVE_F1 ? "F1, micro average" : "mean loss",
        .lines = lines,
        .count = made,
        .share = which == CURVE_F1,
        .from_zero = which != CURVE_F1,
    };
    if (!status && made) mlce_chart_put(html, &chart);
    free_lines(lines, c->count);
    return status;
}

static bool has_other_dev(const comparison *c) {
    const char *first = "";
    for (int n = 0; n < c->count; n++) {
        const char *dev = mlce_view_setting(&c->views[n], "data.dev");
        if (*first && *dev && strcmp(first, dev)) return true;
        if (*dev) first = dev;
    }
    return false;
}

static mlce_status put_page(mlce_html *html, const comparison *c) {
    mlce_page_begin(html, "Runs compared");
    mlce_html_put(html, "<h1>%d runs compared</h1>\n", c->count);
    if (has_other_dev(c))
        mlce_html_put(html,
                      "<p class=\"note\">The runs have different dev data: their figures say "
                      "little of each other.</p>\n");
    for (int n = 0; n < c->count; n++)
        if (c->views[n].missing[MLCE_DEV])
            mlce_html_put(html,
                          "<p class=\"note\">%s: no dev data, so no figures by type: %s</p>\n",
                          c->views[n].run, c->views[n].missing[MLCE_DEV]);
    mlce_html_put(html, "<h2>Figures, and the settings that differ</h2>\n");
    mlce_grid_put(html, &c->figures);
    mlce_html_put(html, "<h2>Curves</h2>\n<div class=\"charts\">\n");
    mlce_status status = put_curve(html, c, CURVE_F1);
    if (!status) status = put_curve(html, c, CURVE_DEV_LOSS);
    if (!status) status = put_curve(html, c, CURVE_TRAIN_LOSS);
    mlce_html_put(html, "</div>\n");
    if (c->type_count) {
        mlce_html_put(html,
                      "<h2>F1 by type</h2>\n<p class=\"soft\">Of each run's best checkpoint on "
                      "its dev data.</p>\n");
        mlce_grid_put(html, &c->by_type);
    }
    mlce_page_end(html);
    return status;
}

static mlce_status write_page(const comparison *c, const char *path) {
    mlce_html html;
    for (int n = 0; n < c->count; n++)
        for (int s = 0; s < MLCE_SPLITS; s++)
            if (c->views[n].data[s] && mlce_dataset_has_file(c->views[n].data[s], path))
                return mlce_fail(MLCE_E_ARGUMENT, "%s: is data of %s: write to another file", path,
                                 c->views[n].run);
    mlce_status status = mlce_html_begin(&html);
    if (status) return status;
    status = put_page(&html, c);
    if (!status) return mlce_html_end(&html, path, MLCE_LINKS_FOLLOWED);
    mlce_html_abandon(&html);
    return status;
}

static mlce_status print_text(const comparison *c, char **text) {
    mlce_text memory;
    FILE *out = mlce_text_begin(&memory);
    if (out) {
        mlce_grid_print(out, &c->figures);
        if (c->type_count) fputc('\n', out);
        if (c->type_count) mlce_grid_print(out, &c->by_type);
    }
    *text = mlce_text_end(&memory, "tables of runs");
    return *text ? MLCE_OK : MLCE_E_MEMORY;
}

mlce_status mlce_report_compare(const char *const *runs, int count, const char *path, char **text) {
    comparison c = {0};
    if (text) *text = NULL;
    if (count < 1) return mlce_fail(MLCE_E_ARGUMENT, "%d runs to compare", count);
    c.views = mlce_calloc((size_t)count, sizeof *c.views);
    mlce_status status = c.views ? MLCE_OK : MLCE_E_MEMORY;
    while (!status && c.count < count) {
        status = mlce_view_open(runs[c.count], &c.views[c.count]);
        if (!status) c.count++;
        if (!status && path) status = mlce_report_check_path(&c.views[c.count - 1], path);
    }
    mlce_locale locale = mlce_locale_begin();
    if (!status) status = find_keys(&c);
    if (!status) status = fill_figures(&c);
    if (!status) status = fill_types(&c);
    if (!status && path) status = write_page(&c, path);
    if (!status && text) status = print_text(&c, text);
    mlce_locale_end(locale);
    for (int n = 0; n < c.count; n++) mlce_view_free(&c.views[n]);
    mlce_grid_free(&c.figures);
    mlce_grid_free(&c.by_type);
    free(c.views);
    free(c.keys);
    free(c.types);
    return status;
}

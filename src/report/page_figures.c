/* page_figures.c - the figures at the top, the curves, the table of types, and the speed. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "report/chart.h"
#include "report/page.h"

/* What the speed is counted in. */
static const char *rows_of(const mlce_view *view) {
    return mlce_model_task(view->model) == MLCE_TASK_LABELS ? "items" : "tokens";
}

/* ---- At the top ---- */

static void put_score_tile(mlce_html *html, const char *split, mlce_score score) {
    mlce_html_put(html,
                  "<li><span>%s F1</span><b>%.4f</b><span>precision %.4f</span><span>recall "
                  "%.4f</span></li>\n",
                  split, score.f1, score.precision, score.recall);
}

static void put_training_tiles(mlce_html *html, const mlce_view *view) {
    const mlce_train_evaluation *best = mlce_view_best(view),
                                *last = &view->evaluations[view->evaluation_count - 1];
    mlce_html_put(html,
                  "<li><span>%s epoch</span><b>%s</b><span>of %s trained</span><span>step "
                  "%s</span></li>\n",
                  best->has_dev ? "best" : "last", mlce_page_count(best->epoch),
                  mlce_page_count(last->epoch), mlce_page_count(best->step));
    mlce_html_put(html, "<li><span>time</span><b>%s</b><span>with evaluation</span></li>\n",
                  mlce_page_time(last->seconds));
}

static void put_tiles(mlce_html *html, const mlce_view *view) {
    const mlce_train_evaluation *best = mlce_view_best(view);
    mlce_html_put(html, "<ul class=\"tiles\">\n");
    if (view->has_metrics[MLCE_DEV])
        put_score_tile(html, "dev", mlce_metrics_micro(&view->metrics[MLCE_DEV]));
    else if (best->has_dev)
        put_score_tile(html, "dev", best->micro);
    if (view->has_metrics[MLCE_TEST])
        put_score_tile(html, "test", mlce_metrics_micro(&view->metrics[MLCE_TEST]));
    if (view->evaluation_count) put_training_tiles(html, view);
    mlce_parameters *parameters = mlce_model_parameters(view->model);
    mlce_html_put(html, "<li><span>parameters</span><b>%s</b><span>in %s matrices</span></li>\n",
                  mlce_page_count((int64_t)mlce_parameters_numbers(parameters)),
                  mlce_page_count(mlce_parameters_count(parameters)));
    mlce_html_put(html, "</ul>\n");
}

/* Whether the model does on dev what the run says of it. */
static void put_changed(mlce_html *html, const mlce_view *view) {
    const mlce_train_evaluation *best = mlce_view_best(view);
    if (!view->has_metrics[MLCE_DEV] || !best->has_dev) return;
    double now = mlce_metrics_micro(&view->metrics[MLCE_DEV]).f1, difference = now - best->micro.f1;
    if (difference < 1e-9 && difference > -1e-9) return;
    mlce_html_put(
        html,
        "<p class=\"note\">In training the dev F1 was %.4f; it is %.4f now: the data, the "
        "thresholds, the checkpoint or the machine have changed since.</p>\n",
        best->micro.f1, now);
}

static void put_links(mlce_html *html, const mlce_view *view) {
    bool has_dev = view->has_metrics[MLCE_DEV];
    const char *types = mlce_model_task(view->model) == MLCE_TASK_LABELS ? "labels" : "types";
    bool was_trained = view->evaluation_count > 0;
    mlce_html_put(html, "<nav>");
    if (was_trained) mlce_html_put(html, "<a href=\"#curves\">curves</a>");
    if (has_dev)
        mlce_html_put(html,
                      "<a href=\"#types\">%s</a><a href=\"#confusions\">confusions</a>"
                      "<a href=\"#errors\">errors</a>",
                      types);
    mlce_html_put(html, "<a href=\"#data\">data</a>");
    if (was_trained) mlce_html_put(html, "<a href=\"#speed\">speed</a>");
    mlce_html_put(html,
                  "<a href=\"#model\">model</a>"
                  "<a href=\"#configuration\">configuration</a></nav>\n");
    if (!was_trained)
        mlce_html_put(html,
                      "<p class=\"note\">Weights that were imported: there are no curves and "
                      "no times.</p>\n");
}

void mlce_page_summary(mlce_html *html, const mlce_view *view) {
    const mlce_dataset_layout *layout = &mlce_dataset_layouts[mlce_model_task(view->model)];
    mlce_html_put(html, "<h1>");
    mlce_html_name(html, view->name);
    mlce_html_put(html, "</h1>\n<p class=\"soft\">%s, %s; %s %ss, %s features %s</p>\n",
                  mlce_view_setting(view, "model.head"), mlce_view_setting(view, "loss.name"),
                  mlce_page_count(mlce_model_types(view->model)), layout->type,
                  mlce_page_count(mlce_model_width(view->model)), layout->a_token);
    put_tiles(html, view);
    put_links(html, view);
    for (int split = 0; split < MLCE_SPLITS; split++)
        if (view->missing[split])
            mlce_html_put(html,
                          "<p class=\"note\">No data of %s, so nothing that needs it: %s</p>\n",
                          mlce_split_names[split], view->missing[split]);
    put_changed(html, view);
}

/* ---- Curves ---- */

enum { X, TRAIN_LOSS, DEV_LOSS, PRECISION, RECALL, F1, SPEED, SECONDS, COLUMNS };

/* [COLUMNS][evaluations] */
static double *columns_of(const mlce_view *view) {
    size_t n = view->evaluation_count;
    double *values = mlce_calloc(n * COLUMNS, sizeof *values);
    for (size_t i = 0; values && i < n; i++) {
        const mlce_train_evaluation *e = &view->evaluations[i];
        values[TRAIN_LOSS * n + i] = e->train_loss;
        values[DEV_LOSS * n + i] = e->dev_loss;
        values[PRECISION * n + i] = e->micro.precision;
        values[RECALL * n + i] = e->micro.recall;
        values[F1 * n + i] = e->micro.f1;
        values[SPEED * n + i] = e->tokens_per_second;
        values[SECONDS * n + i] = e->seconds - (i ? view->evaluations[i - 1].seconds : 0);
    }
    return values;
}

static mlce_chart_line line_of(const mlce_view *view, const double *values, int column,
                               const char *name, const char *colour) {
    size_t n = view->evaluation_count;
    return (mlce_chart_line){name, colour, values, values + (size_t)column * n, (int)n};
}

mlce_status mlce_page_curves(mlce_html *html, const mlce_view *view) {
    double *values = columns_of(view);
    if (!values) return MLCE_E_MEMORY;
    const char *x_name = mlce_page_positions(view, mlce_page_needs_steps(view), values);
    bool has_dev = mlce_view_best(view)->has_dev;
    mlce_chart_line losses[] = {
        line_of(view, values, TRAIN_LOSS, "train loss", "c0 dashed"),
        line_of(view, values, DEV_LOSS, "dev loss", "c1"),
    };
    mlce_chart_line scores[] = {
        line_of(view, values, PRECISION, "dev precision", "c2 dashed"),
        line_of(view, values, RECALL, "dev recall", "c3 dotted"),
        line_of(view, values, F1, "dev F1", "c4 thick"),
    };
    mlce_chart chart = {
        .title = has_dev ? "Loss of train and dev" : "Loss of train",
        .x_name = x_name,
        .y_name = "mean loss",
        .lines = losses,
        .count = has_dev ? 2 : 1,
        .from_zero = true,
        .mark = has_dev ? "best dev F1" : NULL,
        .mark_x = values[view->best],
    };
    mlce_html_put(html, "<h2 id=\"curves\">Curves</h2>\n<div class=\"charts\">\n");
    mlce_chart_put(html, &chart);
    chart.title = "Precision, recall and F1 on dev";
    chart.y_name = "share, micro average";
    chart.lines = scores;
    chart.count = 3;
    chart.share = true;
    chart.from_zero = false;
    if (has_dev) mlce_chart_put(html, &chart);
    mlce_html_put(html, "</div>\n");
    free(values);
    return MLCE_OK;
}

/* ---- Types ---- */

static void put_share(mlce_html *html, const char *colour, double share) {
    char text[16];
    snprintf(text, sizeof text, "%.4f", share);
    mlce_page_bar(html, colour, share, text);
}

static void put_type_row(mlce_html *html, mlce_counts counts, double most) {
    mlce_score score = mlce_score_of(counts);
    mlce_page_bar(html, "c0", (double)counts.gold / most, mlce_page_count(counts.gold));
    mlce_page_bar(html, "c1", (double)counts.predicted / most, mlce_page_count(counts.predicted));
    put_share(html, "c2", score.precision);
    put_share(html, "c3", score.recall);
    put_share(html, "c4", score.f1);
    mlce_html_put(html, "</tr>\n");
}

static void put_average(mlce_html *html, const char *class, const char *name, mlce_score score,
                        int64_t gold, int64_t predicted) {
    mlce_html_put(html, "<tr class=\"%s\"><th class=\"name\" scope=\"row\">%s</th>", class, name);
    mlce_html_put(html, "<td class=\"n\">%s</td><td class=\"n\">%s</td>", mlce_page_count(gold),
                  mlce_page_count(predicted));
    put_share(html, "c2", score.precision);
    put_share(html, "c3", score.recall);
    put_share(html, "c4", score.f1);
    mlce_html_put(html, "</tr>\n");
}

static void put_item_figures(mlce_html *html, const mlce_metrics *metrics) {
    mlce_item_metrics items = mlce_metrics_items(metrics);
    mlce_html_put(html,
                  "<p>Of the items: exact match %.4f, Hamming loss %.6f, ranking average precision "
                  "%.4f, precision at 1, 3, 5: %.4f, %.4f, %.4f; mean F1 of an item %.4f.</p>\n",
                  items.exact_match, items.hamming_loss, items.ranking, items.precision_at[0],
                  items.precision_at[1], items.precision_at[2], items.samples.f1);
}

static void put_averages(mlce_html *html, const mlce_metrics *metrics) {
    int64_t gold = 0, predicted = 0;
    for (int a = 0; a < metrics->types; a++) {
        gold += metrics->counts[a].gold;
        predicted += metrics->counts[a].predicted;
    }
    put_average(html, "sum", "micro average", mlce_metrics_micro(metrics), gold, predicted);
    put_average(html, "", "macro average", mlce_metrics_macro(metrics), gold, predicted);
}

static void put_type_head(mlce_html *html, const mlce_metrics *metrics, int shown) {
    const mlce_dataset_layout *layout = &mlce_dataset_layouts[metrics->task];
    mlce_html_put(html,
                  "<h2 id=\"types\">%s by %s</h2>\n<p class=\"soft\">The best checkpoint on dev. A "
                  "%s is right only if all of it is.",
                  metrics->task == MLCE_TASK_LABELS ? "Labels" : "Spans", layout->type,
                  layout->span);
    if (shown < metrics->types)
        mlce_html_put(html, " %d of %d %ss are shown: those with the most in gold and prediction.",
                      shown, metrics->types, layout->type);
    mlce_html_put(html,
                  "</p>\n<div class=\"scroll\"><table><thead><tr><th class=\"name\" "
                  "scope=\"col\">%s</th><th class=\"n\" scope=\"col\">gold</th><th class=\"n\" "
                  "scope=\"col\">predicted</th><th class=\"n\" scope=\"col\">precision</th><th "
                  "class=\"n\" scope=\"col\">recall</th><th class=\"n\" scope=\"col\">F1</th></tr>"
                  "</thead><tbody>\n",
                  layout->type);
}

static void put_type_rows(mlce_html *html, const mlce_view *view, const int *ids, int count) {
    const mlce_metrics *metrics = &view->metrics[MLCE_DEV];
    int64_t most = 1;
    for (int n = 0; n < count; n++) {
        mlce_counts c = metrics->counts[ids[n]];
        if (c.gold > most) most = c.gold;
        if (c.predicted > most) most = c.predicted;
    }
    for (int n = 0; n < count; n++) {
        mlce_html_put(html, "<tr><th class=\"name\" scope=\"row\">");
        mlce_html_name(html, mlce_model_type_names(view->model)[ids[n]]);
        mlce_html_put(html, "</th>");
        put_type_row(html, metrics->counts[ids[n]], (double)most);
    }
}

mlce_status mlce_page_type_table(mlce_html *html, const mlce_view *view) {
    const mlce_metrics *metrics = &view->metrics[MLCE_DEV];
    size_t types = (size_t)metrics->types;
    int *ids = mlce_calloc(types, sizeof *ids), count;
    int64_t *weights = mlce_calloc(types, sizeof *weights);
    mlce_status status = ids && weights ? MLCE_OK : MLCE_E_MEMORY;
    for (size_t a = 0; a < types && !status; a++)
        weights[a] = metrics->counts[a].gold + metrics->counts[a].predicted;
    if (!status) status = mlce_page_pick(weights, metrics->types, MLCE_PAGE_ROWS, ids, &count);
    if (!status) {
        put_type_head(html, metrics, count);
        put_type_rows(html, view, ids, count);
        put_averages(html, metrics);
        mlce_html_put(html, "</tbody></table></div>\n");
        if (metrics->task == MLCE_TASK_LABELS) put_item_figures(html, metrics);
    }
    free(ids);
    free(weights);
    return status;
}

/* ---- Speed ---- */

static void put_evaluation(mlce_html *html, const mlce_view *view, size_t i) {
    const mlce_train_evaluation *e = &view->evaluations[i];
    double before = i ? view->evaluations[i - 1].seconds : 0;
    mlce_html_put(html, "<tr class=\"%s\">", i == view->best ? "best" : "");
    mlce_html_put(html, "<td class=\"n\">%lld</td><td class=\"n\">%s</td><td class=\"n\">%.4f</td>",
                  (long long)e->epoch, mlce_page_count(e->step), e->train_loss);
    if (e->has_dev)
        mlce_html_put(
            html,
            "<td class=\"n\">%.4f</td><td class=\"n\">%.4f</td><td class=\"n\">%.4f</td><td "
            "class=\"n\">%.4f</td><td class=\"n\">%.4f</td>",
            e->dev_loss, e->micro.precision, e->micro.recall, e->micro.f1, e->macro.f1);
    mlce_html_put(html, "<td class=\"n\">%s</td><td class=\"n\">%.2f</td></tr>\n",
                  mlce_page_count((int64_t)(e->tokens_per_second + 0.5)), e->seconds - before);
}

static void put_evaluations(mlce_html *html, const mlce_view *view) {
    static const char dev_heads[] =
        "<th class=\"n\">dev loss</th><th class=\"n\">precision</th><th class=\"n\">recall</th><th "
        "class=\"n\">F1</th><th class=\"n\">macro F1</th>";
    size_t count = view->evaluation_count, rows = count < MLCE_PAGE_ROWS ? count : MLCE_PAGE_ROWS;
    mlce_html_put(html, "<details><summary>All evaluations</summary>\n");
    if (rows < count)
        mlce_html_put(html, "<p class=\"soft\">The last %zu of %zu.</p>\n", rows, count);
    mlce_html_put(html,
                  "<div class=\"scroll\"><table><thead><tr><th class=\"n\">epoch</th><th "
                  "class=\"n\">step</th><th class=\"n\">train loss</th>");
    if (mlce_view_best(view)->has_dev) fputs(dev_heads, html->out);
    mlce_html_put(html,
                  "<th class=\"n\">%s/s</th><th class=\"n\">seconds</th></tr></thead><tbody>\n",
                  rows_of(view));
    for (size_t i = count - rows; i < count; i++) put_evaluation(html, view, i);
    mlce_html_put(html, "</tbody></table></div></details>\n");
}

static void put_speed(mlce_html *html, const mlce_view *view) {
    double speed = 0, waiting = 0, n = (double)view->evaluation_count;
    for (size_t i = 0; i < view->evaluation_count; i++) {
        speed += view->evaluations[i].tokens_per_second / n;
        waiting += view->evaluations[i].waiting / n;
    }
    mlce_html_put(html, "<h2 id=\"speed\">Speed</h2>\n<p>%s %s a second in training",
                  mlce_page_count((int64_t)(speed + 0.5)), rows_of(view));
    if (waiting > 0) mlce_html_put(html, "; %.1f%% of the time waiting for data", 100 * waiting);
    mlce_html_put(html, " (means of the evaluations).</p>\n");
}

mlce_status mlce_page_speed(mlce_html *html, const mlce_view *view) {
    double *values = columns_of(view);
    if (!values) return MLCE_E_MEMORY;
    const char *x_name = mlce_page_positions(view, mlce_page_needs_steps(view), values);
    mlce_chart_line speed = line_of(view, values, SPEED, "training", "c0");
    mlce_chart_line time = line_of(view, values, SECONDS, "training and evaluation", "c1");
    char unit[24];
    snprintf(unit, sizeof unit, "%s a second", rows_of(view));
    mlce_chart chart = {
        .title = "Speed of training",
        .x_name = x_name,
        .y_name = unit,
        .lines = &speed,
        .count = 1,
        .from_zero = true,
    };
    put_speed(html, view);
    mlce_html_put(html, "<div class=\"charts\">\n");
    mlce_chart_put(html, &chart);
    chart.title = "Time from one evaluation to the next";
    chart.y_name = "seconds";
    chart.lines = &time;
    mlce_chart_put(html, &chart);
    mlce_html_put(html, "</div>\n");
    put_evaluations(html, view);
    free(values);
    return MLCE_OK;
}

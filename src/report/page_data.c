/* page_data.c - what the data consists of, the model's parts, and the configuration. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "report/page.h"

enum { MOST_VALUE = 300 }; /* characters of a text from a file */

/* ---- The data ---- */

static void put_split_heads(mlce_html *html, const mlce_view *view, const char *first) {
    mlce_html_put(html, "<table><thead><tr><th class=\"name\">%s</th>", first);
    for (int s = 0; s < MLCE_SPLITS; s++)
        if (view->data[s]) mlce_html_put(html, "<th class=\"n\">%s</th>", mlce_split_names[s]);
    mlce_html_put(html, "</tr></thead><tbody>\n");
}

/* A row of numbers that lie at `offset` in the statistics. */
static void put_number_row(mlce_html *html, const mlce_view *view, const char *name,
                           size_t offset) {
    mlce_html_put(html, "<tr><td>%s</td>", name);
    for (int s = 0; s < MLCE_SPLITS; s++) {
        int64_t value;
        memcpy(&value, (const char *)&view->statistics[s] + offset, sizeof value);
        if (view->data[s]) mlce_html_put(html, "<td class=\"n\">%s</td>", mlce_page_count(value));
    }
    mlce_html_put(html, "</tr>\n");
}

static void put_mean_row(mlce_html *html, const mlce_view *view, const char *name, bool of_spans) {
    mlce_html_put(html, "<tr><td>%s</td>", name);
    for (int s = 0; s < MLCE_SPLITS; s++) {
        const mlce_statistics *of = &view->statistics[s];
        double above = (double)(of_spans ? of->spans : of->tokens);
        if (view->data[s])
            mlce_html_put(html, "<td class=\"n\">%.2f</td>",
                          of->sequences ? above / (double)of->sequences : 0);
    }
    mlce_html_put(html, "</tr>\n");
}

#define NUMBER_ROW(name, member) put_number_row(html, view, name, offsetof(mlce_statistics, member))

static void put_split_table(mlce_html *html, const mlce_view *view) {
    put_split_heads(html, view, "");
    if (mlce_model_task(view->model) == MLCE_TASK_LABELS) {
        NUMBER_ROW("items", sequences);
        NUMBER_ROW("labels", spans);
        put_mean_row(html, view, "labels an item, mean", true);
        NUMBER_ROW("labels an item, most", most);
        NUMBER_ROW("items without labels", bare);
    } else {
        NUMBER_ROW("sequences", sequences);
        NUMBER_ROW("tokens", tokens);
        put_mean_row(html, view, "tokens a sequence, mean", false);
        NUMBER_ROW("tokens a sequence, most", longest);
        NUMBER_ROW("spans", spans);
        put_mean_row(html, view, "spans a sequence, mean", true);
        NUMBER_ROW("spans a sequence, most", most);
        NUMBER_ROW("sequences without spans", bare);
        NUMBER_ROW("spans inside another", nested);
        NUMBER_ROW("spans that cross another", crossing);
        NUMBER_ROW("spans over one token, most", depth);
    }
    mlce_html_put(html, "</tbody></table>\n");
}

/* Spans by their tokens, or items by their labels: a count over a bar. */
static void put_lengths(mlce_html *html, const mlce_view *view) {
    bool of_labels = mlce_model_task(view->model) == MLCE_TASK_LABELS;
    put_split_heads(html, view, of_labels ? "labels an item" : "tokens a span");
    for (int k = 0; k < MLCE_LENGTHS; k++) {
        mlce_html_put(html, "<tr><td>%s</td>", mlce_length_names[k]);
        for (int s = 0; s < MLCE_SPLITS; s++) {
            const mlce_statistics *of = &view->statistics[s];
            double all = (double)(of_labels ? of->sequences : of->spans);
            if (view->data[s])
                mlce_page_bar(html, "c0", all > 0 ? (double)of->by_length[k] / all : 0,
                              mlce_page_count(of->by_length[k]));
        }
        mlce_html_put(html, "</tr>\n");
    }
    mlce_html_put(html, "</tbody></table>\n");
}

/* Gold of a type in a split; 0 where the split is not there. */
static int64_t gold_of(const mlce_view *view, int split, int type) {
    const mlce_dataset *data = view->data[split];
    return data && type < mlce_dataset_types(data) ? view->statistics[split].by_type[type] : 0;
}

static void put_type_row(mlce_html *html, const mlce_view *view, int type) {
    bool unseen = view->data[MLCE_TRAIN] && !gold_of(view, MLCE_TRAIN, type);
    mlce_html_put(html, "<tr><td class=\"name\">");
    mlce_html_name(html, mlce_model_type_names(view->model)[type]);
    if (unseen) mlce_html_put(html, " <span class=\"warn\">not in train</span>");
    mlce_html_put(html, "</td>");
    for (int s = 0; s < MLCE_SPLITS; s++) {
        double all = (double)view->statistics[s].spans;
        if (view->data[s])
            mlce_page_bar(html, "c0", all > 0 ? (double)gold_of(view, s, type) / all : 0,
                          mlce_page_count(gold_of(view, s, type)));
    }
    mlce_html_put(html, "</tr>\n");
}

static mlce_status put_types(mlce_html *html, const mlce_view *view) {
    int types = mlce_model_types(view->model), count;
    const char *word = mlce_dataset_layouts[mlce_model_task(view->model)].type;
    int *ids = mlce_calloc((size_t)types, sizeof *ids);
    int64_t *weights = mlce_calloc((size_t)types, sizeof *weights);
    mlce_status status = ids && weights ? MLCE_OK : MLCE_E_MEMORY;
    int unseen = 0;
    for (int a = 0; a < types && !status; a++) {
        for (int s = 0; s < MLCE_SPLITS; s++) weights[a] += gold_of(view, s, a);
        unseen += weights[a] > 0 && view->data[MLCE_TRAIN] && !gold_of(view, MLCE_TRAIN, a);
    }
    if (!status) status = mlce_page_pick(weights, types, MLCE_PAGE_ROWS, ids, &count);
    if (!status) {
        if (unseen)
            mlce_html_put(html,
                          "<p class=\"warn\">%s %ss of dev or test are not in train at all.</p>\n",
                          mlce_page_count(unseen), word);
        if (count == MLCE_PAGE_ROWS)
            mlce_html_put(html, "<p class=\"soft\">The %d most frequent of %s.</p>\n", count,
                          mlce_page_count(types));
        put_split_heads(html, view, word);
        for (int n = 0; n < count; n++) put_type_row(html, view, ids[n]);
        mlce_html_put(html, "</tbody></table>\n");
    }
    free(ids);
    free(weights);
    return status;
}

mlce_status mlce_page_data(mlce_html *html, const mlce_view *view) {
    mlce_html_put(html, "<h2 id=\"data\">Data</h2>\n");
    const char *embedding = mlce_model_embedding(view->model);
    if (*embedding) {
        mlce_html_put(html, "<p class=\"soft\">Embeddings: <bdi>");
        mlce_html_text(html, embedding, MOST_VALUE);
        mlce_html_put(html, "</bdi></p>\n");
    }
    bool has_any = false;
    for (int s = 0; s < MLCE_SPLITS; s++) has_any = has_any || view->data[s];
    if (!has_any) {
        mlce_html_put(html, "<p>None of it is there any more.</p>\n");
        return MLCE_OK;
    }
    mlce_html_put(html, "<div class=\"columns\"><div class=\"scroll\"><h3>Splits</h3>\n");
    put_split_table(html, view);
    mlce_html_put(html, "</div><div class=\"scroll\"><h3>%s</h3>\n",
                  mlce_model_task(view->model) == MLCE_TASK_LABELS ? "Items by number of labels"
                                                                   : "Spans by length");
    put_lengths(html, view);
    mlce_html_put(html, "</div><div class=\"scroll\"><h3>Gold by %s</h3>\n",
                  mlce_dataset_layouts[mlce_model_task(view->model)].type);
    mlce_status status = put_types(html, view);
    mlce_html_put(html, "</div></div>\n");
    return status;
}

/* ---- The model ---- */

/* The length of a name's part: "encoder.1" of "encoder.1.layer.1.weight", else up to the last dot:
   "head.query" of "head.query.weight". */
static size_t part_length(const char *name) {
    const char *end = NULL;
    if (strncmp(name, "encoder.", 8) == 0) end = strchr(name + 8, '.');
    if (!end) end = strrchr(name, '.');
    return end ? (size_t)(end - name) : strlen(name);
}

static void put_part(mlce_html *html, const char *name, size_t length, int matrices, size_t numbers,
                     size_t all) {
    char part[64], text[64];
    snprintf(part, sizeof part, "%.*s", length < sizeof part ? (int)length : (int)sizeof part - 1,
             name);
    snprintf(text, sizeof text, "%s", mlce_page_count((int64_t)numbers));
    mlce_html_put(html, "<tr><td><code>%s</code></td><td class=\"n\">%d</td>", part, matrices);
    mlce_page_bar(html, "c0", all ? (double)numbers / (double)all : 0, text);
    mlce_html_put(html, "<td class=\"n\">%.1f%%</td></tr>\n",
                  all ? 100 * (double)numbers / (double)all : 0);
}

static void put_parts(mlce_html *html, const mlce_parameters *parameters) {
    int count = mlce_parameters_count(parameters);
    mlce_html_put(html,
                  "<div class=\"scroll\"><table><thead><tr><th>part</th><th class=\"n\">matrices"
                  "</th><th class=\"n\">parameters</th><th class=\"n\">share</th></tr></thead>"
                  "<tbody>\n");
    for (int first = 0, next; first < count; first = next) {
        const char *name = mlce_parameters_at(parameters, first)->name;
        size_t length = part_length(name), numbers = 0;
        for (next = first; next < count; next++) {
            const mlce_parameter *p = mlce_parameters_at(parameters, next);
            if (part_length(p->name) != length || strncmp(p->name, name, length)) break;
            numbers += (size_t)p->rows * (size_t)p->cols;
        }
        put_part(html, name, length, next - first, numbers, mlce_parameters_numbers(parameters));
    }
    mlce_html_put(html,
                  "<tr class=\"sum\"><td>all</td><td class=\"n\">%d</td><td class=\"n\">%s</td>"
                  "<td></td></tr></tbody></table></div>\n",
                  count, mlce_page_count((int64_t)mlce_parameters_numbers(parameters)));
}

static void put_matrices(mlce_html *html, const mlce_parameters *parameters) {
    int count = mlce_parameters_count(parameters), rows = count;
    if (rows > MLCE_PAGE_ROWS) rows = MLCE_PAGE_ROWS;
    mlce_html_put(html,
                  "<details><summary>All matrices</summary><div class=\"scroll\"><table><thead>"
                  "<tr><th>name</th><th class=\"n\">rows</th><th class=\"n\">columns</th></tr>"
                  "</thead><tbody>\n");
    for (int n = 0; n < rows; n++) {
        const mlce_parameter *p = mlce_parameters_at(parameters, n);
        mlce_html_put(html,
                      "<tr><td><code>%s</code></td><td class=\"n\">%s</td><td class=\"n\">%s"
                      "</td></tr>\n",
                      p->name, mlce_page_count(p->rows), mlce_page_count(p->cols));
    }
    mlce_html_put(html, "</tbody></table></div>");
    if (rows < count) mlce_html_put(html, "<p class=\"soft\">The first %d of %d.</p>", rows, count);
    mlce_html_put(html, "</details>\n");
}

/* ---- The configuration ---- */

static void put_setting(mlce_html *html, const char *key, const char *value) {
    mlce_html_put(html, "<tr><td><code>%s</code></td><td class=\"name\">", key);
    if (*value) {
        mlce_html_put(html, "<code><bdi>");
        mlce_html_text(html, value, MOST_VALUE);
        mlce_html_put(html, "</bdi></code>");
    } else {
        mlce_html_put(html, "<span class=\"soft\">empty</span>");
    }
    mlce_html_put(html, "</td></tr>\n");
}

/* One table a section: keys are sorted, so those of a section stand together. */
static void put_configuration(mlce_html *html, const mlce_view *view) {
    size_t section = 0;
    const char *before = "", *key;
    json_t *value;
    mlce_html_put(html,
                  "<h2 id=\"configuration\">Configuration</h2>\n<p class=\"soft\">Every key that "
                  "has an effect, with its value as used.</p>\n<div class=\"columns\">\n");
    json_object_foreach(view->config, key, value) {
        const char *dot = strrchr(key, '.');
        size_t length = dot ? (size_t)(dot - key) : 0;
        if (!*before || length != section || strncmp(before, key, length)) {
            if (*before) mlce_html_put(html, "</tbody></table></div>\n");
            char name[64];
            snprintf(name, sizeof name, "%.*s", length < 63 ? (int)length : 63, key);
            mlce_html_put(html, "<div><h3>%s</h3><table><tbody>\n", name);
        }
        before = key;
        section = length;
        put_setting(html, dot ? dot + 1 : key, json_string_value(value));
    }
    if (*before) mlce_html_put(html, "</tbody></table></div>\n");
    mlce_html_put(html, "</div>\n");
}

void mlce_page_model(mlce_html *html, const mlce_view *view) {
    const mlce_parameters *parameters = mlce_model_parameters(view->model);
    mlce_html_put(html, "<h2 id=\"model\">Model</h2>\n");
    put_parts(html, parameters);
    put_matrices(html, parameters);
    put_configuration(html, view);
}

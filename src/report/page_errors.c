/* page_errors.c - what the best model gets wrong on dev: confusions of types, errors by kind. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "report/page.h"
#include "report/page_spans.h"

/* ---- Which type is taken for which ---- */

enum { MATRIX_TYPES = 20, CONFUSIONS = 20 };

/* Counts of gold types by predicted types; behind the shown ones: all others together, and none. */
typedef struct matrix {
    int shown[MATRIX_TYPES], count, types;
    int size; /* count + 2 */
    int64_t cells[MATRIX_TYPES + 2][MATRIX_TYPES + 2];
} matrix;

static int place_of(const matrix *m, int type) {
    if (type < 0) return m->count + 1;
    for (int n = 0; n < m->count; n++)
        if (m->shown[n] == type) return n;
    return m->count;
}

/* How often each type stands in gold or prediction, in pairs that are right too or only in errors.
 */
static void weigh_types(const mlce_errors *errors, bool with_right, int64_t *weights) {
    memset(weights, 0, (size_t)errors->types * sizeof *weights);
    for (size_t n = 0; n < errors->confusion_count; n++) {
        const mlce_confusion *c = &errors->confusions[n];
        if (c->kind == MLCE_PAIR_CORRECT && !with_right) continue;
        if (c->gold >= 0) weights[c->gold] += c->count;
        if (c->predicted >= 0) weights[c->predicted] += c->count;
    }
}

/* The types that stand in gold or prediction; of more than there is room for, those with the most
   errors. */
static mlce_status fill_matrix(const mlce_errors *errors, matrix *m) {
    int64_t *weights = mlce_calloc((size_t)errors->types, sizeof *weights);
    if (!weights) return MLCE_E_MEMORY;
    *m = (matrix){0};
    weigh_types(errors, true, weights);
    for (int a = 0; a < errors->types; a++) m->types += weights[a] > 0;
    if (m->types > MATRIX_TYPES) weigh_types(errors, false, weights);
    mlce_status status = mlce_page_pick(weights, errors->types, MATRIX_TYPES, m->shown, &m->count);
    m->size = m->count + 2;
    for (size_t n = 0; n < errors->confusion_count && !status; n++) {
        const mlce_confusion *c = &errors->confusions[n];
        m->cells[place_of(m, c->gold)][place_of(m, c->predicted)] += c->count;
    }
    free(weights);
    return status;
}

/* What the row or column is called. */
static void put_place(mlce_html *html, const matrix *m, const char *const *names, int place,
                      const char *none) {
    if (place < m->count)
        mlce_html_name(html, names[m->shown[place]]);
    else
        mlce_html_put(html, "<i>%s</i>", place == m->count ? "others" : none);
}

/* The diagonal in one colour, the rest in another, by the share of the row; of others together it
   is not known which is which. */
static void put_cell(mlce_html *html, const matrix *m, int row, int column) {
    int64_t count = m->cells[row][column], sum = 0;
    for (int k = 0; k < m->size; k++) sum += m->cells[row][k];
    if (row == m->count + 1 && column == row)
        mlce_html_put(html, "<td></td>");
    else if (!count)
        mlce_html_put(html, "<td class=\"zero\">&#183;</td>");
    else if (row == m->count && column == row)
        mlce_html_put(html, "<td>%s</td>", mlce_page_count(count));
    else
        mlce_html_put(html, "<td style=\"background:rgba(var(--%s),%.2f)\">%s</td>",
                      row == column ? "right" : "wrong", 0.06 + 0.44 * (double)count / (double)sum,
                      mlce_page_count(count));
}

static void put_matrix(mlce_html *html, const matrix *m, const char *const *names) {
    bool has_others = m->types > m->count;
    mlce_html_put(html,
                  "<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th scope=\"col\">"
                  "gold &#8595;&#160; predicted &#8594;</th>");
    for (int k = 0; k < m->size; k++) {
        if (k == m->count && !has_others) continue;
        mlce_html_put(html, "<th scope=\"col\"><span>");
        put_place(html, m, names, k, "missed");
        mlce_html_put(html, "</span></th>");
    }
    mlce_html_put(html, "</tr></thead><tbody>\n");
    for (int i = 0; i < m->size; i++) {
        if (i == m->count && !has_others) continue;
        mlce_html_put(html, "<tr><th class=\"name\" scope=\"row\">");
        put_place(html, m, names, i, "spurious");
        mlce_html_put(html, "</th>");
        for (int k = 0; k < m->size; k++)
            if (k != m->count || has_others) put_cell(html, m, i, k);
        mlce_html_put(html, "</tr>\n");
    }
    mlce_html_put(html, "</tbody></table></div>\n");
}

/* ---- Kinds ---- */

typedef struct kind_words {
    const char *name, *what;
} kind_words;

static const kind_words kinds_of_spans[MLCE_ERROR_KINDS] = {
    [MLCE_PAIR_MISSED] = {"missed", "gold without a match"},
    [MLCE_PAIR_SPURIOUS] = {"spurious", "predicted without a match"},
    [MLCE_PAIR_WRONG_TYPE] = {"wrong type", "right boundaries"},
    [MLCE_PAIR_WRONG_BOUNDARY] = {"wrong boundary", "right type"},
    [MLCE_PAIR_WRONG_BOTH] = {"wrong type and boundary", "only overlap"},
};
static const kind_words kinds_of_labels[MLCE_ERROR_KINDS] = {
    [MLCE_PAIR_MISSED] = {"missed", "gold, and not predicted"},
    [MLCE_PAIR_SPURIOUS] = {"spurious", "predicted, and not gold"},
    [MLCE_PAIR_WRONG_TYPE] = {"wrong label", "the one error on either side"},
};

static const kind_words *kinds_of(const mlce_errors *errors) {
    return errors->task == MLCE_TASK_LABELS ? kinds_of_labels : kinds_of_spans;
}

/* The errors that are the most frequent by kind and types. */
static void put_frequent(mlce_html *html, const mlce_errors *errors, const char *const *names) {
    mlce_html_put(html,
                  "<table><thead><tr><th class=\"n\">count</th><th>error</th><th>gold</th><th>"
                  "predicted</th></tr></thead><tbody>\n");
    int shown = 0;
    for (size_t n = 0; n < errors->confusion_count && shown < CONFUSIONS; n++) {
        const mlce_confusion *c = &errors->confusions[n];
        if (c->kind == MLCE_PAIR_CORRECT) continue;
        mlce_html_put(html, "<tr><td class=\"n\">%s</td><td>%s</td><td class=\"name\">",
                      mlce_page_count(c->count), kinds_of(errors)[c->kind].name);
        if (c->gold >= 0) mlce_html_name(html, names[c->gold]);
        mlce_html_put(html, "</td><td class=\"name\">");
        if (c->predicted >= 0) mlce_html_name(html, names[c->predicted]);
        mlce_html_put(html, "</td></tr>\n");
        shown++;
    }
    mlce_html_put(html, "</tbody></table>\n");
}

mlce_status mlce_page_confusions(mlce_html *html, const mlce_view *view) {
    const mlce_errors *errors = &view->errors;
    const char *const *names = mlce_model_type_names(view->model);
    bool of_labels = errors->task == MLCE_TASK_LABELS;
    matrix *m = mlce_calloc(1, sizeof *m);
    mlce_status status = m ? fill_matrix(errors, m) : MLCE_E_MEMORY;
    if (!status) {
        mlce_html_put(html, "<h2 id=\"confusions\">Confusion of %s</h2>\n<p class=\"soft\">%s",
                      of_labels ? "labels" : "types",
                      of_labels
                          ? "An item with just one missed and one spurious label counts as a "
                            "confusion of the two."
                          : "Gold spans by the type of the prediction they were matched with, "
                            "whether its boundaries are right or not.");
        if (m->types > m->count)
            mlce_html_put(html, " Of %d %s the %d with the most errors.", m->types,
                          of_labels ? "labels" : "types", m->count);
        mlce_html_put(html, "</p>\n");
        put_matrix(html, m, names);
    }
    free(m);
    return status;
}

static void put_kinds(mlce_html *html, const mlce_errors *errors) {
    int64_t all = 0, most = 1;
    for (int k = 0; k < MLCE_ERROR_KINDS; k++) {
        all += errors->counts[k];
        if (errors->counts[k] > most) most = errors->counts[k];
    }
    mlce_html_put(html,
                  "<table><thead><tr><th>kind</th><th class=\"n\">count</th><th class=\"n\">"
                  "share</th></tr></thead><tbody>\n");
    for (int k = 0; k < MLCE_ERROR_KINDS; k++) {
        const kind_words *words = &kinds_of(errors)[k];
        if (!words->name) continue;
        mlce_html_put(html, "<tr><td><a href=\"#kind%d\">%s</a> <small>%s</small></td>", k,
                      words->name, words->what);
        mlce_page_bar(html, "c1", (double)errors->counts[k] / (double)most,
                      mlce_page_count(errors->counts[k]));
        mlce_html_put(html, "<td class=\"n\">%.1f%%</td></tr>\n",
                      all ? 100 * (double)errors->counts[k] / (double)all : 0);
    }
    mlce_html_put(html, "</tbody></table>\n");
}

/* The first few examples of a kind in sight, the others behind a click. */
static mlce_status put_examples(mlce_html *html, const mlce_view *view, int kind) {
    enum { IN_SIGHT = 6 };
    const mlce_errors *errors = &view->errors;
    int count = errors->example_count[kind];
    mlce_html_put(html, "<h3 id=\"kind%d\">%s: %s</h3>\n", kind, kinds_of(errors)[kind].name,
                  mlce_page_count(errors->counts[kind]));
    if (!count) return MLCE_OK;
    if (count < errors->counts[kind])
        mlce_html_put(html, "<p class=\"soft\">%d of them, %s.</p>\n", count,
                      kind == MLCE_PAIR_MISSED ? "as if chosen at random" : "by falling score");
    mlce_html_put(html, "<ul class=\"examples\">\n");
    mlce_status status = MLCE_OK;
    for (int n = 0; n < count && !status; n++) {
        if (n == IN_SIGHT)
            mlce_html_put(html, "</ul><details><summary>%d more</summary><ul class=\"examples\">\n",
                          count - n);
        status = mlce_page_example(html, view, &errors->examples[kind][n]);
    }
    mlce_html_put(html, count > IN_SIGHT ? "</ul></details>\n" : "</ul>\n");
    return status;
}

mlce_status mlce_page_errors(mlce_html *html, const mlce_view *view) {
    const mlce_errors *errors = &view->errors;
    bool of_labels = errors->task == MLCE_TASK_LABELS;
    mlce_html_put(html, "<h2 id=\"errors\">Errors</h2>\n");
    if (!of_labels)
        mlce_html_put(
            html,
            "<p class=\"soft\">What is not exactly right was matched, gold with predicted, "
            "such that the sum of the matches' overlaps (tokens shared / tokens of either) "
            "is the largest possible; each span is in one match at most.</p>\n");
    if (errors->crowded)
        mlce_html_put(html,
                      "<p class=\"note\">In %s sequences so many spans overlap that they were not "
                      "matched: there they count as missed and spurious.</p>\n",
                      mlce_page_count(errors->crowded));
    mlce_html_put(html, "<div class=\"columns\"><div class=\"scroll\"><h3>By kind</h3>\n");
    put_kinds(html, errors);
    mlce_html_put(html, "</div><div class=\"scroll\"><h3>The most frequent</h3>\n");
    put_frequent(html, errors, mlce_model_type_names(view->model));
    mlce_html_put(html, "</div></div>\n");
    mlce_status status = MLCE_OK;
    for (int k = 0; k < MLCE_ERROR_KINDS && !status; k++)
        if (kinds_of(errors)[k].name) status = put_examples(html, view, k);
    return status;
}

/* page_spans.c - an error in its place: the text with gold and predicted spans marked. */
#include "report/page_spans.h"

#include <stdlib.h>

#include "data/dataset_layout.h"

enum { MOST_TOKEN = 100, MOST_TEXT = 400, MOST_LABEL = 24 };

/* A line of tokens with marks. Marks lie in each other as elements do; one that crosses another is
   closed with it and goes on behind it. */
typedef struct line {
    mlce_html *html;
    const mlce_view *view;
    const mlce_example *example;
    const mlce_scored_span *spans;
    int count;
    const char *class; /* of the error's own span, the first one; NULL: it is not in this list */
    int open[MLCE_EXAMPLE_SPANS], open_count; /* outermost first */
    bool begun[MLCE_EXAMPLE_SPANS], closed[MLCE_EXAMPLE_SPANS];
} line;

/* The outer one first: it ends later, or it stands first in the list. */
static bool is_outer(const line *l, int a, int b) {
    int32_t end = l->spans[a].span.end, other = l->spans[b].span.end;
    return end != other ? end > other : a < b;
}

static void open_mark(line *l, int n, bool goes_on) {
    bool own = n == 0 && l->class;
    mlce_html_put(l->html, "<mark class=\"%s%s%s\">", own ? l->class : "",
                  l->begun[n] ? " more-before" : "", goes_on ? " more-behind" : "");
    l->begun[n] = true;
    l->open[l->open_count++] = n;
}

/* Closes the innermost mark; where its span ends it gets its type. */
static void close_mark(line *l, int token) {
    int n = l->open[--l->open_count];
    mlce_span span = l->spans[n].span;
    if (span.end <= token) {
        mlce_html_put(l->html, "<small><bdi>");
        mlce_html_text(l->html, mlce_model_type_names(l->view->model)[span.type], MOST_LABEL);
        mlce_html_put(l->html, "</bdi></small>");
        l->closed[n] = true;
    }
    mlce_html_put(l->html, "</mark>");
}

/* Closes what ends before the token, and what lies in it. */
static void close_before(line *l, int token) {
    int keep = 0;
    while (keep < l->open_count && l->spans[l->open[keep]].span.end > token) keep++;
    while (l->open_count > keep) close_mark(l, token);
}

/* Opens what begins at the token or was closed with another, the outer ones first. */
static void open_at(line *l, int token) {
    for (;;) {
        int next = -1;
        for (int n = 0; n < l->count; n++) {
            bool is_open = false;
            for (int k = 0; k < l->open_count; k++) is_open = is_open || l->open[k] == n;
            if (is_open || l->closed[n] || l->spans[n].span.start > token) continue;
            if (next < 0 || is_outer(l, n, next)) next = n;
        }
        if (next < 0) return;
        /* a mark that is open already and ends sooner will cut this one off */
        bool goes_on = l->spans[next].span.end > l->example->last;
        for (int k = 0; k < l->open_count; k++)
            goes_on = goes_on || l->spans[l->open[k]].span.end < l->spans[next].span.end;
        open_mark(l, next, goes_on);
    }
}

static mlce_status put_token(line *l, int token) {
    char *text = NULL;
    mlce_span span = {token, token + 1, 0};
    mlce_status status = MLCE_OK;
    if (l->view->has_text)
        status = mlce_dataset_span_text(l->view->data[MLCE_DEV], l->example->sequence, span, &text);
    if (text)
        mlce_html_text(l->html, text, MOST_TOKEN);
    else
        mlce_html_put(l->html, "%d", token);
    free(text);
    return status;
}

/* A space, unless the text has none between the tokens. */
static void put_space(line *l, int token) {
    const mlce_dataset *data = l->view->data[MLCE_DEV];
    if (token == l->example->first) return;
    const int32_t(*chars)[2] = l->view->has_text && mlce_dataset_text(data, l->example->sequence)
                                   ? mlce_dataset_token_chars(data, l->example->sequence)
                                   : NULL;
    if (!chars || chars[token][0] > chars[token - 1][1]) fputc(' ', l->html->out);
}

static mlce_status put_line(line *l, int length) {
    mlce_status status = MLCE_OK;
    mlce_html_put(l->html, "<p dir=\"auto\">%s", l->example->first > 0 ? "\xE2\x80\xA6 " : "");
    for (int t = l->example->first; t < l->example->last && !status; t++) {
        close_before(l, t);
        put_space(l, t);
        open_at(l, t);
        status = put_token(l, t);
    }
    while (l->open_count) close_mark(l, l->example->last);
    mlce_html_put(l->html, "%s</p>", l->example->last < length ? " \xE2\x80\xA6" : "");
    return status;
}

/* The labels of an item, its error's own first. */
static void put_labels(line *l, bool with_scores) {
    mlce_html_put(l->html, "<p>");
    for (int n = 0; n < l->count; n++) {
        mlce_html_put(l->html, "%s<mark class=\"%s\">", n ? " " : "",
                      n == 0 && l->class ? l->class : "");
        mlce_html_name(l->html, mlce_model_type_names(l->view->model)[l->spans[n].span.type]);
        if (with_scores) mlce_html_put(l->html, "<small>%.2f</small>", (double)l->spans[n].score);
        mlce_html_put(l->html, "</mark>");
    }
    mlce_html_put(l->html, "%s</p>", l->count ? "" : "&#8212;");
}

static mlce_status put_side(line *l, const char *side, int length) {
    mlce_status status = MLCE_OK;
    mlce_html_put(l->html, "<div class=\"side\"><span>%s</span>", side);
    if (mlce_model_task(l->view->model) == MLCE_TASK_LABELS)
        put_labels(l, l->spans == l->example->predicted);
    else if (l->count)
        status = put_line(l, length);
    else
        mlce_html_put(l->html, "<p class=\"soft\">nothing here</p>");
    mlce_html_put(l->html, "</div>\n");
    return status;
}

/* What the error is and where. */
static void put_head(mlce_html *html, const mlce_view *view, const mlce_example *e) {
    const char *const *names = mlce_model_type_names(view->model);
    const mlce_dataset *data = view->data[MLCE_DEV];
    mlce_html_put(html, "<p class=\"why\"><b>");
    if (e->has_gold) mlce_html_name(html, names[e->gold[0].span.type]);
    if (e->has_gold && e->has_predicted) mlce_html_put(html, " &#8594; ");
    if (e->has_predicted) mlce_html_name(html, names[e->predicted[0].span.type]);
    mlce_html_put(html, "</b>");
    if (e->has_predicted) mlce_html_put(html, " &#183; score %.2f", (double)e->predicted[0].score);
    mlce_html_put(html, " &#183; %s %lld", mlce_dataset_layout_of(data)->sequence,
                  (long long)e->sequence);
    const char *id = view->has_text ? mlce_dataset_id(data, e->sequence) : NULL;
    if (id) {
        mlce_html_put(html, " &#183; ");
        mlce_html_name(html, id);
    }
    if (e->left_out) mlce_html_put(html, " &#183; %d more spans here", e->left_out);
    mlce_html_put(html, "</p>\n");
}

mlce_status mlce_page_example(mlce_html *html, const mlce_view *view, const mlce_example *e) {
    const mlce_dataset *data = view->data[MLCE_DEV];
    int length = mlce_dataset_length(data, e->sequence);
    line gold = {.html = html,
                 .view = view,
                 .example = e,
                 .spans = e->gold,
                 .count = e->gold_count,
                 .class = e->has_gold ? "gold" : NULL};
    line predicted = gold;
    predicted.spans = e->predicted;
    predicted.count = e->predicted_count;
    predicted.class = e->has_predicted ? "pred" : NULL;
    mlce_html_put(html, "<li>");
    put_head(html, view, e);
    const char *text = view->has_text ? mlce_dataset_text(data, e->sequence) : NULL;
    bool of_labels = mlce_model_task(view->model) == MLCE_TASK_LABELS;
    if (of_labels && text) {
        mlce_html_put(html, "<div class=\"side\"><span>text</span><p dir=\"auto\">");
        mlce_html_text(html, text, MOST_TEXT);
        mlce_html_put(html, "</p></div>\n");
    }
    mlce_status status = put_side(&gold, "gold", length);
    if (!status) status = put_side(&predicted, "predicted", length);
    mlce_html_put(html, "</li>\n");
    return status;
}

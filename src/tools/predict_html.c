/* predict_html.c - predictions as a page to look at: one file, without scripts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "report/marked.h"
#include "report/page.h"
#include "tools/predict.h"

/* Spans of a sequence that are marked: with more, nobody could tell them apart. */
enum { MOST_MARKS = 100 };

/* The types that occur, each with its colour and how often. */
static mlce_status put_legend(mlce_html *html, const mlce_predictions *p) {
    int types = mlce_model_types(p->model), absent = 0;
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(p->dataset);
    int64_t *counts = mlce_calloc((size_t)types, sizeof *counts);
    if (!counts) return MLCE_E_MEMORY;
    for (size_t n = 0; n < p->found.count; n++) counts[p->found.items[n].span.type]++;
    mlce_html_put(
        html, "<p class=\"soft\">%lld %s%s, %zu predicted %s%s</p>\n<ul class=\"legend\">\n",
        (long long)p->found.sequences, layout->sequence, p->found.sequences == 1 ? "" : "s",
        p->found.count, layout->span, p->found.count == 1 ? "" : "s");
    for (int a = 0; a < types; a++) {
        absent += !counts[a];
        if (!counts[a]) continue;
        mlce_html_put(html, "<li><span class=\"s c%d\" style=\"--lane:0\">",
                      a % MLCE_MARKED_COLOURS);
        mlce_html_name(html, mlce_model_type_names(p->model)[a]);
        mlce_html_put(html, "</span> %lld</li>\n", (long long)counts[a]);
    }
    if (absent) mlce_html_put(html, "<li>%d of %d types not predicted</li>\n", absent, types);
    mlce_html_put(html, "</ul>\n");
    if (mlce_model_calibration(p->model).slope > 0)
        mlce_html_put(html,
                      "<p class=\"soft\">Behind each %s: how probable it is that it is "
                      "right.</p>\n",
                      layout->span);
    else
        mlce_html_put(html, "<p class=\"soft\">Behind each %s: its score.</p>\n", layout->span);
    free(counts);
    return MLCE_OK;
}

static void put_labels(mlce_html *html, const mlce_marked *marked) {
    if (marked->text)
        mlce_html_put(html, "<p class=\"marked\" dir=\"auto\" style=\"--lanes:0\">%s</p>\n",
                      marked->text);
    mlce_html_put(html, "<p>");
    for (int n = 0; n < marked->count; n++) {
        if (n) mlce_html_put(html, " ");
        mlce_marked_label(html, marked, n);
    }
    mlce_html_put(html, "%s</p>\n", marked->count ? "" : "\xE2\x80\x94");
}

static mlce_status put_sequence(mlce_html *html, const mlce_predictions *p, size_t s,
                                const mlce_span_list *shown, mlce_arena *arena) {
    int64_t sequence = (int64_t)s;
    bool is_item = mlce_model_task(p->model) == MLCE_TASK_LABELS;
    size_t count = shown->offsets[s + 1] - shown->offsets[s];
    size_t all = p->found.offsets[s + 1] - p->found.offsets[s];
    mlce_marked marked = {
        .length = mlce_dataset_length(p->dataset, sequence),
        .tokens = is_item ? NULL : mlce_dataset_token_text(p->dataset, sequence),
        .text = mlce_dataset_text(p->dataset, sequence),
        .spans = shown->items + shown->offsets[s],
        .count = (int)count,
        .type_names = mlce_model_type_names(p->model),
        .calibration = mlce_model_calibration(p->model),
    };
    if (marked.text && !is_item) marked.chars = mlce_dataset_token_chars(p->dataset, sequence);
    mlce_html_put(html, "<li><p class=\"why\">%s %zu", mlce_dataset_layout_of(p->dataset)->sequence,
                  s);
    const char *id = mlce_dataset_id(p->dataset, sequence);
    if (id) {
        mlce_html_put(html, " \xC2\xB7 ");
        mlce_html_name(html, id);
    }
    if (count < all) mlce_html_put(html, " \xC2\xB7 the best %zu of %zu are shown", count, all);
    mlce_html_put(html, "</p>\n");
    mlce_status status = MLCE_OK;
    if (is_item)
        put_labels(html, &marked);
    else
        status = mlce_marked_put(html, arena, &marked);
    mlce_html_put(html, "</li>\n");
    return status;
}

/* A copy of what was found, with at most MOST_MARKS of each sequence. */
static mlce_status choose_shown(const mlce_predictions *p, mlce_span_list *shown) {
    const mlce_span_list *all = &p->found;
    *shown = (mlce_span_list){.count = all->count, .sequences = all->sequences};
    shown->items = mlce_calloc(all->count, sizeof *shown->items);
    shown->offsets = mlce_calloc(all->sequences + 1, sizeof *shown->offsets);
    if (!shown->items || !shown->offsets) return MLCE_E_MEMORY;
    if (all->count) memcpy(shown->items, all->items, all->count * sizeof *shown->items);
    if (all->sequences)
        memcpy(shown->offsets, all->offsets, (all->sequences + 1) * sizeof *shown->offsets);
    return mlce_span_list_keep_best(shown, mlce_model_thresholds(p->model), MOST_MARKS);
}

static mlce_status put_page(mlce_html *html, const mlce_predictions *p, const mlce_span_list *shown,
                            mlce_arena *arena) {
    mlce_page_begin(html, p->title);
    mlce_html_put(html, "<h1><bdi>%s</bdi></h1>\n", p->title);
    mlce_status status = put_legend(html, p);
    mlce_html_put(html, "<ol class=\"texts\">\n");
    for (size_t s = 0; s < p->found.sequences && !status; s++) {
        status = put_sequence(html, p, s, shown, arena);
        mlce_arena_reset(arena);
        if (ferror(html->out))
            status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", p->output, strerror(errno));
    }
    mlce_html_put(html, "</ol>\n");
    mlce_page_end(html);
    return status;
}

mlce_status mlce_predict_html(const mlce_predictions *p, FILE *file) {
    mlce_html html = {.out = file, .locale = mlce_locale_begin()};
    mlce_arena *arena = mlce_arena_new();
    mlce_span_list shown = {0};
    mlce_status status = arena ? choose_shown(p, &shown) : MLCE_E_MEMORY;
    if (!status) status = put_page(&html, p, &shown, arena);
    mlce_span_list_free(&shown);
    mlce_arena_free(arena);
    mlce_locale_end(html.locale);
    return status;
}

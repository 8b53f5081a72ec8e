/* page.c - what the pages share. */
#include "report/page.h"

#include <stdlib.h>

#include "mlce/memory.h"
#include "report/style.h"

void mlce_page_begin(mlce_html *html, const char *title) {
    mlce_html_put(
        html,
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
        "<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; "
        "style-src &#39;unsafe-inline&#39;\"/>\n<title>%s</title>\n<style>\n",
        title);
    for (const char *const *rule = mlce_page_style; *rule; rule++) {
        fputs(*rule, html->out);
        fputc('\n', html->out);
    }
    mlce_html_put(html, "</style>\n</head>\n<body>\n<main>\n");
}

void mlce_page_end(mlce_html *html) {
    mlce_html_put(html, "</main>\n<footer>mlce %s</footer>\n</body>\n</html>\n", MLCE_VERSION);
}

/* A few, so that a call can have several values. */
static char *next_buffer(size_t *size) {
    enum { BUFFERS = 8, SIZE = 40 };
    static _Thread_local char buffers[BUFFERS][SIZE];
    static _Thread_local int last;
    *size = SIZE;
    return buffers[last = (last + 1) % BUFFERS];
}

const char *mlce_page_count(int64_t number) {
    size_t size;
    char digits[24], *text = next_buffer(&size), *to = text;
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *mlce_page_time(double seconds) {
    size_t size;
    char *text = next_buffer(&size);
    long whole = (long)(seconds + 0.5);
    if (seconds < 60)
        snprintf(text, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(text, size, "%ld:%02ld min", whole / 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld:%02ld h", whole / 3600, whole / 60 % 60, whole % 60);
    return text;
}

void mlce_page_bar(mlce_html *html, const char *colour, double share, const char *value) {
    if (share > 1) share = 1;
    mlce_html_put(html,
                  "<td class=\"n\">%s<span class=\"bar\"><i class=\"%s\" "
                  "style=\"width:%.1f%%\"></i></span></td>",
                  value, colour, 100 * share);
}

bool mlce_page_needs_steps(const mlce_view *view) {
    for (size_t i = 1; i < view->evaluation_count; i++)
        if (view->evaluations[i].epoch == view->evaluations[i - 1].epoch) return true;
    return false;
}

const char *mlce_page_positions(const mlce_view *view, bool by_steps, double *x) {
    for (size_t i = 0; i < view->evaluation_count; i++)
        x[i] = (double)(by_steps ? view->evaluations[i].step : view->evaluations[i].epoch);
    return by_steps ? "step" : "epoch";
}

typedef struct weighed {
    int64_t weight;
    int id;
} weighed;

static int heaviest_first(const void *left, const void *right) {
    const weighed *a = left, *b = right;
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int by_id(const void *left, const void *right) {
    const int *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

mlce_status mlce_page_pick(const int64_t *weights, int count, int most, int *ids, int *picked) {
    weighed *all = mlce_calloc((size_t)count, sizeof *all);
    if (!all) return MLCE_E_MEMORY;
    int n = 0;
    for (int a = 0; a < count; a++)
        if (weights[a] > 0) all[n++] = (weighed){weights[a], a};
    qsort(all, (size_t)n, sizeof *all, heaviest_first);
    *picked = n < most ? n : most;
    for (int i = 0; i < *picked; i++) ids[i] = all[i].id;
    qsort(ids, (size_t)*picked, sizeof *ids, by_id);
    free(all);
    return MLCE_OK;
}

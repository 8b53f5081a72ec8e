/* marked.c - a text with spans marked in it.
 *
 * Underlines are borders of elements, each as far below the text as its lane says: text wraps,
 * joins its letters and runs from right to left as without them. Elements cannot cross: where a
 * span ends, those that began in it and go on are closed and opened again. */
#include "report/marked.h"

#include <stdlib.h>
#include <string.h>

#include "convert/characters.h"

typedef struct writer {
    mlce_html *html;
    const mlce_marked *m;
    mlce_characters characters;
    mlce_arena *arena;
    mlce_status status;
    int *lanes;        /* [count] */
    int *open, opened; /* spans whose elements are open, outermost first */
} writer;

static mlce_span span_of(const mlce_marked *m, int n) {
    return m->spans[n].span;
}

void mlce_marked_label(mlce_html *html, const mlce_marked *m, int n) {
    int type = span_of(m, n).type;
    mlce_html_put(html, "<small class=\"k c%d\" dir=\"auto\">", type % MLCE_MARKED_COLOURS);
    mlce_html_name(html, m->type_names[type]);
    if (m->calibration.slope > 0)
        mlce_html_put(html, " %.2f</small>", mlce_probability(m->calibration, m->spans[n].score));
    else
        mlce_html_put(html, " %.1f</small>", (double)m->spans[n].score);
}

/* ---- Lanes ---- */

typedef struct sized {
    int n, start, length;
} sized;

static int by_length(const void *left, const void *right) {
    const sized *a = left, *b = right;
    if (a->length != b->length) return a->length < b->length ? -1 : 1;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return (a->n > b->n) - (a->n < b->n);
}

/* The first lane below all that lies within span order[k] in which nothing crosses it. Shorter
   spans have theirs already. used[] is of no meaning before and after. */
static int lane_of(const mlce_marked *m, const sized *order, int k, const int *lanes, bool *used) {
    mlce_span span = span_of(m, order[k].n);
    int lane = 0;
    memset(used, 0, ((size_t)m->count + 1) * sizeof *used);
    for (int i = 0; i < k; i++) {
        mlce_span other = span_of(m, order[i].n);
        int theirs = lanes[order[i].n];
        if (other.start >= span.end || span.start >= other.end) continue;
        used[theirs] = true;
        bool within = span.start <= other.start && other.end <= span.end;
        if (within && theirs >= lane) lane = theirs + 1;
    }
    while (used[lane]) lane++;
    return lane;
}

/* Returns how many lanes there are. */
static int choose_lanes(const mlce_marked *m, sized *order, int *lanes, bool *used) {
    int most = 0;
    for (int n = 0; n < m->count; n++) {
        mlce_span span = span_of(m, n);
        order[n] = (sized){n, span.start, span.end - span.start};
    }
    if (m->count) qsort(order, (size_t)m->count, sizeof *order, by_length);
    for (int k = 0; k < m->count; k++) {
        int lane = lanes[order[k].n] = lane_of(m, order, k, lanes, used);
        if (lane >= most) most = lane + 1;
    }
    return most;
}

/* ---- The text ---- */

static void open_mark(writer *w, int n) {
    const mlce_scored_span *found = &w->m->spans[n];
    mlce_html_put(w->html, "<span class=\"s c%d\" style=\"--lane:%d\" title=\"%s, score %.3f",
                  found->span.type % MLCE_MARKED_COLOURS, w->lanes[n],
                  w->m->type_names[found->span.type], (double)found->score);
    if (w->m->calibration.slope > 0)
        mlce_html_put(w->html, ", probability %.3f",
                      mlce_probability(w->m->calibration, found->score));
    mlce_html_put(w->html, ", tokens %d to %d\">", (int)found->span.start,
                  (int)found->span.end - 1);
}

/* Ends the marks that end before the token. Their labels stand under the lines of those that go on.
 */
static void close_before(writer *w, int token) {
    int keep = 0, left;
    while (keep < w->opened && span_of(w->m, w->open[keep]).end > token) keep++;
    for (int k = keep; k < w->opened; k++) mlce_html_put(w->html, "</span>");
    left = keep;
    for (int k = keep; k < w->opened; k++)
        if (span_of(w->m, w->open[k]).end > token) open_mark(w, w->open[k]);
    for (int k = w->opened - 1; k >= keep; k--)
        if (span_of(w->m, w->open[k]).end <= token) mlce_marked_label(w->html, w->m, w->open[k]);
    for (int k = keep; k < w->opened; k++)
        if (span_of(w->m, w->open[k]).end > token) w->open[left++] = w->open[k];
    w->opened = left;
}

/* Spans are sorted by start, then end: those of one start are opened from the last, the longest. */
static int open_at(writer *w, int token, int next) {
    int behind = next;
    while (behind < w->m->count && span_of(w->m, behind).start == token) behind++;
    for (int n = behind - 1; n >= next; n--) {
        open_mark(w, n);
        w->open[w->opened++] = n;
    }
    return behind;
}

/* Code points from .. to-1 of the text. */
static void put_part(writer *w, int32_t from, int32_t to) {
    if (from >= to) return;
    const uint32_t *at = w->characters.at;
    const char *part = mlce_arena_text(w->arena, w->m->text + at[from], at[to] - at[from]);
    if (part)
        mlce_html_put(w->html, "%s", part);
    else
        w->status = MLCE_E_MEMORY;
}

static void put_token(writer *w, int token) {
    if (w->m->chars)
        put_part(w, w->m->chars[token][0], w->m->chars[token][1]);
    else if (w->m->tokens)
        mlce_html_put(w->html, "%s", w->m->tokens[token]);
    else
        mlce_html_put(w->html, "%d", token);
}

/* What stands between a token and the one before: all that the text has there, or a space. */
static void put_gap(writer *w, int token) {
    int32_t from = token && w->m->chars ? w->m->chars[token - 1][1] : 0;
    if (w->m->chars && token < w->m->length)
        put_part(w, from, w->m->chars[token][0]);
    else if (w->m->chars)
        put_part(w, from, w->characters.count);
    else if (token && token < w->m->length)
        mlce_html_put(w->html, " ");
}

mlce_status mlce_marked_put(mlce_html *html, mlce_arena *arena, const mlce_marked *marked) {
    size_t count = (size_t)marked->count;
    writer w = {.html = html, .m = marked, .arena = arena};
    sized *order = mlce_arena_alloc(arena, count, sizeof *order);
    w.lanes = mlce_arena_alloc(arena, count, sizeof *w.lanes);
    bool *used = mlce_arena_alloc(arena, count + 1, sizeof *used);
    w.open = mlce_arena_alloc(arena, count, sizeof *w.open);
    mlce_status status = order && used && w.lanes && w.open ? MLCE_OK : MLCE_E_MEMORY;
    if (!status && marked->chars) status = mlce_characters_find(arena, marked->text, &w.characters);
    if (status) return status;
    int lanes = choose_lanes(marked, order, w.lanes, used), next = 0;
    mlce_html_put(html, "<p class=\"marked\" dir=\"auto\" style=\"--lanes:%d\">", lanes);
    for (int token = 0; token < marked->length; token++) {
        close_before(&w, token);
        put_gap(&w, token);
        next = open_at(&w, token, next);
        put_token(&w, token);
    }
    close_before(&w, marked->length);
    if (marked->length || marked->chars) put_gap(&w, marked->length);
    mlce_html_put(html, "</p>\n");
    return w.status;
}

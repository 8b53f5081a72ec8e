/* choose.c - of scored spans the best set in which none overlap, or none cross; or the best few.
 *
 * Spans with the same tokens are one range [i, j), of weight w: the sum of their scores over the
 * thresholds, or with FLAT the highest. Let best_k(p) be the highest sum that ranges within [k, p)
 * can have together, none of which share tokens unless one lies within the other. The last of the
 * outer ones ends at p, or none does:
 *
 *   best_k(p) = max(best_k(p-1), max over ranges [i, p) with i >= k of best_k(i) + total(i, p))
 *
 * With FLAT total = w, and best_0 of the whole sequence is weighted interval scheduling. With
 * NESTED a range brings what lies within it,
 *
 *   total(k, p) = w(k, p) + best_k(p) without the range itself
 *
 * so that totals are found from the last k to the first. That is the heaviest independent set of
 * the ranges' crossings (Supowit 1987, "Finding a maximum planar subset of a set of nets in a
 * channel").
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/memory.h"
#include "mlce/span.h"

enum { NONE = -1 };

typedef struct range {
    int start, end;
    double weight, total;
    bool kept;
} range;

/* One sequence. */
typedef struct choice {
    mlce_overlap overlap;
    int length;        /* the last range's end */
    range *ranges;     /* sorted by start, then end */
    int *range_of;     /* of each span; NONE where it is not to be kept */
    int count;         /* of ranges */
    int *by_end;       /* ranges sorted by end, then by falling start */
    int *ends;         /* [length + 2] where those that end at p begin in by_end */
    double *best;      /* [length + 1] best_k */
    int *last;         /* [length + 1] the range that ends at p in it, or NONE */
    int *open, opened; /* ranges that are kept, whose inside is still to be chosen */
} choice;

static double margin(const mlce_scored_span *span, const float *thresholds) {
    return (double)span->score - (thresholds ? (double)thresholds[span->span.type] : 0.0);
}

/* ---- Ranges ---- */

/* Takes span n into the range of its tokens; with FLAT only the best one is kept there. */
static void join(choice *c, size_t n, size_t *heaviest, double weight) {
    range *r = &c->ranges[c->count - 1];
    if (c->overlap == MLCE_OVERLAP_NESTED) {
        r->weight += weight;
    } else if (weight > r->weight) {
        c->range_of[*heaviest] = NONE;
        *heaviest = n;
        r->weight = weight;
    } else {
        c->range_of[n] = NONE;
    }
    r->total = r->weight;
}

static void find_ranges(choice *c, const mlce_scored_span *spans, size_t count,
                        const float *thresholds) {
    size_t heaviest = 0;
    for (size_t n = 0; n < count; n++) {
        mlce_span span = spans[n].span;
        double weight = margin(&spans[n], thresholds);
        c->range_of[n] = NONE;
        if (!(weight > 0)) continue;
        const range *r = c->count ? &c->ranges[c->count - 1] : NULL;
        if (r && r->start == span.start && r->end == span.end) {
            c->range_of[n] = c->count - 1;
            join(c, n, &heaviest, weight);
            continue;
        }
        c->range_of[n] = c->count;
        c->ranges[c->count++] = (range){span.start, span.end, weight, weight, false};
        heaviest = n;
        if (span.end > c->length) c->length = span.end;
    }
}

/* Counting sort by end; from the last range to the first, so that starts fall. */
static void sort_by_end(choice *c) {
    memset(c->ends, 0, ((size_t)c->length + 2) * sizeof *c->ends);
    for (int r = 0; r < c->count; r++) c->ends[c->ranges[r].end + 1]++;
    for (int p = 0; p <= c->length; p++) c->ends[p + 1] += c->ends[p];
    for (int r = c->count - 1; r >= 0; r--) c->by_end[c->ends[c->ranges[r].end]++] = r;
    memmove(c->ends + 1, c->ends, ((size_t)c->length + 1) * sizeof *c->ends);
    c->ends[0] = 0;
}

/* ---- Sums ---- */

/* best_k(p) for p = k .. end; `finds` also finds the totals of the ranges from k. The range `but`,
   if not NONE, is left out. */
static void sum(choice *c, int k, int end, bool finds, int but) {
    c->best[k] = 0;
    for (int p = k + 1; p <= end; p++) {
        double best = c->best[p - 1];
        c->last[p] = NONE;
        for (int n = c->ends[p]; n < c->ends[p + 1] && c->ranges[c->by_end[n]].start >= k; n++) {
            range *r = &c->ranges[c->by_end[n]];
            if (c->by_end[n] == but) continue;
            if (finds && r->start == k) r->total = r->weight + best; /* it is the last one here */
            if (!(c->best[r->start] + r->total > best)) continue;
            best = c->best[r->start] + r->total;
            c->last[p] = c->by_end[n];
        }
        c->best[p] = best;
    }
}

static void find_totals(choice *c) {
    for (int r = c->count - 1; r >= 0; r--) /* the last range from a start reaches the farthest */
        if (r == c->count - 1 || c->ranges[r + 1].start != c->ranges[r].start)
            sum(c, c->ranges[r].start, c->ranges[r].end, true, NONE);
}

/* Keeps the outer ones of the best within [k, end). */
static void keep(choice *c, int k, int end, int but) {
    sum(c, k, end, false, but);
    for (int p = end; p > k;) {
        int n = c->last[p];
        if (n == NONE) {
            p--;
            continue;
        }
        range *r = &c->ranges[n];
        r->kept = true;
        if (r->total > r->weight) c->open[c->opened++] = n;
        p = r->start;
    }
}

/* ---- Lists ---- */

static mlce_status prepare(mlce_arena *arena, choice *c, size_t count) {
    c->ranges = mlce_arena_alloc(arena, count, sizeof *c->ranges);
    c->range_of = mlce_arena_alloc(arena, count, sizeof *c->range_of);
    c->by_end = mlce_arena_alloc(arena, count, sizeof *c->by_end);
    c->open = mlce_arena_alloc(arena, count, sizeof *c->open);
    return c->ranges && c->range_of && c->by_end && c->open ? MLCE_OK : MLCE_E_MEMORY;
}

/* Which of a sequence's spans are kept, into kept[count]. */
static mlce_status choose(mlce_arena *arena, mlce_overlap overlap, const mlce_scored_span *spans,
                          size_t count, const float *thresholds, bool *kept) {
    choice c = {.overlap = overlap};
    if (count > INT_MAX)
        return mlce_fail(MLCE_E_ARGUMENT, "%zu spans in one sequence are too many", count);
    mlce_status status = prepare(arena, &c, count);
    if (status) return status;
    find_ranges(&c, spans, count, thresholds);
    size_t places = (size_t)c.length + 2;
    c.ends = mlce_arena_alloc(arena, places, sizeof *c.ends);
    c.best = mlce_arena_alloc(arena, places, sizeof *c.best);
    c.last = mlce_arena_alloc(arena, places, sizeof *c.last);
    if (!c.ends || !c.best || !c.last) return MLCE_E_MEMORY;
    sort_by_end(&c);
    if (overlap == MLCE_OVERLAP_NESTED) find_totals(&c);
    keep(&c, 0, c.length, NONE);
    while (c.opened) {
        int n = c.open[--c.opened];
        keep(&c, c.ranges[n].start, c.ranges[n].end, n);
    }
    for (size_t n = 0; n < count; n++)
        kept[n] = c.range_of[n] != NONE && c.ranges[c.range_of[n]].kept;
    return MLCE_OK;
}

/* Leaves what is kept in the list. */
static void compact(mlce_span_list *list, const bool *kept) {
    size_t left = 0, n = 0;
    for (size_t s = 0; s < list->sequences; s++) {
        list->offsets[s] = left;
        for (; n < list->offsets[s + 1]; n++)
            if (kept[n]) list->items[left++] = list->items[n];
    }
    if (list->sequences) list->offsets[list->sequences] = left;
    list->count = left;
}

mlce_status mlce_span_list_resolve(mlce_span_list *list, const float *thresholds,
                                   mlce_overlap overlap) {
    if (overlap == MLCE_OVERLAP_ALL || !list->count) return MLCE_OK;
    mlce_arena *arena = mlce_arena_new();
    bool *kept = mlce_calloc(list->count, sizeof *kept);
    mlce_status status = arena && kept ? MLCE_OK : MLCE_E_MEMORY;
    for (size_t s = 0; s < list->sequences && !status; s++) {
        size_t first = list->offsets[s], count = list->offsets[s + 1] - first;
        if (count)
            status = choose(arena, overlap, list->items + first, count, thresholds, kept + first);
        mlce_arena_reset(arena);
    }
    if (!status) compact(list, kept);
    mlce_arena_free(arena);
    free(kept);
    return status;
}

/* ---- The best few ---- */

typedef struct ranked {
    double margin;
    size_t place;
} ranked;

static int by_margin(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->margin != b->margin) return a->margin > b->margin ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

mlce_status mlce_span_list_keep_best(mlce_span_list *list, const float *thresholds, size_t most) {
    if (!list->count) return MLCE_OK;
    ranked *ranks = mlce_calloc(list->count, sizeof *ranks);
    bool *kept = mlce_calloc(list->count, sizeof *kept);
    mlce_status status = ranks && kept ? MLCE_OK : MLCE_E_MEMORY;
    for (size_t s = 0; s < list->sequences && !status; s++) {
        size_t first = list->offsets[s], count = list->offsets[s + 1] - first;
        for (size_t n = 0; n < count; n++)
            ranks[n] = (ranked){margin(&list->items[first + n], thresholds), first + n};
        if (count > most) qsort(ranks, count, sizeof *ranks, by_margin);
        for (size_t n = 0; n < count && n < most; n++) kept[ranks[n].place] = true;
    }
    if (!status) compact(list, kept);
    free(ranks);
    free(kept);
    return status;
}

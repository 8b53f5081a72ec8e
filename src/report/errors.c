/* errors.c - what a model gets wrong: counts by kind and types, and examples. */
#include "report/errors.h"

#include <stdlib.h>

#include "core/mix.h"
#include "mlce/memory.h"

/* A sequence with its two lists. */
typedef struct place {
    int64_t sequence;
    int length;
    const mlce_span *gold;
    int gold_count;
    const mlce_scored_span *predicted;
    size_t predicted_count;
} place;

/* ---- Counts ---- */

static int compare_keys(const mlce_confusion *a, const mlce_confusion *b) {
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->gold != b->gold) return a->gold < b->gold ? -1 : 1;
    return (a->predicted > b->predicted) - (a->predicted < b->predicted);
}

static int by_key(const void *left, const void *right) {
    return compare_keys(left, right);
}

static int by_count(const void *left, const void *right) {
    const mlce_confusion *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return compare_keys(a, b);
}

/* Adds up those of one kind and types. */
static void merge(mlce_errors *errors) {
    mlce_confusion *items = errors->confusions;
    size_t kept = 0;
    if (errors->confusion_count) qsort(items, errors->confusion_count, sizeof *items, by_key);
    for (size_t i = 0; i < errors->confusion_count; i++) {
        if (kept && compare_keys(&items[kept - 1], &items[i]) == 0)
            items[kept - 1].count += items[i].count;
        else
            items[kept++] = items[i];
    }
    errors->confusion_count = errors->merged = kept;
}

static mlce_status count_pair(mlce_errors *errors, mlce_confusion one) {
    errors->counts[one.kind]++;
    if (errors->confusion_count >= 2 * errors->merged + 4096) merge(errors);
    mlce_status status = mlce_grow((void **)&errors->confusions, &errors->confusion_capacity,
                                   errors->confusion_count + 1, sizeof one);
    if (!status) errors->confusions[errors->confusion_count++] = one;
    return status;
}

/* ---- Examples ---- */

/* In (0, 1), as if random. */
static float scatter(int64_t sequence, mlce_span span) {
    uint64_t x = (uint64_t)sequence * 0x9E3779B97F4A7C15u +
                 (uint64_t)span.start * 0xBF58476D1CE4E5B9u +
                 (uint64_t)span.end * 0x94D049BB133111EBu + (uint64_t)span.type + 1;
    return (float)(mlce_mix(x) >> 40) / (float)(1 << 24);
}

static void free_example(mlce_example *example) {
    free(example->gold);
    free(example->predicted);
    *example = (mlce_example){0};
}

static bool is_before(const mlce_example *a, const mlce_example *b) {
    if (a->rank != b->rank) return a->rank > b->rank;
    return a->sequence < b->sequence;
}

static int by_rank(const void *left, const void *right) {
    const mlce_example *a = left, *b = right;
    if (is_before(a, b)) return -1;
    if (is_before(b, a)) return 1;
    mlce_span s = a->has_predicted ? a->predicted[0].span : a->gold[0].span;
    mlce_span t = b->has_predicted ? b->predicted[0].span : b->gold[0].span;
    if (s.start != t.start) return s.start < t.start ? -1 : 1;
    if (s.end != t.end) return s.end < t.end ? -1 : 1;
    return (s.type > t.type) - (s.type < t.type);
}

static bool is_same(mlce_span a, mlce_span b) {
    return a.start == b.start && a.end == b.end && a.type == b.type;
}

/* Puts the span into the list if it shows between the example's tokens; the error's own is first in
   it already. Where there is no room the lowest score makes it. */
static void show_span(mlce_example *e, mlce_scored_span *list, int *count, bool has_own,
                      mlce_scored_span one) {
    if (one.span.end <= e->first || one.span.start >= e->last) return;
    if (has_own && is_same(list[0].span, one.span)) return;
    if (*count < MLCE_EXAMPLE_SPANS) {
        list[(*count)++] = one;
        return;
    }
    int lowest = has_own;
    for (int n = lowest + 1; n < *count; n++)
        if (list[n].score < list[lowest].score) lowest = n;
    if (one.score > list[lowest].score) list[lowest] = one;
    e->left_out++;
}

/* The tokens of both spans and some beside them. */
static void set_window(mlce_example *e, int length) {
    enum { WIDEST = 80 };
    const mlce_span *g = e->has_gold ? &e->gold[0].span : &e->predicted[0].span;
    const mlce_span *p = e->has_predicted ? &e->predicted[0].span : g;
    int start = g->start < p->start ? g->start : p->start, end = g->end > p->end ? g->end : p->end;
    e->first = start > MLCE_EXAMPLE_BESIDE ? start - MLCE_EXAMPLE_BESIDE : 0;
    e->last = end < length - MLCE_EXAMPLE_BESIDE ? end + MLCE_EXAMPLE_BESIDE : length;
    if (e->last - e->first > WIDEST) e->last = e->first + WIDEST;
}

static mlce_status make_example(const place *at, const mlce_pair *pair, float rank,
                                mlce_example *e) {
    *e = (mlce_example){.sequence = at->sequence, .rank = rank};
    e->gold = mlce_calloc(MLCE_EXAMPLE_SPANS, sizeof *e->gold);
    e->predicted = mlce_calloc(MLCE_EXAMPLE_SPANS, sizeof *e->predicted);
    if (!e->gold || !e->predicted) {
        free_example(e);
        return MLCE_E_MEMORY;
    }
    e->has_gold = pair->gold >= 0;
    e->has_predicted = pair->predicted >= 0;
    if (e->has_gold) e->gold[e->gold_count++].span = at->gold[pair->gold];
    if (e->has_predicted) e->predicted[e->predicted_count++] = at->predicted[pair->predicted];
    set_window(e, at->length);
    for (int i = 0; i < at->gold_count; i++)
        show_span(e, e->gold, &e->gold_count, e->has_gold, (mlce_scored_span){at->gold[i], 0});
    for (size_t j = 0; j < at->predicted_count; j++)
        show_span(e, e->predicted, &e->predicted_count, e->has_predicted, at->predicted[j]);
    return MLCE_OK;
}

/* Takes the pair as an example if there is room, or in place of one of lower rank. */
static mlce_status keep_example(mlce_errors *errors, const place *at, const mlce_pair *pair) {
    float rank = pair->predicted >= 0 ? at->predicted[pair->predicted].score
                                      : scatter(at->sequence, at->gold[pair->gold]);
    mlce_example *list = errors->examples[pair->kind], *slot = list;
    int *count = &errors->example_count[pair->kind];
    if (*count < MLCE_EXAMPLES) {
        slot = &list[*count];
    } else {
        for (int n = 1; n < MLCE_EXAMPLES; n++)
            if (by_rank(&list[n], slot) > 0) slot = &list[n];
        mlce_example candidate = {.rank = rank, .sequence = at->sequence};
        if (!is_before(&candidate, slot)) return MLCE_OK;
    }
    mlce_example made;
    mlce_status status = make_example(at, pair, rank, &made);
    if (status) return status;
    if (slot == &list[*count])
        (*count)++;
    else
        free_example(slot);
    *slot = made;
    return MLCE_OK;
}

/* ---- Both ---- */

mlce_status mlce_errors_add(mlce_errors *errors, int64_t sequence, int length,
                            const mlce_span *gold, int gold_count,
                            const mlce_scored_span *predicted, size_t predicted_count) {
    place at = {sequence, length, gold, gold_count, predicted, predicted_count};
    mlce_alignment *a = &errors->alignment;
    mlce_status status = mlce_align(errors->task, gold, gold_count, predicted, predicted_count, a);
    errors->crowded += a->crowded;
    for (size_t n = 0; n < a->count && !status; n++) {
        const mlce_pair *pair = &a->pairs[n];
        mlce_confusion one = {
            .kind = pair->kind,
            .gold = pair->gold >= 0 ? gold[pair->gold].type : -1,
            .predicted = pair->predicted >= 0 ? predicted[pair->predicted].span.type : -1,
            .count = 1,
        };
        status = count_pair(errors, one);
        if (!status && pair->kind != MLCE_PAIR_CORRECT) status = keep_example(errors, &at, pair);
    }
    return status;
}

void mlce_errors_settle(mlce_errors *errors) {
    merge(errors);
    if (errors->confusion_count)
        qsort(errors->confusions, errors->confusion_count, sizeof *errors->confusions, by_count);
    for (int kind = 0; kind < MLCE_ERROR_KINDS; kind++)
        qsort(errors->examples[kind], (size_t)errors->example_count[kind],
              sizeof *errors->examples[kind], by_rank);
}

void mlce_errors_free(mlce_errors *errors) {
    for (int kind = 0; kind < MLCE_ERROR_KINDS; kind++)
        for (int n = 0; n < errors->example_count[kind]; n++)
            free_example(&errors->examples[kind][n]);
    free(errors->confusions);
    mlce_alignment_free(&errors->alignment);
    *errors = (mlce_errors){0};
}

/* decode.c - the spans that are to be predicted, a tile of token pairs at a time.
 *
 * A pair of tokens can only be a span of some type if
 *
 *   A_ij + max_a (u_a(i) - t_a) + max_a v_a(j) > 0        with t_a = threshold + s_0
 *
 * so a type's score is computed for pairs that pass this bound only: nearly none of a trained
 * model's.
 */
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/vector.h"
#include "mlce/memory.h"
#include "span/scores.h"

/* What one thread works with. */
typedef struct finder {
    const mlce_span_scores *scores;
    const mlce_decision *decision;
    float *A;                 /* [MLCE_TILE_ROWS, longest] */
    float *bound_u, *bound_v; /* [longest] max_a (u_a - t_a), max_a v_a */
    int *columns;             /* [longest] of a row, those that pass the bound */
    mlce_scored_span *spans;  /* all sequences' that the thread had, end to end */
    size_t count, capacity;
    size_t begin; /* where the current sequence's begin */
    mlce_status status;
    bool capped;
} finder;

/* Where a sequence's spans are: in which thread's list, and from where to where. */
typedef struct place {
    int thread;
    size_t first, last;
} place;

size_t mlce_span_most(int length) {
    return 1024 + 64 * (size_t)length;
}

static int by_position(const void *left, const void *right) {
    const mlce_span *a = &((const mlce_scored_span *)left)->span;
    const mlce_span *b = &((const mlce_scored_span *)right)->span;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* By falling score; equal ones by position, so that the order is the same always. */
static int by_score(const void *left, const void *right) {
    float a = ((const mlce_scored_span *)left)->score, b = ((const mlce_scored_span *)right)->score;
    if (a != b) return a > b ? -1 : 1;
    return by_position(left, right);
}

/* Keeps the best `most` of the current sequence's spans. */
static void keep_best(finder *f, size_t most) {
    if (f->count - f->begin <= most) return;
    qsort(f->spans + f->begin, f->count - f->begin, sizeof *f->spans, by_score);
    f->count = f->begin + most;
}

/* Twice as many as are kept may stand in the list before it is cut: so cutting costs little. */
static void add(finder *f, mlce_scored_span span, size_t most) {
    if (f->count - f->begin >= 2 * most) {
        keep_best(f, most);
        f->capped = true;
    }
    f->status = mlce_grow((void **)&f->spans, &f->capacity, f->count + 1, sizeof *f->spans);
    if (!f->status) f->spans[f->count++] = span;
}

static float threshold_of(const finder *f, int type) {
    float threshold = f->decision->thresholds ? f->decision->thresholds[type] : 0.0f;
    return threshold + (f->scores->thresholds ? f->scores->thresholds[type] : 0.0f);
}

/* bound_u and bound_v of a sequence for the types first .. last-1. */
static void find_bounds(finder *f, int sequence, int length, int first, int last) {
    const float *u = mlce_span_start_terms(f->scores, sequence, 0);
    const float *v = mlce_span_end_terms(f->scores, sequence, 0);
    size_t step = 2 * (size_t)f->scores->types;
    for (int i = 0; i < length; i++) {
        float top_u = -INFINITY, top_v = v ? -INFINITY : 0.0f;
        for (int a = first; a < last; a++) {
            float start = (u ? u[(size_t)i * step + (size_t)a] : 0.0f) - threshold_of(f, a);
            if (start > top_u) top_u = start;
            if (v && v[(size_t)i * step + (size_t)a] > top_v)
                top_v = v[(size_t)i * step + (size_t)a];
        }
        f->bound_u[i] = top_u;
        f->bound_v[i] = top_v;
    }
}

MLCE_KERNEL static float row_bound(const float *A, const float *bound_v, int count) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int j = 0; j < count; j++) {
        float bound = A[j] + bound_v[j];
        top = bound > top ? bound : top;
    }
    return top;
}

/* The slack keeps rounding from hiding a span that scores just over its threshold. */
static float slack(float x) {
    return 1e-5f * (1.0f + fabsf(x));
}

/* Spans of row i, of all types of the head. */
static void search_row(finder *f, int sequence, const float *A, int i, int end, int first, int last,
                       size_t most) {
    float bound = row_bound(A, f->bound_v + i, end - i) + f->bound_u[i];
    if (!(bound > -slack(bound))) return;
    int columns = 0;
    for (int j = i; j < end; j++) {
        float reach = A[j - i] + f->bound_u[i] + f->bound_v[j];
        if (reach > -slack(reach)) f->columns[columns++] = j;
    }
    const float *u = mlce_span_start_terms(f->scores, sequence, 0);
    const float *v = mlce_span_end_terms(f->scores, sequence, 0);
    size_t step = 2 * (size_t)f->scores->types;
    for (int n = 0; n < columns; n++) {
        int j = f->columns[n];
        for (int a = first; a < last && !f->status; a++) {
            float s = A[j - i];
            if (u) s += u[(size_t)i * step + (size_t)a] + v[(size_t)j * step + (size_t)a];
            if (f->scores->thresholds) s -= f->scores->thresholds[a];
            if (s > (f->decision->thresholds ? f->decision->thresholds[a] : 0.0f))
                add(f, (mlce_scored_span){{i, j + 1, a}, s}, most);
        }
    }
}

/* Every score of one type of row i; the list is cut to the best when it has grown long. */
static void collect_row(finder *f, int sequence, const float *A, int i, int end, int type,
                        size_t begin) {
    const float *u = mlce_span_start_terms(f->scores, sequence, type);
    const float *v = mlce_span_end_terms(f->scores, sequence, type);
    size_t step = 2 * (size_t)f->scores->types, top = (size_t)f->decision->top;
    for (int j = i; j < end && !f->status; j++) {
        float s = A[j - i] + (u ? u[(size_t)i * step] + v[(size_t)j * step] : 0.0f);
        if (f->scores->thresholds) s -= f->scores->thresholds[type];
        size_t before = f->begin;
        f->begin = begin;
        add(f, (mlce_scored_span){{i, j + 1, type}, s}, top);
        f->begin = before;
    }
}

static void search_head(finder *f, int sequence, int head, size_t most) {
    mlce_span_view view = mlce_span_view_of(f->scores, sequence, head);
    int first, last;
    mlce_span_types_of(f->scores, head, &first, &last);
    find_bounds(f, sequence, view.length, first, last);
    for (int row = 0; row < view.length; row += MLCE_TILE_ROWS) {
        mlce_span_tile tile = mlce_span_tile_at(&view, row);
        int ld = tile.end - tile.first;
        mlce_span_tile_products(&view, tile, f->A, ld);
        for (int i = tile.first; i < tile.last && !f->status; i++)
            search_row(f, sequence, f->A + (size_t)(i - tile.first) * (size_t)(ld + 1), i,
                       mlce_span_row_end(&view, i), first, last, most);
    }
}

/* The best `top` spans of one type, through all tiles. */
static void search_top(finder *f, int sequence, int type) {
    mlce_span_view view = mlce_span_view_of(f->scores, sequence, f->scores->heads == 1 ? 0 : type);
    size_t begin = f->count;
    for (int row = 0; row < view.length; row += MLCE_TILE_ROWS) {
        mlce_span_tile tile = mlce_span_tile_at(&view, row);
        int ld = tile.end - tile.first;
        mlce_span_tile_products(&view, tile, f->A, ld);
        for (int i = tile.first; i < tile.last && !f->status; i++)
            collect_row(f, sequence, f->A + (size_t)(i - tile.first) * (size_t)(ld + 1), i,
                        mlce_span_row_end(&view, i), type, begin);
    }
    size_t before = f->begin;
    f->begin = begin;
    keep_best(f, (size_t)f->decision->top);
    f->begin = before;
}

static place search_sequence(finder *f, int sequence, int thread) {
    int length = f->scores->offsets[sequence + 1] - f->scores->offsets[sequence];
    size_t most = mlce_span_most(length);
    f->begin = f->count;
    if (f->decision->top > 0)
        for (int a = 0; a < f->scores->types && !f->status; a++) search_top(f, sequence, a);
    else
        for (int h = 0; h < f->scores->heads && !f->status; h++) search_head(f, sequence, h, most);
    if (f->decision->top == 0 && f->count - f->begin > most) {
        keep_best(f, most);
        f->capped = true;
    }
    if (f->count > f->begin)
        qsort(f->spans + f->begin, f->count - f->begin, sizeof *f->spans, by_position);
    return (place){thread, f->begin, f->count};
}

/* The threads' spans, in the order of the sequences. */
static mlce_status gather(const finder *finders, const place *places, size_t sequences,
                          mlce_span_list *list) {
    size_t total = 0;
    for (size_t s = 0; s < sequences; s++) total += places[s].last - places[s].first;
    mlce_status status =
        mlce_grow((void **)&list->items, &list->capacity, total, sizeof *list->items);
    if (!status)
        status = mlce_grow((void **)&list->offsets, &list->offsets_capacity, sequences + 1,
                           sizeof *list->offsets);
    if (status) return status;
    list->count = 0;
    list->sequences = sequences;
    for (size_t s = 0; s < sequences; s++) {
        size_t count = places[s].last - places[s].first;
        list->offsets[s] = list->count;
        if (count)
            memcpy(list->items + list->count, finders[places[s].thread].spans + places[s].first,
                   count * sizeof *list->items);
        list->count += count;
    }
    list->offsets[sequences] = list->count;
    return MLCE_OK;
}

static void warn_once(const finder *finders, int threads) {
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    bool capped = false;
    for (int t = 0; t < threads; t++) capped = capped || finders[t].capped;
    if (capped && !atomic_flag_test_and_set(&warned))
        mlce_log(
            MLCE_LOG_WARNING,
            "a sequence has more spans over the threshold than are kept (1,024 and 64 a token): "
            "the best are; a model that has hardly been trained predicts everything");
}

static mlce_status search_all(const mlce_span_scores *scores, const mlce_decision *decision,
                              int threads, finder *finders, place *places) {
    size_t longest = (size_t)mlce_span_longest(scores) + 1;
    for (int t = 0; t < threads; t++) {
        finder *f = &finders[t];
        *f = (finder){.scores = scores, .decision = decision};
        f->A = mlce_calloc(MLCE_TILE_ROWS * longest, sizeof *f->A);
        f->bound_u = mlce_calloc(longest, sizeof *f->bound_u);
        f->bound_v = mlce_calloc(longest, sizeof *f->bound_v);
        f->columns = mlce_calloc(longest, sizeof *f->columns);
        if (!f->A || !f->bound_u || !f->bound_v || !f->columns) return MLCE_E_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int s = 0; s < scores->sequences; s++) {
        int thread = omp_get_thread_num();
        if (!finders[thread].status) places[s] = search_sequence(&finders[thread], s, thread);
    }
    for (int t = 0; t < threads; t++)
        if (finders[t].status)
            return mlce_fail(finders[t].status, "out of memory: too many spans found");
    return MLCE_OK;
}

mlce_status mlce_span_decode(const mlce_span_scores *scores, const mlce_decision *decision,
                             mlce_span_list *list) {
    mlce_status status = mlce_span_scores_check(scores);
    if (status) return status;
    int threads = omp_get_max_threads();
    finder *finders = mlce_calloc((size_t)threads, sizeof *finders);
    place *places = mlce_calloc((size_t)scores->sequences, sizeof *places);
    status =
        finders && places ? search_all(scores, decision, threads, finders, places) : MLCE_E_MEMORY;
    if (!status) status = gather(finders, places, (size_t)scores->sequences, list);
    if (!status) warn_once(finders, threads);
    for (int t = 0; finders && t < threads; t++) {
        free(finders[t].A);
        free(finders[t].bound_u);
        free(finders[t].bound_v);
        free(finders[t].columns);
        free(finders[t].spans);
    }
    free(finders);
    free(places);
    return status;
}

void mlce_span_list_free(mlce_span_list *list) {
    free(list->items);
    free(list->offsets);
    *list = (mlce_span_list){0};
}

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

/* Rows of a sequence that are one piece of work. */
enum { CHUNK_ROWS = 1024 };

/* What one thread works with. */
typedef struct finder {
    const mlce_span_scores *scores;
    const mlce_decision *decision;
    float *A;                 /* [MLCE_TILE_ROWS, longest] */
    float *bound_u, *bound_v; /* [longest] max_a (u_a - t_a), max_a v_a */
    float *pass;              /* [types] t_a, what a score has to pass, without s_0 taken off */
    mlce_scored_span *spans;  /* of all the thread's pieces, end to end */
    size_t count, capacity;
    size_t begin; /* where the current piece's begin, or the current type's */
    float floor;  /* lowest score that is still kept */
    mlce_status status;
    bool capped;
} finder;

/* A piece of work, and where its spans are. */
typedef struct piece {
    int sequence, first_row, last_row;
    int thread;
    size_t first, last;
} piece;

size_t mlce_span_most(int length) {
    return 1024 + 16 * (size_t)length;
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

static void swap_spans(mlce_scored_span *a, mlce_scored_span *b) {
    mlce_scored_span span = *a;
    *a = *b;
    *b = span;
}

/* Brings the best `most` of the spans to the front, in no order (Hoare's selection). */
static void select_best(mlce_scored_span *spans, size_t count, size_t most) {
    size_t low = 0, high = count;
    while (high - low > 1) {
        swap_spans(&spans[low], &spans[low + (high - low) / 2]);
        size_t edge = low; /* spans low+1 .. edge are better than spans[low] */
        for (size_t n = low + 1; n < high; n++)
            if (by_score(&spans[n], &spans[low]) < 0) swap_spans(&spans[++edge], &spans[n]);
        swap_spans(&spans[low], &spans[edge]);
        if (edge == most) return;
        if (edge < most)
            low = edge + 1;
        else
            high = edge;
    }
}

/* Keeps the best `most` of the spans from f->begin on; nothing worse is looked for any more. */
static void keep_best(finder *f, size_t most) {
    if (f->count - f->begin <= most) return;
    select_best(f->spans + f->begin, f->count - f->begin, most);
    f->count = f->begin + most;
    float lowest = INFINITY;
    for (size_t n = f->begin; n < f->count; n++)
        if (f->spans[n].score < lowest) lowest = f->spans[n].score;
    f->floor = lowest;
}

static void add(finder *f, mlce_scored_span span) {
    f->status = mlce_grow((void **)&f->spans, &f->capacity, f->count + 1, sizeof *f->spans);
    if (!f->status) f->spans[f->count++] = span;
}

/* Twice as many as are kept may stand in the list before it is cut: so cutting costs little. */
static bool is_full(const finder *f, size_t most) {
    return f->count - f->begin >= 2 * most;
}

/* t_a of the types first .. last-1. A score equal to the floor may still be kept. */
static void find_thresholds(finder *f, int first, int last) {
    float floor = nextafterf(f->floor, -INFINITY);
    for (int a = first; a < last; a++) {
        float threshold = f->decision->thresholds ? f->decision->thresholds[a] : 0.0f;
        f->pass[a] = (threshold > floor ? threshold : floor) +
                     (f->scores->thresholds ? f->scores->thresholds[a] : 0.0f);
    }
}

/* bound_u and bound_v of a sequence for the types first .. last-1. */
static void find_bounds(finder *f, int sequence, int length, int first, int last) {
    const float *u = mlce_span_start_terms(f->scores, sequence, 0);
    const float *v = mlce_span_end_terms(f->scores, sequence, 0);
    size_t step = 2 * (size_t)f->scores->types;
    find_thresholds(f, first, last);
    for (int i = 0; i < length; i++) {
        float top_u = -INFINITY, top_v = v ? -INFINITY : 0.0f;
        for (int a = first; a < last; a++) {
            float start = (u ? u[(size_t)i * step + (size_t)a] : 0.0f) - f->pass[a];
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

/* All types' spans of the pair (i, j) with the product A. */
static void search_pair(finder *f, int sequence, float A, int i, int j, int first, int last) {
    const float *u = mlce_span_start_terms(f->scores, sequence, 0);
    const float *v = mlce_span_end_terms(f->scores, sequence, 0);
    size_t step = 2 * (size_t)f->scores->types;
    for (int a = first; a < last && !f->status; a++) {
        float s = A;
        if (u) s += u[(size_t)i * step + (size_t)a] + v[(size_t)j * step + (size_t)a];
        if (!(s > f->pass[a])) continue;
        float threshold = f->scores->thresholds ? f->scores->thresholds[a] : 0.0f;
        add(f, (mlce_scored_span){{i, j + 1, a}, s - threshold});
    }
}

/* Row i of a tile; A is the row's from j = i on. */
static void search_row(finder *f, int sequence, const float *A, int i, int end, int first,
                       int last) {
    float bound = row_bound(A, f->bound_v + i, end - i) + f->bound_u[i];
    if (!(bound > -slack(bound))) return;
    for (int j = i; j < end && !f->status; j++) {
        float reach = A[j - i] + f->bound_u[i] + f->bound_v[j];
        if (reach > -slack(reach)) search_pair(f, sequence, A[j - i], i, j, first, last);
    }
}

/* The tiles of a piece for the types of one head; with `top` > 0 the best so many, else all over
   the threshold, up to `most`. */
static void search_head(finder *f, const piece *p, int head, int first, int last, size_t most) {
    mlce_span_view view = mlce_span_view_of(f->scores, p->sequence, head);
    find_bounds(f, p->sequence, view.length, first, last);
    for (int row = p->first_row; row < p->last_row; row += view.tile_rows) {
        mlce_span_tile tile = mlce_span_tile_at(&view, row);
        int ld = tile.end - tile.first;
        mlce_span_tile_products(&view, tile, f->A, ld);
        for (int i = tile.first; i < tile.last && !f->status; i++) {
            search_row(f, p->sequence, f->A + (size_t)(i - tile.first) * (size_t)(ld + 1), i,
                       mlce_span_row_end(&view, i), first, last);
            if (!is_full(f, most)) continue;
            keep_best(f, most);
            f->capped = true;
            find_bounds(f, p->sequence, view.length, first, last);
        }
    }
}

/* The best `top` of each type: a type's head is searched for it alone, without a threshold. */
static void search_top(finder *f, const piece *p) {
    mlce_decision decision = *f->decision, any = {0};
    size_t begin = f->begin;
    for (int a = 0; a < f->scores->types && !f->status; a++) {
        float *open = mlce_calloc((size_t)f->scores->types, sizeof *open);
        if (!open) {
            f->status = MLCE_E_MEMORY;
            break;
        }
        open[a] = -INFINITY;
        any.thresholds = open;
        f->decision = &any;
        f->begin = f->count;
        f->floor = -INFINITY;
        search_head(f, p, f->scores->heads == 1 ? 0 : a, a, a + 1, (size_t)decision.top);
        keep_best(f, (size_t)decision.top);
        free(open);
    }
    f->capped = false; /* as asked for */
    f->begin = begin;
}

static void search_piece(finder *f, piece *p, int thread) {
    size_t most =
        mlce_span_most(f->scores->offsets[p->sequence + 1] - f->scores->offsets[p->sequence]);
    const mlce_decision *decision = f->decision;
    f->begin = f->count;
    f->floor = -INFINITY;
    if (decision->top > 0) {
        search_top(f, p);
        f->decision = decision;
    } else {
        for (int h = 0; h < f->scores->heads && !f->status; h++) {
            int first, last;
            mlce_span_types_of(f->scores, h, &first, &last);
            search_head(f, p, h, first, last, most);
        }
    }
    if (f->count > f->begin)
        qsort(f->spans + f->begin, f->count - f->begin, sizeof *f->spans, by_position);
    p->thread = thread;
    p->first = f->begin;
    p->last = f->count;
}

/* Appends a piece's spans. */
static mlce_status append(mlce_span_list *list, const finder *finders, const piece *p) {
    size_t count = p->last - p->first;
    mlce_status status =
        mlce_grow((void **)&list->items, &list->capacity, list->count + count, sizeof *list->items);
    if (!status && count)
        memcpy(list->items + list->count, finders[p->thread].spans + p->first,
               count * sizeof *list->items);
    if (!status) list->count += count;
    return status;
}

/* The pieces' spans, in the order of the sequences and their rows; of a sequence no more than
   mlce_span_most(). */
static mlce_status gather(const mlce_span_scores *scores, const finder *finders,
                          const piece *pieces, size_t count, mlce_span_list *list, bool *capped) {
    size_t sequences = (size_t)scores->sequences, next = 0;
    mlce_status status = mlce_grow((void **)&list->offsets, &list->offsets_capacity, sequences + 1,
                                   sizeof *list->offsets);
    list->count = 0;
    list->sequences = sequences;
    for (size_t s = 0; s < sequences && !status; s++) {
        size_t begin = list->offsets[s] = list->count;
        while (!status && next < count && pieces[next].sequence == (int)s)
            status = append(list, finders, &pieces[next++]);
        size_t most = mlce_span_most(scores->offsets[s + 1] - scores->offsets[s]);
        if (status || list->count - begin <= most || finders->decision->top > 0) continue;
        select_best(list->items + begin, list->count - begin, most);
        qsort(list->items + begin, most, sizeof *list->items, by_position);
        list->count = begin + most;
        *capped = true;
    }
    if (!status) list->offsets[sequences] = list->count;
    return status;
}

/* Cuts the sequences into pieces of CHUNK_ROWS rows; the best ones of a type are found in one
 * piece. */
static piece *make_pieces(const mlce_span_scores *scores, const mlce_decision *decision,
                          size_t *count) {
    size_t most = 0;
    for (int s = 0; s < scores->sequences; s++)
        most += (size_t)(scores->offsets[s + 1] - scores->offsets[s]) / CHUNK_ROWS + 1;
    piece *pieces = mlce_calloc(most, sizeof *pieces);
    *count = 0;
    for (int s = 0; s < scores->sequences && pieces; s++) {
        int length = scores->offsets[s + 1] - scores->offsets[s];
        int rows = decision->top > 0 ? length : CHUNK_ROWS;
        for (int row = 0; row < length; row += rows)
            pieces[(*count)++] = (piece){.sequence = s,
                                         .first_row = row,
                                         .last_row = length - row < rows ? length : row + rows};
    }
    return pieces;
}

static void warn_once(const finder *finders, int threads, bool capped) {
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    for (int t = 0; t < threads; t++) capped = capped || finders[t].capped;
    if (capped && !atomic_flag_test_and_set(&warned))
        mlce_log(
            MLCE_LOG_WARNING,
            "a sequence has more spans over the threshold than are kept (1,024 and 16 a token): "
            "the best are; a model that has hardly been trained predicts everything");
}

static mlce_status search_all(const mlce_span_scores *scores, const mlce_decision *decision,
                              int threads, finder *finders, piece *pieces, size_t count) {
    size_t longest = (size_t)mlce_span_longest(scores) + 1;
    for (int t = 0; t < threads; t++) {
        finder *f = &finders[t];
        *f = (finder){.scores = scores, .decision = decision};
        f->A = mlce_calloc(MLCE_TILE_ROWS * longest, sizeof *f->A);
        f->bound_u = mlce_calloc(longest, sizeof *f->bound_u);
        f->bound_v = mlce_calloc(longest, sizeof *f->bound_v);
        f->pass = mlce_calloc((size_t)scores->types, sizeof *f->pass);
        if (!f->A || !f->bound_u || !f->bound_v || !f->pass) return MLCE_E_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t n = 0; n < count; n++) {
        int thread = omp_get_thread_num();
        if (!finders[thread].status) search_piece(&finders[thread], &pieces[n], thread);
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
    size_t count;
    bool capped = false;
    finder *finders = mlce_calloc((size_t)threads, sizeof *finders);
    piece *pieces = make_pieces(scores, decision, &count);
    status = finders && pieces ? search_all(scores, decision, threads, finders, pieces, count)
                               : MLCE_E_MEMORY;
    if (!status) status = gather(scores, finders, pieces, count, list, &capped);
    if (!status) warn_once(finders, threads, capped);
    for (int t = 0; finders && t < threads; t++) {
        free(finders[t].A);
        free(finders[t].bound_u);
        free(finders[t].bound_v);
        free(finders[t].pass);
        free(finders[t].spans);
    }
    free(finders);
    free(pieces);
    return status;
}

void mlce_span_list_free(mlce_span_list *list) {
    free(list->items);
    free(list->offsets);
    *list = (mlce_span_list){0};
}

/* decode.c - all spans over a threshold, a tile of token pairs at a time. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/vector.h"
#include "mlce/memory.h"
#include "span/scores.h"

/* What one thread found: spans with their sequences. */
typedef struct finds {
    mlce_scored_span *spans;
    int *sequences;
    size_t count, capacity, sequence_capacity;
    float *A; /* [MLCE_TILE_ROWS, longest] */
    mlce_status status;
} finds;

static mlce_status keep(finds *found, int sequence, mlce_scored_span span) {
    mlce_status status =
        mlce_grow((void **)&found->spans, &found->capacity, found->count + 1, sizeof *found->spans);
    if (!status)
        status = mlce_grow((void **)&found->sequences, &found->sequence_capacity, found->count + 1,
                           sizeof *found->sequences);
    if (status) return status;
    found->spans[found->count] = span;
    found->sequences[found->count++] = sequence;
    return MLCE_OK;
}

/* Spans of one type in one tile. */
static mlce_status search_tile(const mlce_span_scores *scores, int sequence, mlce_span_view view,
                               mlce_span_tile tile, int type, float threshold, finds *found) {
    const float *u = mlce_span_start_terms(scores, sequence, type);
    const float *v = mlce_span_end_terms(scores, sequence, type);
    size_t step = 2 * (size_t)scores->types, ld = (size_t)(tile.end - tile.first);
    for (int i = tile.first; i < tile.last; i++) {
        const float *A = found->A + (size_t)(i - tile.first) * ld;
        int end = mlce_span_row_end(&view, i);
        float u_i = u ? u[(size_t)i * step] : 0.0f;
        for (int j = i; j < end; j++) {
            float s = A[j - tile.first] + u_i + (v ? v[(size_t)j * step] : 0.0f);
            if (!(s > threshold)) continue;
            mlce_status status = keep(found, sequence, (mlce_scored_span){{i, j + 1, type}, s});
            if (status) return status;
        }
    }
    return MLCE_OK;
}

static mlce_status search_sequence(const mlce_span_scores *scores, int sequence, float threshold,
                                   finds *found) {
    for (int h = 0; h < scores->heads; h++) {
        mlce_span_view view = mlce_span_view_of(scores, sequence, h);
        int first_type, last_type;
        mlce_span_types_of(scores, h, &first_type, &last_type);
        for (int first = 0; first < view.length; first += MLCE_TILE_ROWS) {
            mlce_span_tile tile = mlce_span_tile_at(&view, first);
            mlce_span_tile_products(&view, tile, found->A, tile.end - tile.first);
            for (int a = first_type; a < last_type; a++) {
                mlce_status status = search_tile(scores, sequence, view, tile, a, threshold, found);
                if (status) return status;
            }
        }
    }
    return MLCE_OK;
}

static int by_position(const void *left, const void *right) {
    const mlce_span *a = &((const mlce_scored_span *)left)->span;
    const mlce_span *b = &((const mlce_scored_span *)right)->span;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* The threads' finds, brought together by sequence and sorted. */
static mlce_status gather(const finds *found, int threads, size_t sequences, mlce_span_list *list) {
    size_t total = 0;
    for (int t = 0; t < threads; t++) total += found[t].count;
    mlce_status status =
        mlce_grow((void **)&list->items, &list->capacity, total, sizeof *list->items);
    if (!status)
        status = mlce_grow((void **)&list->offsets, &list->offsets_capacity, sequences + 2,
                           sizeof *list->offsets);
    if (status) return status;
    size_t *next = list->offsets + 1; /* next[s] ends as offsets[s + 1] */
    memset(list->offsets, 0, (sequences + 2) * sizeof *list->offsets);
    for (int t = 0; t < threads; t++)
        for (size_t n = 0; n < found[t].count; n++) next[found[t].sequences[n] + 1]++;
    for (size_t s = 0; s < sequences; s++) next[s + 1] += next[s];
    for (int t = 0; t < threads; t++)
        for (size_t n = 0; n < found[t].count; n++)
            list->items[next[found[t].sequences[n]]++] = found[t].spans[n];
    list->count = total;
    list->sequences = sequences;
    for (size_t s = 0; s < sequences; s++)
        qsort(list->items + list->offsets[s], list->offsets[s + 1] - list->offsets[s],
              sizeof *list->items, by_position);
    return MLCE_OK;
}

static mlce_status search_all(const mlce_span_scores *scores, float threshold, int threads,
                              finds *found, mlce_span_list *list) {
    size_t tile = MLCE_TILE_ROWS * (size_t)mlce_span_longest(scores);
    for (int t = 0; t < threads; t++)
        if (!(found[t].A = mlce_calloc(tile, sizeof *found[t].A))) return MLCE_E_MEMORY;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int s = 0; s < scores->sequences; s++) {
        finds *mine = &found[omp_get_thread_num()];
        if (!mine->status) mine->status = search_sequence(scores, s, threshold, mine);
    }
    for (int t = 0; t < threads; t++)
        if (found[t].status)
            return mlce_fail(found[t].status, "out of memory: too many spans found");
    return gather(found, threads, (size_t)scores->sequences, list);
}

mlce_status mlce_span_decode(const mlce_span_scores *scores, float threshold,
                             mlce_span_list *list) {
    mlce_status status = mlce_span_scores_check(scores);
    if (status) return status;
    int threads = omp_get_max_threads();
    finds *found = mlce_calloc((size_t)threads, sizeof *found);
    if (!found) return MLCE_E_MEMORY;
    status = search_all(scores, threshold, threads, found, list);
    for (int t = 0; t < threads; t++) {
        free(found[t].spans);
        free(found[t].sequences);
        free(found[t].A);
    }
    free(found);
    return status;
}

void mlce_span_list_free(mlce_span_list *list) {
    free(list->items);
    free(list->offsets);
    *list = (mlce_span_list){0};
}

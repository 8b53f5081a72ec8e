/* scores.c - tiles of the scores that a head's factors stand for. */
#include "span/scores.h"

#include <cblas.h>

mlce_span_view mlce_span_view_of(const mlce_span_scores *scores, int sequence, int head) {
    int start = scores->offsets[sequence], length = scores->offsets[sequence + 1] - start;
    int stride = scores->heads * 2 * scores->head_size;
    const float *q =
        scores->qk + (size_t)start * (size_t)stride + (size_t)head * 2 * (size_t)scores->head_size;
    int width = scores->max_width > 0 && scores->max_width < length ? scores->max_width : length;
    return (mlce_span_view){
        .length = length,
        .width = width,
        .tile_rows = width <= 2 * MLCE_TILE_ROWS ? MLCE_TILE_ROWS / 2 : MLCE_TILE_ROWS,
        .head_size = scores->head_size,
        .stride = stride,
        .scale = scores->scale,
        .q = q,
        .k = q + scores->head_size,
    };
}

mlce_span_tile mlce_span_tile_at(const mlce_span_view *view, int first) {
    int last = view->length - first < view->tile_rows ? view->length : first + view->tile_rows;
    return (mlce_span_tile){first, last, mlce_span_row_end(view, last - 1)};
}

void mlce_span_tile_products(const mlce_span_view *view, mlce_span_tile tile, float *A, int ld) {
    const float *q = view->q + (size_t)tile.first * (size_t)view->stride;
    const float *k = view->k + (size_t)tile.first * (size_t)view->stride;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tile.last - tile.first,
                tile.end - tile.first, view->head_size, view->scale, q, view->stride, k,
                view->stride, 0, A, ld);
}

mlce_status mlce_span_scores_check(const mlce_span_scores *scores) {
    if (scores->sequences < 0 || scores->types < 1 || scores->head_size < 1 ||
        (scores->heads != 1 && scores->heads != scores->types) || scores->max_width < 0)
        return mlce_fail(
            MLCE_E_ARGUMENT,
            "span scores: %d sequences, %d types, %d heads of size %d, max_width %d: heads "
            "must be 1 or one a type, and sizes positive",
            scores->sequences, scores->types, scores->heads, scores->head_size, scores->max_width);
    return MLCE_OK;
}

int mlce_span_longest(const mlce_span_scores *scores) {
    int longest = 0;
    for (int s = 0; s < scores->sequences; s++) {
        int length = scores->offsets[s + 1] - scores->offsets[s];
        if (length > longest) longest = length;
    }
    return longest;
}

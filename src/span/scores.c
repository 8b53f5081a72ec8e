/* scores.c - tiles of the scores that a head's factors stand for. */
#include "span/scores.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

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

/* The largest magnitude among `rows` rows of `size` floats; not finite where one is not. The bits
   of a float's magnitude are in the order of its value, infinity and NaN above all others. */
static double largest(const float *values, int rows, size_t stride, int size) {
    uint32_t top = 0;
    for (int t = 0; t < rows; t++, values += stride)
        for (int c = 0; c < size; c++) {
            uint32_t bits;
            memcpy(&bits, &values[c], sizeof bits);
            bits &= 0x7FFFFFFF;
            top = bits > top ? bits : top;
        }
    float value;
    memcpy(&value, &top, sizeof value);
    return (double)value;
}

/* |s(i,j)| <= scale d max|q| max|k| + max|u| + max|v|, and so the sums before the scaling; over
   FLT_MAX, or NaN, where a factor is. */
static double score_bound(const mlce_span_scores *scores, int sequence) {
    double products = 0, terms = 0;
    for (int head = 0; head < scores->heads; head++) {
        mlce_span_view view = mlce_span_view_of(scores, sequence, head);
        double q = largest(view.q, view.length, (size_t)view.stride, view.head_size);
        double k = largest(view.k, view.length, (size_t)view.stride, view.head_size);
        double product = q * k * view.head_size * fmax(1, fabs((double)view.scale));
        if (!(product <= FLT_MAX)) return product;
        products = fmax(products, product);
    }
    int length = scores->offsets[sequence + 1] - scores->offsets[sequence];
    const float *start = mlce_span_start_terms(scores, sequence, 0);
    if (start) terms = largest(start, length, 2 * (size_t)scores->types, 2 * scores->types);
    return products + 2 * terms;
}

int mlce_span_find_not_finite(const mlce_span_scores *scores) {
    int first = INT_MAX;
#pragma omp parallel for reduction(min : first)
    for (int s = 0; s < scores->sequences; s++)
        if (!(score_bound(scores, s) <= FLT_MAX) && s < first) first = s;
    return first < INT_MAX ? first : -1;
}

int mlce_span_longest(const mlce_span_scores *scores) {
    int longest = 0;
    for (int s = 0; s < scores->sequences; s++) {
        int length = scores->offsets[s + 1] - scores->offsets[s];
        if (length > longest) longest = length;
    }
    return longest;
}

/* reduce.c - gradients in buckets of about a megabyte.
 *
 * The gradients of all parameters lie in one block of memory, in the order in which a forward pass
 * meets the parameters. Backward completes them about in the reverse order, so a bucket is a piece
 * of that block, the last piece first, and is summed where it lies. All ranks send the buckets in
 * this order, each as soon as its gradients and all buckets before it are complete: sums are
 * therefore taken of the same pieces in the same order, whatever the timing.
 */
#include "parallel/reduce.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKET = 1 << 18 }; /* floats: 1 MiB */

typedef struct bucket {
    size_t start, end; /* floats of the block */
    int parameters, missing;
} bucket;

struct mlce_reducer {
    const mlce_ranks *ranks;
    mlce_parameters *parameters;
    bucket *buckets;
    int *bucket_of; /* [parameters]; -1: fixed */
    int count, sent;
    mlce_status status;
};

static size_t numbers(const mlce_parameter *p) {
    return (size_t)p->rows * (size_t)p->cols;
}

/* From the last parameter to the first; a fixed one between two ends a bucket. */
static void fill_buckets(mlce_reducer *r) {
    bool open = false;
    for (int p = mlce_parameters_count(r->parameters) - 1; p >= 0; p--) {
        const mlce_parameter *parameter = mlce_parameters_at(r->parameters, p);
        r->bucket_of[p] = -1;
        if (parameter->fixed) {
            open = false;
            continue;
        }
        if (!open) {
            size_t end = parameter->offset + numbers(parameter);
            r->buckets[r->count++] = (bucket){.end = end};
        }
        bucket *b = &r->buckets[r->count - 1];
        b->start = parameter->offset;
        b->missing = ++b->parameters;
        r->bucket_of[p] = r->count - 1;
        open = b->end - b->start < BUCKET;
    }
}

mlce_status mlce_reducer_new(const mlce_ranks *ranks, mlce_parameters *parameters,
                             mlce_reducer **reducer) {
    size_t count = (size_t)mlce_parameters_count(parameters);
    mlce_reducer *r = mlce_calloc(1, sizeof *r);
    *reducer = NULL;
    if (!r) return MLCE_E_MEMORY;
    *r = (mlce_reducer){.ranks = ranks, .parameters = parameters};
    r->buckets = mlce_calloc(count, sizeof *r->buckets);
    r->bucket_of = mlce_calloc(count, sizeof *r->bucket_of);
    if (!r->buckets || !r->bucket_of) {
        mlce_reducer_free(r);
        return MLCE_E_MEMORY;
    }
    fill_buckets(r);
    *reducer = r;
    return MLCE_OK;
}

void mlce_reducer_free(mlce_reducer *reducer) {
    if (!reducer) return;
    free(reducer->buckets);
    free(reducer->bucket_of);
    free(reducer);
}

size_t mlce_reducer_size(const mlce_reducer *r) {
    size_t size = 0;
    for (int b = 0; b < r->count; b++) size += r->buckets[b].end - r->buckets[b].start;
    return size;
}

static void send_next(mlce_reducer *r) {
    const bucket *b = &r->buckets[r->sent++];
    float *grads = mlce_parameters_grads(r->parameters);
    if (!r->status)
        r->status = r->ranks->start_sum(r->ranks->context, grads + b->start, b->end - b->start);
}

static void settle(mlce_parameter *parameter) {
    if (!parameter->grad_started)
        memset(parameter->grad, 0, numbers(parameter) * sizeof *parameter->grad);
    parameter->grad_started = true;
}

void mlce_reducer_ready(mlce_parameter *parameter, void *context) {
    mlce_reducer *r = context;
    settle(parameter);
    r->buckets[r->bucket_of[parameter->number]].missing--;
    while (r->sent < r->count && r->buckets[r->sent].missing == 0) send_next(r);
    r->ranks->progress(r->ranks->context);
}

mlce_status mlce_reducer_finish(mlce_reducer *r) {
    for (int p = 0; p < mlce_parameters_count(r->parameters); p++)
        if (r->bucket_of[p] >= r->sent) settle(mlce_parameters_at(r->parameters, p));
    while (r->sent < r->count) send_next(r);
    mlce_status status = r->status ? r->status : r->ranks->wait(r->ranks->context);
    for (int b = 0; b < r->count; b++) r->buckets[b].missing = r->buckets[b].parameters;
    r->sent = 0;
    r->status = MLCE_OK;
    return status;
}

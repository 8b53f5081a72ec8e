/* candidates.c - what a model scores over low thresholds, and whether it is right. */
#include "train/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/memory.h"

typedef struct collection {
    const mlce_dataset *dataset;
    mlce_candidates *candidates;
} collection;

static int compare_spans(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* A sorted copy of a sequence's gold, in mlce_gold's own memory. */
static mlce_status sorted_gold(const mlce_dataset *dataset, int64_t sequence, mlce_gold *gold) {
    mlce_status status = mlce_gold_of(dataset, sequence, gold);
    size_t count = (size_t)gold->count;
    if (!status && count && gold->spans != gold->kept) {
        status = mlce_grow((void **)&gold->kept, &gold->capacity, count, sizeof *gold->kept);
        if (!status) memcpy(gold->kept, gold->spans, count * sizeof *gold->kept);
    }
    if (status) return status;
    if (count) qsort(gold->kept, count, sizeof *gold->kept, compare_spans);
    return MLCE_OK;
}

static void raise_floor(const collection *c, const mlce_prediction *prediction) {
    int length = mlce_dataset_length(c->dataset, prediction->sequence);
    if (prediction->scores || prediction->count < mlce_span_most(length)) return;
    float least = INFINITY;
    for (size_t n = 0; n < prediction->count; n++)
        if (prediction->spans[n].score < least) least = prediction->spans[n].score;
    if (least > c->candidates->floor) c->candidates->floor = least;
}

static mlce_status collect(const mlce_prediction *prediction, void *context) {
    const collection *c = context;
    mlce_candidates *all = c->candidates;
    const mlce_gold *gold = &all->sequence_gold;
    mlce_status status = sorted_gold(c->dataset, prediction->sequence, &all->sequence_gold);
    if (!status)
        status = mlce_grow((void **)&all->items, &all->capacity, all->count + prediction->count + 1,
                           sizeof *all->items);
    if (status) return status;
    for (int n = 0; n < gold->count; n++) all->gold[gold->kept[n].type]++;
    all->all_gold += gold->count;
    raise_floor(c, prediction);
    for (size_t n = 0; n < prediction->count; n++) {
        const mlce_scored_span *span = &prediction->spans[n];
        bool right = gold->count && bsearch(&span->span, gold->kept, (size_t)gold->count,
                                            sizeof *gold->kept, compare_spans) != NULL;
        all->items[all->count++] = (mlce_candidate){span->score, span->span.type, right};
    }
    return MLCE_OK;
}

mlce_status mlce_candidates_collect(mlce_model *model, mlce_dataset *dataset, const float *low,
                                    mlce_candidates *candidates) {
    float *thresholds = mlce_model_thresholds(model);
    size_t types = (size_t)mlce_model_types(model);
    float *before = mlce_calloc(types, sizeof *before);
    if (!candidates->gold) candidates->gold = mlce_calloc(types, sizeof *candidates->gold);
    mlce_status status = before && candidates->gold ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) {
        candidates->count = 0;
        candidates->floor = -INFINITY;
        candidates->all_gold = 0;
        memset(candidates->gold, 0, types * sizeof *candidates->gold);
        memcpy(before, thresholds, types * sizeof *before);
        memcpy(thresholds, low, types * sizeof *thresholds);
        collection c = {dataset, candidates};
        status = mlce_predict(model, dataset, collect, &c, NULL);
        memcpy(thresholds, before, types * sizeof *thresholds);
    }
    free(before);
    return status;
}

void mlce_candidates_free(mlce_candidates *candidates) {
    free(candidates->items);
    free(candidates->gold);
    free(candidates->sequence_gold.kept);
    *candidates = (mlce_candidates){0};
}

/* threshold.c - the decision thresholds that suit a dataset best. */
#include "train/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "train/candidates.h"
#include "train/evaluate.h"

static const float LOWEST = -1e30f;

typedef struct search {
    mlce_model *model;
    mlce_dataset *dataset;
    mlce_thresholds *found;
    int types;
    float *in_use; /* [types] the model's thresholds before */
    float *low;    /* [types] the candidates are what scores over these */
    float all_low; /* the same for the sweep over all types */
    bool *settled; /* [types] */
    bool all_settled;
    mlce_candidates candidates;
    bool counted; /* what the thresholds in use give */
} search;

/* ---- Candidates ---- */

static mlce_status collect_all(search *s) {
    mlce_status status = mlce_candidates_collect(s->model, s->dataset, s->low, &s->candidates);
    if (!status && s->candidates.all_gold == 0)
        status = mlce_fail(MLCE_E_DATA, "%s: has no gold %ss at all: no threshold is best",
                           mlce_dataset_name(s->dataset), mlce_dataset_layout_of(s->dataset)->span);
    return status;
}

/* ---- Sweeps ---- */

/* The items of a type, which are sorted by type: items[first .. *first + count - 1]. */
static size_t items_of(const search *s, int type, size_t first) {
    size_t end = first;
    while (end < s->candidates.count && s->candidates.items[end].type == type) end++;
    return end - first;
}

static void sweep_types(search *s) {
    double beta = s->found->beta;
    size_t first = 0;
    mlce_candidates_sort(s->candidates.items, s->candidates.count, true);
    for (int a = 0; a < s->types; a++) {
        const mlce_candidate *items = s->candidates.items + first;
        size_t count = items_of(s, a, first);
        int64_t correct;
        mlce_cut *best = &s->found->types[a];
        *best = mlce_cuts_best(items, count, s->candidates.gold[a], s->low[a], beta, &correct);
        s->settled[a] = mlce_cuts_are_settled(best->f, count, correct, s->candidates.gold[a], beta);
        first += count;
    }
}

/* Items of types that were searched further down are left out where others are not known. */
static size_t items_of_all(search *s) {
    mlce_candidates_sort(s->candidates.items, s->candidates.count, false);
    size_t count = s->candidates.count;
    while (count && s->candidates.items[count - 1].score <= s->all_low) count--;
    return count;
}

static void sweep_all(search *s) {
    mlce_thresholds *found = s->found;
    size_t count = items_of_all(s);
    int64_t correct;
    found->best = mlce_cuts_best(s->candidates.items, count, s->candidates.all_gold, s->all_low,
                                 found->beta, &correct);
    found->row_count = mlce_cuts_around(s->candidates.items, count, s->candidates.all_gold,
                                        s->all_low, found->beta, &found->best, found->rows);
    s->all_settled =
        mlce_cuts_are_settled(found->best.f, count, correct, s->candidates.all_gold, found->beta);
}

static bool is_done(const search *s, int type) {
    return s->settled[type] && s->all_settled;
}

/* Lowers the thresholds of what is not settled; whether there was any. */
static bool go_down(search *s, float low) {
    bool any = false;
    for (int a = 0; a < s->types; a++) {
        if (is_done(s, a)) continue;
        s->low[a] = low;
        any = true;
    }
    if (!s->all_settled) s->all_low = low;
    return any;
}

static void count_in_use(search *s) {
    mlce_counts all = {.gold = s->candidates.all_gold};
    for (size_t i = 0; i < s->candidates.count; i++) {
        bool over = s->candidates.items[i].score > s->in_use[s->candidates.items[i].type];
        all.predicted += over;
        all.correct += over && s->candidates.items[i].right;
    }
    s->found->in_use = mlce_cut_of(0, all, s->found->beta);
}

static mlce_status collect_and_sweep(search *s) {
    mlce_status status = collect_all(s);
    if (status) return status;
    if (!s->counted) count_in_use(s); /* the first candidates go down below what is in use */
    s->counted = true;
    if (s->candidates.floor > -INFINITY) return MLCE_OK;
    sweep_types(s);
    sweep_all(s);
    return MLCE_OK;
}

/* Thresholds down to `low` until all is settled; or until a sequence has more spans than are kept:
   then what is not settled ends where they are all known. */
static mlce_status search_down(search *s) {
    float low = INFINITY, next = 0;
    for (int a = 0; a < s->types; a++)
        if (s->in_use[a] < next) next = s->in_use[a];
    for (float step = 1; low > LOWEST; step *= 2) {
        next = step > 1e4f ? LOWEST : next - step;
        if (!go_down(s, next)) return MLCE_OK;
        mlce_status status = collect_and_sweep(s);
        if (status) return status;
        if (s->candidates.floor > -INFINITY) {
            go_down(s, s->candidates.floor < low ? s->candidates.floor : low);
            return collect_and_sweep(s);
        }
        low = next;
    }
    return MLCE_OK;
}

/* ---- What it comes to ---- */

/* What the types' own thresholds give together; counts[a] gets what each gives. */
static mlce_cut count_each(const search *s, const mlce_cut *types, mlce_counts *counts) {
    mlce_counts all = {.gold = s->candidates.all_gold};
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): gold has a number for each type */
    for (int a = 0; a < s->types; a++) counts[a] = (mlce_counts){.gold = s->candidates.gold[a]};
    for (size_t i = 0; i < s->candidates.count; i++) {
        const mlce_candidate *item = &s->candidates.items[i];
        if (!(item->score > types[item->type].threshold)) continue;
        counts[item->type].predicted++;
        counts[item->type].correct += item->right;
    }
    for (int a = 0; a < s->types; a++) {
        all.predicted += counts[a].predicted;
        all.correct += counts[a].correct;
    }
    return mlce_cut_of(0, all, s->found->beta);
}

static mlce_status conclude(search *s) {
    mlce_thresholds *found = s->found;
    mlce_counts *counts = mlce_calloc((size_t)s->types, sizeof *counts);
    if (!counts) return MLCE_E_MEMORY;
    for (int a = 0; a < s->types; a++)
        if (found->types[a].counts.correct == 0) found->types[a].threshold = found->best.threshold;
    found->each = count_each(s, found->types, counts);
    for (int a = 0; a < s->types; a++)
        found->types[a] = mlce_cut_of(found->types[a].threshold, counts[a], found->beta);
    free(counts);
    return MLCE_OK;
}

static mlce_status begin(search *s) {
    size_t types = (size_t)s->types;
    s->in_use = mlce_calloc(types, sizeof *s->in_use);
    s->low = mlce_calloc(types, sizeof *s->low);
    s->settled = mlce_calloc(types, sizeof *s->settled);
    s->found->types = mlce_calloc(types, sizeof *s->found->types);
    if (!s->in_use || !s->low || !s->settled || !s->found->types) return MLCE_E_MEMORY;
    memcpy(s->in_use, mlce_model_thresholds(s->model), types * sizeof *s->in_use);
    return MLCE_OK;
}

mlce_status mlce_thresholds_find(mlce_model *model, mlce_dataset *dataset, double beta,
                                 mlce_thresholds *found) {
    *found = (mlce_thresholds){.beta = beta};
    search s = {
        .model = model, .dataset = dataset, .found = found, .types = mlce_model_types(model)};
    mlce_status status = mlce_check_has_gold(dataset);
    if (!status && !mlce_model_has_thresholds(model))
        status = mlce_fail(MLCE_E_ARGUMENT,
                           "the model was trained with loss.name = %s, which predicts the best "
                           "scores, not those over a threshold: there is none to find",
                           mlce_config_string(mlce_model_config(model), "loss.name"));
    if (!status) status = begin(&s);
    if (!status) status = search_down(&s);
    if (!status) status = conclude(&s);
    free(s.in_use);
    free(s.low);
    free(s.settled);
    mlce_candidates_free(&s.candidates);
    if (status) mlce_thresholds_free(found);
    return status;
}

void mlce_thresholds_free(mlce_thresholds *found) {
    free(found->types);
    found->types = NULL;
}

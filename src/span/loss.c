/* loss.c - the loss over spans: the work cut into units, and what becomes of their sums. */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "loss/log_sum.h"
#include "span/private.h"

/* log(1 + e^x) */
static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* multilabel_ce, and threshold_ce, whose s_0 the scores lack already:
 *   L = log(1 + Z_N) + log(1 + Z_P),   c = 1 / (1 + Z_N),  d = 1 / (1 + Z_P)
 * topk_ce:
 *   L = log(1 + Z_N Z_P),              c = Z_P / (1 + Z_N Z_P),  d = Z_N / (1 + Z_N Z_P) */
mlce_span_coefficients mlce_span_coefficients_of(const mlce_span_unit *unit, double log_negatives,
                                                 double log_positives) {
    if (unit->options->kind == MLCE_LOSS_TOPK_CE) {
        double loss = softplus(log_negatives + log_positives);
        return (mlce_span_coefficients){loss, log_positives - loss, log_negatives - loss};
    }
    double negative = softplus(log_negatives), positive = softplus(log_positives);
    return (mlce_span_coefficients){negative + positive, -negative, -positive};
}

mlce_gold_sums mlce_span_gold_sums(const mlce_span_unit *unit, int type) {
    mlce_log_sum positives = MLCE_LOG_SUM_NONE, negatives = MLCE_LOG_SUM_NONE;
    for (int n = 0; n < unit->gold_count; n++) {
        const mlce_gold_pair *pair = &unit->gold[n];
        if (pair->type != unit->first_type + type) continue;
        double s = mlce_span_pair_score(unit, pair, type), t = (double)pair->target;
        mlce_log_sum_add(&positives, -s, t);
        if (t < 1) mlce_log_sum_add(&negatives, s, 1 - t);
    }
    return (mlce_gold_sums){mlce_log_sum_value(&positives), mlce_log_sum_value(&negatives)};
}

double mlce_span_gold_gradient(const mlce_gold_pair *pair, double s, double log_c, double log_d) {
    double t = (double)pair->target, gradient = -t * exp(log_d - s);
    return t < 1 ? gradient + (1 - t) * exp(s + log_c) : gradient;
}

static int by_pair(const void *left, const void *right) {
    const mlce_gold_pair *a = left, *b = right;
    if (a->i != b->i) return a->i < b->i ? -1 : 1;
    if (a->j != b->j) return a->j < b->j ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* The gold spans of a unit: of its types, within the width, sorted, with their products. */
static int collect_gold(const mlce_span_unit *unit, const mlce_span_gold *gold,
                        mlce_gold_pair *to) {
    const mlce_span_view *view = &unit->view;
    int count = 0;
    for (int n = gold->offsets[unit->sequence]; n < gold->offsets[unit->sequence + 1]; n++) {
        mlce_span span = gold->spans[n];
        bool is_here = span.type >= unit->first_type && span.type < unit->first_type + unit->types;
        if (!is_here || span.end - span.start > view->width) continue;
        const float *q = view->q + (size_t)span.start * (size_t)view->stride;
        const float *k = view->k + (size_t)(span.end - 1) * (size_t)view->stride;
        to[count++] = (mlce_gold_pair){span.start, span.end - 1, span.type,
                                       view->scale * cblas_sdot(view->head_size, q, 1, k, 1),
                                       gold->weights ? gold->weights[n] : 1.0f};
    }
    if (count) qsort(to, (size_t)count, sizeof *to, by_pair);
    return count;
}

typedef struct loss_call {
    const mlce_loss_options *options;
    const mlce_span_scores *scores;
    const mlce_span_gold *gold;
    mlce_span_gradients gradients;
    double *dthresholds; /* [sequences, types] */
    float *zeros;        /* [longest, 2 * types] terms for types that share a head and have none */
} loss_call;

/* Unit number n: sequence n / heads, head n % heads. */
static mlce_span_unit make_unit(const loss_call *c, int n) {
    const mlce_span_scores *f = c->scores;
    int sequence = n / f->heads, head = n % f->heads;
    mlce_span_unit unit = {
        .scores = f,
        .options = c->options,
        .sequence = sequence,
        .view = mlce_span_view_of(f, sequence, head),
        .step = 2 * (size_t)f->types,
        .weight = 1.0f / ((float)f->sequences * (float)f->types),
    };
    int last_type;
    mlce_span_types_of(f, head, &unit.first_type, &last_type);
    unit.types = last_type - unit.first_type;
    unit.u = mlce_span_start_terms(f, sequence, unit.first_type);
    unit.v = mlce_span_end_terms(f, sequence, unit.first_type);
    const mlce_span_gradients *d = &c->gradients;
    if (d->qk) unit.dq = d->qk + (unit.view.q - f->qk);
    if (d->qk) unit.dk = d->qk + (unit.view.k - f->qk);
    if (!unit.u && unit.types > 1) unit.u = unit.v = c->zeros;
    if (d->type_terms && f->type_terms) unit.du = d->type_terms + (unit.u - f->type_terms);
    if (d->type_terms && f->type_terms) unit.dv = d->type_terms + (unit.v - f->type_terms);
    if (c->dthresholds)
        unit.dthreshold = c->dthresholds + (size_t)sequence * (size_t)f->types + unit.first_type;
    return unit;
}

/* Each sequence's gold spans stand once, among them each head's in a row of their own: a span is
   of one type, and so of one unit. */
static mlce_span_unit *make_units(mlce_arena *arena, const loss_call *c, int count) {
    const mlce_span_scores *f = c->scores;
    mlce_span_unit *units = mlce_arena_alloc(arena, (size_t)count, sizeof *units);
    size_t spans = (size_t)c->gold->offsets[f->sequences];
    mlce_gold_pair *pairs = mlce_arena_alloc(arena, spans, sizeof *pairs);
    if (!units || !pairs) return NULL;
    for (int n = 0; n < count; n++) {
        units[n] = make_unit(c, n);
        units[n].gold = pairs;
        units[n].gold_count = collect_gold(&units[n], c->gold, pairs);
        pairs += units[n].gold_count;
    }
    return units;
}

/* dL/ds0_a over the sequences, in their order. */
static void sum_thresholds(const loss_call *c) {
    const mlce_span_scores *f = c->scores;
    for (int a = 0; a < f->types && c->gradients.thresholds; a++) {
        double sum = 0;
        for (int s = 0; s < f->sequences; s++)
            sum += c->dthresholds[(size_t)s * (size_t)f->types + (size_t)a];
        c->gradients.thresholds[a] = (float)sum;
    }
}

/* Its gradients are added to, those of run_factored() are written. */
static void clear_gradients(const mlce_span_scores *f, const mlce_span_gradients *d) {
    size_t tokens = (size_t)f->offsets[f->sequences];
    size_t qk = tokens * (size_t)f->heads * 2 * (size_t)f->head_size;
    if (d->qk) memset(d->qk, 0, qk * sizeof *d->qk);
    if (d->type_terms)
        memset(d->type_terms, 0, tokens * 2 * (size_t)f->types * sizeof *d->type_terms);
}

static mlce_status run_streamed(mlce_arena *arena, const loss_call *call, mlce_span_unit *units,
                                int count) {
    int threads = omp_get_max_threads();
    mlce_streamed_scratch *scratch = mlce_arena_alloc(arena, (size_t)threads, sizeof *scratch);
    if (!scratch) return MLCE_E_MEMORY;
    for (int t = 0; t < threads; t++)
        if (!mlce_streamed_scratch_new(arena, mlce_span_longest(call->scores), &scratch[t]))
            return MLCE_E_MEMORY;
    clear_gradients(call->scores, &call->gradients);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int n = 0; n < count; n++)
        mlce_span_streamed_terms(&units[n], &scratch[omp_get_thread_num()]);
    return MLCE_OK;
}

/* Long units are shared out among the threads one after the other; so are shorter ones where
   there are too few of them to keep the threads busy. It must not depend on the number of threads,
   for the bits do. */
static bool is_split(const mlce_span_unit *unit, int units) {
    enum { LONG = 512, FEW = 3 };
    return unit->view.length > (units <= FEW ? LONG / 4 : LONG);
}

/* Split units one after the other; then the others, one a thread. */
static mlce_status run_factored(mlce_arena *arena, mlce_span_unit *units, int count) {
    int threads = omp_get_max_threads();
    for (int n = 0; n < count; n++) units[n].split = is_split(&units[n], count);
    mlce_factored_scratch *scratch = mlce_factored_scratch_new(arena, units, count, threads);
    if (!scratch) return MLCE_E_MEMORY;
    int whole = 0;
    for (int n = 0; n < count; n++) {
        if (units[n].split)
            mlce_span_factored(&units[n], scratch, 0);
        else
            whole++;
    }
    if (whole == 0) return MLCE_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int n = 0; n < count; n++)
        if (!units[n].split) mlce_span_factored(&units[n], scratch, omp_get_thread_num());
    return MLCE_OK;
}

/* Nothing outside the scores is read or written, whatever the caller gives. */
static mlce_status check_places(const mlce_span_scores *f, const mlce_span_gold *gold) {
    for (int s = 0; s < f->sequences; s++) {
        int length = f->offsets[s + 1] - f->offsets[s];
        if (length < 0 || gold->offsets[s + 1] < gold->offsets[s])
            return mlce_fail(MLCE_E_ARGUMENT, "sequence %d ends before it begins: offsets rise", s);
        for (int n = gold->offsets[s]; n < gold->offsets[s + 1]; n++) {
            mlce_span span = gold->spans[n];
            if (span.start < 0 || span.end <= span.start || span.end > length || span.type < 0 ||
                span.type >= f->types)
                return mlce_fail(MLCE_E_ARGUMENT,
                                 "sequence %d, gold span %d (%d, %d, type %d): does not fit %d "
                                 "tokens and %d types",
                                 s, n - gold->offsets[s], span.start, span.end, span.type, length,
                                 f->types);
        }
    }
    return MLCE_OK;
}

static mlce_status check_gold(const mlce_loss_options *options, const mlce_span_scores *scores,
                              const mlce_span_gold *gold) {
    if (options->kind == MLCE_LOSS_SOFTMAX_CE)
        return mlce_fail(MLCE_E_ARGUMENT, "softmax_ce picks one of all: it is no loss over spans");
    bool hard = options->kind == MLCE_LOSS_TOPK_CE;
    for (int n = 0; gold->weights && n < gold->offsets[scores->sequences]; n++) {
        float t = gold->weights[n];
        if (!(t > 0 && t <= 1) || (hard && t < 1))
            return mlce_fail(MLCE_E_ARGUMENT, "%s: the weight of gold span %d is %g, must be %s",
                             mlce_loss_name(options->kind), n, (double)t,
                             hard ? "1" : "over 0 and at most 1");
    }
    return MLCE_OK;
}

mlce_status mlce_span_loss_in(mlce_arena *arena, const mlce_loss_options *options,
                              const mlce_span_scores *scores, const mlce_span_gold *gold,
                              double *loss, const mlce_span_gradients *gradients) {
    *loss = 0;
    mlce_status status = mlce_span_scores_check(scores);
    if (!status) status = check_places(scores, gold);
    if (!status) status = check_gold(options, scores, gold);
    if (status) return status;
    loss_call call = {.options = options, .scores = scores, .gold = gold};
    if (gradients) call.gradients = *gradients;
    size_t thresholds = (size_t)scores->sequences * (size_t)scores->types;
    if (call.gradients.thresholds &&
        !(call.dthresholds = mlce_arena_alloc(arena, thresholds, sizeof *call.dthresholds)))
        return MLCE_E_MEMORY;
    for (size_t n = 0; call.dthresholds && n < thresholds; n++) call.dthresholds[n] = 0;
    if (scores->heads == 1 && !scores->type_terms) {
        size_t size = (size_t)mlce_span_longest(scores) * 2 * (size_t)scores->types;
        if (!(call.zeros = mlce_arena_alloc(arena, size, sizeof *call.zeros))) return MLCE_E_MEMORY;
        memset(call.zeros, 0, size * sizeof *call.zeros);
    }
    int count = scores->sequences * scores->heads;
    mlce_span_unit *units = make_units(arena, &call, count);
    if (!units) return MLCE_E_MEMORY;
    bool factors = options->kind != MLCE_LOSS_BINARY_CE && options->kind != MLCE_LOSS_FOCAL;
    status = factors ? run_factored(arena, units, count) : run_streamed(arena, &call, units, count);
    if (status) return status;
    for (int n = 0; n < count; n++) *loss += units[n].loss;
    if (scores->sequences) *loss /= (double)scores->sequences * scores->types;
    if (mlce_span_find_not_finite(scores) >= 0) *loss = NAN; /* which a maximum may not show */
    sum_thresholds(&call);
    return MLCE_OK;
}

mlce_status mlce_span_loss(const mlce_loss_options *options, const mlce_span_scores *scores,
                           const mlce_span_gold *gold, double *loss,
                           const mlce_span_gradients *gradients) {
    mlce_arena *arena = mlce_arena_new();
    if (!arena) return MLCE_E_MEMORY;
    mlce_status status = mlce_span_loss_in(arena, options, scores, gold, loss, gradients);
    mlce_arena_free(arena);
    return status;
}

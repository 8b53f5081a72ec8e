/* loss.c - the multi-label cross-entropy over spans, streamed: a tile of token pairs at a time
 * through score, log-sum-exp and gradient.
 *
 * For one sequence and type a, with N the pairs i <= j that are not gold and P the gold ones,
 *
 *   L_a = log(1 + Z_N) + log(1 + Z_P),  Z_N = sum over N of e^s,  Z_P = sum over P of e^-s
 *   dL_a/ds = e^s / (1 + Z_N) on N,  -e^-s / (1 + Z_P) on P
 *
 * A type's largest u and v are taken out of its terms before anything is added to them, and come
 * back in double precision: however large the scores, their differences stay exact.
 *
 * The first pass over the tiles finds log(1 + Z_N); the second adds up the gradients of
 * A = scale * q k^T, of u and of v, and a tile's dA gives its part of dq and dk. Positives go along
 * the gold list.
 */
#include <cblas.h>
#include <omp.h>
#include <string.h>

#include "core/vector.h"
#include "loss/log_sum.h"
#include "span/private.h"
#include "span/scores.h"

static const float LOWEST = -87.0f; /* e^-87 is about the smallest that float32 holds in full */

/* What one thread works with. */
typedef struct workspace {
    float *A, *dA;           /* [MLCE_TILE_ROWS, longest] */
    float *row;              /* [longest] one row's scores of one type */
    float *u, *v, *du, *dv;  /* [longest] one type's terms and their gradients */
    float *top_u, *top_v;    /* [types] largest u and v of the sequence */
    mlce_log_sum *negatives; /* [types] log(1 + Z_N) - top_u - top_v */
    double *log_positives;   /* [types] log(1 + Z_P) */
} workspace;

/* One sequence and one head of it. */
typedef struct job {
    const mlce_span_scores *scores;
    const mlce_span *gold; /* of the sequence */
    int gold_count, sequence;
    int first_type, last_type; /* that use the head */
    mlce_span_view view;
    float weight; /* 1 / (sequences * types) */
    float *dq, *dk, *dtype_terms;
    workspace *work;
} job;

/* s_j = A_j + u_i + v_j */
MLCE_KERNEL static void row_scores(const float *A, float u, const float *v, float *s, int count) {
    for (int j = 0; j < count; j++) s[j] = A[j] + u + v[j];
}

MLCE_KERNEL static float row_top(const float *s, int count) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int j = 0; j < count; j++) top = s[j] > top ? s[j] : top;
    return top;
}

/* sum of e^(s_j - top) */
MLCE_KERNEL static float row_sum(const float *s, float top, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < count; j++) {
        float x = s[j] - top;
        float e = expf(x > LOWEST ? x : LOWEST);
        sum += x > LOWEST ? e : 0.0f;
    }
    return sum;
}

/* p_j = weight * e^(s_j - log_z);  dA += p,  dv += p;  returns the sum of p, which is du_i. */
MLCE_KERNEL static float row_gradient(const float *s, float log_z, float weight, float *dA,
                                      float *dv, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < count; j++) {
        float x = s[j] - log_z;
        float p = weight * expf(x > LOWEST ? x : LOWEST);
        p = x > LOWEST ? p : 0.0f;
        dA[j] += p;
        dv[j] += p;
        sum += p;
    }
    return sum;
}

static bool is_positive(const job *w, mlce_span span, int type) {
    return span.type == type && span.end - span.start <= w->view.width;
}

/* The gold spans of a type among the sequence's; 0 saves looking for them in each row. */
static int count_positives(const job *w, int type) {
    int count = 0;
    for (int n = 0; n < w->gold_count; n++) count += is_positive(w, w->gold[n], type);
    return count;
}

static float largest(const float *terms, size_t step, int count) {
    float top = -INFINITY;
    for (int i = 0; i < count; i++)
        if (terms[(size_t)i * step] > top) top = terms[(size_t)i * step];
    return top;
}

static void find_tops(const job *w, int type) {
    const float *u = mlce_span_start_terms(w->scores, w->sequence, type);
    const float *v = mlce_span_end_terms(w->scores, w->sequence, type);
    size_t step = 2 * (size_t)w->scores->types;
    bool none = !u || w->view.length == 0;
    w->work->top_u[type] = none ? 0.0f : largest(u, step, w->view.length);
    w->work->top_v[type] = none ? 0.0f : largest(v, step, w->view.length);
}

static double shift(const job *w, int type) {
    return (double)w->work->top_u[type] + (double)w->work->top_v[type];
}

/* u - top_u and v - top_v for the tokens of a tile; zeros where the head has none. */
static void gather_terms(const job *w, mlce_span_tile tile, int type) {
    const float *u = mlce_span_start_terms(w->scores, w->sequence, type);
    const float *v = mlce_span_end_terms(w->scores, w->sequence, type);
    size_t step = 2 * (size_t)w->scores->types;
    for (int i = tile.first; i < tile.end; i++) {
        w->work->u[i] = u ? u[(size_t)i * step] - w->work->top_u[type] : 0.0f;
        w->work->v[i] = v ? v[(size_t)i * step] - w->work->top_v[type] : 0.0f;
    }
}

/* Scores less shift() of row i of a tile for the type whose terms are gathered, into work->row;
   gold pairs get -infinity, as they are no negatives. Returns the number of pairs in the row. */
static int negative_row(const job *w, mlce_span_tile tile, int i, int type, bool has_positives) {
    int pairs = mlce_span_row_end(&w->view, i) - i;
    const float *A = w->work->A + (size_t)(i - tile.first) * (size_t)(tile.end - tile.first + 1);
    row_scores(A, w->work->u[i], w->work->v + i, w->work->row, pairs);
    for (int n = 0; has_positives && n < w->gold_count; n++)
        if (w->gold[n].start == i && is_positive(w, w->gold[n], type))
            w->work->row[w->gold[n].end - 1 - i] = -INFINITY;
    return pairs;
}

static void sum_negatives(const job *w) {
    for (int a = w->first_type; a < w->last_type; a++) {
        find_tops(w, a);
        w->work->negatives[a] = (mlce_log_sum){-shift(w, a), 1.0};
    }
    for (int first = 0; first < w->view.length; first += MLCE_TILE_ROWS) {
        mlce_span_tile tile = mlce_span_tile_at(&w->view, first);
        mlce_span_tile_products(&w->view, tile, w->work->A, tile.end - tile.first);
        for (int a = w->first_type; a < w->last_type; a++) {
            bool has_positives = count_positives(w, a) > 0;
            gather_terms(w, tile, a);
            for (int i = tile.first; i < tile.last; i++) {
                int pairs = negative_row(w, tile, i, a, has_positives);
                float top = row_top(w->work->row, pairs);
                if (top > -INFINITY)
                    mlce_log_sum_add(&w->work->negatives[a], (double)top,
                                     (double)row_sum(w->work->row, top, pairs));
            }
        }
    }
}

static double pair_score(const job *w, mlce_span span) {
    const mlce_span_view *view = &w->view;
    int i = span.start, j = span.end - 1;
    const float *u = mlce_span_start_terms(w->scores, w->sequence, span.type);
    const float *v = mlce_span_end_terms(w->scores, w->sequence, span.type);
    size_t step = 2 * (size_t)w->scores->types;
    float product = cblas_sdot(view->head_size, view->q + (size_t)i * (size_t)view->stride, 1,
                               view->k + (size_t)j * (size_t)view->stride, 1);
    double terms = u ? (double)u[(size_t)i * step] + (double)v[(size_t)j * step] : 0.0;
    return (double)(view->scale * product) + terms;
}

/* log(1 + Z_P) of the head's types. Returns the head's part of the sequence's loss. */
static double sum_positives(const job *w) {
    double loss = 0;
    for (int a = w->first_type; a < w->last_type; a++) {
        mlce_log_sum positives = MLCE_LOG_SUM_ONE;
        for (int n = 0; n < w->gold_count; n++)
            if (is_positive(w, w->gold[n], a))
                mlce_log_sum_add(&positives, -pair_score(w, w->gold[n]), 1.0);
        w->work->log_positives[a] = mlce_log_sum_value(&positives);
        loss +=
            mlce_log_sum_value(&w->work->negatives[a]) + shift(w, a) + w->work->log_positives[a];
    }
    return loss;
}

/* Adds the gathered gradients of one type's terms for the tokens of a tile. */
static void scatter_term_gradients(const job *w, mlce_span_tile tile, int type) {
    if (!w->dtype_terms) return;
    size_t step = 2 * (size_t)w->scores->types;
    float *du = w->dtype_terms + (size_t)type, *dv = du + w->scores->types;
    for (int i = tile.first; i < tile.last; i++) du[(size_t)i * step] += w->work->du[i];
    for (int j = tile.first; j < tile.end; j++) dv[(size_t)j * step] += w->work->dv[j];
}

static void add_positive_gradients(const job *w, mlce_span_tile tile, int type) {
    for (int n = 0; n < w->gold_count; n++) {
        mlce_span span = w->gold[n];
        if (!is_positive(w, span, type) || span.start < tile.first || span.start >= tile.last)
            continue;
        float p = -w->weight * (float)exp(-pair_score(w, span) - w->work->log_positives[type]);
        size_t row = (size_t)(span.start - tile.first);
        w->work->dA[row * (size_t)(tile.end - tile.first) + (size_t)(span.end - 1 - tile.first)] +=
            p;
        w->work->du[span.start] += p;
        w->work->dv[span.end - 1] += p;
    }
}

/* dA, du, dv of one tile for one type */
static void type_gradient(const job *w, mlce_span_tile tile, int type) {
    workspace *work = w->work;
    int ld = tile.end - tile.first;
    bool has_positives = count_positives(w, type) > 0;
    float log_z = (float)mlce_log_sum_value(&work->negatives[type]);
    gather_terms(w, tile, type);
    memset(work->dv + tile.first, 0, (size_t)ld * sizeof *work->dv);
    for (int i = tile.first; i < tile.last; i++) {
        int pairs = negative_row(w, tile, i, type, has_positives);
        float *dA = work->dA + (size_t)(i - tile.first) * (size_t)(ld + 1);
        work->du[i] = row_gradient(work->row, log_z, w->weight, dA, work->dv + i, pairs);
    }
    if (has_positives) add_positive_gradients(w, tile, type);
    scatter_term_gradients(w, tile, type);
}

/* dq_i = scale * sum_j dA_ij k_j,  dk_j = scale * sum_i dA_ij q_i, a tile at a time */
static void add_gradients(const job *w) {
    const mlce_span_view *v = &w->view;
    workspace *work = w->work;
    for (int first = 0; first < v->length; first += MLCE_TILE_ROWS) {
        mlce_span_tile tile = mlce_span_tile_at(v, first);
        int rows = tile.last - tile.first, cols = tile.end - tile.first;
        mlce_span_tile_products(v, tile, work->A, cols);
        memset(work->dA, 0, (size_t)rows * (size_t)cols * sizeof *work->dA);
        for (int a = w->first_type; a < w->last_type; a++) type_gradient(w, tile, a);
        size_t start = (size_t)first * (size_t)v->stride;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, v->head_size, cols, v->scale,
                    work->dA, cols, v->k + start, v->stride, 1, w->dq + start, v->stride);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, cols, v->head_size, rows, v->scale,
                    work->dA, cols, v->q + start, v->stride, 1, w->dk + start, v->stride);
    }
}

/* The loss of one sequence, and its gradients into its own rows of dqk and dtype_terms. */
static double sequence_loss(const mlce_span_scores *scores, const mlce_span_gold *gold,
                            int sequence, float *dqk, float *dtype_terms, workspace *work) {
    double loss = 0;
    size_t row = (size_t)scores->offsets[sequence], head_width = 2 * (size_t)scores->head_size;
    for (int h = 0; h < scores->heads; h++) {
        job w = {
            .scores = scores,
            .gold = gold->spans + gold->offsets[sequence],
            .gold_count = gold->offsets[sequence + 1] - gold->offsets[sequence],
            .sequence = sequence,
            .view = mlce_span_view_of(scores, sequence, h),
            .weight = 1.0f / ((float)scores->sequences * (float)scores->types),
            .work = work,
        };
        mlce_span_types_of(scores, h, &w.first_type, &w.last_type);
        sum_negatives(&w);
        loss += sum_positives(&w);
        if (!dqk) continue;
        w.dq = dqk + row * (size_t)scores->heads * head_width + (size_t)h * head_width;
        w.dk = w.dq + scores->head_size;
        w.dtype_terms = dtype_terms ? dtype_terms + row * 2 * (size_t)scores->types : NULL;
        add_gradients(&w);
    }
    return loss;
}

static bool allocate(mlce_arena *arena, workspace *work, size_t longest, size_t types) {
    size_t tile = MLCE_TILE_ROWS * longest;
    return (work->A = mlce_arena_alloc(arena, tile, sizeof(float))) &&
           (work->dA = mlce_arena_alloc(arena, tile, sizeof(float))) &&
           (work->row = mlce_arena_alloc(arena, longest, sizeof(float))) &&
           (work->u = mlce_arena_alloc(arena, longest, sizeof(float))) &&
           (work->v = mlce_arena_alloc(arena, longest, sizeof(float))) &&
           (work->du = mlce_arena_alloc(arena, longest, sizeof(float))) &&
           (work->dv = mlce_arena_alloc(arena, longest, sizeof(float))) &&
           (work->negatives = mlce_arena_alloc(arena, types, sizeof(mlce_log_sum))) &&
           (work->top_u = mlce_arena_alloc(arena, types, sizeof(float))) &&
           (work->top_v = mlce_arena_alloc(arena, types, sizeof(float))) &&
           (work->log_positives = mlce_arena_alloc(arena, types, sizeof(double)));
}

mlce_status mlce_span_loss_in(mlce_arena *arena, const mlce_span_scores *scores,
                              const mlce_span_gold *gold, double *loss, float *dqk,
                              float *dtype_terms) {
    *loss = 0;
    mlce_status status = mlce_span_scores_check(scores);
    if (status || scores->sequences == 0) return status;
    int threads = omp_get_max_threads(), sequences = scores->sequences;
    workspace *work = mlce_arena_alloc(arena, (size_t)threads, sizeof *work);
    double *losses = mlce_arena_alloc(arena, (size_t)sequences, sizeof *losses);
    if (!work || !losses) return MLCE_E_MEMORY;
    for (int t = 0; t < threads; t++)
        if (!allocate(arena, &work[t], (size_t)mlce_span_longest(scores), (size_t)scores->types))
            return MLCE_E_MEMORY;
    size_t tokens = (size_t)scores->offsets[sequences];
    if (dqk)
        memset(dqk, 0,
               tokens * (size_t)scores->heads * 2 * (size_t)scores->head_size * sizeof *dqk);
    if (dtype_terms)
        memset(dtype_terms, 0, tokens * 2 * (size_t)scores->types * sizeof *dtype_terms);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int s = 0; s < sequences; s++)
        losses[s] = sequence_loss(scores, gold, s, dqk, dtype_terms, &work[omp_get_thread_num()]);
    for (int s = 0; s < sequences; s++) *loss += losses[s];
    *loss /= (double)sequences * scores->types;
    return MLCE_OK;
}

mlce_status mlce_span_loss(const mlce_span_scores *scores, const mlce_span_gold *gold, double *loss,
                           float *dqk, float *dtype_terms) {
    mlce_arena *arena = mlce_arena_new();
    if (!arena) return MLCE_E_MEMORY;
    mlce_status status = mlce_span_loss_in(arena, scores, gold, loss, dqk, dtype_terms);
    mlce_arena_free(arena);
    return status;
}

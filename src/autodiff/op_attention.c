/* op_attention.c - multi-head self-attention within each sequence (Vaswani et al. 2017, "Attention
 * Is All You Need").
 *
 *   S = Q K^T / sqrt(d),   P = softmax of S's rows,   O = P V          for each sequence and head
 *   dV = P^T dO,   dS = P o (dO V^T - D),  D_i = dO_i . O_i,   dQ = dS K / sqrt(d),
 *   dK = dS^T Q / sqrt(d)
 *
 * One sequence and head is a task of one thread. It works through tiles of TILE_ROWS rows of S, so
 * that no more of S is ever there; of the forward pass only log(sum of e^S_i) is kept for each row,
 * from which backward makes the tile again (Dao et al. 2022, "FlashAttention").
 */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "autodiff/graph_private.h"
#include "core/rows.h"
#include "core/vector.h"

enum { TILE_ROWS = 64 };

typedef struct attention {
    const int *offsets;
    int sequences, heads, head_size, window;
    float scale;
    float *log_sums;     /* [heads, tokens] */
    size_t scratch_size; /* of a tile */
} attention;

/* One sequence and head: matrices of `length` rows. */
typedef struct task {
    const float *q, *k, *v;
    float *out;
    float *dq, *dk, *dv;    /* NULL where none is wanted */
    int stride, v_stride;   /* of q and k, of v and out; of the gradients too */
    int length, d, window;  /* window 0: all tokens */
    float scale, *log_sums; /* log_sums [length] */
    float *S, *dS;          /* [TILE_ROWS, most columns of a tile] */
} task;

/* Rows [first, last) of S, and the columns [start, end) that any of them sees. */
typedef struct tile {
    int first, last, start, end;
} tile;

static int window_start(const task *t, int i) {
    return t->window && i > t->window ? i - t->window : 0;
}

static int window_end(const task *t, int i) {
    return t->window && t->length - 1 - i > t->window ? i + t->window + 1 : t->length;
}

static tile tile_at(const task *t, int first) {
    int last = t->length - first < TILE_ROWS ? t->length : first + TILE_ROWS;
    return (tile){first, last, window_start(t, first), window_end(t, last - 1)};
}

/* ---- Rows ---- */

/* dS_j := P_j (dS_j - D) */
MLCE_KERNEL static void row_softmax_grad(const float *P, float *dS, float D, int count) {
    for (int j = 0; j < count; j++) dS[j] = P[j] * (dS[j] - D);
}

MLCE_KERNEL static float dot(const float *a, const float *b, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < count; c++) sum += a[c] * b[c];
    return sum;
}

/* ---- Tiles ---- */

/* S of the tile, then e^(S - shift) within the windows and 0 outside; the shift is the row's
   log(sum) where that is known. Otherwise the rows are divided by their sums, which are kept. */
static void softmax_tile(const task *t, tile p, bool known) {
    int ld = p.end - p.start;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p.last - p.first, ld, t->d, t->scale,
                t->q + (size_t)p.first * (size_t)t->stride, t->stride,
                t->k + (size_t)p.start * (size_t)t->stride, t->stride, 0, t->S, ld);
    for (int i = p.first; i < p.last; i++) {
        float *row = t->S + (size_t)(i - p.first) * (size_t)ld;
        int from = window_start(t, i) - p.start, to = window_end(t, i) - p.start;
        memset(row, 0, (size_t)from * sizeof *row);
        memset(row + to, 0, (size_t)(ld - to) * sizeof *row);
        if (known) {
            mlce_row_exp(row + from, t->log_sums[i], to - from);
            continue;
        }
        float top = mlce_row_top(row + from, to - from);
        float sum = mlce_row_exp(row + from, top, to - from);
        mlce_row_scale(row + from, 1.0f / sum, to - from);
        t->log_sums[i] = top + logf(sum);
    }
}

static void attend(const task *t) {
    for (int first = 0; first < t->length; first += TILE_ROWS) {
        tile p = tile_at(t, first);
        softmax_tile(t, p, false);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p.last - p.first, t->d,
                    p.end - p.start, 1, t->S, p.end - p.start,
                    t->v + (size_t)p.start * (size_t)t->v_stride, t->v_stride, 0,
                    t->out + (size_t)p.first * (size_t)t->v_stride, t->v_stride);
    }
}

/* dQ, dK += of the tile, from P in S and dO */
static void differentiate_scores(const task *t, tile p, const float *dout) {
    int rows = p.last - p.first, ld = p.end - p.start;
    size_t stride = (size_t)t->stride, v_stride = (size_t)t->v_stride;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, ld, t->d, 1,
                dout + (size_t)p.first * v_stride, t->v_stride, t->v + (size_t)p.start * v_stride,
                t->v_stride, 0, t->dS, ld);
    for (int i = p.first; i < p.last; i++) {
        size_t row = (size_t)(i - p.first) * (size_t)ld;
        float D = dot(dout + (size_t)i * v_stride, t->out + (size_t)i * v_stride, t->d);
        row_softmax_grad(t->S + row, t->dS + row, D, ld);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, t->d, ld, t->scale, t->dS, ld,
                t->k + (size_t)p.start * stride, t->stride, 1, t->dq + (size_t)p.first * stride,
                t->stride);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, ld, t->d, rows, t->scale, t->dS, ld,
                t->q + (size_t)p.first * stride, t->stride, 1, t->dk + (size_t)p.start * stride,
                t->stride);
}

static void differentiate(const task *t, const float *dout) {
    for (int first = 0; first < t->length; first += TILE_ROWS) {
        tile p = tile_at(t, first);
        softmax_tile(t, p, true);
        if (t->dv)
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p.end - p.start, t->d,
                        p.last - p.first, 1, t->S, p.end - p.start,
                        dout + (size_t)p.first * (size_t)t->v_stride, t->v_stride, 1,
                        t->dv + (size_t)p.start * (size_t)t->v_stride, t->v_stride);
        if (t->dq) differentiate_scores(t, p, dout);
    }
}

/* ---- The op ---- */

/* Sequence n / heads, head n % heads, with this scratch. */
static task task_at(const attention *a, const mlce_node *y, int n, float *scratch) {
    const mlce_node *qk = y->input[0], *v = y->input[1];
    int head = n % a->heads, begin = a->offsets[n / a->heads], size = a->heads * a->head_size;
    size_t column = (size_t)head * (size_t)a->head_size;
    size_t at = (size_t)begin * (size_t)qk->cols + column;
    size_t v_at = (size_t)begin * (size_t)size + column;
    return (task){
        .q = qk->value + at,
        .k = qk->value + at + size,
        .v = v->value + v_at,
        .out = y->value + v_at,
        .dq = qk->grad ? qk->grad + at : NULL,
        .dk = qk->grad ? qk->grad + at + size : NULL,
        .dv = v->grad ? v->grad + v_at : NULL,
        .stride = qk->cols,
        .v_stride = size,
        .length = a->offsets[n / a->heads + 1] - begin,
        .d = a->head_size,
        .window = a->window,
        .scale = a->scale,
        .log_sums = a->log_sums + (size_t)head * (size_t)y->rows + begin,
        .S = scratch,
        .dS = scratch + a->scratch_size,
    };
}

static float *new_scratch(mlce_graph *g, const attention *a, size_t tiles) {
    return mlce_arena_alloc(g->arena, tiles * (size_t)omp_get_max_threads() * a->scratch_size,
                            sizeof(float));
}

static void attention_backward(mlce_graph *g, mlce_node *y) {
    const attention *a = y->context;
    mlce_node_grad(g, y->input[0], NULL);
    mlce_node_grad(g, y->input[1], NULL);
    float *scratch = new_scratch(g, a, 2);
    if (!scratch) mlce_graph_fail(g, MLCE_E_MEMORY);
    if (mlce_graph_status(g)) return;
    size_t size = (size_t)y->cols;
#pragma omp parallel for schedule(dynamic, 1)
    for (int n = 0; n < a->sequences * a->heads; n++) {
        size_t number = (size_t)omp_get_thread_num();
        task t = task_at(a, y, n, scratch + 2 * number * a->scratch_size);
        differentiate(&t, y->grad + (size_t)a->offsets[n / a->heads] * size +
                              (size_t)(n % a->heads) * (size_t)a->head_size);
    }
}

/* Floats of the largest tile of S. */
static size_t largest_tile(const int *offsets, int sequences, int window) {
    int longest = 1;
    for (int s = 0; s < sequences; s++)
        if (offsets[s + 1] - offsets[s] > longest) longest = offsets[s + 1] - offsets[s];
    size_t rows = longest < TILE_ROWS ? (size_t)longest : TILE_ROWS, cols = (size_t)longest;
    if (window && 2 * (size_t)window + rows < cols) cols = 2 * (size_t)window + rows;
    return (rows * cols + 15) / 16 * 16;
}

static mlce_node *refuse(mlce_graph *g, const mlce_node *qk, const mlce_node *v, int heads,
                         int window, int tokens) {
    return mlce_graph_fail(
        g, mlce_fail(MLCE_E_ARGUMENT,
                     "mlce_attention: q and k [%d, %d], v [%d, %d], %d heads, window %d, %d tokens "
                     "do not fit",
                     qk->rows, qk->cols, v->rows, v->cols, heads, window, tokens));
}

mlce_node *mlce_attention(mlce_graph *g, mlce_node *qk, mlce_node *v, const int *offsets,
                          int sequences, int heads, int window) {
    if (!qk || !v || mlce_graph_status(g)) return NULL;
    if (heads < 1 || window < 0 || v->cols % heads || qk->cols % 2 || qk->cols / 2 != v->cols ||
        qk->rows != v->rows || offsets[sequences] != v->rows)
        return refuse(g, qk, v, heads, window, offsets[sequences]);
    mlce_node *y =
        mlce_node_new(g, v->rows, v->cols, attention_backward, (mlce_node *[]){qk, v}, 2);
    attention *a = mlce_arena_alloc(g->arena, 1, sizeof *a);
    float *log_sums = mlce_arena_alloc(g->arena, (size_t)heads * (size_t)v->rows, sizeof *log_sums);
    if (!y || !a || !log_sums) return mlce_graph_fail(g, MLCE_E_MEMORY);
    int head_size = v->cols / heads;
    *a = (attention){
        .offsets = offsets,
        .sequences = sequences,
        .heads = heads,
        .head_size = head_size,
        .window = window,
        .scale = 1.0f / sqrtf((float)head_size),
        .log_sums = log_sums,
        .scratch_size = largest_tile(offsets, sequences, window),
    };
    y->context = a;
    float *scratch = new_scratch(g, a, 1);
    if (!scratch) return mlce_graph_fail(g, MLCE_E_MEMORY);
#pragma omp parallel for schedule(dynamic, 1)
    for (int n = 0; n < sequences * heads; n++) {
        task t = task_at(a, y, n, scratch + (size_t)omp_get_thread_num() * a->scratch_size);
        attend(&t);
    }
    return y;
}

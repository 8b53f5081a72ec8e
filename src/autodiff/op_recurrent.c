/* op_recurrent.c - what LSTM and GRU have in common, forward and backward.
 *
 * Forward: the products with the input for all tokens at once, then each direction step by step.
 * Backward: step by step the other way, which turns the gates into their gradients; then the
 * weights' gradients, one product over all tokens each.
 *
 * The directions, and groups of sequences within them, run on different threads. The groups
 * depend on the batch alone, so the bits do not depend on the number of threads.
 */
#include "autodiff/op_recurrent.h"

#include <cblas.h>
#include <string.h>

#include "autodiff/graph_private.h"
#include "autodiff/panels.h"

enum {
    GROUP_SEQUENCES = 8,  /* fewer rows at a time, and the products become slower */
    MOST_GROUPS = 32,     /* of sequences in one direction */
    BLOCK = 128,          /* rows or columns of a product that is one task */
    SERIAL_WORK = 1 << 18 /* multiplications not worth threads, in OpenBLAS neither */
};

/* Sequences that are worked on together, the longest first; none is empty. */
typedef struct group {
    int count;
    int *start, *length; /* [count] */
} group;

/* Memory of one group in one direction. */
typedef struct workspace {
    const float **rows; /* [count] the left side of the product of a step */
    float *product;     /* [count, whole panels] */
    float *carry;       /* [count, H]; backward */
    float *gates;       /* [count, rows of W_hh], for cells whose gates there do not lie side by
                           side; backward */
} workspace;

typedef struct recurrent {
    const mlce_cell *cell;
    mlce_recurrent_weights weights[2];
    int directions, in, H, tokens;
    int group_count;
    group *groups;
    float *gates;          /* [tokens, directions, 4 H] */
    float *state;          /* [tokens, directions, states H] */
    float *zeros;          /* [2 H] what stands before a sequence */
    float *bias[2];        /* [4 H] */
    float *panels[2];      /* W_hh^T in forward, W_hh in backward */
    workspace *workspaces; /* [directions, group_count] */
    bool parallel;
} recurrent;

static int weight_rows(const recurrent *n) {
    return n->cell->weight_gates * n->H;
}

/* Where the numbers of a token in a direction begin, in units of H. */
static size_t place(const recurrent *n, int token, int direction) {
    return ((size_t)token * (size_t)n->directions + (size_t)direction) * (size_t)n->H;
}

/* ---- The order of work ---- */

/* What is done at once: position `position` of the first `rows` sequences, of which the first
   `running` have a token before it in this direction. */
typedef struct step {
    int position, rows, running;
} step;

static int longer_than(const group *q, int position) {
    int count = q->count;
    while (count > 0 && q->length[count - 1] <= position) count--;
    return count;
}

static step step_at(const group *q, int direction, int number) {
    int position = direction ? q->length[0] - 1 - number : number;
    int rows = longer_than(q, position);
    int running = direction ? longer_than(q, position + 1) : position ? rows : 0;
    return (step){position, rows, running};
}

/* Sequences by falling length: counting sort, so that equal ones stay in order. */
static bool sort_by_length(mlce_arena *arena, const int *offsets, int sequences, int *order) {
    int longest = 0;
    for (int s = 0; s < sequences; s++)
        if (offsets[s + 1] - offsets[s] > longest) longest = offsets[s + 1] - offsets[s];
    int *first = mlce_arena_alloc(arena, (size_t)longest + 2, sizeof *first);
    if (!first) return false;
    memset(first, 0, ((size_t)longest + 2) * sizeof *first);
    for (int s = 0; s < sequences; s++) first[longest - (offsets[s + 1] - offsets[s]) + 1]++;
    for (int i = 1; i <= longest; i++) first[i] += first[i - 1];
    for (int s = 0; s < sequences; s++) order[first[longest - (offsets[s + 1] - offsets[s])]++] = s;
    return true;
}

/* Deals the sequences out to groups, the longest first, so that groups take equally long. */
static bool make_groups(mlce_arena *arena, recurrent *n, const int *offsets, int sequences) {
    int *order = mlce_arena_alloc(arena, (size_t)sequences + 1, sizeof *order);
    if (!order || !sort_by_length(arena, offsets, sequences, order)) return false;
    while (sequences > 0 && offsets[order[sequences - 1] + 1] == offsets[order[sequences - 1]])
        sequences--;
    n->group_count = (sequences + GROUP_SEQUENCES - 1) / GROUP_SEQUENCES;
    if (n->group_count > MOST_GROUPS) n->group_count = MOST_GROUPS;
    n->groups = mlce_arena_alloc(arena, (size_t)n->group_count + 1, sizeof *n->groups);
    if (!n->groups) return false;
    for (int k = 0; k < n->group_count; k++) {
        group *q = &n->groups[k];
        q->count = (sequences - k + n->group_count - 1) / n->group_count;
        q->start = mlce_arena_alloc(arena, (size_t)q->count, sizeof *q->start);
        q->length = mlce_arena_alloc(arena, (size_t)q->count, sizeof *q->length);
        if (!q->start || !q->length) return false;
        for (int r = 0; r < q->count; r++) {
            int s = order[k + r * n->group_count];
            q->start[r] = offsets[s];
            q->length[r] = offsets[s + 1] - offsets[s];
        }
    }
    return true;
}

/* Workspaces for products of `columns` columns, and panels of W_hh. */
static bool make_workspaces(mlce_arena *arena, recurrent *n, int depth, int columns,
                            bool backward) {
    size_t width = (size_t)mlce_panel_columns(columns);
    size_t tasks = (size_t)n->directions * (size_t)n->group_count;
    n->workspaces = mlce_arena_alloc(arena, tasks + 1, sizeof *n->workspaces);
    if (!n->workspaces) return false;
    for (size_t t = 0; t < tasks; t++) {
        workspace *w = &n->workspaces[t];
        size_t count = (size_t)n->groups[t % (size_t)n->group_count].count;
        *w = (workspace){.rows = mlce_arena_alloc(arena, count, sizeof *w->rows),
                         .product = mlce_arena_alloc(arena, count * width, sizeof(float))};
        if (!w->rows || !w->product) return false;
        if (!backward) continue;
        w->carry = mlce_arena_alloc(arena, count * (size_t)n->H, sizeof(float));
        w->gates = mlce_arena_alloc(arena, count * (size_t)weight_rows(n), sizeof(float));
        if (!w->carry || !w->gates) return false;
        memset(w->carry, 0, count * (size_t)n->H * sizeof(float));
        memset(w->product, 0, count * width * sizeof(float));
    }
    for (int d = 0; d < n->directions; d++) {
        n->panels[d] = mlce_arena_alloc(arena, width * (size_t)depth, sizeof(float));
        if (!n->panels[d]) return false;
    }
    return true;
}

/* C = op(A) B^T or op(A) B (+ C with beta 1) on the calling thread: OpenBLAS starts no threads of
   its own where others run already, and where there is only one. */
static void product(bool transpose_a, bool transpose_b, int m, int n, int k, const float *A,
                    int lda, const float *B, int ldb, float beta, float *C, int ldc) {
    if (m == 0 || n == 0) return;
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, A, lda, B, ldb, beta, C, ldc);
}

/* ---- Forward ---- */

/* The biases in the order of a token's gates, summed where the products are. */
static void order_biases(const recurrent *n, int direction) {
    const mlce_recurrent_weights *weights = &n->weights[direction];
    int all = weight_rows(n), shared = n->cell->shared_gates * n->H;
    float *bias = n->bias[direction];
    for (int i = 0; i < all; i++)
        bias[i] = weights->bias_ih->value[i] + (i < shared ? weights->bias_hh->value[i] : 0);
    for (int i = shared; i < all; i++) bias[all + i - shared] = weights->bias_hh->value[i];
}

/* x W_ih^T, `BLOCK` columns of a direction from column `start` on. */
static void multiply_input(const recurrent *n, const float *x, int direction, int start) {
    int count = weight_rows(n) - start < BLOCK ? weight_rows(n) - start : BLOCK;
    product(false, true, n->tokens, count, n->in, x, n->in,
            n->weights[direction].weight_ih->value + (size_t)start * (size_t)n->in, n->in, 0,
            n->gates + MLCE_GATES * place(n, 0, direction) + start,
            n->directions * MLCE_GATES * n->H);
}

/* The part of a row that forward and backward share. */
static mlce_cell_row row_of(const recurrent *n, const float *h, int direction, int token,
                            bool running) {
    size_t at = place(n, token, direction);
    size_t before = running ? place(n, token + (direction ? 1 : -1), direction) : 0;
    size_t states = (size_t)n->cell->states;
    return (mlce_cell_row){.gates = n->gates + MLCE_GATES * at,
                           .before = running ? h + before : n->zeros,
                           .state = n->state + states * at,
                           .state_before = running ? n->state + states * before : n->zeros};
}

static void run_forward(const recurrent *n, float *h, int direction, const group *q,
                        const workspace *w) {
    size_t width = (size_t)mlce_panel_columns(weight_rows(n));
    for (int number = 0; number < q->length[0]; number++) {
        step now = step_at(q, direction, number);
        for (int r = 0; r < now.running; r++)
            w->rows[r] = row_of(n, h, direction, q->start[r] + now.position, true).before;
        mlce_panels_multiply(w->rows, now.running, n->panels[direction], n->H, weight_rows(n),
                             w->product);
        memset(w->product + (size_t)now.running * width, 0,
               (size_t)(now.rows - now.running) * width * sizeof *w->product);
        for (int r = 0; r < now.rows; r++) {
            int token = q->start[r] + now.position;
            mlce_cell_row row = row_of(n, h, direction, token, r < now.running);
            row.product = w->product + (size_t)r * width;
            row.bias = n->bias[direction];
            row.h = h + place(n, token, direction);
            n->cell->forward(n->H, &row);
        }
    }
}

static void compute(const recurrent *n, const float *x, float *h) {
    int blocks = (weight_rows(n) + BLOCK - 1) / BLOCK;
#pragma omp parallel if (n->parallel)
    {
#pragma omp for schedule(dynamic, 1)
        for (int t = 0; t < n->directions * (blocks + 1); t++) {
            int d = t % n->directions, block = t / n->directions;
            if (block < blocks) {
                multiply_input(n, x, d, block * BLOCK);
            } else {
                order_biases(n, d);
                mlce_panels_fill(true, n->weights[d].weight_hh->value, n->H, n->H, weight_rows(n),
                                 n->panels[d]);
            }
        }
#pragma omp for schedule(dynamic, 1)
        for (int t = 0; t < n->directions * n->group_count; t++)
            run_forward(n, h, t / n->group_count, &n->groups[t % n->group_count],
                        &n->workspaces[t]);
    }
}

/* ---- Backward ---- */

/* Where the gradients go; NULL where none is wanted. The betas say whether something is there. */
typedef struct gradients {
    float *weight_ih[2], *weight_hh[2], *bias_ih[2], *bias_hh[2], *x;
    float beta_ih[2], beta_hh[2], beta_x;
    float *before; /* [tokens, directions, H] h of the token before */
} gradients;

/* The gradients of the sums that h_before W_hh^T went into, side by side. */
static const float *hidden_gates(const recurrent *n, const float *gates, float *room) {
    size_t all = (size_t)weight_rows(n), shared = (size_t)n->cell->shared_gates * (size_t)n->H;
    if (shared == all) return gates;
    memcpy(room, gates, shared * sizeof *room);
    memcpy(room + shared, gates + all, (all - shared) * sizeof *room);
    return room;
}

static void run_backward(const recurrent *n, const mlce_node *y, const gradients *to, int direction,
                         const group *q, const workspace *w) {
    size_t width = (size_t)mlce_panel_columns(n->H), H = (size_t)n->H;
    for (int number = q->length[0] - 1; number >= 0; number--) {
        step now = step_at(q, direction, number);
        for (int r = 0; r < now.rows; r++) {
            int token = q->start[r] + now.position;
            mlce_cell_row row = row_of(n, y->value, direction, token, r < now.running);
            row.dh = y->grad + place(n, token, direction);
            row.back = w->product + (size_t)r * width;
            row.carry = w->carry + (size_t)r * H;
            n->cell->backward(n->H, &row);
            memcpy(to->before + place(n, token, direction), row.before, H * sizeof *to->before);
            w->rows[r] = hidden_gates(n, row.gates, w->gates + (size_t)r * (size_t)weight_rows(n));
        }
        mlce_panels_multiply(w->rows, now.running, n->panels[direction], weight_rows(n), n->H,
                             w->product);
    }
}

/* a[c], and b[c] where there is b, += the sum over all tokens of column c of `gates`. */
static void add_column_sums(const recurrent *n, const float *gates, int count, float *a, float *b) {
    float sum[BLOCK] = {0};
    for (int i = 0; i < n->tokens; i++) {
        const float *row = gates + (size_t)i * (size_t)(n->directions * MLCE_GATES * n->H);
        for (int c = 0; c < count; c++) sum[c] += row[c];
    }
    for (int c = 0; a && c < count; c++) a[c] += sum[c];
    for (int c = 0; b && c < count; c++) b[c] += sum[c];
}

/* Gate columns from..to of a token, whose gradients make rows row.. of W_ih or W_hh's. */
typedef struct range {
    bool hidden;
    int from, to, row;
} range;

/* dW_ih = dgates^T x,  dW_hh = dgates^T h_before,  db = sum of dgates over the tokens: columns
   first .. first+count-1 of a range. Of the shared gates the sums serve both biases. */
static void add_weights(const recurrent *n, const gradients *to, const float *x, range part,
                        int first, int direction) {
    int d = direction, stride = n->directions * MLCE_GATES * n->H;
    int count = part.to - first < BLOCK ? part.to - first : BLOCK;
    int row = part.row + first - part.from;
    const float *gates = n->gates + MLCE_GATES * place(n, 0, d) + first;
    float *dW = part.hidden ? to->weight_hh[d] : to->weight_ih[d];
    int cols = part.hidden ? n->H : n->in;
    if (dW)
        product(true, false, count, cols, n->tokens, gates, stride,
                part.hidden ? to->before + place(n, 0, d) : x,
                part.hidden ? n->directions * n->H : n->in,
                part.hidden ? to->beta_hh[d] : to->beta_ih[d], dW + (size_t)row * (size_t)cols,
                cols);
    bool shared = first < n->cell->shared_gates * n->H;
    float *db = part.hidden ? to->bias_hh[d] : to->bias_ih[d];
    float *db_shared = shared ? to->bias_hh[d] : NULL;
    if (part.hidden && shared) return;
    add_column_sums(n, gates, count, db ? db + row : NULL, db_shared ? db_shared + row : NULL);
}

/* dx = dgates W_ih, summed over the directions: `BLOCK` tokens from `first` on. */
static void add_input(const recurrent *n, const gradients *to, int first) {
    int count = n->tokens - first < BLOCK ? n->tokens - first : BLOCK;
    for (int d = 0; d < n->directions; d++)
        product(false, false, count, n->in, weight_rows(n),
                n->gates + MLCE_GATES * place(n, first, d), n->directions * MLCE_GATES * n->H,
                n->weights[d].weight_ih->value, n->in, d ? 1 : to->beta_x,
                to->x + (size_t)first * (size_t)n->in, n->in);
}

/* Task number `task` of the products over all tokens; false where there are fewer. A weight that
   serves both directions is added to in their order. */
static bool add_block(const recurrent *n, const gradients *to, const float *x, int task) {
    int shared = n->cell->shared_gates * n->H, all = weight_rows(n);
    const range ranges[] = {{false, 0, shared, 0},
                            {false, shared, all, shared},
                            {true, 0, shared, 0},
                            {true, all, MLCE_GATES * n->H, shared}};
    for (int k = 0; k < 4; k++)
        for (int first = ranges[k].from; first < ranges[k].to; first += BLOCK)
            if (task-- == 0) {
                for (int d = 0; d < n->directions; d++) add_weights(n, to, x, ranges[k], first, d);
                return true;
            }
    for (int first = 0; to->x && first < n->tokens; first += BLOCK)
        if (task-- == 0) {
            add_input(n, to, first);
            return true;
        }
    return false;
}

static void find_gradients(mlce_graph *g, const recurrent *n, mlce_node *x, gradients *to) {
    for (int d = 0; d < n->directions; d++) {
        const mlce_recurrent_weights *weights = &n->weights[d];
        to->weight_ih[d] = mlce_node_grad(g, weights->weight_ih, &to->beta_ih[d]);
        to->weight_hh[d] = mlce_node_grad(g, weights->weight_hh, &to->beta_hh[d]);
        to->bias_ih[d] = mlce_node_grad(g, weights->bias_ih, NULL);
        to->bias_hh[d] = mlce_node_grad(g, weights->bias_hh, NULL);
    }
    to->x = mlce_node_grad(g, x, &to->beta_x);
}

static void recurrent_backward(mlce_graph *g, mlce_node *y) {
    recurrent *n = y->context;
    mlce_node *x = y->input[0];
    gradients to = {0};
    size_t numbers = (size_t)y->rows * (size_t)y->cols;
    to.before = mlce_arena_alloc(g->arena, numbers, sizeof *to.before);
    if (!to.before || !make_workspaces(g->arena, n, weight_rows(n), n->H, true)) {
        mlce_graph_fail(g, MLCE_E_MEMORY);
        return;
    }
    find_gradients(g, n, x, &to);
    int blocks = 4 * (MLCE_GATES * n->H / BLOCK + 1) + n->tokens / BLOCK + 1;
#pragma omp parallel if (n->parallel)
    {
#pragma omp for
        for (int d = 0; d < n->directions; d++)
            mlce_panels_fill(false, n->weights[d].weight_hh->value, n->H, weight_rows(n), n->H,
                             n->panels[d]);
#pragma omp for schedule(dynamic, 1)
        for (int t = 0; t < n->directions * n->group_count; t++)
            run_backward(n, y, &to, t / n->group_count, &n->groups[t % n->group_count],
                         &n->workspaces[t]);
#pragma omp for schedule(dynamic, 1)
        for (int t = 0; t < blocks; t++) add_block(n, &to, x->value, t);
    }
}

/* ---- The op ---- */

static bool shapes_fit(const mlce_cell *cell, const mlce_node *x,
                       const mlce_recurrent_weights *weights, int H) {
    int rows = cell->weight_gates * H;
    return weights->weight_ih->rows == rows && weights->weight_ih->cols == x->cols &&
           weights->weight_hh->rows == rows && weights->weight_hh->cols == H &&
           weights->bias_ih->rows == 1 && weights->bias_ih->cols == rows &&
           weights->bias_hh->rows == 1 && weights->bias_hh->cols == rows;
}

/* The memory that lives until backward, and the workspaces of forward. */
static recurrent *new_recurrent(mlce_graph *g, const mlce_node *x, recurrent kept,
                                const int *offsets, int sequences) {
    recurrent *n = mlce_arena_alloc(g->arena, 1, sizeof *n);
    if (!n) return NULL;
    *n = kept;
    size_t numbers = place(n, n->tokens, 0), H = (size_t)n->H;
    n->gates = mlce_arena_alloc(g->arena, numbers, MLCE_GATES * sizeof(float));
    n->state = mlce_arena_alloc(g->arena, numbers, (size_t)n->cell->states * sizeof(float));
    n->zeros = mlce_arena_alloc(g->arena, H, 2 * sizeof(float));
    for (int d = 0; d < n->directions; d++) {
        n->bias[d] = mlce_arena_alloc(g->arena, H, MLCE_GATES * sizeof(float));
        if (!n->bias[d]) return NULL;
    }
    if (!n->gates || !n->state || !n->zeros || !make_groups(g->arena, n, offsets, sequences) ||
        !make_workspaces(g->arena, n, n->H, weight_rows(n), false))
        return NULL;
    memset(n->zeros, 0, 2 * H * sizeof(float));
    n->parallel = (double)numbers * MLCE_GATES * (x->cols + n->H) > SERIAL_WORK;
    return n;
}

mlce_node *mlce_recurrent(mlce_graph *g, const mlce_cell *cell, mlce_node *x,
                          const mlce_recurrent_weights *weights, int directions, const int *offsets,
                          int sequences) {
    if (!x || mlce_graph_status(g)) return NULL;
    recurrent kept = {.cell = cell, .directions = directions, .in = x->cols, .tokens = x->rows};
    bool wanted = false;
    for (int d = 0; d < directions; d++) {
        const mlce_recurrent_weights *w = &weights[d];
        if (!w->weight_ih || !w->weight_hh || !w->bias_ih || !w->bias_hh) return NULL;
        kept.H = weights[0].weight_hh->cols;
        if (!shapes_fit(cell, x, w, kept.H))
            return mlce_graph_shape_error(g, cell->op, w->weight_ih, w->weight_hh);
        kept.weights[d] = *w;
        wanted |= w->weight_ih->wants_grad || w->weight_hh->wants_grad || w->bias_ih->wants_grad ||
                  w->bias_hh->wants_grad;
    }
    if (offsets[sequences] != x->rows)
        return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                            "%s: %d rows are not the sequences' %d tokens",
                                            cell->op, x->rows, offsets[sequences]));
    mlce_node *y = mlce_node_new(g, x->rows, directions * weights[0].weight_hh->cols,
                                 recurrent_backward, &x, 1);
    recurrent *n = y ? new_recurrent(g, x, kept, offsets, sequences) : NULL;
    if (!n) return mlce_graph_fail(g, MLCE_E_MEMORY);
    if (wanted) y->wants_grad = true;
    y->context = n;
    compute(n, x->value, y->value);
    return y;
}

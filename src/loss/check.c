/* check.c - targets and options against the rules of mlce/loss.h, before anything is written. */

#include <limits.h>
#include <stddef.h>

#include "core/vector.h"
#include "loss/rows.h"

static mlce_status check_options(const mlce_loss_options *o) {
    if (!mlce_loss_name(o->kind))
        return mlce_fail(MLCE_E_ARGUMENT, "loss: %d is no kind of loss", (int)o->kind);
    if (o->kind == MLCE_LOSS_BINARY_CE &&
        !(o->positive_weight > 0 && o->positive_weight < INFINITY))
        return mlce_fail(MLCE_E_ARGUMENT, "binary_ce: positive_weight is %g, must be over 0",
                         (double)o->positive_weight);
    if (o->kind == MLCE_LOSS_FOCAL && !(o->alpha >= 0 && o->alpha <= 1))
        return mlce_fail(MLCE_E_ARGUMENT, "focal: alpha is %g, must be in 0 .. 1",
                         (double)o->alpha);
    if (o->kind == MLCE_LOSS_FOCAL && !(o->gamma >= 0 && o->gamma < INFINITY))
        return mlce_fail(MLCE_E_ARGUMENT, "focal: gamma is %g, must be 0 or more",
                         (double)o->gamma);
    return MLCE_OK;
}

static bool wants_0_or_1(mlce_loss_kind kind) {
    return kind == MLCE_LOSS_SOFTMAX_CE || kind == MLCE_LOSS_TOPK_CE;
}

static mlce_status check_count(const mlce_loss_options *o, int row, int positives) {
    if (o->kind != MLCE_LOSS_SOFTMAX_CE || positives == 1) return MLCE_OK;
    return mlce_fail(MLCE_E_ARGUMENT,
                     "softmax_ce: row %d has %d positives, must have one: use topk_ce or "
                     "multilabel_ce for sets of them",
                     row, positives);
}

/* ---- Dense ---- */

/* Targets outside 0 .. 1 or, where asked, between; and the positives. */
typedef struct dense_counts {
    int wrong, between, positive;
} dense_counts;

MLCE_KERNEL static dense_counts count_dense(const float *t, int count) {
    int wrong = 0, between = 0, positive = 0;
#pragma omp simd reduction(+ : wrong, between, positive)
    for (int i = 0; i < count; i++) {
        wrong += !(t[i] >= 0.0f) | !(t[i] <= 1.0f);
        between += (t[i] > 0.0f) & (t[i] < 1.0f);
        positive += t[i] > 0.0f;
    }
    return (dense_counts){wrong, between, positive};
}

static bool is_wrong(const mlce_loss_options *o, float t) {
    return !(t >= 0 && t <= 1) || (wants_0_or_1(o->kind) && t > 0 && t < 1);
}

static mlce_status fail_dense(const mlce_loss_options *o, int row, int classes, const float *t) {
    dense_counts counts = count_dense(t, classes);
    for (int i = 0; i < classes; i++)
        if (is_wrong(o, t[i]))
            return mlce_fail(MLCE_E_ARGUMENT, "%s: target of row %d, class %d is %g, must be %s",
                             mlce_loss_name(o->kind), row, i, (double)t[i],
                             wants_0_or_1(o->kind) ? "0 or 1" : "in 0 .. 1");
    return check_count(o, row, counts.positive);
}

static mlce_status check_dense(const mlce_loss_options *o, int rows, int classes,
                               const float *dense) {
    int bad = rows; /* the first bad row */
    bool parallel = (size_t)rows * (size_t)classes > MLCE_PARALLEL_SIZE;
#pragma omp parallel for if (parallel) schedule(static) reduction(min : bad)
    for (int r = 0; r < rows; r++) {
        dense_counts counts = count_dense(dense + (size_t)r * (size_t)classes, classes);
        if (counts.wrong || (wants_0_or_1(o->kind) && counts.between) ||
            (o->kind == MLCE_LOSS_SOFTMAX_CE && counts.positive != 1))
            bad = r < bad ? r : bad;
    }
    if (bad == rows) return MLCE_OK;
    return fail_dense(o, bad, classes, dense + (size_t)bad * (size_t)classes);
}

/* ---- Lists ---- */

static mlce_status check_offsets(const mlce_loss_options *o, int rows, const mlce_loss_targets *t) {
    const char *name = mlce_loss_name(o->kind);
    for (int r = 0; r < rows; r++)
        if (t->offsets[r] < 0 || t->offsets[r + 1] < t->offsets[r])
            return mlce_fail(MLCE_E_ARGUMENT,
                             "%s: row %d's positives are said to be %d .. %d: offsets must not "
                             "fall or be under 0",
                             name, r, t->offsets[r], t->offsets[r + 1]);
    if (t->offsets[0] < t->offsets[rows] && !t->indices)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: offsets without indices", name);
    return MLCE_OK;
}

static mlce_status check_row(const mlce_loss_options *o, int classes, int row,
                             const mlce_loss_targets *t) {
    const char *name = mlce_loss_name(o->kind);
    for (int k = t->offsets[row]; k < t->offsets[row + 1]; k++) {
        int i = t->indices[k];
        if (i < 0 || i >= classes)
            return mlce_fail(MLCE_E_ARGUMENT,
                             "%s: index %d of row %d is class %d, but there are %d classes", name,
                             k - t->offsets[row], row, i, classes);
        if (k > t->offsets[row] && i <= t->indices[k - 1])
            return mlce_fail(MLCE_E_ARGUMENT,
                             "%s: index %d of row %d is class %d after class %d: a row's classes "
                             "must rise",
                             name, k - t->offsets[row], row, i, t->indices[k - 1]);
        if (!t->weights) continue;
        float w = t->weights[k];
        if (!(w > 0 && w <= 1) || (wants_0_or_1(o->kind) && w != 1))
            return mlce_fail(MLCE_E_ARGUMENT, "%s: weight of row %d, class %d is %g, must be %s",
                             name, row, i, (double)w,
                             wants_0_or_1(o->kind) ? "1" : "over 0 and at most 1");
    }
    return check_count(o, row, t->offsets[row + 1] - t->offsets[row]);
}

mlce_status mlce_loss_check(const mlce_loss_options *options, int rows, int classes,
                            const mlce_loss_targets *targets) {
    mlce_status status = check_options(options);
    if (status) return status;
    if (rows < 0 || classes < 0 || classes > INT_MAX - MLCE_LOSS_BLOCK)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: [%d, %d] is no shape of scores",
                         mlce_loss_name(options->kind), rows, classes);
    if (!targets || !targets->dense == !targets->offsets)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: targets must be either dense or a list, with offsets",
                         mlce_loss_name(options->kind));
    if (targets->dense) return check_dense(options, rows, classes, targets->dense);
    status = check_offsets(options, rows, targets);
    for (int r = 0; r < rows && !status; r++) status = check_row(options, classes, r, targets);
    return status;
}

/* loss.c - the losses of mlce/loss.h: rows over threads, or a row's parts where rows are few. */
#include <omp.h>
#include <string.h>

#include "core/vector.h"
#include "loss/rows.h"

/* All rows. */
typedef struct problem {
    const mlce_loss_options *options;
    int rows, classes;
    const float *scores, *thresholds; /* thresholds NULL: the loss has none */
    const mlce_loss_targets *targets;
    double *loss;
    float *grad, *threshold_grad;
} problem;

static mlce_loss_row row_of(const problem *p, int r) {
    size_t start = (size_t)r * (size_t)p->classes;
    const mlce_loss_targets *t = p->targets;
    mlce_loss_row row = {
        .options = p->options,
        .classes = p->classes,
        .scores = p->scores + start,
        .grad = p->grad ? p->grad + start : NULL,
        .threshold = p->thresholds ? p->thresholds[r] : 0.0f,
        .mask = t->mask ? t->mask + start : NULL,
    };
    if (t->dense) {
        row.dense = t->dense + start;
    } else if (t->offsets[r] < t->offsets[r + 1]) {
        row.positives = t->indices + t->offsets[r];
        row.weights = t->weights ? t->weights + t->offsets[r] : NULL;
        row.positive_count = t->offsets[r + 1] - t->offsets[r];
    }
    return row;
}

static bool is_sum_of_terms(const mlce_loss_row *row) {
    return row->options->kind == MLCE_LOSS_BINARY_CE || row->options->kind == MLCE_LOSS_FOCAL;
}

/* ---- One row ---- */

typedef struct row_work {
    mlce_loss_row row;
    int part_size, part_count;
    mlce_loss_part parts[MLCE_LOSS_PARTS];
    mlce_loss_sides sides;
} row_work;

typedef void part_pass(row_work *work, int first, int end, mlce_loss_part *part);

static void first_pass(row_work *work, int first, int end, mlce_loss_part *part) {
    *part = (mlce_loss_part){.negatives = {-INFINITY, 0}, .positives = {-INFINITY, 0}};
    if (is_sum_of_terms(&work->row))
        mlce_terms_add(&work->row, first, end, part);
    else
        mlce_exponentials_add(&work->row, first, end, part);
}

static void second_pass(row_work *work, int first, int end, mlce_loss_part *part) {
    mlce_exponentials_grad(&work->row, first, end, part, &work->sides);
}

static void go_through(row_work *work, part_pass *pass, int i) {
    int first = i * work->part_size, rest = work->row.classes - first;
    pass(work, first, first + (rest < work->part_size ? rest : work->part_size), &work->parts[i]);
}

static void each_part(row_work *work, part_pass *pass, bool parallel) {
    if (parallel) {
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < work->part_count; i++) go_through(work, pass, i);
    } else {
        /* Backwards in the second pass: what was written last is still in the cache. */
        for (int i = 0; i < work->part_count; i++)
            go_through(work, pass, pass == second_pass ? work->part_count - 1 - i : i);
    }
}

static void cut(row_work *work) {
    int blocks = (work->row.classes + MLCE_LOSS_BLOCK - 1) / MLCE_LOSS_BLOCK;
    int blocks_in_part = (blocks + MLCE_LOSS_PARTS - 1) / MLCE_LOSS_PARTS;
    if (blocks_in_part < MLCE_LOSS_PART_BLOCKS) blocks_in_part = MLCE_LOSS_PART_BLOCKS;
    work->part_size = blocks_in_part * MLCE_LOSS_BLOCK;
    work->part_count = blocks == 0 ? 0 : (blocks + blocks_in_part - 1) / blocks_in_part;
}

static mlce_loss_part total_of(const mlce_loss_part *parts, int count) {
    mlce_loss_part all = {.negatives = {-INFINITY, 0}, .positives = {-INFINITY, 0}};
    for (int i = 0; i < count; i++) {
        const mlce_loss_part *part = &parts[i];
        if (part->negatives.sum > 0)
            mlce_log_sum_add(&all.negatives, part->negatives.top, part->negatives.sum);
        if (part->positives.sum > 0)
            mlce_log_sum_add(&all.positives, part->positives.top, part->positives.sum);
        all.sum += part->sum;
        all.bad = all.bad || part->bad;
    }
    return all;
}

/* False for a row with a score that is no number. */
static bool compute_row(const problem *p, int r, bool parallel) {
    row_work work;
    work.row = row_of(p, r);
    cut(&work);
    each_part(&work, first_pass, parallel);
    mlce_loss_part all = total_of(work.parts, work.part_count);
    bool good = !all.bad && isfinite(work.row.threshold);
    if (!good)
        work.sides = (mlce_loss_sides){.loss = (double)NAN};
    else if (is_sum_of_terms(&work.row))
        work.sides = (mlce_loss_sides){.loss = all.sum};
    else
        work.sides = mlce_exponentials_solve(&work.row, &all);
    p->loss[r] = work.sides.loss;
    if (p->threshold_grad)
        p->threshold_grad[r] = p->thresholds ? (float)work.sides.threshold_grad : 0.0f;
    if (work.row.grad && !good)
        memset(work.row.grad, 0, (size_t)p->classes * sizeof(float));
    else if (work.row.grad && !is_sum_of_terms(&work.row))
        each_part(&work, second_pass, parallel);
    return good;
}

/* ---- All rows ---- */

static mlce_status fail_row(const problem *p, int r) {
    const char *name = mlce_loss_name(p->options->kind);
    mlce_loss_row row = row_of(p, r);
    if (!isfinite(row.threshold))
        return mlce_fail(MLCE_E_NUMERIC, "%s: threshold of row %d is %g", name, r,
                         (double)row.threshold);
    for (int i = 0; i < p->classes; i++)
        if (!mlce_loss_left_out(&row, i) && !isfinite(row.scores[i]))
            return mlce_fail(MLCE_E_NUMERIC, "%s: score of row %d, class %d is %g", name, r, i,
                             (double)row.scores[i]);
    return mlce_fail(MLCE_E_NUMERIC, "%s: row %d cannot be computed", name, r);
}

static mlce_status compute(const problem *p) {
    size_t size = (size_t)p->rows * (size_t)p->classes;
    bool parallel = size > MLCE_PARALLEL_SIZE;
    bool by_row = p->rows >= 4 * omp_get_max_threads();
    int chunk = 1 + MLCE_PARALLEL_SIZE / (p->classes + 1), bad = p->rows;
#pragma omp parallel for if (parallel && by_row) schedule(dynamic, chunk) reduction(min : bad)
    for (int r = 0; r < p->rows; r++)
        if (!compute_row(p, r, parallel && !by_row)) bad = r < bad ? r : bad;
    return bad < p->rows ? fail_row(p, bad) : MLCE_OK;
}

mlce_status mlce_loss(const mlce_loss_options *options, int rows, int classes, const float *scores,
                      const float *thresholds, const mlce_loss_targets *targets, double *loss,
                      float *grad, float *threshold_grad) {
    if (!options) return mlce_fail(MLCE_E_ARGUMENT, "mlce_loss: no options");
    mlce_status status = mlce_loss_check(options, rows, classes, targets);
    if (status) return status;
    if ((!scores && rows > 0 && classes > 0) || (!loss && rows > 0))
        return mlce_fail(MLCE_E_ARGUMENT, "%s: no array of scores or loss",
                         mlce_loss_name(options->kind));
    if (options->kind != MLCE_LOSS_THRESHOLD_CE) thresholds = NULL;
    if (options->kind == MLCE_LOSS_THRESHOLD_CE && !thresholds && rows > 0)
        return mlce_fail(MLCE_E_ARGUMENT, "threshold_ce: no thresholds");
    return compute(&(problem){options, rows, classes, scores, thresholds, targets, loss, grad,
                              threshold_grad});
}

/* ---- By name ---- */

mlce_status mlce_softmax_ce(int rows, int classes, const float *scores,
                            const mlce_loss_targets *targets, double *loss, float *grad) {
    mlce_loss_options options = {.kind = MLCE_LOSS_SOFTMAX_CE};
    return mlce_loss(&options, rows, classes, scores, NULL, targets, loss, grad, NULL);
}

mlce_status mlce_topk_ce(int rows, int classes, const float *scores,
                         const mlce_loss_targets *targets, double *loss, float *grad) {
    mlce_loss_options options = {.kind = MLCE_LOSS_TOPK_CE};
    return mlce_loss(&options, rows, classes, scores, NULL, targets, loss, grad, NULL);
}

mlce_status mlce_multilabel_ce(int rows, int classes, const float *scores,
                               const mlce_loss_targets *targets, double *loss, float *grad) {
    mlce_loss_options options = {.kind = MLCE_LOSS_MULTILABEL_CE};
    return mlce_loss(&options, rows, classes, scores, NULL, targets, loss, grad, NULL);
}

mlce_status mlce_threshold_ce(int rows, int classes, const float *scores, const float *thresholds,
                              const mlce_loss_targets *targets, double *loss, float *grad,
                              float *threshold_grad) {
    mlce_loss_options options = {.kind = MLCE_LOSS_THRESHOLD_CE};
    return mlce_loss(&options, rows, classes, scores, thresholds, targets, loss, grad,
                     threshold_grad);
}

mlce_status mlce_binary_ce(int rows, int classes, const float *scores,
                           const mlce_loss_targets *targets, float positive_weight, double *loss,
                           float *grad) {
    mlce_loss_options options = {.kind = MLCE_LOSS_BINARY_CE, .positive_weight = positive_weight};
    return mlce_loss(&options, rows, classes, scores, NULL, targets, loss, grad, NULL);
}

mlce_status mlce_focal(int rows, int classes, const float *scores, const mlce_loss_targets *targets,
                       float alpha, float gamma, double *loss, float *grad) {
    mlce_loss_options options = {.kind = MLCE_LOSS_FOCAL, .alpha = alpha, .gamma = gamma};
    return mlce_loss(&options, rows, classes, scores, NULL, targets, loss, grad, NULL);
}

static const char *const names[] = {
    [MLCE_LOSS_SOFTMAX_CE] = "softmax_ce",     [MLCE_LOSS_TOPK_CE] = "topk_ce",
    [MLCE_LOSS_THRESHOLD_CE] = "threshold_ce", [MLCE_LOSS_MULTILABEL_CE] = "multilabel_ce",
    [MLCE_LOSS_BINARY_CE] = "binary_ce",       [MLCE_LOSS_FOCAL] = "focal",
};
enum { KINDS = sizeof names / sizeof names[0] };

const char *mlce_loss_name(mlce_loss_kind kind) {
    return (unsigned)kind < KINDS ? names[kind] : NULL;
}

mlce_status mlce_loss_kind_of(const char *name, mlce_loss_kind *kind) {
    for (int i = 0; i < KINDS; i++)
        if (name && strcmp(name, names[i]) == 0) {
            *kind = (mlce_loss_kind)i;
            return MLCE_OK;
        }
    return mlce_fail(MLCE_E_ARGUMENT,
                     "there is no loss '%s': it must be softmax_ce, topk_ce, threshold_ce, "
                     "multilabel_ce, binary_ce or focal",
                     name ? name : "");
}

/* loss.h - losses of rows of scores against sets of positive classes, on plain arrays: no graph,
 * no allocation. src/loss with src/core/status.c and src/core/vector.h compiles on its own.
 *
 *   int offsets[] = {0, 2, 3}, positives[] = {1, 4, 0};  // row 0: classes 1 and 4; row 1: class 0
 *   mlce_loss_targets targets = {.offsets = offsets, .indices = positives};
 *   double loss[2];
 *   if (mlce_multilabel_ce(2, classes, scores, &targets, loss, grad)) puts(mlce_last_error());
 *
 * For the scores s_1..s_n of one row and targets t_i, 1 for its positives P and 0 for the others N,
 * or anywhere between ("soft"):
 *
 *   softmax_ce     log(1 + sum over N of e^(s_i - s_j)),  P = {j}
 *   topk_ce        log(1 + sum over N of e^s_i * sum over P of e^-s_j)
 *   threshold_ce   log(e^s_0 + sum (1-t_i) e^s_i) + log(e^-s_0 + sum t_i e^-s_i)
 *   multilabel_ce  the same with s_0 = 0
 *   binary_ce      sum of  w t_i log(1 + e^-s_i) + (1-t_i) log(1 + e^s_i)
 *   focal          sum of  a t_i (1-p_i)^g log(1 + e^-s_i) + (1-a) (1-t_i) p_i^g log(1 + e^s_i)
 *
 * with s_0 one more score, the threshold; w positive_weight, a alpha, g gamma; p = 1 / (1 + e^-s).
 *
 * multilabel_ce, threshold_ce, topk_ce: Su 2020; Su et al. 2022, "ZLPR: A Novel Loss for
 * Multi-label Classification". focal: Lin et al. 2017, "Focal Loss for Dense Object Detection".
 *
 * All functions share these arguments:
 *
 *   scores   [rows, classes]; -inf leaves a class out of its row
 *   targets  see mlce_loss_targets
 *   loss     [rows], written
 *   grad     [rows, classes], written: d loss[row] / d scores; NULL where it is not wanted. Must
 *            not overlap scores
 *
 * A class that is left out, by the mask or by -inf, adds nothing to the loss and gets gradient 0,
 * be it positive or not. Where nothing is left on one side (no positive, no negative) the loss is
 * what the formula gives for an empty sum; softmax_ce and topk_ce are then 0.
 *
 * No finite score overflows anything, and loss and gradient are right to 1e-5 of their size, of
 * soft targets to 1e-5 of what adds up to them; a gradient under 1e-30 may be less exact, or 0.
 * Work is spread over the OpenMP threads; the bits do not depend on how many there are.
 *
 * Errors:
 *   MLCE_E_ARGUMENT  targets or options that break a rule of theirs; the message names row and
 *                    class. Nothing is written.
 *   MLCE_E_NUMERIC   a score that is NaN or +inf and not masked; the message names the first. Its
 *                    row's loss is NaN and its row's gradients are 0; all other rows are right.
 */
#ifndef MLCE_LOSS_H
#define MLCE_LOSS_H

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The targets of some rows: either dense or offsets and indices are given. A list costs less than
 * a dense array: no memory of the size of the scores is made or read.
 *
 * softmax_ce and topk_ce take targets of 0 and 1 only, and softmax_ce just one positive a row. */
typedef struct mlce_loss_targets {
    const float *dense;   /* [rows, classes] in [0, 1] */
    const int *offsets;   /* [rows+1]: row r's positives are indices offsets[r] .. offsets[r+1]-1 */
    const int *indices;   /* [offsets[rows]] classes, ascending within a row, none twice */
    const float *weights; /* [offsets[rows]] in (0, 1]: soft targets; NULL: all 1 */
    const unsigned char *mask; /* [rows, classes]: not 0 leaves the class out; NULL: none */
} mlce_loss_targets;

MLCE_API mlce_status mlce_softmax_ce(int rows, int classes, const float *scores,
                                     const mlce_loss_targets *targets, double *loss, float *grad);
MLCE_API mlce_status mlce_topk_ce(int rows, int classes, const float *scores,
                                  const mlce_loss_targets *targets, double *loss, float *grad);
MLCE_API mlce_status mlce_multilabel_ce(int rows, int classes, const float *scores,
                                        const mlce_loss_targets *targets, double *loss,
                                        float *grad);
/* thresholds [rows]: s_0 of each row, finite. threshold_grad [rows]: d loss / d s_0, which is minus
   the sum of the row's other gradients; NULL where it is not wanted. */
MLCE_API mlce_status mlce_threshold_ce(int rows, int classes, const float *scores,
                                       const float *thresholds, const mlce_loss_targets *targets,
                                       double *loss, float *grad, float *threshold_grad);
/* positive_weight > 0 */
MLCE_API mlce_status mlce_binary_ce(int rows, int classes, const float *scores,
                                    const mlce_loss_targets *targets, float positive_weight,
                                    double *loss, float *grad);
/* alpha in [0, 1], gamma >= 0; 0.25 and 2 are usual */
MLCE_API mlce_status mlce_focal(int rows, int classes, const float *scores,
                                const mlce_loss_targets *targets, float alpha, float gamma,
                                double *loss, float *grad);

/* ---- The same, chosen by a value ---- */

typedef enum mlce_loss_kind {
    MLCE_LOSS_SOFTMAX_CE,
    MLCE_LOSS_TOPK_CE,
    MLCE_LOSS_THRESHOLD_CE,
    MLCE_LOSS_MULTILABEL_CE,
    MLCE_LOSS_BINARY_CE,
    MLCE_LOSS_FOCAL
} mlce_loss_kind;

typedef struct mlce_loss_options {
    mlce_loss_kind kind;
    float positive_weight; /* binary_ce only */
    float alpha, gamma;    /* focal only */
} mlce_loss_options;

/* "softmax_ce", "topk_ce", "threshold_ce", "multilabel_ce", "binary_ce" or "focal" -> *kind.
   MLCE_E_ARGUMENT with a message that lists the names for any other. */
MLCE_API mlce_status mlce_loss_kind_of(const char *name, mlce_loss_kind *kind);
/* The name; NULL for a value that is no kind. */
MLCE_API const char *mlce_loss_name(mlce_loss_kind kind);

/* thresholds and threshold_grad as for mlce_threshold_ce(); other kinds do not read thresholds,
   and set threshold_grad, where given, to 0. */
MLCE_API mlce_status mlce_loss(const mlce_loss_options *options, int rows, int classes,
                               const float *scores, const float *thresholds,
                               const mlce_loss_targets *targets, double *loss, float *grad,
                               float *threshold_grad);

/* ---- As an op of the graph ---- */

/* y = mean over rows of the loss  ->  [1, 1]; 0 without rows
   scores [rows, classes]  threshold [rows, 1], or [1, 1] for all rows, with threshold_ce; else NULL
   The targets are used during the call only. A score that is not a number fails the graph. */
struct mlce_graph;
struct mlce_node;
MLCE_API struct mlce_node *mlce_loss_op(struct mlce_graph *g, const mlce_loss_options *options,
                                        struct mlce_node *scores, struct mlce_node *threshold,
                                        const mlce_loss_targets *targets);

#ifdef __cplusplus
}
#endif
#endif

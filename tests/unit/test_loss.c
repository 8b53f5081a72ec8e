/* test_loss.c - the losses beside plain sums in double precision, over thousands of made-up cases
 * up to scores of 1e30, and what they refuse.
 */
#include <math.h>
#include <omp.h>
#include <stdbool.h>

#include "mlce/loss.h"
#include "mlce/random.h"
#include "unit.h"

/* ---- Made-up cases ---- */

typedef enum scores_like {
    SCORES_NEAR_0,
    SCORES_USUAL,
    SCORES_WIDE,
    SCORES_1E4,
    SCORES_1E30,
    SCORES_FAR_UP,
    SCORES_FAR_DOWN,
    SCORES_RISING,
    SCORES_EQUAL,
    SCORES_MIXED,
    SCORES_LIKES
} scores_like;

typedef enum positives_like { NONE, ONE, FEW, HALF, ALL, POSITIVES_LIKES } positives_like;
typedef enum targets_like { DENSE, DENSE_SOFT, LIST, LIST_SOFT, TARGETS_LIKES } targets_like;
typedef enum left_out { NOTHING, MASKED, MINUS_INFINITY, BOTH, EVERYTHING, LEFT_OUT } left_out;

typedef struct made {
    mlce_loss_options options;
    int rows, classes;
    float *scores, *thresholds, *dense, *weights;
    int *offsets, *indices;
    unsigned char *mask;
    mlce_loss_targets targets;
    double *soft; /* [rows, classes] the targets, however they are given */
} made;

static double uniform(mlce_random *random) {
    return 2.0 * (double)mlce_random_float(random) - 1.0;
}

static int below(mlce_random *random, int bound) {
    return (int)mlce_random_below(random, (uint64_t)bound);
}

static float draw_score(mlce_random *random, scores_like like, int i, int classes) {
    static const double wild[] = {0, 1e-30, 1, -3, 80, -80, 90, -90, 1e4, -1e4, 1e30, -1e30};
    switch (like) {
    case SCORES_NEAR_0:
        return (float)(0.01 * uniform(random));
    case SCORES_USUAL:
        return (float)(6 * uniform(random));
    case SCORES_WIDE:
        return (float)(120 * uniform(random));
    case SCORES_1E4:
        return (float)(1e4 * uniform(random));
    case SCORES_1E30:
        return (float)(1e30 * uniform(random));
    case SCORES_FAR_UP:
        return (float)(1e4 + 4 * uniform(random));
    case SCORES_FAR_DOWN:
        return (float)(-1e4 + 4 * uniform(random));
    case SCORES_RISING:
        return (float)(200.0 * i / classes - 100 + uniform(random));
    case SCORES_EQUAL:
        return -1.25f;
    default:
        return (float)(wild[below(random, sizeof wild / sizeof wild[0])]);
    }
}

static bool draw_positive(mlce_random *random, positives_like like, int i, int one, int classes) {
    switch (like) {
    case NONE:
        return false;
    case ONE:
        return i == one;
    case FEW:
        return below(random, classes) < 8;
    case HALF:
        return below(random, 2) == 0;
    default:
        return true;
    }
}

static bool takes_soft(mlce_loss_kind kind) {
    return kind != MLCE_LOSS_SOFTMAX_CE && kind != MLCE_LOSS_TOPK_CE;
}

static void make_arrays(made *m) {
    size_t size = (size_t)m->rows * (size_t)m->classes;
    m->scores = calloc(size, sizeof *m->scores);
    m->dense = calloc(size, sizeof *m->dense);
    m->weights = calloc(size, sizeof *m->weights);
    m->indices = calloc(size, sizeof *m->indices);
    m->mask = calloc(size, sizeof *m->mask);
    m->soft = calloc(size, sizeof *m->soft);
    m->thresholds = calloc((size_t)m->rows, sizeof *m->thresholds);
    m->offsets = calloc((size_t)m->rows + 1, sizeof *m->offsets);
    ck_assert(m->scores && m->dense && m->weights && m->indices && m->mask && m->soft &&
              m->thresholds && m->offsets);
}

static void free_made(made *m) {
    free(m->scores);
    free(m->dense);
    free(m->weights);
    free(m->indices);
    free(m->mask);
    free(m->soft);
    free(m->thresholds);
    free(m->offsets);
}

static void draw_row(made *m, mlce_random *random, int r, targets_like form) {
    scores_like like = (scores_like)below(random, SCORES_LIKES);
    positives_like positives = (positives_like)below(random, POSITIVES_LIKES);
    left_out out = (left_out)below(random, LEFT_OUT);
    if (out == EVERYTHING && below(random, 4)) out = NOTHING;
    if (m->options.kind == MLCE_LOSS_SOFTMAX_CE) positives = ONE;
    bool soft = (form == DENSE_SOFT || form == LIST_SOFT) && takes_soft(m->options.kind);
    int one = below(random, m->classes), count = m->offsets[r];
    m->thresholds[r] = draw_score(random, like, one, m->classes);
    for (int i = 0; i < m->classes; i++) {
        size_t n = (size_t)r * (size_t)m->classes + (size_t)i;
        m->scores[n] = draw_score(random, like, i, m->classes);
        if (draw_positive(random, positives, i, one, m->classes)) {
            float t = soft && below(random, 4) ? 0.001f + 0.999f * mlce_random_float(random) : 1;
            m->soft[n] = (double)t;
            m->dense[n] = t;
            m->indices[count] = i;
            m->weights[count++] = t;
        }
        if (out == EVERYTHING || ((out == MASKED || out == BOTH) && below(random, 5) == 0))
            m->mask[n] = 1;
        if ((out == MINUS_INFINITY || out == BOTH) && below(random, 5) == 0)
            m->scores[n] = -INFINITY;
        if (m->mask[n] && below(random, 8) == 0) m->scores[n] = NAN;
    }
    m->offsets[r + 1] = count;
}

static made make(mlce_loss_kind kind, int rows, int classes, uint64_t seed) {
    static const float gammas[] = {0, 0.5f, 1, 2, 5}, weights[] = {1, 10, 0.1f, 100};
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    made m = {.rows = rows, .classes = classes};
    make_arrays(&m);
    targets_like form = (targets_like)below(&random, TARGETS_LIKES);
    m.options = (mlce_loss_options){kind, weights[below(&random, 4)], mlce_random_float(&random),
                                    gammas[below(&random, 5)]};
    for (int r = 0; r < rows; r++) draw_row(&m, &random, r, form);
    m.targets.mask = m.mask;
    if (form == DENSE || form == DENSE_SOFT) {
        m.targets.dense = m.dense;
    } else {
        m.targets.offsets = m.offsets;
        m.targets.indices = m.indices;
        m.targets.weights = form == LIST_SOFT ? m.weights : NULL;
    }
    return m;
}

/* ---- Plain sums ---- */

/* A gradient is up - down, both >= 0; an error is measured by their sum. */
typedef struct plain {
    double loss, threshold_up, threshold_down;
    double *up, *down; /* [classes] */
} plain;

static bool is_left_out(const made *m, size_t n) {
    return m->mask[n] || m->scores[n] == -INFINITY;
}

static double weight_of(const made *m, size_t n, double sign) {
    if (is_left_out(m, n)) return 0;
    return sign > 0 ? 1 - m->soft[n] : m->soft[n];
}

/* The sum over classes of weight e^(sign s), as sum * e^top: the log of the sum may vanish beside
   a large top. */
typedef struct plain_sum {
    double top, sum;
} plain_sum;

static plain_sum add_up(const made *m, int r, double sign) {
    size_t first = (size_t)r * (size_t)m->classes;
    plain_sum z = {-(double)INFINITY, 0};
    for (size_t n = first; n < first + (size_t)m->classes; n++)
        if (weight_of(m, n, sign) > 0) z.top = fmax(z.top, sign * (double)m->scores[n]);
    for (size_t n = first; n < first + (size_t)m->classes; n++)
        if (weight_of(m, n, sign) > 0)
            z.sum += weight_of(m, n, sign) * exp(sign * (double)m->scores[n] - z.top);
    return z;
}

static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* log(1 + sum e^top) and Z / (1 + Z) */
static double log_1_plus(double top, double sum) {
    if (sum == 0) return 0;
    return top > 0 ? top + log(sum + exp(-top)) : log1p(sum * exp(top));
}

static double share_of(double top, double sum) {
    if (sum == 0) return 0;
    return top > 0 ? sum / (sum + exp(-top)) : sum * exp(top) / (1 + sum * exp(top));
}

/* share * weight e^(sign s) / z */
static void share_out(const made *m, int r, double sign, plain_sum z, double share, double *grad) {
    for (int i = 0; i < m->classes; i++) {
        size_t n = (size_t)r * (size_t)m->classes + (size_t)i;
        double weight = weight_of(m, n, sign);
        if (weight > 0) grad[i] = share * weight * exp(sign * (double)m->scores[n] - z.top) / z.sum;
    }
}

static void plain_exponentials(const made *m, int r, plain *p) {
    plain_sum N = add_up(m, r, 1), P = add_up(m, r, -1);
    double share = share_of(N.top + P.top, N.sum * P.sum);
    if (!takes_soft(m->options.kind)) {
        p->loss = log_1_plus(N.top + P.top, N.sum * P.sum);
        share_out(m, r, 1, N, share, p->up);
        share_out(m, r, -1, P, share, p->down);
        return;
    }
    double s_0 = m->options.kind == MLCE_LOSS_THRESHOLD_CE ? (double)m->thresholds[r] : 0.0;
    p->loss = log_1_plus(N.top - s_0, N.sum) + log_1_plus(P.top + s_0, P.sum);
    p->threshold_down = share_of(N.top - s_0, N.sum);
    p->threshold_up = share_of(P.top + s_0, P.sum);
    share_out(m, r, 1, N, p->threshold_down, p->up);
    share_out(m, r, -1, P, p->threshold_up, p->down);
}

static void plain_terms(const made *m, int r, plain *p) {
    for (int i = 0; i < m->classes; i++) {
        size_t n = (size_t)r * (size_t)m->classes + (size_t)i;
        if (is_left_out(m, n)) continue;
        double s = (double)m->scores[n], t = m->soft[n];
        double P = exp(-softplus(-s)), Q = exp(-softplus(s));
        if (m->options.kind == MLCE_LOSS_BINARY_CE) {
            double w = (double)m->options.positive_weight;
            p->loss += w * t * softplus(-s) + (1 - t) * softplus(s);
            p->up[i] = (1 - t) * P;
            p->down[i] = w * t * Q;
        } else {
            double a = (double)m->options.alpha, g = (double)m->options.gamma;
            p->loss +=
                a * t * pow(Q, g) * softplus(-s) + (1 - a) * (1 - t) * pow(P, g) * softplus(s);
            p->up[i] = (1 - a) * (1 - t) * pow(P, g) * (P + g * Q * softplus(s));
            p->down[i] = a * t * pow(Q, g) * (Q + g * P * softplus(-s));
        }
    }
}

/* ---- One beside the other ---- */

static const double TINY = 1e-30;

static void check_near(const char *what, const made *m, uint64_t seed, int r, int i, double got,
                       double expected, double size) {
    double error = fabs(got - expected);
    if (!(error <= 1e-5 * size + TINY))
        ck_abort_msg("%s, seed %llu, %s of row %d, class %d: %.9g, plain %.9g",
                     mlce_loss_name(m->options.kind), (unsigned long long)seed, what, r, i, got,
                     expected);
}

static void compare(const made *m, uint64_t seed, const double *loss, const float *grad,
                    const float *threshold_grad) {
    plain p = {.up = calloc((size_t)m->classes, sizeof *p.up),
               .down = calloc((size_t)m->classes, sizeof *p.down)};
    for (int r = 0; r < m->rows; r++) {
        p.loss = p.threshold_up = p.threshold_down = 0;
        memset(p.up, 0, (size_t)m->classes * sizeof *p.up);
        memset(p.down, 0, (size_t)m->classes * sizeof *p.down);
        if (m->options.kind == MLCE_LOSS_BINARY_CE || m->options.kind == MLCE_LOSS_FOCAL)
            plain_terms(m, r, &p);
        else
            plain_exponentials(m, r, &p);
        check_near("loss", m, seed, r, -1, loss[r], p.loss, p.loss);
        for (int i = 0; i < m->classes; i++)
            check_near("gradient", m, seed, r, i,
                       (double)grad[(size_t)r * (size_t)m->classes + (size_t)i],
                       p.up[i] - p.down[i], p.up[i] + p.down[i]);
        if (m->options.kind == MLCE_LOSS_THRESHOLD_CE)
            check_near("gradient of s_0", m, seed, r, -1, (double)threshold_grad[r],
                       p.threshold_up - p.threshold_down, p.threshold_up + p.threshold_down);
        else
            ck_assert_float_eq(threshold_grad[r], 0);
    }
    free(p.up);
    free(p.down);
}

static mlce_status run(const made *m, double *loss, float *grad, float *threshold_grad) {
    return mlce_loss(&m->options, m->rows, m->classes, m->scores, m->thresholds, &m->targets, loss,
                     grad, threshold_grad);
}

static void check_case(mlce_loss_kind kind, int rows, int classes, uint64_t seed) {
    made m = make(kind, rows, classes, seed);
    size_t size = (size_t)rows * (size_t)classes;
    float *grad = malloc(size * sizeof *grad),
          *threshold_grad = malloc((size_t)rows * sizeof *grad);
    double *loss = malloc((size_t)rows * sizeof *loss),
           *alone = malloc((size_t)rows * sizeof *loss);
    ck_assert(grad && threshold_grad && loss && alone);
    for (size_t i = 0; i < size; i++) grad[i] = NAN;
    ck_assert_msg(run(&m, loss, grad, threshold_grad) == MLCE_OK, "seed %llu: %s",
                  (unsigned long long)seed, mlce_last_error());
    compare(&m, seed, loss, grad, threshold_grad);
    assert_ok(run(&m, alone, NULL, NULL));
    ck_assert_mem_eq(alone, loss, (size_t)rows * sizeof *loss);
    free(grad);
    free(threshold_grad);
    free(loss);
    free(alone);
    free_made(&m);
}

static const mlce_loss_kind kinds[] = {MLCE_LOSS_SOFTMAX_CE,   MLCE_LOSS_TOPK_CE,
                                       MLCE_LOSS_THRESHOLD_CE, MLCE_LOSS_MULTILABEL_CE,
                                       MLCE_LOSS_BINARY_CE,    MLCE_LOSS_FOCAL};
enum { KINDS = sizeof kinds / sizeof kinds[0], CASES = 800 };

START_TEST(losses_and_gradients_agree_with_plain_double_sums) {
    static const int sizes[] = {1, 2, 3, 7, 17, 100, 333, 1023, 1024, 1025, 2048, 3000};
    for (uint64_t seed = 0; seed < CASES; seed++)
        check_case(kinds[_i], 1 + (int)(seed % 3), sizes[seed % (sizeof sizes / sizeof sizes[0])],
                   1000003 * (uint64_t)_i + seed);
}
END_TEST

START_TEST(long_rows_are_as_exact) {
    for (uint64_t seed = 0; seed < 3; seed++)
        check_case(kinds[_i], 1, 270001 + 300000 * (int)(seed % 2), seed);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, losses_and_gradients_agree_with_plain_double_sums, 0, KINDS);
    tcase_add_loop_test(cases, long_rows_are_as_exact, 0, KINDS);
}

int main(void) {
    return run_suite("loss", add);
}

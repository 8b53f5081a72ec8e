/* test_loss_rules.c - what the losses refuse and how they say so, what they do with scores that are
 * no numbers, and that threads do not change a bit.
 */
#include <math.h>
#include <omp.h>
#include <stdbool.h>

#include "mlce/loss.h"
#include "mlce/random.h"
#include "unit.h"

static const char *const NAMES[] = {"softmax_ce",    "topk_ce",   "threshold_ce",
                                    "multilabel_ce", "binary_ce", "focal"};
enum { KINDS = sizeof NAMES / sizeof NAMES[0] };

static mlce_loss_options options_of(const char *name) {
    mlce_loss_options options = {.positive_weight = 2, .alpha = 0.25f, .gamma = 2};
    assert_ok(mlce_loss_kind_of(name, &options.kind));
    return options;
}

/* ---- Small rows ---- */

enum { ROWS = 2, CLASSES = 3 };
static const float scores[ROWS * CLASSES] = {0.5f, -1, 2, 1, 0.25f, -3};
static const float thresholds[ROWS] = {0.1f, -0.2f};

/* What a call writes, with a value in it that no call writes. */
typedef struct output {
    double loss[ROWS];
    float grad[ROWS * CLASSES], threshold_grad[ROWS];
} output;

static output untouched(void) {
    output o;
    for (int i = 0; i < ROWS; i++) o.loss[i] = o.threshold_grad[i] = 77;
    for (int i = 0; i < ROWS * CLASSES; i++) o.grad[i] = 77;
    return o;
}

static mlce_status run(const mlce_loss_options *options, const float *s,
                       const mlce_loss_targets *targets, output *o) {
    return mlce_loss(options, ROWS, CLASSES, s, thresholds, targets, o->loss, o->grad,
                     o->threshold_grad);
}

static void assert_untouched(const output *o) {
    for (int i = 0; i < ROWS; i++) {
        ck_assert_double_eq(o->loss[i], 77);
        ck_assert_float_eq(o->threshold_grad[i], 77);
    }
    for (int i = 0; i < ROWS * CLASSES; i++) ck_assert_float_eq(o->grad[i], 77);
}

static void refuse(const char *name, const mlce_loss_targets *targets, const char *text) {
    mlce_loss_options options = options_of(name);
    output o = untouched();
    assert_fails(run(&options, scores, targets, &o), MLCE_E_ARGUMENT, text);
    assert_untouched(&o);
}

static mlce_loss_targets list(const int *offsets, const int *indices, const float *weights) {
    return (mlce_loss_targets){.offsets = offsets, .indices = indices, .weights = weights};
}

START_TEST(lists_that_break_a_rule_are_refused) {
    int offsets[] = {0, 1, 3}, falling[] = {0, 3, 1}, under_0[] = {-1, 1, 3};
    int good[] = {1, 0, 2}, high[] = {1, 0, 3}, low[] = {-1, 0, 2}, twice[] = {1, 2, 2};
    int unordered[] = {1, 2, 0};
    float large[] = {1, 0.5f, 1.5f}, zero[] = {1, 0, 1}, none[] = {1, 1, NAN},
          soft[] = {1, 1, 0.5f};
    mlce_loss_targets t = list(offsets, high, NULL);
    refuse("multilabel_ce", &t, "index 1 of row 1 is class 3, but there are 3 classes");
    t = list(offsets, low, NULL);
    refuse("binary_ce", &t, "index 0 of row 0 is class -1");
    t = list(offsets, twice, NULL);
    refuse("focal", &t, "index 1 of row 1 is class 2 after class 2");
    t = list(offsets, unordered, NULL);
    refuse("topk_ce", &t, "index 1 of row 1 is class 0 after class 2");
    t = list(falling, good, NULL);
    refuse("multilabel_ce", &t, "row 1's positives are said to be 3 .. 1");
    t = list(under_0, good, NULL);
    refuse("multilabel_ce", &t, "row 0's positives are said to be -1 .. 1");
    t = list(offsets, good, large);
    refuse("threshold_ce", &t, "weight of row 1, class 2 is 1.5, must be over 0 and at most 1");
    t = list(offsets, good, zero);
    refuse("multilabel_ce", &t, "weight of row 1, class 0 is 0");
    t = list(offsets, good, none);
    refuse("multilabel_ce", &t, "weight of row 1, class 2 is nan");
    t = list(offsets, good, soft);
    refuse("topk_ce", &t, "weight of row 1, class 2 is 0.5, must be 1");
    t = list(offsets, good, NULL);
    refuse("softmax_ce", &t, "row 1 has 2 positives, must have one");
    t = list(offsets, NULL, NULL);
    refuse("multilabel_ce", &t, "offsets without indices");
}
END_TEST

START_TEST(dense_targets_that_break_a_rule_are_refused) {
    float large[] = {0, 1, 0, 0, 1.5f, 0}, under_0[] = {0, -0.1f, 0, 0, 1, 0};
    float none[] = {0, 1, 0, 1, 0, NAN}, soft[] = {0, 1, 0, 0.5f, 0, 0}, two[] = {1, 1, 0, 0, 1, 0};
    int offsets[] = {0, 0, 0};
    mlce_loss_targets t = {.dense = large};
    refuse("multilabel_ce", &t, "target of row 1, class 1 is 1.5, must be in 0 .. 1");
    t.dense = under_0;
    refuse("binary_ce", &t, "target of row 0, class 1 is -0.1");
    t.dense = none;
    refuse("focal", &t, "target of row 1, class 2 is nan");
    t.dense = soft;
    refuse("topk_ce", &t, "target of row 1, class 0 is 0.5, must be 0 or 1");
    t.dense = two;
    refuse("softmax_ce", &t, "row 0 has 2 positives, must have one");
    t.offsets = offsets;
    refuse("multilabel_ce", &t, "either dense or a list");
    t = (mlce_loss_targets){0};
    refuse("multilabel_ce", &t, "either dense or a list");
}
END_TEST

static void refuse_options(mlce_loss_options options, const char *text) {
    int offsets[] = {0, 1, 2}, indices[] = {0, 1};
    mlce_loss_targets t = list(offsets, indices, NULL);
    output o = untouched();
    assert_fails(run(&options, scores, &t, &o), MLCE_E_ARGUMENT, text);
    assert_untouched(&o);
}

START_TEST(options_that_break_a_rule_are_refused) {
    mlce_loss_options o = options_of("binary_ce");
    o.positive_weight = 0;
    refuse_options(o, "positive_weight is 0, must be over 0");
    o = options_of("focal");
    o.alpha = 1.5f;
    refuse_options(o, "alpha is 1.5, must be in 0 .. 1");
    o.alpha = NAN;
    refuse_options(o, "alpha is nan");
    o = options_of("focal");
    o.gamma = -1;
    refuse_options(o, "gamma is -1, must be 0 or more");
    o.kind = (mlce_loss_kind)17;
    refuse_options(o, "17 is no kind of loss");
    mlce_loss_kind kind;
    assert_fails(mlce_loss_kind_of("bce", &kind), MLCE_E_ARGUMENT,
                 "there is no loss 'bce': it must");
    ck_assert_ptr_null(mlce_loss_name((mlce_loss_kind)-1));
    for (int i = 0; i < KINDS; i++) {
        assert_ok(mlce_loss_kind_of(NAMES[i], &kind));
        ck_assert_str_eq(mlce_loss_name(kind), NAMES[i]);
    }
    int offsets[] = {0, 0, 0};
    mlce_loss_targets t = list(offsets, NULL, NULL);
    double loss[ROWS];
    assert_fails(mlce_threshold_ce(ROWS, CLASSES, scores, NULL, &t, loss, NULL, NULL),
                 MLCE_E_ARGUMENT, "no thresholds");
}
END_TEST

START_TEST(a_score_that_is_no_number_is_named_and_spoils_its_row_alone) {
    static const float wrong[] = {NAN, INFINITY, -NAN};
    mlce_loss_options options = options_of(NAMES[_i]);
    int offsets[] = {0, 1, 2}, indices[] = {0, 1};
    float dense[] = {1, 0, 0, 0, 1, 0};
    mlce_loss_targets forms[] = {list(offsets, indices, NULL), {.dense = dense}};
    for (int n = 0; n < 2 * 3 * 3; n++) {
        int form = n % 2, class = n / 2 % 3;
        float s[ROWS * CLASSES];
        memcpy(s, scores, sizeof s);
        s[class] = wrong[n / 6];
        output good = untouched(), o = untouched();
        assert_ok(run(&options, scores, &forms[form], &good));
        char text[64];
        snprintf(text, sizeof text, "score of row 0, class %d is", class);
        assert_fails(run(&options, s, &forms[form], &o), MLCE_E_NUMERIC, text);
        ck_assert_double_nan(o.loss[0]);
        for (int i = 0; i < CLASSES; i++) ck_assert_float_eq(o.grad[i], 0);
        ck_assert_float_eq(o.threshold_grad[0], 0);
        ck_assert_double_eq(o.loss[1], good.loss[1]);
        ck_assert_mem_eq(o.grad + CLASSES, good.grad + CLASSES, CLASSES * sizeof(float));
        ck_assert_float_eq(o.threshold_grad[1], good.threshold_grad[1]);
        unsigned char mask[ROWS * CLASSES] = {0};
        mask[class] = 1;
        forms[form].mask = mask;
        assert_ok(run(&options, s, &forms[form], &o));
        forms[form].mask = NULL;
    }
}
END_TEST

START_TEST(a_threshold_that_is_no_number_is_named) {
    int offsets[] = {0, 1, 2}, indices[] = {0, 1};
    mlce_loss_targets t = list(offsets, indices, NULL);
    float wrong[] = {0, NAN};
    double loss[ROWS];
    assert_fails(mlce_threshold_ce(ROWS, CLASSES, scores, wrong, &t, loss, NULL, NULL),
                 MLCE_E_NUMERIC, "threshold of row 1 is nan");
    ck_assert(!isnan(loss[0]) && isnan(loss[1]));
}
END_TEST

START_TEST(nothing_at_all_costs_nothing) {
    mlce_loss_options options = options_of(NAMES[_i]);
    bool softmax = options.kind == MLCE_LOSS_SOFTMAX_CE;
    int offsets[] = {0, 0, 0}, none[] = {0}, all[] = {0, 1, 2}, class_0[] = {0, 0};
    mlce_loss_targets t = softmax ? list(all, class_0, NULL) : list(offsets, NULL, NULL);
    unsigned char mask[ROWS * CLASSES] = {1, 1, 1, 1, 1, 1};
    t.mask = mask;
    output o = untouched();
    assert_ok(run(&options, scores, &t, &o));
    for (int r = 0; r < ROWS; r++) ck_assert_double_eq(o.loss[r], 0);
    for (int i = 0; i < ROWS * CLASSES; i++) ck_assert_float_eq(o.grad[i], 0);
    t = list(none, NULL, NULL);
    assert_ok(mlce_loss(&options, 0, CLASSES, NULL, NULL, &t, NULL, NULL, NULL));
    t = list(offsets, NULL, NULL);
    if (softmax) return;
    assert_ok(mlce_loss(&options, ROWS, 0, NULL, thresholds, &t, o.loss, NULL, NULL));
    ck_assert_double_eq(o.loss[0], 0);
}
END_TEST

static mlce_status run_by_name(const mlce_loss_options *options, const mlce_loss_targets *t,
                               output *o) {
    switch (options->kind) {
    case MLCE_LOSS_SOFTMAX_CE:
        return mlce_softmax_ce(ROWS, CLASSES, scores, t, o->loss, o->grad);
    case MLCE_LOSS_TOPK_CE:
        return mlce_topk_ce(ROWS, CLASSES, scores, t, o->loss, o->grad);
    case MLCE_LOSS_THRESHOLD_CE:
        return mlce_threshold_ce(ROWS, CLASSES, scores, thresholds, t, o->loss, o->grad,
                                 o->threshold_grad);
    case MLCE_LOSS_MULTILABEL_CE:
        return mlce_multilabel_ce(ROWS, CLASSES, scores, t, o->loss, o->grad);
    case MLCE_LOSS_BINARY_CE:
        return mlce_binary_ce(ROWS, CLASSES, scores, t, options->positive_weight, o->loss, o->grad);
    default:
        return mlce_focal(ROWS, CLASSES, scores, t, options->alpha, options->gamma, o->loss,
                          o->grad);
    }
}

START_TEST(each_function_is_the_loss_of_its_name) {
    int offsets[] = {0, 1, 2}, indices[] = {0, 1};
    mlce_loss_targets t = list(offsets, indices, NULL);
    mlce_loss_options options = options_of(NAMES[_i]);
    output a = untouched(), b = untouched();
    assert_ok(run(&options, scores, &t, &a));
    assert_ok(run_by_name(&options, &t, &b));
    ck_assert_mem_eq(a.loss, b.loss, sizeof a.loss);
    ck_assert_mem_eq(a.grad, b.grad, sizeof a.grad);
    if (options.kind == MLCE_LOSS_THRESHOLD_CE)
        ck_assert_mem_eq(a.threshold_grad, b.threshold_grad, sizeof a.threshold_grad);
}
END_TEST

/* ---- Threads ---- */

static void check_threads(const char *name, int rows, int classes, bool dense) {
    mlce_loss_options options = options_of(name);
    size_t size = (size_t)rows * (size_t)classes;
    float *s = malloc(size * sizeof *s), *one = malloc(size * sizeof *one);
    float *many = malloc(size * sizeof *many), *t = calloc(size, sizeof *t);
    float *s_0 = calloc((size_t)rows, sizeof *s_0), *ds_0 = calloc((size_t)rows, sizeof *ds_0);
    int *offsets = calloc((size_t)rows + 1, sizeof *offsets);
    int *indices = calloc((size_t)rows, sizeof *indices);
    double *loss = calloc((size_t)rows, sizeof *loss), *again = calloc((size_t)rows, sizeof *loss);
    ck_assert(s && one && many && t && s_0 && ds_0 && offsets && indices && loss && again);
    mlce_random random = mlce_random_new(3, MLCE_STREAM_DATA);
    for (size_t i = 0; i < size; i++) s[i] = 8 * mlce_random_float(&random) - 4;
    for (int r = 0; r < rows; r++) {
        indices[r] = (int)mlce_random_below(&random, (uint64_t)classes);
        offsets[r + 1] = r + 1;
        t[(size_t)r * (size_t)classes + (size_t)indices[r]] = 1;
    }
    mlce_loss_targets targets =
        dense ? (mlce_loss_targets){.dense = t} : list(offsets, indices, NULL);
    omp_set_num_threads(1);
    assert_ok(mlce_loss(&options, rows, classes, s, s_0, &targets, loss, one, ds_0));
    for (int threads = 2; threads <= 5; threads += 3) {
        omp_set_num_threads(threads);
        assert_ok(mlce_loss(&options, rows, classes, s, s_0, &targets, again, many, ds_0));
        ck_assert_mem_eq(again, loss, (size_t)rows * sizeof *loss);
        ck_assert_mem_eq(many, one, size * sizeof *one);
    }
    free(s), free(one), free(many), free(t), free(s_0), free(ds_0);
    free(offsets), free(indices), free(loss), free(again);
}

START_TEST(bits_do_not_depend_on_the_number_of_threads) {
    static const int shapes[][2] = {{3, 150000}, {40, 5000}, {700, 100}, {1, 400001}};
    for (size_t n = 0; n < sizeof shapes / sizeof shapes[0]; n++)
        check_threads(NAMES[_i], shapes[n][0], shapes[n][1], n % 2 == 1);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, lists_that_break_a_rule_are_refused);
    tcase_add_test(cases, dense_targets_that_break_a_rule_are_refused);
    tcase_add_test(cases, options_that_break_a_rule_are_refused);
    tcase_add_loop_test(cases, a_score_that_is_no_number_is_named_and_spoils_its_row_alone, 0,
                        KINDS);
    tcase_add_test(cases, a_threshold_that_is_no_number_is_named);
    tcase_add_loop_test(cases, nothing_at_all_costs_nothing, 0, KINDS);
    tcase_add_loop_test(cases, each_function_is_the_loss_of_its_name, 0, KINDS);
    tcase_add_loop_test(cases, bits_do_not_depend_on_the_number_of_threads, 0, KINDS);
}

int main(void) {
    return run_suite("loss_rules", add);
}

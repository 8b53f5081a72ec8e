/* test_optim.c - Adam, AdamW, clipping and schedules beside their formulas in double precision. */
#include <math.h>
#include <omp.h>

#include "mlce/model.h"
#include "mlce/optim.h"
#include "unit.h"

enum { ROWS = 3, COLS = 5, SIZE = ROWS * COLS };

static mlce_parameters *parameters;
static mlce_parameter *W, *b;

static void set_up(void) {
    parameters = mlce_parameters_new();
    W = mlce_parameters_add(parameters, "W", ROWS, COLS, MLCE_INIT_FAN_IN, 0);
    b = mlce_parameters_add(parameters, "b", 1, COLS, MLCE_INIT_FAN_IN, 0);
    assert_ok(mlce_parameters_allocate(parameters, 3));
}

static void tear_down(void) {
    mlce_parameters_free(parameters);
}

static void set_gradients(int step) {
    for (int i = 0; i < SIZE; i++) W->grad[i] = sinf((float)(i + 7 * step));
    for (int i = 0; i < COLS; i++) b->grad[i] = cosf((float)(i + 3 * step));
    W->grad_started = b->grad_started = true;
}

/* Five steps of one number in double precision, as PyTorch's documentation has the algorithm. */
static void plain_adam(const mlce_adam_options *o, bool decays, const float *values, int size,
                       float (*gradient)(int, int), double *w) {
    for (int i = 0; i < size; i++) {
        double m = 0, v = 0;
        w[i] = (double)values[i];
        for (int t = 1; t <= 5; t++) {
            double lr = 0.01 * t, g = (double)gradient(i, t), decay = decays ? o->weight_decay : 0;
            if (o->decoupled)
                w[i] *= 1 - lr * decay;
            else
                g += decay * w[i];
            m = o->beta1 * m + (1 - o->beta1) * g;
            v = o->beta2 * v + (1 - o->beta2) * g * g;
            w[i] -=
                lr * (m / (1 - pow(o->beta1, t))) / (sqrt(v / (1 - pow(o->beta2, t))) + o->epsilon);
        }
    }
}

static float W_gradient(int i, int step) {
    return sinf((float)(i + 7 * step));
}

static float b_gradient(int i, int step) {
    return cosf((float)(i + 3 * step));
}

START_TEST(steps_follow_the_formula_of_adam_and_adamw) {
    set_up();
    mlce_adam_options o = {0.9, 0.99, 1e-8, 0.1, _i == 1, 0, 0};
    double w[SIZE], bias[COLS];
    plain_adam(&o, true, W->value, SIZE, W_gradient, w);
    plain_adam(&o, false, b->value, COLS, b_gradient, bias);
    mlce_adam *adam = mlce_adam_new(parameters, &o);
    for (int t = 1; t <= 5; t++) {
        set_gradients(t);
        assert_ok(mlce_adam_step(adam, 0.01 * t, NULL));
    }
    ck_assert_int_eq(mlce_adam_steps(adam), 5);
    for (int i = 0; i < SIZE; i++) ck_assert_double_eq_tol((double)W->value[i], w[i], 1e-6);
    for (int i = 0; i < COLS; i++) ck_assert_double_eq_tol((double)b->value[i], bias[i], 1e-6);
    mlce_adam_free(adam);
    tear_down();
}
END_TEST

START_TEST(clipping_scales_all_gradients_to_the_norm) {
    set_up();
    mlce_adam_options o = {0.0, 0.0, 1.0, 0, false, 0.5, 0};
    mlce_adam *adam = mlce_adam_new(parameters, &o);
    float before = W->value[1];
    set_gradients(1);
    double squares = 0, norm;
    for (int i = 0; i < SIZE; i++) squares += (double)W->grad[i] * (double)W->grad[i];
    for (int i = 0; i < COLS; i++) squares += (double)b->grad[i] * (double)b->grad[i];
    double g = (double)W->grad[1] * 0.5 / sqrt(squares);
    assert_ok(mlce_adam_step(adam, 1.0, &norm));
    ck_assert_double_eq_tol(norm, sqrt(squares), 1e-6);
    /* with beta1 = beta2 = 0 and epsilon = 1 the step is g / (|g| + 1) */
    ck_assert_double_eq_tol((double)(before - W->value[1]), g / (fabs(g) + 1), 1e-6);
    mlce_adam_free(adam);
    tear_down();
}
END_TEST

START_TEST(a_gradient_that_is_not_finite_changes_nothing_and_is_named) {
    set_up();
    mlce_adam_options o = {0.9, 0.999, 1e-8, 0, false, 0, 0};
    mlce_adam *adam = mlce_adam_new(parameters, &o);
    float before = W->value[0];
    set_gradients(1);
    b->grad[3] = NAN;
    assert_fails(mlce_adam_step(adam, 0.1, NULL), MLCE_E_NUMERIC, "gradient of b is not finite");
    ck_assert_float_eq(W->value[0], before);
    ck_assert_int_eq(mlce_adam_steps(adam), 0);
    mlce_adam_free(adam);
    tear_down();
}
END_TEST

START_TEST(a_group_that_matches_nothing_is_refused_with_the_names) {
    set_up();
    mlce_adam_options o = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    mlce_adam *adam = mlce_adam_new(parameters, &o);
    mlce_adam_group group = {"encoder.*", 0.1, -1};
    int matched;
    assert_fails(mlce_adam_add_group(adam, &group, NULL), MLCE_E_CONFIG,
                 "'encoder.*' matches no parameter: there are W, b");
    group.match = "[Wb]";
    assert_ok(mlce_adam_add_group(adam, &group, &matched));
    ck_assert_int_eq(matched, 2);
    group.match = "b";
    assert_fails(mlce_adam_add_group(adam, &group, NULL), MLCE_E_CONFIG,
                 "only parameters of the groups before it");
    mlce_adam_free(adam);
    tear_down();
}
END_TEST

START_TEST(a_rate_of_0_leaves_a_group_as_it_is) {
    set_up();
    mlce_adam_options o = {0.9, 0.999, 1e-8, 0.1, true, 0, 0};
    mlce_adam *adam = mlce_adam_new(parameters, &o);
    mlce_adam_group group = {"W", 0, -1};
    assert_ok(mlce_adam_add_group(adam, &group, NULL));
    float before[SIZE], bias = b->value[0];
    memcpy(before, W->value, sizeof before);
    set_gradients(1);
    assert_ok(mlce_adam_step(adam, 0.1, NULL));
    ck_assert_mem_eq(before, W->value, sizeof before);
    ck_assert_float_ne(b->value[0], bias);
    mlce_adam_free(adam);
    tear_down();
}
END_TEST

/* A type's one row of weights is a matrix all the same; biases and norms are not. */
START_TEST(weight_decay_is_for_matrices_be_they_of_one_row) {
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_assign(config, "model.head=multilabel_classifier"));
    assert_ok(mlce_config_assign(config, "encoder.1.type=cnn"));
    const char *names[] = {"only"};
    mlce_model *model;
    assert_ok(mlce_model_new(config, 4, names, 1, &model));
    mlce_parameters *all = mlce_model_parameters(model);
    ck_assert_int_eq(mlce_parameters_find(all, "head.scores.weight")->rows, 1);
    ck_assert(mlce_parameters_find(all, "head.scores.weight")->decays);
    ck_assert(!mlce_parameters_find(all, "head.scores.bias")->decays);
    ck_assert(mlce_parameters_find(all, "encoder.1.layer.1.weight")->decays);
    ck_assert(!mlce_parameters_find(all, "encoder.1.layer.1.norm.weight")->decays);
    mlce_model_free(model);
    mlce_config_free(config);
}
END_TEST

/* Five steps of a parameter that is cut up among threads; weights, then the average. */
static float *train_large(double ema, int threads, size_t *size) {
    enum { LARGE_ROWS = 700, LARGE_COLS = 101 };
    mlce_parameters *large = mlce_parameters_new();
    mlce_parameter *M =
        mlce_parameters_add(large, "M", LARGE_ROWS, LARGE_COLS, MLCE_INIT_FAN_IN, 0);
    assert_ok(mlce_parameters_allocate(large, 5));
    mlce_adam_options o = {0.9, 0.99, 1e-8, 0.1, true, 1, ema};
    mlce_adam *adam = mlce_adam_new(large, &o);
    omp_set_num_threads(threads);
    for (int t = 1; t <= 5; t++) {
        for (int i = 0; i < LARGE_ROWS * LARGE_COLS; i++) M->grad[i] = sinf((float)(i * t));
        M->grad_started = true;
        assert_ok(mlce_adam_step(adam, 0.01, NULL));
    }
    *size = mlce_parameters_size(large);
    float *out = calloc(2 * *size, sizeof *out);
    memcpy(out, mlce_parameters_values(large), *size * sizeof *out);
    ck_assert((mlce_adam_average(adam) != NULL) == (ema > 0));
    mlce_adam_exchange_average(adam);
    memcpy(out + *size, mlce_parameters_values(large), *size * sizeof *out);
    if (ema > 0) ck_assert_mem_eq(out, mlce_adam_average(adam), *size * sizeof *out);
    mlce_adam_exchange_average(adam);
    ck_assert_mem_eq(out, mlce_parameters_values(large), *size * sizeof *out);
    mlce_adam_free(adam);
    mlce_parameters_free(large);
    return out;
}

START_TEST(an_average_has_the_same_bits_on_any_threads_and_leaves_training_alone) {
    size_t size;
    float *first = train_large(0.9, 1, &size), *without = train_large(0, 1, &size);
    ck_assert_mem_eq(first, without, size * sizeof *first);
    ck_assert_mem_ne(first, first + size, size * sizeof *first);
    for (int threads = 2; threads <= 4; threads += 2) {
        float *other = train_large(0.9, threads, &size);
        ck_assert_mem_eq(first, other, 2 * size * sizeof *first);
        free(other);
    }
    free(first);
    free(without);
}
END_TEST

START_TEST(schedules_warm_up_and_fall_to_zero) {
    mlce_schedule_options o = {MLCE_LINEAR, 2.0, 4, 24, 0};
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 0), 0.5, 1e-12);
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 3), 2.0, 1e-12);
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 4), 2.0, 1e-12);
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 14), 1.0, 1e-12);
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 24), 0.0, 1e-12);
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 99), 0.0, 1e-12);
    o.schedule = MLCE_COSINE;
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 9), 1 + cos(0.25 * 3.14159265358979), 1e-12);
    o.end = 0.25;
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 24), 0.5, 1e-12);
    o.schedule = MLCE_CONSTANT;
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 23), 2.0, 1e-12);
    o.warmup = 0;
    ck_assert_double_eq_tol(mlce_learning_rate(&o, 0), 2.0, 1e-12);
}
END_TEST

START_TEST(a_warm_up_under_one_is_a_share_of_the_steps) {
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_assign(config, "optim.warmup=0.1"));
    assert_ok(mlce_config_assign(config, "optim.schedule=cosine"));
    mlce_schedule_options o = mlce_schedule_options_from(config, 250);
    ck_assert_int_eq(o.warmup, 25);
    ck_assert_int_eq(o.schedule, MLCE_COSINE);
    mlce_config_free(config);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_loop_test(cases, steps_follow_the_formula_of_adam_and_adamw, 0, 2);
    tcase_add_test(cases, clipping_scales_all_gradients_to_the_norm);
    tcase_add_test(cases, a_gradient_that_is_not_finite_changes_nothing_and_is_named);
    tcase_add_test(cases, a_group_that_matches_nothing_is_refused_with_the_names);
    tcase_add_test(cases, a_rate_of_0_leaves_a_group_as_it_is);
    tcase_add_test(cases, weight_decay_is_for_matrices_be_they_of_one_row);
    tcase_add_test(cases, an_average_has_the_same_bits_on_any_threads_and_leaves_training_alone);
    tcase_add_test(cases, schedules_warm_up_and_fall_to_zero);
    tcase_add_test(cases, a_warm_up_under_one_is_a_share_of_the_steps);
}

int main(void) {
    return run_suite("optim", add_tests);
}

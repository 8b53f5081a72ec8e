/* test_autodiff.c - ops beside finite differences, and what the graph promises. */
#include <limits.h>
#include <math.h>
#include <omp.h>

#include "mlce/graph.h"
#include "mlce/random.h"
#include "unit.h"

/* Two or three parameters and the op under test; the scalar is sum(op * weights). */
typedef struct setup {
    mlce_graph *graph;
    mlce_parameters *parameters;
    mlce_parameter *a, *b, *c;
    mlce_node *(*op)(struct setup *, mlce_node *, mlce_node *, mlce_node *);
} setup;

static float weights[4096], signs[40];

static void set_up(setup *s, int a_rows, int a_cols, int b_rows, int b_cols) {
    *s = (setup){.graph = mlce_graph_new(), .parameters = mlce_parameters_new()};
    s->a = mlce_parameters_add(s->parameters, "a", a_rows, a_cols, MLCE_INIT_XAVIER, 0);
    s->b = mlce_parameters_add(s->parameters, "b", b_rows, b_cols, MLCE_INIT_XAVIER, 0);
    s->c = mlce_parameters_add(s->parameters, "c", 1, a_cols, MLCE_INIT_XAVIER, 0);
    assert_ok(mlce_parameters_allocate(s->parameters, 7));
    mlce_random random = mlce_random_new(3, MLCE_STREAM_DATA);
    for (size_t i = 0; i < 4096; i++) weights[i] = mlce_random_float(&random) - 0.5f;
    for (size_t i = 0; i < 40; i++) signs[i] = i % 3 == 1 ? -1.0f : 1.0f;
}

static void tear_down(setup *s) {
    mlce_graph_free(s->graph);
    mlce_parameters_free(s->parameters);
}

static mlce_node *weighted_sum(mlce_graph *g, mlce_node *y) {
    if (!y) return NULL;
    ck_assert_int_le(y->rows * y->cols, 4096);
    return mlce_sum(g, mlce_multiply(g, y, mlce_constant(g, y->rows, y->cols, weights)));
}

static mlce_node *build(mlce_graph *g, void *context) {
    setup *s = context;
    mlce_graph_set_random(g, 5, 1);
    return weighted_sum(g, s->op(s, mlce_use(g, s->a), mlce_use(g, s->b), mlce_use(g, s->c)));
}

static void check_op(mlce_node *(*op)(setup *, mlce_node *, mlce_node *, mlce_node *), int a_rows,
                     int a_cols, int b_rows, int b_cols) {
    setup s;
    set_up(&s, a_rows, a_cols, b_rows, b_cols);
    s.op = op;
    double worst = 1;
    assert_ok(mlce_check_gradients(s.graph, s.parameters, build, &s, 1e-2f, 0, &worst));
    ck_assert_msg(worst < 2e-3, "largest error %g", worst);
    tear_down(&s);
}

#define OP(name, expression)                                                                       \
    static mlce_node *name(setup *s, mlce_node *a, mlce_node *b, mlce_node *c) {                   \
        mlce_graph *g = s->graph;                                                                  \
        (void)g, (void)a, (void)b, (void)c;                                                        \
        return expression;                                                                         \
    }

static const int offsets[] = {0, 1, 1, 5};

OP(linear_op, mlce_linear(g, a, b, NULL))
OP(linear_bias_op, mlce_linear(g, b, a, mlce_slice(g, c, 0, 5)))

/* Both layers of one x, or only the one that `used` says. */
static mlce_node *linear_pair(setup *s, mlce_node *a, mlce_node *b, mlce_node *c, int used) {
    mlce_graph *g = s->graph;
    mlce_node *x = mlce_tanh(g, a), *y[2];
    mlce_node *bias[2] = {mlce_slice(g, c, 0, a->rows), mlce_slice(g, c, 1, b->rows)};
    mlce_linear_pair(g, x, (mlce_node *[]){a, b}, bias, y);
    return used < 2 ? y[used] : mlce_concat(g, y[0], y[1]);
}
OP(linear_pair_op, linear_pair(s, a, b, c, 2))
OP(linear_pair_first_op, linear_pair(s, a, b, c, 0))
OP(linear_pair_second_op, linear_pair(s, a, b, c, 1))
OP(matmul_op, mlce_matmul(g, a, b, false, true))
OP(matmul_tt_op, mlce_matmul(g, a, b, true, true))
OP(matmul_tn_op, mlce_matmul(g, a, a, true, false))
OP(add_op, mlce_add(g, mlce_add(g, a, b), c))
OP(multiply_op, mlce_multiply(g, mlce_multiply(g, a, b), c))
OP(same_twice_op, mlce_multiply(g, a, mlce_add(g, a, a)))
OP(scale_op, mlce_scale(g, a, -2.5f))
OP(gelu_op, mlce_gelu(g, mlce_scale(g, a, 3)))
OP(tanh_op, mlce_tanh(g, a))
OP(sigmoid_op, mlce_sigmoid(g, mlce_scale(g, a, 3)))
/* away from the kink at 0, where there is no derivative */
OP(relu_op, mlce_relu(g, mlce_add(g, mlce_scale(g, a, 0.2f), mlce_constant(g, 5, 8, signs))))
OP(layer_norm_op, mlce_layer_norm(g, a, c, c, 1e-5f))
OP(dropout_op, mlce_dropout(g, a, 0.4f))
OP(concat_slice_op, mlce_slice(g, mlce_concat(g, a, b), 3, 6))
OP(rope_op, mlce_rope(g, a, offsets, 3, 4))

static const struct {
    const char *name;
    mlce_node *(*op)(setup *, mlce_node *, mlce_node *, mlce_node *);
    int shapes[4];
} ops[] = {
    {"linear", linear_op, {5, 8, 3, 8}},
    {"linear_bias", linear_bias_op, {5, 8, 3, 8}},
    {"linear_pair", linear_pair_op, {5, 8, 3, 8}},
    {"linear_pair_first", linear_pair_first_op, {5, 8, 3, 8}},
    {"linear_pair_second", linear_pair_second_op, {5, 8, 3, 8}},
    {"matmul", matmul_op, {5, 8, 3, 8}},
    {"matmul_tt", matmul_tt_op, {5, 8, 3, 5}},
    {"matmul_tn", matmul_tn_op, {5, 8, 1, 1}},
    {"add", add_op, {5, 8, 5, 8}},
    {"multiply", multiply_op, {5, 8, 5, 8}},
    {"same_twice", same_twice_op, {5, 8, 1, 1}},
    {"scale", scale_op, {5, 8, 1, 1}},
    {"gelu", gelu_op, {5, 8, 1, 1}},
    {"tanh", tanh_op, {5, 8, 1, 1}},
    {"sigmoid", sigmoid_op, {5, 8, 1, 1}},
    {"relu", relu_op, {5, 8, 1, 1}},
    {"layer_norm", layer_norm_op, {5, 8, 1, 1}},
    {"dropout", dropout_op, {5, 8, 1, 1}},
    {"concat_slice", concat_slice_op, {5, 4, 5, 7}},
    {"rope", rope_op, {5, 8, 1, 1}},
};

START_TEST(gradients_agree_with_finite_differences) {
    check_op(ops[_i].op, ops[_i].shapes[0], ops[_i].shapes[1], ops[_i].shapes[2],
             ops[_i].shapes[3]);
}
END_TEST

/* One product of both weights, or two where one is wide: y is the same. */
static void check_pair(int first_outputs, int second_outputs) {
    mlce_graph *g = mlce_graph_new();
    enum { ROWS = 37, IN = 19, MOST = 300 };
    static float x[ROWS * IN], W_values[2][MOST * IN], b_values[2][MOST];
    mlce_random random = mlce_random_new(4, MLCE_STREAM_DATA);
    for (int i = 0; i < ROWS * IN; i++) x[i] = mlce_random_float(&random) - 0.5f;
    for (int part = 0; part < 2; part++)
        for (int i = 0; i < MOST; i++) {
            b_values[part][i] = mlce_random_float(&random);
            for (int k = 0; k < IN; k++)
                W_values[part][i * IN + k] = mlce_random_float(&random) - 0.5f;
        }
    int outputs[2] = {first_outputs, second_outputs};
    mlce_node *W[2], *b[2], *y[2], *node = mlce_constant(g, ROWS, IN, x);
    for (int part = 0; part < 2; part++) {
        W[part] = mlce_constant(g, outputs[part], IN, W_values[part]);
        b[part] = mlce_constant(g, 1, outputs[part], b_values[part]);
    }
    mlce_linear_pair(g, node, W, b, y);
    for (int part = 0; part < 2; part++) {
        mlce_node *alone = mlce_linear(g, node, W[part], b[part]);
        for (int i = 0; i < ROWS * outputs[part]; i++)
            ck_assert_float_eq_tol(y[part]->value[i], alone->value[i], 1e-5f);
    }
    mlce_graph_free(g);
}

START_TEST(a_pair_of_linear_layers_equals_two) {
    check_pair(12, 7);
    check_pair(3, 300);
    check_pair(257, 1);
}
END_TEST

START_TEST(a_pair_of_linear_layers_refuses_what_does_not_fit) {
    setup s;
    set_up(&s, 3, 4, 2, 5);
    mlce_graph *g = s.graph;
    mlce_node *a = mlce_use(g, s.a), *y[2];
    mlce_node *bias[2] = {mlce_slice(g, mlce_use(g, s.c), 0, 3),
                          mlce_slice(g, mlce_use(g, s.c), 0, 2)};
    mlce_linear_pair(g, a, (mlce_node *[]){a, mlce_use(g, s.b)}, bias, y);
    ck_assert(!y[0] && !y[1]);
    assert_fails(mlce_graph_status(g), MLCE_E_ARGUMENT, "mlce_linear_pair: [3, 4] and [2, 5]");
    tear_down(&s);
}
END_TEST

/* A wrong gradient must be found by the checker: relu's, claimed for x |x|. */
static void wrong_backward(mlce_graph *g, mlce_node *y) {
    float *dx = mlce_node_grad(g, y->input[0], NULL);
    for (int i = 0; i < y->rows * y->cols; i++) dx[i] += y->grad[i];
}

static mlce_node *wrong_op(setup *s, mlce_node *a, mlce_node *b, mlce_node *c) {
    (void)b, (void)c;
    mlce_node *y = mlce_node_new(s->graph, a->rows, a->cols, wrong_backward, &a, 1);
    for (int i = 0; i < a->rows * a->cols; i++) y->value[i] = a->value[i] * fabsf(a->value[i]);
    return y;
}

START_TEST(a_wrong_gradient_is_found) {
    setup s;
    set_up(&s, 3, 4, 1, 1);
    s.op = wrong_op;
    double worst = 0;
    assert_ok(mlce_check_gradients(s.graph, s.parameters, build, &s, 1e-2f, 0, &worst));
    ck_assert_double_gt(worst, 1e-2);
    tear_down(&s);
}
END_TEST

START_TEST(shapes_that_do_not_fit_are_reported_once_at_the_end) {
    setup s;
    set_up(&s, 3, 4, 2, 5);
    mlce_graph *g = s.graph;
    mlce_node *y = mlce_add(g, mlce_use(g, s.a), mlce_use(g, s.b));
    ck_assert_ptr_null(y);
    ck_assert_ptr_null(mlce_relu(g, y));
    ck_assert_ptr_null(mlce_tanh(g, mlce_use(g, s.a)));
    assert_fails(mlce_backward(g, y), MLCE_E_ARGUMENT, "mlce_add: [3, 4] and [2, 5] do not fit");
    mlce_graph_reset(g);
    assert_ok(mlce_graph_status(g));
    ck_assert_ptr_nonnull(mlce_tanh(g, mlce_use(g, s.a)));
    ck_assert_ptr_null(mlce_matmul(g, mlce_use(g, s.a), mlce_use(g, s.b), false, false));
    mlce_graph_reset(g);
    ck_assert_ptr_null(mlce_rope(g, mlce_use(g, s.a), offsets, 3, 4));
    mlce_graph_reset(g);
    ck_assert_ptr_null(mlce_slice(g, mlce_use(g, s.a), 3, 2));
    assert_fails(mlce_graph_status(g), MLCE_E_ARGUMENT, "2 columns from 3 on are not in [3, 4]");
    mlce_graph_reset(g);
    ck_assert_ptr_null(mlce_dropout(g, mlce_use(g, s.a), 1.0f));
    mlce_graph_reset(g);
    assert_fails(mlce_backward(g, mlce_use(g, s.a)), MLCE_E_ARGUMENT, "[1, 1]");
    tear_down(&s);
}
END_TEST

START_TEST(gradients_add_up_over_backwards_until_cleared) {
    setup s;
    set_up(&s, 2, 2, 1, 1);
    for (int round = 1; round <= 2; round++) {
        mlce_graph_reset(s.graph);
        assert_ok(mlce_backward(s.graph, mlce_sum(s.graph, mlce_use(s.graph, s.a))));
        ck_assert_float_eq(s.a->grad[3], (float)round);
    }
    mlce_parameters_clear_grads(s.parameters);
    mlce_parameters_settle_grads(s.parameters);
    ck_assert_float_eq(s.a->grad[3], 0);
    tear_down(&s);
}
END_TEST

START_TEST(dropout_drops_its_share_and_keeps_the_mean) {
    mlce_graph *g = mlce_graph_new();
    enum { SIZE = 200000 };
    float *ones = calloc(SIZE, sizeof *ones);
    for (int i = 0; i < SIZE; i++) ones[i] = 1;
    mlce_graph_set_random(g, 1, 0);
    mlce_node *y = mlce_dropout(g, mlce_constant(g, 1, SIZE, ones), 0.3f);
    mlce_node *z = mlce_dropout(g, mlce_constant(g, 1, SIZE, ones), 0.3f);
    int dropped = 0, same = 0;
    double sum = 0;
    for (int i = 0; i < SIZE; i++) {
        dropped += y->value[i] == 0;
        same += (y->value[i] == 0) == (z->value[i] == 0);
        sum += y->value[i];
    }
    ck_assert_double_eq_tol(dropped / (double)SIZE, 0.3, 0.005);
    ck_assert_double_eq_tol(sum / SIZE, 1.0, 0.005);
    ck_assert_double_eq_tol(same / (double)SIZE, 0.3 * 0.3 + 0.7 * 0.7, 0.005); /* independent */
    ck_assert(mlce_graph_is_training(g));
    mlce_graph_set_training(g, false);
    ck_assert(!mlce_graph_is_training(g));
    mlce_node *x = mlce_constant(g, 1, SIZE, ones);
    ck_assert_ptr_eq(mlce_dropout(g, x, 0.3f), x);
    free(ones);
    mlce_graph_free(g);
}
END_TEST

/* Products, dropout and sums large enough to be shared out among threads. */
static void large_step(mlce_parameters *parameters, float *loss) {
    enum { TOKENS = 700, IN = 300, OUT = 260 };
    static float x[TOKENS * IN], weight[TOKENS * OUT];
    mlce_random random = mlce_random_new(11, MLCE_STREAM_DATA);
    for (size_t i = 0; i < TOKENS * IN; i++) x[i] = mlce_random_float(&random) - 0.5f;
    for (size_t i = 0; i < TOKENS * OUT; i++) weight[i] = mlce_random_float(&random) - 0.5f;
    mlce_graph *g = mlce_graph_new();
    mlce_graph_set_random(g, 2, 9);
    mlce_node *h = mlce_dropout(g, mlce_constant(g, TOKENS, IN, x), 0.2f);
    h = mlce_linear(g, h, mlce_use(g, mlce_parameters_at(parameters, 0)),
                    mlce_use(g, mlce_parameters_at(parameters, 1)));
    h = mlce_gelu(g, mlce_layer_norm(g, h, mlce_use(g, mlce_parameters_at(parameters, 2)),
                                     mlce_use(g, mlce_parameters_at(parameters, 3)), 1e-5f));
    mlce_node *y = mlce_sum(g, mlce_multiply(g, h, mlce_constant(g, TOKENS, OUT, weight)));
    mlce_parameters_clear_grads(parameters);
    assert_ok(mlce_backward(g, y));
    *loss = y->value[0];
    mlce_graph_free(g);
}

START_TEST(bits_do_not_depend_on_the_number_of_threads) {
    mlce_parameters *p = mlce_parameters_new();
    mlce_parameters_add(p, "W", 260, 300, MLCE_INIT_FAN_IN, 0);
    mlce_parameters_add(p, "b", 1, 260, MLCE_INIT_FAN_IN, 300);
    mlce_parameters_add(p, "gain", 1, 260, MLCE_INIT_ONE, 0);
    mlce_parameters_add(p, "bias", 1, 260, MLCE_INIT_ZERO, 0);
    assert_ok(mlce_parameters_allocate(p, 1));
    size_t bytes = mlce_parameters_size(p) * sizeof(float);
    float *first = malloc(bytes), loss, first_loss;
    omp_set_num_threads(1);
    large_step(p, &first_loss);
    memcpy(first, mlce_parameters_grads(p), bytes);
    for (int threads = 2; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        large_step(p, &loss);
        ck_assert_mem_eq(&loss, &first_loss, sizeof loss);
        ck_assert_mem_eq(first, mlce_parameters_grads(p), bytes);
    }
    free(first);
    mlce_parameters_free(p);
}
END_TEST

START_TEST(a_warm_graph_asks_for_no_more_memory) {
    setup s;
    set_up(&s, 40, 40, 40, 40);
    s.op = matmul_op;
    size_t warm = 0;
    for (int round = 0; round < 5; round++) {
        mlce_graph_reset(s.graph);
        assert_ok(mlce_backward(s.graph, build(s.graph, &s)));
        if (round == 1) warm = mlce_arena_capacity(mlce_graph_arena(s.graph));
    }
    ck_assert_uint_eq(warm, mlce_arena_capacity(mlce_graph_arena(s.graph)));
    tear_down(&s);
}
END_TEST

START_TEST(parameters_refuse_names_that_are_taken_and_empty_shapes) {
    mlce_parameters *p = mlce_parameters_new();
    ck_assert_ptr_nonnull(mlce_parameters_add(p, "W", 2, 3, MLCE_INIT_ZERO, 0));
    ck_assert_ptr_null(mlce_parameters_add(p, "W", 2, 3, MLCE_INIT_ZERO, 0));
    ck_assert_ptr_null(mlce_parameters_add(p, "V", 0, 3, MLCE_INIT_ZERO, 0));
    assert_ok(mlce_parameters_allocate(p, 1));
    ck_assert_ptr_null(mlce_parameters_add(p, "late", 2, 3, MLCE_INIT_ZERO, 0));
    ck_assert_uint_eq(mlce_parameters_numbers(p), 6);
    ck_assert_ptr_null(mlce_parameters_find(p, "late"));
    mlce_parameters_free(p);
}
END_TEST

START_TEST(parameters_refuse_more_numbers_than_memory_can_hold) {
    mlce_parameters *p = mlce_parameters_new();
    ck_assert_ptr_null(mlce_parameters_add(p, "W", INT_MAX, INT_MAX, MLCE_INIT_ZERO, 0));
    ck_assert_ptr_nonnull(mlce_parameters_add(p, "V", 1 << 30, 1 << 30, MLCE_INIT_ZERO, 0));
    ck_assert_ptr_null(mlce_parameters_add(p, "U", 1 << 30, 1 << 30, MLCE_INIT_ZERO, 0));
    ck_assert_msg(strstr(mlce_last_error(), "'U'") != NULL, "%s", mlce_last_error());
    ck_assert_uint_eq(mlce_parameters_size(p), (size_t)1 << 60);
    mlce_parameters_free(p);
}
END_TEST

/* Known answers of Philox4x32-10 from the Random123 distribution (kat_vectors). */
START_TEST(philox_gives_the_published_numbers) {
    uint32_t word[4];
    mlce_philox(0, 0, 0, word);
    ck_assert_uint_eq(word[0], 0x6627e8d5u);
    ck_assert_uint_eq(word[1], 0xe169c58du);
    ck_assert_uint_eq(word[2], 0xbc57ac4cu);
    ck_assert_uint_eq(word[3], 0x9b00dbd8u);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_loop_test(cases, gradients_agree_with_finite_differences, 0,
                        (int)(sizeof ops / sizeof ops[0]));
    tcase_add_test(cases, a_pair_of_linear_layers_equals_two);
    tcase_add_test(cases, a_pair_of_linear_layers_refuses_what_does_not_fit);
    tcase_add_test(cases, a_wrong_gradient_is_found);
    tcase_add_test(cases, shapes_that_do_not_fit_are_reported_once_at_the_end);
    tcase_add_test(cases, gradients_add_up_over_backwards_until_cleared);
    tcase_add_test(cases, dropout_drops_its_share_and_keeps_the_mean);
    tcase_add_test(cases, bits_do_not_depend_on_the_number_of_threads);
    tcase_add_test(cases, a_warm_graph_asks_for_no_more_memory);
    tcase_add_test(cases, parameters_refuse_names_that_are_taken_and_empty_shapes);
    tcase_add_test(cases, parameters_refuse_more_numbers_than_memory_can_hold);
    tcase_add_test(cases, philox_gives_the_published_numbers);
}

int main(void) {
    return run_suite("autodiff", add_tests);
}

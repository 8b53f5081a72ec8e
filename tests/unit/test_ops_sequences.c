/* test_ops_sequences.c - ops over packed sequences: finite differences, bits, and what they keep
 * apart. */
#include <math.h>
#include <omp.h>

#include "mlce/graph.h"
#include "mlce/random.h"
#include "unit.h"

#define SEQUENCES(offsets) (int)(sizeof(offsets) / sizeof(offsets)[0]) - 1

static const int offsets[] = {0, 3, 3, 4, 9};

typedef struct setup {
    mlce_parameter *a, *b, *c;
} setup;

typedef mlce_node *op_fn(mlce_graph *g, mlce_node *a, mlce_node *b, mlce_node *c);

static float weights[9 * 72];

#define OP(name, expression)                                                                       \
    static mlce_node *name(mlce_graph *g, mlce_node *a, mlce_node *b, mlce_node *c) {              \
        (void)a, (void)b, (void)c;                                                                 \
        return expression;                                                                         \
    }

OP(windows_op, mlce_windows(g, a, offsets, 4, 5))
OP(wide_windows_op, mlce_windows(g, a, offsets, 4, 9))
OP(maxout_op, mlce_maxout(g, a, 2))
OP(attention_op, mlce_attention(g, a, b, offsets, 4, 2, 0))
OP(window_attention_op, mlce_attention(g, a, b, offsets, 4, 1, 1))
OP(attention_to_itself_op, mlce_attention(g, mlce_concat(g, b, b), b, offsets, 4, 2, 0))
OP(fixed_qk_op, mlce_attention(g, mlce_constant(g, 9, 8, weights), b, offsets, 4, 2, 0))
OP(fixed_v_op, mlce_attention(g, a, mlce_constant(g, 9, 4, weights), offsets, 4, 2, 0))
OP(layer_mix_op, mlce_layer_mix(g, a, mlce_slice(g, c, 0, 4), mlce_slice(g, c, 4, 1)))
OP(dropout_sequences_op, mlce_dropout_sequences(g, a, offsets, 4, 0.4f))
OP(dropout_tokens_op, mlce_dropout_tokens(g, mlce_add(g, a, a), 0.4f))

static op_fn *const ops[] = {
    windows_op,        wide_windows_op, maxout_op,    attention_op,         window_attention_op,
    fixed_qk_op,       fixed_v_op,      layer_mix_op, dropout_sequences_op, attention_to_itself_op,
    dropout_tokens_op,
};

typedef struct checked {
    op_fn *op;
    setup s;
} checked;

static mlce_node *build(mlce_graph *g, void *context) {
    const checked *k = context;
    mlce_graph_set_random(g, 5, 1);
    mlce_node *y = k->op(g, mlce_use(g, k->s.a), mlce_use(g, k->s.b), mlce_use(g, k->s.c));
    if (!y) return NULL;
    ck_assert_int_le(y->cols, 72);
    return mlce_sum(g, mlce_multiply(g, y, mlce_constant(g, y->rows, y->cols, weights)));
}

/* a [9, 8], b [9, 4] and c [1, 8] */
START_TEST(gradients_agree_with_finite_differences) {
    mlce_parameters *p = mlce_parameters_new();
    checked k = {.op = ops[_i]};
    k.s.a = mlce_parameters_add(p, "a", 9, 8, MLCE_INIT_XAVIER, 0);
    k.s.b = mlce_parameters_add(p, "b", 9, 4, MLCE_INIT_XAVIER, 0);
    k.s.c = mlce_parameters_add(p, "c", 1, 8, MLCE_INIT_XAVIER, 0);
    assert_ok(mlce_parameters_allocate(p, 7));
    for (int i = 0; i < 72; i++)
        k.s.a->value[i] *= 4; /* softmax away from even; maxout from ties */
    mlce_random random = mlce_random_new(3, MLCE_STREAM_DATA);
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
        weights[i] = mlce_random_float(&random) - 0.5f;
    mlce_graph *g = mlce_graph_new();
    double worst = 1;
    assert_ok(mlce_check_gradients(g, p, build, &k, 3e-3f, 0, &worst));
    ck_assert_msg(worst < 2e-3, "largest error %g", worst);
    mlce_graph_free(g);
    mlce_parameters_free(p);
}
END_TEST

/* ---- Bits ---- */

enum { LARGE = 700, SIZE = 96 };
static const int large_offsets[] = {0, 1, 1, 90, 91, 250, 600, 613, 700};

static void fill(float *values, size_t count, uint64_t seed) {
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    for (size_t i = 0; i < count; i++) values[i] = 2 * mlce_random_float(&random) - 1;
}

/* The sum of all ops' values, and the gradients of x in dx. */
static float large_step(const float *x, const float *by, float *dx) {
    const int count = SEQUENCES(large_offsets);
    mlce_graph *g = mlce_graph_new();
    mlce_graph_set_random(g, 2, 9);
    mlce_node *input = mlce_variable(g, LARGE, SIZE, x);
    mlce_node *h = mlce_dropout_sequences(g, input, large_offsets, count, 0.2f);
    h = mlce_dropout_tokens(g, h, 0.1f);
    mlce_node *shared = mlce_maxout(g, mlce_windows(g, h, large_offsets, count, 3), 3);
    mlce_node *qk = mlce_rope(g, mlce_concat(g, h, shared), large_offsets, count, SIZE / 3);
    h = mlce_add(g, h, mlce_attention(g, qk, shared, large_offsets, count, 3, 0));
    h = mlce_add(g, h, mlce_attention(g, qk, shared, large_offsets, count, 3, 7));
    mlce_node *layers = mlce_concat(g, h, shared);
    h = mlce_layer_mix(g, layers, mlce_variable(g, 1, 2, by), mlce_variable(g, 1, 1, by));
    mlce_node *y = mlce_sum(g, mlce_multiply(g, h, mlce_constant(g, LARGE, SIZE, by)));
    assert_ok(mlce_backward(g, y));
    memcpy(dx, input->grad, LARGE * SIZE * sizeof *dx);
    float value = y->value[0];
    mlce_graph_free(g);
    return value;
}

START_TEST(bits_do_not_depend_on_the_number_of_threads) {
    static float x[LARGE * SIZE], by[LARGE * SIZE], first[LARGE * SIZE], dx[LARGE * SIZE];
    fill(x, LARGE * SIZE, 1);
    fill(by, LARGE * SIZE, 2);
    omp_set_num_threads(1);
    float value = large_step(x, by, first);
    for (int threads = 2; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        float again = large_step(x, by, dx);
        ck_assert_mem_eq(&value, &again, sizeof value);
        ck_assert_mem_eq(first, dx, sizeof dx);
    }
}
END_TEST

/* ---- What is kept apart ---- */

/* Rows [first, last) of what `op` makes of x are those it makes of these rows alone. */
static void check_alone(op_fn *op, const float *x, int first, int last) {
    mlce_graph *g = mlce_graph_new();
    mlce_node *packed = op(g, mlce_constant(g, 9, 8, x), NULL, NULL);
    const int cols = packed->cols;
    float *kept = malloc((size_t)(9 * cols) * sizeof *kept);
    memcpy(kept, packed->value, (size_t)(9 * cols) * sizeof *kept);
    float changed[9 * 8];
    memcpy(changed, x, sizeof changed);
    for (int i = 0; i < 9; i++)
        for (int c = 0; c < 8 && (i < first || i >= last); c++) changed[i * 8 + c] = NAN;
    mlce_node *alone = op(g, mlce_constant(g, 9, 8, changed), NULL, NULL);
    ck_assert_mem_eq(kept + first * cols, alone->value + first * cols,
                     (size_t)((last - first) * cols) * sizeof *kept);

    free(kept);
    mlce_graph_free(g);
}

OP(alone_windows_op, mlce_windows(g, a, offsets, 4, 7))
OP(alone_attention_op, mlce_attention(g, a, mlce_slice(g, a, 2, 4), offsets, 4, 2, 0))

START_TEST(a_sequence_never_sees_its_neighbours) {
    float x[9 * 8];
    fill(x, 9 * 8, 4);
    for (int s = 0; s < 4; s++) {
        check_alone(alone_windows_op, x, offsets[s], offsets[s + 1]);
        check_alone(alone_attention_op, x, offsets[s], offsets[s + 1]);
    }
}
END_TEST

START_TEST(a_batch_without_tokens_has_no_rows) {
    static const int none[] = {0, 0, 0};
    mlce_graph *g = mlce_graph_new();
    float unused = 0;
    mlce_node *x = mlce_variable(g, 0, 8, &unused);
    mlce_node *h = mlce_dropout_sequences(g, mlce_dropout_tokens(g, x, 0.5f), none, 2, 0.5f);
    h = mlce_maxout(g, mlce_windows(g, h, none, 2, 3), 2);
    h = mlce_attention(g, mlce_slice(g, h, 0, 8), mlce_slice(g, h, 8, 4), none, 2, 2, 3);
    h = mlce_layer_mix(g, h, mlce_variable(g, 1, 1, &unused), mlce_variable(g, 1, 1, &unused));
    assert_ok(mlce_backward(g, mlce_sum(g, h)));
    mlce_graph_free(g);
}
END_TEST

START_TEST(attention_to_large_scores_stays_finite) {
    static const int all[] = {0, 3};
    float qk[3 * 4] = {3e4f, 0, 3e4f, 0, -3e4f, 1, 2e4f, 0, 5, 5, -3e4f, 1}, v[3 * 2] = {1, 2, 3};
    mlce_graph *g = mlce_graph_new();
    mlce_node *q = mlce_variable(g, 3, 4, qk), *values = mlce_variable(g, 3, 2, v);
    mlce_node *y = mlce_attention(g, q, values, all, 1, 1, 0);
    assert_ok(mlce_backward(g, mlce_sum(g, y)));
    ck_assert_float_eq(y->value[0], 1); /* token 0 sees itself alone */
    for (int i = 0; i < 6; i++) ck_assert(isfinite(y->value[i]) && isfinite(values->grad[i]));
    for (int i = 0; i < 12; i++) ck_assert(isfinite(q->grad[i]));
    mlce_graph_free(g);
}
END_TEST

/* ---- Dropout ---- */

START_TEST(variational_dropout_drops_a_feature_of_the_whole_sequence) {
    enum { TOKENS = 3000, COLS = 200 };
    static const int parts[] = {0, 10, 10, 1000, TOKENS};
    static float ones[TOKENS * COLS];
    for (int i = 0; i < TOKENS * COLS; i++) ones[i] = 1;
    mlce_graph *g = mlce_graph_new();
    mlce_graph_set_random(g, 1, 0);
    mlce_node *y = mlce_dropout_sequences(g, mlce_constant(g, TOKENS, COLS, ones), parts, 4, 0.3f);
    int dropped = 0, differ = 0;
    for (int s = 0; s < 4; s++)
        for (int i = parts[s]; i < parts[s + 1]; i++)
            ck_assert_mem_eq(y->value + i * COLS, y->value + parts[s] * COLS, COLS * sizeof(float));
    for (int c = 0; c < COLS; c++) {
        dropped += y->value[c] == 0;
        differ += y->value[c] != y->value[10 * COLS + c];
        ck_assert(y->value[c] == 0 || fabsf(y->value[c] - 1 / 0.7f) < 1e-4f);
    }
    ck_assert_int_ge(dropped, 35);
    ck_assert_int_le(dropped, 85);
    ck_assert_int_ge(differ, 40);
    mlce_graph_set_training(g, false);
    mlce_node *x = mlce_constant(g, TOKENS, COLS, ones);
    ck_assert_ptr_eq(mlce_dropout_sequences(g, x, parts, 4, 0.3f), x);
    mlce_graph_free(g);
}
END_TEST

START_TEST(token_dropout_drops_whole_rows) {
    enum { TOKENS = 20000, COLS = 5 };
    static float ones[TOKENS * COLS];
    for (int i = 0; i < TOKENS * COLS; i++) ones[i] = 1;
    mlce_graph *g = mlce_graph_new();
    mlce_graph_set_random(g, 1, 0);
    mlce_node *y = mlce_dropout_tokens(g, mlce_constant(g, TOKENS, COLS, ones), 0.25f);
    int dropped = 0;
    for (int i = 0; i < TOKENS; i++) {
        dropped += y->value[i * COLS] == 0;
        for (int c = 1; c < COLS; c++)
            ck_assert_float_eq(y->value[i * COLS], y->value[i * COLS + c]);
    }
    ck_assert_double_eq_tol(dropped / (double)TOKENS, 0.25, 0.015);
    mlce_graph_free(g);
}
END_TEST

/* ---- Refusals ---- */

OP(even_windows, mlce_windows(g, a, offsets, 4, 4))
OP(windows_of_other_tokens, mlce_windows(g, a, offsets, 3, 3))
OP(pieces_that_do_not_fit, mlce_maxout(g, a, 3))
OP(heads_that_do_not_fit, mlce_attention(g, a, b, offsets, 4, 3, 0))
OP(v_of_another_width, mlce_attention(g, a, a, offsets, 4, 1, 0))
OP(attention_of_other_tokens, mlce_attention(g, a, b, offsets, 3, 1, 0))
OP(negative_window, mlce_attention(g, a, b, offsets, 4, 1, -1))
OP(layers_that_do_not_fit, mlce_layer_mix(g, a, mlce_slice(g, c, 0, 3), mlce_slice(g, c, 0, 1)))
OP(two_scales, mlce_layer_mix(g, a, mlce_slice(g, c, 0, 2), mlce_slice(g, c, 0, 2)))
OP(dropout_of_other_tokens, mlce_dropout_sequences(g, a, offsets, 3, 0.5f))
OP(dropout_of_all, mlce_dropout_tokens(g, a, 1.0f))

static op_fn *const refused[] = {
    even_windows,       windows_of_other_tokens,   pieces_that_do_not_fit, heads_that_do_not_fit,
    v_of_another_width, attention_of_other_tokens, layers_that_do_not_fit, dropout_of_other_tokens,
    two_scales,         negative_window,           dropout_of_all,
};

START_TEST(shapes_that_do_not_fit_are_refused) {
    float values[9 * 8] = {0};
    mlce_graph *g = mlce_graph_new();
    mlce_node *a = mlce_variable(g, 9, 8, values), *b = mlce_variable(g, 9, 4, values);
    ck_assert_ptr_null(refused[_i](g, a, b, mlce_variable(g, 1, 8, values)));
    ck_assert_int_eq(mlce_graph_status(g), MLCE_E_ARGUMENT);
    mlce_graph_free(g);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, gradients_agree_with_finite_differences, 0,
                        (int)(sizeof ops / sizeof ops[0]));
    tcase_add_test(cases, bits_do_not_depend_on_the_number_of_threads);
    tcase_add_test(cases, a_sequence_never_sees_its_neighbours);
    tcase_add_test(cases, a_batch_without_tokens_has_no_rows);
    tcase_add_test(cases, attention_to_large_scores_stays_finite);
    tcase_add_test(cases, variational_dropout_drops_a_feature_of_the_whole_sequence);
    tcase_add_test(cases, token_dropout_drops_whole_rows);
    tcase_add_loop_test(cases, shapes_that_do_not_fit_are_refused, 0,
                        (int)(sizeof refused / sizeof refused[0]));
}

int main(void) {
    return run_suite("ops_sequences", add);
}

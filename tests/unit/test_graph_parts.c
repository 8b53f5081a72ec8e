/* test_graph_parts.c - graphs over a part of a batch: the same draws, gradients as they come. */
#include <math.h>

#include "unit.h"

#include "mlce/graph.h"

enum { SEQUENCES = 40, COLS = 37 /* of no multiple of anything */ };

typedef mlce_node *drop_fn(mlce_graph *g, mlce_node *x, const int *offsets, int sequences);

static mlce_node *drop_numbers(mlce_graph *g, mlce_node *x, const int *offsets, int sequences) {
    (void)offsets;
    (void)sequences;
    return mlce_dropout(g, x, 0.4f);
}
static mlce_node *drop_tokens(mlce_graph *g, mlce_node *x, const int *offsets, int sequences) {
    (void)offsets;
    (void)sequences;
    return mlce_dropout_tokens(g, x, 0.4f);
}
static mlce_node *drop_features(mlce_graph *g, mlce_node *x, const int *offsets, int sequences) {
    return mlce_dropout_sequences(g, x, offsets, sequences, 0.4f);
}
static drop_fn *const kinds[] = {drop_numbers, drop_tokens, drop_features};

static float *make_rows(int rows) {
    float *x = malloc((size_t)rows * COLS * sizeof *x);
    for (int i = 0; i < rows * COLS; i++) x[i] = (float)(i % 101 + 1);
    return x;
}

/* Forward and backward of the sum of squares. */
static mlce_node *run(mlce_graph *g, drop_fn *drop, const float *x, const int *offsets,
                      int sequences, const mlce_graph_part *part, mlce_node **variable) {
    mlce_graph_reset(g);
    mlce_graph_set_random(g, 3, 5);
    if (part) mlce_graph_set_part(g, part);
    *variable = mlce_variable(g, offsets[sequences], COLS, x);
    mlce_node *other = drop(g, *variable, offsets, sequences); /* the second draws otherwise */
    mlce_node *y = drop(g, mlce_scale(g, other, 2), offsets, sequences);
    assert_ok(mlce_backward(g, mlce_sum(g, mlce_multiply(g, y, y))));
    return y;
}

START_TEST(a_part_of_a_batch_is_dropped_as_in_the_whole_one) {
    int offsets[SEQUENCES + 1] = {0}, part_offsets[SEQUENCES + 1] = {0};
    int rows[SEQUENCES], places[SEQUENCES], count = 0;
    for (int s = 0; s < SEQUENCES; s++) offsets[s + 1] = offsets[s] + s * 5 % 13;
    float *x = make_rows(offsets[SEQUENCES]), *part_x = make_rows(offsets[SEQUENCES]);
    for (int s = 0; s < SEQUENCES; s++) {
        if (s % 3 == 1) continue;
        int length = offsets[s + 1] - offsets[s];
        places[count] = s;
        rows[count] = offsets[s];
        part_offsets[count + 1] = part_offsets[count] + length;
        memcpy(part_x + part_offsets[count] * COLS, x + offsets[s] * COLS,
               (size_t)(length * COLS) * sizeof *x);
        count++;
    }
    mlce_graph_part part = {count, part_offsets, rows, places};
    mlce_graph *whole_graph = mlce_graph_new(), *part_graph = mlce_graph_new();
    mlce_node *dx, *part_dx;
    mlce_node *y = run(whole_graph, kinds[_i], x, offsets, SEQUENCES, NULL, &dx);
    mlce_node *z = run(part_graph, kinds[_i], part_x, part_offsets, count, &part, &part_dx);
    for (int n = 0; n < count; n++) {
        size_t size = (size_t)((part_offsets[n + 1] - part_offsets[n]) * COLS) * sizeof(float);
        ck_assert_mem_eq(z->value + part_offsets[n] * COLS, y->value + rows[n] * COLS, size);
        ck_assert_mem_eq(part_dx->grad + part_offsets[n] * COLS, dx->grad + rows[n] * COLS, size);
    }
    mlce_graph_free(whole_graph);
    mlce_graph_free(part_graph);
    free(x);
    free(part_x);
}
END_TEST

START_TEST(dropout_refuses_rows_that_are_not_the_tokens_of_the_part) {
    const int offsets[] = {0, 2, 5}, rows[] = {0, 9}, places[] = {0, 3};
    mlce_graph_part part = {2, offsets, rows, places};
    float *x = make_rows(6);
    mlce_graph *g = mlce_graph_new();
    mlce_graph_set_part(g, &part);
    ck_assert_ptr_null(mlce_dropout(g, mlce_constant(g, 6, COLS, x), 0.5f));
    assert_fails(mlce_graph_status(g), MLCE_E_ARGUMENT, "5 tokens");
    mlce_graph_reset(g);
    mlce_graph_set_part(g, &part);
    const int other[] = {0, 5};
    ck_assert_ptr_null(mlce_dropout_sequences(g, mlce_constant(g, 5, COLS, x), other, 1, 0.5f));
    assert_fails(mlce_graph_status(g), MLCE_E_ARGUMENT, "part has 2");
    mlce_graph_free(g);
    free(x);
}
END_TEST

/* ---- Gradients that are complete ---- */

typedef struct report {
    int count, number[4];
    float grad[4]; /* the first one of each, when it was reported */
} report;

static void note(mlce_parameter *parameter, void *context) {
    report *r = context;
    ck_assert_int_lt(r->count, 4);
    r->grad[r->count] = parameter->grad_started ? parameter->grad[0] : NAN;
    r->number[r->count++] = parameter->number;
}

START_TEST(a_gradient_is_reported_when_its_last_use_is_behind) {
    mlce_parameters *p = mlce_parameters_new();
    mlce_parameter *first = mlce_parameters_add(p, "first", 1, 1, MLCE_INIT_ONE, 0);
    mlce_parameter *twice = mlce_parameters_add(p, "twice", 1, 1, MLCE_INIT_ONE, 0);
    mlce_parameter *fixed = mlce_parameters_add(p, "fixed", 1, 1, MLCE_INIT_ONE, 0);
    mlce_parameter *aside = mlce_parameters_add(p, "aside", 1, 1, MLCE_INIT_ONE, 0);
    fixed->fixed = true;
    assert_ok(mlce_parameters_allocate(p, 1));
    mlce_graph *g = mlce_graph_new();
    for (int repeat = 0; repeat < 2; repeat++) {
        report r = {0};
        mlce_graph_reset(g);
        mlce_graph_set_ready(g, note, &r);
        /* y = first twice^2 fixed; aside does not lead to it */
        mlce_node *x = mlce_use(g, first);
        x = mlce_multiply(g, x, mlce_use(g, twice));
        mlce_relu(g, mlce_use(g, aside));
        x = mlce_multiply(g, mlce_multiply(g, x, mlce_use(g, fixed)), mlce_use(g, twice));
        assert_ok(mlce_backward(g, mlce_sum(g, x)));
        ck_assert_int_eq(r.count, 3);
        ck_assert_int_eq(r.number[0], aside->number);
        ck_assert(isnan(r.grad[0]));
        ck_assert_int_eq(r.number[1], twice->number);
        ck_assert_float_eq(r.grad[1], 2); /* both uses */
        ck_assert_int_eq(r.number[2], first->number);
        ck_assert_float_eq(r.grad[2], 1);
        mlce_parameters_clear_grads(p);
    }
    mlce_graph_free(g);
    mlce_parameters_free(p);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, a_part_of_a_batch_is_dropped_as_in_the_whole_one, 0, 3);
    tcase_add_test(cases, dropout_refuses_rows_that_are_not_the_tokens_of_the_part);
    tcase_add_test(cases, a_gradient_is_reported_when_its_last_use_is_behind);
}

int main(void) {
    return run_suite("graph_parts", add);
}

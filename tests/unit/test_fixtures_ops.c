/* Ops and their gradients against PyTorch: tests/fixtures/ops.json. */
#include "mlce/graph.h"

#include "fixture.h"

enum { MOST_INPUTS = 3 };

static bool flag(const json_t *options, const char *key) {
    return json_is_true(fixture_get(options, key));
}

static mlce_node *gate(mlce_graph *g, mlce_node *x) {
    return mlce_add(g, mlce_multiply(g, mlce_tanh(g, x), mlce_sigmoid(g, x)), x);
}

/* The op of a case over its inputs; *offsets is memory that must outlive the graph's use. */
static mlce_node *apply(mlce_graph *g, const char *op, const json_t *options, mlce_node **in,
                        int **offsets) {
    if (!strcmp(op, "linear")) return mlce_linear(g, in[0], in[1], in[2]);
    if (!strcmp(op, "matmul"))
        return mlce_matmul(g, in[0], in[1], flag(options, "transpose_a"),
                           flag(options, "transpose_b"));
    if (!strcmp(op, "add")) return mlce_add(g, in[0], in[1]);
    if (!strcmp(op, "multiply")) return mlce_multiply(g, in[0], in[1]);
    if (!strcmp(op, "scale")) return mlce_scale(g, in[0], (float)fixture_real(options, "factor"));
    if (!strcmp(op, "sum")) return mlce_sum(g, in[0]);
    if (!strcmp(op, "relu")) return mlce_relu(g, in[0]);
    if (!strcmp(op, "gelu")) return mlce_gelu(g, in[0]);
    if (!strcmp(op, "tanh")) return mlce_tanh(g, in[0]);
    if (!strcmp(op, "sigmoid")) return mlce_sigmoid(g, in[0]);
    if (!strcmp(op, "layer_norm"))
        return mlce_layer_norm(g, in[0], in[1], in[2], (float)fixture_real(options, "epsilon"));
    if (!strcmp(op, "concat")) return mlce_concat(g, in[0], in[1]);
    if (!strcmp(op, "slice"))
        return mlce_slice(g, in[0], fixture_int(options, "start"), fixture_int(options, "count"));
    if (!strcmp(op, "square")) return mlce_multiply(g, in[0], in[0]);
    if (!strcmp(op, "twice")) return mlce_add(g, in[0], in[0]);
    if (!strcmp(op, "gate")) return gate(g, in[0]);
    if (!strcmp(op, "rope")) {
        const json_t *list = fixture_get(options, "offsets");
        *offsets = fixture_ints(list);
        return mlce_rope(g, in[0], *offsets, (int)json_array_size(list) - 1,
                         fixture_int(options, "head_size"));
    }
    ck_abort_msg("%s: there is no op '%s'", fixture_case, op);
    return NULL;
}

static void run_case(mlce_graph *g, const json_t *test) {
    fixture_begin(test);
    mlce_graph_reset(g);
    const json_t *inputs = fixture_get(test, "inputs");
    size_t count = json_array_size(inputs);
    ck_assert_uint_le(count, MOST_INPUTS);
    mlce_node *in[MOST_INPUTS] = {NULL};
    float *values[MOST_INPUTS] = {NULL};
    for (size_t i = 0; i < count; i++) {
        const json_t *input = json_array_get(inputs, i);
        values[i] = fixture_values(input);
        in[i] = mlce_variable(g, fixture_int(input, "rows"), fixture_int(input, "cols"), values[i]);
    }
    int *offsets = NULL;
    mlce_node *y = apply(g, json_string_value(fixture_get(test, "op")),
                         fixture_get(test, "options"), in, &offsets);
    fixture_compare_op(g, test, y, in, count);
    for (size_t i = 0; i < count; i++) free(values[i]);
    free(offsets);
}

START_TEST(ops_and_gradients_are_those_of_pytorch) {
    json_t *root = fixture_load("ops.json");
    mlce_graph *g = mlce_graph_new();
    ck_assert_ptr_nonnull(g);
    size_t i;
    json_t *test;
    json_array_foreach(json_object_get(root, "cases"), i, test) run_case(g, test);
    mlce_graph_free(g);
    json_decref(root);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, ops_and_gradients_are_those_of_pytorch);
}

int main(void) {
    return run_suite("fixtures_ops", add);
}

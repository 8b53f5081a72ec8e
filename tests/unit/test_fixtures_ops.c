/* Ops and their gradients against PyTorch: tests/fixtures/ops.json. */
#include "mlce/graph.h"

#include "fixture.h"

static bool flag(const json_t *options, const char *key) {
    return json_is_true(fixture_get(options, key));
}

static mlce_node *gate(mlce_graph *g, mlce_node *x) {
    return mlce_add(g, mlce_multiply(g, mlce_tanh(g, x), mlce_sigmoid(g, x)), x);
}

static mlce_node *apply(mlce_graph *g, const json_t *test, mlce_node *const *in, const int *offsets,
                        int sequences) {
    const char *op = json_string_value(fixture_get(test, "op"));
    const json_t *options = fixture_get(test, "options");
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
    if (!strcmp(op, "rope"))
        return mlce_rope(g, in[0], offsets, sequences, fixture_int(options, "head_size"));
    ck_abort_msg("%s: there is no op '%s'", fixture_case, op);
    return NULL;
}

START_TEST(ops_and_gradients_are_those_of_pytorch) {
    fixture_compare_ops("ops.json", apply);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, ops_and_gradients_are_those_of_pytorch);
}

int main(void) {
    return run_suite("fixtures_ops", add);
}

/* LSTM and GRU and their gradients against PyTorch: tests/fixtures/recurrent.json. */
#include "mlce/graph.h"

#include "fixture.h"

enum { PARTS = 4, MOST_INPUTS = 1 + 2 * 2 * PARTS };

typedef mlce_node *layer_op(mlce_graph *, mlce_node *, const mlce_recurrent_weights *, int,
                            const int *, int);

/* in[0] is x, the others the weights, layer by layer and direction by direction. */
static mlce_node *apply(mlce_graph *g, const json_t *test, mlce_node **in, const int *offsets) {
    layer_op *op = strcmp(json_string_value(fixture_get(test, "op")), "gru") ? mlce_lstm : mlce_gru;
    int sequences = (int)json_array_size(fixture_get(test, "offsets")) - 1;
    int directions = fixture_int(test, "directions");
    mlce_node *x = *in++;
    for (int l = 0; l < fixture_int(test, "layers"); l++) {
        mlce_recurrent_weights weights[2];
        for (int d = 0; d < directions; d++, in += PARTS)
            weights[d] = (mlce_recurrent_weights){in[0], in[1], in[2], in[3]};
        x = op(g, x, weights, directions, offsets, sequences);
    }
    return x;
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
    int *offsets = fixture_ints(fixture_get(test, "offsets"));
    mlce_node *y = apply(g, test, in, offsets);
    fixture_compare_op(g, test, y, in, count);
    for (size_t i = 0; i < count; i++) free(values[i]);
    free(offsets);
}

START_TEST(recurrent_layers_and_gradients_are_those_of_pytorch) {
    json_t *root = fixture_load("recurrent.json");
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
    tcase_add_test(cases, recurrent_layers_and_gradients_are_those_of_pytorch);
}

int main(void) {
    return run_suite("fixtures_recurrent", add);
}

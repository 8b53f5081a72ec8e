/* LSTM and GRU and their gradients against PyTorch: tests/fixtures/recurrent.json. */
#include "mlce/graph.h"

#include "fixture.h"

enum { PARTS = 4 };

typedef mlce_node *layer_op(mlce_graph *, mlce_node *, const mlce_recurrent_weights *, int,
                            const int *, int);

/* in[0] is x, the others the weights, layer by layer and direction by direction. */
static mlce_node *apply(mlce_graph *g, const json_t *test, mlce_node *const *in, const int *offsets,
                        int sequences) {
    layer_op *op = strcmp(json_string_value(fixture_get(test, "op")), "gru") ? mlce_lstm : mlce_gru;
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

START_TEST(recurrent_layers_and_gradients_are_those_of_pytorch) {
    fixture_compare_ops("recurrent.json", apply);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, recurrent_layers_and_gradients_are_those_of_pytorch);
}

int main(void) {
    return run_suite("fixtures_recurrent", add);
}

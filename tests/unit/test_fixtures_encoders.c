/* Windows, attention and the encoders made of them against PyTorch:
   tests/fixtures/attention_windows.json and encoders.json. */
#include "mlce/graph.h"
#include "model/parts.h"

#include "fixture.h"

static mlce_node *apply(mlce_graph *g, const json_t *test, mlce_node *const *in, const int *offsets,
                        int sequences) {
    const char *op = json_string_value(fixture_get(test, "op"));
    const json_t *options = fixture_get(test, "options");
    if (!strcmp(op, "windows"))
        return mlce_windows(g, in[0], offsets, sequences, fixture_int(options, "width"));
    if (!strcmp(op, "maxout")) return mlce_maxout(g, in[0], fixture_int(options, "pieces"));
    if (!strcmp(op, "attention"))
        return mlce_attention(g, in[0], in[1], offsets, sequences, fixture_int(options, "heads"),
                              fixture_int(options, "window"));
    if (!strcmp(op, "layer_mix")) return mlce_layer_mix(g, in[0], in[1], in[2]);
    ck_abort_msg("%s: there is no op '%s'", fixture_case, op);
    return NULL;
}

START_TEST(ops_over_sequences_are_those_of_pytorch) {
    fixture_compare_ops("attention_windows.json", apply);
}
END_TEST

static void run_encoder_case(mlce_graph *g, const json_t *test) {
    mlce_config *config = fixture_config(test);
    mlce_parameters *parameters = mlce_parameters_new();
    const mlce_encoder_type *type = mlce_find_encoder(mlce_config_string(config, "encoder.1.type"));
    ck_assert_ptr_nonnull(type);
    const json_t *x_json = fixture_get(test, "x");
    int width = fixture_int(x_json, "cols"), out = 0;
    void *state = type->declare(parameters, config, "encoder.1", width, &out);
    ck_assert_msg(state != NULL, "%s: %s", fixture_case, mlce_last_error());
    ck_assert_int_eq(mlce_parameters_allocate(parameters, 1), MLCE_OK);
    ck_assert_int_eq(out, fixture_int(fixture_get(test, "output"), "cols"));
    fixture_set_parameters(parameters, test);

    float *values = fixture_values(x_json);
    int *offsets = fixture_ints(fixture_get(test, "offsets"));
    mlce_batch batch = {.sequences = (int)json_array_size(fixture_get(test, "offsets")) - 1,
                        .tokens = fixture_int(x_json, "rows"),
                        .width = width,
                        .offsets = offsets,
                        .embeddings = values};
    mlce_graph_reset(g);
    mlce_node *x = mlce_variable(g, batch.tokens, width, values);
    fixture_compare_output(g, test, type->forward(g, state, x, &batch));
    fixture_compare_gradient("x", x_json, x->grad);
    fixture_compare_parameter_gradients(parameters, test);
    free(values);
    free(offsets);
    free(state);
    mlce_parameters_free(parameters);
    mlce_config_free(config);
}

START_TEST(encoders_are_those_written_in_pytorch) {
    fixture cases = fixture_open("encoders.json");
    mlce_graph *g = mlce_graph_new();
    ck_assert_ptr_nonnull(g);
    for (const json_t *test; (test = fixture_next(&cases));) run_encoder_case(g, test);
    mlce_graph_free(g);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, ops_over_sequences_are_those_of_pytorch);
    tcase_add_test(cases, encoders_are_those_written_in_pytorch);
}

int main(void) {
    return run_suite("fixtures_encoders", add);
}

/* Windows, attention and the encoders made of them against PyTorch:
   tests/fixtures/attention_windows.json and encoders.json. */
#include "mlce/graph.h"
#include "model/parts.h"

#include "fixture.h"

enum { MOST_INPUTS = 3 };

static int sequences_of(const json_t *list) {
    return (int)json_array_size(list) - 1;
}

/* sum(y * output_weights), and backward from there */
static void compare_output(mlce_graph *g, mlce_node *y, const json_t *test) {
    ck_assert_msg(y != NULL, "%s: %s", fixture_case, mlce_last_error());
    const json_t *output = fixture_get(test, "output");
    ck_assert_msg(y->rows == fixture_int(output, "rows") && y->cols == fixture_int(output, "cols"),
                  "%s: output is [%d, %d]", fixture_case, y->rows, y->cols);
    fixture_compare("output", output, y->value, 1e-4);
    float *weights = fixture_values(fixture_get(test, "output_weights"));
    mlce_node *loss = mlce_sum(g, mlce_multiply(g, y, mlce_constant(g, y->rows, y->cols, weights)));
    ck_assert_msg(mlce_backward(g, loss) == MLCE_OK, "%s: %s", fixture_case, mlce_last_error());
    free(weights);
}

static mlce_node *apply(mlce_graph *g, const json_t *test, mlce_node **in, const int *offsets) {
    const char *op = json_string_value(fixture_get(test, "op"));
    const json_t *options = fixture_get(test, "options");
    const json_t *list = json_object_get(options, "offsets");
    if (!strcmp(op, "windows"))
        return mlce_windows(g, in[0], offsets, sequences_of(list), fixture_int(options, "width"));
    if (!strcmp(op, "maxout")) return mlce_maxout(g, in[0], fixture_int(options, "pieces"));
    if (!strcmp(op, "attention"))
        return mlce_attention(g, in[0], in[1], offsets, sequences_of(list),
                              fixture_int(options, "heads"), fixture_int(options, "window"));
    if (!strcmp(op, "layer_mix")) return mlce_layer_mix(g, in[0], in[1], in[2]);
    ck_abort_msg("%s: there is no op '%s'", fixture_case, op);
    return NULL;
}

static void run_op_case(mlce_graph *g, const json_t *test) {
    fixture_begin(test);
    mlce_graph_reset(g);
    const json_t *inputs = fixture_get(test, "inputs");
    const json_t *list = json_object_get(fixture_get(test, "options"), "offsets");
    int *offsets = list ? fixture_ints(list) : NULL;
    size_t count = json_array_size(inputs);
    ck_assert_uint_le(count, MOST_INPUTS);
    mlce_node *in[MOST_INPUTS] = {NULL};
    float *values[MOST_INPUTS] = {NULL};
    for (size_t i = 0; i < count; i++) {
        const json_t *input = json_array_get(inputs, i);
        values[i] = fixture_values(input);
        in[i] = mlce_variable(g, fixture_int(input, "rows"), fixture_int(input, "cols"), values[i]);
    }
    compare_output(g, apply(g, test, in, offsets), test);
    for (size_t i = 0; i < count; i++) {
        char what[32];
        snprintf(what, sizeof what, "gradient %zu", i);
        fixture_compare(what, fixture_get(json_array_get(inputs, i), "gradient"), in[i]->grad,
                        1e-4);
        free(values[i]);
    }
    free(offsets);
}

START_TEST(ops_over_sequences_are_those_of_pytorch) {
    json_t *root = fixture_load("attention_windows.json");
    mlce_graph *g = mlce_graph_new();
    ck_assert_ptr_nonnull(g);
    size_t i;
    json_t *test;
    json_array_foreach(json_object_get(root, "cases"), i, test) run_op_case(g, test);
    mlce_graph_free(g);
    json_decref(root);
}
END_TEST

static mlce_config *make_config(const json_t *test) {
    mlce_config *config = mlce_config_new();
    ck_assert_ptr_nonnull(config);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)fixture_get(test, "config"), key, value)
        ck_assert_msg(mlce_config_set(config, key, json_string_value(value)) == MLCE_OK, "%s: %s",
                      fixture_case, mlce_last_error());
    return config;
}

static void set_parameters(mlce_parameters *parameters, const json_t *matrices) {
    const char *name;
    json_t *matrix;
    ck_assert_msg((size_t)mlce_parameters_count(parameters) == json_object_size(matrices),
                  "%s: %d parameters", fixture_case, mlce_parameters_count(parameters));
    json_object_foreach((json_t *)matrices, name, matrix) {
        mlce_parameter *parameter = mlce_parameters_find(parameters, name);
        ck_assert_msg(parameter != NULL, "%s: no parameter '%s'", fixture_case, name);
        ck_assert_msg(parameter->rows == fixture_int(matrix, "rows") &&
                          parameter->cols == fixture_int(matrix, "cols"),
                      "%s: %s is [%d, %d]", fixture_case, name, parameter->rows, parameter->cols);
        float *values = fixture_values(matrix);
        memcpy(parameter->value, values,
               (size_t)parameter->rows * (size_t)parameter->cols * sizeof *values);
        free(values);
    }
}

static void run_encoder_case(mlce_graph *g, const json_t *test) {
    fixture_begin(test);
    mlce_config *config = make_config(test);
    mlce_parameters *parameters = mlce_parameters_new();
    const mlce_encoder_type *type = mlce_find_encoder(mlce_config_string(config, "encoder.1.type"));
    ck_assert_ptr_nonnull(type);
    const json_t *x_json = fixture_get(test, "x");
    int width = fixture_int(x_json, "cols"), out = 0;
    void *state = type->declare(parameters, config, "encoder.1", width, &out);
    ck_assert_msg(state != NULL, "%s: %s", fixture_case, mlce_last_error());
    ck_assert_int_eq(mlce_parameters_allocate(parameters, 1), MLCE_OK);
    ck_assert_int_eq(out, fixture_int(fixture_get(test, "output"), "cols"));
    set_parameters(parameters, fixture_get(test, "parameters"));

    float *values = fixture_values(x_json);
    int *offsets = fixture_ints(fixture_get(test, "offsets"));
    mlce_batch batch = {.sequences = sequences_of(fixture_get(test, "offsets")),
                        .tokens = fixture_int(x_json, "rows"),
                        .width = width,
                        .offsets = offsets,
                        .embeddings = values};
    mlce_graph_reset(g);
    mlce_node *x = mlce_variable(g, batch.tokens, width, values);
    compare_output(g, type->forward(g, state, x, &batch), test);
    fixture_compare("gradient of x", fixture_get(x_json, "gradient"), x->grad, 1e-4);
    const char *name;
    json_t *matrix;
    json_object_foreach((json_t *)fixture_get(test, "parameters"), name, matrix) fixture_compare(
        name, fixture_get(matrix, "gradient"), mlce_parameters_find(parameters, name)->grad, 1e-4);
    free(values);
    free(offsets);
    free(state);
    mlce_parameters_free(parameters);
    mlce_config_free(config);
}

START_TEST(encoders_are_those_written_in_pytorch) {
    json_t *root = fixture_load("encoders.json");
    mlce_graph *g = mlce_graph_new();
    ck_assert_ptr_nonnull(g);
    size_t i;
    json_t *test;
    json_array_foreach(json_object_get(root, "cases"), i, test) run_encoder_case(g, test);
    mlce_graph_free(g);
    json_decref(root);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, ops_over_sequences_are_those_of_pytorch);
    tcase_add_test(cases, encoders_are_those_written_in_pytorch);
}

int main(void) {
    return run_suite("fixtures_encoders", add);
}

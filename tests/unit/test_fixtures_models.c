/* The span loss, decoding and whole models against PyTorch: tests/fixtures/span_loss.json and
   models.json. */
#include "mlce/model.h"

#include "fixture.h"

static float *zeros(size_t count) {
    float *values = calloc(count + 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

/* The gold spans' soft targets; NULL for a case without. */
static float *read_weights(const json_t *test) {
    const json_t *list = json_object_get(test, "gold_weights");
    if (!list) return NULL;
    float *weights = zeros(json_array_size(list));
    for (size_t n = 0; n < json_array_size(list); n++)
        weights[n] = (float)json_number_value(json_array_get(list, n));
    return weights;
}

/* Returns whether decoding was compared too. */
static bool run_loss_case(const json_t *test) {
    int *offsets = fixture_ints(fixture_get(test, "offsets"));
    int *gold_offsets = fixture_ints(fixture_get(test, "gold_offsets"));
    mlce_span *spans = fixture_spans(fixture_get(test, "gold"));
    const json_t *qk_json = fixture_get(test, "qk");
    const json_t *terms_json = fixture_get(test, "type_terms");
    bool has_terms = !json_is_null(terms_json);
    float *qk = fixture_values(qk_json);
    float *terms = has_terms ? fixture_values(terms_json) : NULL;
    float *dqk = zeros(fixture_size(qk_json));
    float *dterms = has_terms ? zeros(fixture_size(terms_json)) : NULL;
    mlce_span_scores scores = {
        .sequences = (int)json_array_size(fixture_get(test, "offsets")) - 1,
        .offsets = offsets,
        .types = fixture_int(test, "types"),
        .heads = fixture_int(test, "heads"),
        .head_size = fixture_int(test, "head_size"),
        .scale = (float)fixture_real(test, "scale"),
        .max_width = fixture_int(test, "max_width"),
        .qk = qk,
        .type_terms = terms,
    };
    float *weights = read_weights(test);
    mlce_span_gold gold = {.spans = spans, .offsets = gold_offsets, .weights = weights};
    mlce_loss_options options = {
        .kind = MLCE_LOSS_MULTILABEL_CE, .positive_weight = 2.5f, .alpha = 0.375f, .gamma = 1.5f};
    const json_t *name = json_object_get(test, "loss_name");
    if (name) assert_ok(mlce_loss_kind_of(json_string_value(name), &options.kind));
    mlce_span_gradients gradients = {.qk = dqk, .type_terms = dterms};

    double loss = NAN;
    mlce_status status = mlce_span_loss(&options, &scores, &gold, &loss, &gradients);
    ck_assert_msg(status == MLCE_OK, "%s: %s", fixture_case, mlce_last_error());
    fixture_compare_loss(test, loss);
    fixture_compare("dqk", fixture_get(qk_json, "gradient"), dqk, 1e-4);
    if (has_terms)
        fixture_compare("dtype_terms", fixture_get(terms_json, "gradient"), dterms, 1e-4);

    double loss_alone = NAN;
    status = mlce_span_loss(&options, &scores, &gold, &loss_alone, NULL);
    ck_assert_msg(status == MLCE_OK, "%s: %s", fixture_case, mlce_last_error());
    fixture_compare_loss(test, loss_alone);
    bool decoded = fixture_compare_spans(test, &scores);

    free(offsets);
    free(gold_offsets);
    free(spans);
    free(weights);
    free(qk);
    free(terms);
    free(dqk);
    free(dterms);
    return decoded;
}

START_TEST(loss_gradients_and_spans_are_those_of_the_plain_form) {
    fixture cases = fixture_open("span_loss.json");
    size_t decoded = 0;
    for (const json_t *test; (test = fixture_next(&cases));) decoded += run_loss_case(test);
    ck_assert_uint_ge(decoded, 15);
}
END_TEST

static mlce_model *make_model(const json_t *test, int width, int types) {
    mlce_config *config = fixture_config(test);
    const char *names[] = {"PER", "LOC", "ORG"};
    ck_assert_int_le(types, 3);
    mlce_model *model;
    ck_assert_msg(mlce_model_new(config, width, names, types, &model) == MLCE_OK, "%s: %s",
                  fixture_case, mlce_last_error());
    mlce_config_free(config);
    return model;
}

/* Forward, loss, backward and decoding over a batch. */
static void run_model(mlce_model *model, const mlce_batch *batch, const json_t *test) {
    mlce_graph *g = mlce_graph_new();
    ck_assert_ptr_nonnull(g);
    for (int round = 0; round < 2; round++) { /* gradients start afresh, the graph is reused */
        mlce_graph_reset(g);
        mlce_parameters_clear_grads(mlce_model_parameters(model));
        mlce_output output = mlce_model_forward(model, g, batch);
        mlce_node *loss = mlce_model_loss(model, g, &output, batch);
        ck_assert_msg(mlce_backward(g, loss) == MLCE_OK, "%s: %s", fixture_case, mlce_last_error());
        fixture_compare_loss(test, (double)loss->value[0]);
        fixture_compare_parameter_gradients(mlce_model_parameters(model), test);
        mlce_span_scores scores = mlce_span_factors_scores(&output.factors, batch);
        ck_assert_msg(fixture_compare_spans(test, &scores), "%s: no spans", fixture_case);
    }
    mlce_graph_free(g);
}

static void run_model_case(const json_t *test) {
    const json_t *matrix = fixture_get(test, "embeddings");
    float *embeddings = fixture_values(matrix);
    int *offsets = fixture_ints(fixture_get(test, "offsets"));
    int *gold_offsets = fixture_ints(fixture_get(test, "gold_offsets"));
    mlce_span *gold = fixture_spans(fixture_get(test, "gold"));
    int64_t ids[16];
    for (int i = 0; i < 16; i++) ids[i] = i;
    mlce_batch batch = {
        .sequences = (int)json_array_size(fixture_get(test, "offsets")) - 1,
        .tokens = fixture_int(matrix, "rows"),
        .width = fixture_int(matrix, "cols"),
        .ids = ids,
        .offsets = offsets,
        .embeddings = embeddings,
        .spans = gold,
        .span_offsets = gold_offsets,
    };
    mlce_model *model = make_model(test, batch.width, fixture_int(test, "types"));
    fixture_set_parameters(mlce_model_parameters(model), test);
    run_model(model, &batch, test);
    mlce_model_free(model);
    free(embeddings);
    free(offsets);
    free(gold_offsets);
    free(gold);
}

START_TEST(models_are_those_written_in_pytorch) {
    fixture cases = fixture_open("models.json");
    for (const json_t *test; (test = fixture_next(&cases));) run_model_case(test);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, loss_gradients_and_spans_are_those_of_the_plain_form);
    tcase_add_test(cases, models_are_those_written_in_pytorch);
}

int main(void) {
    return run_suite("fixtures_models", add);
}

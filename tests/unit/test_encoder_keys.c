/* test_encoder_keys.c - encoders' keys that do not fit each other or the data, and models with
 * encoders as a whole. */
#include <omp.h>

#include "config.h"
#include "mlce/model.h"
#include "mlce/random.h"
#include "test_dataset.h"

static const char *const names[] = {"PER", "LOC"};

static void check_refused(const char *keys, const char *message) {
    mlce_config *config = config_of(keys);
    assert_fails(mlce_model_check(config), MLCE_E_CONFIG, message);
    mlce_model *model;
    assert_fails(mlce_model_new(config, 12, names, 2, &model), MLCE_E_CONFIG, message);
    ck_assert_ptr_null(model);
    mlce_config_free(config);
}

START_TEST(keys_that_no_data_fits_are_refused) {
    check_refused("encoder.1.type=cnn encoder.1.width=4", "encoder.1.width = 4 must be odd");
    check_refused("encoder.1.type=transformer encoder.1.size=10",
                  "encoder.1.size = 10 is not a multiple of encoder.1.heads = 4");
    check_refused("encoder.1.type=transformer encoder.1.size=12", "3 features, which must be even");
    check_refused("encoder.1.type=mix", "needs encoder.1.input_layers");
    check_refused("encoder.1.type=mix encoder.1.input_layers=1", "2 or more");
    check_refused("encoder.1.type=mlp encoder.2.type=mix encoder.2.input_layers=2",
                  "only [encoder.1] sees the layers");
    check_refused("encoder.1.type=cnn encoder.1.heads=2", "has no effect");
    check_refused("encoder.1.type=transformer encoder.1.width=3", "has no effect");
    check_refused("encoder.1.type=cnn encoder.3.type=cnn", "without a gap");
    check_refused("model.head_size=5", "must be even");
}
END_TEST

START_TEST(an_unknown_encoder_is_refused_with_those_there_are) {
    mlce_config *config = new_config();
    assert_fails(mlce_config_assign(config, "encoder.1.type=transfomer"), MLCE_E_CONFIG,
                 "transformer");
    mlce_config_free(config);
}
END_TEST

START_TEST(a_mix_of_features_that_are_no_layers_is_refused) {
    mlce_config *config = config_of("encoder.1.type=mix encoder.1.input_layers=5");
    mlce_model *model;
    ck_assert_int_ne(mlce_model_new(config, 12, names, 2, &model), MLCE_OK);
    ck_assert_ptr_nonnull(strstr(mlce_last_error(), "encoder.1.input_layers = 5"));
    mlce_config_free(config);
}
END_TEST

/* ---- The data ---- */

static char warned[512];

static void keep_warning(mlce_log_level level, const char *message, void *context) {
    (void)context;
    if (level == MLCE_LOG_WARNING) snprintf(warned, sizeof warned, "%s", message);
}

/* What a model with these keys says to the test data with so many layers (0: [N, D]). */
static mlce_status accept(const char *keys, int layers) {
    set_up();
    write_good(path, &(storage){.layers = layers});
    mlce_config *config = config_of(keys);
    mlce_model *model;
    mlce_dataset *dataset;
    assert_ok(mlce_model_new(config, WIDTH, good_types, TYPES, &model));
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    *warned = '\0';
    mlce_set_log(keep_warning, NULL);
    mlce_status status = mlce_model_accepts(model, dataset);
    mlce_set_log(NULL, NULL);
    mlce_dataset_close(dataset);
    mlce_model_free(model);
    mlce_config_free(config);
    tear_down();
    return status;
}

START_TEST(a_mix_wants_the_layers_that_the_data_has) {
    const char *three = "encoder.1.type=mix encoder.1.input_layers=3";
    assert_ok(accept(three, 3));
    assert_fails(accept(three, 0), MLCE_E_CONFIG, "there is nothing to mix");
    assert_fails(accept(three, 1), MLCE_E_CONFIG, "a.h5 keeps one layer");
    assert_ok(accept("model.head_size=4", 3)); /* without a mix the layers stand side by side */
}
END_TEST

START_TEST(a_window_wider_than_any_sequence_warns) {
    assert_ok(accept("encoder.1.type=cnn encoder.1.size=4 encoder.1.width=5", 0));
    ck_assert_ptr_nonnull(strstr(warned, "the windows of encoder.1 are 5 tokens wide"));
    ck_assert_ptr_nonnull(strstr(warned, "longest sequence has 3"));
    assert_ok(accept("encoder.1.type=cnn encoder.1.size=4 encoder.1.width=3", 0));
    ck_assert_str_eq(warned, "");
    assert_ok(accept("encoder.1.type=transformer encoder.1.size=8 encoder.1.window=2", 0));
    ck_assert_ptr_nonnull(strstr(warned, "5 tokens wide"));
    assert_ok(accept("encoder.1.type=transformer encoder.1.size=8", 0));
    ck_assert_str_eq(warned, "");
}
END_TEST

/* ---- Models ---- */

enum { FEATURES = 48, LONG = 430 };
static const int offsets[] = {0, 1, 1, 40, 41, 141, 300, 430};
static const mlce_span gold[] = {{0, 1, 0}, {3, 5, 1}, {2, 30, 0}, {7, 8, 1}};
static const int gold_offsets[] = {0, 1, 1, 2, 2, 3, 4, 4};

static float *step(mlce_model *model, size_t *bytes, float *loss_value) {
    static float x[LONG * FEATURES];
    mlce_random random = mlce_random_new(11, MLCE_STREAM_DATA);
    for (int i = 0; i < LONG * FEATURES; i++) x[i] = mlce_random_float(&random) - 0.5f;
    mlce_batch batch = {.sequences = 7,
                        .tokens = LONG,
                        .width = FEATURES,
                        .offsets = offsets,
                        .embeddings = x,
                        .spans = gold,
                        .span_offsets = gold_offsets};
    mlce_graph *g = mlce_graph_new();
    mlce_graph_set_random(g, 3, 1);
    mlce_parameters *p = mlce_model_parameters(model);
    mlce_parameters_clear_grads(p);
    mlce_output output = mlce_model_forward(model, g, &batch);
    mlce_node *loss = mlce_model_loss(model, g, &output, &batch);
    assert_ok(mlce_backward(g, loss));
    *loss_value = loss->value[0];
    mlce_graph_free(g);
    mlce_parameters_settle_grads(p);
    *bytes = mlce_parameters_size(p) * sizeof(float);
    float *copy = malloc(*bytes);
    memcpy(copy, mlce_parameters_grads(p), *bytes);
    return copy;
}

static const char *const stacks[] = {
    "encoder.1.type=cnn encoder.1.size=64 encoder.1.depth=2 encoder.1.dropout=0.2",
    "encoder.1.type=cnn encoder.1.size=40 encoder.1.pieces=3 encoder.1.width=5",
    "encoder.1.type=transformer encoder.1.size=48 encoder.1.depth=2 encoder.1.dropout=0.1",
    "encoder.1.type=transformer encoder.1.size=64 encoder.1.heads=2 encoder.1.window=9",
    "encoder.1.type=mix encoder.1.input_layers=4 encoder.2.type=transformer encoder.2.size=32 "
    "encoder.3.type=cnn encoder.3.size=24 model.dropout=0.3 model.dropout_kind=variational "
    "model.token_dropout=0.1",
};

START_TEST(a_step_has_the_same_bits_on_any_number_of_threads) {
    mlce_config *config = config_of(stacks[_i]);
    mlce_model *model;
    assert_ok(mlce_model_new(config, FEATURES, names, 2, &model));
    size_t bytes;
    float first_loss, loss;
    omp_set_num_threads(1);
    float *first = step(model, &bytes, &first_loss);
    for (int threads = 2; threads <= 4; threads *= 2) {
        omp_set_num_threads(threads);
        float *grads = step(model, &bytes, &loss);
        ck_assert_mem_eq(&loss, &first_loss, sizeof loss);
        ck_assert_mem_eq(grads, first, bytes);
        free(grads);
    }
    free(first);
    mlce_model_free(model);
    mlce_config_free(config);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, keys_that_no_data_fits_are_refused);
    tcase_add_test(cases, an_unknown_encoder_is_refused_with_those_there_are);
    tcase_add_test(cases, a_mix_of_features_that_are_no_layers_is_refused);
    tcase_add_test(cases, a_mix_wants_the_layers_that_the_data_has);
    tcase_add_test(cases, a_window_wider_than_any_sequence_warns);
    tcase_add_loop_test(cases, a_step_has_the_same_bits_on_any_number_of_threads, 0, COUNT(stacks));
}

int main(void) {
    return run_suite("encoder_keys", add);
}

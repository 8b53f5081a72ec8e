/* test_shape.c - features of how tokens are written: on their own, beside embeddings, in a model.
 */
#include <math.h>

#include "config.h"
#include "mlce/batch.h"
#include "mlce/model.h"
#include "mlce/shape.h"
#include "unit.h"

enum { COUNT = 12, LONGEST = 9, WIDTH = 6, BUCKETS = 32, ROW = MLCE_SHAPE_FLAGS + BUCKETS };

static const mlce_shape_options shape = {.buckets = BUCKETS, .ngram_min = 3, .ngram_max = 4};

/* ---- Rows ---- */

static void row_of(const char *token, float row[ROW]) {
    assert_ok(mlce_shape_rows(&shape, &token, 1, row, ROW));
}

START_TEST(letter_case_is_in_the_flags_alone) {
    float lower[ROW], upper[ROW];
    row_of("apple", lower);
    row_of("Apple", upper);
    ck_assert_float_eq(lower[0], 0);
    ck_assert_float_eq(upper[0], 1);
    ck_assert_mem_eq(lower + MLCE_SHAPE_FLAGS, upper + MLCE_SHAPE_FLAGS, BUCKETS * sizeof(float));
}
END_TEST

START_TEST(a_longer_token_has_no_larger_ngrams) {
    mlce_shape_options wide = {.buckets = 65536, .ngram_min = 3, .ngram_max = 3};
    static const char *const tokens[] = {"", "a", "Yes", "antidisestablishment"};
    static float row[MLCE_SHAPE_FLAGS + 65536];
    for (int t = 0; t < 4; t++) {
        double squares = 0;
        assert_ok(mlce_shape_rows(&wide, &tokens[t], 1, row, sizeof row / sizeof *row));
        for (int c = MLCE_SHAPE_FLAGS; c < MLCE_SHAPE_FLAGS + 65536; c++)
            squares += (double)row[c] * (double)row[c];
        ck_assert_double_eq_tol(sqrt(squares), 1, 1e-6);
    }
}
END_TEST

START_TEST(a_token_of_any_length_is_read) {
    size_t length = 1 << 20;
    char *token = malloc(length + 1);
    ck_assert_ptr_nonnull(token);
    for (size_t i = 0; i < length; i++) token[i] = (char)(1 + i * i % 255);
    token[length] = 0;
    float row[ROW];
    row_of(token, row);
    for (int c = 0; c < ROW; c++) ck_assert(isfinite(row[c]));
    free(token);
}
END_TEST

START_TEST(options_out_of_range_are_refused) {
    static const mlce_shape_options wrong[] = {
        {-1, 3, 4}, {65537, 3, 4}, {64, 1, 4}, {64, 3, 9}, {64, 4, 3}};
    const char *token = "x";
    float row[ROW];
    for (int i = 0; i < 5; i++) {
        assert_fails(mlce_shape_check(&wrong[i]), MLCE_E_ARGUMENT, "shape features of");
        ck_assert_int_eq(mlce_shape_rows(&wrong[i], &token, 1, row, 70000), MLCE_E_ARGUMENT);
    }
    assert_fails(mlce_shape_rows(&shape, &token, 1, row, ROW - 1), MLCE_E_ARGUMENT,
                 "47 numbers apart, but each has 48");
    assert_fails(mlce_shape_rows(&shape, &token, -1, row, ROW), MLCE_E_ARGUMENT, "-1 tokens");
}
END_TEST

START_TEST(without_buckets_there_are_no_features) {
    static const mlce_shape_options none = {0};
    const char *token = "x";
    float number = 5;
    ck_assert_int_eq(mlce_shape_width(&none), 0);
    assert_ok(mlce_shape_rows(&none, &token, 1, &number, 0));
    ck_assert_float_eq(number, 5);
}
END_TEST

/* ---- Beside embeddings ---- */

static char *folder, path[128];
static const char *const words[LONGEST] = {"In",           "Paris", ",",  "O'Neil", "met",
                                           "\xC3\x89mile", ".",     "An", "e-mail"};

static int length_of(int s) {
    return s * 5 % (LONGEST + 1);
}

static void write_dataset(mlce_precision precision, bool with_tokens) {
    static const char *const types[] = {"A"};
    mlce_dataset_spec spec = {.types = types,
                              .type_count = 1,
                              .width = WIDTH,
                              .precision = precision,
                              .token_text = with_tokens,
                              .spans = true};
    mlce_dataset_writer *writer;
    folder = make_folder();
    snprintf(path, sizeof path, "%s/data.h5", folder);
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    for (int s = 0; s < COUNT; s++) {
        float rows[LONGEST * WIDTH];
        for (int i = 0; i < LONGEST * WIDTH; i++) rows[i] = (float)(s * 100 + i) / 64;
        mlce_sequence sequence = {.length = length_of(s), .embeddings = rows, .token_text = words};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

static mlce_dataset *open_dataset(bool kept) {
    mlce_dataset *dataset;
    mlce_dataset_options options = {.memory = kept ? 1 << 20 : 0, .check_rows = true};
    assert_ok(mlce_dataset_open(path, &options, &dataset));
    ck_assert_int_eq(mlce_dataset_is_resident(dataset), kept);
    return dataset;
}

static void check_sequence(mlce_dataset *dataset, const mlce_batch *batch, int b) {
    float embeddings[LONGEST * WIDTH], features[LONGEST * ROW];
    int64_t s = batch->ids[b];
    int length = batch->offsets[b + 1] - batch->offsets[b];
    assert_ok(mlce_dataset_read(dataset, s, embeddings));
    assert_ok(mlce_shape_rows(&shape, words, length, features, ROW));
    for (int t = 0; t < length; t++) {
        const float *row = batch->embeddings + (batch->offsets[b] + t) * batch->width;
        ck_assert_mem_eq(row, embeddings + t * WIDTH, WIDTH * sizeof *row);
        ck_assert_mem_eq(row + WIDTH, features + t * ROW, ROW * sizeof *row);
    }
}

START_TEST(features_stand_beside_the_embeddings_however_they_are_stored) {
    write_dataset((mlce_precision)(_i / 2), true);
    mlce_dataset *read = open_dataset(true), *dataset = open_dataset(_i % 2);
    mlce_batch_options options = {.sequences = 5, .shuffle = true, .seed = 3, .shape = shape};
    mlce_batcher *batcher;
    const mlce_batch *batch;
    int seen = 0;
    assert_ok(mlce_batcher_new(dataset, &options, &batcher));
    assert_ok(mlce_batcher_start(batcher, 0));
    while (mlce_batcher_next(batcher, &batch) == MLCE_OK && batch) {
        ck_assert_int_eq(batch->width, WIDTH + ROW);
        for (int b = 0; b < batch->sequences; b++, seen++) check_sequence(read, batch, b);
    }
    ck_assert_int_eq(seen, COUNT);
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    mlce_dataset_close(read);
    remove_folder(folder);
}
END_TEST

START_TEST(a_dataset_without_tokens_is_refused_with_what_to_do) {
    write_dataset(MLCE_FLOAT16, false);
    mlce_dataset *dataset = open_dataset(_i);
    mlce_batch_options options = {.sequences = 5, .shape = shape};
    mlce_batcher *batcher;
    assert_fails(mlce_batcher_new(dataset, &options, &batcher), MLCE_E_DATA,
                 "has no /tokens/text, which features.shape is computed from: add the tokens");
    ck_assert_ptr_null(batcher);
    options.shape.ngram_min = 9;
    assert_fails(mlce_batcher_new(dataset, &options, &batcher), MLCE_E_ARGUMENT, "n-grams of 9");
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

/* ---- In a model ---- */

static const char *const names[] = {"A"};

static mlce_model *new_model(int width, const char *encoder) {
    mlce_config *config = new_config();
    mlce_model *model;
    assert_ok(mlce_config_assign(config, "features.shape=32"));
    assert_ok(mlce_config_assign(config, "model.head_size=4"));
    if (*encoder) {
        assert_ok(mlce_config_set(config, "encoder.1.type", encoder));
        assert_ok(mlce_config_assign(config, "encoder.1.input_layers=2"));
    }
    assert_ok(mlce_model_new(config, width, names, 1, &model));
    mlce_config_free(config);
    return model;
}

static mlce_status forward(mlce_model *model, const mlce_batch *batch) {
    mlce_graph *g = mlce_graph_new();
    mlce_model_forward(model, g, batch);
    mlce_status status = mlce_graph_status(g);
    mlce_graph_free(g);
    return status;
}

START_TEST(a_batch_without_the_features_does_not_fit) {
    static float rows[2 * (WIDTH + ROW)];
    mlce_batch batch = {
        .sequences = 1, .tokens = 2, .width = WIDTH, .offsets = (int[]){0, 2}, .embeddings = rows};
    mlce_model *model = new_model(WIDTH, "");
    ck_assert_int_eq(mlce_model_width(model), WIDTH);
    ck_assert_int_eq(mlce_model_input_width(model), WIDTH + ROW);
    assert_fails(forward(model, &batch), MLCE_E_ARGUMENT,
                 "6 features a token, but the model is for 54: 6 of the dataset and 48 of "
                 "features.shape");
    batch.width = WIDTH + ROW;
    assert_ok(forward(model, &batch));
    mlce_model_free(model);
}
END_TEST

START_TEST(a_mix_is_of_the_embeddings_alone) {
    static float rows[2 * (WIDTH + ROW)];
    mlce_batch batch = {.sequences = 1,
                        .tokens = 2,
                        .width = WIDTH + ROW,
                        .offsets = (int[]){0, 2},
                        .embeddings = rows};
    mlce_model *model = new_model(WIDTH, "mix");
    const mlce_parameters *parameters = mlce_model_parameters(model);
    const mlce_parameter *qk = NULL;
    for (int p = 0; p < mlce_parameters_count(parameters); p++)
        if (!strcmp(mlce_parameters_at(parameters, p)->name, "head.qk.weight"))
            qk = mlce_parameters_at(parameters, p);
    ck_assert_ptr_nonnull(qk);
    ck_assert_int_eq(qk->cols, WIDTH / 2 + ROW);
    assert_ok(forward(model, &batch));
    mlce_model_free(model);
}
END_TEST

static void check_not_accepted(mlce_model *model, const char *message) {
    mlce_dataset *dataset = open_dataset(true);
    assert_fails(mlce_model_accepts(model, dataset), MLCE_E_DATA, message);
    mlce_dataset_close(dataset);
    mlce_model_free(model);
}

START_TEST(a_dataset_must_have_the_models_width_and_tokens) {
    write_dataset(MLCE_FLOAT32, false);
    check_not_accepted(new_model(WIDTH, ""), "has no /tokens/text");
    check_not_accepted(new_model(WIDTH + ROW, ""),
                       "has 6 features a token, the model was made for 54 (beside which it "
                       "computes 48 by features.shape = 32)");
    remove_folder(folder);
}
END_TEST

START_TEST(ngrams_have_their_shortest_first) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "features.shape=8"));
    assert_ok(mlce_config_assign(config, "features.ngram_min=5"));
    assert_fails(mlce_model_check(config), MLCE_E_CONFIG,
                 "features.ngram_min = 5 is over features.ngram_max = 4");
    assert_ok(mlce_config_assign(config, "features.ngram_max=5"));
    assert_ok(mlce_model_check(config));
    mlce_config_free(config);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, letter_case_is_in_the_flags_alone);
    tcase_add_test(cases, a_longer_token_has_no_larger_ngrams);
    tcase_add_test(cases, a_token_of_any_length_is_read);
    tcase_add_test(cases, options_out_of_range_are_refused);
    tcase_add_test(cases, without_buckets_there_are_no_features);
    tcase_add_loop_test(cases, features_stand_beside_the_embeddings_however_they_are_stored, 0, 6);
    tcase_add_loop_test(cases, a_dataset_without_tokens_is_refused_with_what_to_do, 0, 2);
    tcase_add_test(cases, a_batch_without_the_features_does_not_fit);
    tcase_add_test(cases, a_mix_is_of_the_embeddings_alone);
    tcase_add_test(cases, a_dataset_must_have_the_models_width_and_tokens);
    tcase_add_test(cases, ngrams_have_their_shortest_first);
}

int main(void) {
    return run_suite("shape", add);
}

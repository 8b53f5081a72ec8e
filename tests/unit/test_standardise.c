/* test_standardise.c - embeddings brought to mean 0 and deviation 1 as a part of the model. */
#include <math.h>

#include "mlce/batch.h"
#include "mlce/model.h"
#include "mlce/optim.h"
#include "unit.h"

enum { WIDTH = 3, SHAPE = 8, INPUT = WIDTH + 16 + SHAPE };

static mlce_model *new_model(const char *standardise, const char *buckets) {
    static const char *const types[] = {"PER", "LOC"};
    mlce_config *config = mlce_config_new();
    mlce_model *model = NULL;
    assert_ok(mlce_config_set(config, "features.standardise", standardise));
    assert_ok(mlce_config_set(config, "features.shape", buckets));
    assert_ok(mlce_config_set(config, "model.head_size", "4"));
    assert_ok(mlce_model_new(config, WIDTH, types, 2, &model));
    mlce_config_free(config);
    return model;
}

static const mlce_parameter *find(mlce_model *model, const char *name) {
    return mlce_parameters_find(mlce_model_parameters(model), name);
}

/* Four tokens; the last column is the same in all. */
static const float rows[4 * WIDTH] = {1, -10, 5, 2, 10, 5, 3, -10, 5, 6, 10, 5};

static void write_rows(char path[128], char **folder) {
    static const char *const types[] = {"PER", "LOC"}, *const tokens[] = {"a", "B", "c", "D"};
    mlce_dataset_spec spec = {.types = types,
                              .type_count = 2,
                              .width = WIDTH,
                              .precision = MLCE_FLOAT32,
                              .token_text = true,
                              .spans = true};
    mlce_dataset_writer *writer;
    *folder = make_folder();
    snprintf(path, 128, "%s/data.h5", *folder);
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    for (int s = 0; s < 2; s++) {
        mlce_sequence sequence = {
            .length = 2, .embeddings = rows + s * 2 * WIDTH, .token_text = tokens + 2 * s};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

static mlce_model *fitted_model(const char *buckets) {
    char path[128], *folder;
    write_rows(path, &folder);
    mlce_dataset *dataset;
    mlce_model *model = new_model("yes", buckets);
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    assert_ok(mlce_model_fit_input(model, dataset));
    mlce_dataset_close(dataset);
    remove_folder(folder);
    return model;
}

START_TEST(mean_and_deviation_are_the_datas) {
    mlce_model *model = fitted_model("0");
    const float *mean = find(model, "input.mean")->value,
                *scale = find(model, "input.scale")->value;
    ck_assert_float_eq(mean[0], 3);
    ck_assert_float_eq_tol(scale[0], (float)(1 / sqrt(3.5)), 1e-6f);
    ck_assert_float_eq(mean[1], 0);
    ck_assert_float_eq_tol(scale[1], 0.1f, 1e-6f);
    mlce_model_free(model);
}
END_TEST

START_TEST(a_column_that_never_varies_is_only_shifted) {
    mlce_model *model = fitted_model("0");
    ck_assert_float_eq(find(model, "input.mean")->value[2], 5);
    ck_assert_float_eq(find(model, "input.scale")->value[2], 1);
    mlce_model_free(model);
}
END_TEST

START_TEST(features_beside_the_embeddings_stay_as_they_are) {
    mlce_model *model = fitted_model("8");
    const mlce_parameter *mean = find(model, "input.mean"), *scale = find(model, "input.scale");
    ck_assert_int_eq(mean->cols, INPUT);
    for (int c = WIDTH; c < INPUT; c++) {
        ck_assert_float_eq(mean->value[c], 0);
        ck_assert_float_eq(scale->value[c], 1);
    }
    mlce_model_free(model);
}
END_TEST

static mlce_batch batch_of(const float *embeddings) {
    static const int offsets[] = {0, 4}, span_offsets[] = {0, 1};
    static const mlce_span spans[] = {{0, 2, 1}};
    return (mlce_batch){.sequences = 1,
                        .tokens = 4,
                        .width = WIDTH,
                        .offsets = offsets,
                        .embeddings = embeddings,
                        .spans = spans,
                        .span_offsets = span_offsets};
}

START_TEST(scores_are_those_of_standardised_rows) {
    mlce_model *fitted = fitted_model("0"), *plain = new_model("no", "0");
    float standard[4 * WIDTH];
    for (int i = 0; i < 4 * WIDTH; i++) {
        int c = i % WIDTH;
        standard[i] = (rows[i] - find(fitted, "input.mean")->value[c]) *
                      find(fitted, "input.scale")->value[c];
    }
    for (int p = 0; p < mlce_parameters_count(mlce_model_parameters(plain)); p++) {
        mlce_parameter *to = mlce_parameters_at(mlce_model_parameters(plain), p);
        memcpy(to->value, find(fitted, to->name)->value,
               (size_t)to->rows * (size_t)to->cols * sizeof(float));
    }
    mlce_graph *graph = mlce_graph_new();
    mlce_batch raw = batch_of(rows), made = batch_of(standard);
    mlce_output a = mlce_model_forward(fitted, graph, &raw);
    mlce_output b = mlce_model_forward(plain, graph, &made);
    assert_ok(mlce_graph_status(graph));
    ck_assert_mem_eq(a.factors.qk->value, b.factors.qk->value, 4 * 2 * 4 * sizeof(float));
    mlce_graph_free(graph);
    mlce_model_free(fitted);
    mlce_model_free(plain);
}
END_TEST

START_TEST(training_leaves_mean_and_deviation_alone) {
    mlce_model *model = fitted_model("0");
    mlce_adam_options options = {
        .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1, .ema = 0.9};
    mlce_adam *adam = mlce_adam_new(mlce_model_parameters(model), &options);
    mlce_adam_group all = {.match = "*", .lr_scale = 1, .weight_decay = 0.5};
    mlce_graph *graph = mlce_graph_new();
    mlce_batch batch = batch_of(rows);
    float weight = find(model, "head.qk.weight")->value[0];
    assert_ok(mlce_adam_add_group(adam, &all, NULL));
    for (int step = 0; step < 3; step++) {
        mlce_graph_reset(graph);
        mlce_output output = mlce_model_forward(model, graph, &batch);
        assert_ok(mlce_backward(graph, mlce_model_loss(model, graph, &output, &batch)));
        assert_ok(mlce_adam_step(adam, 0.1, NULL));
    }
    ck_assert_float_ne(find(model, "head.qk.weight")->value[0], weight);
    ck_assert_float_eq(find(model, "input.mean")->value[0], 3);
    mlce_adam_exchange_average(adam);
    ck_assert_float_eq(find(model, "input.mean")->value[0], 3);
    ck_assert_float_eq_tol(find(model, "input.scale")->value[1], 0.1f, 1e-6f);
    ck_assert_uint_eq(mlce_parameters_numbers(mlce_model_parameters(model)),
                      WIDTH * 8 + 8 + WIDTH * 4 + 4);
    mlce_graph_free(graph);
    mlce_adam_free(adam);
    mlce_model_free(model);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, mean_and_deviation_are_the_datas);
    tcase_add_test(cases, a_column_that_never_varies_is_only_shifted);
    tcase_add_test(cases, features_beside_the_embeddings_stay_as_they_are);
    tcase_add_test(cases, scores_are_those_of_standardised_rows);
    tcase_add_test(cases, training_leaves_mean_and_deviation_alone);
}

int main(void) {
    return run_suite("standardise", add);
}

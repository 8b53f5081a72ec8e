/* test_train.c - whole runs on a small dataset: what they leave, that they repeat, what they
 * refuse. */
#include <omp.h>
#include <sys/stat.h>

#include "data/hdf5.h"
#include "mlce/export.h"
#include "mlce/train.h"

#include "easy_data.h"

enum { WIDTH = 12, SEQUENCES = 40 };

static const char *const names[] = {"red", "blue"};
static char folder[64];

static const char *in_folder(const char *name) {
    return path_in(folder, name);
}

static void write_data(const char *path, uint64_t seed, const char *const *types, bool swap) {
    write_easy_data(path, WIDTH, SEQUENCES, seed, types, swap);
}

static mlce_config *make_config(const char *output) {
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_set(config, "data.train", in_folder("train.h5")));
    assert_ok(mlce_config_set(config, "data.dev", in_folder("dev.h5")));
    assert_ok(mlce_config_set(config, "train.output", in_folder(output)));
    assert_ok(mlce_config_assign(config, "train.epochs=40"));
    assert_ok(mlce_config_assign(config, "train.batch_size=8"));
    assert_ok(mlce_config_assign(config, "optim.lr=0.01"));
    assert_ok(mlce_config_assign(config, "model.head_size=8"));
    assert_ok(mlce_config_assign(config, "model.dropout=0.1"));
    return config;
}

static void set_up(void) {
    strcpy(folder, make_folder());
    write_data(in_folder("train.h5"), 1, names, false);
    write_data(in_folder("dev.h5"), 2, names, false);
}

static void tear_down(void) {
    remove_folder(folder);
}

/* The weights that a run ends with, on the heap. */
static float *weights_of(const char *path, size_t *size) {
    mlce_model *model;
    assert_ok(mlce_model_load(path, &model));
    mlce_parameters *parameters = mlce_model_parameters(model);
    *size = mlce_parameters_size(parameters) * sizeof(float);
    float *weights = malloc(*size);
    memcpy(weights, mlce_parameters_values(parameters), *size);
    mlce_model_free(model);
    return weights;
}

static double dev_f1(mlce_model *model, const char *path) {
    mlce_dataset *dataset;
    mlce_metrics metrics;
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    assert_ok(mlce_model_accepts(model, dataset));
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, mlce_model_types(model)));
    assert_ok(mlce_evaluate(model, dataset, &metrics, NULL));
    double f1 = mlce_metrics_micro(&metrics).f1;
    mlce_metrics_free(&metrics);
    mlce_dataset_close(dataset);
    return f1;
}

START_TEST(a_run_learns_and_its_reloaded_checkpoint_gives_the_same_figures) {
    set_up();
    mlce_config *config = make_config("run");
    mlce_train_result result;
    assert_ok(mlce_train(config, NULL, &result));
    ck_assert_double_gt(result.best_f1, 0.9);
    ck_assert_double_eq(result.dev_f1, result.best_f1);
    ck_assert_int_eq(result.steps, 40 * 5);
    mlce_model *model;
    assert_ok(mlce_model_load(in_folder("run"), &model));
    ck_assert_double_eq(dev_f1(model, in_folder("dev.h5")), result.best_f1);
    ck_assert_str_eq(mlce_model_type_names(model)[1], "blue");
    ck_assert_str_eq(mlce_model_embedding(model), "noise");
    ck_assert_str_eq(mlce_config_string(mlce_model_config(model), "optim.lr"), "0.01");
    /* an export as hdf5 is the same model */
    assert_ok(mlce_export(model, "hdf5", in_folder("model.h5")));
    mlce_model_free(model);
    assert_ok(mlce_model_load(in_folder("model.h5"), &model));
    ck_assert_double_eq(dev_f1(model, in_folder("dev.h5")), result.best_f1);
    mlce_model_free(model);
    const char *const files[] = {"config.ini", "metrics.jsonl", "best.h5", "last.h5", "result.txt"};
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "run/%s", files[i]);
        ck_assert_msg(access(in_folder(name), R_OK) == 0, "%s is missing", name);
    }
    mlce_train_result_free(&result);
    mlce_config_free(config);
    tear_down();
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bits_with_any_number_of_threads) {
    set_up();
    size_t size, other_size;
    mlce_config *config = make_config("run1");
    assert_ok(mlce_config_assign(config, "train.epochs=3"));
    assert_ok(mlce_config_assign(config, "train.threads=1"));
    assert_ok(mlce_train(config, NULL, NULL));
    float *first = weights_of(in_folder("run1"), &size);
    for (int threads = 2; threads <= 4; threads += 2) {
        char value[8], name[8];
        snprintf(value, sizeof value, "%d", threads);
        snprintf(name, sizeof name, "run%d", threads);
        assert_ok(mlce_config_set(config, "train.threads", value));
        assert_ok(mlce_config_set(config, "train.output", in_folder(name)));
        assert_ok(mlce_train(config, NULL, NULL));
        float *weights = weights_of(in_folder(name), &other_size);
        ck_assert_uint_eq(other_size, size);
        ck_assert_mem_eq(weights, first, size);
        free(weights);
    }
    assert_ok(mlce_config_assign(config, "train.seed=2"));
    assert_ok(mlce_config_set(config, "train.output", in_folder("seed2")));
    assert_ok(mlce_train(config, NULL, NULL));
    float *other = weights_of(in_folder("seed2"), &size);
    ck_assert_mem_ne(other, first, size);
    free(first);
    free(other);
    mlce_config_free(config);
    tear_down();
}
END_TEST

/* Not to the bits of data that is in memory, which has another order: see README.md. */
START_TEST(streamed_data_trains_to_the_same_bits_with_any_number_of_threads) {
    set_up();
    size_t size;
    mlce_config *config = make_config("one");
    mlce_train_result one, two;
    assert_ok(mlce_config_assign(config, "train.epochs=2"));
    assert_ok(mlce_config_assign(config, "data.memory=0"));
    assert_ok(mlce_config_assign(config, "train.threads=1"));
    assert_ok(mlce_train(config, NULL, &one));
    float *first = weights_of(in_folder("one"), &size);
    assert_ok(mlce_config_assign(config, "train.threads=2"));
    assert_ok(mlce_config_set(config, "train.output", in_folder("two")));
    assert_ok(mlce_train(config, NULL, &two));
    float *second = weights_of(in_folder("two"), &size);
    ck_assert_mem_eq(first, second, size);
    ck_assert_str_eq(one.dev_table, two.dev_table);
    mlce_train_result_free(&one);
    mlce_train_result_free(&two);
    free(first);
    free(second);
    mlce_config_free(config);
    tear_down();
}
END_TEST

START_TEST(dev_types_in_another_order_are_the_same_types) {
    set_up();
    static const char *const turned[] = {"blue", "red"};
    mlce_config *config = make_config("run");
    mlce_train_result result, other;
    assert_ok(mlce_train(config, NULL, &result));
    write_data(in_folder("dev.h5"), 2, turned, true);
    assert_ok(mlce_config_set(config, "train.output", in_folder("turned")));
    assert_ok(mlce_train(config, NULL, &other));
    ck_assert_double_eq(result.dev_f1, other.dev_f1);
    ck_assert_str_eq(result.dev_table, other.dev_table);
    mlce_train_result_free(&result);
    mlce_train_result_free(&other);
    mlce_config_free(config);
    tear_down();
}
END_TEST

static void count_evaluations(const mlce_train_evaluation *e, void *context) {
    (void)e;
    ++*(int *)context;
}

START_TEST(patience_ends_a_run_that_no_longer_improves) {
    set_up();
    mlce_config *config = make_config("run");
    assert_ok(mlce_config_assign(config, "optim.lr=0"));
    assert_ok(mlce_config_assign(config, "train.patience=3"));
    int evaluations = 0;
    mlce_train_options options = {.evaluated = count_evaluations, .context = &evaluations};
    mlce_train_result result;
    assert_ok(mlce_train(config, &options, &result));
    ck_assert_int_eq(evaluations, 4);
    ck_assert(result.stopped_early);
    mlce_train_result_free(&result);
    mlce_config_free(config);
    tear_down();
}
END_TEST

START_TEST(evaluation_every_so_many_steps_includes_the_last_step) {
    set_up();
    mlce_config *config = make_config("run");
    assert_ok(mlce_config_assign(config, "train.epochs=3")); /* 15 steps */
    assert_ok(mlce_config_assign(config, "train.eval_steps=4"));
    int evaluations = 0;
    mlce_train_options options = {.evaluated = count_evaluations, .context = &evaluations};
    assert_ok(mlce_train(config, &options, NULL));
    ck_assert_int_eq(evaluations, 4);
    mlce_config_free(config);
    tear_down();
}
END_TEST

START_TEST(an_output_folder_that_exists_is_kept_unless_forced) {
    set_up();
    mlce_config *config = make_config("run");
    assert_ok(mlce_config_assign(config, "train.epochs=1"));
    assert_ok(mlce_train(config, NULL, NULL));
    assert_fails(mlce_train(config, NULL, NULL), MLCE_E_IO, "--force");
    mlce_train_options force = {.force = true};
    assert_ok(mlce_train(config, &force, NULL));
    assert_ok(mlce_config_set(config, "train.output", in_folder("train.h5/run")));
    assert_fails(mlce_train(config, &force, NULL), MLCE_E_IO, "train.output");
    mlce_config_free(config);
    tear_down();
}
END_TEST

START_TEST(a_run_that_cannot_start_says_why_and_leaves_no_folder) {
    set_up();
    static const char *const other_names[] = {"red", "green"};
    mlce_config *config = make_config("run");
    assert_ok(mlce_config_assign(config, "model.head_size=7"));
    assert_fails(mlce_train(config, NULL, NULL), MLCE_E_CONFIG, "model.head_size");
    assert_ok(mlce_config_assign(config, "model.head_size=8"));
    write_data(in_folder("dev.h5"), 2, other_names, false);
    assert_fails(mlce_train(config, NULL, NULL), MLCE_E_DATA, "green");
    assert_ok(mlce_config_assign(config, "data.train="));
    assert_fails(mlce_train(config, NULL, NULL), MLCE_E_CONFIG, "data.train is not set");
    ck_assert_int_ne(access(in_folder("run"), F_OK), 0);
    mlce_config_free(config);
    tear_down();
}
END_TEST

START_TEST(weights_that_do_not_fit_their_config_are_refused) {
    set_up();
    mlce_model *model;
    assert_fails(mlce_model_load(in_folder("nowhere"), &model), MLCE_E_IO, "nowhere");
    assert_fails(mlce_model_load(in_folder("train.h5"), &model), MLCE_E_DATA, "not a model");
    mlce_config *config = make_config("run");
    assert_ok(mlce_model_new(config, WIDTH, names, 2, &model));
    assert_fails(mlce_export(model, "pickle", in_folder("x")), MLCE_E_ARGUMENT,
                 "safetensors, onnx, hdf5");
    ck_assert_int_ne(access(in_folder("x"), F_OK), 0);
    mlce_model_free(model);
    mlce_config_free(config);
    tear_down();
}
END_TEST

/* 4 TiB, which must not be asked for because of a few bytes. */
START_TEST(a_file_gets_no_memory_for_weights_that_it_does_not_have) {
    set_up();
    mlce_h5 file;
    mlce_model *model;
    mlce_config *config = make_config("run");
    assert_ok(mlce_config_assign(config, "encoder.1.size=8"));
    assert_ok(mlce_model_new(config, WIDTH, names, 2, &model));
    assert_ok(mlce_export(model, "hdf5", in_folder("model.h5")));
    mlce_model_free(model);
    assert_ok(mlce_config_assign(config, "encoder.1.size=1048576"));
    char *json = mlce_config_to_json(config);
    assert_ok(mlce_h5_change(in_folder("model.h5"), "model.h5", &file));
    assert_ok(mlce_h5_write_text(&file, "/", "config", json));
    assert_ok(mlce_h5_write_integer(&file, "/", "width", 1048576));
    assert_ok(mlce_h5_close(&file));
    assert_fails(mlce_model_load(in_folder("model.h5"), &model), MLCE_E_DATA,
                 "its config asks for [1048576, 1048576]");
    free(json);
    mlce_config_free(config);
    tear_down();
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, a_run_learns_and_its_reloaded_checkpoint_gives_the_same_figures);
    tcase_add_test(cases, the_same_seed_gives_the_same_bits_with_any_number_of_threads);
    tcase_add_test(cases, streamed_data_trains_to_the_same_bits_with_any_number_of_threads);
    tcase_add_test(cases, dev_types_in_another_order_are_the_same_types);
    tcase_add_test(cases, patience_ends_a_run_that_no_longer_improves);
    tcase_add_test(cases, evaluation_every_so_many_steps_includes_the_last_step);
    tcase_add_test(cases, an_output_folder_that_exists_is_kept_unless_forced);
    tcase_add_test(cases, a_run_that_cannot_start_says_why_and_leaves_no_folder);
    tcase_add_test(cases, weights_that_do_not_fit_their_config_are_refused);
    tcase_add_test(cases, a_file_gets_no_memory_for_weights_that_it_does_not_have);
}

int main(void) {
    return run_suite("train", add_tests);
}

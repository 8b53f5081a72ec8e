/* test_regularisation.c - averages, groups and smoothed labels in whole runs and models. */
#include "train/checkpoint.h"

#include "data/hdf5.h"
#include "mlce/random.h"
#include "mlce/train.h"

#include "easy_data.h"

enum { WIDTH = 6, SEQUENCES = 24, MOST_EVALUATIONS = 64 };

static const char *const names[] = {"red", "blue"};
static char folder[64], train_path[96], dev_path[96];

static void set_up(void) {
    strcpy(folder, make_folder());
    snprintf(train_path, sizeof train_path, "%s/train.h5", folder);
    snprintf(dev_path, sizeof dev_path, "%s/dev.h5", folder);
    write_easy_data(train_path, WIDTH, SEQUENCES, 1, names, false);
    write_easy_data(dev_path, WIDTH, SEQUENCES, 2, names, false);
}

/* Trains into folder/output with further settings, ended by NULL. */
static mlce_status train(const char *output, const char *const *settings,
                         const mlce_train_options *options, mlce_train_result *result) {
    char path[96];
    mlce_config *config = mlce_config_new();
    snprintf(path, sizeof path, "%s/%s", folder, output);
    assert_ok(mlce_config_set(config, "data.train", train_path));
    assert_ok(mlce_config_set(config, "data.dev", dev_path));
    assert_ok(mlce_config_set(config, "train.output", path));
    assert_ok(mlce_config_assign(config, "train.epochs=6"));
    assert_ok(mlce_config_assign(config, "optim.lr=0.02"));
    assert_ok(mlce_config_assign(config, "model.head_size=4"));
    for (; *settings; settings++) assert_ok(mlce_config_assign(config, *settings));
    mlce_status status = mlce_train(config, options, result);
    mlce_config_free(config);
    return status;
}

/* A matrix of last.h5 of the run, on the heap. */
static float *read_matrix(const char *output, const char *name, size_t *bytes) {
    char path[96];
    snprintf(path, sizeof path, "%s/%s/last.h5", folder, output);
    mlce_h5 file = {0};
    float *values = NULL;
    size_t rows, cols;
    assert_ok(mlce_h5_open(path, &file));
    assert_ok(mlce_h5_read_matrix(&file, name, &values, &rows, &cols));
    assert_ok(mlce_h5_close(&file));
    *bytes = rows * cols * sizeof *values;
    return values;
}

static void assert_same(const char *run, const char *name, const char *other_run,
                        const char *other_name, bool same) {
    size_t bytes, other_bytes;
    float *values = read_matrix(run, name, &bytes),
          *others = read_matrix(other_run, other_name, &other_bytes);
    ck_assert_uint_eq(bytes, other_bytes);
    ck_assert_msg((memcmp(values, others, bytes) == 0) == same, "%s of %s, %s of %s", name, run,
                  other_name, other_run);
    free(values);
    free(others);
}

START_TEST(a_checkpoint_has_the_average_and_the_weights_that_training_goes_on_with) {
    set_up();
    assert_ok(train("plain", (const char *const[]){NULL}, NULL, NULL));
    const char *const averaged[] = {"optim.ema=0.95", "train.threads=1", NULL};
    assert_ok(train("averaged", averaged, NULL, NULL));
    assert_same("averaged", "/optimizer/weights/head.qk.weight", "plain",
                "/parameters/head.qk.weight", true);
    assert_same("averaged", "/parameters/head.qk.weight", "plain", "/parameters/head.qk.weight",
                false);
    const char *const threads[] = {"optim.ema=0.95", "train.threads=4", NULL};
    assert_ok(train("threads", threads, NULL, NULL));
    assert_same("averaged", "/parameters/head.qk.weight", "threads", "/parameters/head.qk.weight",
                true);
    remove_folder(folder);
}
END_TEST

START_TEST(what_is_evaluated_is_the_average) {
    set_up();
    const char *const settings[] = {"optim.ema=0.999", "loss.label_smoothing=0.1", NULL};
    mlce_train_result result;
    assert_ok(train("run", settings, NULL, &result));
    char path[96];
    snprintf(path, sizeof path, "%s/run", folder);
    mlce_model *model;
    mlce_dataset *dev;
    mlce_metrics metrics;
    assert_ok(mlce_model_load(path, &model));
    assert_ok(mlce_dataset_open(dev_path, NULL, &dev));
    assert_ok(mlce_model_accepts(model, dev));
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, 2));
    assert_ok(mlce_evaluate(model, dev, &metrics, NULL));
    ck_assert_double_eq(mlce_metrics_micro(&metrics).f1, result.best_f1);
    ck_assert_double_gt(result.best_f1, 0);
    mlce_metrics_free(&metrics);
    mlce_dataset_close(dev);
    mlce_model_free(model);
    mlce_train_result_free(&result);
    remove_folder(folder);
}
END_TEST

typedef struct evaluations {
    int count;
    mlce_train_evaluation items[MOST_EVALUATIONS];
} evaluations;

static void keep(const mlce_train_evaluation *e, void *context) {
    evaluations *l = context;
    ck_assert_int_lt(l->count, MOST_EVALUATIONS);
    l->items[l->count++] = *e;
}

START_TEST(of_evaluations_with_one_f1_the_lowest_loss_is_the_best) {
    set_up();
    evaluations l = {0};
    mlce_train_options options = {.evaluated = keep, .context = &l};
    /* so slow that F1 stays for many evaluations while the loss falls */
    const char *const settings[] = {"optim.lr=1e-5", "train.eval_steps=1", "train.epochs=8", NULL};
    assert_ok(train("run", settings, &options, NULL));
    double f1 = -1, loss = 0;
    int ties = 0;
    for (int n = 0; n < l.count; n++) {
        const mlce_train_evaluation *e = &l.items[n];
        bool tie = e->micro.f1 == f1 && e->dev_loss < loss;
        ck_assert(e->best == (e->micro.f1 > f1 || tie));
        ties += tie;
        if (!e->best) continue;
        f1 = e->micro.f1;
        loss = e->dev_loss;
    }
    ck_assert_int_gt(ties, 0);
    remove_folder(folder);
}
END_TEST

START_TEST(groups_train_parts_at_rates_of_their_own) {
    set_up();
    const char *const settings[] = {"optim.group.1.match=head.qk.*", "optim.group.1.lr_scale=0",
                                    "train.epochs=1", NULL};
    assert_ok(train("frozen", settings, NULL, NULL));
    const char *const longer[] = {"optim.group.1.match=head.qk.*", "optim.group.1.lr_scale=0",
                                  NULL};
    assert_ok(train("longer", longer, NULL, NULL));
    assert_same("frozen", "/parameters/head.qk.weight", "longer", "/parameters/head.qk.weight",
                true);
    assert_same("frozen", "/parameters/head.type_terms.weight", "longer",
                "/parameters/head.type_terms.weight", false);
    const char *const wrong[] = {"optim.group.1.match=encoder.1.*", NULL};
    assert_fails(train("wrong", wrong, NULL, NULL), MLCE_E_CONFIG,
                 "optim.group.1.match = 'encoder.1.*' matches no parameter: there are "
                 "head.qk.weight, head.qk.bias");
    remove_folder(folder);
}
END_TEST

/* ---- What is refused before data is read: there is none ---- */

static void refuse(const char *const *settings, const char *text) {
    strcpy(train_path, "nowhere.h5");
    strcpy(dev_path, "nowhere.h5");
    strcpy(folder, "/tmp/mlce-none");
    assert_fails(train("run", settings, NULL, NULL), MLCE_E_CONFIG, text);
}

START_TEST(what_cannot_be_is_refused_before_data_is_read) {
    refuse((const char *const[]){"loss.label_smoothing=0.1", "loss.name=topk_ce", NULL},
           "loss.label_smoothing has no effect with loss.name = topk_ce");
    refuse((const char *const[]){"loss.label_smoothing=0.1", "loss.name=softmax_ce", NULL},
           "loss.label_smoothing has no effect with loss.name = softmax_ce");
    refuse((const char *const[]){"optim.lr_end=0.1", NULL}, "optim.lr_end has no effect");
    refuse((const char *const[]){"optim.group.1.lr_scale=0.1", NULL},
           "optim.group.1.match is not set");
    refuse((const char *const[]){"optim.group.2.match=*", NULL}, "[optim.group.1]");
    refuse((const char *const[]){"optim.group.1.match=*", "optim.group.1.weight_decay=-0.5", NULL},
           "optim.group.1.weight_decay = -0.5");
}
END_TEST

/* ---- Label smoothing ---- */

static double loss_of(const char *head, const char *smoothing, const float *weights) {
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_set(config, "model.head", head));
    assert_ok(mlce_config_set(config, "loss.label_smoothing", smoothing));
    mlce_model *model;
    assert_ok(mlce_model_new(config, 3, names, 2, &model));
    static const int64_t ids[] = {0, 1};
    static const int offsets[] = {0, 1, 2}, span_offsets[] = {0, 1, 3};
    static const float embeddings[] = {0.5f, -1, 2, 1, 0, -0.25f};
    static const mlce_span spans[] = {{0, 1, 1}, {0, 1, 0}, {0, 1, 1}};
    mlce_batch batch = {2, 2, 3, ids, offsets, embeddings, spans, span_offsets, weights, NULL};
    mlce_graph *g = mlce_graph_new();
    mlce_output output = mlce_model_forward(model, g, &batch);
    mlce_node *loss = mlce_model_loss(model, g, &output, &batch);
    ck_assert_msg(loss != NULL, "%s", mlce_last_error());
    double value = (double)loss->value[0];
    mlce_graph_free(g);
    mlce_model_free(model);
    mlce_config_free(config);
    return value;
}

START_TEST(smoothing_is_a_factor_on_the_targets_of_the_gold) {
    static const char *const heads[] = {"multilabel_classifier", "efficient_global_pointer",
                                        "global_pointer"};
    static const float weights[] = {1, 0.5f, 0.25f}, smoothed[] = {0.75f, 0.375f, 0.1875f};
    static const float hard[] = {0.75f, 0.75f, 0.75f};
    for (int h = 0; h < 3; h++) {
        ck_assert_double_eq(loss_of(heads[h], "0.25", NULL), loss_of(heads[h], "0", hard));
        ck_assert_double_eq(loss_of(heads[h], "0.25", weights), loss_of(heads[h], "0", smoothed));
        ck_assert_double_ne(loss_of(heads[h], "0.25", NULL), loss_of(heads[h], "0", NULL));
    }
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, a_checkpoint_has_the_average_and_the_weights_that_training_goes_on_with);
    tcase_add_test(cases, what_is_evaluated_is_the_average);
    tcase_add_test(cases, of_evaluations_with_one_f1_the_lowest_loss_is_the_best);
    tcase_add_test(cases, groups_train_parts_at_rates_of_their_own);
    tcase_add_test(cases, what_cannot_be_is_refused_before_data_is_read);
    tcase_add_test(cases, smoothing_is_a_factor_on_the_targets_of_the_gold);
}

int main(void) {
    return run_suite("regularisation", add);
}

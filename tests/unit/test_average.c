/* Averages of models: their scores are the means of the models' own, one by one. */
#include <math.h>

#include "config.h"
#include "mlce/export.h"
#include "mlce/random.h"
#include "unit.h"

enum { WIDTH = 6, TOKENS = 14, SEQUENCES = 3, TYPES = 3, ROOM = 500 };

static const char *const names[] = {"red", "green", "blue"};
static const int offsets[] = {0, 5, 6, TOKENS};

/* A model as the assignments say, separated by blanks, with weights of its own. */
static mlce_model *make(const char *assignments, int seed) {
    mlce_config *config = new_config();
    char text[512], number[32];
    snprintf(text, sizeof text, "model.head_size=4 %s", assignments);
    for (char *next = strtok(text, " "); next; next = strtok(NULL, " "))
        assert_ok(mlce_config_assign(config, next));
    snprintf(number, sizeof number, "%d", seed);
    assert_ok(mlce_config_set(config, "train.seed", number));
    mlce_model *model;
    assert_ok(mlce_model_new(config, WIDTH, names, TYPES, &model));
    mlce_config_free(config);
    mlce_parameter *learned = mlce_parameters_find(mlce_model_parameters(model), "head.threshold");
    for (int a = 0; learned && a < TYPES; a++) learned->value[a] = 0.3f * (float)(a + seed);
    return model;
}

static mlce_model *make_labels(int seed) {
    mlce_config *config = new_config();
    char number[32];
    snprintf(number, sizeof number, "%d", seed);
    assert_ok(mlce_config_set(config, "model.head", "multilabel_classifier"));
    assert_ok(mlce_config_set(config, "train.seed", number));
    mlce_model *model;
    assert_ok(mlce_model_new(config, WIDTH, names, TYPES, &model));
    mlce_config_free(config);
    return model;
}

static mlce_batch make_batch(void) {
    static float rows[TOKENS * WIDTH];
    static const int64_t ids[] = {0, 1, 2};
    static const int spans[SEQUENCES + 1];
    mlce_random random = mlce_random_new(5, MLCE_STREAM_DATA);
    for (int i = 0; i < TOKENS * WIDTH; i++) rows[i] = 4 * mlce_random_float(&random) - 2;
    return (mlce_batch){.sequences = SEQUENCES,
                        .tokens = TOKENS,
                        .width = WIDTH,
                        .ids = ids,
                        .offsets = offsets,
                        .embeddings = rows,
                        .span_offsets = spans};
}

/* The scores of all spans, in their order, into scores[]; how many. */
static size_t all_scores(mlce_model *model, float *scores, size_t room) {
    mlce_batch batch = make_batch();
    mlce_graph *graph = mlce_graph_new();
    mlce_span_list list = {0};
    float *thresholds = mlce_model_thresholds(model), kept[TYPES];
    memcpy(kept, thresholds, sizeof kept);
    for (int a = 0; a < TYPES; a++) thresholds[a] = -1e30f;
    mlce_graph_set_training(graph, false);
    mlce_output output = mlce_model_forward(model, graph, &batch);
    assert_ok(mlce_graph_status(graph));
    assert_ok(mlce_model_decode(model, &output, &batch, &list));
    memcpy(thresholds, kept, sizeof kept);
    ck_assert_uint_le(list.count, room);
    for (size_t n = 0; n < list.count; n++) scores[n] = list.items[n].score;
    size_t count = list.count;
    mlce_span_list_free(&list);
    mlce_graph_free(graph);
    return count;
}

/* The average of the models, which it takes. */
static void check_mean(mlce_model **models, int count, size_t expected) {
    static float one[ROOM], mean[ROOM];
    double sums[ROOM] = {0};
    for (int m = 0; m < count; m++) {
        ck_assert_uint_eq(all_scores(models[m], one, ROOM), expected);
        for (size_t n = 0; n < expected; n++) sums[n] += (double)one[n];
    }
    mlce_model *average;
    assert_ok(mlce_model_average(models, count, &average));
    ck_assert_int_eq(mlce_model_members(average), count);
    ck_assert_uint_eq(all_scores(average, mean, ROOM), expected);
    for (size_t n = 0; n < expected; n++)
        ck_assert_double_eq_tol((double)mean[n], sums[n] / count, 1e-5);
    mlce_model_free(average);
}

enum { SPANS = (15 + 1 + 36) * TYPES };

START_TEST(a_mean_of_heads_is_the_mean_of_their_scores) {
    static const char *const kinds[] = {
        "model.head=efficient_global_pointer",
        "model.head=efficient_global_pointer model.head_size=6 encoder.1.type=mlp",
        "model.head=efficient_global_pointer model.rope=no model.head_size=3 model.type_terms=qk",
        "model.head=global_pointer model.head_size=2",
        "model.head=global_pointer loss.name=threshold_ce encoder.1.type=bilstm encoder.1.size=3",
        "loss.name=binary_ce encoder.1.type=cnn encoder.1.size=5"};
    for (int a = 0; a < COUNT(kinds); a++)
        for (int b = 0; b < COUNT(kinds); b++) {
            mlce_model *models[] = {make(kinds[a], 1), make(kinds[b], 2), make(kinds[0], 3)};
            check_mean(models, 3, SPANS);
        }
}
END_TEST

START_TEST(a_width_limit_holds_for_a_mean) {
    mlce_model *models[] = {make("model.max_width=2", 1), make("model.max_width=2", 2)};
    check_mean(models, 2, (9 + 1 + 15) * TYPES);
}
END_TEST

START_TEST(a_mean_of_label_scores) {
    mlce_model *models[] = {make_labels(1), make_labels(2), make_labels(3)};
    mlce_batch batch = make_batch();
    int items[TOKENS + 1], gold[TOKENS + 1] = {0};
    int64_t ids[TOKENS] = {0};
    for (int r = 0; r <= TOKENS; r++) items[r] = r;
    batch.sequences = TOKENS;
    batch.offsets = items;
    batch.span_offsets = gold;
    batch.ids = ids;
    double sums[TOKENS * TYPES] = {0};
    mlce_graph *graph = mlce_graph_new();
    mlce_graph_set_training(graph, false);
    for (int m = 0; m < 3; m++) {
        mlce_output output = mlce_model_forward(models[m], graph, &batch);
        for (int i = 0; i < TOKENS * TYPES; i++) sums[i] += (double)output.scores->value[i];
    }
    mlce_model *average;
    assert_ok(mlce_model_average(models, 3, &average));
    mlce_output output = mlce_model_forward(average, graph, &batch);
    assert_ok(mlce_graph_status(graph));
    for (int i = 0; i < TOKENS * TYPES; i++)
        ck_assert_double_eq_tol((double)output.scores->value[i], sums[i] / 3, 1e-6);
    mlce_node *loss = mlce_model_loss(average, graph, &output, &batch);
    assert_ok(mlce_graph_status(graph));
    ck_assert(isfinite(loss->value[0]));
    mlce_model_free(average);
    mlce_graph_free(graph);
}
END_TEST

START_TEST(the_average_of_one_model_has_its_bits) {
    static float alone[ROOM], averaged[ROOM];
    mlce_model *model = make("model.head=efficient_global_pointer", 1), *average;
    size_t count = all_scores(model, alone, ROOM);
    assert_ok(mlce_model_average(&model, 1, &average));
    ck_assert_uint_eq(all_scores(average, averaged, ROOM), count);
    ck_assert_mem_eq(alone, averaged, count * sizeof *alone);
    mlce_model_free(average);
}
END_TEST

START_TEST(the_configured_threshold_is_every_types) {
    mlce_model *model = make("model.threshold=-0.5", 1);
    for (int a = 0; a < TYPES; a++) ck_assert_float_eq(mlce_model_thresholds(model)[a], -0.5f);
    mlce_model_free(model);
}
END_TEST

START_TEST(stored_thresholds_are_averaged) {
    mlce_model *models[] = {make("", 1), make("", 2)}, *average;
    for (int a = 0; a < TYPES; a++) {
        mlce_model_thresholds(models[0])[a] = (float)a;
        mlce_model_thresholds(models[1])[a] = 1;
    }
    assert_ok(mlce_model_average(models, 2, &average));
    for (int a = 0; a < TYPES; a++)
        ck_assert_float_eq(mlce_model_thresholds(average)[a], (float)(a + 1) / 2);
    mlce_model_free(average);
}
END_TEST

/* The two models do not go together, and the message says why; they stay the caller's. */
static void refuse(mlce_model *a, mlce_model *b, const char *why) {
    mlce_model *models[] = {a, b}, *average = a;
    assert_fails(mlce_model_average(models, 2, &average), MLCE_E_ARGUMENT, why);
    ck_assert_ptr_null(average);
    mlce_model_free(a);
    mlce_model_free(b);
}

static mlce_model *make_of(int width, const char *const *type_names, int types) {
    mlce_config *config = new_config();
    mlce_model *model;
    assert_ok(mlce_model_new(config, width, type_names, types, &model));
    mlce_config_free(config);
    return model;
}

START_TEST(models_that_do_not_go_together_are_refused) {
    static const char *const swapped[] = {"red", "blue", "green"};
    refuse(make("", 1), make_labels(1), "it is for items");
    refuse(make("", 1), make_of(WIDTH + 1, names, TYPES), "7 features a token");
    refuse(make("", 1), make_of(WIDTH, names, 2), "it has 2 types, the first model has 3");
    refuse(make("", 1), make_of(WIDTH, swapped, TYPES), "its type 1 is 'blue'");
    refuse(make("", 1), make("model.max_width=3", 1), "model.max_width = 3");
    refuse(make("", 1), make("loss.name=topk_ce", 1), "loss.name = topk_ce");
    mlce_model *average;
    assert_fails(mlce_model_average(NULL, 0, &average), MLCE_E_ARGUMENT, "no average");
}
END_TEST

START_TEST(an_average_is_neither_saved_nor_exported) {
    mlce_model *models[] = {make("", 1), make("", 2)}, *average;
    assert_ok(mlce_model_average(models, 2, &average));
    assert_fails(mlce_export(average, "hdf5", "/tmp/x.h5"), MLCE_E_ARGUMENT, "export each");
    assert_fails(mlce_model_store_thresholds(average, "/tmp/x.h5"), MLCE_E_ARGUMENT, "no file");
    mlce_model_free(average);
}
END_TEST

static void add_cases(TCase *cases) {
    tcase_add_test(cases, a_mean_of_heads_is_the_mean_of_their_scores);
    tcase_add_test(cases, a_width_limit_holds_for_a_mean);
    tcase_add_test(cases, a_mean_of_label_scores);
    tcase_add_test(cases, the_average_of_one_model_has_its_bits);
    tcase_add_test(cases, the_configured_threshold_is_every_types);
    tcase_add_test(cases, stored_thresholds_are_averaged);
    tcase_add_test(cases, models_that_do_not_go_together_are_refused);
    tcase_add_test(cases, an_average_is_neither_saved_nor_exported);
}

int main(void) {
    return run_suite("average", add_cases);
}

/* test_onnx.c - every encoder and head states its ONNX graph. What the graphs compute is compared
 * with onnxruntime in tests/tools/test_onnx.sh. */
#include "config.h"
#include "export/onnx_records.h"
#include "mlce/export.h"
#include "model/parts.h"

enum { WIDTH = 12 };

static const char *const names[] = {"PER", "LOC"};

/* The choices of a key, "a|b|c". */
static const char *choices_of(const char *name) {
    for (const mlce_config_key *const *table = mlce_config_tables(); *table; table++)
        for (const mlce_config_key *key = *table; key->name; key++)
            if (strcmp(key->name, name) == 0) return key->choices;
    ck_abort_msg("no key %s", name);
    return NULL;
}

static mlce_model *model_of(const char *keys) {
    mlce_config *config = config_of(keys);
    mlce_model *model;
    assert_ok(mlce_model_new(config, WIDTH, names, 2, &model));
    mlce_config_free(config);
    return model;
}

/* Every input of a node is an input of the graph, a constant or what a node before made. */
static bool is_known(const mlce_onnx *o, const mlce_onnx_node_record *until, const char *name) {
    for (int i = 0; i < 2; i++)
        if (strcmp(o->inputs[i].name, name) == 0) return true;
    for (const mlce_onnx_tensor_record *t = o->tensors; t; t = t->next)
        if (strcmp(t->name, name) == 0) return true;
    for (const mlce_onnx_node_record *n = o->nodes; n != until; n = n->next)
        if (strcmp(n->output, name) == 0) return true;
    return false;
}

static void check_graph(const char *keys) {
    mlce_model *model = model_of(keys);
    mlce_onnx *o = mlce_onnx_new();
    assert_ok(mlce_model_to_onnx(model, o));
    for (const mlce_onnx_node_record *n = o->nodes; n; n = n->next)
        for (int i = 0; i < n->input_count; i++)
            ck_assert_msg(is_known(o, n, n->inputs[i]), "%s: %s has an unknown input %s", keys,
                          n->output, n->inputs[i]);
    ck_assert_str_eq(o->last->output, "scores");
    ck_assert_str_eq(o->output.name, "scores");
    mlce_onnx_free(o);
    mlce_model_free(model);
}

/* Calls check_graph() with "<key>=<choice> <others>" for each choice of a key. */
static void check_all(const char *declared, const char *key, const char *others) {
    char choices[256], keys[512];
    snprintf(choices, sizeof choices, "%s", choices_of(declared));
    for (char *rest, *choice = strtok_r(choices, "|", &rest); choice;
         choice = strtok_r(NULL, "|", &rest)) {
        const char *layers = strcmp(choice, "mix") ? "" : " encoder.1.input_layers=2";
        snprintf(keys, sizeof keys, "%s=%s%s %s", key, choice, layers, others);
        check_graph(keys);
    }
}

START_TEST(every_encoder_states_its_graph) {
    check_all("encoder.*.type", "encoder.1.type", "model.head_size=4");
    check_all("encoder.*.type", "encoder.1.type", "model.head=multilabel_classifier");
}
END_TEST

START_TEST(every_head_states_its_graph) {
    check_all("model.head", "model.head", "");
    check_all("model.head", "model.head", "loss.name=threshold_ce");
}
END_TEST

START_TEST(what_is_used_twice_is_made_once) {
    mlce_onnx *o = mlce_onnx_new();
    ck_assert_ptr_nonnull(mlce_onnx_begin(o, WIDTH, false));
    ck_assert_ptr_eq(mlce_onnx_int(o, 7), mlce_onnx_int(o, 7));
    ck_assert_ptr_eq(mlce_onnx_scalar(o, 0.5f), mlce_onnx_scalar(o, 0.5f));
    ck_assert_ptr_eq(mlce_onnx_ints(o, MLCE_ONNX_DIMS(1, 2)),
                     mlce_onnx_ints(o, MLCE_ONNX_DIMS(1, 2)));
    ck_assert_ptr_ne(mlce_onnx_ints(o, MLCE_ONNX_DIMS(1, 2)),
                     mlce_onnx_ints(o, MLCE_ONNX_DIMS(12)));
    ck_assert_ptr_ne(mlce_onnx_ints(o, MLCE_ONNX_DIMS(7)), mlce_onnx_int(o, 7));
    ck_assert_ptr_eq(mlce_onnx_distances(o), mlce_onnx_distances(o));
    ck_assert_ptr_eq(mlce_onnx_valid(o), mlce_onnx_valid(o));
    mlce_onnx_free(o);
}
END_TEST

START_TEST(a_missing_value_makes_no_node) {
    mlce_onnx *o = mlce_onnx_new();
    ck_assert_ptr_null(MLCE_ONNX(o, "Add", NULL, mlce_onnx_int(o, 1)));
    ck_assert_int_eq(o->node_count, 0);
    mlce_onnx_free(o);
}
END_TEST

/* With ONNX built in there is a file; without it the message says what to install. */
START_TEST(a_model_is_written_or_the_message_says_what_the_build_lacks) {
    char *folder = make_folder(), path[96];
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    mlce_model *model = model_of("model.head_size=4 encoder.1.type=bilstm");
    mlce_status status = mlce_export(model, "onnx", path);
    if (status) {
        ck_assert_int_eq(status, MLCE_E_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(mlce_last_error(), "libprotobuf-c-dev"));
    }
    ck_assert_int_eq(access(path, F_OK) == 0, status == MLCE_OK);
    mlce_model_free(model);
    remove_folder(folder);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, every_encoder_states_its_graph);
    tcase_add_test(cases, every_head_states_its_graph);
    tcase_add_test(cases, what_is_used_twice_is_made_once);
    tcase_add_test(cases, a_missing_value_makes_no_node);
    tcase_add_test(cases, a_model_is_written_or_the_message_says_what_the_build_lacks);
}

int main(void) {
    return run_suite("onnx", add_tests);
}

/* test_import.c - weights from safetensors files: what fits, what does not, and files made to do
 * harm. */
#include <float.h>
#include <math.h>
#include <stdint.h>

#include "config.h"
#include "mlce/export.h"

enum { WIDTH = 3 };

static const char KEYS[] = "model.head=multilabel_classifier";
/* What that model has for two labels, as float32. */
#define SCORES(weight, bias) "{\"head.scores.weight\":" weight ",\"head.scores.bias\":" bias "}"
#define WEIGHT               "{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"
#define BIAS                 "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}"

static const float NUMBERS[8] = {1, 2, 3, 4, 5, 6, 0.5f, -0.5f};

static char folder[64], path[96], types_path[96];

static void set_up(void) {
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/weights.safetensors", folder);
    snprintf(types_path, sizeof types_path, "%s/types.txt", folder);
    FILE *file = fopen(types_path, "w");
    fputs("red\nblue\n", file);
    fclose(file);
}

static void tear_down(void) {
    remove_folder(folder);
}

/* A file of a header of which it says that it has `length` bytes, and numbers. */
static void write_raw(uint64_t length, const char *header, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    for (int b = 0; b < 8; b++) putc((int)(length >> 8 * b & 0xFF), file);
    fputs(header, file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static void write_file(const char *header, const void *data, size_t size) {
    write_raw(strlen(header), header, data, size);
}

static mlce_status import(const char *keys, const char *types, mlce_model **model) {
    mlce_config *config = config_of(keys);
    mlce_status status = mlce_import(path, config, types, model);
    mlce_config_free(config);
    return status;
}

static void check_refused(const char *message) {
    mlce_model *model;
    assert_fails(import(KEYS, types_path, &model), MLCE_E_DATA, message);
    ck_assert_ptr_nonnull(strstr(mlce_last_error(), path));
    ck_assert_ptr_null(model);
}

static void refuse_header(const char *header, const char *message) {
    write_file(header, NUMBERS, sizeof NUMBERS);
    check_refused(message);
}

static void check_weights(const char *keys, const float *expected) {
    mlce_model *model;
    assert_ok(import(keys, types_path, &model));
    ck_assert_int_eq(mlce_model_width(model), WIDTH);
    ck_assert_str_eq(mlce_model_type_names(model)[1], "blue");
    const mlce_parameters *parameters = mlce_model_parameters(model);
    const float *weight = mlce_parameters_find(parameters, "head.scores.weight")->value;
    const float *bias = mlce_parameters_find(parameters, "head.scores.bias")->value;
    ck_assert_mem_eq(weight, expected, 6 * sizeof *weight);
    ck_assert_mem_eq(bias, expected + 6, 2 * sizeof *bias);
    mlce_model_free(model);
}

START_TEST(weights_of_every_precision_are_taken) {
    set_up();
    write_file(SCORES(WEIGHT, BIAS), NUMBERS, sizeof NUMBERS);
    check_weights(KEYS, NUMBERS);
    double doubles[8];
    uint16_t halves[8] = {0x3C00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x3800, 0xB800},
             brains[8];
    for (int i = 0; i < 8; i++) {
        uint32_t bits;
        doubles[i] = (double)NUMBERS[i];
        memcpy(&bits, &NUMBERS[i], sizeof bits);
        brains[i] = (uint16_t)(bits >> 16);
    }
    write_file(SCORES("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]}",
                      "{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[48,64]}"),
               doubles, sizeof doubles);
    check_weights(KEYS, NUMBERS);
    write_file(SCORES("{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]}",
                      "{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[12,16]}"),
               halves, sizeof halves);
    check_weights(KEYS, NUMBERS);
    write_file(SCORES("{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]}",
                      "{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[12,16]}"),
               brains, sizeof brains);
    check_weights(KEYS, NUMBERS);
    tear_down();
}
END_TEST

/* The model as it was, also where nothing but its shapes tells the width of the embeddings. */
static void check_round_trip(const char *keys, int width) {
    static const char *const names[] = {"a", "b", "c"};
    mlce_config *config = config_of(keys), *read = new_config();
    mlce_model *model, *again;
    assert_ok(mlce_model_new(config, width, names, 3, &model));
    assert_ok(mlce_model_set_embedding(model, "made up"));
    mlce_model_thresholds(model)[2] = 0.1f;
    assert_ok(mlce_export(model, "safetensors", path));
    assert_ok(mlce_import_config(path, read));
    assert_same(config, read);
    assert_ok(mlce_import(path, read, NULL, &again));
    ck_assert_int_eq(mlce_model_width(again), width);
    ck_assert_str_eq(mlce_model_type_names(again)[2], "c");
    ck_assert_str_eq(mlce_model_embedding(again), "made up");
    ck_assert(mlce_model_thresholds(again)[2] == 0.1f);
    const mlce_parameters *one = mlce_model_parameters(model),
                          *other = mlce_model_parameters(again);
    ck_assert_uint_eq(mlce_parameters_size(one), mlce_parameters_size(other));
    ck_assert_mem_eq(mlce_parameters_values(one), mlce_parameters_values(other),
                     mlce_parameters_size(one) * sizeof(float));
    mlce_model_free(model);
    mlce_model_free(again);
    mlce_config_free(config);
    mlce_config_free(read);
}

START_TEST(an_exported_model_comes_back_as_it_was) {
    set_up();
    check_round_trip("model.head_size=4", 6);
    check_round_trip("model.head_size=4", 1);
    check_round_trip("model.head=multilabel_classifier loss.name=threshold_ce", 5);
    check_round_trip("encoder.1.type=bilstm encoder.1.size=4 encoder.1.layers=2", 6);
    check_round_trip("encoder.1.type=cnn encoder.1.size=8", 6);
    check_round_trip("encoder.1.type=cnn encoder.1.size=8", 8);
    check_round_trip("encoder.1.type=transformer encoder.1.size=8 encoder.1.heads=2", 8);
    check_round_trip("encoder.1.type=mix encoder.1.input_layers=3", 12);
    check_round_trip(
        "encoder.1.type=mix encoder.1.input_layers=3 encoder.2.type=transformer "
        "encoder.2.size=8",
        24);
    check_round_trip("features.shape=8 encoder.1.type=transformer encoder.1.size=32", 8);
    check_round_trip(
        "features.shape=8 encoder.1.type=mix encoder.1.input_layers=3 "
        "encoder.2.type=cnn encoder.2.size=28",
        12);
    tear_down();
}
END_TEST

START_TEST(what_does_not_fit_the_model_is_listed) {
    set_up();
    mlce_model *model;
    write_file("{\"head.scores.weight\":" WEIGHT ",\"other\":" BIAS "}", NUMBERS, sizeof NUMBERS);
    check_refused("missing: head.scores.bias; surplus: other");
    write_file(SCORES("{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}", BIAS), NUMBERS,
               sizeof NUMBERS);
    check_refused("of another shape: head.scores.weight is [3, 2], not [2, ");
    write_file(SCORES(WEIGHT, BIAS), NUMBERS, sizeof NUMBERS);
    assert_fails(import("model.head_size=4", types_path, &model), MLCE_E_DATA,
                 "missing: head.qk.weight, head.qk.bias, head.type_terms.weight");
    assert_fails(import("model.head=multilabel_classifier encoder.1.type=mlp", types_path, &model),
                 MLCE_E_DATA, "missing: encoder.1.layer.1.weight, encoder.1.layer.1.bias");
    assert_fails(import("encoder.1.type=cnn encoder.1.width=2", types_path, &model), MLCE_E_CONFIG,
                 "odd");
    tear_down();
}
END_TEST

START_TEST(types_come_from_the_metadata_or_a_file) {
    set_up();
    mlce_model *model;
    write_file(
        "{\"__metadata__\":{\"types\":\"[\\\"x\\\",\\\"y\\\"]\"},\"head.scores.weight\":" WEIGHT
        ",\"head.scores.bias\":" BIAS "}",
        NUMBERS, sizeof NUMBERS);
    assert_ok(import(KEYS, NULL, &model));
    ck_assert_str_eq(mlce_model_type_names(model)[0], "x");
    mlce_model_free(model);
    check_weights(KEYS, NUMBERS); /* a file given goes before the metadata */
    write_file(SCORES(WEIGHT, BIAS), NUMBERS, sizeof NUMBERS);
    assert_fails(import(KEYS, NULL, &model), MLCE_E_DATA, "names no types");
    assert_fails(import(KEYS, path, &model), MLCE_E_DATA, ":1: byte 1 (0x90) is not UTF-8");
    assert_fails(import(KEYS, "/nowhere/types", &model), MLCE_E_IO, "/nowhere/types");
    write_file("{\"__metadata__\":{\"types\":\"[1]\"}}", "", 0);
    assert_fails(import(KEYS, NULL, &model), MLCE_E_DATA, "type 0 is no text");
    write_file("{\"__metadata__\":{\"types\":\"[\\\"x\\\",\\\"x\\\"]\"}}", "", 0);
    assert_fails(import(KEYS, NULL, &model), MLCE_E_DATA, "both named 'x'");
    tear_down();
}
END_TEST

START_TEST(numbers_that_are_no_weights_are_refused) {
    set_up();
    float bad[8];
    memcpy(bad, NUMBERS, sizeof bad);
    bad[7] = NAN;
    write_file(SCORES(WEIGHT, BIAS), bad, sizeof bad);
    check_refused("head.scores.bias': number 1 is not finite");
    double huge[8] = {DBL_MAX};
    write_file(SCORES("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]}",
                      "{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[48,64]}"),
               huge, sizeof huge);
    check_refused("head.scores.weight': number 0 is not finite as float32");
    write_file(SCORES("{\"dtype\":\"I32\",\"shape\":[2,3],\"data_offsets\":[0,24]}", BIAS), NUMBERS,
               sizeof NUMBERS);
    check_refused("is I32: weights are F64");
    tear_down();
}
END_TEST

START_TEST(a_header_that_is_not_all_there_is_refused) {
    set_up();
    const char *header = SCORES(WEIGHT, BIAS);
    write_raw(UINT64_MAX, header, NUMBERS, sizeof NUMBERS);
    check_refused("its header would have 18446744073709551615 bytes");
    write_raw(UINT64_MAX - 7, header, NUMBERS, sizeof NUMBERS);
    check_refused("its header would have");
    write_raw(100000001, header, NUMBERS, sizeof NUMBERS);
    check_refused("its header would have 100000001 bytes");
    write_raw(strlen(header) + sizeof NUMBERS + 1, header, NUMBERS, sizeof NUMBERS);
    check_refused("its header would have");
    write_raw(0, "", "", 0);
    check_refused("not right JSON");
    for (long size = 0; size < 8 + (long)strlen(header) + (long)sizeof NUMBERS; size += 5) {
        write_file(header, NUMBERS, sizeof NUMBERS);
        ck_assert_int_eq(truncate(path, size), 0);
        mlce_model *model;
        ck_assert_int_eq(import(KEYS, types_path, &model), MLCE_E_DATA);
    }
    tear_down();
}
END_TEST

START_TEST(a_header_that_breaks_a_rule_is_refused) {
    set_up();
    const char *json = "not right JSON";
    refuse_header("[]", json);
    refuse_header(" {}", json);
    refuse_header("{\"a\":" WEIGHT, json);
    refuse_header("{\"a\":" WEIGHT ",\"a\":" BIAS "}", "duplicate");
    refuse_header("{\"a\":" WEIGHT ",\"b\\u0000\":" BIAS "}", json);
    refuse_header("{\"__metadata__\":{\"format\":1}}", "must be an object of texts");
    refuse_header("{\"__metadata__\":[]}", "must be an object of texts");
    const char *members = "needs dtype, shape and data_offsets";
    refuse_header("{\"a\":1}", members);
    refuse_header("{\"a\":{}}", members);
    refuse_header("{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", members);
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", members);
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}",
                  members);
    refuse_header("{\"a\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}}", "no type");
    tear_down();
}
END_TEST

START_TEST(places_outside_the_file_or_in_another_tensor_are_refused) {
    set_up();
#define TENSOR(shape, offsets)                                                                     \
    "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
    refuse_header("{\"a\":" TENSOR("[9]", "[0,36]") "}", "are not among the file's 32");
    refuse_header("{\"a\":" TENSOR("[2]", "[8,0]") "}", "are not among the file's");
    refuse_header("{\"a\":" TENSOR("[2]", "[-8,0]") "}", "two whole numbers");
    refuse_header("{\"a\":" TENSOR("[2]", "[0,8,9]") "}", "two whole numbers");
    refuse_header("{\"a\":" TENSOR("[2]", "[0.0,8]") "}", "two whole numbers");
    refuse_header("{\"a\":" TENSOR("[2]", "[0,9223372036854775807]") "}", "not among the file's");
    refuse_header("{\"a\":" TENSOR("[2]", "[0,99999999999999999999]") "}", "not right JSON");
    refuse_header("{\"a\":" TENSOR("[-2]", "[0,8]") "}", "its shape is not");
    refuse_header("{\"a\":" TENSOR("[2.0]", "[0,8]") "}", "its shape is not");
    refuse_header("{\"a\":" TENSOR("[4294967296,4294967296]", "[0,0]") "}", "its shape is not");
    refuse_header("{\"a\":" TENSOR("[4611686018427387904]", "[0,0]") "}", "its shape is not");
    refuse_header("{\"a\":" TENSOR("[3]", "[0,8]") "}", "differ in size");
    refuse_header("{\"a\":" TENSOR("[6]", "[0,24]") ",\"b\":" TENSOR("[4]", "[16,32]") "}",
                  "overlaps");
    refuse_header("{\"a\":" TENSOR("[8]", "[0,32]") ",\"b\":" TENSOR("[8]", "[0,32]") "}",
                  "overlaps");
    refuse_header("{\"a\":" TENSOR("[4]", "[0,16]") ",\"b\":" TENSOR("[2]", "[24,32]") "}", "hole");
    refuse_header("{\"a\":" TENSOR("[7]", "[4,32]") "}", "hole");
    refuse_header("{\"a\":" TENSOR("[4]", "[0,16]") "}", "16 bytes at its end");
    refuse_header("{}", "32 bytes at its end");
    /* Right in itself: only the model has no such tensors. */
    refuse_header("{\"a\":" TENSOR("[0,4294967296,4294967296]",
                                   "[0,0]") ",\"b\":" TENSOR("[8,1,1]", "[0,32]") "}",
                  "surplus: a, b");
    tear_down();
}
END_TEST

/* Each layer of the model is there, empty, as if of another width, among many tensors besides. */
START_TEST(a_large_header_is_refused_soon) {
    enum { LAYERS = 512, OTHERS = 50000 };
    static const char keys[] =
        "encoder.1.type=mlp encoder.2.type=mlp encoder.3.type=mlp encoder.4.type=mlp "
        "encoder.5.type=mlp encoder.6.type=mlp encoder.7.type=mlp encoder.8.type=mlp "
        "encoder.1.depth=64 encoder.2.depth=64 encoder.3.depth=64 encoder.4.depth=64 "
        "encoder.5.depth=64 encoder.6.depth=64 encoder.7.depth=64 encoder.8.depth=64";
    static char header[96 * (LAYERS + OTHERS)];
    char *end = header + sprintf(header, "{");
    for (int i = 0; i < LAYERS; i++)
        end += sprintf(end,
                       "\"encoder.%d.layer.%d.weight\":{\"dtype\":\"F32\",\"shape\":[0,%d],"
                       "\"data_offsets\":[0,0]},",
                       i / 64 + 1, i % 64 + 1, 1000 + i);
    for (int i = 0; i < OTHERS; i++)
        end +=
            sprintf(end, "\"other.%d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}%s",
                    i, i + 1 < OTHERS ? "," : "}");
    set_up();
    alarm(20);
    write_file(header, NUMBERS, 0);
    mlce_model *model;
    assert_fails(import(keys, types_path, &model), MLCE_E_DATA, "and more; surplus: other.");
    ck_assert_ptr_nonnull(strstr(mlce_last_error(), "of another shape: encoder.1.layer.1.weight"));
    alarm(0);
    tear_down();
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, weights_of_every_precision_are_taken);
    tcase_add_test(cases, an_exported_model_comes_back_as_it_was);
    tcase_add_test(cases, what_does_not_fit_the_model_is_listed);
    tcase_add_test(cases, types_come_from_the_metadata_or_a_file);
    tcase_add_test(cases, numbers_that_are_no_weights_are_refused);
    tcase_add_test(cases, a_header_that_is_not_all_there_is_refused);
    tcase_add_test(cases, a_header_that_breaks_a_rule_is_refused);
    tcase_add_test(cases, places_outside_the_file_or_in_another_tensor_are_refused);
    tcase_add_test(cases, a_large_header_is_refused_soon);
}

int main(void) {
    return run_suite("import", add_tests);
}

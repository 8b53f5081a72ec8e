/* Files of items with labels: read as written, in order, with their weights; refused where wrong.
 */
#include <math.h>

#include "test_dataset.h"

/* Items of 3 features with the labels {2, 0}, {}, {1, 3, 0}, in a file's own order. */
enum { ITEMS = 3, LABELS = 5, NAMES = 4 };
static const char *const names[NAMES] = {"tax", "war", "art", "sea"};
static const float features[ITEMS * WIDTH] = {0.5f, -1, 2, 3, 65504, 0x1p-24f, -0.0f, 7, 8};
static const int64_t offsets[ITEMS + 1] = {0, 2, 2, 5}, labels[LABELS] = {2, 0, 1, 3, 0};
static const double weights[LABELS] = {0.25, 1, 0.5, 0.75, 0.125};

typedef struct made {
    hid_t floats; /* of the features; 0: float32 */
    int with_weights, without_labels, with_text;
} made;

static void put_doubles(hid_t file, const char *name, hid_t type, hsize_t count,
                        const double *values) {
    put(file, name, type, H5T_NATIVE_DOUBLE, 1, &count, H5P_DEFAULT, values);
}

static void write_items(const char *to, made how) {
    hid_t file = H5Fcreate(to, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t text = text_type(11, H5T_STR_NULLPAD, H5T_CSET_ASCII);
    hid_t type = how.floats ? how.floats : H5T_IEEE_F32LE;
    const hsize_t size[2] = {ITEMS, WIDTH};
    put_attribute(file, "format", text, "mlce-labels");
    put_attribute(file, "version", H5T_NATIVE_INT, &(int){1});
    put_strings(file, "/types", 0, NAMES, names);
    put(file, "/items/features", type, H5T_NATIVE_FLOAT, 2, size, H5P_DEFAULT, features);
    if (!how.without_labels) {
        put_integers(file, "/labels/offsets", H5T_STD_U16BE, ITEMS + 1, 0, offsets);
        put_integers(file, "/labels/items", H5T_STD_U8LE, LABELS, 0, labels);
    }
    if (how.with_weights) put_doubles(file, "/labels/weights", H5T_IEEE_F64BE, LABELS, weights);
    if (how.with_text) {
        put_strings(file, "/items/text", 0, ITEMS, good_texts);
        put_strings(file, "/items/id", 0, ITEMS, good_ids);
    }
    H5Tclose(text);
    H5Fclose(file);
}

/* The labels of items `first` on are {0, 2}, {}, {0, 1, 3}, with these weights, or none. */
static void check_labels(const mlce_dataset *dataset, int first, const float *expected_weights) {
    static const int counts[ITEMS] = {2, 0, 3}, expected[LABELS] = {0, 2, 0, 1, 3};
    for (int i = 0, n = 0; i < ITEMS; i++) {
        int count;
        const mlce_span *gold = mlce_dataset_gold(dataset, first + i, &count);
        const float *found = mlce_dataset_gold_weights(dataset, first + i);
        ck_assert_int_eq(mlce_dataset_length(dataset, first + i), 1);
        ck_assert_int_eq(count, counts[i]);
        ck_assert_int_eq(found != NULL, expected_weights != NULL);
        for (int k = 0; k < count; k++, n++) {
            ck_assert_int_eq(gold[k].start, 0);
            ck_assert_int_eq(gold[k].end, 1);
            ck_assert_int_eq(gold[k].type, expected[n]);
            if (found) ck_assert_float_eq(found[k], expected_weights[n]);
        }
    }
}

static const float sorted_weights[LABELS] = {1, 0.25f, 0.125f, 0.5f, 0.75f};
static const float ones[LABELS] = {1, 1, 1, 1, 1};

START_TEST(items_are_sequences_of_one_token_in_memory_and_from_the_file) {
    hid_t types[] = {0, H5T_IEEE_F64BE, H5T_IEEE_F32BE};
    for (int n = 0; n < 6; n++) {
        mlce_dataset_options options = {.memory = n % 2 ? 1 << 20 : 0, .check_rows = true};
        mlce_dataset *dataset;
        float row[WIDTH];
        write_items(path, (made){.floats = types[n / 2], .with_weights = 1, .with_text = 1});
        assert_ok(mlce_dataset_open(path, &options, &dataset));
        ck_assert_int_eq(mlce_dataset_task(dataset), MLCE_TASK_LABELS);
        ck_assert_int_eq(mlce_dataset_sequences(dataset), ITEMS);
        ck_assert_int_eq(mlce_dataset_spans(dataset), LABELS);
        ck_assert_int_eq(mlce_dataset_types(dataset), NAMES);
        check_labels(dataset, 0, sorted_weights);
        for (int i = 0; i < ITEMS; i++) {
            assert_ok(mlce_dataset_read(dataset, i, row));
            ck_assert_mem_eq(row, features + i * WIDTH, sizeof row);
        }
        assert_ok(mlce_dataset_load_text(dataset));
        ck_assert_str_eq(mlce_dataset_text(dataset, 2), good_texts[2]);
        ck_assert_str_eq(mlce_dataset_id(dataset, 1), "s1");
        ck_assert_ptr_null(mlce_dataset_token_text(dataset, 0));
        mlce_dataset_close(dataset);
    }
}
END_TEST

START_TEST(items_without_labels_can_be_read_to_be_predicted) {
    mlce_dataset *dataset;
    int count;
    write_items(path, (made){.without_labels = 1});
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    ck_assert(!mlce_dataset_has_spans(dataset));
    mlce_dataset_gold(dataset, 2, &count);
    ck_assert_int_eq(count, 0);
    assert_ok(mlce_dataset_load_text(dataset));
    ck_assert_ptr_null(mlce_dataset_text(dataset, 0));
    mlce_dataset_close(dataset);
}
END_TEST

START_TEST(labels_without_weights_have_one_beside_a_file_that_has_them) {
    mlce_dataset *dataset;
    char both[400];
    snprintf(both, sizeof both, "%s,%s,%s", path, other, path);
    write_items(path, (made){0});
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    check_labels(dataset, 0, NULL);
    mlce_dataset_close(dataset);
    write_items(other, (made){.with_weights = 1});
    assert_ok(mlce_dataset_open(both, NULL, &dataset));
    check_labels(dataset, 0, ones);
    check_labels(dataset, ITEMS, sorted_weights);
    check_labels(dataset, 2 * ITEMS, ones);
    mlce_dataset_close(dataset);
}
END_TEST

START_TEST(labels_stay_in_order_when_they_are_renumbered) {
    static const char *const reversed[NAMES] = {"sea", "art", "war", "tax"};
    mlce_dataset *dataset;
    int count;
    write_items(path, (made){.with_weights = 1});
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    assert_ok(mlce_dataset_match_types(dataset, reversed, NAMES, "the model"));
    const mlce_span *gold = mlce_dataset_gold(dataset, 2, &count); /* sea, war, tax */
    const float *found = mlce_dataset_gold_weights(dataset, 2);
    ck_assert_int_eq(gold[0].type, 0);
    ck_assert_int_eq(gold[1].type, 2);
    ck_assert_int_eq(gold[2].type, 3);
    ck_assert_float_eq(found[0], 0.75f);
    ck_assert_float_eq(found[1], 0.5f);
    ck_assert_float_eq(found[2], 0.125f);
    mlce_dataset_close(dataset);
}
END_TEST

/* ---- Refusals ---- */

static void assert_refused(const char *text) {
    mlce_dataset *dataset;
    assert_fails(mlce_dataset_open(path, NULL, &dataset), MLCE_E_DATA, text);
    ck_assert_msg(strncmp(mlce_last_error(), path, strlen(path)) == 0, "%s", mlce_last_error());
}

static hid_t damage(const char *without) {
    write_items(path, (made){.with_weights = 1, .with_text = 1});
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert_int_ge(H5Ldelete(file, without, H5P_DEFAULT), 0);
    return file;
}

START_TEST(wrong_labels_are_refused_with_item_and_label) {
    const struct {
        int64_t label; /* in place of row 3, item 2's second */
        const char *message;
    } cases[] = {
        {4, "item 2, label 1 (row 3 of /labels/items): 4 is out of range: there are 4 labels"},
        {-1, "item 2, label 1 (row 3 of /labels/items): -1 is out of range"},
        {4294967296, "4294967296 is out of range"},
        {1, "item 2, label 1 (row 3 of /labels/items): 1 stands twice in the item"},
        {0, "item 2, label 2 (row 4 of /labels/items): 0 stands twice in the item"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        int64_t wrong[LABELS];
        memcpy(wrong, labels, sizeof wrong);
        wrong[3] = cases[n].label;
        hid_t file = damage("/labels/items");
        put_integers(file, "/labels/items", 0, LABELS, 0, wrong);
        H5Fclose(file);
        assert_refused(cases[n].message);
    }
    hid_t file = damage("/labels/items");
    put_integers(file, "/labels/items", 0, 1, LABELS, labels);
    H5Fclose(file);
    assert_refused("/labels/items: must be a list of integers");
    file = damage("/labels/items");
    put_doubles(file, "/labels/items", H5T_IEEE_F64LE, LABELS, weights);
    H5Fclose(file);
    assert_refused("/labels/items: must hold integers");
}
END_TEST

START_TEST(weights_outside_zero_to_one_are_refused) {
    const double values[] = {0, 1.5, -0.5, NAN, INFINITY, 1e-60, 1e60};
    for (size_t n = 0; n < sizeof values / sizeof *values; n++) {
        double wrong[LABELS];
        memcpy(wrong, weights, sizeof wrong);
        wrong[2] = values[n];
        hid_t file = damage("/labels/weights");
        put_doubles(file, "/labels/weights", H5T_IEEE_F64LE, LABELS, wrong);
        H5Fclose(file);
        assert_refused("item 2, label 0 (row 2 of /labels/weights): the weight is ");
        ck_assert_ptr_nonnull(strstr(mlce_last_error(), "must be over 0 and at most 1"));
    }
    hid_t file = damage("/labels/weights");
    put_doubles(file, "/labels/weights", H5T_IEEE_F64LE, LABELS - 1, weights);
    H5Fclose(file);
    assert_refused("/labels/weights: must be a list of 5 numbers, one for each of /labels/items");
}
END_TEST

START_TEST(wrong_offsets_and_missing_parts_are_refused) {
    const struct {
        int64_t values[5];
        hsize_t count;
        const char *message;
    } cases[] = {
        {{1, 2, 2, 5}, 4, "/labels/offsets: begins with 1"},
        {{0, 2, 1, 5}, 4, "/labels/offsets: item 2 is 1, less than the 2 before it"},
        {{0, 2, 2, 6}, 4, "the last item (3) is 6, but /labels/items has 5 rows"},
        {{0, 2, 5}, 3, "/labels/offsets: has 3 items, expected 4: one more than there are items"},
        {{0}, 0, "/labels/offsets: is empty"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        hid_t file = damage("/labels/offsets");
        put_integers(file, "/labels/offsets", 0, cases[n].count, 0, cases[n].values);
        H5Fclose(file);
        assert_refused(cases[n].message);
    }
    H5Fclose(damage("/labels/offsets"));
    assert_refused("has /labels/items but not /labels/offsets: both or neither");
    H5Fclose(damage("/labels/items"));
    assert_refused("has /labels/offsets but not /labels/items: both or neither");
    hid_t file = damage("/labels/offsets");
    H5Ldelete(file, "/labels/items", H5P_DEFAULT);
    H5Fclose(file);
    assert_refused("has /labels/weights but not /labels/items");
    H5Fclose(damage("/items/features"));
    assert_refused("/items/features is missing");
    file = damage("/items/id");
    put_strings(file, "/items/id", 0, 2, good_ids);
    H5Fclose(file);
    assert_refused("/items/id: has 2 items, but the file has 3 items");
}
END_TEST

START_TEST(wrong_features_are_refused) {
    float wrong[ITEMS * WIDTH];
    memcpy(wrong, features, sizeof wrong);
    wrong[2 * WIDTH + 1] = NAN;
    hid_t file = damage("/items/features");
    put(file, "/items/features", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2,
        (const hsize_t[]){ITEMS, WIDTH}, H5P_DEFAULT, wrong);
    H5Fclose(file);
    assert_refused("/items/features: row 2, column 1 (in item 2) is nan: features must be finite");
    file = damage("/items/features");
    put(file, "/items/features", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3,
        (const hsize_t[]){ITEMS, WIDTH, 1}, H5P_DEFAULT, features);
    H5Fclose(file);
    assert_refused("/items/features: has 3 dimensions, expected [items, features]");
}
END_TEST

START_TEST(files_of_two_tasks_are_not_read_together) {
    mlce_dataset *dataset;
    char both[300];
    snprintf(both, sizeof both, "%s,%s", path, other);
    write_items(path, (made){0});
    write_good(other, &(storage){0});
    assert_fails(mlce_dataset_open(both, NULL, &dataset), MLCE_E_DATA,
                 "b.h5: has the format 'mlce-spans', but ");
}
END_TEST

/* ---- Writing ---- */

static const mlce_dataset_spec spec = {.task = MLCE_TASK_LABELS,
                                       .types = names,
                                       .type_count = NAMES,
                                       .width = WIDTH,
                                       .precision = MLCE_FLOAT64,
                                       .text = true,
                                       .id = true,
                                       .spans = true,
                                       .weights = true};

static mlce_sequence item(int i, mlce_span spans[LABELS], float some[LABELS]) {
    for (int64_t n = offsets[i]; n < offsets[i + 1]; n++) {
        spans[n - offsets[i]] = (mlce_span){0, 1, (int)labels[n]};
        some[n - offsets[i]] = (float)weights[n];
    }
    return (mlce_sequence){.length = 1,
                           .embeddings = features + i * WIDTH,
                           .text = good_texts[i],
                           .id = good_ids[i],
                           .spans = spans,
                           .span_count = (int)(offsets[i + 1] - offsets[i]),
                           .weights = some};
}

START_TEST(what_is_written_is_read_back) {
    mlce_dataset_writer *writer;
    mlce_dataset *dataset;
    mlce_span spans[LABELS];
    float some[LABELS], row[WIDTH];
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    for (int i = 0; i < ITEMS; i++) {
        mlce_sequence one = item(i, spans, some);
        assert_ok(mlce_dataset_writer_add(writer, &one));
    }
    assert_ok(mlce_dataset_writer_close(writer));
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    ck_assert_str_eq(mlce_dataset_precision(dataset), "float64");
    check_labels(dataset, 0, sorted_weights);
    assert_ok(mlce_dataset_read(dataset, 2, row));
    ck_assert_mem_eq(row, features + 2 * WIDTH, sizeof row);
    assert_ok(mlce_dataset_load_text(dataset));
    ck_assert_str_eq(mlce_dataset_id(dataset, 2), "s2");
    mlce_dataset_close(dataset);
}
END_TEST

static void assert_not_written(mlce_sequence one, mlce_status status, const char *text) {
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    assert_fails(mlce_dataset_writer_add(writer, &one), status, text);
    mlce_dataset_writer_abandon(writer);
    ck_assert_int_ne(access(path, F_OK), 0);
}

START_TEST(the_writer_refuses_what_a_reader_would) {
    mlce_dataset_writer *writer;
    mlce_span spans[LABELS];
    float some[LABELS];
    mlce_sequence one = item(2, spans, some);
    spans[1].type = NAMES;
    assert_not_written(one, MLCE_E_DATA, "item 0: label 1: has the unknown type 4");
    spans[1].type = spans[0].type;
    assert_not_written(one, MLCE_E_DATA, "item 0: label 1: ");
    one = item(2, spans, some);
    some[2] = 1.5f;
    assert_not_written(one, MLCE_E_DATA, "item 0: label 2: the weight is 1.5");
    one = item(2, spans, some);
    one.weights = NULL;
    assert_not_written(one, MLCE_E_ARGUMENT, "has no weights");
    one = item(2, spans, some);
    one.length = 2;
    assert_not_written(one, MLCE_E_ARGUMENT, "has the length 2: an item's is 1");
    mlce_dataset_spec wrong = spec;
    wrong.token_text = true;
    assert_fails(mlce_dataset_writer_open(path, &wrong, &writer), MLCE_E_ARGUMENT, "no tokens");
    wrong = spec;
    wrong.task = MLCE_TASK_SPANS;
    assert_fails(mlce_dataset_writer_open(path, &wrong, &writer), MLCE_E_ARGUMENT,
                 "only labels have weights");
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, items_are_sequences_of_one_token_in_memory_and_from_the_file);
    tcase_add_test(cases, items_without_labels_can_be_read_to_be_predicted);
    tcase_add_test(cases, labels_without_weights_have_one_beside_a_file_that_has_them);
    tcase_add_test(cases, labels_stay_in_order_when_they_are_renumbered);
    tcase_add_test(cases, wrong_labels_are_refused_with_item_and_label);
    tcase_add_test(cases, weights_outside_zero_to_one_are_refused);
    tcase_add_test(cases, wrong_offsets_and_missing_parts_are_refused);
    tcase_add_test(cases, wrong_features_are_refused);
    tcase_add_test(cases, files_of_two_tasks_are_not_read_together);
    tcase_add_test(cases, what_is_written_is_read_back);
    tcase_add_test(cases, the_writer_refuses_what_a_reader_would);
}

int main(void) {
    return run_suite("dataset_labels", add);
}

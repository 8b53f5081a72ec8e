/* Datasets that are wrong are refused, with a message that says what and where. */
#include <math.h>
#include <unistd.h>

#include "test_dataset.h"

static const mlce_dataset_options from_file = {.memory = 0, .check_rows = true};
static const mlce_dataset_options unchecked = {.memory = 0, .check_rows = false};

/* A good file opened to be damaged; replace_... take a dataset out and put another there. */
static hid_t damage(void) {
    write_good(path, &(storage){0});
    return H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
}

static hid_t damage_without(const char *attribute) {
    hid_t file = damage();
    H5Adelete(file, attribute);
    return file;
}

static void replace_integers(hid_t file, const char *name, hsize_t rows, hsize_t columns,
                             const int64_t *values) {
    ck_assert_int_ge(H5Ldelete(file, name, H5P_DEFAULT), 0);
    put_integers(file, name, 0, rows, columns, values);
}

static void replace_strings(hid_t file, const char *name, hsize_t count, const char *const *items) {
    ck_assert_int_ge(H5Ldelete(file, name, H5P_DEFAULT), 0);
    put_strings(file, name, 0, count, items);
}

static void replace_embeddings(hid_t file, hid_t type, int rank, const hsize_t *size,
                               const void *values) {
    ck_assert_int_ge(H5Ldelete(file, "/tokens/embeddings", H5P_DEFAULT), 0);
    put(file, "/tokens/embeddings", type, type, rank, size, H5P_DEFAULT, values);
}

/* float32 that are not written, stored as `create` says, which this closes. */
static void replace_storage(hid_t file, int rank, const hsize_t *size, hid_t create) {
    ck_assert_int_ge(H5Ldelete(file, "/tokens/embeddings", H5P_DEFAULT), 0);
    put(file, "/tokens/embeddings", H5T_NATIVE_FLOAT, 0, rank, size, create, NULL);
    H5Pclose(create);
}

/* Writes one number of the embeddings. */
static void write_value(hid_t file, hsize_t row, hsize_t column, double value) {
    hid_t dataset = H5Dopen2(file, "/tokens/embeddings", H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset), memory = H5Screate(H5S_SCALAR);
    H5Sselect_elements(space, H5S_SELECT_SET, 1, (const hsize_t[]){row, column});
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &value);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void assert_refused_with(const char *paths, const mlce_dataset_options *options,
                                mlce_status status, const char *text) {
    mlce_dataset *dataset = (mlce_dataset *)(void *)path;
    assert_fails(mlce_dataset_open(paths, options, &dataset), status, text);
    ck_assert_ptr_null(dataset);
}

/* The damaged file is refused, and the message begins with its path. */
static void assert_refused(hid_t file, const char *text) {
    ck_assert_int_ge(H5Fclose(file), 0);
    assert_refused_with(path, NULL, MLCE_E_DATA, text);
    ck_assert_msg(strncmp(mlce_last_error(), path, strlen(path)) == 0, "%s", mlce_last_error());
}

/* The same for a good file that lacks the dataset `name`, or has these integers in its place. */
static void assert_refused_without(const char *name, const char *text) {
    hid_t file = damage();
    ck_assert_int_ge(H5Ldelete(file, name, H5P_DEFAULT), 0);
    assert_refused(file, text);
}

static void assert_integers_refused(const char *name, hsize_t rows, hsize_t columns,
                                    const int64_t *values, const char *text) {
    hid_t file = damage();
    replace_integers(file, name, rows, columns, values);
    assert_refused(file, text);
}

static void assert_text_refused(hid_t file, const char *text) {
    ck_assert_int_ge(H5Fclose(file), 0);
    mlce_dataset *dataset;
    for (int streaming = 0; streaming < 2; streaming++) {
        assert_ok(mlce_dataset_open(path, streaming ? &from_file : NULL, &dataset));
        assert_fails(mlce_dataset_load_text(dataset), MLCE_E_DATA, text);
        mlce_dataset_close(dataset);
    }
}

START_TEST(missing_files_and_empty_paths_are_refused) {
    char pattern[160], list[300];
    snprintf(pattern, sizeof pattern, "%s/none-*.h5", folder);
    assert_refused_with(pattern, NULL, MLCE_E_IO, "none-*.h5: no file matches");
    assert_refused_with(path, NULL, MLCE_E_IO, "a.h5: cannot open: No such file");
    assert_refused_with("", NULL, MLCE_E_ARGUMENT, "'': a path is empty");
    write_good(path, &(storage){0});
    snprintf(list, sizeof list, "%s,,%s", path, path);
    assert_refused_with(list, NULL, MLCE_E_ARGUMENT, "a path is empty");
    snprintf(list, sizeof list, "%s,%s", path, other);
    assert_refused_with(list, NULL, MLCE_E_IO, "b.h5: cannot open");
    ck_assert_int_eq(truncate(path, 3000), 0);
    assert_refused_with(path, NULL, MLCE_E_DATA, "truncated file");
}
END_TEST

START_TEST(another_format_or_version_is_refused) {
    hid_t type = text_type(11, H5T_STR_NULLPAD, H5T_CSET_UTF8);
    hid_t file = damage_without("format");
    assert_refused(file, "has no attribute 'format'");
    file = damage_without("format");
    put_attribute(file, "format", type, "mlce-audio");
    assert_refused(file, "has the format 'mlce-audio', expected 'mlce-spans' or 'mlce-labels'");
    file = damage_without("format");
    put_attribute(file, "format", type, "mlce-labels");
    assert_refused(file, "/items/features is missing");
    file = damage_without("format");
    put_attribute(file, "format", H5T_NATIVE_INT, &(int){1});
    assert_refused(file, "the attribute format of / must be one string");
    file = damage_without("version");
    assert_refused(file, "has no attribute 'version', expected 1");
    file = damage_without("version");
    put_attribute(file, "version", H5T_NATIVE_INT, &(int){2});
    assert_refused(file, "has version 2 of mlce-spans");
    file = damage_without("version");
    put_attribute(file, "version", type, "1\0.........");
    assert_refused(file, "the attribute version of / must be one integer");
    file = damage();
    put_attribute(file, "embedding", type, "\xFF..........");
    assert_refused(file, "the attribute embedding of / is not UTF-8");
    H5Tclose(type);
}
END_TEST

START_TEST(wrong_types_are_refused) {
    assert_refused_without("/types", "/types is missing");
    hid_t file = damage();
    replace_strings(file, "/types", 0, NULL);
    assert_refused(file, "/types: is empty");
    file = damage();
    replace_strings(file, "/types", 4, (const char *[]){"b", "a", "c", "a"});
    assert_refused(file, "/types: types 1 and 3 are both named 'a'");
    file = damage();
    replace_strings(file, "/types", 2, (const char *[]){"PER", "\xC3("});
    assert_refused(file, "/types: the name of type 1 is not UTF-8");
    file = damage();
    replace_strings(file, "/types", 2, (const char *[]){"", "PER"});
    assert_refused(file, "/types: the name of type 0 is empty");
    assert_integers_refused("/types", 2, 0, good_offsets, "/types: must be a list of strings");
}
END_TEST

START_TEST(embeddings_of_a_wrong_shape_or_type_are_refused) {
    const hsize_t flat[] = {TOKENS}, none[] = {TOKENS, 0}, four[] = {TOKENS, 1, 1, 3},
                  no_layer[] = {TOKENS, 0, 3}, wide[] = {0, 65536, 32768}, good[] = {TOKENS, WIDTH};
    const hsize_t huge[] = {(hsize_t)1 << 40, 1 << 20, 1 << 10};
    assert_refused_without("/tokens/embeddings", "/tokens/embeddings is missing");
    hid_t file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 1, flat, good_embeddings);
    assert_refused(file, "/tokens/embeddings: has 1 dimension, expected [tokens, features]");
    file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 4, four, good_embeddings);
    assert_refused(file, "/tokens/embeddings: has 4 dimensions");
    file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 2, none, NULL);
    assert_refused(file, "a row has no features (dimension 1 is 0)");
    file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 3, no_layer, NULL);
    assert_refused(file, "a row has no features (dimension 1 is 0)");
    file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 3, wide, NULL);
    assert_refused(file, "a row has more than 2147483647 features");
    file = damage();
    hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(create, 3, (const hsize_t[]){1, 1, 1});
    replace_storage(file, 3, huge, create);
    assert_refused(file, "is too large for this machine");
    file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 2, good, NULL);
    assert_refused(file, "/tokens/embeddings: has a shape but was never written");
    file = damage();
    replace_embeddings(file, H5T_NATIVE_INT, 2, good, good_embeddings);
    assert_refused(file, "must hold float16, float32 or float64");
    file = damage(); /* bfloat16 has the size of float16 */
    hid_t bfloat = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(bfloat, 15, 7, 8, 0, 7);
    H5Tset_precision(bfloat, 16);
    H5Tset_size(bfloat, 2);
    replace_embeddings(file, bfloat, 2, good, good_embeddings);
    H5Tclose(bfloat);
    assert_refused(file, "must hold float16, float32 or float64");
}
END_TEST

START_TEST(wrong_sequence_offsets_are_refused) {
    static const char name[] = "/sequences/offsets";
    const struct {
        int64_t values[4];
        hsize_t count;
        const char *message;
    } cases[] = {
        {{1, 2, 2, 5}, 4, "/sequences/offsets: begins with 1, must begin with 0"},
        {{0, 3, 2, 5}, 4, "/sequences/offsets: item 2 is 2, less than the 3 before it"},
        {{0, 2, -1, 5}, 4, "item 2 is -1, less than the 2 before it"},
        {{0, 2, 2, 6},
         4,
         "the last item (3) is 6, but /tokens/embeddings has 5 rows: they must be equal"},
        {{0, 2, 2, 4}, 4, "the last item (3) is 4, but /tokens/embeddings has 5 rows"},
        {{0}, 1, "the last item (0) is 0"},
        {{0}, 0, "/sequences/offsets: is empty, but must begin with 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_integers_refused(name, cases[i].count, 0, cases[i].values, cases[i].message);
    assert_integers_refused(name, 2, 2, good_offsets,
                            "/sequences/offsets: must be a list of integers");
    hid_t file = damage();
    H5Ldelete(file, name, H5P_DEFAULT);
    put(file, name, H5T_NATIVE_FLOAT, H5T_NATIVE_FLOAT, 1, (const hsize_t[]){4}, H5P_DEFAULT,
        (const float[]){0, 2, 2, 5});
    assert_refused(file, "/sequences/offsets: must hold integers");
    assert_refused_without(name, "/sequences/offsets is missing");
}
END_TEST

/* Rows in a hole of the file, which takes no room on the disk. */
static void put_rows(hid_t file, hsize_t rows) {
    hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(create, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
    replace_storage(file, 2, (const hsize_t[]){rows, 1}, create);
}

START_TEST(a_sequence_longer_than_an_int_is_refused) {
    hid_t file = damage();
    put_rows(file, 3000000000u);
    replace_integers(file, "/sequences/offsets", 4, 0,
                     (const int64_t[]){0, 1, 2999999999, 3000000000});
    assert_refused(file, "/sequences/offsets: sequence 1 has more than 2147483647 tokens");
}
END_TEST

/* Else a small file could make the reader go through any number of rows that are not there. */
START_TEST(rows_that_are_only_claimed_are_refused) {
    hid_t file = damage(), create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(create, 2, (const hsize_t[]){4, 1});
    replace_storage(file, 2, (const hsize_t[]){3000000001u, 1}, create);
    write_value(file, 0, 0, 1);
    assert_refused(file, "has a shape of 750000001 chunks, of which 1 were written");

    file = damage();
    create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(create, "/etc/passwd", 0, H5F_UNLIMITED);
    replace_storage(file, 2, (const hsize_t[]){5, 3}, create);
    assert_refused(file, "is stored in another file, which is not read");
}
END_TEST

/* Its parts could be any file of the machine, or none: then any number of rows is fill values. */
START_TEST(a_virtual_dataset_is_refused) {
    const hsize_t rows[] = {3000000000u, WIDTH};
    hid_t file = damage(), create = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(2, rows, NULL);
    ck_assert_int_ge(H5Pset_virtual(create, space, "not-there.h5", "/rows", space), 0);
    replace_storage(file, 2, rows, create);
    H5Sclose(space);
    assert_refused(file, "/tokens/embeddings: is virtual");
}
END_TEST

START_TEST(wrong_span_offsets_are_refused) {
    const struct {
        int64_t values[5];
        hsize_t count;
        const char *message;
    } cases[] = {
        {{2, 2, 2, 4}, 4, "/spans/offsets: begins with 2"},
        {{0, 2, 1, 4}, 4, "/spans/offsets: item 2 is 1, less than the 2 before it"},
        {{0, 2, 2, 5}, 4, "/spans/offsets: the last item (3) is 5, but /spans/items has 4 rows"},
        {{0, 2, 2, 3}, 4, "the last item (3) is 3, but /spans/items has 4 rows"},
        {{0, 2, 4},
         3,
         "/spans/offsets: has 3 items, expected 4: one more than there are sequences"},
        {{0, 2, 2, 4, 4}, 5, "/spans/offsets: has 5 items, expected 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_integers_refused("/spans/offsets", cases[i].count, 0, cases[i].values,
                                cases[i].message);
    assert_refused_without("/spans/offsets",
                           "has /spans/items but not /spans/offsets: both or neither");
    assert_refused_without("/spans/items",
                           "has /spans/offsets but not /spans/items: both or neither");
}
END_TEST

START_TEST(wrong_spans_are_refused_with_sequence_and_span) {
    const struct {
        int64_t span[3]; /* in place of the last: sequence 2 of 3 tokens, span 1, row 3 */
        const char *message;
    } cases[] = {
        {{1, 1, 0}, "start 1, end 1: is empty"},
        {{2, 1, 0}, "start 2, end 1: is empty"},
        {{-1, 1, 0}, "starts at -1, before the sequence"},
        {{1, 4, 0}, "start 1, end 4: runs past the sequence's 3 tokens"},
        {{0, 4294967297, 0}, "end 4294967297: runs past the sequence's 3 tokens"},
        {{1, 2, 2}, "has the unknown type 2: there are 2 types"},
        {{1, 2, -1}, "has the unknown type -1"},
        {{1, 2, 4294967296}, "has the unknown type 4294967296"},
        {{1, 3, 0}, "start 1, end 3, type 0: stands twice in the sequence"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t spans[SPANS * 3];
        memcpy(spans, good_spans, sizeof spans);
        memcpy(spans + 9, cases[i].span, sizeof cases[i].span);
        assert_integers_refused("/spans/items", SPANS, 3, spans, cases[i].message);
        ck_assert_msg(strstr(mlce_last_error(), "sequence 2, span 1 (row 3 of /spans/items): "),
                      "%s", mlce_last_error());
    }
    assert_integers_refused("/spans/items", 3, 4, good_spans, "/spans/items: must be [spans, 3]");
    hid_t file = damage(); /* twice, with others between */
    replace_integers(file, "/spans/items", 4, 3,
                     (const int64_t[]){1, 2, 0, 0, 2, 1, 0, 1, 0, 1, 2, 0});
    H5Ldelete(file, "/spans/offsets", H5P_DEFAULT);
    put_integers(file, "/spans/offsets", 0, 4, 0, (const int64_t[]){0, 4, 4, 4});
    assert_refused(file, "sequence 0, span 3 (row 3 of /spans/items): start 1, end 2, type 0");
}
END_TEST

START_TEST(optional_parts_of_a_wrong_shape_are_refused) {
    const struct {
        const char *name;
        hsize_t rows, columns;
        const char *message;
    } cases[] = {
        {"/tokens/text", 4, 0, "/tokens/text: has 4 items, but the file has 5 tokens"},
        {"/tokens/text", 5, 1, "/tokens/text: must be a list"},
        {"/tokens/chars", 4, 2, "/tokens/chars: has 4 items, but the file has 5 tokens"},
        {"/tokens/chars", 5, 1, "/tokens/chars: must be [tokens, 2]"},
        {"/tokens/chars", 5, 0, "/tokens/chars: must be [tokens, 2]"},
        {"/sequences/text", 4, 0, "/sequences/text: has 4 items, but the file has 3 sequences"},
        {"/sequences/id", 2, 0, "/sequences/id: has 2 items, but the file has 3 sequences"},
        {"/sequences/document", 4, 0, "/sequences/document: has 4 items"},
        {"/sequences/document", 3, 1, "/sequences/document: must be a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_integers_refused(cases[i].name, cases[i].rows, cases[i].columns, good_spans,
                                cases[i].message);
}
END_TEST

START_TEST(text_that_is_wrong_is_refused_when_it_is_loaded) {
    hid_t file = damage();
    replace_strings(file, "/tokens/text", TOKENS, (const char *[]){"a", "b", "\xE4", "d", "e"});
    assert_text_refused(file, "a.h5: /tokens/text: item 2 is not UTF-8");
    file = damage();
    replace_strings(file, "/sequences/id", SEQUENCES, (const char *[]){"a", "b", "\xE4"});
    assert_text_refused(file, "a.h5: /sequences/id: item 2 is not UTF-8");
    file = damage();
    replace_integers(file, "/tokens/text", TOKENS, 0, good_spans);
    assert_text_refused(file, "a.h5: /tokens/text: must be a list of strings");
    file = damage();
    replace_integers(file, "/tokens/chars", TOKENS, 2,
                     (const int64_t[]){0, 6, 8, 12, 0, 1, 1, 2, 3, 5});
    assert_text_refused(file,
                        "/tokens/chars: row 4 (in sequence 2): 3 .. 5 is not a range of code "
                        "points in a text of 4");
    file = damage();
    replace_integers(file, "/tokens/chars", TOKENS, 2,
                     (const int64_t[]){2, 1, 8, 12, 0, 1, 1, 2, 3, 4});
    assert_text_refused(file, "row 0 (in sequence 0): 2 .. 1 is not a range");
}
END_TEST

/* Row 3 is token 1 of sequence 2. */
static void put_value(const storage *how, double value) {
    write_good(path, how);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    write_value(file, 3, 2, value);
    H5Fclose(file);
}

START_TEST(embeddings_that_are_not_finite_are_refused) {
    hid_t half = half_type(H5T_ORDER_LE);
    const hid_t types[] = {half, H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_IEEE_F64LE};
    const double values[] = {INFINITY, NAN, -INFINITY, 1e300};
    const char *const shown[] = {"inf: embeddings must be finite", "nan: embeddings must be finite",
                                 "-inf: embeddings must be finite",
                                 "1e+300: too large for float32"};
    for (int i = 0; i < 4; i++) {
        char where[200];
        snprintf(where, sizeof where,
                 "a.h5: /tokens/embeddings: row 3, column 2 (in sequence 2) is %s", shown[i]);
        put_value(&(storage){.floats = types[i]}, values[i]);
        assert_refused_with(path, NULL, MLCE_E_DATA, where);
        assert_refused_with(path, &from_file, MLCE_E_DATA, where);
        mlce_dataset *dataset;
        float rows[TOKENS * WIDTH];
        assert_ok(mlce_dataset_open(path, &unchecked, &dataset));
        assert_ok(mlce_dataset_read(dataset, 0, rows));
        assert_fails(mlce_dataset_read(dataset, 2, rows), MLCE_E_DATA, where);
        mlce_dataset_close(dataset);
    }
    H5Tclose(half);
}
END_TEST

/* The row that is shown is the file's, and so is the sequence. */
START_TEST(a_bad_value_is_found_in_the_second_file) {
    put_value(&(storage){0}, NAN);
    rename(path, other);
    write_good(path, &(storage){0});
    char both[300];
    snprintf(both, sizeof both, "%s,%s", path, other);
    assert_refused_with(both, NULL, MLCE_E_DATA,
                        "b.h5: /tokens/embeddings: row 3, column 2 (in sequence 2)");
}
END_TEST

START_TEST(files_that_do_not_fit_together_are_refused) {
    char both[300];
    snprintf(both, sizeof both, "%s,%s", other, path);
    write_good(other, &(storage){0});
    hid_t file = damage();
    replace_embeddings(file, H5T_NATIVE_FLOAT, 2, (const hsize_t[]){TOKENS, 2}, good_embeddings);
    H5Fclose(file);
    assert_refused_with(both, NULL, MLCE_E_DATA,
                        "a.h5: /tokens/embeddings: has 1 layer of 2 features, but ");
    write_good(path, &(storage){.layers = 3});
    assert_refused_with(both, NULL, MLCE_E_DATA, "has 3 layers of 1 features, but ");
    file = damage();
    replace_strings(file, "/types", 2, (const char *[]){"PER", "ORG"});
    H5Fclose(file);
    assert_refused_with(both, NULL, MLCE_E_DATA, "a.h5: /types: the type 'ORG' is not in ");
    file = damage();
    replace_strings(file, "/types", 1, (const char *[]){"PER"});
    H5Fclose(file);
    assert_refused_with(both, NULL, MLCE_E_DATA, "a.h5: /types: lacks the type 'LOC' of ");
}
END_TEST

/* Overwrites the first chunk of the embeddings. */
static void spoil_chunk(void) {
    hsize_t offset[2], size;
    haddr_t address;
    unsigned mask;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/tokens/embeddings", H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    ck_assert_int_ge(H5Dget_chunk_info(dataset, space, 0, offset, &mask, &address, &size), 0);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
    FILE *bytes = fopen(path, "r+");
    fseek(bytes, (long)address, SEEK_SET);
    for (hsize_t i = 0; i < size; i++) fputc(0xFF, bytes);
    fclose(bytes);
}

START_TEST(a_chunk_that_cannot_be_unpacked_is_told_by_its_cause) {
    const char *message = "a.h5: /tokens/embeddings: cannot read rows 0 .. 1: inflate() failed";
    write_good(path, &(storage){.chunk = {2, 3}, .gzip = 4});
    spoil_chunk();
    assert_refused_with(path, &from_file, MLCE_E_DATA, "inflate() failed");
    assert_refused_with(path, NULL, MLCE_E_DATA, "/tokens/embeddings: cannot read rows 0 .. ");
    mlce_dataset *dataset;
    float rows[TOKENS * WIDTH];
    assert_ok(mlce_dataset_open(path, &unchecked, &dataset));
    assert_fails(mlce_dataset_read(dataset, 0, rows), MLCE_E_DATA, message);
    mlce_dataset_close(dataset);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, missing_files_and_empty_paths_are_refused);
    tcase_add_test(cases, another_format_or_version_is_refused);
    tcase_add_test(cases, wrong_types_are_refused);
    tcase_add_test(cases, embeddings_of_a_wrong_shape_or_type_are_refused);
    tcase_add_test(cases, wrong_sequence_offsets_are_refused);
    tcase_add_test(cases, a_sequence_longer_than_an_int_is_refused);
    tcase_add_test(cases, rows_that_are_only_claimed_are_refused);
    tcase_add_test(cases, a_virtual_dataset_is_refused);
    tcase_add_test(cases, wrong_span_offsets_are_refused);
    tcase_add_test(cases, wrong_spans_are_refused_with_sequence_and_span);
    tcase_add_test(cases, optional_parts_of_a_wrong_shape_are_refused);
    tcase_add_test(cases, text_that_is_wrong_is_refused_when_it_is_loaded);
    tcase_add_test(cases, embeddings_that_are_not_finite_are_refused);
    tcase_add_test(cases, a_bad_value_is_found_in_the_second_file);
    tcase_add_test(cases, files_that_do_not_fit_together_are_refused);
    tcase_add_test(cases, a_chunk_that_cannot_be_unpacked_is_told_by_its_cause);
}

int main(void) {
    return run_suite("dataset_refusals", add);
}

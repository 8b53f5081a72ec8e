/* The HDF5 helper that datasets and checkpoints share. */
#include <pthread.h>
#include <stdio.h>

#include "data/hdf5.h"
#include "unit.h"

static char path[128];
static char *folder;

static void set_up(void) {
    folder = make_folder();
    snprintf(path, sizeof path, "%s/a.h5", folder);
}

static void tear_down(void) {
    remove_folder(folder);
}

/* The library writes integers part by part only. */
static void write_integers(const mlce_h5 *file, const char *name, const int64_t *values,
                           const hsize_t size[2]) {
    hid_t dataset;
    assert_ok(mlce_h5_create_dataset(file, name, H5T_STD_I64LE, 2, size, NULL, &dataset));
    ck_assert_int_ge(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    ck_assert_int_ge(H5Dclose(dataset), 0);
}

START_TEST(everything_written_is_read_back) {
    mlce_h5 file;
    const char *const words[] = {"", "eins", "zw\xC3\xB6lf"};
    const int64_t integers[] = {INT64_MIN, -1, 0, 1, 2, INT64_MAX};
    const float floats[] = {0.5f, -2, 65504, 0x1p-24f};
    assert_ok(mlce_h5_create(path, path, &file));
    assert_ok(mlce_h5_write_text(&file, "/", "who", "caf\xC3\xA9"));
    assert_ok(mlce_h5_write_integer(&file, "/", "version", -7));
    assert_ok(mlce_h5_write_strings(&file, "/words", words, 3));
    write_integers(&file, "/deep/down/integers", integers, (const hsize_t[]){3, 2});
    assert_ok(mlce_h5_write_matrix(&file, "/f/16", floats, 2, 2, MLCE_FLOAT16));
    assert_ok(mlce_h5_write_matrix(&file, "/f/32", floats, 2, 2, MLCE_FLOAT32));
    assert_ok(mlce_h5_write_matrix(&file, "/f/64", floats, 2, 2, MLCE_FLOAT64));
    assert_ok(mlce_h5_write_matrix(&file, "/f/none", floats, 0, 2, MLCE_FLOAT32));
    assert_ok(mlce_h5_close(&file));

    assert_ok(mlce_h5_open(path, &file));
    char *text;
    int64_t value, *values;
    assert_ok(mlce_h5_read_text(&file, "/", "who", &text));
    ck_assert_str_eq(text, "caf\xC3\xA9");
    free(text);
    assert_ok(mlce_h5_read_integer(&file, "/", "version", &value));
    ck_assert_int_eq(value, -7);
    mlce_h5_strings strings;
    assert_ok(mlce_h5_read_strings(&file, "/words", &strings));
    ck_assert_int_eq(strings.count, 3);
    for (int i = 0; i < 3; i++) ck_assert_str_eq(strings.items[i], words[i]);
    mlce_h5_strings_free(&strings);
    mlce_h5_shape shape;
    assert_ok(mlce_h5_read_integers(&file, "/deep/down/integers", &values, &shape));
    ck_assert_int_eq(shape.rank, 2);
    ck_assert_int_eq(shape.size[0], 3);
    ck_assert_int_eq(shape.size[1], 2);
    ck_assert_mem_eq(values, integers, sizeof integers);
    free(values);
    const char *const names[] = {"/f/16", "/f/32", "/f/64"};
    size_t rows, columns;
    float *matrix;
    for (int i = 0; i < 3; i++) {
        assert_ok(mlce_h5_read_matrix(&file, names[i], &matrix, &rows, &columns));
        ck_assert(rows == 2 && columns == 2);
        ck_assert_mem_eq(matrix, floats, sizeof floats);
        free(matrix);
    }
    assert_ok(mlce_h5_read_matrix(&file, "/f/none", &matrix, &rows, &columns));
    ck_assert(rows == 0 && columns == 2);
    free(matrix);
    assert_ok(mlce_h5_close(&file));
}
END_TEST

static bool has(const mlce_h5 *file, const char *name) {
    bool found;
    assert_ok(mlce_h5_find(file, name, &found));
    return found;
}

START_TEST(what_is_there_is_told_from_what_is_not) {
    mlce_h5 file;
    int64_t value = 3, *values;
    mlce_h5_shape shape;
    assert_ok(mlce_h5_create(path, path, &file));
    write_integers(&file, "/a/b", &value, (const hsize_t[]){1, 1});
    assert_ok(mlce_h5_write_integer(&file, "/a", "n", 1));
    ck_assert(has(&file, "/") && has(&file, "/a") && has(&file, "/a/b"));
    ck_assert(!has(&file, "/b") && !has(&file, "/b/c") && !has(&file, "/a/b/c"));
    bool found;
    assert_ok(mlce_h5_find_attribute(&file, "/a", "n", &found));
    ck_assert(found);
    assert_ok(mlce_h5_find_attribute(&file, "/a", "m", &found));
    ck_assert(!found);
    assert_fails(mlce_h5_find_attribute(&file, "/b", "n", &found), MLCE_E_DATA, "/b");
    assert_fails(mlce_h5_read_integers(&file, "/b", &values, &shape), MLCE_E_DATA,
                 "a.h5: /b is missing");
    char *text;
    assert_fails(mlce_h5_read_text(&file, "/a", "n", &text), MLCE_E_DATA, "must be one string");
    assert_ok(mlce_h5_close(&file));
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_told_by_its_cause) {
    mlce_h5 file;
    assert_fails(mlce_h5_open("/no/such.h5", &file), MLCE_E_IO,
                 "/no/such.h5: cannot open: No such file or directory");
    assert_fails(mlce_h5_open(folder, &file), MLCE_E_IO, "is a folder");
    FILE *text = fopen(path, "w");
    fputs("a\tb\n", text);
    fclose(text);
    assert_fails(mlce_h5_open(path, &file), MLCE_E_DATA, "is not an HDF5 file");
    const float floats[4096] = {0};
    assert_ok(mlce_h5_create(path, path, &file));
    assert_ok(mlce_h5_write_matrix(&file, "/x", floats, 64, 64, MLCE_FLOAT32));
    assert_ok(mlce_h5_close(&file));
    ck_assert_int_eq(truncate(path, 5000), 0);
    assert_fails(mlce_h5_open(path, &file), MLCE_E_DATA, "its end is missing");
    assert_fails(mlce_h5_create("/no/such.h5", "such", &file), MLCE_E_IO,
                 "such: cannot write: No such file or directory");
}
END_TEST

static size_t pass_through(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                           size_t *size, void **buffer) {
    (void)flags, (void)count, (void)values, (void)size, (void)buffer;
    return bytes;
}

/* A compression that the HDF5 at hand was built without. */
START_TEST(a_missing_filter_is_named) {
    enum { ID = 400 };
    static const H5Z_class2_t filter = {.version = H5Z_CLASS_T_VERS,
                                        .id = (H5Z_filter_t)ID,
                                        .encoder_present = 1,
                                        .decoder_present = 1,
                                        .name = "squeeze",
                                        .filter = pass_through};
    const int64_t integers[] = {1, 2};
    const hsize_t size[] = {2, 1};
    ck_assert_int_ge(H5Zregister(&filter), 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, size, NULL), chunked = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(chunked, 2, size);
    H5Pset_filter(chunked, ID, 0, 0, NULL);
    hid_t dataset = H5Dcreate2(file, "/i", H5T_STD_I64LE, space, H5P_DEFAULT, chunked, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, integers),
                     0);
    H5Dclose(dataset);
    H5Pclose(chunked);
    H5Sclose(space);
    H5Fclose(file);
    ck_assert_int_ge(H5Zunregister(ID), 0);
    mlce_h5 again;
    int64_t *values;
    mlce_h5_shape shape;
    assert_ok(mlce_h5_open(path, &again));
    assert_fails(mlce_h5_read_integers(&again, "/i", &values, &shape), MLCE_E_DATA,
                 "required filter 'squeeze' is not registered");
    assert_ok(mlce_h5_close(&again));
}
END_TEST

static herr_t count_errors(hid_t stack, void *count) {
    (void)stack;
    ++*(int *)count;
    return 0;
}

START_TEST(the_programs_own_error_handler_comes_back) {
    mlce_h5 file;
    int errors = 0;
    H5Eset_auto2(H5E_DEFAULT, count_errors, &errors);
    ck_assert_int_ne(mlce_h5_open("/no/such.h5", &file), MLCE_OK);
    ck_assert_int_ne(mlce_h5_create("/no/such.h5", "such", &file), MLCE_OK);
    ck_assert_int_eq(errors, 0);
    ck_assert_int_lt(H5Fopen("/no/such.h5", H5F_ACC_RDONLY, H5P_DEFAULT), 0);
    ck_assert_int_eq(errors, 1);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
END_TEST

static void *read_many_times(void *unused) {
    (void)unused;
    for (int i = 0; i < 50; i++) {
        mlce_h5 file;
        mlce_h5_strings strings;
        assert_ok(mlce_h5_open(path, &file));
        assert_ok(mlce_h5_read_strings(&file, "/words", &strings));
        ck_assert_str_eq(strings.items[1], "b");
        mlce_h5_strings_free(&strings);
        assert_ok(mlce_h5_close(&file));
    }
    return NULL;
}

START_TEST(two_threads_read_while_one_writes) {
    mlce_h5 file;
    const char *const words[] = {"a", "b"};
    assert_ok(mlce_h5_create(path, path, &file));
    assert_ok(mlce_h5_write_strings(&file, "/words", words, 2));
    assert_ok(mlce_h5_close(&file));
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, read_many_times, NULL);
    char other[160];
    snprintf(other, sizeof other, "%s/b.h5", folder);
    for (int i = 0; i < 50; i++) {
        assert_ok(mlce_h5_create(other, other, &file));
        assert_ok(mlce_h5_write_strings(&file, "/words", words, 2));
        assert_ok(mlce_h5_close(&file));
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}
END_TEST

/* Each string is stored as the place of its bytes: here, all of the first one's. */
static void repeat_first_string(const char *name, size_t count) {
    enum { PLACE_BYTES = 16 };
    char place[PLACE_BYTES];
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    ck_assert_uint_eq(H5Dget_storage_size(dataset), PLACE_BYTES * count);
    long offset = (long)H5Dget_offset(dataset);
    H5Dclose(dataset);
    H5Fclose(file);
    FILE *bytes = fopen(path, "r+b");
    fseek(bytes, offset, SEEK_SET);
    ck_assert_uint_eq(fread(place, sizeof place, 1, bytes), 1);
    fseek(bytes, offset, SEEK_SET);
    for (size_t i = 0; i < count; i++) fwrite(place, sizeof place, 1, bytes);
    ck_assert_int_eq(fclose(bytes), 0);
}

START_TEST(strings_that_share_their_bytes_do_not_take_memory_beyond_the_file) {
    enum { COUNT = 1000, LONG = 50000 };
    mlce_h5 file;
    mlce_h5_strings strings;
    const char *words[COUNT];
    static char text[LONG + 1];
    memset(text, 'a', LONG);
    for (int i = 0; i < COUNT; i++) words[i] = i ? "b" : text;
    assert_ok(mlce_h5_create(path, path, &file));
    assert_ok(mlce_h5_write_strings(&file, "/words", words, COUNT));
    assert_ok(mlce_h5_close(&file));
    repeat_first_string("/words", COUNT);
    assert_ok(mlce_h5_open(path, &file));
    assert_fails(mlce_h5_read_strings(&file, "/words", &strings), MLCE_E_DATA,
                 "more bytes than the whole file");
    assert_ok(mlce_h5_close(&file));
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, everything_written_is_read_back);
    tcase_add_test(cases, what_is_there_is_told_from_what_is_not);
    tcase_add_test(cases, a_file_that_cannot_be_opened_is_told_by_its_cause);
    tcase_add_test(cases, a_missing_filter_is_named);
    tcase_add_test(cases, the_programs_own_error_handler_comes_back);
    tcase_add_test(cases, two_threads_read_while_one_writes);
    tcase_add_test(cases, strings_that_share_their_bytes_do_not_take_memory_beyond_the_file);
}

int main(void) {
    return run_suite("dataset_hdf5", add);
}

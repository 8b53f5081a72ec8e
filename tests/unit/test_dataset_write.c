/* What the writer writes is read back the same; what a reader would refuse it refuses first. */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "test_dataset.h"

/* The known dataset as the writer wants it. */
static mlce_sequence good_sequence(int s) {
    static int32_t chars[TOKENS][2];
    static mlce_span spans[SPANS];
    for (int i = 0; i < TOKENS; i++)
        for (int k = 0; k < 2; k++) chars[i][k] = (int32_t)good_chars[2 * i + k];
    for (int i = 0; i < SPANS; i++)
        spans[i] = (mlce_span){(int32_t)good_spans[3 * i], (int32_t)good_spans[3 * i + 1],
                               (int32_t)good_spans[3 * i + 2]};
    return (mlce_sequence){
        .length = (int)(good_offsets[s + 1] - good_offsets[s]),
        .embeddings = good_embeddings + good_offsets[s] * WIDTH,
        .token_text = good_tokens + good_offsets[s],
        .token_chars = (const int32_t(*)[2])chars + good_offsets[s],
        .text = good_texts[s],
        .id = good_ids[s],
        .document = good_documents[s],
        .spans = spans + good_span_offsets[s],
        .span_count = (int)(good_span_offsets[s + 1] - good_span_offsets[s]),
    };
}

static const mlce_dataset_spec everything = {
    .types = good_types,
    .type_count = TYPES,
    .width = WIDTH,
    .precision = MLCE_FLOAT32,
    .embedding = "made by hand \xC3\xA9",
    .token_text = true,
    .token_chars = true,
    .text = true,
    .id = true,
    .document = true,
    .spans = true,
};

static mlce_dataset_writer *open_writer(const mlce_dataset_spec *spec) {
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(path, spec, &writer));
    return writer;
}

static mlce_dataset *write_and_open(const mlce_dataset_spec *spec) {
    mlce_dataset_writer *writer = open_writer(spec);
    for (int s = 0; s < SEQUENCES; s++) {
        mlce_sequence sequence = good_sequence(s);
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    return dataset;
}

/* Nothing is left beside the path, and `exists` says whether the file itself stands. */
static void check_folder(bool exists) {
    char part[160];
    snprintf(part, sizeof part, "%s.part", path);
    ck_assert_int_ne(access(part, F_OK), 0);
    ck_assert_int_eq(access(path, F_OK) == 0, exists);
}

START_TEST(everything_written_is_read_back_in_all_precisions) {
    const char *const names[] = {"float16", "float32", "float64"};
    for (int precision = MLCE_FLOAT16; precision <= MLCE_FLOAT64; precision++) {
        mlce_dataset_spec spec = everything;
        spec.precision = (mlce_precision)precision;
        mlce_dataset *dataset = write_and_open(&spec);
        ck_assert_str_eq(mlce_dataset_precision(dataset), names[precision]);
        ck_assert_str_eq(mlce_dataset_embedding(dataset), spec.embedding);
        ck_assert_int_eq(mlce_dataset_sequences(dataset), SEQUENCES);
        ck_assert(mlce_dataset_has_spans(dataset));
        check_rows(dataset, 0);
        check_spans(dataset, 0);
        assert_ok(mlce_dataset_load_text(dataset));
        for (int s = 0; s < SEQUENCES; s++) {
            mlce_sequence sequence = good_sequence(s);
            for (int i = 0; i < sequence.length; i++)
                ck_assert_str_eq(mlce_dataset_token_text(dataset, s)[i], sequence.token_text[i]);
            if (sequence.length)
                ck_assert_mem_eq(mlce_dataset_token_chars(dataset, s), sequence.token_chars,
                                 (size_t)sequence.length * sizeof *sequence.token_chars);
            ck_assert_str_eq(mlce_dataset_text(dataset, s), sequence.text);
            ck_assert_str_eq(mlce_dataset_id(dataset, s), sequence.id);
            ck_assert_int_eq(mlce_dataset_document(dataset, s), sequence.document);
        }
        mlce_dataset_close(dataset);
        check_folder(true);
    }
}
END_TEST

START_TEST(parts_that_are_not_wanted_are_not_written) {
    const mlce_dataset_spec spec = {.types = good_types, .type_count = TYPES, .width = WIDTH};
    mlce_dataset *dataset = write_and_open(&spec);
    assert_ok(mlce_dataset_load_text(dataset));
    ck_assert(!mlce_dataset_has_spans(dataset));
    ck_assert_ptr_null(mlce_dataset_token_text(dataset, 0));
    ck_assert_ptr_null(mlce_dataset_token_chars(dataset, 0));
    ck_assert_ptr_null(mlce_dataset_text(dataset, 0));
    ck_assert_ptr_null(mlce_dataset_id(dataset, 0));
    ck_assert_int_eq(mlce_dataset_document(dataset, 0), -1);
    ck_assert_str_eq(mlce_dataset_embedding(dataset), "");
    check_rows(dataset, 0);
    mlce_dataset_close(dataset);
}
END_TEST

START_TEST(a_dataset_without_sequences_is_written) {
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_writer_close(open_writer(&everything)));
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    ck_assert_int_eq(mlce_dataset_sequences(dataset), 0);
    assert_ok(mlce_dataset_load_text(dataset));
    mlce_dataset_close(dataset);
}
END_TEST

/* Values that tell where they stand: row r, column c. */
static float value_at(int64_t row, int column) {
    return (float)((row * 31 + column * 7) % 2048);
}

/* More rows than a buffer holds: the datasets grow chunk by chunk. */
START_TEST(large_datasets_grow_in_chunks) {
    enum { MANY = 40000, LENGTH = 3, WIDE = 64 };
    mlce_dataset_spec spec = everything;
    spec.width = WIDE;
    spec.precision = MLCE_FLOAT16;
    mlce_dataset_writer *writer = open_writer(&spec);
    static float rows[LENGTH * WIDE], back[LENGTH * WIDE];
    char text[32];
    for (int s = 0; s < MANY; s++) {
        for (int i = 0; i < LENGTH * WIDE; i++)
            rows[i] = value_at((int64_t)s * LENGTH + i / WIDE, i % WIDE);
        snprintf(text, sizeof text, "%d", s);
        const char *const tokens[] = {text, "x", text};
        const int32_t chars[][2] = {{0, 1}, {0, 1}, {0, 1}};
        const mlce_span span = {s % LENGTH, LENGTH, s % TYPES};
        const mlce_sequence sequence = {LENGTH, rows, tokens, chars, text, text, s, &span, 1, NULL};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
    const mlce_dataset_options options[] = {{.memory = (size_t)1 << 30}, {.memory = 0}};
    for (int k = 0; k < 2; k++) {
        mlce_dataset *dataset;
        assert_ok(mlce_dataset_open(path, &options[k], &dataset));
        ck_assert_int_eq(mlce_dataset_sequences(dataset), MANY);
        assert_ok(mlce_dataset_load_text(dataset));
        for (int s = 0; s < MANY; s += k ? 97 : 1) {
            int count;
            assert_ok(mlce_dataset_read(dataset, s, back));
            for (int i = 0; i < LENGTH * WIDE; i++)
                if (back[i] != value_at((int64_t)s * LENGTH + i / WIDE, i % WIDE))
                    ck_abort_msg("sequence %d, value %d", s, i);
            const mlce_span *gold = mlce_dataset_gold(dataset, s, &count);
            if (count != 1 || gold->start != s % LENGTH || gold->type != s % TYPES ||
                atoi(mlce_dataset_token_text(dataset, s)[2]) != s ||
                atoi(mlce_dataset_id(dataset, s)) != s || mlce_dataset_document(dataset, s) != s)
                ck_abort_msg("sequence %d", s);
        }
        mlce_dataset_close(dataset);
    }
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/tokens/embeddings", H5P_DEFAULT);
    hid_t create = H5Dget_create_plist(dataset);
    hsize_t chunk[2];
    ck_assert_int_eq(H5Pget_chunk(create, 2, chunk), 2);
    ck_assert_uint_le(chunk[0] * chunk[1] * 2, 1 << 20);
    H5Pclose(create);
    H5Dclose(dataset);
    H5Fclose(file);
}
END_TEST

START_TEST(rows_wider_than_a_chunk_are_written) {
    enum { WIDE = 300001 };
    mlce_dataset_spec spec = {.types = good_types, .type_count = 1, .width = WIDE};
    spec.precision = MLCE_FLOAT64;
    static float rows[2 * WIDE], back[2 * WIDE];
    for (int i = 0; i < 2 * WIDE; i++) rows[i] = value_at(i / WIDE, i % WIDE);
    mlce_dataset_writer *writer = open_writer(&spec);
    mlce_sequence sequence = {.length = 2, .embeddings = rows};
    assert_ok(mlce_dataset_writer_add(writer, &sequence));
    assert_ok(mlce_dataset_writer_close(writer));
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, &(mlce_dataset_options){0}, &dataset));
    assert_ok(mlce_dataset_read(dataset, 0, back));
    ck_assert_int_eq(memcmp(rows, back, sizeof rows), 0);
    mlce_dataset_close(dataset);
}
END_TEST

static size_t read_all(const char *name, char *bytes, size_t most) {
    FILE *file = fopen(name, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, most, file);
    fclose(file);
    return size;
}

/* Flips one bit of a dataset's first chunk in the file. */
static void flip_bit(const char *name) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t numbers = H5Dopen2(file, name, H5P_DEFAULT);
    haddr_t address;
    hsize_t bytes;
    unsigned mask;
    ck_assert_int_ge(
        H5Dget_chunk_info_by_coord(numbers, (const hsize_t[3]){0}, &mask, &address, &bytes), 0);
    H5Dclose(numbers);
    H5Fclose(file);
    int descriptor = open(path, O_RDWR);
    char byte;
    ck_assert_int_eq(pread(descriptor, &byte, 1, (off_t)address), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(descriptor, &byte, 1, (off_t)address), 1);
    close(descriptor);
}

START_TEST(one_changed_bit_of_its_numbers_is_refused) {
    const char *const parts[] = {"/tokens/embeddings", "/sequences/offsets", "/spans/offsets",
                                 "/spans/items",       "/tokens/chars",      "/sequences/document"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        mlce_dataset *dataset = write_and_open(&everything);
        mlce_dataset_close(dataset);
        flip_bit(parts[i]);
        mlce_status status = mlce_dataset_open(path, NULL, &dataset);
        if (!status) status = mlce_dataset_load_text(dataset);
        assert_fails(status, MLCE_E_DATA, parts[i]);
        ck_assert_msg(strstr(mlce_last_error(), "checksum"), "%s", mlce_last_error());
        mlce_dataset_close(dataset);
    }
}
END_TEST

START_TEST(the_same_content_gives_the_same_bytes) {
    enum { MOST = 1 << 20 };
    static char first[MOST], second[MOST];
    mlce_dataset_close(write_and_open(&everything));
    size_t size = read_all(path, first, MOST);
    sleep(1); /* were times stored, they would now differ */
    mlce_dataset_close(write_and_open(&everything));
    ck_assert_uint_eq(read_all(path, second, MOST), size);
    ck_assert_uint_lt(size, 50000);
    ck_assert_int_eq(memcmp(first, second, size), 0);
}
END_TEST

START_TEST(what_stood_there_stays_until_the_file_is_finished) {
    mlce_dataset_close(write_and_open(&everything));
    mlce_dataset_writer *writer = open_writer(&everything);
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    check_rows(dataset, 0);
    mlce_dataset_close(dataset);
    mlce_dataset_writer_abandon(writer);
    check_folder(true);
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    check_rows(dataset, 0);
    mlce_dataset_close(dataset);
    mlce_dataset_writer_abandon(NULL);
}
END_TEST

/* Adds sequence 0, then the wrong one, which is refused; nothing is left of the file. */
static void assert_refused(const mlce_dataset_spec *spec, const mlce_sequence *wrong,
                           mlce_status status, const char *message) {
    char full[300];
    snprintf(full, sizeof full, "%s: sequence 1: %s", path, message);
    mlce_dataset_writer *writer = open_writer(spec);
    mlce_sequence good = good_sequence(0);
    assert_ok(mlce_dataset_writer_add(writer, &good));
    assert_fails(mlce_dataset_writer_add(writer, wrong), status, full);
    assert_fails(mlce_dataset_writer_add(writer, &good), MLCE_E_ARGUMENT,
                 "cannot go on after a failure");
    assert_fails(mlce_dataset_writer_close(writer), MLCE_E_ARGUMENT, "a sequence was refused");
    check_folder(false);
}

START_TEST(wrong_spans_are_refused) {
    const struct {
        mlce_span span;
        const char *message;
    } cases[] = {
        {{1, 1, 0}, "span 1: start 1, end 1: is empty"},
        {{-1, 1, 0}, "span 1: starts at -1, before the sequence"},
        {{1, 4, 0}, "span 1: start 1, end 4: runs past the sequence's 3 tokens"},
        {{1, 2, 2}, "span 1: has the unknown type 2"},
        {{0, 2, 1}, "span 1: start 0, end 2, type 1: stands twice in the sequence"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mlce_span spans[] = {{0, 2, 1}, cases[i].span};
        mlce_sequence wrong = good_sequence(2);
        wrong.spans = spans;
        wrong.span_count = 2;
        assert_refused(&everything, &wrong, MLCE_E_DATA, cases[i].message);
    }
}
END_TEST

START_TEST(embeddings_that_are_not_finite_are_refused) {
    float rows[3 * WIDTH] = {0};
    mlce_sequence wrong = good_sequence(2);
    mlce_dataset_spec half = everything;
    half.precision = MLCE_FLOAT16;
    wrong.embeddings = rows;
    rows[5] = NAN;
    assert_refused(&everything, &wrong, MLCE_E_DATA,
                   "the embedding of token 1, column 2 is nan: embeddings must be finite");
    rows[5] = -INFINITY;
    assert_refused(&half, &wrong, MLCE_E_DATA, "the embedding of token 1, column 2 is -inf");
    rows[5] = 65520;
    assert_refused(&half, &wrong, MLCE_E_DATA,
                   "the embedding of token 1, column 2 is 65520: too large for float16");
}
END_TEST

START_TEST(wrong_or_missing_text_is_refused) {
    const char *const tokens[] = {"a", "\xC3", "c"}, *const gap[] = {"a", NULL, "c"};
    const int32_t chars[][2] = {{0, 1}, {1, 2}, {3, 5}};
    mlce_sequence wrong = good_sequence(2);
    wrong.token_text = tokens;
    assert_refused(&everything, &wrong, MLCE_E_DATA, "the text of token 1 is not UTF-8");
    wrong.token_text = gap;
    assert_refused(&everything, &wrong, MLCE_E_ARGUMENT, "token 1 has no text");
    wrong = good_sequence(2);
    wrong.token_chars = chars;
    assert_refused(&everything, &wrong, MLCE_E_DATA, "token 2: 3 .. 5 is not a range");
    wrong = good_sequence(2);
    wrong.id = "\xFF";
    assert_refused(&everything, &wrong, MLCE_E_DATA, "its id is not UTF-8");
    wrong.id = NULL;
    assert_refused(&everything, &wrong, MLCE_E_ARGUMENT, "has no id");
    wrong = good_sequence(2);
    wrong.text = "\xFF";
    assert_refused(&everything, &wrong, MLCE_E_DATA, "its text is not UTF-8");
    wrong = good_sequence(2);
    wrong.length = -1;
    assert_refused(&everything, &wrong, MLCE_E_ARGUMENT, "has a negative length");
}
END_TEST

START_TEST(a_wrong_specification_is_refused) {
    mlce_dataset_writer *writer;
    mlce_dataset_spec spec = everything;
    spec.width = 0;
    assert_fails(mlce_dataset_writer_open(path, &spec, &writer), MLCE_E_ARGUMENT,
                 "a width of 0 features");
    ck_assert_ptr_null(writer);
    spec = everything;
    spec.type_count = 0;
    assert_fails(mlce_dataset_writer_open(path, &spec, &writer), MLCE_E_DATA, "/types: is empty");
    spec = everything;
    spec.types = (const char *[]){"A", "A"};
    assert_fails(mlce_dataset_writer_open(path, &spec, &writer), MLCE_E_DATA,
                 "a.h5: /types: types 0 and 1 are both named 'A'");
    assert_fails(mlce_dataset_writer_open("/no/such/folder/a.h5", &everything, &writer), MLCE_E_IO,
                 "/no/such/folder/a.h5: cannot write");
    check_folder(false);
}
END_TEST

static mlce_status fill_until_refused(mlce_dataset_writer *writer) {
    static float rows[1000 * WIDTH];
    const mlce_sequence sequence = {.length = 1000, .embeddings = rows};
    mlce_status status = MLCE_OK;
    for (int i = 0; i < 1000 && !status; i++) status = mlce_dataset_writer_add(writer, &sequence);
    return status;
}

/* A limit on the size of files stands for a full disk. */
START_TEST(a_full_disk_is_told_and_leaves_nothing) {
    const mlce_dataset_spec spec = {.types = good_types, .type_count = 1, .width = WIDTH};
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 100000;
    mlce_dataset_writer *writer = open_writer(&spec);
    setrlimit(RLIMIT_FSIZE, &small);
    mlce_status status = fill_until_refused(writer);
    char message[300];
    snprintf(message, sizeof message, "%s", mlce_last_error());
    mlce_status closed = mlce_dataset_writer_close(writer);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_msg(status == MLCE_E_IO && strstr(message, "a.h5: cannot write: File too large"),
                  "%d: %s", (int)status, message);
    ck_assert_int_ne(closed, MLCE_OK);
    check_folder(false);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, everything_written_is_read_back_in_all_precisions);
    tcase_add_test(cases, parts_that_are_not_wanted_are_not_written);
    tcase_add_test(cases, a_dataset_without_sequences_is_written);
    tcase_add_test(cases, large_datasets_grow_in_chunks);
    tcase_add_test(cases, rows_wider_than_a_chunk_are_written);
    tcase_add_test(cases, one_changed_bit_of_its_numbers_is_refused);
    tcase_add_test(cases, the_same_content_gives_the_same_bytes);
    tcase_add_test(cases, what_stood_there_stays_until_the_file_is_finished);
    tcase_add_test(cases, wrong_spans_are_refused);
    tcase_add_test(cases, embeddings_that_are_not_finite_are_refused);
    tcase_add_test(cases, wrong_or_missing_text_is_refused);
    tcase_add_test(cases, a_wrong_specification_is_refused);
    tcase_add_test(cases, a_full_disk_is_told_and_leaves_nothing);
}

int main(void) {
    return run_suite("dataset_write", add);
}

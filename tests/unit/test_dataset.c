/* Datasets that are right are read as they are, however they are stored. */
#include "test_dataset.h"

#include "mlce/memory.h"

static const mlce_dataset_options from_file = {.memory = 0, .check_rows = true};

static mlce_dataset *open_dataset(const char *paths, const mlce_dataset_options *options) {
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(paths, options, &dataset));
    return dataset;
}

static void check_text(const mlce_dataset *dataset, int64_t first) {
    for (int s = 0; s < SEQUENCES; s++) {
        const char *const *tokens = mlce_dataset_token_text(dataset, first + s);
        const int32_t(*chars)[2] = mlce_dataset_token_chars(dataset, first + s);
        for (int64_t t = good_offsets[s]; t < good_offsets[s + 1]; t++) {
            ck_assert_str_eq(tokens[t - good_offsets[s]], good_tokens[t]);
            ck_assert_int_eq(chars[t - good_offsets[s]][0], (int)good_chars[2 * t]);
            ck_assert_int_eq(chars[t - good_offsets[s]][1], (int)good_chars[2 * t + 1]);
        }
        ck_assert_str_eq(mlce_dataset_text(dataset, first + s), good_texts[s]);
        ck_assert_str_eq(mlce_dataset_id(dataset, first + s), good_ids[s]);
        ck_assert_int_eq(mlce_dataset_document(dataset, first + s), good_documents[s]);
    }
}

/* The same content from memory and from the file. */
static void check_all(const storage *how, const char *precision, size_t kept, size_t stored) {
    write_good(path, how);
    for (int streaming = 0; streaming < 2; streaming++) {
        mlce_dataset *dataset = open_dataset(path, streaming ? &from_file : NULL);
        ck_assert_int_eq(mlce_dataset_is_resident(dataset), !streaming);
        ck_assert_uint_eq(mlce_dataset_bytes(dataset),
                          TOKENS * WIDTH * (streaming ? stored : kept));
        ck_assert_str_eq(mlce_dataset_precision(dataset), precision);
        ck_assert_int_eq(mlce_dataset_sequences(dataset), SEQUENCES);
        ck_assert_int_eq(mlce_dataset_tokens(dataset), TOKENS);
        ck_assert_int_eq(mlce_dataset_spans(dataset), SPANS);
        ck_assert_int_eq(mlce_dataset_width(dataset), WIDTH);
        ck_assert_int_eq(mlce_dataset_layers(dataset), how->layers ? how->layers : 1);
        ck_assert_int_eq(mlce_dataset_types(dataset), TYPES);
        ck_assert_str_eq(mlce_dataset_name(dataset), path);
        ck_assert_str_eq(mlce_dataset_embedding(dataset), "");
        check_rows(dataset, 0);
        check_spans(dataset, 0);
        assert_ok(mlce_dataset_load_text(dataset));
        assert_ok(mlce_dataset_load_text(dataset));
        check_text(dataset, 0);
        mlce_dataset_close(dataset);
    }
}

START_TEST(every_precision_and_byte_order_is_read_exactly) {
    for (int order = H5T_ORDER_LE; order <= H5T_ORDER_BE; order++) {
        hid_t half = half_type((H5T_order_t)order);
        bool big = order == H5T_ORDER_BE;
        check_all(&(storage){.floats = half}, "float16", 2, 2);
        check_all(&(storage){.floats = big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE}, "float32", 4, 4);
        check_all(&(storage){.floats = big ? H5T_IEEE_F64BE : H5T_IEEE_F64LE}, "float64", 4, 8);
        H5Tclose(half);
    }
}
END_TEST

START_TEST(integers_of_any_size_and_byte_order_are_read) {
    const hid_t types[] = {H5T_STD_I8LE, H5T_STD_U8BE, H5T_STD_I16BE, H5T_STD_U32LE, H5T_STD_U64BE};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        check_all(&(storage){.integers = types[i]}, "float32", 4, 4);
}
END_TEST

START_TEST(strings_of_fixed_length_and_any_padding_are_read) {
    const H5T_str_t paddings[] = {H5T_STR_NULLTERM, H5T_STR_NULLPAD, H5T_STR_SPACEPAD};
    for (int i = 0; i < 6; i++) {
        hid_t type =
            text_type(i < 3 ? 20 : 15, paddings[i % 3], i % 2 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
        check_all(&(storage){.strings = type}, "float32", 4, 4);
        H5Tclose(type);
    }
    hid_t variable = text_type(H5T_VARIABLE, H5T_STR_NULLTERM, H5T_CSET_ASCII);
    check_all(&(storage){.strings = variable}, "float32", 4, 4);
    H5Tclose(variable);
}
END_TEST

START_TEST(chunks_and_filters_are_read) {
    check_all(&(storage){.chunk = {2, 3}}, "float32", 4, 4);
    check_all(&(storage){.chunk = {2, 2}, .gzip = 4, .shuffle = 1}, "float32", 4, 4);
    hid_t half = half_type(H5T_ORDER_BE);
    check_all(&(storage){.chunk = {1, 1}, .gzip = 9, .floats = half}, "float16", 2, 2);
    H5Tclose(half);
}
END_TEST

START_TEST(layers_are_read_as_one_row) {
    check_all(&(storage){.layers = 3}, "float32", 4, 4);
    check_all(&(storage){.layers = 1, .chunk = {2, 1, 2}, .gzip = 1}, "float32", 4, 4);
}
END_TEST

START_TEST(several_files_are_one_split_with_the_types_of_the_first) {
    write_good(path, &(storage){0});
    hid_t half = half_type(H5T_ORDER_LE);
    write_good(other, &(storage){.swap_types = 1, .floats = half});
    H5Tclose(half);
    char commas[300], pattern[160];
    snprintf(commas, sizeof commas, " %s , %s", path, other);
    snprintf(pattern, sizeof pattern, "%s/?.h5", folder);
    const char *const names[] = {commas, pattern};
    for (int i = 0; i < 4; i++) {
        mlce_dataset *dataset = open_dataset(names[i / 2], i % 2 ? &from_file : NULL);
        ck_assert_int_eq(mlce_dataset_sequences(dataset), 2 * SEQUENCES);
        ck_assert_int_eq(mlce_dataset_tokens(dataset), 2 * TOKENS);
        ck_assert_int_eq(mlce_dataset_spans(dataset), 2 * SPANS);
        ck_assert_uint_eq(mlce_dataset_bytes(dataset), TOKENS * WIDTH * (4 + 2));
        ck_assert_str_eq(mlce_dataset_type_name(dataset, 0), good_types[0]);
        assert_ok(mlce_dataset_load_text(dataset));
        for (int64_t first = 0; first <= SEQUENCES; first += SEQUENCES) {
            check_rows(dataset, first);
            check_spans(dataset, first);
            check_text(dataset, first);
        }
        mlce_dataset_close(dataset);
    }
}
END_TEST

START_TEST(memory_decides_where_the_embeddings_are) {
    write_good(path, &(storage){0});
    size_t need = TOKENS * WIDTH * sizeof(float);
    mlce_dataset *dataset = open_dataset(path, &(mlce_dataset_options){.memory = need});
    ck_assert(mlce_dataset_is_resident(dataset));
    mlce_dataset_close(dataset);
    dataset = open_dataset(path, &(mlce_dataset_options){.memory = need - 1});
    ck_assert(!mlce_dataset_is_resident(dataset));
    mlce_dataset_close(dataset);
}
END_TEST

START_TEST(a_file_without_spans_and_text_is_read) {
    write_good(path, &(storage){.without_spans = 1, .without_text = 1});
    write_good(other, &(storage){0});
    char both[300];
    snprintf(both, sizeof both, "%s,%s", path, other);
    mlce_dataset *dataset = open_dataset(path, NULL);
    ck_assert(!mlce_dataset_has_spans(dataset));
    ck_assert_int_eq(mlce_dataset_spans(dataset), 0);
    int count = -1;
    mlce_dataset_gold(dataset, 2, &count);
    ck_assert_int_eq(count, 0);
    assert_ok(mlce_dataset_load_text(dataset));
    ck_assert_ptr_null(mlce_dataset_token_text(dataset, 0));
    ck_assert_ptr_null(mlce_dataset_token_chars(dataset, 0));
    ck_assert_ptr_null(mlce_dataset_text(dataset, 0));
    ck_assert_ptr_null(mlce_dataset_id(dataset, 0));
    ck_assert_int_eq(mlce_dataset_document(dataset, 0), -1);
    char *text = other;
    assert_ok(mlce_dataset_span_text(dataset, 0, (mlce_span){0, 1, 0}, &text));
    ck_assert_ptr_null(text);
    mlce_dataset_close(dataset);
    dataset = open_dataset(both, NULL);
    ck_assert(!mlce_dataset_has_spans(dataset));
    ck_assert_int_eq(mlce_dataset_spans(dataset), SPANS);
    check_spans(dataset, SEQUENCES);
    mlce_dataset_close(dataset);
    dataset = open_dataset(other, NULL);
    ck_assert(mlce_dataset_has_spans(dataset));
    mlce_dataset_close(dataset);
}
END_TEST

static void assert_span_text(const mlce_dataset *dataset, int64_t s, int start, int end,
                             const char *expected) {
    char *text;
    assert_ok(mlce_dataset_span_text(dataset, s, (mlce_span){start, end, 0}, &text));
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(span_text_is_cut_by_code_points_or_joined_from_tokens) {
    write_good(path, &(storage){0});
    mlce_dataset *dataset = open_dataset(path, NULL);
    assert_ok(mlce_dataset_load_text(dataset));
    assert_span_text(dataset, 0, 0, 1, "J\xC3\xBCrgen");
    assert_span_text(dataset, 0, 0, 2, "J\xC3\xBCrgen, Wien");
    assert_span_text(dataset, 2, 1, 3, "\xF0\x9F\x98\x80 c");
    char *text;
    assert_fails(mlce_dataset_span_text(dataset, 0, (mlce_span){0, 3, 0}, &text), MLCE_E_ARGUMENT,
                 "tokens 0 .. 3 of sequence 0");
    assert_fails(mlce_dataset_span_text(dataset, 3, (mlce_span){0, 1, 0}, &text), MLCE_E_ARGUMENT,
                 "sequence 3");
    mlce_dataset_close(dataset);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "/sequences/text", H5P_DEFAULT);
    H5Fclose(file);
    dataset = open_dataset(path, NULL);
    assert_ok(mlce_dataset_load_text(dataset));
    assert_span_text(dataset, 0, 0, 2, "J\xC3\xBCrgen Wien");
    mlce_dataset_close(dataset);
}
END_TEST

/* Two sequences of `points` characters, each of two bytes, each a token; the last one is another.
 */
static void write_long_texts(int points) {
    static const char *const type = "t";
    const mlce_dataset_spec spec = {.types = &type,
                                    .type_count = 1,
                                    .width = 1,
                                    .precision = MLCE_FLOAT16,
                                    .token_chars = true,
                                    .text = true};
    float *embeddings = mlce_calloc((size_t)points, sizeof *embeddings);
    int32_t(*chars)[2] = mlce_calloc((size_t)points, sizeof *chars);
    char *text = mlce_calloc((size_t)points + 1, 2);
    for (int i = 0; i < points; i++) {
        chars[i][0] = i;
        chars[i][1] = i + 1;
        memcpy(text + 2 * i, i < points - 1 ? "\xC3\xA4" : "\xC3\xB6", 2);
    }
    const mlce_sequence sequence = {.length = points,
                                    .embeddings = embeddings,
                                    .token_chars = (const int32_t(*)[2])chars,
                                    .text = text};
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    for (int s = 0; s < 2; s++) assert_ok(mlce_dataset_writer_add(writer, &sequence));
    assert_ok(mlce_dataset_writer_close(writer));
    free(embeddings);
    free(chars);
    free(text);
}

/* The longer one would take minutes, were it gone through from its beginning each time. */
START_TEST(span_text_is_found_far_behind_in_a_long_text) {
    static const int lengths[] = {255, 256, 257, 1000, 600000};
    for (int k = 0; k < 5; k++) {
        mlce_dataset *dataset;
        int last = lengths[k] - 1;
        write_long_texts(lengths[k]);
        assert_ok(mlce_dataset_open(path, NULL, &dataset));
        assert_ok(mlce_dataset_load_text(dataset));
        for (int s = 0; s < 2; s++) {
            assert_span_text(dataset, s, last, last + 1, "\xC3\xB6");
            assert_span_text(dataset, s, last - 2, last + 1, "\xC3\xA4\xC3\xA4\xC3\xB6");
            int right = 0;
            for (int t = 0; t < last; t++) {
                char *text;
                mlce_dataset_span_text(dataset, s, (mlce_span){t, t + 1, 0}, &text);
                right += text && strcmp(text, "\xC3\xA4") == 0;
                free(text);
            }
            ck_assert_int_eq(right, last);
        }
        mlce_dataset_close(dataset);
    }
}
END_TEST

START_TEST(types_take_the_order_of_a_model) {
    write_good(path, &(storage){0});
    mlce_dataset *dataset = open_dataset(path, NULL);
    const char *const wider[] = {"ORG", "LOC", "MISC", "PER"};
    assert_ok(mlce_dataset_match_types(dataset, wider, 4, "the model"));
    ck_assert_int_eq(mlce_dataset_types(dataset), 4);
    ck_assert_str_eq(mlce_dataset_type_name(dataset, 0), "ORG");
    check_spans(dataset, 0);
    int count;
    ck_assert_int_eq(mlce_dataset_gold(dataset, 0, &count)[0].type, 1);
    assert_fails(mlce_dataset_match_types(dataset, wider, 3, "the model"), MLCE_E_DATA,
                 "a.h5: the type 'PER' is not one of the model");
    check_spans(dataset, 0);
    mlce_dataset_close(dataset);
}
END_TEST

START_TEST(an_empty_dataset_opens) {
    write_good(path, &(storage){.without_text = 1});
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const char *const names[] = {"/tokens/embeddings", "/sequences/offsets", "/spans/offsets",
                                 "/spans/items"};
    for (int i = 0; i < 4; i++) H5Ldelete(file, names[i], H5P_DEFAULT);
    put(file, names[0], H5T_IEEE_F32LE, 0, 2, (const hsize_t[]){0, WIDTH}, H5P_DEFAULT, NULL);
    put_integers(file, names[1], 0, 1, 0, &(int64_t){0});
    put_integers(file, names[2], 0, 1, 0, &(int64_t){0});
    put_integers(file, names[3], 0, 0, 3, NULL);
    H5Fclose(file);
    for (int streaming = 0; streaming < 2; streaming++) {
        mlce_dataset *dataset = open_dataset(path, streaming ? &from_file : NULL);
        ck_assert_int_eq(mlce_dataset_sequences(dataset), 0);
        ck_assert_int_eq(mlce_dataset_tokens(dataset), 0);
        assert_ok(mlce_dataset_load_text(dataset));
        float row[WIDTH];
        assert_fails(mlce_dataset_read(dataset, 0, row), MLCE_E_ARGUMENT, "no sequence 0");
        mlce_dataset_close(dataset);
    }
    write_good(other, &(storage){0});
    char both[400];
    snprintf(both, sizeof both, "%s,%s,%s", path, other, path);
    mlce_dataset *dataset = open_dataset(both, NULL);
    check_rows(dataset, 0);
    mlce_dataset_close(dataset);
}
END_TEST

/* ---- The sample data ---- */

/* In MLCE_SAMPLE_DATA, else in ../shared/data beside the source tree. */
static const char *sample(const char *name) {
    static char full[1024];
    int source = (int)(strlen(FIXTURES) - strlen("/tests/fixtures"));
    const char *data = getenv("MLCE_SAMPLE_DATA");
    if (data)
        snprintf(full, sizeof full, "%s/%s", data, name);
    else
        snprintf(full, sizeof full, "%.*s/../shared/data/%s", source, FIXTURES, name);
    if (access(full, R_OK) == 0) return full;
    printf("skipped: no sample data (%s)\n", full);
    return NULL;
}

static void check_sample(const char *name, int sequences, int tokens, int spans, int types) {
    const char *file = sample(name);
    if (!file) return;
    mlce_dataset *kept = open_dataset(file, NULL), *streamed = open_dataset(file, &from_file);
    ck_assert_int_eq(mlce_dataset_sequences(kept), sequences);
    ck_assert_int_eq(mlce_dataset_tokens(kept), tokens);
    ck_assert_int_eq(mlce_dataset_spans(kept), spans);
    ck_assert_int_eq(mlce_dataset_types(kept), types);
    ck_assert_int_eq(mlce_dataset_width(kept), 384);
    ck_assert_str_eq(mlce_dataset_precision(kept), "float16");
    ck_assert(mlce_dataset_is_resident(kept) && !mlce_dataset_is_resident(streamed));
    ck_assert_ptr_nonnull(strstr(mlce_dataset_embedding(kept), "all-MiniLM-L6-v2"));
    assert_ok(mlce_dataset_load_text(kept));
    /* HDF5's own widening of float16 is exact: the third way to the same numbers. */
    float *all = malloc((size_t)tokens * 384 * sizeof *all);
    hid_t h5 = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(h5, "/tokens/embeddings", H5P_DEFAULT);
    ck_assert_int_ge(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, all), 0);
    H5Dclose(dataset);
    H5Fclose(h5);
    float *a = malloc(512 * 384 * sizeof *a), *b = malloc(512 * 384 * sizeof *b), *row = all;
    for (int s = 0; s < sequences; s++) {
        size_t length = (size_t)mlce_dataset_length(kept, s), bytes = length * 384 * sizeof *a;
        ck_assert_uint_le(length, 512);
        assert_ok(mlce_dataset_read(kept, s, a));
        assert_ok(mlce_dataset_read(streamed, s, b));
        ck_assert_int_eq(memcmp(a, b, bytes), 0);
        ck_assert_int_eq(memcmp(a, row, bytes), 0);
        row += length * 384;
    }
    ck_assert_ptr_nonnull(mlce_dataset_token_text(kept, sequences - 1)[0]);
    free(all);
    free(a);
    free(b);
    mlce_dataset_close(kept);
    mlce_dataset_close(streamed);
}

START_TEST(the_sample_data_is_read) {
    check_sample("wnut17/train.h5", 3394, 62730, 1975, 6);
    check_sample("wnut17/dev.h5", 1009, 15733, 836, 6);
    check_sample("germeval2014/a.h5", 3000, 56591, 3935, 12);
    check_sample("germeval2014/b.h5", 1500, 28146, 1942, 12);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, every_precision_and_byte_order_is_read_exactly);
    tcase_add_test(cases, integers_of_any_size_and_byte_order_are_read);
    tcase_add_test(cases, strings_of_fixed_length_and_any_padding_are_read);
    tcase_add_test(cases, chunks_and_filters_are_read);
    tcase_add_test(cases, layers_are_read_as_one_row);
    tcase_add_test(cases, several_files_are_one_split_with_the_types_of_the_first);
    tcase_add_test(cases, memory_decides_where_the_embeddings_are);
    tcase_add_test(cases, a_file_without_spans_and_text_is_read);
    tcase_add_test(cases, span_text_is_cut_by_code_points_or_joined_from_tokens);
    tcase_add_test(cases, span_text_is_found_far_behind_in_a_long_text);
    tcase_add_test(cases, types_take_the_order_of_a_model);
    tcase_add_test(cases, an_empty_dataset_opens);
    tcase_add_test(cases, the_sample_data_is_read);
}

int main(void) {
    return run_suite("dataset", add);
}

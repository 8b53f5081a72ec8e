/* test_fixtures_shape.c - shape features, bit for bit as tests/interop/shape_features.py has them.
 */
#include "fixture.h"

#include "mlce/shape.h"

enum { MOST_TOKENS = 16, LONGEST = 512, BESIDE = 3 };

/* The bytes of a token, written in hexadecimal. */
static void read_token(const json_t *item, char *token) {
    const char *text = json_string_value(item);
    size_t length = strlen(text) / 2;
    ck_assert_uint_lt(length, LONGEST);
    for (size_t i = 0; i < length; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(text + 2 * i, "%2x", &byte), 1);
        token[i] = (char)byte;
    }
    token[length] = 0;
}

static void check_row(const json_t *wanted, int t, const float *row, int width) {
    size_t next = 0;
    for (int c = 0; c < width; c++) {
        const json_t *entry = json_array_get(wanted, next);
        float value = 0;
        if (entry && json_integer_value(json_array_get(entry, 0)) == c) {
            value = (float)json_number_value(json_array_get(entry, 1));
            next++;
        }
        if (row[c] != value)
            ck_abort_msg("%s: token %d, column %d: %.9g, expected %.9g", fixture_case, t, c,
                         (double)row[c], (double)value);
    }
    ck_assert_uint_eq(next, json_array_size(wanted));
}

static void check_case(const json_t *test) {
    static char text[MOST_TOKENS][LONGEST];
    const char *tokens[MOST_TOKENS];
    mlce_shape_options options = {.buckets = fixture_int(test, "buckets"),
                                  .ngram_min = fixture_int(test, "ngram_min"),
                                  .ngram_max = fixture_int(test, "ngram_max")};
    const json_t *list = fixture_get(test, "tokens"), *rows = fixture_get(test, "rows");
    int count = (int)json_array_size(list), width = mlce_shape_width(&options);
    ck_assert_int_le(count, MOST_TOKENS);
    ck_assert_int_eq((int)json_array_size(rows), count);
    for (int t = 0; t < count; t++) {
        read_token(json_array_get(list, (size_t)t), text[t]);
        tokens[t] = text[t];
    }
    size_t stride = (size_t)width + BESIDE, size = stride * MOST_TOKENS;
    float *values = calloc(size, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < size; i++) values[i] = -7;
    assert_ok(mlce_shape_rows(&options, tokens, count, values, stride));
    for (int t = 0; t < count; t++) {
        const float *row = values + (size_t)t * stride;
        check_row(json_array_get(rows, (size_t)t), t, row, width);
        for (int c = width; c < width + BESIDE; c++) ck_assert_float_eq(row[c], -7);
    }
    ck_assert_float_eq(values[(size_t)count * stride], -7);
    free(values);
}

START_TEST(rows_are_those_of_the_documented_recipe) {
    fixture cases = fixture_open("shape.json");
    for (const json_t *test; (test = fixture_next(&cases));) check_case(test);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, rows_are_those_of_the_documented_recipe);
}

int main(void) {
    return run_suite("fixtures_shape", add);
}

/* Reading and writing JSON while memory is refused: all of it or an error, never a part. */
#include <errno.h>
#include <stdlib.h>

#include "core/json.h"
#include "unit.h"

/* Strings that outgrow jansson's first buffers of 16 bytes, and numbers after them, which make it
   forget errno. */
static const char text[] =
    "{\"data.check_rows\": \"a value that grows the buffer twice over\","
    " \"list of numbers\": [1, -2.5e3, \"0123456789abcdef\", 17], \"last\": null}";

static int calls, refused;

static void *may_fail(size_t size) {
    if (calls++ != refused) return malloc(size);
    errno = ENOMEM;
    return NULL;
}

static mlce_status parse_text(json_t **value) {
    json_error_t error;
    return mlce_json_parse(text, sizeof text - 1, 0, value, &error);
}

static mlce_status read_file(json_t **value) {
    json_error_t error;
    FILE *file = fmemopen((char *)text, sizeof text - 1, "r");
    ck_assert_ptr_nonnull(file);
    mlce_status status = mlce_json_read(file, 0, value, &error);
    fclose(file);
    return status;
}

static void is_whole_or_refused(mlce_status (*read)(json_t **value)) {
    json_t *whole = json_loads(text, 0, NULL), *value;
    ck_assert_ptr_nonnull(whole);
    json_set_alloc_funcs(may_fail, free);
    mlce_status status = MLCE_E_MEMORY;
    for (refused = 0; status; refused++) {
        calls = 0;
        status = read(&value);
        bool is_reached = calls > refused;
        ck_assert_msg(status == (is_reached ? MLCE_E_MEMORY : MLCE_OK), "call %d: %s", refused,
                      mlce_last_error());
        ck_assert_msg(is_reached ? !value : json_equal(value, whole), "call %d", refused);
        if (!status) json_decref(value);
    }
    json_set_alloc_funcs(malloc, free);
    ck_assert_int_gt(refused, 20);
    json_decref(whole);
}

START_TEST(a_value_is_written_whole_or_not_at_all) {
    json_t *value = json_loads(text, 0, NULL);
    char *whole = mlce_json_text(json_incref(value), 0, "a value"), *written = NULL;
    ck_assert_ptr_nonnull(whole);
    json_set_alloc_funcs(may_fail, free);
    for (refused = 0; !written; refused++) {
        calls = 0;
        written = mlce_json_text(json_incref(value), 0, "a value");
        ck_assert_msg(calls > refused ? !written : written != NULL, "call %d", refused);
        if (!written) ck_assert_pstr_eq(mlce_last_error(), "out of memory: a value as JSON");
    }
    json_set_alloc_funcs(malloc, free);
    ck_assert_str_eq(written, whole);
    ck_assert_int_gt(refused, 4);
    free(written);
    free(whole);
    json_decref(value);
}
END_TEST

START_TEST(text_is_read_whole_or_not_at_all) {
    is_whole_or_refused(parse_text);
}
END_TEST

START_TEST(a_file_is_read_whole_or_not_at_all) {
    is_whole_or_refused(read_file);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, a_value_is_written_whole_or_not_at_all);
    tcase_add_test(cases, text_is_read_whole_or_not_at_all);
    tcase_add_test(cases, a_file_is_read_whole_or_not_at_all);
}

int main(void) {
    return run_suite("json", add);
}

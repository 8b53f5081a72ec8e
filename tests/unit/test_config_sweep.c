/* Values that stand for several: what is read, what is drawn, what is refused. */
#include <unistd.h>

#include "config.h"
#include "core/config_sweep.h"

static mlce_config_sweep sweep;

/* Reads `text` as a sweep over the key. */
static mlce_status parse(const char *name, const char *text) {
    int section;
    const mlce_config_key *key = mlce_config_declared(name, &section);
    ck_assert_ptr_nonnull(key);
    return mlce_config_parse_sweep(key, name, text, &sweep);
}

static void assert_list(const char *name, const char *text, int count, const char *last) {
    assert_ok(parse(name, text));
    ck_assert(!sweep.is_range);
    ck_assert_int_eq(sweep.count, count);
    ck_assert_str_eq(sweep.values[count - 1].text, last);
    mlce_config_sweep_free(&sweep);
}

START_TEST(lists_of_every_kind_of_value) {
    assert_list("model.dropout", "sweep(0.1, 0.2,0.3)", 3, "0.3");
    assert_list("train.seed", "sweep( 1 ,\t2 )", 2, "2");
    assert_list("model.rope", "sweep(yes, false)", 2, "no");
    assert_list("model.head", "sweep(global_pointer, efficient_global_pointer)", 2,
                "efficient_global_pointer");
    assert_list("data.train", "sweep(a b.h5, c (1).h5)", 2, "c (1).h5");
    assert_list("optim.lr", "sweep(0.1)", 1, "0.1");
}
END_TEST

START_TEST(linear_is_a_value_where_the_key_has_it) {
    assert_list("optim.schedule", "sweep(constant, linear)", 2, "linear");
    assert_ok(parse("optim.lr", "sweep(0.1, 0.2, linear)"));
    ck_assert(sweep.is_range);
    mlce_config_sweep_free(&sweep);
}
END_TEST

static void assert_drawn(double share, const char *expected) {
    char *text = mlce_config_sweep_at(&sweep, share);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(a_range_is_drawn_from_between_its_ends) {
    assert_ok(parse("optim.lr", "sweep(1e-4, 1e-2, log)"));
    assert_drawn(0, "0.0001");
    assert_drawn(0.5, "0.001");
    assert_drawn(0.999999, "0.01");
    mlce_config_sweep_free(&sweep);
    assert_ok(parse("optim.lr", "sweep(0.123456, 0.123457, linear)"));
    assert_drawn(0.5, "0.123457"); /* four digits would lie over the range */
    mlce_config_sweep_free(&sweep);
    assert_ok(parse("model.head_size", "sweep(1, 4, linear)"));
    assert_drawn(0, "1");
    assert_drawn(0.26, "2");
    assert_drawn(0.999999, "4");
    mlce_config_sweep_free(&sweep);
    assert_ok(parse("train.batch_tokens", "sweep(100, 10000, log)"));
    assert_drawn(0.5, "1000");
    mlce_config_sweep_free(&sweep);
}
END_TEST

static void refuse(const char *name, const char *text, const char *why) {
    assert_fails(parse(name, text), MLCE_E_CONFIG, why);
    mlce_config_sweep_free(&sweep);
    mlce_config *config = new_config();
    assert_fails(mlce_config_set(config, name, text), MLCE_E_CONFIG, why);
    mlce_config_free(config);
}

START_TEST(what_is_no_list_and_no_range_is_refused) {
    refuse("optim.lr", "sweep()", "a value is missing");
    refuse("optim.lr", "sweep(0.1, , 0.2)", "a value is missing");
    refuse("optim.lr", "sweep(0.1, 0.2", "does not end with ')'");
    refuse("optim.lr", "sweep(", "does not end with ')'");
    refuse("optim.lr", "sweep(0.1, sweep(0.2))", "a sweep itself");
    refuse("optim.lr", "sweep(0.1, many)", "optim.lr = 'many' is not a number");
    refuse("optim.lr", "sweep(0.1, -0.2)", "optim.lr = -0.2: must be from 0");
    refuse("optim.lr", "sweep(0.1, 1e-1)", "1e-1 stands twice");
    refuse("model.rope", "sweep(yes, true)", "yes stands twice");
    refuse("optim.lr", "sweep(0.1, log)", "two ends, 1 given");
    refuse("optim.lr", "sweep(0.1, 0.2, 0.3, log)", "two ends, 3 given");
    refuse("optim.lr", "sweep(0.1, log, 0.2)", "must stand last");
    refuse("optim.lr", "sweep(0.2, 0.1, log)", "from 0.2 to 0.1 is empty");
    refuse("optim.lr", "sweep(0, 0.1, log)", "must begin over 0");
    refuse("model.head", "sweep(global_pointer, crf)", "model.head = 'crf'");
    refuse("data.train", "sweep(a\x1b[m, b)", "control character");
}
END_TEST

START_TEST(a_long_list_is_no_long_wait) {
    enum { VALUES = 300000, SECONDS = 60 };
    alarm(SECONDS); /* each with each takes minutes */
    char *text = malloc(VALUES * 8 + 32), *end = stpcpy(text, "sweep(0");
    for (int i = 1; i < VALUES; i++) end += sprintf(end, ",%d", i);
    strcpy(end, ")");
    assert_list("train.seed", text, VALUES, "299999");
    assert_list("data.train", text, VALUES, "299999");
    strcpy(end, ",7)");
    refuse("train.seed", text, "7 stands twice");
    alarm(0);
    free(text);
}
END_TEST

START_TEST(a_run_has_one_value) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_set(config, "optim.lr", "sweep(0.1, 0.2)"));
    ck_assert_str_eq(mlce_config_string(config, "optim.lr"), "sweep(0.1, 0.2)");
    assert_fails(mlce_config_check(config), MLCE_E_CONFIG, "--sweep");
    assert_ok(mlce_config_set(config, "sweep.runs", "3"));
    assert_ok(mlce_config_set(config, "optim.lr", "0.2"));
    assert_fails(mlce_config_check(config), MLCE_E_CONFIG, "sweep.runs has no effect without");
    assert_ok(mlce_config_unset(config, "sweep.runs"));
    assert_ok(mlce_config_check(config));
    mlce_config_free(config);
}
END_TEST

START_TEST(a_run_says_nothing_of_sweeps) {
    mlce_config *config = new_config();
    char *text = mlce_config_to_ini(config);
    ck_assert_ptr_null(strstr(text, "sweep"));
    free(text);
    mlce_config_free(config);
}
END_TEST

START_TEST(configurations_differ_in_what_has_an_effect) {
    mlce_config *a = new_config(), *b = new_config();
    assert_ok(mlce_config_set(b, "optim.lr", "0.001")); /* the default */
    ck_assert_ptr_null(mlce_config_difference(a, b));
    assert_ok(mlce_config_set(b, "encoder.1.type", "mlp"));
    ck_assert_ptr_null(mlce_config_difference(a, b));
    ck_assert_str_eq(mlce_config_difference(b, a)->name, "encoder.1.type");
    mlce_config_free(a);
    mlce_config_free(b);
}
END_TEST

static void add_cases(TCase *cases) {
    tcase_add_test(cases, lists_of_every_kind_of_value);
    tcase_add_test(cases, linear_is_a_value_where_the_key_has_it);
    tcase_add_test(cases, a_range_is_drawn_from_between_its_ends);
    tcase_add_test(cases, what_is_no_list_and_no_range_is_refused);
    tcase_add_test(cases, a_long_list_is_no_long_wait);
    tcase_add_test(cases, a_run_has_one_value);
    tcase_add_test(cases, a_run_says_nothing_of_sweeps);
    tcase_add_test(cases, configurations_differ_in_what_has_an_effect);
}

int main(void) {
    return run_suite("config sweep", add_cases);
}

/* Sweeps: which runs there are, in which order, and how they are compared. */
#include <math.h>

#include "config.h"
#include "train/sweep_record.h"

/* A configuration of the assignments, ended by NULL. */
static mlce_config *make(const char *const *assignments) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_set(config, "data.train", "train.h5"));
    assert_ok(mlce_config_set(config, "data.dev", "dev.h5"));
    for (; *assignments; assignments++) assert_ok(mlce_config_assign(config, *assignments));
    return config;
}

#define ASSIGN(...) ((const char *const[]){__VA_ARGS__, NULL})

static void refuse(const char *const *assignments, const char *why) {
    mlce_config *config = make(assignments);
    mlce_sweep_plan plan;
    assert_fails(mlce_sweep_plan_make(config, &plan), MLCE_E_CONFIG, why);
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
}

START_TEST(every_combination_of_lists_once) {
    mlce_config *config =
        make(ASSIGN("model.dropout=sweep(0, 0.1, 0.2)", "optim.schedule=sweep(constant, linear)",
                    "train.seed=sweep(1, 2)"));
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    ck_assert_int_eq(plan.runs, 12);
    ck_assert_int_eq(plan.seeds, 2);
    bool sorted = true;
    for (int a = 0; a < plan.runs; a++)
        for (int b = 0; b < a; b++) {
            char *one = mlce_sweep_plan_settings(&plan, a, plan.key_count);
            char *other = mlce_sweep_plan_settings(&plan, b, plan.key_count);
            ck_assert_str_ne(one, other);
            sorted = sorted && strcmp(one, other) > 0;
            free(one);
            free(other);
        }
    ck_assert_msg(!sorted, "the order is not random");
    for (int r = 0; r < plan.runs; r += 2) { /* a setting has its seeds one after the other */
        ck_assert_str_eq(plan.keys[2].name, "train.seed");
        ck_assert_str_eq(mlce_sweep_plan_value(&plan, r, 2), "1");
        ck_assert_str_eq(mlce_sweep_plan_value(&plan, r + 1, 2), "2");
        ck_assert_str_eq(mlce_sweep_plan_value(&plan, r, 0),
                         mlce_sweep_plan_value(&plan, r + 1, 0));
        ck_assert_str_eq(mlce_sweep_plan_value(&plan, r, 1),
                         mlce_sweep_plan_value(&plan, r + 1, 1));
    }
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
}
END_TEST

/* The runs of both begin alike; or else they differ. */
static bool begin_alike(const char *const *one, const char *const *other) {
    mlce_config *configs[] = {make(one), make(other)};
    mlce_sweep_plan plans[2];
    bool alike = true;
    for (int n = 0; n < 2; n++) assert_ok(mlce_sweep_plan_make(configs[n], &plans[n]));
    for (int r = 0; r < plans[0].runs && r < plans[1].runs; r++)
        for (int k = 0; k < plans[0].key_count; k++)
            alike = alike && strcmp(mlce_sweep_plan_value(&plans[0], r, k),
                                    mlce_sweep_plan_value(&plans[1], r, k)) == 0;
    for (int n = 0; n < 2; n++) {
        mlce_sweep_plan_free(&plans[n]);
        mlce_config_free(configs[n]);
    }
    return alike;
}

START_TEST(order_and_draws_depend_on_the_sweep_s_seed_alone) {
    const char *list = "model.dropout=sweep(0, 0.1, 0.2, 0.3, 0.4)";
    const char *range = "optim.lr=sweep(1e-4, 1e-2, log)";
    ck_assert(begin_alike(ASSIGN(list, range, "sweep.runs=10"),
                          ASSIGN(list, range, "sweep.runs=30", "train.seed=7", "train.epochs=3")));
    ck_assert(!begin_alike(ASSIGN(list, range, "sweep.runs=10"),
                           ASSIGN(list, range, "sweep.runs=10", "sweep.seed=2")));
    ck_assert(!begin_alike(ASSIGN(list), ASSIGN(list, "sweep.seed=2")));
}
END_TEST

START_TEST(draws_fill_a_range_evenly) {
    enum { RUNS = 2000 };
    mlce_config *config = make(ASSIGN("optim.lr=sweep(1e-4, 1e-2, log)", "sweep.runs=2000"));
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    int below = 0;
    for (int r = 0; r < RUNS; r++) {
        double lr = atof(mlce_sweep_plan_value(&plan, r, 0));
        ck_assert(lr >= 1e-4 && lr <= 1e-2);
        below += lr < 1e-3;
    }
    ck_assert_int_gt(below, RUNS * 45 / 100);
    ck_assert_int_lt(below, RUNS * 55 / 100);
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
}
END_TEST

START_TEST(a_run_has_its_values_its_folder_and_no_sweep) {
    mlce_config *config = make(ASSIGN("model.dropout=sweep(0.25)", "train.output=runs/s",
                                      "train.seed=sweep(4, 5)", "sweep.seed=3")),
                *run;
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    assert_ok(mlce_sweep_plan_config(&plan, 1, &run));
    ck_assert_str_eq(mlce_config_string(run, "train.output"), "runs/s/002");
    ck_assert_int_eq(mlce_config_int(run, "train.seed"), 5);
    ck_assert_double_eq(mlce_config_float(run, "model.dropout"), 0.25);
    assert_ok(mlce_config_check(run));
    mlce_config_free(run);
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
}
END_TEST

START_TEST(what_makes_no_runs_is_refused) {
    refuse(ASSIGN("train.epochs=2"), "a sweep without a value to try");
    refuse(ASSIGN("optim.lr=sweep(1e-4, 1e-2, log)"), "sweep.runs is not set");
    refuse(ASSIGN("train.output=sweep(a, b)"), "one value for the whole sweep");
    refuse(ASSIGN("sweep.seed=sweep(1, 2)"), "one value for the whole sweep");
    refuse(ASSIGN("optim.lr=sweep(0.1, 0.2)", "data.dev="), "data.dev is not set");
    refuse(ASSIGN("optim.lr=sweep(0.1, 0.2)", "data.train="), "data.train is not set");
    refuse(ASSIGN("model.head_size=sweep(2, 4, 6, 8, 10, 12, 7)"), "(model.head_size=7): model");
    refuse(ASSIGN("loss.name=sweep(binary_ce, focal)", "loss.alpha=0.3"),
           "loss.alpha has no effect with loss.name = binary_ce");
}
END_TEST

START_TEST(a_sweep_of_too_many_runs_is_refused) {
    char list[700] = "0";
    for (int n = 1; n < 101; n++)
        snprintf(list + strlen(list), sizeof list - strlen(list), ", %d", n);
    char seeds[800], epochs[800], warmup[800];
    snprintf(seeds, sizeof seeds, "train.batch_size=sweep(%s)", list + 3);
    snprintf(epochs, sizeof epochs, "train.epochs=sweep(%s, 101)", list + 3);
    snprintf(warmup, sizeof warmup, "optim.warmup=sweep(%s)", list);
    refuse(ASSIGN(epochs, warmup), "the lists make 10201 runs");
    refuse(ASSIGN(epochs, warmup, seeds), "over 1000000 combinations");
}
END_TEST

START_TEST(runs_and_settings_are_sorted_the_best_first) {
    mlce_config *config =
        make(ASSIGN("model.dropout=sweep(0, 0.1, 0.2)", "train.seed=sweep(1, 2)"));
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    mlce_sweep_record records[6] = {{.state = MLCE_RUN_FINISHED, .dev_f1 = 0.5},
                                    {.state = MLCE_RUN_FINISHED, .dev_f1 = 0.7},
                                    {.state = MLCE_RUN_WAITING},
                                    {.state = MLCE_RUN_FAILED},
                                    {.state = MLCE_RUN_FINISHED, .dev_f1 = 0.7},
                                    {.state = MLCE_RUN_FAILED}};
    int expected[] = {1, 4, 0, 3, 5, 2}, count;
    int *order = mlce_sweep_order(&plan, records);
    for (int r = 0; r < 6; r++) ck_assert_int_eq(order[r], expected[r]);
    free(order);
    mlce_sweep_setting *settings;
    assert_ok(mlce_sweep_settings(&plan, records, &settings, &count));
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(settings[0].run, 4);
    ck_assert_int_eq(settings[0].count, 1);
    ck_assert_double_eq(settings[0].deviation, 0);
    ck_assert_int_eq(settings[1].run, 0);
    ck_assert_double_eq_tol(settings[1].mean, 0.6, 1e-12);
    ck_assert_double_eq_tol(settings[1].deviation, sqrt(0.02), 1e-12);
    free(settings);
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
}
END_TEST

START_TEST(the_table_is_for_a_terminal) {
    mlce_config *config = make(ASSIGN("data.test=sweep(\u00e9.h5, n\xc2\x9b\u202e.h5)"));
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    mlce_sweep_record records[2] = {{.state = MLCE_RUN_WAITING}};
    char *table = mlce_sweep_table(&plan, records);
    ck_assert_ptr_nonnull(strstr(table, " -       \u00e9.h5\n"));
    ck_assert_ptr_nonnull(strstr(table, " -     n??.h5\n"));
    free(table);
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
}
END_TEST

START_TEST(what_is_written_is_read_again) {
    char *folder = make_folder(), output[128];
    snprintf(output, sizeof output, "train.output=%s", folder);
    mlce_config *config = make(ASSIGN("train.seed=sweep(1, 2, 3)", output));
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    char error[] = "the loss is nan";
    mlce_sweep_record records[3] = {{.state = MLCE_RUN_FINISHED,
                                     .dev_f1 = 1.0 / 3,
                                     .has_test = true,
                                     .test_f1 = 0.1,
                                     .best_epoch = 4,
                                     .epochs = 9,
                                     .seconds = 2.5},
                                    {.state = MLCE_RUN_FAILED, .error = error}},
                      read[3] = {{0}};
    assert_ok(mlce_sweep_read(&plan, read)); /* nothing there yet */
    ck_assert_int_eq(read[0].state, MLCE_RUN_WAITING);
    assert_ok(mlce_sweep_write(&plan, records));
    assert_ok(mlce_sweep_read(&plan, read));
    ck_assert_int_eq(read[0].state, MLCE_RUN_FINISHED);
    ck_assert_double_eq(read[0].dev_f1, 1.0 / 3);
    ck_assert_double_eq(read[0].test_f1, 0.1);
    ck_assert_int_eq(read[0].epochs, 9);
    ck_assert_int_eq(read[1].state, MLCE_RUN_FAILED);
    ck_assert_str_eq(read[1].error, error);
    ck_assert_int_eq(read[2].state, MLCE_RUN_WAITING);
    free(read[1].error);
    mlce_sweep_plan_free(&plan);

    memset(read, 0, sizeof read);
    assert_ok(mlce_config_set(config, "train.seed", "sweep(1, 5, 3)"));
    assert_ok(mlce_sweep_plan_make(config, &plan));
    assert_fails(mlce_sweep_read(&plan, read), MLCE_E_CONFIG, "a sweep over other values (run 2)");
    for (int r = 0; r < 3; r++) free(read[r].error);
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
    remove_folder(folder);
}
END_TEST

START_TEST(a_broken_record_is_refused) {
    static const char *const texts[] = {"",
                                        "[]",
                                        "{\"runs\": 3}",
                                        "{\"runs\": [{\"run\": 0, \"state\": \"failed\"}]}",
                                        "{\"runs\": [3]}",
                                        ("{\"runs\": [{\"run\": 1, \"state\": \"finished\", "
                                         "\"settings\": {\"train.seed\": \"1\"}}]}")};
    char *folder = make_folder(), path[128];
    snprintf(path, sizeof path, "train.output=%s", folder);
    mlce_config *config = make(ASSIGN("train.seed=sweep(1)", path));
    mlce_sweep_plan plan;
    assert_ok(mlce_sweep_plan_make(config, &plan));
    snprintf(path, sizeof path, "%s/sweep.json", folder);
    for (int n = 0; n < COUNT(texts); n++) {
        mlce_sweep_record record = {0};
        FILE *file = fopen(path, "w");
        fputs(texts[n], file);
        fclose(file);
        assert_fails(mlce_sweep_read(&plan, &record), MLCE_E_DATA, "not as a sweep leaves it");
    }
    mlce_sweep_plan_free(&plan);
    mlce_config_free(config);
    remove_folder(folder);
}
END_TEST

static void add_cases(TCase *cases) {
    tcase_add_test(cases, every_combination_of_lists_once);
    tcase_add_test(cases, order_and_draws_depend_on_the_sweep_s_seed_alone);
    tcase_add_test(cases, draws_fill_a_range_evenly);
    tcase_add_test(cases, a_run_has_its_values_its_folder_and_no_sweep);
    tcase_add_test(cases, what_makes_no_runs_is_refused);
    tcase_add_test(cases, a_sweep_of_too_many_runs_is_refused);
    tcase_add_test(cases, runs_and_settings_are_sorted_the_best_first);
    tcase_add_test(cases, the_table_is_for_a_terminal);
    tcase_add_test(cases, what_is_written_is_read_again);
    tcase_add_test(cases, a_broken_record_is_refused);
}

int main(void) {
    return run_suite("sweep", add_cases);
}

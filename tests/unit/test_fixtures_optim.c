/* Adam and AdamW with groups, clipping, schedules and averages against torch.optim:
   tests/fixtures/optim.json. */
#include "mlce/optim.h"

#include "fixture.h"

/* Named as in the fixture, with its start values. */
static mlce_parameters *make_parameters(const json_t *test) {
    mlce_parameters *parameters = mlce_parameters_new();
    const char *name;
    json_t *entry;
    json_object_foreach(fixture_get(test, "parameters"), name, entry) {
        const json_t *start = fixture_get(entry, "start");
        ck_assert_ptr_nonnull(mlce_parameters_add(parameters, name, fixture_int(start, "rows"),
                                                  fixture_int(start, "cols"), MLCE_INIT_ZERO, 0));
    }
    assert_ok(mlce_parameters_allocate(parameters, 1));
    json_object_foreach(fixture_get(test, "parameters"), name, entry) {
        mlce_parameter *p = mlce_parameters_find(parameters, name);
        float *values = fixture_values(fixture_get(entry, "start"));
        memcpy(p->value, values, (size_t)p->rows * (size_t)p->cols * sizeof *values);
        free(values);
    }
    return parameters;
}

static void set_gradients(mlce_parameters *parameters, const json_t *test, size_t step) {
    const char *name;
    json_t *entry;
    json_object_foreach(fixture_get(test, "parameters"), name, entry) {
        mlce_parameter *p = mlce_parameters_find(parameters, name);
        float *values = fixture_values(json_array_get(fixture_get(entry, "gradients"), step));
        memcpy(p->grad, values, (size_t)p->rows * (size_t)p->cols * sizeof *values);
        p->grad_started = true;
        free(values);
    }
}

static void compare_all(mlce_parameters *parameters, const json_t *test, const char *what) {
    const char *name;
    json_t *entry;
    json_object_foreach(fixture_get(test, "parameters"), name, entry) {
        char text[96];
        snprintf(text, sizeof text, "%s: %s", name, what);
        fixture_compare(text, fixture_get(entry, what),
                        mlce_parameters_find(parameters, name)->value, 2e-6);
    }
}

static void run_case(const json_t *test) {
    mlce_config *config = fixture_config(test);
    assert_ok(mlce_optim_check(config));
    mlce_parameters *parameters = make_parameters(test);
    mlce_adam_options options = mlce_adam_options_from(config);
    mlce_adam *adam = mlce_adam_new(parameters, &options);
    ck_assert_ptr_nonnull(adam);
    for (int n = 1; n <= mlce_config_sections(config, "optim.group"); n++) {
        mlce_adam_group group = mlce_adam_group_from(config, n);
        assert_ok(mlce_adam_add_group(adam, &group, NULL));
    }
    const json_t *norms = fixture_get(test, "norms");
    size_t steps = json_array_size(norms);
    mlce_schedule_options schedule = mlce_schedule_options_from(config, (int64_t)steps);
    for (size_t t = 0; t < steps; t++) {
        double norm, expected = json_number_value(json_array_get(norms, t));
        set_gradients(parameters, test, t);
        assert_ok(mlce_adam_step(adam, mlce_learning_rate(&schedule, (int64_t)t), &norm));
        ck_assert_msg(fabs(norm - expected) <= 1e-6 * expected, "%s: norm %.9g, expected %.9g",
                      fixture_case, norm, expected);
    }
    compare_all(parameters, test, "end");
    if (options.ema > 0) {
        mlce_adam_exchange_average(adam);
        compare_all(parameters, test, "average");
    }
    mlce_adam_free(adam);
    mlce_parameters_free(parameters);
    mlce_config_free(config);
}

START_TEST(steps_are_those_of_torch_optim) {
    fixture cases = fixture_open("optim.json");
    for (const json_t *test; (test = fixture_next(&cases));) run_case(test);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, steps_are_those_of_torch_optim);
}

int main(void) {
    return run_suite("fixtures_optim", add);
}

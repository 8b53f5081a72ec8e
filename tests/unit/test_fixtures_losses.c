/* Losses and their gradients against PyTorch: tests/fixtures/losses.json. */
#include "mlce/loss.h"

#include "fixture.h"

/* The positives of dense targets as a list. */
typedef struct positives {
    int *offsets, *indices;
    float *weights;
} positives;

static positives list_positives(int rows, int classes, const float *dense) {
    size_t size = (size_t)rows * (size_t)classes;
    positives p = {calloc((size_t)rows + 1, sizeof(int)), calloc(size + 1, sizeof(int)),
                   calloc(size + 1, sizeof(float))};
    ck_assert(p.offsets && p.indices && p.weights);
    int count = 0;
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < classes; i++) {
            float t = dense[(size_t)r * (size_t)classes + (size_t)i];
            if (t == 0) continue;
            p.indices[count] = i;
            p.weights[count++] = t;
        }
        p.offsets[r + 1] = count;
    }
    return p;
}

/* The numbers of the case as its arrays. */
typedef struct arrays {
    int rows, classes;
    float *scores, *thresholds, *dense;
    unsigned char *mask;
} arrays;

static arrays read_arrays(const json_t *test) {
    const json_t *scores = fixture_get(test, "scores");
    arrays a = {fixture_int(scores, "rows"),
                fixture_int(scores, "cols"),
                fixture_values(scores),
                fixture_values(fixture_get(test, "thresholds")),
                fixture_values(fixture_get(test, "targets")),
                NULL};
    size_t size = (size_t)a.rows * (size_t)a.classes;
    a.mask = calloc(size, 1);
    ck_assert_ptr_nonnull(a.mask);
    int *mask = fixture_ints(fixture_get(test, "mask"));
    for (size_t i = 0; i < size; i++) a.mask[i] = (unsigned char)mask[i];
    free(mask);
    return a;
}

static void compare(const json_t *test, const arrays *a, const mlce_loss_targets *targets) {
    mlce_loss_options options = {.positive_weight = (float)fixture_real(test, "positive_weight"),
                                 .alpha = (float)fixture_real(test, "alpha"),
                                 .gamma = (float)fixture_real(test, "gamma")};
    assert_ok(mlce_loss_kind_of(json_string_value(fixture_get(test, "loss")), &options.kind));
    size_t rows = (size_t)a->rows;
    double *loss = calloc(rows, sizeof *loss);
    float *rounded = calloc(rows, sizeof *rounded), *threshold_grad = calloc(rows, sizeof *rounded);
    float *grad = calloc(rows * (size_t)a->classes, sizeof *grad);
    ck_assert(loss && rounded && threshold_grad && grad);
    ck_assert_msg(mlce_loss(&options, a->rows, a->classes, a->scores, a->thresholds, targets, loss,
                            grad, threshold_grad) == MLCE_OK,
                  "%s: %s", fixture_case, mlce_last_error());
    for (size_t r = 0; r < rows; r++) rounded[r] = (float)loss[r];
    fixture_compare("loss", fixture_get(test, "losses"), rounded, 1e-6);
    fixture_compare("gradient", fixture_get(test, "gradient"), grad, 1e-6);
    fixture_compare("gradient of s_0", fixture_get(test, "threshold_gradient"), threshold_grad,
                    1e-6);
    free(loss);
    free(rounded);
    free(threshold_grad);
    free(grad);
}

static void run_case(const json_t *test) {
    arrays a = read_arrays(test);
    positives list = list_positives(a.rows, a.classes, a.dense);
    compare(test, &a, &(mlce_loss_targets){.dense = a.dense, .mask = a.mask});
    compare(test, &a,
            &(mlce_loss_targets){.offsets = list.offsets,
                                 .indices = list.indices,
                                 .weights = list.weights,
                                 .mask = a.mask});
    free(list.offsets);
    free(list.indices);
    free(list.weights);
    free(a.scores);
    free(a.thresholds);
    free(a.dense);
    free(a.mask);
}

START_TEST(losses_and_gradients_are_those_of_pytorch) {
    fixture cases = fixture_open("losses.json");
    for (const json_t *test; (test = fixture_next(&cases));) run_case(test);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, losses_and_gradients_are_those_of_pytorch);
}

int main(void) {
    return run_suite("fixtures_losses", add);
}

/* test_loss_op.c - the losses as ops: their mean, their gradients beside finite differences. */
#include <math.h>

#include "mlce/graph.h"
#include "mlce/loss.h"
#include "unit.h"

enum { ROWS = 3, CLASSES = 5 };
static const char *const NAMES[] = {"softmax_ce",    "topk_ce",   "threshold_ce",
                                    "multilabel_ce", "binary_ce", "focal"};
enum { KINDS = sizeof NAMES / sizeof NAMES[0] };

static const int offsets[] = {0, 1, 3, 4}, indices[] = {2, 0, 3, 4};
static const int one_offsets[] = {0, 1, 2, 3}, one_indices[] = {2, 0, 4};
static const float dense[] = {0, 0.5f, 1, 0, 0, 1, 0, 0.25f, 0, 0, 0, 0, 0.75f, 0, 1};

typedef struct setup {
    mlce_graph *graph;
    mlce_parameters *parameters;
    mlce_parameter *scores, *threshold;
    mlce_loss_options options;
    mlce_loss_targets targets;
} setup;

static setup set_up(const char *name, int threshold_rows) {
    setup s = {.graph = mlce_graph_new(), .parameters = mlce_parameters_new()};
    s.options = (mlce_loss_options){.positive_weight = 2, .alpha = 0.25f, .gamma = 2};
    assert_ok(mlce_loss_kind_of(name, &s.options.kind));
    s.scores = mlce_parameters_add(s.parameters, "scores", ROWS, CLASSES, MLCE_INIT_XAVIER, 0);
    s.threshold =
        mlce_parameters_add(s.parameters, "threshold", threshold_rows, 1, MLCE_INIT_XAVIER, 0);
    assert_ok(mlce_parameters_allocate(s.parameters, 7));
    bool softmax = s.options.kind == MLCE_LOSS_SOFTMAX_CE;
    s.targets.offsets = softmax ? one_offsets : offsets;
    s.targets.indices = softmax ? one_indices : indices;
    return s;
}

static void tear_down(setup *s) {
    mlce_graph_free(s->graph);
    mlce_parameters_free(s->parameters);
}

static mlce_node *loss_of(mlce_graph *g, setup *s, mlce_node *scores) {
    mlce_node *threshold =
        s->options.kind == MLCE_LOSS_THRESHOLD_CE ? mlce_use(g, s->threshold) : NULL;
    return mlce_loss_op(g, &s->options, scores, threshold, &s->targets);
}

/* Twice, so that gradients are added up, and scaled, so that backward meets a factor. */
static mlce_node *build(mlce_graph *g, void *context) {
    setup *s = context;
    mlce_node *scores = mlce_use(g, s->scores);
    mlce_node *twice = mlce_add(g, loss_of(g, s, scores), loss_of(g, s, mlce_scale(g, scores, 2)));
    return mlce_scale(g, twice, -1.5f);
}

static void check(setup *s) {
    double worst = 1;
    assert_ok(mlce_check_gradients(s->graph, s->parameters, build, s, 1e-2f, 0, &worst));
    ck_assert_msg(worst < 1e-3, "largest error %g", worst);
    tear_down(s);
}

START_TEST(gradients_are_those_of_finite_differences) {
    setup s = set_up(NAMES[_i], ROWS);
    check(&s);
    s = set_up(NAMES[_i], 1);
    check(&s);
}
END_TEST

START_TEST(gradients_of_soft_targets_are_too) {
    setup s = set_up(NAMES[2 + _i], ROWS);
    s.targets = (mlce_loss_targets){.dense = dense};
    check(&s);
}
END_TEST

START_TEST(the_value_is_the_mean_over_rows) {
    setup s = set_up("multilabel_ce", 1);
    double loss[ROWS];
    assert_ok(mlce_multilabel_ce(ROWS, CLASSES, s.scores->value, &s.targets, loss, NULL));
    mlce_node *y = loss_of(s.graph, &s, mlce_use(s.graph, s.scores));
    ck_assert(y && y->rows == 1 && y->cols == 1);
    ck_assert_float_eq_tol(y->value[0], (float)((loss[0] + loss[1] + loss[2]) / 3), 1e-6f);
    static const float none[1] = {0};
    y = loss_of(s.graph, &s, mlce_variable(s.graph, 0, CLASSES, none));
    ck_assert_msg(y != NULL, "%s", mlce_last_error());
    ck_assert_float_eq(y->value[0], 0);
    assert_ok(mlce_backward(s.graph, y));
    tear_down(&s);
}
END_TEST

static void fails(setup *s, mlce_node *scores, mlce_node *threshold, mlce_status status,
                  const char *text) {
    ck_assert_ptr_null(mlce_loss_op(s->graph, &s->options, scores, threshold, &s->targets));
    assert_fails(mlce_graph_status(s->graph), status, text);
    mlce_graph_reset(s->graph);
}

START_TEST(what_does_not_fit_fails_the_graph) {
    setup s = set_up("threshold_ce", 2);
    fails(&s, mlce_use(s.graph, s.scores), NULL, MLCE_E_ARGUMENT, "needs a threshold");
    fails(&s, mlce_use(s.graph, s.scores), mlce_use(s.graph, s.threshold), MLCE_E_ARGUMENT,
          "a threshold [2, 1] for scores [3, 5]");
    tear_down(&s);
    s = set_up("multilabel_ce", 1);
    fails(&s, mlce_use(s.graph, s.scores), mlce_use(s.graph, s.threshold), MLCE_E_ARGUMENT,
          "for threshold_ce only");
    s.scores->value[7] = NAN;
    fails(&s, mlce_use(s.graph, s.scores), NULL, MLCE_E_NUMERIC, "score of row 1, class 2 is nan");
    static const int high[] = {2, 0, 9, 4};
    s.targets.indices = high;
    fails(&s, mlce_use(s.graph, s.scores), NULL, MLCE_E_ARGUMENT, "there are 5 classes");
    tear_down(&s);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, gradients_are_those_of_finite_differences, 0, KINDS);
    tcase_add_loop_test(cases, gradients_of_soft_targets_are_too, 0, KINDS - 2);
    tcase_add_test(cases, the_value_is_the_mean_over_rows);
    tcase_add_test(cases, what_does_not_fit_fails_the_graph);
}

int main(void) {
    return run_suite("loss_op", add);
}

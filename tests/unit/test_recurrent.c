/* test_recurrent.c - LSTM, GRU and the encoders made of them: finite differences, and what must not
   depend on threads, on the company of other sequences, or on who asks for which gradient. */
#include <math.h>
#include <omp.h>

#include "autodiff/panels.h"
#include "mlce/random.h"
#include "model/parts.h"
#include "unit.h"

typedef mlce_node *layer_op(mlce_graph *, mlce_node *, const mlce_recurrent_weights *, int,
                            const int *, int);

enum { DIRECTIONS = 2, PARTS = 4, MOST_SEQUENCES = 64 };

/* One layer over a batch; the scalar is the sum of squares of what it gives. */
typedef struct setup {
    layer_op *op;
    int gates, in, size, directions, sequences;
    int offsets[MOST_SEQUENCES + 1];
    bool one_weight; /* both directions use the weights of the first */
    mlce_graph *graph;
    mlce_parameters *parameters;
    mlce_parameter *x, *weights[DIRECTIONS][PARTS];
} setup;

static setup layer_of(layer_op *op, int in, int size, int directions, int sequences) {
    return (setup){.op = op,
                   .gates = op == mlce_gru ? 3 : 4,
                   .in = in,
                   .size = size,
                   .directions = directions,
                   .sequences = sequences};
}

static setup sharing(setup s) {
    s.one_weight = true;
    return s;
}

static void set_up(setup *s, const int *lengths) {
    char name[32];
    int rows = s->gates * s->size;
    for (int b = 0; b < s->sequences; b++) s->offsets[b + 1] = s->offsets[b] + lengths[b];
    s->graph = mlce_graph_new();
    s->parameters = mlce_parameters_new();
    s->x = mlce_parameters_add(s->parameters, "x", s->offsets[s->sequences], s->in,
                               MLCE_INIT_XAVIER, 0);
    for (int d = 0; d < s->directions; d++)
        for (int p = 0; p < PARTS; p++) {
            snprintf(name, sizeof name, "%d.%d", d, p);
            s->weights[d][p] = mlce_parameters_add(s->parameters, name, p < 2 ? rows : 1,
                                                   p == 0   ? s->in
                                                   : p == 1 ? s->size
                                                            : rows,
                                                   MLCE_INIT_FAN_IN, s->size);
        }
    assert_ok(mlce_parameters_allocate(s->parameters, 3));
}

static void tear_down(setup *s) {
    mlce_graph_free(s->graph);
    mlce_parameters_free(s->parameters);
}

static mlce_node *layer(mlce_graph *g, const setup *s, mlce_node *x) {
    mlce_recurrent_weights weights[DIRECTIONS];
    for (int d = 0; d < s->directions; d++) {
        mlce_parameter *const *own = s->weights[s->one_weight ? 0 : d];
        weights[d] = (mlce_recurrent_weights){mlce_use(g, own[0]), mlce_use(g, own[1]),
                                              mlce_use(g, own[2]), mlce_use(g, own[3])};
    }
    return s->op(g, x, weights, s->directions, s->offsets, s->sequences);
}

static mlce_node *sum_of_squares(mlce_graph *g, mlce_node *y) {
    return mlce_sum(g, mlce_multiply(g, y, y));
}

static mlce_node *build(mlce_graph *g, void *context) {
    setup *s = context;
    return sum_of_squares(g, layer(g, s, mlce_use(g, s->x)));
}

static void check_gradients(setup s, const int *lengths) {
    double worst = 1;
    set_up(&s, lengths);
    assert_ok(mlce_check_gradients(s.graph, s.parameters, build, &s, 1e-2f, 0, &worst));
    ck_assert_msg(worst < 2e-3, "largest error %g", worst);
    tear_down(&s);
}

static const int mixed[] = {3, 0, 1, 7, 2, 0, 4, 1};

START_TEST(gradients_are_those_of_finite_differences) {
    check_gradients(layer_of(mlce_lstm, 3, 4, 2, 8), mixed);
    check_gradients(layer_of(mlce_lstm, 2, 5, 1, 8), mixed);
    check_gradients(layer_of(mlce_gru, 3, 4, 2, 8), mixed);
    check_gradients(layer_of(mlce_gru, 2, 5, 1, 8), mixed);
}
END_TEST

START_TEST(weights_of_both_directions_may_be_the_same) {
    check_gradients(sharing(layer_of(mlce_lstm, 3, 4, 2, 8)), mixed);
    check_gradients(sharing(layer_of(mlce_gru, 3, 4, 2, 8)), mixed);
}
END_TEST

/* Large enough to be shared out, and in several groups. */
static void check_bits(setup s) {
    int lengths[40];
    for (int b = 0; b < 40; b++) lengths[b] = (b * 13 + 5) % 29;
    s.sequences = 40;
    set_up(&s, lengths);
    size_t values = (size_t)(s.offsets[40] * s.directions * s.size);
    size_t numbers = mlce_parameters_size(s.parameters);
    float *first = calloc(values + numbers, sizeof *first);
    int kept = omp_get_max_threads();
    for (int threads = 1; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        mlce_graph_reset(s.graph);
        mlce_parameters_clear_grads(s.parameters);
        mlce_node *y = layer(s.graph, &s, mlce_use(s.graph, s.x));
        assert_ok(mlce_backward(s.graph, sum_of_squares(s.graph, y)));
        mlce_parameters_settle_grads(s.parameters);
        const float *grads = mlce_parameters_grads(s.parameters);
        if (threads == 1) {
            memcpy(first, y->value, values * sizeof *first);
            memcpy(first + values, grads, numbers * sizeof *first);
        }
        ck_assert_msg(!memcmp(first, y->value, values * sizeof *first), "values, %d threads",
                      threads);
        ck_assert_msg(!memcmp(first + values, grads, numbers * sizeof *first),
                      "gradients, %d threads", threads);
    }
    omp_set_num_threads(kept);
    free(first);
    tear_down(&s);
}

START_TEST(bits_do_not_depend_on_the_number_of_threads) {
    check_bits(layer_of(mlce_lstm, 150, 60, 2, 0));
    check_bits(layer_of(mlce_lstm, 150, 60, 1, 0));
    check_bits(layer_of(mlce_gru, 150, 60, 2, 0));
}
END_TEST

START_TEST(a_sequence_alone_gives_what_it_gives_in_a_batch) {
    setup s = layer_of(mlce_lstm, 5, 9, 2, 8);
    set_up(&s, mixed);
    mlce_node *all = layer(s.graph, &s, mlce_use(s.graph, s.x));
    ck_assert_ptr_nonnull(all);
    for (int b = 0; b < 8; b++) {
        setup alone = s;
        alone.sequences = 1;
        alone.offsets[1] = mixed[b];
        const float *x = s.x->value + s.offsets[b] * s.in;
        mlce_node *y = layer(s.graph, &alone, mlce_constant(s.graph, mixed[b], s.in, x));
        ck_assert_ptr_nonnull(y);
        for (int i = 0; i < mixed[b] * y->cols; i++)
            ck_assert_float_eq_tol(y->value[i], all->value[s.offsets[b] * y->cols + i], 1e-6f);
    }
    tear_down(&s);
}
END_TEST

START_TEST(a_batch_without_tokens_has_gradients_of_0) {
    setup s = layer_of(mlce_gru, 2, 3, 2, 3);
    set_up(&s, (int[]){1, 0, 0}); /* for the parameters; the batch itself is empty */
    memset(s.offsets, 0, sizeof s.offsets);
    mlce_node *y = layer(s.graph, &s, mlce_constant(s.graph, 0, 2, s.x->value));
    ck_assert_ptr_nonnull(y);
    ck_assert_int_eq(y->rows, 0);
    mlce_node *loss = mlce_sum(s.graph, y);
    assert_ok(mlce_backward(s.graph, loss));
    mlce_parameters_settle_grads(s.parameters);
    for (int p = 0; p < PARTS; p++) ck_assert_float_eq(s.weights[1][p]->grad[0], 0.0f);
    tear_down(&s);
}
END_TEST

/* The gradients of what is asked for do not change when the rest is constant. */
START_TEST(only_the_gradients_that_are_wanted_are_computed) {
    setup s = layer_of(mlce_gru, 3, 4, 1, 8);
    set_up(&s, mixed);
    assert_ok(mlce_backward(s.graph, build(s.graph, &s)));
    float dx = s.x->grad[4], db = s.weights[0][3]->grad[2];
    mlce_graph_reset(s.graph);
    mlce_parameters_clear_grads(s.parameters);
    mlce_node *x = mlce_constant(s.graph, s.x->rows, s.in, s.x->value);
    mlce_node *y = layer(s.graph, &s, x);
    assert_ok(mlce_backward(s.graph, sum_of_squares(s.graph, y)));
    ck_assert_ptr_null(x->grad);
    ck_assert_float_eq_tol(s.weights[0][3]->grad[2], db, 1e-5f);
    mlce_graph_reset(s.graph);
    x = mlce_variable(s.graph, s.x->rows, s.in, s.x->value);
    mlce_node *w[PARTS];
    for (int p = 0; p < PARTS; p++)
        w[p] = mlce_constant(s.graph, s.weights[0][p]->rows, s.weights[0][p]->cols,
                             s.weights[0][p]->value);
    y = s.op(s.graph, x, &(mlce_recurrent_weights){w[0], w[1], w[2], w[3]}, 1, s.offsets, 8);
    assert_ok(mlce_backward(s.graph, sum_of_squares(s.graph, y)));
    ck_assert_ptr_null(w[1]->grad);
    ck_assert_float_eq_tol(x->grad[4], dx, 1e-5f);
    tear_down(&s);
}
END_TEST

START_TEST(a_warm_step_takes_no_memory_from_the_system) {
    setup s = layer_of(mlce_lstm, 6, 10, 2, 8);
    set_up(&s, mixed);
    size_t held = 0;
    for (int step = 0; step < 6; step++) {
        mlce_graph_reset(s.graph);
        assert_ok(mlce_backward(s.graph, build(s.graph, &s)));
        if (step == 2) held = mlce_arena_capacity(mlce_graph_arena(s.graph));
    }
    ck_assert_uint_eq(mlce_arena_capacity(mlce_graph_arena(s.graph)), held);
    tear_down(&s);
}
END_TEST

START_TEST(shapes_that_do_not_fit_are_refused) {
    setup s = layer_of(mlce_lstm, 3, 4, 2, 8);
    set_up(&s, mixed);
    ck_assert_ptr_null(layer(s.graph, &s, mlce_constant(s.graph, 18, 2, s.x->value)));
    assert_fails(mlce_graph_status(s.graph), MLCE_E_ARGUMENT, "mlce_lstm");
    mlce_graph_reset(s.graph);
    s.op = mlce_gru; /* three gates, the weights are for four */
    ck_assert_ptr_null(layer(s.graph, &s, mlce_use(s.graph, s.x)));
    assert_fails(mlce_graph_status(s.graph), MLCE_E_ARGUMENT, "mlce_gru");
    mlce_graph_reset(s.graph);
    s.op = mlce_lstm;
    s.offsets[8]--;
    ck_assert_ptr_null(layer(s.graph, &s, mlce_use(s.graph, s.x)));
    assert_fails(mlce_graph_status(s.graph), MLCE_E_ARGUMENT,
                 "18 rows are not the sequences' 17 tokens");
    tear_down(&s);
}
END_TEST

/* ---- Panels ---- */

static void check_panels(bool transpose, int count, int depth, int columns) {
    int width = mlce_panel_columns(columns), stride = transpose ? depth : columns;
    float *W = calloc((size_t)(depth * columns), sizeof *W);
    float *A = calloc((size_t)(count * depth), sizeof *A);
    float *C = calloc((size_t)(count * width), sizeof *C);
    float *panels = aligned_alloc(64, (size_t)(depth * width) * sizeof *panels);
    const float **rows = calloc((size_t)count, sizeof *rows);
    for (int i = 0; i < depth * columns; i++) W[i] = (float)(i % 11 - 5);
    for (int i = 0; i < count * depth; i++) A[i] = (float)(i % 7 - 3);
    for (int r = 0; r < count; r++) rows[r] = A + r * depth;
    mlce_panels_fill(transpose, W, stride, depth, columns, panels);
    mlce_panels_multiply(rows, count, panels, depth, columns, C);
    for (int r = 0; r < count; r++)
        for (int c = 0; c < width; c++) {
            float sum = 0; /* small integers: exact in any order */
            for (int k = 0; c < columns && k < depth; k++)
                sum += rows[r][k] * (transpose ? W[c * stride + k] : W[k * stride + c]);
            ck_assert_float_eq(C[r * width + c], sum);
        }
    free(W);
    free(A);
    free(C);
    free(panels);
    free(rows);
}

START_TEST(panels_multiply_like_plain_sums) {
    for (int count = 1; count <= 14; count++)
        for (int columns = 1; columns <= 50; columns += 7) {
            check_panels(false, count, 1 + columns % 9, columns);
            check_panels(true, count, 1 + columns % 9, columns);
        }
}
END_TEST

/* Columns of a matrix as rows, added to what is there. */
START_TEST(a_panel_takes_columns_and_adds) {
    enum { DEPTH = 9, WIDTH = 23, STRIDE = 40 };
    _Alignas(64) float panel[DEPTH * MLCE_PANEL];
    float A[DEPTH * WIDTH], C[WIDTH * STRIDE];
    const float *columns[WIDTH];
    for (int i = 0; i < DEPTH * MLCE_PANEL; i++) panel[i] = (float)(i % 5 - 2);
    for (int i = 0; i < DEPTH * WIDTH; i++) A[i] = (float)(i % 7 - 3);
    for (int r = 0; r < WIDTH; r++) columns[r] = A + r;
    for (int count = 1; count <= WIDTH; count++) {
        for (int i = 0; i < WIDTH * STRIDE; i++) C[i] = (float)i;
        mlce_panel_multiply(columns, WIDTH, count, panel, DEPTH, true, C, STRIDE);
        for (int r = 0; r < WIDTH; r++)
            for (int c = 0; c < STRIDE; c++) {
                float sum = (float)(r * STRIDE + c);
                for (int k = 0; r < count && c < MLCE_PANEL && k < DEPTH; k++)
                    sum += A[k * WIDTH + r] * panel[k * MLCE_PANEL + c];
                ck_assert_float_eq(C[r * STRIDE + c], sum);
            }
    }
}
END_TEST

/* ---- The encoders ---- */

static mlce_model *new_model(const char *type, const char *dropout) {
    static const char *const types[] = {"a", "b"};
    mlce_config *config = mlce_config_new();
    mlce_model *model = NULL;
    assert_ok(mlce_config_set(config, "encoder.1.type", type));
    assert_ok(mlce_config_set(config, "encoder.1.size", "6"));
    assert_ok(mlce_config_set(config, "encoder.1.layers", "2"));
    assert_ok(mlce_config_set(config, "encoder.1.dropout", dropout));
    assert_ok(mlce_model_new(config, 5, types, 2, &model));
    mlce_config_free(config);
    return model;
}

static void check_parameter(mlce_model *model, const char *name, int rows, int cols) {
    const mlce_parameter *p = mlce_parameters_find(mlce_model_parameters(model), name);
    ck_assert_msg(p != NULL, "there is no %s", name);
    ck_assert_int_eq(p->rows, rows);
    ck_assert_int_eq(p->cols, cols);
    float bound = 1.0f / sqrtf(6.0f), largest = 0;
    for (int i = 0; i < rows * cols; i++) largest = fmaxf(largest, fabsf(p->value[i]));
    ck_assert_msg(largest <= bound && largest > bound / 2, "%s: up to %g", name, (double)largest);
}

START_TEST(encoders_have_the_parameters_of_pytorch) {
    mlce_model *model = new_model("bilstm", "0");
    check_parameter(model, "encoder.1.layer.1.forward.weight_ih", 24, 5);
    check_parameter(model, "encoder.1.layer.1.reverse.weight_hh", 24, 6);
    check_parameter(model, "encoder.1.layer.2.forward.weight_ih", 24, 12);
    check_parameter(model, "encoder.1.layer.2.reverse.bias_hh", 1, 24);
    mlce_model_free(model);
    model = new_model("gru", "0");
    check_parameter(model, "encoder.1.layer.1.forward.weight_ih", 18, 5);
    check_parameter(model, "encoder.1.layer.2.reverse.weight_ih", 18, 12);
    check_parameter(model, "encoder.1.layer.2.reverse.bias_ih", 1, 18);
    mlce_model_free(model);
}
END_TEST

/* Zeros in what the stack gives, over a batch of 4 and 3 tokens. */
static int count_zeros(const char *type, const char *dropout, bool training) {
    mlce_parameters *parameters = mlce_parameters_new();
    mlce_config *config = mlce_config_new();
    mlce_graph *g = mlce_graph_new();
    int out = 0, zeros = 0;
    assert_ok(mlce_config_set(config, "encoder.1.type", type));
    assert_ok(mlce_config_set(config, "encoder.1.size", "40"));
    assert_ok(mlce_config_set(config, "encoder.1.dropout", dropout));
    const mlce_encoder_type *encoder = mlce_find_encoder(type);
    ck_assert_ptr_nonnull(encoder);
    void *state = encoder->declare(parameters, config, "encoder.1", 3, &out);
    ck_assert_ptr_nonnull(state);
    ck_assert_int_eq(out, 80);
    assert_ok(mlce_parameters_allocate(parameters, 1));
    float x[7 * 3];
    for (int i = 0; i < 21; i++) x[i] = (float)(i % 5) - 2;
    mlce_batch batch = {.sequences = 2, .tokens = 7, .width = 3, .offsets = (int[]){0, 4, 7}};
    mlce_graph_set_training(g, training);
    mlce_node *y = encoder->forward(g, state, mlce_constant(g, 7, 3, x), &batch);
    ck_assert_ptr_nonnull(y);
    for (int i = 0; i < y->rows * y->cols; i++) zeros += y->value[i] == 0.0f;
    mlce_graph_free(g);
    mlce_config_free(config);
    mlce_parameters_free(parameters);
    free(state);
    return zeros;
}

START_TEST(dropout_follows_the_last_layer_while_training) {
    for (int k = 0; k < 2; k++) {
        const char *type = k ? "gru" : "bilstm";
        ck_assert_int_eq(count_zeros(type, "0", true), 0);
        ck_assert_int_eq(count_zeros(type, "0.5", false), 0);
        int zeros = count_zeros(type, "0.5", true);
        ck_assert_msg(zeros > 200 && zeros < 360, "%d of 560", zeros);
    }
}
END_TEST

START_TEST(layers_are_refused_where_they_mean_nothing) {
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_set(config, "encoder.1.type", "mlp"));
    assert_ok(mlce_config_set(config, "encoder.1.layers", "2"));
    assert_fails(mlce_config_check(config), MLCE_E_CONFIG, "encoder.1.layers has no effect");
    mlce_config_free(config);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, gradients_are_those_of_finite_differences);
    tcase_add_test(cases, weights_of_both_directions_may_be_the_same);
    tcase_add_test(cases, bits_do_not_depend_on_the_number_of_threads);
    tcase_add_test(cases, a_sequence_alone_gives_what_it_gives_in_a_batch);
    tcase_add_test(cases, a_batch_without_tokens_has_gradients_of_0);
    tcase_add_test(cases, only_the_gradients_that_are_wanted_are_computed);
    tcase_add_test(cases, a_warm_step_takes_no_memory_from_the_system);
    tcase_add_test(cases, shapes_that_do_not_fit_are_refused);
    tcase_add_test(cases, panels_multiply_like_plain_sums);
    tcase_add_test(cases, a_panel_takes_columns_and_adds);
    tcase_add_test(cases, encoders_have_the_parameters_of_pytorch);
    tcase_add_test(cases, dropout_follows_the_last_layer_while_training);
    tcase_add_test(cases, layers_are_refused_where_they_mean_nothing);
}

int main(void) {
    return run_suite("recurrent", add);
}

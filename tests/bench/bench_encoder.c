/* bench_encoder.c - training steps of a recurrent encoder over made-up sequences, and the floor
 * under them.
 *
 *   bench_encoder TYPE B SHORTEST LONGEST D SIZE STEPS
 *
 * TYPE bilstm or gru, B sequences of SHORTEST to LONGEST tokens with D features, SIZE features in
 * each direction. A step is forward, backward and Adam of the encoder alone; the embeddings want
 * no gradient, as in a first layer. The floor is what any implementation must multiply at least,
 * through cblas_sgemm, without a gate in between: the products with the input and for the weights
 * on all threads, those of the steps with the two directions on a thread each, the weights stored
 * as they multiply best, and only the sequences that are still running.
 *
 * Steps and floors take turns, so that what else the machine does meets both. Prints one JSON
 * object: the tokens of a step, and in seconds the medians of its parts, of the step and of the
 * floor; the tokens a second of the median step; and how many floors it takes.
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/optim.h"
#include "mlce/threads.h"
#include "model/parts.h"
#include "tools/wait_policy.h"

#include "bench.h"

enum { MOST_STEPS = 10000, WARM_UP = 3, DIRECTIONS = 2 };

typedef struct sizes {
    const char *type;
    int gates, sequences, shortest, longest, in, size, steps;
} sizes;

/* Lengths spread evenly from SHORTEST to LONGEST, in an order of chance. */
static mlce_batch make_batch(const sizes *s) {
    mlce_random random = mlce_random_new(2, MLCE_STREAM_DATA);
    int *offsets = calloc((size_t)s->sequences + 1, sizeof *offsets);
    int *lengths = calloc((size_t)s->sequences, sizeof *lengths);
    for (int b = 0; b < s->sequences; b++) {
        int other = (int)mlce_random_below(&random, (uint64_t)b + 1);
        lengths[b] = lengths[other];
        lengths[other] = s->shortest +
                         (s->longest - s->shortest) * b / (s->sequences > 1 ? s->sequences - 1 : 1);
    }
    for (int b = 0; b < s->sequences; b++) offsets[b + 1] = offsets[b] + lengths[b];
    free(lengths);
    int tokens = offsets[s->sequences];
    return (mlce_batch){.sequences = s->sequences,
                        .tokens = tokens,
                        .width = s->in,
                        .offsets = offsets,
                        .embeddings = bench_random_floats((size_t)tokens * (size_t)s->in, 1)};
}

/* The parts of a step that are timed, and beside them the floor. */
enum { FORWARD, BACKWARD, ADAM, STEP, FLOOR, PARTS };

typedef struct trainer {
    const mlce_encoder_type *type;
    void *state;
    mlce_parameters *parameters;
    mlce_adam *adam;
    mlce_graph *graph;
    float *pull; /* [tokens, 2 size] the gradient that the output gets */
} trainer;

static trainer make_trainer(const sizes *s, const mlce_batch *batch) {
    trainer t = {.type = mlce_find_encoder(s->type), .parameters = mlce_parameters_new()};
    mlce_adam_options options = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    mlce_config *config = mlce_config_new();
    char size[32];
    int out = 0;
    snprintf(size, sizeof size, "%d", s->size);
    if (!t.type || mlce_config_set(config, "encoder.1.type", s->type) ||
        mlce_config_set(config, "encoder.1.size", size))
        bench_fail();
    t.state = t.type->declare(t.parameters, config, "encoder.1", s->in, &out);
    if (!t.state || mlce_parameters_allocate(t.parameters, 1)) bench_fail();
    t.adam = mlce_adam_new(t.parameters, &options);
    t.graph = mlce_graph_new();
    if (!t.adam || !t.graph) bench_fail();
    t.pull = bench_random_floats((size_t)batch->tokens * (size_t)out, 0.01f);
    mlce_config_free(config);
    return t;
}

static void free_trainer(trainer *t) {
    mlce_graph_free(t->graph);
    mlce_adam_free(t->adam);
    mlce_parameters_free(t->parameters);
    free(t->state);
    free(t->pull);
}

static void take_step(const trainer *t, const mlce_batch *batch, double seconds_of[PARTS]) {
    double marks[4] = {omp_get_wtime()};
    mlce_graph *g = t->graph;
    mlce_graph_reset(g);
    mlce_parameters_clear_grads(t->parameters);
    mlce_node *x = mlce_constant(g, batch->tokens, batch->width, batch->embeddings);
    mlce_node *y = t->type->forward(g, t->state, x, batch);
    if (!y) bench_fail();
    marks[1] = omp_get_wtime();
    mlce_node *pull = mlce_constant(g, y->rows, y->cols, t->pull);
    if (mlce_backward(g, mlce_sum(g, mlce_multiply(g, y, pull)))) bench_fail();
    marks[2] = omp_get_wtime();
    if (mlce_adam_step(t->adam, 1e-3, NULL)) bench_fail();
    marks[3] = omp_get_wtime();
    for (int part = FORWARD; part <= ADAM; part++) seconds_of[part] = marks[part + 1] - marks[part];
    seconds_of[STEP] = marks[3] - marks[0];
}

/* Of both directions side by side: W [rows, in] and dW, and of each its own recurrent ones. */
typedef struct products {
    int tokens, in, size, rows, steps;
    int *running; /* [steps] sequences with a token before it, in each step */
    const float *x;
    float *W, *dW, *gates, *h, *W_hh[DIRECTIONS], *dW_hh[DIRECTIONS];
} products;

static products make_products(const sizes *s, const mlce_batch *batch) {
    products p = {.tokens = batch->tokens,
                  .in = s->in,
                  .size = s->size,
                  .rows = s->gates * s->size,
                  .steps = s->longest};
    size_t tokens = (size_t)p.tokens, rows = (size_t)p.rows, size = (size_t)s->size;
    p.running = calloc((size_t)s->longest, sizeof *p.running);
    for (int b = 0; b < s->sequences; b++)
        for (int t = 1; t < batch->offsets[b + 1] - batch->offsets[b]; t++) p.running[t]++;
    p.x = batch->embeddings;
    p.W = bench_random_floats(DIRECTIONS * rows * (size_t)s->in, 0.1f);
    p.dW = bench_random_floats(DIRECTIONS * rows * (size_t)s->in, 0.1f);
    p.gates = bench_random_floats(DIRECTIONS * rows * tokens, 0.1f);
    p.h = bench_random_floats(DIRECTIONS * size * tokens, 0.1f);
    for (int d = 0; d < DIRECTIONS; d++) {
        p.W_hh[d] = bench_random_floats(rows * size, 0.1f);
        p.dW_hh[d] = bench_random_floats(rows * size, 0.1f);
    }
    return p;
}

static void free_products(products *p) {
    for (int d = 0; d < DIRECTIONS; d++) {
        free(p->W_hh[d]);
        free(p->dW_hh[d]);
    }
    free(p->running);
    free(p->W);
    free(p->dW);
    free(p->gates);
    free(p->h);
}

/* h W_hh, or back gates W_hh^T, step by step. */
static void run_steps(const products *p, int d, bool back) {
    float *gates = p->gates + d * p->rows, *h = p->h + d * p->size;
    int wide = DIRECTIONS * p->rows, narrow = DIRECTIONS * p->size, token = 0;
    for (int t = 1; t < p->steps; token += p->running[t++]) {
        float *at = gates + (size_t)token * (size_t)wide, *to = h + (size_t)token * (size_t)narrow;
        if (back)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p->running[t], p->size, p->rows,
                        1, at, wide, p->W_hh[d], p->size, 0, to, narrow);
        else
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p->running[t], p->rows, p->size,
                        1, to, narrow, p->W_hh[d], p->rows, 0, at, wide);
    }
}

static void multiply_all(const products *p) {
    int wide = DIRECTIONS * p->rows;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p->tokens, wide, p->in, 1, p->x, p->in,
                p->W, p->in, 0, p->gates, wide);
#pragma omp parallel for schedule(static, 1)
    for (int d = 0; d < DIRECTIONS; d++) {
        run_steps(p, d, false);
        run_steps(p, d, true);
    }
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, wide, p->in, p->tokens, 1, p->gates, wide,
                p->x, p->in, 0, p->dW, p->in);
    for (int d = 0; d < DIRECTIONS; d++)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p->rows, p->size, p->tokens, 1,
                    p->gates + d * p->rows, wide, p->h + d * p->size, DIRECTIONS * p->size, 0,
                    p->dW_hh[d], p->size);
}

static bool read_sizes(char **argv, sizes *s) {
    *s = (sizes){argv[1],       strcmp(argv[1], "gru") ? 4 : 3,
                 atoi(argv[2]), atoi(argv[3]),
                 atoi(argv[4]), atoi(argv[5]),
                 atoi(argv[6]), atoi(argv[7])};
    return (!strcmp(s->type, "bilstm") || !strcmp(s->type, "gru")) && s->sequences > 0 &&
           s->shortest > 0 && s->longest >= s->shortest && s->in > 0 && s->size > 0 &&
           s->steps > 0 && s->steps <= MOST_STEPS;
}

int main(int argc, char **argv) {
    static double times[PARTS][MOST_STEPS];
    static const char *const names[PARTS] = {"forward", "backward", "adam", "step", "floor"};
    mlce_tool_calm_threads(argv);
    sizes s;
    if (argc != 8 || !read_sizes(argv, &s)) {
        fprintf(stderr, "usage: bench_encoder bilstm|gru B SHORTEST LONGEST D SIZE STEPS\n");
        return 2;
    }
    if (mlce_threads_set(0)) bench_fail();
    mlce_batch batch = make_batch(&s);
    trainer t = make_trainer(&s, &batch);
    products p = make_products(&s, &batch);
    for (int step = -WARM_UP; step < s.steps; step++) {
        double of_step[PARTS];
        take_step(&t, &batch, of_step);
        double began = omp_get_wtime();
        multiply_all(&p);
        of_step[FLOOR] = omp_get_wtime() - began;
        for (int part = FORWARD; step >= 0 && part < PARTS; part++)
            times[part][step] = of_step[part];
    }
    double medians[PARTS];
    printf("{\"tokens\": %d", batch.tokens);
    for (int part = 0; part < PARTS; part++) {
        medians[part] = bench_median(times[part], s.steps);
        printf(", \"%s\": %.9f", names[part], medians[part]);
    }
    printf(", \"tokens_per_second\": %.0f, \"floors\": %.3f, \"floors_of_best\": %.3f}\n",
           batch.tokens / medians[STEP], medians[STEP] / medians[FLOOR],
           times[STEP][0] / times[FLOOR][0]);
    free_products(&p);
    free_trainer(&t);
    free((void *)(uintptr_t)batch.offsets);
    free((void *)(uintptr_t)batch.embeddings);
    return 0;
}

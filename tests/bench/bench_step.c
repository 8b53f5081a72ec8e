/* bench_step.c - training steps of a head over made-up sequences, and the floor under them.
 *
 *   bench_step HEAD B L D d T WIDTH STEPS
 *
 * HEAD efficient_global_pointer or global_pointer, B sequences of L tokens with D features, head
 * size d, T types, spans up to WIDTH tokens (0 = no limit). A step is forward, loss, backward and
 * Adam. The floor is the projections' matrix products alone through cblas_sgemm. Prints one JSON
 * object: the tokens of a step, the peak memory in MiB, and in seconds the medians over the steps
 * of the parts, of the whole step and of the floor.
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "mlce/model.h"
#include "mlce/optim.h"
#include "mlce/threads.h"
#include "tools/wait_policy.h"

#include "bench.h"

enum { SPANS_PER_SEQUENCE = 8, MOST_STEPS = 10000, WARM_UP = 2 };

typedef struct sizes {
    int sequences, length, width, head_size, types, max_width, steps;
    const char *head;
} sizes;

static mlce_batch make_batch(const sizes *s) {
    mlce_random random = mlce_random_new(2, MLCE_STREAM_DATA);
    int *offsets = calloc((size_t)s->sequences + 1, sizeof *offsets);
    int *span_offsets = calloc((size_t)s->sequences + 1, sizeof *span_offsets);
    int64_t *ids = calloc((size_t)s->sequences, sizeof *ids);
    mlce_span *spans = calloc((size_t)s->sequences * SPANS_PER_SEQUENCE, sizeof *spans);
    int stride = (s->length - 4) / SPANS_PER_SEQUENCE; /* so that no span stands twice */
    for (int b = 0; b < s->sequences; b++) {
        offsets[b + 1] = (b + 1) * s->length;
        span_offsets[b + 1] = (b + 1) * SPANS_PER_SEQUENCE;
        for (int n = 0; n < SPANS_PER_SEQUENCE; n++) {
            int start = n * stride + (int)mlce_random_below(&random, (uint64_t)stride);
            spans[b * SPANS_PER_SEQUENCE + n] =
                (mlce_span){start, start + 1 + (int)mlce_random_below(&random, 4),
                            (int)mlce_random_below(&random, (uint64_t)s->types)};
        }
    }
    size_t tokens = (size_t)s->sequences * (size_t)s->length;
    return (mlce_batch){.sequences = s->sequences,
                        .tokens = (int)tokens,
                        .width = s->width,
                        .ids = ids,
                        .offsets = offsets,
                        .embeddings = bench_random_floats(tokens * (size_t)s->width, 1),
                        .spans = spans,
                        .span_offsets = span_offsets};
}

static mlce_model *make_model(const sizes *s) {
    mlce_config *config = mlce_config_new();
    mlce_model *model = NULL;
    char text[32];
    const char **names = calloc((size_t)s->types, sizeof *names);
    for (int a = 0; a < s->types; a++) {
        snprintf(text, sizeof text, "type%d", a);
        names[a] = strdup(text);
    }
    mlce_config_set(config, "model.head", s->head);
    snprintf(text, sizeof text, "%d", s->head_size);
    mlce_config_set(config, "model.head_size", text);
    snprintf(text, sizeof text, "%d", s->max_width);
    mlce_config_set(config, "model.max_width", text);
    if (mlce_model_new(config, s->width, names, s->types, &model)) bench_fail();
    mlce_config_free(config);
    return model;
}

/* The parts of a step that are timed, and beside them the floor. */
enum { FORWARD, LOSS, BACKWARD, ADAM, STEP, FLOOR, PARTS };

typedef struct clock_times {
    double seconds[PARTS][MOST_STEPS];
} clock_times;

typedef struct trainer {
    mlce_model *model;
    mlce_adam *adam;
    mlce_graph *graph;
} trainer;

/* Seconds of each part of one step, and of all. The loss gives the gradients of the scores' factors
   too, so they are in LOSS; BACKWARD is that of what comes before it. */
static void take_step(const trainer *t, const mlce_batch *batch, double seconds_of[PARTS]) {
    double marks[5] = {omp_get_wtime()};
    mlce_graph_reset(t->graph);
    mlce_output output = mlce_model_forward(t->model, t->graph, batch);
    marks[1] = omp_get_wtime();
    mlce_node *loss = mlce_model_loss(t->model, t->graph, &output, batch);
    marks[2] = omp_get_wtime();
    if (mlce_backward(t->graph, loss)) bench_fail();
    marks[3] = omp_get_wtime();
    if (mlce_adam_step(t->adam, 1e-3, NULL)) bench_fail();
    marks[4] = omp_get_wtime();
    for (int part = FORWARD; part <= ADAM; part++) seconds_of[part] = marks[part + 1] - marks[part];
    seconds_of[STEP] = marks[4] - marks[0];
}

/* y = x W^T and dW = dy^T x of one projection: what any implementation must at least compute. */
typedef struct projection {
    int rows, in, out;
    const float *x;
    float *W, *y, *dW;
} projection;

static projection new_projection(const mlce_batch *batch, int out) {
    size_t weights = (size_t)out * (size_t)batch->width;
    return (projection){batch->tokens,
                        batch->width,
                        out,
                        batch->embeddings,
                        bench_random_floats(weights, 0.1f),
                        bench_random_floats((size_t)batch->tokens * (size_t)out, 1),
                        bench_random_floats(weights, 1)};
}

static void free_projection(projection *p) {
    free(p->W);
    free(p->y);
    free(p->dW);
}

static void project(const projection *p) {
    if (p->out == 0) return;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p->rows, p->out, p->in, 1, p->x, p->in,
                p->W, p->in, 0, p->y, p->out);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p->out, p->in, p->rows, 1, p->y, p->out,
                p->x, p->in, 0, p->dW, p->in);
}

static void time_floor(const sizes *s, const mlce_batch *batch, clock_times *times, int steps) {
    bool shared = strcmp(s->head, "global_pointer") != 0;
    projection qk = new_projection(batch, 2 * s->head_size * (shared ? 1 : s->types));
    projection terms = new_projection(batch, shared ? 2 * s->types : 0);
    for (int step = -WARM_UP; step < steps; step++) {
        double began = omp_get_wtime();
        project(&qk);
        project(&terms);
        if (step >= 0) times->seconds[FLOOR][step] = omp_get_wtime() - began;
    }
    free_projection(&qk);
    free_projection(&terms);
}

static void time_steps(const sizes *s, const mlce_batch *batch, clock_times *times, int steps) {
    mlce_adam_options options = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    trainer t = {.model = make_model(s), .graph = mlce_graph_new()};
    t.adam = mlce_adam_new(mlce_model_parameters(t.model), &options);
    if (!t.graph || !t.adam) bench_fail();
    for (int step = -WARM_UP; step < steps; step++) {
        double of_step[PARTS];
        take_step(&t, batch, of_step);
        for (int part = FORWARD; step >= 0 && part <= STEP; part++)
            times->seconds[part][step] = of_step[part];
    }
    mlce_graph_free(t.graph);
    mlce_adam_free(t.adam);
    mlce_model_free(t.model);
}

static int read_sizes(char **argv, sizes *s) {
    *s = (sizes){atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]),
                 atoi(argv[6]), atoi(argv[7]), atoi(argv[8]), argv[1]};
    return s->sequences > 0 && s->length >= 12 && s->width > 0 && s->head_size > 0 &&
           s->types > 0 && s->max_width >= 0 && s->steps > 0 && s->steps <= MOST_STEPS;
}

int main(int argc, char **argv) {
    static clock_times times;
    mlce_tool_calm_threads(argv);
    sizes s;
    if (argc != 9 || !read_sizes(argv, &s)) {
        fprintf(stderr,
                "usage: bench_step HEAD B L D d T WIDTH STEPS\n"
                "with L from 12 on and up to 10000 STEPS\n");
        return 2;
    }
    if (mlce_threads_set(0)) bench_fail();
    mlce_batch batch = make_batch(&s);
    time_floor(&s, &batch, &times, s.steps);
    time_steps(&s, &batch, &times, s.steps);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    static const char *const names[PARTS] = {"forward", "loss", "backward",
                                             "adam",    "step", "floor"};
    printf("{\"tokens\": %d, \"peak_mib\": %.1f", batch.tokens, (double)usage.ru_maxrss / 1024);
    for (int part = 0; part < PARTS; part++)
        printf(", \"%s\": %.9f", names[part], bench_median(times.seconds[part], s.steps));
    printf("}\n");
    return 0;
}

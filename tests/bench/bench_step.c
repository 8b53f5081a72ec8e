/* bench_step.c - training steps of a head over made-up sequences, and the floor under them.
 *
 *   bench_step HEAD B L D d T WIDTH STEPS
 *
 * HEAD efficient_global_pointer or global_pointer, B sequences of L tokens with D features, head
 * size d, T types, spans up to WIDTH tokens (0 = no limit). A step is forward, loss, backward and
 * Adam. Prints one JSON object: tokens a second (median over the steps), peak memory in MiB, and
 * the same for the floor: the projections' matrix products alone through cblas_sgemm.
 */
#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "mlce/model.h"
#include "mlce/optim.h"
#include "mlce/random.h"
#include "mlce/threads.h"

enum { SPANS_PER_SEQUENCE = 8, MOST_STEPS = 10000 };

typedef struct sizes {
    int sequences, length, width, head_size, types, max_width, steps;
    const char *head;
} sizes;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static float *random_floats(size_t count, float size) {
    mlce_random random = mlce_random_new(1, MLCE_STREAM_DATA);
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = size * (2 * mlce_random_float(&random) - 1);
    return values;
}

static mlce_batch make_batch(const sizes *s) {
    mlce_random random = mlce_random_new(2, MLCE_STREAM_DATA);
    int *offsets = calloc((size_t)s->sequences + 1, sizeof *offsets);
    int *span_offsets = calloc((size_t)s->sequences + 1, sizeof *span_offsets);
    int64_t *ids = calloc((size_t)s->sequences, sizeof *ids);
    mlce_span *spans = calloc((size_t)s->sequences * SPANS_PER_SEQUENCE, sizeof *spans);
    for (int b = 0; b < s->sequences; b++) {
        offsets[b + 1] = (b + 1) * s->length;
        span_offsets[b + 1] = (b + 1) * SPANS_PER_SEQUENCE;
        for (int n = 0; n < SPANS_PER_SEQUENCE; n++) {
            int start = (int)mlce_random_below(&random, (uint64_t)s->length - 4);
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
                        .embeddings = random_floats(tokens * (size_t)s->width, 1),
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
    if (mlce_model_new(config, s->width, names, s->types, &model)) {
        fprintf(stderr, "bench_step: %s\n", mlce_last_error());
        exit(1);
    }
    mlce_config_free(config);
    return model;
}

static double time_steps(const sizes *s, const mlce_batch *batch) {
    static double times[MOST_STEPS];
    mlce_model *model = make_model(s);
    mlce_adam_options options = {0.9, 0.999, 1e-8, 0, false, 0};
    mlce_adam *adam = mlce_adam_new(mlce_model_parameters(model), &options);
    mlce_graph *g = mlce_graph_new();
    for (int step = -2; step < s->steps; step++) {
        double began = seconds();
        mlce_graph_reset(g);
        mlce_output output = mlce_model_forward(model, g, batch);
        mlce_node *loss = mlce_model_loss(model, g, &output, batch);
        if (mlce_backward(g, loss) || mlce_adam_step(adam, 1e-3, NULL)) {
            fprintf(stderr, "bench_step: %s\n", mlce_last_error());
            exit(1);
        }
        if (step >= 0) times[step] = seconds() - began;
    }
    mlce_graph_free(g);
    mlce_adam_free(adam);
    mlce_model_free(model);
    return median(times, s->steps);
}

/* y = x W^T and dW = dy^T x for each projection: what any implementation must at least compute. */
static double time_floor(const sizes *s, const mlce_batch *batch) {
    static double times[MOST_STEPS];
    bool shared = strcmp(s->head, "global_pointer") != 0;
    int out[2] = {2 * s->head_size * (shared ? 1 : s->types), shared ? 2 * s->types : 0};
    int widest = out[0] > out[1] ? out[0] : out[1], n = batch->tokens, D = s->width;
    float *W = random_floats((size_t)widest * (size_t)D, 1);
    float *y = random_floats((size_t)n * (size_t)widest, 1);
    for (int step = -2; step < s->steps; step++) {
        double began = seconds();
        for (int p = 0; p < 2; p++) {
            if (out[p] == 0) continue;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, out[p], D, 1, batch->embeddings,
                        D, W, D, 0, y, out[p]);
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out[p], D, n, 1, y, out[p],
                        batch->embeddings, D, 0, W, D);
        }
        if (step >= 0) times[step] = seconds() - began;
    }
    free(W);
    free(y);
    return median(times, s->steps);
}

int main(int argc, char **argv) {
    if (argc != 9) {
        fprintf(stderr, "usage: bench_step HEAD B L D d T WIDTH STEPS\n");
        return 2;
    }
    sizes s = {atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]),
               atoi(argv[6]), atoi(argv[7]), atoi(argv[8]), argv[1]};
    if (mlce_threads_set(0)) {
        fprintf(stderr, "bench_step: %s\n", mlce_last_error());
        return 1;
    }
    mlce_batch batch = make_batch(&s);
    double floor = time_floor(&s, &batch), step = time_steps(&s, &batch);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "{\"tokens_per_second\": %.0f, \"floor_tokens_per_second\": %.0f, \"over_floor\": %.3f, "
        "\"milliseconds\": %.3f, \"peak_mib\": %.0f}\n",
        batch.tokens / step, batch.tokens / floor, step / floor, 1e3 * step,
        (double)usage.ru_maxrss / 1024);
    return 0;
}

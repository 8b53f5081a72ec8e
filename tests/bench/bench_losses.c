/* bench_losses.c - the time of each loss with its gradient, beside the time that a copy of the
 * scores to the gradients takes with the same threads. Run by scripts/bench-losses.
 *
 *   bench_losses [ROWS CLASSES POSITIVES REPEATS]
 *
 * One line a loss: its name, the median milliseconds of the loss and of the copy, which take
 * turns, the median of their ratios, and the ratio of the shortest times, which other programs
 * on the machine disturb least.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/loss.h"

#include "bench.h"

typedef struct bench {
    int rows, classes, positives, repeats;
    float *scores, *grad, *dense, *thresholds, *threshold_grad;
    double *loss;
    int *offsets, *indices;
} bench;

/* A row is cut into as many stretches as it has positives, and each has one somewhere. */
static bench set_up(int rows, int classes, int positives, int repeats) {
    size_t size = (size_t)rows * (size_t)classes, listed = (size_t)rows * (size_t)positives;
    bench b = {.rows = rows, .classes = classes, .positives = positives, .repeats = repeats};
    b.scores = bench_random_floats(size, 5);
    b.grad = bench_allocate(size, sizeof *b.grad);
    b.dense = bench_allocate(size, sizeof *b.dense);
    b.thresholds = bench_allocate((size_t)rows, sizeof *b.thresholds);
    b.threshold_grad = bench_allocate((size_t)rows, sizeof *b.threshold_grad);
    b.loss = bench_allocate((size_t)rows, sizeof *b.loss);
    b.offsets = bench_allocate((size_t)rows + 1, sizeof *b.offsets);
    b.indices = bench_allocate(listed, sizeof *b.indices);
    mlce_random random = mlce_random_new(2, MLCE_STREAM_DATA);
    memset(b.grad, 1, size * sizeof *b.grad);
    for (int r = 0; r < rows; r++) {
        int stretch = classes / positives;
        for (int k = 0; k < positives; k++) {
            int i = k * stretch + (int)mlce_random_below(&random, (uint64_t)stretch);
            b.indices[r * positives + k] = i;
            b.dense[(size_t)r * (size_t)classes + (size_t)i] = 1;
        }
        b.offsets[r + 1] = (r + 1) * positives;
    }
    return b;
}

static void tear_down(bench *b) {
    free(b->scores);
    free(b->grad);
    free(b->dense);
    free(b->thresholds);
    free(b->threshold_grad);
    free(b->loss);
    free(b->offsets);
    free(b->indices);
}

static double time_of_copy(const bench *b) {
    double start = omp_get_wtime();
#pragma omp parallel for schedule(dynamic)
    for (int r = 0; r < b->rows; r++) {
        size_t first = (size_t)r * (size_t)b->classes;
        memcpy(b->grad + first, b->scores + first, (size_t)b->classes * sizeof(float));
    }
    return omp_get_wtime() - start;
}

static double time_of_loss(const bench *b, const mlce_loss_options *options,
                           const mlce_loss_targets *targets) {
    double start = omp_get_wtime();
    if (mlce_loss(options, b->rows, b->classes, b->scores, b->thresholds, targets, b->loss, b->grad,
                  b->threshold_grad))
        bench_fail();
    return omp_get_wtime() - start;
}

static void measure(const bench *b, const char *name, bool dense) {
    mlce_loss_options options = {.positive_weight = 1, .alpha = 0.25f, .gamma = 2};
    if (mlce_loss_kind_of(name, &options.kind)) bench_fail();
    mlce_loss_targets targets = {.offsets = b->offsets, .indices = b->indices};
    if (dense) targets = (mlce_loss_targets){.dense = b->dense};
    size_t repeats = (size_t)b->repeats;
    double *loss = bench_allocate(repeats, sizeof *loss);
    double *copy = bench_allocate(repeats, sizeof *copy);
    double *ratio = bench_allocate(repeats, sizeof *ratio);
    for (int n = -2; n < b->repeats; n++) { /* two rounds to warm up */
        double copied = time_of_copy(b), computed = time_of_loss(b, &options, &targets);
        if (n < 0) continue;
        copy[n] = copied;
        loss[n] = computed;
        ratio[n] = computed / copied;
    }
    double took = bench_median(loss, b->repeats); /* both are sorted then */
    double copied = bench_median(copy, b->repeats);
    printf("%s %s %.3f %.3f %.2f %.2f\n", name, dense ? "dense" : "list", 1e3 * took, 1e3 * copied,
           bench_median(ratio, b->repeats), loss[0] / copy[0]);
    fflush(stdout);
    free(loss);
    free(copy);
    free(ratio);
}

int main(int argc, char **argv) {
    int number[4] = {64, 100000, 5, 31};
    for (int i = 1; i < argc && i <= 4; i++) number[i - 1] = atoi(argv[i]);
    if (argc > 5 || number[0] < 1 || number[1] < 1 || number[2] < 1 || number[2] > number[1] ||
        number[3] < 1 || number[0] > 2147483647 / number[2]) {
        fprintf(stderr, "usage: bench_losses [ROWS CLASSES POSITIVES REPEATS]\n");
        return 2;
    }
    bench b = set_up(number[0], number[1], number[2], number[3]);
    static const char *const names[] = {"multilabel_ce", "threshold_ce", "topk_ce",
                                        "binary_ce",     "focal",        "softmax_ce"};
    for (int i = 0; i < (b.positives == 1 ? 6 : 5); i++) {
        measure(&b, names[i], false);
        measure(&b, names[i], true);
    }
    tear_down(&b);
    return 0;
}

/* demo_labels.c - items of the demo data: points that are sums of their labels' prototypes.
 *
 * With the prototype m_a of label a, a random vector of about unit length,
 *
 *   x = sum over the item's labels of m_a + noise
 *
 * Label a is drawn with a weight of 1 / (10 + a): the last ones are rare.
 */
#include <math.h>

#include "data/demo.h"

static const float NOISE = 0.5f; /* length of an item's noise, about */

/* Mean 0, variance 1, nearly normal: a sum of uniform numbers has the same bits everywhere. */
static float draw_normal(mlce_random *random) {
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += mlce_random_float(random);
    return (sum - 2) * 1.7320508f;
}

mlce_status mlce_demo_prototypes_make(uint64_t seed, int dim, mlce_demo_prototypes *prototypes) {
    size_t count = MLCE_DEMO_LABELS * (size_t)dim;
    *prototypes = (mlce_demo_prototypes){dim, mlce_calloc(count, sizeof(float))};
    if (!prototypes->values) return MLCE_E_MEMORY;
    mlce_random random = mlce_demo_random(seed, MLCE_DEMO_SPLITS); /* a stream of its own */
    float scale = 1 / sqrtf((float)dim);
    for (size_t i = 0; i < count; i++) prototypes->values[i] = scale * draw_normal(&random);
    return MLCE_OK;
}

static int draw_label(mlce_random *random) {
    float total = 0, sum = 0;
    for (int a = 0; a < MLCE_DEMO_LABELS; a++) total += 1 / (float)(10 + a);
    float wanted = total * mlce_random_float(random);
    int label = -1;
    while (label + 1 < MLCE_DEMO_LABELS && sum <= wanted) sum += 1 / (float)(10 + ++label);
    return label;
}

/* `count` different labels, ascending. */
static void draw_labels(mlce_random *random, mlce_span *labels, int count) {
    bool drawn[MLCE_DEMO_LABELS] = {false};
    for (int n = 0; n < count;) {
        int label = draw_label(random);
        n += !drawn[label];
        drawn[label] = true;
    }
    for (int a = 0; a < MLCE_DEMO_LABELS; a++)
        if (drawn[a]) *labels++ = (mlce_span){0, 1, a};
}

mlce_status mlce_demo_item(mlce_random *random, const mlce_demo_prototypes *prototypes,
                           mlce_arena *arena, mlce_sequence *item) {
    int count = 1 + (int)mlce_random_below(random, MLCE_DEMO_MOST_LABELS), dim = prototypes->dim;
    float *row = mlce_arena_alloc(arena, (size_t)dim, sizeof *row);
    mlce_span *labels = mlce_arena_alloc(arena, (size_t)count, sizeof *labels);
    if (!row || !labels) return MLCE_E_MEMORY;
    draw_labels(random, labels, count);
    float scale = NOISE / sqrtf((float)dim);
    for (int i = 0; i < dim; i++) {
        row[i] = scale * draw_normal(random);
        for (int n = 0; n < count; n++) row[i] += prototypes->values[labels[n].type * dim + i];
    }
    *item = (mlce_sequence){.length = 1, .embeddings = row, .spans = labels, .span_count = count};
    return MLCE_OK;
}

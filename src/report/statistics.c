/* statistics.c - what a split of the data consists of. */
#include "report/statistics.h"

#include <stdlib.h>

#include "mlce/memory.h"

const char *const mlce_length_names[MLCE_LENGTHS] = {"1",      "2",       "3",   "4",
                                                     "5 to 8", "9 to 16", "more"};

static int length_class(int64_t length) {
    if (length <= 4) return (int)length - 1;
    if (length <= 8) return 4;
    return length <= 16 ? 5 : 6;
}

static int outer_first(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end > b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* Counts how a sequence's spans, outer ones first, lie in each other. `open` has room for all:
   those that reach over the start of the current one; `crosses`, cleared, too. */
static void count_nesting(mlce_statistics *s, const mlce_span *spans, size_t count, size_t *open,
                          bool *crosses) {
    size_t open_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t kept = 0;
        bool inside = false;
        for (size_t k = 0; k < open_count; k++) {
            const mlce_span *other = &spans[open[k]];
            if (other->end <= spans[i].start) continue;
            open[kept++] = open[k];
            if (other->end >= spans[i].end)
                inside = true;
            else if (other->start < spans[i].start)
                crosses[i] = crosses[open[k]] = true;
        }
        open[kept++] = i;
        open_count = kept;
        s->nested += inside;
        if ((int64_t)open_count > s->depth) s->depth = (int64_t)open_count;
    }
    for (size_t i = 0; i < count; i++) s->crossing += crosses[i];
}

static mlce_status add_nesting(mlce_statistics *s, const mlce_span *gold, size_t count) {
    mlce_span *spans = mlce_calloc(count, sizeof *spans);
    size_t *open = mlce_calloc(count, sizeof *open);
    bool *crosses = mlce_calloc(count, sizeof *crosses);
    mlce_status status = spans && open && crosses ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) {
        for (size_t i = 0; i < count; i++) spans[i] = gold[i];
        qsort(spans, count, sizeof *spans, outer_first);
        count_nesting(s, spans, count, open, crosses);
    }
    free(spans);
    free(open);
    free(crosses);
    return status;
}

static mlce_status add_sequence(mlce_statistics *s, const mlce_dataset *dataset, int64_t sequence) {
    bool of_labels = mlce_dataset_task(dataset) == MLCE_TASK_LABELS;
    int length = mlce_dataset_length(dataset, sequence), count = 0;
    const mlce_span *gold = NULL;
    if (mlce_dataset_has_spans(dataset)) gold = mlce_dataset_gold(dataset, sequence, &count);
    if (length > s->longest) s->longest = length;
    if (count > s->most) s->most = count;
    s->bare += count == 0;
    for (int n = 0; n < count; n++) {
        s->by_type[gold[n].type]++;
        if (!of_labels) s->by_length[length_class((int64_t)gold[n].end - gold[n].start)]++;
    }
    if (of_labels && count) s->by_length[length_class(count)]++;
    return of_labels || !count ? MLCE_OK : add_nesting(s, gold, (size_t)count);
}

mlce_status mlce_statistics_of(const mlce_dataset *dataset, mlce_statistics *statistics) {
    *statistics = (mlce_statistics){
        .sequences = mlce_dataset_sequences(dataset),
        .tokens = mlce_dataset_tokens(dataset),
        .spans = mlce_dataset_spans(dataset),
    };
    statistics->by_type =
        mlce_calloc((size_t)mlce_dataset_types(dataset), sizeof *statistics->by_type);
    mlce_status status = statistics->by_type ? MLCE_OK : MLCE_E_MEMORY;
    for (int64_t s = 0; s < statistics->sequences && !status; s++)
        status = add_sequence(statistics, dataset, s);
    return status;
}

void mlce_statistics_free(mlce_statistics *statistics) {
    free(statistics->by_type);
    *statistics = (mlce_statistics){0};
}

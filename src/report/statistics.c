/* statistics.c - what a split of the data consists of. */
#include "report/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "data/spans.h"
#include "mlce/memory.h"

const char *const mlce_length_names[MLCE_LENGTHS] = {"1",      "2",       "3",   "4",
                                                     "5 to 8", "9 to 16", "more"};

static int length_class(int64_t length) {
    if (length <= 4) return (int)length - 1;
    if (length <= 8) return 4;
    return length <= 16 ? 5 : 6;
}

/* Room for a sequence's spans. */
typedef struct scratch {
    mlce_span *spans, *mirrored;
    bool *begins, *ends; /* whether a span crosses another at its begin, at its end */
    int *positions;      /* [length + 1] */
} scratch;

/* Spans that end inside another, and begin before it, are those that begin inside one where the
   sequence is read from its end. */
static void count_crossing(mlce_statistics *s, scratch *room, int count, int length) {
    mlce_spans_cross(room->spans, count, length, room->positions, room->begins);
    for (int i = 0; i < count; i++)
        room->mirrored[i] = (mlce_span){
            .start = length - room->spans[i].end, .end = length - room->spans[i].start, .type = i};
    qsort(room->mirrored, (size_t)count, sizeof *room->mirrored, mlce_spans_outer_first);
    mlce_spans_cross(room->mirrored, count, length, room->positions, room->ends);
    for (int i = 0; i < count; i++)
        if (room->ends[i]) room->begins[room->mirrored[i].type] = true;
    for (int i = 0; i < count; i++) s->crossing += room->begins[i];
}

/* Spans within an earlier one, outer ones being first, and how many lie over one token. */
static void count_nesting(mlce_statistics *s, scratch *room, int count, int length) {
    int latest = 0, depth = 0;
    memset(room->positions, 0, ((size_t)length + 1) * sizeof *room->positions);
    for (int i = 0; i < count; i++) {
        const mlce_span *span = &room->spans[i];
        s->nested += latest >= span->end;
        if (span->end > latest) latest = span->end;
        room->positions[span->start]++;
        room->positions[span->end]--;
    }
    for (int p = 0; p < length; p++) {
        depth += room->positions[p];
        if (depth > s->depth) s->depth = depth;
    }
}

static mlce_status add_nesting(mlce_statistics *s, const mlce_span *gold, int count, int length) {
    size_t size = (size_t)count;
    scratch room = {.spans = mlce_calloc(size, sizeof *room.spans),
                    .mirrored = mlce_calloc(size, sizeof *room.mirrored),
                    .begins = mlce_calloc(size, sizeof *room.begins),
                    .ends = mlce_calloc(size, sizeof *room.ends),
                    .positions = mlce_calloc((size_t)length + 1, sizeof *room.positions)};
    bool failed = !room.spans || !room.mirrored || !room.begins || !room.ends || !room.positions;
    if (!failed) {
        memcpy(room.spans, gold, size * sizeof *gold);
        qsort(room.spans, size, sizeof *room.spans, mlce_spans_outer_first);
        count_crossing(s, &room, count, length);
        count_nesting(s, &room, count, length);
    }
    free(room.spans);
    free(room.mirrored);
    free(room.begins);
    free(room.ends);
    free(room.positions);
    return failed ? MLCE_E_MEMORY : MLCE_OK;
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
    return of_labels || !count ? MLCE_OK : add_nesting(s, gold, count, length);
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

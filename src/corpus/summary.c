/* summary.c - counts sequences, types, and how spans lie to each other. */
#include "corpus/summary.h"

#include <stdlib.h>
#include <string.h>

#include "data/spans.h"
#include "mlce/memory.h"

/* Room for a sequence. */
typedef struct scratch {
    mlce_span *sorted;
    int *ends;        /* for mlce_spans_cross(), as are these: */
    bool *crosses;    /* [spans of the sequence] */
    int64_t *seen_in; /* [types] the last sequence with a span of the type, + 1 */
    size_t sorted_size, ends_size, crosses_size;
} scratch;

void mlce_summary_free(mlce_summary *s) {
    free(s->lengths);
    free(s->counts);
    free(s->widths);
    free(s->type_spans);
    free(s->type_sequences);
    *s = (mlce_summary){0};
}

static int compare_ints(const void *left, const void *right) {
    int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

/* How the spans of one sequence lie to each other. In the order of mlce_spans_outer_first() a span
   lies within an earlier one if any of those ends as late. */
static void count_relations(mlce_summary *s, scratch *room, int count, int length) {
    mlce_span *spans = room->sorted;
    qsort(spans, (size_t)count, sizeof *spans, mlce_spans_outer_first);
    mlce_spans_cross(spans, count, length, room->ends, room->crosses);
    int latest = 0;
    for (int i = 0, same; i < count; i += same) {
        int start = spans[i].start, end = spans[i].end;
        for (same = 1; i + same < count; same++)
            if (spans[i + same].start != start || spans[i + same].end != end) break;
        if (latest >= end) s->nested += same;
        if (room->crosses[i]) s->crossing += same;
        if (same > 1) s->shared += same;
        if (end > latest) latest = end;
    }
}

static bool is_blank(const char *text) {
    return text[strspn(text, " \t\r\n")] == '\0';
}

static void count_blanks(const mlce_dataset *dataset, int64_t i, mlce_summary *s) {
    const char *const *tokens = mlce_dataset_token_text(dataset, i);
    int64_t before = s->blank;
    if (mlce_dataset_task(dataset) == MLCE_TASK_LABELS) {
        const char *text = mlce_dataset_text(dataset, i);
        s->blank += text && is_blank(text);
    }
    for (int t = 0; tokens && t < mlce_dataset_length(dataset, i); t++)
        s->blank += is_blank(tokens[t]);
    if (s->blank > before && s->first_blank < 0) s->first_blank = i;
}

static mlce_status count_spans(const mlce_dataset *dataset, int64_t i, scratch *room,
                               int64_t *widths, mlce_summary *s) {
    int count, length = mlce_dataset_length(dataset, i);
    const mlce_span *gold = mlce_dataset_gold(dataset, i, &count);
    s->counts[i] = count;
    s->bare += !count;
    if (!count) return MLCE_OK;
    for (int k = 0; k < count; k++) {
        s->widths[(*widths)++] = gold[k].end - gold[k].start;
        s->type_spans[gold[k].type]++;
        s->type_sequences[gold[k].type] += room->seen_in[gold[k].type] != i + 1;
        room->seen_in[gold[k].type] = i + 1;
    }
    if (mlce_dataset_task(dataset) == MLCE_TASK_LABELS) return MLCE_OK;
    mlce_status status =
        mlce_grow((void **)&room->sorted, &room->sorted_size, (size_t)count, sizeof *room->sorted);
    if (!status)
        status = mlce_grow((void **)&room->ends, &room->ends_size, (size_t)length + 1,
                           sizeof *room->ends);
    if (!status)
        status = mlce_grow((void **)&room->crosses, &room->crosses_size, (size_t)count,
                           sizeof *room->crosses);
    if (status) return status;
    memcpy(room->sorted, gold, (size_t)count * sizeof *gold);
    int64_t before = s->crossing;
    count_relations(s, room, count, length);
    if (s->crossing > before && s->crossing_first < 0) s->crossing_first = i;
    return MLCE_OK;
}

static mlce_status count_all(const mlce_dataset *dataset, scratch *room, mlce_summary *s) {
    int64_t widths = 0;
    mlce_status status = MLCE_OK;
    for (int64_t i = 0; i < s->sequences && !status; i++) {
        s->lengths[i] = mlce_dataset_length(dataset, i);
        s->empty += !s->lengths[i];
        count_blanks(dataset, i, s);
        status = count_spans(dataset, i, room, &widths, s);
    }
    return status;
}

mlce_status mlce_summarise(const mlce_dataset *dataset, mlce_summary *summary) {
    mlce_summary s = {.sequences = mlce_dataset_sequences(dataset),
                      .tokens = mlce_dataset_tokens(dataset),
                      .spans = mlce_dataset_spans(dataset),
                      .types = mlce_dataset_types(dataset),
                      .first_blank = -1,
                      .crossing_first = -1};
    scratch room = {.seen_in = mlce_calloc((size_t)s.types, sizeof *room.seen_in)};
    s.lengths = mlce_calloc((size_t)s.sequences, sizeof *s.lengths);
    s.counts = mlce_calloc((size_t)s.sequences, sizeof *s.counts);
    s.widths = mlce_calloc((size_t)s.spans, sizeof *s.widths);
    s.type_spans = mlce_calloc((size_t)s.types, sizeof *s.type_spans);
    s.type_sequences = mlce_calloc((size_t)s.types, sizeof *s.type_sequences);
    bool failed =
        !room.seen_in || !s.lengths || !s.counts || !s.widths || !s.type_spans || !s.type_sequences;
    mlce_status status = failed ? MLCE_E_MEMORY : count_all(dataset, &room, &s);
    free(room.sorted);
    free(room.ends);
    free(room.crosses);
    free(room.seen_in);
    if (status) {
        mlce_summary_free(&s);
    } else {
        qsort(s.lengths, (size_t)s.sequences, sizeof *s.lengths, compare_ints);
        qsort(s.widths, (size_t)s.spans, sizeof *s.widths, compare_ints);
        qsort(s.counts, (size_t)s.sequences, sizeof *s.counts, compare_ints);
    }
    *summary = s;
    return status;
}

int mlce_quantile(const int *sorted, int64_t count, double share) {
    if (!count) return 0;
    int64_t i = (int64_t)(share * (double)count);
    return sorted[i < count ? i : count - 1];
}

int64_t mlce_count_up_to(const int *sorted, int64_t count, int limit) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sorted[middle] <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

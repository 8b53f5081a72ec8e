/* align.c - which prediction is which gold span's. */
#include "report/align.h"

#include <limits.h>
#include <stdlib.h>

#include "mlce/memory.h"
#include "report/assignment.h"

/* A gold span or a prediction, and its place in its list. */
typedef struct entry {
    mlce_span span;
    bool predicted;
    int place;
} entry;

static int compare(const void *left, const void *right) {
    const entry *a = left, *b = right;
    if (a->span.start != b->span.start) return a->span.start < b->span.start ? -1 : 1;
    if (a->span.end != b->span.end) return a->span.end < b->span.end ? -1 : 1;
    if (a->span.type != b->span.type) return a->span.type < b->span.type ? -1 : 1;
    return a->predicted - b->predicted;
}

int64_t mlce_pair_worth(mlce_span gold, mlce_span predicted) {
    int64_t from = gold.start > predicted.start ? gold.start : predicted.start;
    int64_t to = gold.end < predicted.end ? gold.end : predicted.end;
    int64_t covered =
        (int64_t)gold.end - gold.start + predicted.end - predicted.start - (to - from);
    if (to <= from) return 0;
    return 2 * (((to - from) << 20) / covered) + (gold.type == predicted.type);
}

static mlce_pair_kind kind_of(mlce_span gold, mlce_span predicted) {
    bool same_place = gold.start == predicted.start && gold.end == predicted.end;
    if (gold.type == predicted.type)
        return same_place ? MLCE_PAIR_CORRECT : MLCE_PAIR_WRONG_BOUNDARY;
    return same_place ? MLCE_PAIR_WRONG_TYPE : MLCE_PAIR_WRONG_BOTH;
}

/* Either may be NULL. There is room: pairs are never more than spans. */
static void add_pair(mlce_alignment *a, const entry *gold, const entry *predicted) {
    mlce_pair pair = {-1, -1, gold ? MLCE_PAIR_MISSED : MLCE_PAIR_SPURIOUS};
    if (gold) pair.gold = gold->place;
    if (predicted) pair.predicted = predicted->place;
    if (gold && predicted) pair.kind = kind_of(gold->span, predicted->span);
    a->pairs[a->count++] = pair;
}

/* Makes pairs of equal neighbours and closes the gaps. Returns how many are left. */
static size_t take_equal(mlce_alignment *a, entry *entries, size_t count) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        const entry *next = i + 1 < count ? &entries[i + 1] : NULL;
        if (next && !entries[i].predicted && next->predicted &&
            kind_of(entries[i].span, next->span) == MLCE_PAIR_CORRECT) {
            add_pair(a, &entries[i], next);
            i++;
        } else {
            entries[left++] = entries[i];
        }
    }
    return left;
}

static void leave_alone(mlce_alignment *a, const entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        add_pair(a, entries[i].predicted ? NULL : &entries[i],
                 entries[i].predicted ? &entries[i] : NULL);
}

/* Two sides of which rows is the smaller. */
typedef struct sides {
    const entry **row, **column;
} sides;

static int64_t worth(int row, int column, const void *context) {
    const sides *s = context;
    return mlce_pair_worth(s->row[row]->span, s->column[column]->span);
}

static void add_assigned(mlce_alignment *a, const sides *s, int rows, int columns,
                         const int *column_of) {
    for (int i = 0; i < rows; i++) {
        const entry *row = s->row[i], *column = s->column[column_of[i]];
        if (!mlce_pair_worth(row->span, column->span)) {
            leave_alone(a, row, 1);
            continue;
        }
        add_pair(a, row->predicted ? column : row, row->predicted ? row : column);
        s->column[column_of[i]] = NULL;
    }
    for (int j = 0; j < columns; j++)
        if (s->column[j]) leave_alone(a, s->column[j], 1);
}

/* Spans that overlap, each with one before it: a second of work at the most. */
static mlce_status pair_group(mlce_alignment *a, const entry *entries, size_t count) {
    static const double most_steps = 1e9;
    size_t predicted = 0;
    for (size_t i = 0; i < count; i++) predicted += entries[i].predicted;
    size_t gold = count - predicted, rows = gold < predicted ? gold : predicted;
    size_t columns = count - rows;
    bool crowded = (double)rows * (double)rows * (double)columns > most_steps;
    if (rows == 0 || crowded) {
        a->crowded = a->crowded || crowded;
        leave_alone(a, entries, count);
        return MLCE_OK;
    }
    const entry **both = mlce_calloc(count, sizeof *both);
    int *column_of = mlce_calloc(rows, sizeof *column_of);
    mlce_status status = both && column_of ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) {
        sides s = {both, both + rows};
        bool rows_are_predicted = predicted < gold;
        for (size_t i = 0, r = 0, c = 0; i < count; i++) {
            if (entries[i].predicted == rows_are_predicted)
                s.row[r++] = &entries[i];
            else
                s.column[c++] = &entries[i];
        }
        status = mlce_assign((int)rows, (int)columns, worth, &s, column_of);
        if (!status) add_assigned(a, &s, (int)rows, (int)columns, column_of);
    }
    free(both);
    free(column_of);
    return status;
}

/* Spans that share no token with those before are a new group: no pair spans two groups. */
static mlce_status pair_spans(mlce_alignment *a, const entry *entries, size_t count) {
    mlce_status status = MLCE_OK;
    for (size_t first = 0, next; first < count && !status; first = next) {
        int32_t end = entries[first].span.end;
        for (next = first + 1; next < count && entries[next].span.start < end; next++)
            if (entries[next].span.end > end) end = entries[next].span.end;
        status = pair_group(a, entries + first, next - first);
    }
    return status;
}

static void pair_labels(mlce_alignment *a, const entry *entries, size_t count) {
    if (count == 2 && entries[0].predicted != entries[1].predicted)
        add_pair(a, &entries[entries[0].predicted], &entries[entries[1].predicted]);
    else
        leave_alone(a, entries, count);
}

static int compare_pairs(const void *left, const void *right) {
    const mlce_pair *a = left, *b = right;
    if (a->gold != b->gold) return (unsigned)a->gold < (unsigned)b->gold ? -1 : 1; /* -1 last */
    return (a->predicted > b->predicted) - (a->predicted < b->predicted);
}

mlce_status mlce_align(mlce_task task, const mlce_span *gold, int gold_count,
                       const mlce_scored_span *predicted, size_t predicted_count,
                       mlce_alignment *alignment) {
    alignment->count = 0;
    alignment->crowded = false;
    if (predicted_count > (size_t)(INT_MAX - gold_count))
        return mlce_fail(MLCE_E_ARGUMENT, "%zu predictions in one sequence", predicted_count);
    size_t count = (size_t)gold_count + predicted_count, left;
    if (!count) return MLCE_OK;
    mlce_status status = mlce_grow((void **)&alignment->pairs, &alignment->capacity, count,
                                   sizeof *alignment->pairs);
    entry *entries = status ? NULL : mlce_calloc(count, sizeof *entries);
    if (!entries) return MLCE_E_MEMORY;
    for (int i = 0; i < gold_count; i++) entries[i] = (entry){gold[i], false, i};
    for (size_t j = 0; j < predicted_count; j++)
        entries[(size_t)gold_count + j] = (entry){predicted[j].span, true, (int)j};
    qsort(entries, count, sizeof *entries, compare);
    left = take_equal(alignment, entries, count);
    if (task == MLCE_TASK_LABELS)
        pair_labels(alignment, entries, left);
    else
        status = pair_spans(alignment, entries, left);
    free(entries);
    if (!status) qsort(alignment->pairs, alignment->count, sizeof *alignment->pairs, compare_pairs);
    return status;
}

void mlce_alignment_free(mlce_alignment *alignment) {
    free(alignment->pairs);
    *alignment = (mlce_alignment){0};
}

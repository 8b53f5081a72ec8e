/* inspect.c - the report of `mlce-data inspect`. */
#include "tools/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "tools/tool.h"

enum { TOKENS_SHOWN = 60, SPANS_SHOWN = 20 };

/* What a pass over all sequences counts. */
typedef struct summary {
    int *lengths, *widths; /* of all sequences, of all spans; sorted at the end */
    int *counts;           /* of spans, of all sequences; sorted at the end */
    int64_t *type_spans;   /* [types] */
    int64_t bare;          /* sequences without a span */
    int64_t nested;        /* spans within a longer one */
    int64_t crossing;      /* spans that begin in another and end behind it */
    int64_t shared;        /* spans with the range of another, under another type */
    mlce_span *sorted;     /* scratch: the spans of a sequence */
    int *ends;             /* scratch: a Fenwick tree over positions */
    size_t sorted_size, ends_size;
} summary;

static void summary_free(summary *s) {
    free(s->lengths);
    free(s->widths);
    free(s->counts);
    free(s->type_spans);
    free(s->sorted);
    free(s->ends);
}

/* ---- Counting ---- */

static int compare_ints(const void *left, const void *right) {
    int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

/* By start, the longer first. */
static int compare_ranges(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return (a->end < b->end) - (a->end > b->end);
}

static void tree_add(int *tree, int size, int position) {
    for (int i = position; i <= size; i += i & -i) tree[i]++;
}

/* How many were added at 1 .. position. */
static int tree_sum(const int *tree, int position) {
    int sum = 0;
    for (int i = position; i > 0; i -= i & -i) sum += tree[i];
    return sum;
}

/* How the spans of one sequence lie to each other, in k log k. In the order of compare_ranges() a
   span lies within an earlier one if any of those ends as late, and crosses one that began before
   it and ends inside it: those ends are counted in a Fenwick tree. */
static void count_relations(summary *s, int count, int length) {
    mlce_span *spans = s->sorted;
    qsort(spans, (size_t)count, sizeof *spans, compare_ranges);
    memset(s->ends, 0, ((size_t)length + 1) * sizeof *s->ends);
    int latest = 0, entered = 0; /* entered: spans whose ends are in the tree */
    for (int i = 0; i < count;) {
        int start = spans[i].start, end = spans[i].end, same = 1;
        while (i + same < count && !compare_ranges(&spans[i], &spans[i + same])) same++;
        while (spans[entered].start < start) tree_add(s->ends, length, spans[entered++].end);
        if (latest >= end) s->nested += same;
        if (tree_sum(s->ends, end - 1) > tree_sum(s->ends, start)) s->crossing += same;
        if (same > 1) s->shared += same;
        if (end > latest) latest = end;
        i += same;
    }
}

static mlce_status summarise(const mlce_dataset *dataset, summary *s) {
    int64_t sequences = mlce_dataset_sequences(dataset), widths = 0;
    s->lengths = mlce_calloc((size_t)sequences, sizeof *s->lengths);
    s->widths = mlce_calloc((size_t)mlce_dataset_spans(dataset), sizeof *s->widths);
    s->counts = mlce_calloc((size_t)sequences, sizeof *s->counts);
    s->type_spans = mlce_calloc((size_t)mlce_dataset_types(dataset), sizeof *s->type_spans);
    bool failed = !s->lengths || !s->widths || !s->counts || !s->type_spans;
    mlce_status status = failed ? MLCE_E_MEMORY : MLCE_OK;
    for (int64_t i = 0; i < sequences && !status; i++) {
        int count, length = s->lengths[i] = mlce_dataset_length(dataset, i);
        const mlce_span *gold = mlce_dataset_gold(dataset, i, &count);
        s->counts[i] = count;
        s->bare += !count;
        if (!count) continue;
        for (int k = 0; k < count; k++) {
            s->widths[widths++] = gold[k].end - gold[k].start;
            s->type_spans[gold[k].type]++;
        }
        status = mlce_grow((void **)&s->sorted, &s->sorted_size, (size_t)count, sizeof *s->sorted);
        if (!status)
            status =
                mlce_grow((void **)&s->ends, &s->ends_size, (size_t)length + 1, sizeof *s->ends);
        if (status) break;
        memcpy(s->sorted, gold, (size_t)count * sizeof *gold);
        count_relations(s, count, length);
    }
    if (status) return status;
    qsort(s->lengths, (size_t)sequences, sizeof *s->lengths, compare_ints);
    qsort(s->widths, (size_t)widths, sizeof *s->widths, compare_ints);
    qsort(s->counts, (size_t)sequences, sizeof *s->counts, compare_ints);
    return MLCE_OK;
}

/* ---- Printing ---- */

static void print_spread(const int *sorted, int64_t count, const char *of) {
    if (count)
        printf(" (%s: shortest %d, median %d, longest %d)", of, sorted[0], sorted[count / 2],
               sorted[count - 1]);
    putchar('\n');
}

/* Spaces after text of so many code points, up to a column's width. */
static void put_padded(const char *text, int width) {
    mlce_tool_put(stdout, text);
    for (; *text; text++) width -= ((unsigned char)*text & 0xC0) != 0x80;
    printf("%*s", width > 0 ? width : 0, "");
}

/* How many labels the items have. */
static void print_counts(const summary *s, int64_t items) {
    if (items)
        printf(" (an item: least %d, median %d, most %d; %" PRId64 " have none)", s->counts[0],
               s->counts[items / 2], s->counts[items - 1], s->bare);
    putchar('\n');
}

static void print_size(size_t bytes) {
    double mebibytes = (double)bytes / (1 << 20);
    printf(mebibytes < 10 ? "%.2f MiB" : "%.0f MiB", mebibytes);
}

static void print_parts(const mlce_dataset *dataset) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    const struct {
        const char *layout_has, *name;
        bool is_there;
    } parts[] = {
        {layout->token_text, "token text", mlce_dataset_token_text(dataset, 0) != NULL},
        {layout->token_chars, "token chars", mlce_dataset_token_chars(dataset, 0) != NULL},
        {layout->text, "text", mlce_dataset_text(dataset, 0) != NULL},
        {layout->id, "ids", mlce_dataset_id(dataset, 0) != NULL},
        {layout->document, "documents", mlce_dataset_document(dataset, 0) >= 0},
        {layout->gold, layout->gold + 1, mlce_dataset_has_spans(dataset)},
        {layout->gold_weights, "weights", mlce_dataset_gold_weights(dataset, 0) != NULL},
    };
    for (int present = 1; present >= 0; present--) {
        const char *between = present ? "  with        " : "  without     ";
        bool any = false;
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            if (!parts[i].layout_has || parts[i].is_there != (present == 1)) continue;
            printf("%s%s", any ? ", " : between, parts[i].name);
            any = true;
        }
        if (any) putchar('\n');
    }
}

static void print_shape(const mlce_dataset *dataset, const summary *s) {
    int width = mlce_dataset_width(dataset), layers = mlce_dataset_layers(dataset);
    int64_t sequences = mlce_dataset_sequences(dataset);
    if (mlce_dataset_task(dataset) == MLCE_TASK_LABELS) {
        printf("  items       %" PRId64 "\n  features    %d an item, ", sequences, width);
    } else {
        printf("  sequences   %" PRId64, sequences);
        print_spread(s->lengths, sequences, "tokens");
        printf("  tokens      %" PRId64 "\n", mlce_dataset_tokens(dataset));
        printf("  embeddings  %d features a token, ", width);
    }
    if (layers > 1) printf("%d layers of %d, ", layers, width / layers);
    printf("%s, ", mlce_dataset_precision(dataset));
    print_size(mlce_dataset_bytes(dataset));
    const char *embedding = mlce_dataset_embedding(dataset);
    printf("\n  made by     ");
    mlce_tool_put(stdout, *embedding ? embedding : "(the file does not say)");
    putchar('\n');
    if (sequences) print_parts(dataset);
}

static void print_relations(const mlce_dataset *dataset, const summary *s) {
    if (!mlce_dataset_has_spans(dataset)) return;
    printf("    nested    %" PRId64
           " within a longer one\n"
           "    crossing  %" PRId64
           " begin in another and end behind it\n"
           "    shared    %" PRId64
           " of the same tokens as one of another type\n"
           "    none      %" PRId64 " sequences without a span\n",
           s->nested, s->crossing, s->shared, s->bare);
}

/* The spans, and how many each type has. */
static void print_spans(const mlce_dataset *dataset, const summary *s) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    int64_t spans = mlce_dataset_spans(dataset);
    int types = mlce_dataset_types(dataset), width = 8;
    for (int t = 0; t < types; t++) {
        size_t length = strlen(mlce_dataset_type_name(dataset, t));
        if (length > (size_t)width) width = length < 40 ? (int)length : 40;
    }
    if (mlce_dataset_task(dataset) == MLCE_TASK_LABELS) {
        printf("  labels      %" PRId64, spans);
        print_counts(s, mlce_dataset_sequences(dataset));
    } else {
        printf("  spans       %" PRId64, spans);
        print_spread(s->widths, spans, "tokens");
        print_relations(dataset, s);
    }
    printf("\n  ");
    put_padded(layout->type, width);
    printf("  %10s  %6s\n", layout->gold + 1, "share");
    for (int t = 0; t < types; t++) {
        printf("  ");
        put_padded(mlce_dataset_type_name(dataset, t), width);
        double share = spans ? 100.0 * (double)s->type_spans[t] / (double)spans : 0;
        printf("  %10" PRId64 "  %5.1f%%\n", s->type_spans[t], share);
    }
}

static mlce_status print_gold(const mlce_dataset *dataset, int64_t sequence) {
    int count;
    const mlce_span *gold = mlce_dataset_gold(dataset, sequence, &count);
    int shown = count < SPANS_SHOWN ? count : SPANS_SHOWN;
    for (int i = 0; i < shown; i++) {
        char *text;
        mlce_status status = mlce_dataset_span_text(dataset, sequence, gold[i], &text);
        if (status) return status;
        char range[32];
        snprintf(range, sizeof range, "%d-%d", gold[i].start, gold[i].end);
        printf("    %-8s ", range);
        put_padded(mlce_dataset_type_name(dataset, gold[i].type), text ? 13 : 0);
        if (text) putchar(' ');
        if (text) mlce_tool_put(stdout, text);
        putchar('\n');
        free(text);
    }
    if (shown < count) printf("    ... %d spans more\n", count - shown);
    return MLCE_OK;
}

static mlce_status print_sequence(const mlce_dataset *dataset, int64_t sequence) {
    int length = mlce_dataset_length(dataset, sequence);
    const char *id = mlce_dataset_id(dataset, sequence);
    const char *const *tokens = mlce_dataset_token_text(dataset, sequence);
    const char *text = mlce_dataset_text(dataset, sequence);
    printf("\n  sequence %" PRId64 ", %d token%s", sequence, length, length == 1 ? "" : "s");
    if (id) printf(", id ");
    if (id) mlce_tool_put(stdout, id);
    printf("\n   ");
    for (int i = 0; tokens && i < length && i < TOKENS_SHOWN; i++) {
        putchar(' ');
        mlce_tool_put(stdout, tokens[i]);
    }
    if (tokens && length > TOKENS_SHOWN) printf(" ... %d tokens more", length - TOKENS_SHOWN);
    if (!tokens && text) putchar(' ');
    if (!tokens) mlce_tool_put(stdout, text ? text : " (no text)");
    putchar('\n');
    return print_gold(dataset, sequence);
}

static void print_item(const mlce_dataset *dataset, int64_t item) {
    int count;
    const mlce_span *gold = mlce_dataset_gold(dataset, item, &count);
    const float *weights = mlce_dataset_gold_weights(dataset, item);
    const char *id = mlce_dataset_id(dataset, item), *text = mlce_dataset_text(dataset, item);
    printf("\n  item %" PRId64, item);
    if (id) printf(", id ");
    if (id) mlce_tool_put(stdout, id);
    printf("\n    ");
    if (text) mlce_tool_put(stdout, text);
    if (text) printf("\n    ");
    for (int i = 0; i < count && i < SPANS_SHOWN; i++) {
        if (i) printf(", ");
        mlce_tool_put(stdout, mlce_dataset_type_name(dataset, gold[i].type));
        if (weights) printf(" (%g)", (double)weights[i]);
    }
    if (count > SPANS_SHOWN) printf(", ... %d labels more", count - SPANS_SHOWN);
    printf("%s\n", count ? "" : "(no labels)");
}

static mlce_status print_one(const mlce_dataset *dataset, int64_t sequence) {
    if (mlce_dataset_task(dataset) == MLCE_TASK_SPANS) return print_sequence(dataset, sequence);
    print_item(dataset, sequence);
    return MLCE_OK;
}

mlce_status mlce_inspect(const char *paths, int64_t rows) {
    /* Nothing is kept in memory, and everything is checked. */
    mlce_dataset_options options = {.memory = 0, .check_rows = true};
    mlce_dataset *dataset = NULL;
    summary s = {0};
    mlce_status status = mlce_dataset_open(paths, &options, &dataset);
    if (!status) status = mlce_dataset_load_text(dataset);
    if (!status) status = summarise(dataset, &s);
    if (!status) {
        mlce_tool_put(stdout, mlce_dataset_name(dataset));
        printf("\n\n");
        print_shape(dataset, &s);
        print_spans(dataset, &s);
        int64_t sequences = mlce_dataset_sequences(dataset);
        for (int64_t i = 0; i < rows && i < sequences && !status; i++)
            status = print_one(dataset, i);
    }
    summary_free(&s);
    mlce_dataset_close(dataset);
    return status;
}

/* data_print.c - what the reports of mlce-data share. */
#include "tools/data_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "corpus/corpus.h"
#include "data/dataset_layout.h"
#include "tools/tool.h"

static void print_spread(const int *sorted, int64_t count, const char *of) {
    if (count)
        printf(" (%s: shortest %d, median %d, longest %d)", of, sorted[0], sorted[count / 2],
               sorted[count - 1]);
    putchar('\n');
}

/* How many labels the items have. */
static void print_counts(const mlce_summary *s, int64_t items) {
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
    mlce_corpus_part parts[MLCE_CORPUS_PARTS];
    int count = mlce_corpus_parts(dataset, parts);
    for (int present = 1; present >= 0; present--) {
        const char *between = present ? "  with        " : "  without     ";
        bool any = false;
        for (int i = 0; i < count; i++) {
            if (parts[i].is_there != (present == 1)) continue;
            printf("%s%s", any ? ", " : between, parts[i].name);
            any = true;
        }
        if (any) putchar('\n');
    }
}

void mlce_print_shape(const mlce_dataset *dataset, const mlce_summary *s) {
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

static void print_relations(const mlce_dataset *dataset, const mlce_summary *s) {
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

int mlce_print_type_columns(const mlce_dataset *dataset) {
    int columns = 8;
    for (int t = 0; t < mlce_dataset_types(dataset); t++) {
        int needed = mlce_tool_columns(mlce_dataset_type_name(dataset, t));
        if (needed > columns) columns = needed < 40 ? needed : 40;
    }
    return columns;
}

void mlce_print_spans(const mlce_dataset *dataset, const mlce_summary *s) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    int64_t spans = mlce_dataset_spans(dataset);
    int types = mlce_dataset_types(dataset), width = mlce_print_type_columns(dataset);
    if (mlce_dataset_task(dataset) == MLCE_TASK_LABELS) {
        printf("  labels      %" PRId64, spans);
        print_counts(s, mlce_dataset_sequences(dataset));
    } else {
        printf("  spans       %" PRId64, spans);
        print_spread(s->widths, spans, "tokens");
        print_relations(dataset, s);
    }
    printf("\n  ");
    mlce_tool_put_padded(stdout, layout->type, width);
    printf("  %10s  %6s\n", layout->gold + 1, "share");
    for (int t = 0; t < types; t++) {
        printf("  ");
        mlce_tool_put_padded(stdout, mlce_dataset_type_name(dataset, t), width);
        double share = spans ? 100.0 * (double)s->type_spans[t] / (double)spans : 0;
        printf("  %10" PRId64 "  %5.1f%%\n", s->type_spans[t], share);
    }
}

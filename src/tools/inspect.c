/* inspect.c - the report of `mlce-data inspect`. */
#include "tools/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/summary.h"
#include "tools/data_print.h"
#include "tools/tool.h"

enum { TOKENS_SHOWN = 60, SPANS_SHOWN = 20 };

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
        mlce_tool_put_padded(stdout, mlce_dataset_type_name(dataset, gold[i].type), text ? 13 : 0);
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
    mlce_summary s = {0};
    mlce_status status = mlce_dataset_open(paths, &options, &dataset);
    if (!status) status = mlce_dataset_load_text(dataset);
    if (!status) status = mlce_summarise(dataset, &s);
    if (!status) {
        mlce_tool_put(stdout, mlce_dataset_name(dataset));
        printf("\n\n");
        mlce_print_shape(dataset, &s);
        mlce_print_spans(dataset, &s);
        int64_t sequences = mlce_dataset_sequences(dataset);
        for (int64_t i = 0; i < rows && i < sequences && !status; i++)
            status = print_one(dataset, i);
    }
    mlce_summary_free(&s);
    mlce_dataset_close(dataset);
    return status;
}

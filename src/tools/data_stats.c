/* data_stats.c - `mlce-data stats`. */
#include "core/json.h"
#include "corpus/corpus.h"
#include "data/dataset_layout.h"
#include "tools/data_commands.h"
#include "tools/data_print.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data stats FILE [--json]\n"
    "\n"
    "Measures a dataset: its size and parts, types, how lengths, widths and numbers of spans are\n"
    "spread, how spans lie, and what the numbers of the embeddings look like. FILE may be "
    "several,\n"
    "separated by commas, and patterns (\"train-*.h5\"), read as one dataset. Embeddings are read "
    "in\n"
    "blocks.\n"
    "\n"
    "      --json           all of it for another program: also histograms, and mean, deviation,\n"
    "                       least and largest number of each column\n"
    "  -h, --help           show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data stats train.h5\n"
    "  mlce-data stats train.h5 --json | jq .types\n";

static void print_row(const char *what, const int *sorted, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += sorted[i];
    printf("  %-20s %8d %8d %8d %8d %8d %10.2f\n", what, mlce_quantile(sorted, count, 0),
           mlce_quantile(sorted, count, 0.5), mlce_quantile(sorted, count, 0.9),
           mlce_quantile(sorted, count, 0.99), mlce_quantile(sorted, count, 1),
           count ? sum / (double)count : 0);
}

static void print_spreads(const mlce_corpus *corpus) {
    const mlce_summary *s = &corpus->summary;
    bool is_labels = mlce_dataset_task(corpus->dataset) == MLCE_TASK_LABELS;
    printf("\n  %-20s %8s %8s %8s %8s %8s %10s\n", "", "least", "median", "90%", "99%", "most",
           "mean");
    if (!is_labels) print_row("tokens a sequence", s->lengths, s->sequences);
    print_row(is_labels ? "labels an item" : "spans a sequence", s->counts, s->sequences);
    if (!is_labels) print_row("tokens a span", s->widths, s->spans);
}

static void print_values(const mlce_corpus *corpus) {
    const mlce_values *v = &corpus->values;
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(corpus->dataset);
    printf(
        "\n  %-11s root of the mean square %.4g; rows of zeros %lld, not finite %lld;\n"
        "  %-11s columns constant %lld, huge %lld, tiny %lld\n",
        layout->values, v->rms, (long long)v->zeros, (long long)v->not_finite, "",
        (long long)v->constant, (long long)v->huge, (long long)v->tiny);
}

static int print_json(const mlce_corpus *corpus) {
    json_t *root = mlce_corpus_json(corpus);
    if (!root) return mlce_tool_failed();
    mlce_status status =
        mlce_json_print(stdout, root, JSON_INDENT(2) | JSON_REAL_PRECISION(9), "measurements");
    return status ? mlce_tool_failed() : mlce_tool_end();
}

static int print_table(const mlce_corpus *corpus) {
    mlce_tool_put(stdout, mlce_dataset_name(corpus->dataset));
    printf("\n\n");
    mlce_print_shape(corpus->dataset, &corpus->summary);
    mlce_print_spans(corpus->dataset, &corpus->summary);
    print_spreads(corpus);
    print_values(corpus);
    return mlce_tool_end();
}

int mlce_data_stats(int argc, char **argv) {
    static const struct option options[] = {
        MLCE_TOOL_OPTIONS, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool json = false;
    int exit_code = MLCE_TOOL_OK;
    mlce_tool_command("stats", HELP);
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        json = true;
    }
    if (argc - optind != 1)
        return mlce_tool_usage("stats takes one file, %d given (several: a,b or \"*.h5\")",
                               argc - optind);
    mlce_corpus corpus;
    if (mlce_corpus_open(argv[optind], &corpus)) return mlce_tool_failed();
    exit_code = json ? print_json(&corpus) : print_table(&corpus);
    mlce_corpus_close(&corpus);
    return exit_code;
}

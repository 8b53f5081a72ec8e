/* data_merge.c - `mlce-data merge`. */
#include "corpus/merge.h"
#include "tools/data_commands.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data merge FILE FILE ... -o OUT\n"
    "\n"
    "Writes the sequences (or items) of several datasets into one, in the order given. Types are\n"
    "united by name: those of the first file in its order, then what each other has more.\n"
    "\n"
    "Width, layers and what made the embeddings must agree, and all or none must have spans. The\n"
    "precision is the highest of them (float64 becomes float32, as it is read). Text, ids and\n"
    "documents stay where all files have them. Documents of different files stay different:\n"
    "numbers that would collide are moved. One file is open at a time; its embeddings are copied\n"
    "sequence by sequence.\n"
    "\n"
    "Files of the same types need no merging to train on: data.train = a.h5,b.h5.\n"
    "\n"
    "  -o, --output OUT     what to write; it is replaced when the new one is whole\n"
    "  -h, --help           show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data merge news.h5 tweets.h5 -o both.h5\n"
    "  mlce-data merge 'shards/train-*.h5' more.h5 -o train.h5\n";

int mlce_data_merge(int argc, char **argv) {
    static const struct option options[] = {
        MLCE_TOOL_OPTIONS, {"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
    const char *output = NULL;
    int exit_code = MLCE_TOOL_OK;
    mlce_tool_command("merge", HELP);
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        output = optarg;
    }
    if (argc == optind) return mlce_tool_usage("merge takes files, none given");
    if (!output || !*output) return mlce_tool_usage("the output is missing: -o OUT");
    mlce_merge_report report;
    if (mlce_merge((const char *const *)argv + optind, argc - optind, output, &report))
        return mlce_tool_failed();
    mlce_tool_put(stdout, output);
    if (report.task == MLCE_TASK_LABELS)
        printf(": %lld items, %lld labels of %d types\n", (long long)report.sequences,
               (long long)report.spans, report.types);
    else
        printf(": %lld sequences, %lld tokens, %lld spans of %d types\n",
               (long long)report.sequences, (long long)report.tokens, (long long)report.spans,
               report.types);
    return mlce_tool_end();
}

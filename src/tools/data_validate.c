/* data_validate.c - `mlce-data validate`. */
#include <signal.h>
#include <string.h>

#include "core/child.h"
#include "data/dataset_layout.h"
#include "tools/data_commands.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data validate FILE ... [--timeout SECONDS]\n"
    "\n"
    "Reads every part of each dataset, every chunk of its embeddings included, and checks all "
    "that\n"
    "programs rely on: format, shapes, types, offsets, spans, text that is UTF-8, finite numbers,\n"
    "checksums where it has them (numbers written by these programs do). Says `ok` with its size, "
    "or\n"
    "what is wrong and where. Nothing is kept in memory but spans and text.\n"
    "\n"
    "Each file is read in a process of its own: one that is made to crash the HDF5 library, or to\n"
    "keep it busy for ever (--timeout), is reported, and the next is read.\n"
    "\n"
    "Exit code 0: all are valid; 1: some are not.\n"
    "\n"
    "      --timeout SECONDS  the most that one file may take (default: no limit)\n"
    "  -h, --help             show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data validate train.h5 dev.h5\n"
    "  mlce-data validate downloads/*.h5 --timeout 600\n";

/* The exit code for one file, in this process. */
static int validate(void *file) {
    const char *path = file;
    const mlce_dataset_options options = {.memory = 0, .check_rows = true};
    mlce_dataset *dataset;
    mlce_status status = mlce_dataset_open(path, &options, &dataset);
    if (!status) status = mlce_dataset_load_text(dataset);
    if (status) {
        mlce_dataset_close(dataset);
        return mlce_tool_failed();
    }
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    mlce_tool_put(stdout, path);
    printf(": ok, %lld %ss, ", (long long)mlce_dataset_sequences(dataset), layout->sequence);
    if (mlce_dataset_task(dataset) == MLCE_TASK_SPANS)
        printf("%lld tokens, ", (long long)mlce_dataset_tokens(dataset));
    if (mlce_dataset_has_spans(dataset))
        printf("%lld %ss of ", (long long)mlce_dataset_spans(dataset), layout->span);
    else
        printf("no %s, ", layout->gold + 1);
    printf("%d type%s\n", mlce_dataset_types(dataset), mlce_dataset_types(dataset) == 1 ? "" : "s");
    mlce_dataset_close(dataset);
    return mlce_tool_end(); /* which writes all that was printed */
}

/* The exit code for one file, in a process that may die of it. */
static int validate_apart(char *path, int64_t timeout) {
    mlce_child_end end;
    fflush(stdout);
    fflush(stderr);
    if (mlce_child_run(&(mlce_child_limits){.seconds = (double)timeout}, validate, path, &end))
        return mlce_tool_failed();
    if (end.fate == MLCE_CHILD_DONE) return end.result;
    if (end.signal == SIGPIPE) raise(SIGPIPE); /* nobody reads on */
    if (end.fate == MLCE_CHILD_TOO_LONG)
        return mlce_tool_error("%s: reading it takes more than %lld seconds (--timeout)", path,
                               (long long)timeout);
    return mlce_tool_error(
        "%s: reading it crashes the HDF5 library (%s): the file is damaged, do "
        "not use it",
        path, end.signal ? strsignal(end.signal) : "it ended itself");
}

int mlce_data_validate(int argc, char **argv) {
    static const struct option options[] = {
        MLCE_TOOL_OPTIONS, {"timeout", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    int64_t timeout = 0;
    int exit_code = MLCE_TOOL_OK;
    mlce_tool_command("validate", HELP);
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (!mlce_tool_int("--timeout", optarg, 1, 1000000, &timeout)) return MLCE_TOOL_WRONG_USAGE;
    }
    if (argc == optind) return mlce_tool_usage("validate takes files, none given");
    for (int i = optind; i < argc; i++)
        if (validate_apart(argv[i], timeout)) exit_code = MLCE_TOOL_FAILURE;
    return exit_code;
}

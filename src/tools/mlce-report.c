/* mlce-report - the page of a run, and runs compared. */
#include <stdio.h>
#include <stdlib.h>

#include "mlce/report.h"
#include "mlce/threads.h"
#include "tools/tool.h"
#include "tools/wait_policy.h"

static const char HELP[] =
    "usage: mlce-report RUN [-o FILE.html]\n"
    "       mlce-report RUN RUN ... [-o FILE.html]\n"
    "\n"
    "Of one run: writes its page again, as mlce-train does at its end, to RUN/report.html: "
    "curves,\n"
    "figures by type, errors in their places, data, speed, parameters, configuration. It predicts\n"
    "the data that the run's configuration names, relative to the current folder; without them "
    "the\n"
    "page has no examples. A run of mlce-import has no curves; give it data with data.dev=FILE.\n"
    "\n"
    "Of several: prints their figures, the settings that differ, and the F1 of each type on dev, "
    "with\n"
    "a star at the best; -o writes the same as a page, with all curves in one picture.\n"
    "\n"
    "  RUN                  a run's folder\n"
    "  -o, --output FILE    write the page there\n"
    "      --threads N      threads; default: one a core\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "examples:\n"
    "  mlce-report runs/ner\n"
    "  mlce-report runs/* -o compared.html\n";

static int report(const char *run, const char *path) {
    if (mlce_report_write(run, path)) return mlce_tool_failed();
    mlce_tool_put(stdout, path ? path : run);
    puts(path ? "" : "/report.html");
    return mlce_tool_end();
}

static int compare(char *const *runs, int count, const char *path) {
    char *text;
    if (mlce_report_compare((const char *const *)runs, count, path, &text))
        return mlce_tool_failed();
    fputs(text, stdout);
    free(text);
    if (path) {
        printf("\n");
        mlce_tool_put(stdout, path);
        printf("\n");
    }
    return mlce_tool_end();
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"output", required_argument, NULL, 'o'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int64_t threads = 0;
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-report", HELP);
    int exit_code = 0;
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == 'o') path = optarg;
        if (option == 't' && !mlce_tool_int("--threads", optarg, 0, 4096, &threads))
            return MLCE_TOOL_WRONG_USAGE;
    }
    int count = argc - optind;
    if (count == 0) return mlce_tool_usage("give a RUN, or several to compare");
    if (mlce_threads_set((int)threads)) return mlce_tool_failed();
    return count == 1 ? report(argv[optind], path) : compare(argv + optind, count, path);
}

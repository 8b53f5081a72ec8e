/* mlce-eval - precision, recall and F1 of a run on labelled data. */
#include <stdio.h>
#include <stdlib.h>

#include "mlce/threads.h"
#include "mlce/train.h"
#include "tools/tool.h"
#include "tools/wait_policy.h"

static const char HELP[] =
    "usage: mlce-eval RUN DATA [--json]\n"
    "\n"
    "Predicts the spans of a labelled dataset and compares them with its own: a span is right if\n"
    "start, end and type are. Prints precision, recall, F1 and the number of gold spans (support) "
    "for\n"
    "each type, for all together (micro), and their mean over the types that occur (macro).\n"
    "\n"
    "  RUN                  a run's folder (its best checkpoint), a checkpoint file, or weights "
    "exported\n"
    "                       as hdf5\n"
    "  DATA                 a dataset file, a glob pattern, or several separated by commas\n"
    "      --json           print {\"micro\": {...}, \"macro\": {...}, \"types\": {NAME: {...}}}\n"
    "      --threads N      threads; default: one a core\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "examples:\n"
    "  mlce-eval runs/ner demo-data/test.h5\n"
    "  mlce-eval runs/ner demo-data/test.h5 --json | jq .micro.f1\n";

static mlce_status print(const mlce_model *model, const mlce_metrics *metrics, bool json) {
    const char *const *names = mlce_model_type_names(model);
    char *text =
        json ? mlce_metrics_json(metrics, names) : mlce_metrics_table(metrics, names);
    if (!text) return MLCE_E_MEMORY;
    fputs(text, stdout);
    if (json) putchar('\n');
    free(text);
    return MLCE_OK;
}

static int evaluate(const char *run, const char *data, bool json) {
    mlce_model *model = NULL;
    mlce_dataset *dataset = NULL;
    mlce_metrics metrics = {0};
    mlce_status status = mlce_model_load(run, &model);
    if (!status) status = mlce_dataset_open(data, NULL, &dataset);
    if (!status) status = mlce_model_accepts(model, dataset);
    if (!status) status = mlce_metrics_init(&metrics, mlce_model_task(model), mlce_model_types(model));
    if (!status) status = mlce_evaluate(model, dataset, &metrics, NULL);
    if (!status) status = print(model, &metrics, json);
    int exit_code = status ? mlce_tool_failed() : mlce_tool_end();
    mlce_metrics_free(&metrics);
    mlce_dataset_close(dataset);
    mlce_model_free(model);
    return exit_code;
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"json", no_argument, NULL, 'j'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    int64_t threads = 0;
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-eval", HELP);
    int exit_code = 0;
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == 'j') json = true;
        if (option == 't' && !mlce_tool_int("--threads", optarg, 0, 4096, &threads))
            return MLCE_TOOL_WRONG_USAGE;
    }
    if (argc - optind != 2) return mlce_tool_usage("give RUN and DATA");
    if (mlce_threads_set((int)threads)) return mlce_tool_failed();
    return evaluate(argv[optind], argv[optind + 1], json);
}

/* mlce-eval - precision, recall and F1 of a run on labelled data, and the thresholds that suit it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mlce/threads.h"
#include "mlce/train.h"
#include "tools/find_threshold.h"
#include "tools/tool.h"
#include "tools/wait_policy.h"

static const char HELP[] =
    "usage: mlce-eval RUN [RUN ...] DATA [--json]\n"
    "       mlce-eval RUN [RUN ...] DATA --find-threshold [--beta B] [--json]\n"
    "       mlce-eval RUN DATA --find-threshold --store [--per-type] [--beta B] [--json]\n"
    "\n"
    "Predicts the spans or labels of a labelled dataset and compares them with its own: a span is\n"
    "right if start, end and type are. Prints precision, recall, F1 and the number of gold ones\n"
    "(support) for each type, for all together (micro), and their mean over the types that occur\n"
    "(macro); for labels also the mean over items (samples), the share of items that are all "
    "right\n"
    "(exact match), the share of wrong decisions (Hamming loss), label ranking average precision\n"
    "(ranking), and precision among the best 1, 3 and 5 labels. Labels with weights are gold from\n"
    "0.5 on.\n"
    "\n"
    "  RUN                  a run's folder (its best checkpoint), a checkpoint file, or weights "
    "exported\n"
    "                       as hdf5. Several, as of different seeds, are one model with the mean "
    "of\n"
    "                       their scores and of their stored thresholds\n"
    "  DATA                 a dataset file, a glob pattern, or several separated by commas\n"
    "      --find-threshold try every threshold that a score is to be over, instead of 0 or what "
    "is\n"
    "                       stored, for all types and for each; print the best\n"
    "      --beta B         best by F-beta: over 1 for recall, under 1 for precision (default 1)\n"
    "      --store          put the best threshold into RUN: mlce-eval and mlce-predict then use "
    "it\n"
    "      --per-type       store the best of each type instead of one for all\n"
    "      --json           print {\"micro\": {...}, \"macro\": {...}, \"types\": {NAME: "
    "{...}}} and more\n"
    "      --threads N      threads; default: one a core\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "examples:\n"
    "  mlce-eval runs/ner demo-data/test.h5\n"
    "  mlce-eval runs/ner demo-data/test.h5 --json | jq .micro.f1\n"
    "  mlce-eval runs/seed1 runs/seed2 runs/seed3 demo-data/test.h5\n"
    "  mlce-eval runs/ner demo-data/dev.h5 --find-threshold --store\n";

/* What the run decides by, where that is not 0; beside JSON on stderr. */
static void print_thresholds(mlce_model *model, bool json) {
    const float *thresholds = mlce_model_thresholds(model);
    bool in_use = false, all_same = true;
    for (int a = 0; a < mlce_model_types(model) && mlce_model_has_thresholds(model); a++) {
        in_use = in_use || thresholds[a] != 0;
        all_same = all_same && thresholds[a] == thresholds[0];
    }
    char text[64] = "with stored thresholds, one for each type";
    if (all_same)
        snprintf(text, sizeof text, "with the stored threshold %.4f", (double)thresholds[0]);
    if (in_use && json)
        mlce_log(MLCE_LOG_INFO, "%s", text);
    else if (in_use)
        printf("\n%s\n", text);
}

static mlce_status print(mlce_model *model, const mlce_metrics *metrics, bool json) {
    const char *const *names = mlce_model_type_names(model);
    char *text = json ? mlce_metrics_json(metrics, names) : mlce_metrics_table(metrics, names);
    if (!text) return MLCE_E_MEMORY;
    fputs(text, stdout);
    if (json) putchar('\n');
    print_thresholds(model, json);
    free(text);
    return MLCE_OK;
}

static mlce_status evaluate(mlce_model *model, mlce_dataset *dataset, bool json) {
    mlce_metrics metrics;
    mlce_status status =
        mlce_metrics_init(&metrics, mlce_model_task(model), mlce_model_types(model));
    if (!status) status = mlce_evaluate(model, dataset, &metrics, NULL);
    if (!status) status = print(model, &metrics, json);
    mlce_metrics_free(&metrics);
    return status;
}

/* `find` NULL: evaluates. */
static int run_on(const char *const *runs, int count, const char *data, bool json,
                  const mlce_find_options *find) {
    mlce_model *model = NULL;
    mlce_dataset *dataset = NULL;
    mlce_status status = mlce_model_load_average(runs, count, &model);
    if (!status) status = mlce_dataset_open(data, NULL, &dataset);
    if (!status) status = mlce_model_accepts(model, dataset);
    if (!status)
        status = find ? mlce_find_threshold(runs[0], model, dataset, find)
                      : evaluate(model, dataset, json);
    int exit_code = status ? mlce_tool_failed() : mlce_tool_end();
    mlce_dataset_close(dataset);
    mlce_model_free(model);
    return exit_code;
}

static bool read_beta(const char *text, double *beta) {
    char *end;
    *beta = strtod(text, &end);
    if (end != text && !*end && *beta >= 0.01 && *beta <= 100) return true;
    mlce_tool_usage("--beta: '%s' is not a number from 0.01 to 100", text);
    return false;
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"json", no_argument, NULL, 'j'},
                                            {"find-threshold", no_argument, NULL, 'f'},
                                            {"beta", required_argument, NULL, 'b'},
                                            {"per-type", no_argument, NULL, 'p'},
                                            {"store", no_argument, NULL, 's'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    mlce_find_options find = {.beta = 1};
    bool finds = false, has_beta = false;
    int64_t threads = 0;
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-eval", HELP);
    int exit_code = 0;
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == 'j') find.json = true;
        if (option == 'f') finds = true;
        if (option == 'p') find.per_type = true;
        if (option == 's') find.store = true;
        if (option == 'b' && !(has_beta = read_beta(optarg, &find.beta)))
            return MLCE_TOOL_WRONG_USAGE;
        if (option == 't' && !mlce_tool_int("--threads", optarg, 0, 4096, &threads))
            return MLCE_TOOL_WRONG_USAGE;
    }
    const char *const *arguments = (const char *const *)argv + optind;
    int runs = argc - optind - 1;
    if (runs < 1) return mlce_tool_usage("give RUN and DATA");
    if (runs > 1 && find.store)
        return mlce_tool_usage("--store puts a threshold into one run, %d are given", runs);
    if (!finds && (has_beta || find.per_type || find.store))
        return mlce_tool_usage("--beta, --per-type and --store go with --find-threshold");
    if (mlce_threads_set((int)threads)) return mlce_tool_failed();
    return run_on(arguments, runs, arguments[runs], find.json, finds ? &find : NULL);
}

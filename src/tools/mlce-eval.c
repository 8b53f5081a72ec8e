/* mlce-eval - precision, recall and F1 of a run on labelled data, and the thresholds that suit it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "mlce/threads.h"
#include "mlce/train.h"
#include "tools/calibrate.h"
#include "tools/find_threshold.h"
#include "tools/ranks.h"
#include "tools/tool.h"
#include "tools/wait_policy.h"

static const char HELP[] =
    "usage: mlce-eval RUN [RUN ...] DATA [--json]\n"
    "       mlce-eval RUN [RUN ...] DATA --find-threshold [--beta B] [--json]\n"
    "       mlce-eval RUN DATA --find-threshold --store [--per-type] [--beta B] [--json]\n"
    "       mlce-eval RUN [RUN ...] DATA --calibrate [--json]\n"
    "       mlce-eval RUN DATA --calibrate --store [--json]\n"
    "       mlce-eval RUN --reset-thresholds --reset-calibration\n"
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
    "                       their scores, of their stored thresholds, and of their calibrations\n"
    "  DATA                 a dataset file, a glob pattern, or several separated by commas\n"
    "      --find-threshold\n"
    "                       try every threshold that a score is to be over, instead of 0 or what "
    "is\n"
    "                       stored, for all types and for each; print the best\n"
    "      --beta B         best by F-beta: over 1 for recall, under 1 for precision (default 1)\n"
    "      --per-type       store the best of each type instead of one for all\n"
    "      --calibrate      fit probabilities to DATA, p = 1 / (1 + e^-(slope score + "
    "intercept)),\n"
    "                       and print how far they can be trusted: the expected calibration error\n"
    "                       (over ten bins) and the log loss, before, as stored, and as fitted, "
    "on\n"
    "                       what is predicted and on the candidates of the fit: those, and as "
    "many\n"
    "                       again that score the nearest below the threshold. Fit on dev, after\n"
    "                       --find-threshold --store; look at the row 'stored' on test\n"
    "      --store          put what was found into RUN: mlce-eval and mlce-predict then use the\n"
    "                       threshold, and mlce-predict writes probabilities\n"
    "      --reset-thresholds, --reset-calibration\n"
    "                       take what was stored out of RUN again: what scores over 0 is "
    "predicted,\n"
    "                       and there are no probabilities\n"
    "      --json           print {\"micro\": {...}, \"macro\": {...}, \"types\": {NAME: "
    "{...}}} and more\n"
    "      --threads N      threads; default: one a core\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "mpirun -n 4 mlce-eval ...: four processes share the work, to the same result.\n"
    "\n"
    "examples:\n"
    "  mlce-eval runs/ner demo-data/test.h5\n"
    "  mlce-eval runs/ner demo-data/test.h5 --json | jq .micro.f1\n"
    "  mlce-eval runs/seed1 runs/seed2 runs/seed3 demo-data/test.h5\n"
    "  mlce-eval runs/ner demo-data/dev.h5 --find-threshold --store\n"
    "  mlce-eval runs/ner demo-data/dev.h5 --calibrate --store\n"
    "  mlce-eval runs/ner demo-data/test.h5 --calibrate\n"
    "  mlce-eval runs/ner --reset-thresholds\n";

typedef enum job { EVALUATE, FIND_THRESHOLD, CALIBRATE, RESET } job;

/* What a command is given. */
typedef struct request {
    const mlce_ranks *ranks;
    job job;
    mlce_find_options find;                 /* json and store are of all jobs */
    bool has_beta, thresholds, calibration; /* the latter two: what is reset */
} request;

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
    if (json)
        mlce_json_write(stdout, text);
    else
        fputs(text, stdout);
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

static int run_on(const char *const *runs, int count, const char *data, const request *r) {
    mlce_model *model = NULL;
    mlce_dataset *dataset = NULL;
    mlce_status status = mlce_model_load_average(runs, count, &model);
    if (!status) mlce_model_set_ranks(model, r->ranks);
    if (!status) status = mlce_dataset_open(data, NULL, &dataset);
    if (!status) status = mlce_model_accepts(model, dataset);
    if (!status)
        status = r->job == FIND_THRESHOLD ? mlce_find_threshold(runs[0], model, dataset, &r->find)
                 : r->job == CALIBRATE
                     ? mlce_tool_calibrate(runs[0], model, dataset, r->find.store, r->find.json)
                     : evaluate(model, dataset, r->find.json);
    int exit_code = status ? mlce_tool_failed() : mlce_tool_end();
    mlce_dataset_close(dataset);
    mlce_model_free(model);
    return exit_code;
}

static int reset(const char *run, const request *r) {
    if (mlce_tool_is_silent()) return MLCE_TOOL_OK;
    mlce_model *model = NULL;
    mlce_status status = mlce_model_load(run, &model);
    if (!status && r->thresholds) {
        float *thresholds = mlce_model_thresholds(model);
        double configured = mlce_config_float(mlce_model_config(model), "model.threshold");
        for (int a = 0; a < mlce_model_types(model); a++) thresholds[a] = (float)configured;
        status = mlce_model_store_thresholds(model, run);
    }
    if (!status && r->calibration) {
        mlce_model_set_calibration(model, (mlce_calibration){0});
        status = mlce_model_store_calibration(model, run);
    }
    mlce_model_free(model);
    return status ? mlce_tool_failed() : mlce_tool_end();
}

static bool read_beta(const char *text, double *beta) {
    char *end;
    *beta = strtod(text, &end);
    if (end != text && !*end && *beta >= 0.01 && *beta <= 100) return true;
    mlce_tool_usage("--beta: '%s' is not a number from 0.01 to 100", text);
    return false;
}

enum { RESET_THRESHOLDS = 256, RESET_CALIBRATION };

/* What does not go together; false (message given). */
static bool check(const request *r, int runs) {
    const mlce_find_options *find = &r->find;
    const char *wrong = NULL;
    if (r->job != FIND_THRESHOLD && (r->has_beta || find->per_type))
        wrong = "--beta and --per-type go with --find-threshold";
    else if (r->job == RESET && find->json)
        wrong = "--json prints nothing of a reset";
    else if (r->job != FIND_THRESHOLD && r->job != CALIBRATE && find->store)
        wrong = "--store goes with --find-threshold or --calibrate";
    else if (find->per_type && !find->store)
        wrong = "--per-type is for --store: both are printed in any case";
    else if (r->job == RESET ? runs != 0 : runs < 1)
        wrong = r->job == RESET ? "give one RUN, and no DATA" : "give RUN and DATA";
    if (wrong)
        mlce_tool_usage("%s", wrong);
    else if (runs > 1 && find->store)
        mlce_tool_usage("--store puts a %s into one run, %d are given",
                        r->job == CALIBRATE ? "calibration" : "threshold", runs);
    return !wrong && !(runs > 1 && find->store);
}

/* Chooses what is to be done; false (message given) where that is two things. */
static bool choose(request *r, job wanted) {
    if (r->job == EVALUATE || r->job == wanted) {
        r->job = wanted;
        return true;
    }
    mlce_tool_usage("--find-threshold, --calibrate and --reset-... are one command each");
    return false;
}

static bool read_option(request *r, int option, int64_t *threads) {
    switch (option) {
    case 'j':
        return r->find.json = true;
    case 'p':
        return r->find.per_type = true;
    case 's':
        return r->find.store = true;
    case 'b':
        return r->has_beta = read_beta(optarg, &r->find.beta);
    case 'f':
        return choose(r, FIND_THRESHOLD);
    case 'c':
        return choose(r, CALIBRATE);
    case RESET_THRESHOLDS:
        r->thresholds = true;
        return choose(r, RESET);
    case RESET_CALIBRATION:
        r->calibration = true;
        return choose(r, RESET);
    default:
        return mlce_tool_int("--threads", optarg, 0, 4096, threads);
    }
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        MLCE_TOOL_OPTIONS,
        {"json", no_argument, NULL, 'j'},
        {"find-threshold", no_argument, NULL, 'f'},
        {"beta", required_argument, NULL, 'b'},
        {"per-type", no_argument, NULL, 'p'},
        {"calibrate", no_argument, NULL, 'c'},
        {"store", no_argument, NULL, 's'},
        {"reset-thresholds", no_argument, NULL, RESET_THRESHOLDS},
        {"reset-calibration", no_argument, NULL, RESET_CALIBRATION},
        {"threads", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0}};
    request r = {.find = {.beta = 1}};
    int64_t threads = 0;
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-eval", HELP);
    mlce_tool_ranks_look();
    int exit_code = 0;
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (!read_option(&r, option, &threads)) return MLCE_TOOL_WRONG_USAGE;
    }
    const char *const *arguments = (const char *const *)argv + optind;
    int runs = argc - optind - 1;
    if (!check(&r, runs)) return MLCE_TOOL_WRONG_USAGE;
    for (int n = 0; n <= runs; n++) mlce_tool_ranks_walk(arguments[n]);
    mlce_status status = mlce_tool_ranks_begin(MLCE_OK, &r.ranks);
    if (threads == 0 && r.ranks) threads = r.ranks->threads;
    if (!status) status = mlce_threads_set((int)threads);
    exit_code = status           ? mlce_tool_failed()
                : r.job == RESET ? reset(arguments[0], &r)
                                 : run_on(arguments, runs, arguments[runs], &r);
    return mlce_tool_ranks_end(exit_code);
}

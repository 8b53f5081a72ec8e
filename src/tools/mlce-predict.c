/* mlce-predict - the spans or labels of a dataset as JSONL, columns, brat, or a page to look at. */
#include <stdlib.h>
#include <string.h>

#include "convert/sink.h"
#include "core/file.h"
#include "mlce/threads.h"
#include "tools/predict.h"
#include "tools/ranks.h"
#include "tools/tool.h"
#include "tools/wait_policy.h"
#include "train/run_folder.h"

static const char HELP[] =
    "usage: mlce-predict RUN [RUN ...] DATA [-o FILE] [--format FORMAT]\n"
    "                    [--threshold X] [--overlap HOW] [--top N]\n"
    "\n"
    "Predicts spans or labels and prints one JSON object a line for each sequence or item:\n"
    "  {\"sequence\": 0, \"id\": \"...\", \"text\": \"...\", \"tokens\": [\"...\", \"...\"],\n"
    "   \"spans\": [{\"start\": 3, \"end\": 5, \"type\": \"PER\", \"score\": 4.2,\n"
    "              \"probability\": 0.97, \"text\": \"...\"}]}\n"
    "  {\"item\": 0, \"id\": \"...\", \"text\": \"...\", \"labels\": [{\"label\": \"tax\", "
    "\"score\": 1.7}]}\n"
    "start and end count tokens, end not included. What scores over 0 is predicted, or over what\n"
    "mlce-eval --find-threshold --store put in its place; with the losses topk_ce and softmax_ce,\n"
    "the best scores. The probability that it is right stands there after mlce-eval --calibrate\n"
    "--store; id, text and tokens, if the dataset has them.\n"
    "\n"
    "  RUN                  a run's folder (its best checkpoint), a checkpoint file, or weights "
    "exported\n"
    "                       as hdf5. Several, as of different seeds, are one model with the mean "
    "of\n"
    "                       their scores, of their stored thresholds, and of their calibrations\n"
    "                       (if all have one)\n"
    "  DATA                 a dataset file, a glob pattern, or several separated by commas\n"
    "  -o, --output FILE    write there instead of to standard output\n"
    "      --format FORMAT  jsonl (default); conll, columns of tags, several where spans overlap;\n"
    "                       brat, a folder, which -o names; html, a page with the spans marked in\n"
    "                       the text, which needs no network and no scripts\n"
    "      --threshold X    predict what scores over X, for all types, whatever is stored\n"
    "      --overlap HOW    all (default): whatever scores over the threshold; nested: no spans\n"
    "                       that cross; flat: no spans that share a token. Of the spans over the\n"
    "                       threshold it is the set with the highest sum of score - threshold\n"
    "      --top N          of each sequence or item at most N, those the farthest over their\n"
    "                       thresholds, after --overlap\n"
    "      --threads N      threads; default: one a core\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "mpirun -n 4 mlce-predict ...: four processes share the work; the first one writes, the same.\n"
    "\n"
    "examples:\n"
    "  mlce-predict runs/ner demo-data/test.h5 | head\n"
    "  mlce-predict runs/ner 'new-*.h5' -o spans.jsonl\n"
    "  mlce-data convert new.txt --from text --types-from train.h5 -o new.h5\n"
    "  mlce-predict runs/ner demo-data/test.h5 --format html -o spans.html\n"
    "  mlce-predict runs/ner demo-data/test.h5 --format conll --overlap flat -o flat.conll\n"
    "  mlce-predict runs/ner demo-data/test.h5 --format brat -o brat-folder\n"
    "  mlce-predict runs/ner new.h5 --threshold -2 --top 3\n"
    "  mlce-predict runs/seed1 runs/seed2 runs/seed3 'new-*.h5' -o spans.jsonl\n";

typedef enum form { JSONL, CONLL, BRAT, HTML } form;

/* What a command is given. */
typedef struct request {
    const mlce_ranks *ranks;
    const char *const *runs;
    int run_count;
    const char *data, *path; /* path "-": standard output */
    form form;
    bool has_threshold;
    float threshold;
    mlce_overlap overlap;
    int64_t top; /* 0: all */
} request;

/* One sequence after the other: chosen, then written, or kept until all are there. */
typedef struct gathering {
    const request *request;
    mlce_predictions *predictions;
    mlce_span_list one;
    FILE *file; /* of JSONL; NULL: kept */
} gathering;

static mlce_status append(mlce_span_list *list, const mlce_scored_span *items, size_t count) {
    size_t sequences = list->sequences;
    mlce_status status = mlce_grow((void **)&list->items, &list->capacity, list->count + count + 1,
                                   sizeof *list->items);
    if (!status)
        status = mlce_grow((void **)&list->offsets, &list->offsets_capacity, sequences + 2,
                           sizeof *list->offsets);
    if (status) return status;
    if (count) memcpy(list->items + list->count, items, count * sizeof *items);
    list->offsets[sequences] = list->count;
    list->count += count;
    list->offsets[sequences + 1] = list->count;
    list->sequences++;
    return MLCE_OK;
}

static mlce_status predicted(const mlce_prediction *prediction, void *context) {
    gathering *g = context;
    const request *r = g->request;
    mlce_predictions *p = g->predictions;
    const float *thresholds = mlce_model_thresholds(p->model);
    g->one.count = g->one.sequences = 0;
    mlce_status status = append(&g->one, prediction->spans, prediction->count);
    if (!status) status = mlce_span_list_resolve(&g->one, thresholds, r->overlap);
    if (!status && r->top) status = mlce_span_list_keep_best(&g->one, thresholds, (size_t)r->top);
    if (status) return status;
    return g->file ? mlce_predict_json(p, prediction->sequence, g->one.items, g->one.count, g->file)
                   : append(&p->found, g->one.items, g->one.count);
}

/* What is read must not be written over. */
static mlce_status check_output(const request *r, const mlce_dataset *dataset) {
    if (!strcmp(r->path, "-")) return MLCE_OK;
    bool is_read = mlce_dataset_has_file(dataset, r->path);
    for (int n = 0; n < r->run_count; n++) {
        char *model = mlce_model_file(r->runs[n]);
        if (!model) return MLCE_E_MEMORY;
        is_read = is_read || mlce_file_is_same(model, r->path) ||
                  mlce_run_folder_owns(r->runs[n], r->path);
        free(model);
    }
    return is_read ? mlce_file_is_read(r->path) : MLCE_OK;
}

/* Whether the model can be asked for that; sets its thresholds. */
static mlce_status apply(const request *r, mlce_model *model) {
    const char *loss = mlce_config_string(mlce_model_config(model), "loss.name");
    bool of_labels = mlce_model_task(model) == MLCE_TASK_LABELS;
    if (of_labels && r->overlap != MLCE_OVERLAP_ALL)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: labels of items do not overlap: --overlap is for "
                         "spans",
                         r->runs[0]);
    if (of_labels && (r->form == CONLL || r->form == BRAT))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: predicts labels of items, which --format %s cannot "
                         "hold: jsonl or html can",
                         r->runs[0], r->form == CONLL ? "conll" : "brat");
    if ((r->has_threshold || r->overlap != MLCE_OVERLAP_ALL) && !mlce_model_has_thresholds(model))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: was trained with loss.name = %s, which predicts the best scores, not "
                         "those over a threshold: --threshold and --overlap have no meaning",
                         r->runs[0], loss);
    for (int a = 0; r->has_threshold && a < mlce_model_types(model); a++)
        mlce_model_thresholds(model)[a] = r->threshold;
    return MLCE_OK;
}

/* JSONL as it comes, so that memory does not grow with the data. */
static mlce_status write_text(const request *r, mlce_predictions *p, gathering *g,
                              mlce_text_file *text) {
    if (r->form == JSONL) g->file = text->file;
    mlce_status status = mlce_predict(p->model, p->dataset, predicted, g, NULL);
    if (!status && r->form == HTML) status = mlce_predict_html(p, text->file);
    if (!status) status = mlce_text_file_check(text);
    if (!status) return mlce_text_file_finish(text);
    mlce_text_file_abandon(text);
    return status;
}

static mlce_status convert(const request *r, mlce_predictions *p, gathering *g) {
    mlce_status status = mlce_predict(p->model, p->dataset, predicted, g, NULL);
    if (status) return status;
    return mlce_predict_convert(p, r->form == CONLL ? MLCE_FORMAT_CONLL : MLCE_FORMAT_BRAT,
                                r->path);
}

static mlce_status pass_over(const mlce_prediction *prediction, void *context) {
    (void)prediction;
    (void)context;
    return MLCE_OK;
}

/* Of several ranks the first writes; all predict. */
static mlce_status predict_and_write(const request *r, mlce_predictions *p, gathering *g,
                                     mlce_status status) {
    bool first = !mlce_tool_is_silent(), is_text = first && (r->form == JSONL || r->form == HTML);
    mlce_text_file text = {0};
    if (!status && is_text) status = mlce_text_file_open(r->path, &text);
    bool is_open = !status && is_text;
    status = mlce_ranks_agree(r->ranks, status);
    if (status && is_open) mlce_text_file_abandon(&text);
    if (status) return status;
    if (is_text) return write_text(r, p, g, &text);
    if (first) return convert(r, p, g);
    return mlce_predict(p->model, p->dataset, pass_over, NULL, NULL);
}

/* "RUN, RUN: DATA" */
static char *make_title(const request *r) {
    size_t size = strlen(r->data) + 3;
    for (int n = 0; n < r->run_count; n++) size += strlen(r->runs[n]) + 2;
    char *title = mlce_calloc(size, 1), *to = title;
    for (int n = 0; title && n < r->run_count; n++)
        to += sprintf(to, "%s%s", n ? ", " : "", r->runs[n]);
    if (title) sprintf(to, ": %s", r->data);
    return title;
}

static mlce_status predict(const request *r) {
    mlce_predictions p = {0};
    gathering g = {.request = r, .predictions = &p};
    char *title = make_title(r);
    mlce_status status = title ? MLCE_OK : MLCE_E_MEMORY;
    p.title = title;
    p.output = strcmp(r->path, "-") ? r->path : "standard output";
    if (!status) status = mlce_model_load_average(r->runs, r->run_count, &p.model);
    if (!status) mlce_model_set_ranks(p.model, r->ranks);
    if (!status) status = apply(r, p.model);
    if (!status) status = mlce_dataset_open(r->data, NULL, &p.dataset);
    if (!status) status = check_output(r, p.dataset);
    if (!status) status = mlce_model_accepts(p.model, p.dataset);
    if (!status) status = mlce_dataset_load_text(p.dataset);
    status = predict_and_write(r, &p, &g, status);
    mlce_span_list_free(&g.one);
    mlce_span_list_free(&p.found);
    mlce_dataset_close(p.dataset);
    mlce_model_free(p.model);
    free(title);
    return status;
}

/* ---- Options ---- */

static bool read_threshold(const char *text, request *r) {
    char *end;
    double value = strtod(text, &end);
    r->threshold = (float)value;
    r->has_threshold = true;
    if (end != text && !*end && value >= -1e6 && value <= 1e6) return true;
    mlce_tool_usage("--threshold: '%s' is not a number from -1000000 to 1000000", text);
    return false;
}

static bool read_option(request *r, int option, int64_t *threads) {
    static const char *const forms[] = {"jsonl", "conll", "brat", "html", NULL};
    static const char *const overlaps[] = {"all", "nested", "flat", NULL};
    int n = 0;
    bool good = true;
    switch (option) {
    case 'o':
        r->path = optarg;
        break;
    case 'f':
        good = mlce_tool_choose("--format", optarg, forms, &n);
        r->form = (form)n;
        break;
    case 'v':
        good = mlce_tool_choose("--overlap", optarg, overlaps, &n);
        r->overlap = (mlce_overlap)n;
        break;
    case 's':
        good = read_threshold(optarg, r);
        break;
    case 'n':
        good = mlce_tool_int("--top", optarg, 1, INT32_MAX, &r->top);
        break;
    default:
        good = mlce_tool_int("--threads", optarg, 0, 4096, threads);
    }
    return good;
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"output", required_argument, NULL, 'o'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"threshold", required_argument, NULL, 's'},
                                            {"overlap", required_argument, NULL, 'v'},
                                            {"top", required_argument, NULL, 'n'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    request r = {.path = "-"};
    int64_t threads = 0;
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-predict", HELP);
    mlce_tool_ranks_look();
    int exit_code = 0;
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (!read_option(&r, option, &threads)) return MLCE_TOOL_WRONG_USAGE;
    }
    r.runs = (const char *const *)argv + optind;
    r.run_count = argc - optind - 1;
    if (r.run_count < 1) return mlce_tool_usage("give RUN and DATA");
    if (r.form == BRAT && !strcmp(r.path, "-"))
        return mlce_tool_usage("--format brat writes a folder: name it with -o");
    r.data = argv[argc - 1];
    for (int n = optind; n < argc; n++) mlce_tool_ranks_walk(argv[n]);
    mlce_status status = mlce_tool_ranks_begin(MLCE_OK, &r.ranks);
    if (threads == 0 && r.ranks) threads = r.ranks->threads;
    if (!status) status = mlce_threads_set((int)threads);
    if (!status) status = predict(&r);
    return mlce_tool_ranks_end(status ? mlce_tool_failed() : mlce_tool_end());
}

/* mlce-predict - the spans or labels of a dataset as JSONL. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "mlce/model.h"
#include "mlce/threads.h"
#include "tools/tool.h"
#include "tools/wait_policy.h"

static const char HELP[] =
    "usage: mlce-predict RUN [RUN ...] DATA [-o FILE]\n"
    "\n"
    "Predicts spans or labels and prints one JSON object a line for each sequence or item:\n"
    "  {\"sequence\": 0, \"id\": \"...\", \"text\": \"...\", \"tokens\": [\"...\", \"...\"],\n"
    "   \"spans\": [{\"start\": 3, \"end\": 5, \"type\": \"PER\", \"score\": 4.2, \"text\": "
    "\"...\"}]}\n"
    "  {\"item\": 0, \"id\": \"...\", \"text\": \"...\", \"labels\": [{\"label\": \"tax\", "
    "\"score\": 1.7}]}\n"
    "start and end count tokens, end not included. What scores over 0 is predicted, or over what\n"
    "mlce-eval --find-threshold --store put in its place; with the losses topk_ce and softmax_ce, "
    "the\n"
    "best scores. id, text and tokens stand there if the dataset has them: mlce-data convert "
    "makes\n"
    "annotations for other programs of these lines.\n"
    "\n"
    "  RUN                  a run's folder (its best checkpoint), a checkpoint file, or weights "
    "exported\n"
    "                       as hdf5. Several, as of different seeds, are one model with the mean "
    "of\n"
    "                       their scores and of their stored thresholds\n"
    "  DATA                 a dataset file, a glob pattern, or several separated by commas\n"
    "  -o, --output FILE    write there instead of to standard output\n"
    "      --threads N      threads; default: one a core\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "examples:\n"
    "  mlce-predict runs/ner demo-data/test.h5 | head\n"
    "  mlce-predict runs/ner 'new-*.h5' -o spans.jsonl\n"
    "  mlce-predict runs/seed1 runs/seed2 runs/seed3 'new-*.h5' -o spans.jsonl\n";

typedef struct output {
    const mlce_model *model;
    const mlce_dataset *dataset;
    FILE *file;
} output;

static json_t *span_json(const output *out, int64_t sequence, const mlce_scored_span *found,
                         mlce_status *status) {
    char *text = NULL;
    *status = mlce_dataset_span_text(out->dataset, sequence, found->span, &text);
    if (*status) return NULL;
    json_t *span = json_pack(
        "{s:i, s:i, s:s, s:f}", "start", (int)found->span.start, "end", (int)found->span.end,
        "type", mlce_model_type_names(out->model)[found->span.type], "score", (double)found->score);
    if (text) json_object_set_new(span, "text", json_string(text));
    free(text);
    return span;
}

static json_t *label_json(const output *out, const mlce_scored_span *found) {
    return json_pack("{s:s, s:f}", "label", mlce_model_type_names(out->model)[found->span.type],
                     "score", (double)found->score);
}

/* Without them the spans, which count tokens, would mean nothing outside the dataset. */
static json_t *tokens_json(const output *out, int64_t sequence) {
    const char *const *tokens = mlce_dataset_token_text(out->dataset, sequence);
    json_t *list = tokens ? json_array() : NULL;
    for (int i = 0; list && i < mlce_dataset_length(out->dataset, sequence); i++)
        json_array_append_new(list, json_string(tokens[i]));
    return list;
}

static mlce_status write_line(const output *out, json_t *line) {
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (!text) return mlce_fail(MLCE_E_MEMORY, "out of memory: a sequence's spans as JSON");
    bool failed = fprintf(out->file, "%s\n", text) < 0;
    free(text);
    return failed ? mlce_fail(MLCE_E_IO, "cannot write the predictions: %s", strerror(errno))
                  : MLCE_OK;
}

static mlce_status predicted(const mlce_prediction *prediction, void *context) {
    const output *out = context;
    int64_t sequence = prediction->sequence;
    const char *id = mlce_dataset_id(out->dataset, sequence);
    const char *text = mlce_dataset_text(out->dataset, sequence);
    bool is_item = mlce_model_task(out->model) == MLCE_TASK_LABELS;
    mlce_status status = MLCE_OK;
    json_t *line = json_pack("{s:I}", is_item ? "item" : "sequence", (json_int_t)sequence);
    json_t *list = json_array();
    if (id) json_object_set_new(line, "id", json_string(id));
    if (text) json_object_set_new(line, "text", json_string(text));
    json_t *tokens = is_item ? NULL : tokens_json(out, sequence);
    if (tokens) json_object_set_new(line, "tokens", tokens);
    for (size_t n = 0; n < prediction->count && !status; n++)
        json_array_append_new(list, is_item
                                        ? label_json(out, &prediction->spans[n])
                                        : span_json(out, sequence, &prediction->spans[n], &status));
    json_object_set_new(line, is_item ? "labels" : "spans", list);
    if (!status) status = write_line(out, line);
    json_decref(line);
    return status;
}

/* What a command is given. */
typedef struct input {
    const char *const *runs;
    int run_count;
    const char *data;
} input;

/* What is read must not be written over. `path` NULL: standard output. */
static mlce_status check_output(const input *in, const mlce_dataset *dataset, const char *path) {
    bool is_read = path && mlce_dataset_has_file(dataset, path);
    for (int n = 0; path && n < in->run_count; n++) {
        char *model = mlce_model_file(in->runs[n]);
        if (!model) return MLCE_E_MEMORY;
        is_read = is_read || mlce_file_is_same(model, path);
        free(model);
    }
    if (is_read)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: is read by this command: write to another file",
                         path);
    return MLCE_OK;
}

static mlce_status predict(const input *in, FILE *file, const char *path) {
    mlce_model *model = NULL;
    mlce_dataset *dataset = NULL;
    mlce_status status = mlce_model_load_average(in->runs, in->run_count, &model);
    if (!status) status = mlce_dataset_open(in->data, NULL, &dataset);
    if (!status) status = check_output(in, dataset, path);
    if (!status) status = mlce_model_accepts(model, dataset);
    if (!status) status = mlce_dataset_load_text(dataset);
    output out = {model, dataset, file};
    if (!status) status = mlce_predict(model, dataset, predicted, &out, NULL);
    mlce_dataset_close(dataset);
    mlce_model_free(model);
    return status;
}

/* To a file that is put in its place when it is whole. */
static mlce_status predict_to_file(const input *in, const char *path) {
    char *part = mlce_file_begin(path);
    if (!part) return MLCE_E_IO;
    FILE *file = fopen(part, "w");
    mlce_status status = file ? predict(in, file, path)
                              : mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    if (file && fclose(file) && !status)
        status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    if (!status) return mlce_file_commit(part, path);
    mlce_file_abandon(part);
    return status;
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"output", required_argument, NULL, 'o'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int64_t threads = 0;
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-predict", HELP);
    int exit_code = 0;
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == 'o') path = optarg;
        if (option == 't' && !mlce_tool_int("--threads", optarg, 0, 4096, &threads))
            return MLCE_TOOL_WRONG_USAGE;
    }
    int runs = argc - optind - 1;
    if (runs < 1) return mlce_tool_usage("give RUN and DATA");
    if (mlce_threads_set((int)threads)) return mlce_tool_failed();
    input in = {(const char *const *)argv + optind, runs, argv[argc - 1]};
    mlce_status status = path ? predict_to_file(&in, path) : predict(&in, stdout, NULL);
    return status ? mlce_tool_failed() : mlce_tool_end();
}

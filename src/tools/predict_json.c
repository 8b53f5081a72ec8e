/* predict_json.c - predictions as JSONL. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "tools/predict.h"

static void add_score(const mlce_predictions *p, json_t **object, float score) {
    mlce_calibration calibration = mlce_model_calibration(p->model);
    mlce_json_set(object, "score", json_real((double)score));
    if (calibration.slope > 0)
        mlce_json_set(object, "probability", json_real(mlce_probability(calibration, score)));
}

static json_t *span_json(const mlce_predictions *p, int64_t sequence, const mlce_scored_span *found,
                         mlce_status *status) {
    char *text = NULL;
    *status = mlce_dataset_span_text(p->dataset, sequence, found->span, &text);
    if (*status) return NULL;
    json_t *span =
        json_pack("{s:i, s:i, s:s}", "start", (int)found->span.start, "end", (int)found->span.end,
                  "type", mlce_model_type_names(p->model)[found->span.type]);
    add_score(p, &span, found->score);
    if (text) mlce_json_set(&span, "text", json_string(text));
    free(text);
    return span;
}

static json_t *label_json(const mlce_predictions *p, const mlce_scored_span *found) {
    json_t *label = json_pack("{s:s}", "label", mlce_model_type_names(p->model)[found->span.type]);
    add_score(p, &label, found->score);
    return label;
}

/* Without them the spans, which count tokens, would mean nothing outside the dataset. */
static json_t *tokens_json(const mlce_predictions *p, int64_t sequence, const char *const *tokens) {
    json_t *list = json_array();
    for (int i = 0; i < mlce_dataset_length(p->dataset, sequence); i++)
        mlce_json_append(&list, json_string(tokens[i]));
    return list;
}

static mlce_status write_line(FILE *file, const char *output, json_t *line) {
    mlce_status status =
        mlce_json_print(file, line, JSON_COMPACT | JSON_REAL_PRECISION(9), "a sequence's spans");
    if (status || !ferror(file)) return status;
    return mlce_fail(MLCE_E_IO, "%s: cannot write: %s", output, strerror(errno));
}

mlce_status mlce_predict_json(const mlce_predictions *p, int64_t sequence,
                              const mlce_scored_span *spans, size_t count, FILE *file) {
    const char *id = mlce_dataset_id(p->dataset, sequence);
    const char *text = mlce_dataset_text(p->dataset, sequence);
    bool is_item = mlce_model_task(p->model) == MLCE_TASK_LABELS;
    const char *const *tokens = is_item ? NULL : mlce_dataset_token_text(p->dataset, sequence);
    mlce_status status = MLCE_OK;
    json_t *line = json_pack("{s:I}", is_item ? "item" : "sequence", (json_int_t)sequence);
    json_t *list = json_array();
    if (id)
        mlce_json_set(&line, "id",
                      mlce_json_id(id, mlce_dataset_id_is_integer(p->dataset, sequence)));
    if (text) mlce_json_set(&line, "text", json_string(text));
    if (tokens) mlce_json_set(&line, "tokens", tokens_json(p, sequence, tokens));
    for (size_t n = 0; n < count && !status; n++)
        mlce_json_append(&list, is_item ? label_json(p, &spans[n])
                                        : span_json(p, sequence, &spans[n], &status));
    mlce_json_set(&line, is_item ? "labels" : "spans", list);
    if (!status) return write_line(file, p->output, line);
    json_decref(line);
    return status;
}

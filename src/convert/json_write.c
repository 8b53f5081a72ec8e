/* json_write.c - writes one JSON object a line, which holds all that a dataset does but embeddings:
 *
 *   {"id": "a", "document": 0, "text": "In Paris.", "tokens": ["In", "Paris", "."],
 *    "chars": [[0, 2], [3, 8], [8, 9]], "spans": [{"start": 1, "end": 2, "type": "place"}]}
 *   {"id": "b", "text": "...", "features": [0.5, 1], "labels": ["tax", "war"]}
 *
 * start and end of spans count tokens, chars count code points; labels with weights are objects,
 * {"label": "tax", "weight": 0.5}. An id that was a number is one again. */
#include <stdlib.h>

#include "convert/sink.h"
#include "core/json.h"

static json_t *tokens_of(const mlce_record *record) {
    json_t *list = json_array();
    for (int i = 0; i < record->length; i++)
        mlce_json_append(&list, json_string(record->tokens[i]));
    return list;
}

static json_t *chars_of(const mlce_record *record) {
    json_t *list = json_array();
    for (int i = 0; i < record->length; i++)
        mlce_json_append(&list,
                         json_pack("[i, i]", (int)record->chars[i][0], (int)record->chars[i][1]));
    return list;
}

static json_t *spans_of(const mlce_record *record) {
    json_t *list = json_array();
    for (int i = 0; i < record->span_count; i++) {
        const mlce_mark *mark = &record->spans[i];
        mlce_json_append(&list, json_pack("{s:I, s:I, s:s}", "start", (json_int_t)mark->start,
                                          "end", (json_int_t)mark->end, "type", mark->type));
    }
    return list;
}

static json_t *labels_of(const mlce_record *record) {
    json_t *list = json_array();
    for (int i = 0; i < record->span_count; i++) {
        const mlce_mark *mark = &record->spans[i];
        mlce_json_append(&list, mark->weight > 0 ? json_pack("{s:s, s:f}", "label", mark->type,
                                                             "weight", (double)mark->weight)
                                                 : json_string(mark->type));
    }
    return list;
}

static json_t *features_of(const mlce_record *record) {
    json_t *list = json_array();
    for (int i = 0; i < record->width; i++)
        mlce_json_append(&list, json_real((double)record->features[i]));
    return list;
}

static json_t *line_of(const mlce_record *record) {
    json_t *line = json_object();
    if (record->id && *record->id)
        mlce_json_set(&line, "id", mlce_json_id(record->id, record->integer_id));
    if (record->document >= 0)
        mlce_json_set(&line, "document", json_integer((json_int_t)record->document));
    if (record->text) mlce_json_set(&line, "text", json_string(record->text));
    if (record->is_item) {
        if (record->features) mlce_json_set(&line, "features", features_of(record));
        if (record->has_spans)
            mlce_json_set(&line, "labels", labels_of(record));
        else
            mlce_json_set(&line, "item", json_true());
    } else {
        mlce_json_set(&line, "tokens", tokens_of(record));
        if (record->text) mlce_json_set(&line, "chars", chars_of(record));
        if (record->has_spans) mlce_json_set(&line, "spans", spans_of(record));
    }
    return line;
}

static mlce_status add(mlce_sink *sink, const mlce_record *record) {
    mlce_text_file *text = sink->state;
    mlce_status status = mlce_json_print(text->file, line_of(record),
                                         JSON_COMPACT | JSON_REAL_PRECISION(9), "a sequence");
    return status ? status : mlce_text_file_check(text);
}

static mlce_status finish(mlce_sink *sink) {
    return mlce_text_file_finish(sink->state);
}

static void close_file(mlce_sink *sink) {
    if (sink->state) mlce_text_file_abandon(sink->state);
    free(sink->state);
}

mlce_status mlce_write_jsonl(mlce_sink *sink) {
    mlce_text_file *text = sink->state = mlce_calloc(1, sizeof *text);
    if (!text) return MLCE_E_MEMORY;
    sink->add = add;
    sink->finish = finish;
    sink->close = close_file;
    return mlce_text_file_open(sink->path, text);
}

/* json_shapes.c - the JSON objects that annotation tools and libraries write. */
#include "convert/json_shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The first of several members that is there and not null. */
static const json_t *first_of(const json_t *object, const char *const *names) {
    for (; *names; names++) {
        const json_t *found = json_object_get(object, *names);
        if (found && !json_is_null(found)) return found;
    }
    return NULL;
}

/* ---- Tokens ---- */

/* Tokens as objects: {"text": "...", "start": 0, "end": 5}, where the last two may be missing. */
static const char *token_object(const json_t *token, int32_t chars[2], bool *has_chars) {
    const json_t *start = json_object_get(token, "start"), *end = json_object_get(token, "end");
    json_int_t from = json_integer_value(start), to = json_integer_value(end);
    *has_chars = *has_chars && json_is_integer(start) && json_is_integer(end) && from >= 0 &&
                 to >= from && to <= INT32_MAX;
    if (*has_chars) {
        chars[0] = (int32_t)from;
        chars[1] = (int32_t)to;
    }
    return json_string_value(json_object_get(token, "text"));
}

static mlce_status read_tokens(mlce_arena *arena, const json_t *list, mlce_record *record) {
    size_t count = json_array_size(list);
    if (count > INT32_MAX / 2) return mlce_fail(MLCE_E_DATA, "the sequence is too long");
    const char **tokens = mlce_arena_alloc(arena, count, sizeof *tokens);
    int32_t(*chars)[2] = mlce_arena_alloc(arena, count, sizeof *chars);
    if (!tokens || !chars) return MLCE_E_MEMORY;
    bool has_chars = count > 0 && record->text;
    for (size_t i = 0; i < count; i++) {
        const json_t *token = json_array_get(list, i);
        if (json_is_string(token)) {
            tokens[i] = json_string_value(token);
            has_chars = false;
        } else if (!(tokens[i] = token_object(token, chars[i], &has_chars))) {
            return mlce_fail(MLCE_E_DATA, "token %zu is neither a string nor an object with a text",
                             i);
        }
    }
    record->tokens = tokens;
    record->length = (int)count;
    if (has_chars) record->chars = (const int32_t(*)[2])chars;
    return MLCE_OK;
}

/* This project's own: "chars": [[0, 5], [6, 9]]. */
static mlce_status read_chars(mlce_arena *arena, const json_t *list, mlce_record *record) {
    size_t count = json_array_size(list);
    int32_t(*chars)[2] = mlce_arena_alloc(arena, count, sizeof *chars);
    if (!chars) return MLCE_E_MEMORY;
    if (count != (size_t)record->length)
        return mlce_fail(MLCE_E_DATA, "has %zu chars for %d tokens", count, record->length);
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        json_int_t start = json_integer_value(json_array_get(pair, 0));
        json_int_t end = json_integer_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || start < 0 || end < start || end > INT32_MAX)
            return mlce_fail(MLCE_E_DATA, "chars of token %zu are no [start, end]", i);
        chars[i][0] = (int32_t)start;
        chars[i][1] = (int32_t)end;
    }
    record->chars = (const int32_t(*)[2])chars;
    return MLCE_OK;
}

/* ---- Tags of tokens ---- */

static mlce_status tag_text(const mlce_source_options *options, const json_t *tag,
                            const char **text) {
    *text = json_string_value(tag);
    if (*text) return MLCE_OK;
    if (!json_is_integer(tag)) return mlce_fail(MLCE_E_DATA, "is neither a string nor a number");
    if (!options->labels)
        return mlce_fail(MLCE_E_DATA, "is a number: give the tags' names with --labels");
    json_int_t number = json_integer_value(tag);
    if (number < 0 || number >= (json_int_t)options->labels->count)
        return mlce_fail(MLCE_E_DATA, "is %lld, but --labels names %zu tags, from 0",
                         (long long)number, options->labels->count);
    *text = options->labels->items[number];
    return MLCE_OK;
}

static mlce_status read_tags(mlce_reader *reader, mlce_arena *arena, const json_t *list,
                             mlce_record *record) {
    size_t length = (size_t)record->length;
    if (json_array_size(list) != length)
        return mlce_fail(MLCE_E_DATA, "has %zu tags for %zu tokens", json_array_size(list), length);
    mlce_tag *tags = mlce_arena_alloc(arena, length, sizeof *tags);
    mlce_tag_span *found = mlce_arena_alloc(arena, length, sizeof *found);
    mlce_mark *marks = mlce_arena_alloc(arena, length, sizeof *marks);
    if (!tags || !found || !marks) return MLCE_E_MEMORY;
    for (size_t i = 0; i < length; i++) {
        const char *text;
        mlce_status status = tag_text(reader->options, json_array_get(list, i), &text);
        if (!status && !mlce_tag_parse(text, &tags[i]))
            status = mlce_fail(MLCE_E_DATA, "'%s' is none: O, or B- or I- (E- S- L- U-) and a type",
                               text);
        if (status) return mlce_fail_prefix(status, "the tag of token %zu: ", i);
    }
    int loose = 0, bad = 0;
    mlce_status status = mlce_tags_decode(reader->options->scheme, tags, record->length, found,
                                          &record->span_count, &loose, &bad);
    if (status) return mlce_fail_prefix(status, "token %d: ", bad);
    for (int i = 0; i < record->span_count; i++)
        marks[i] = (mlce_mark){.start = found[i].start, .end = found[i].end, .type = found[i].type};
    reader->counts.loose += loose;
    record->spans = marks;
    record->has_spans = true;
    return MLCE_OK;
}

/* ---- Objects ---- */

static mlce_status read_id(mlce_arena *arena, const json_t *object, mlce_record *record) {
    const json_t *id = json_object_get(object, "id");
    const json_t *document = json_object_get(object, "document");
    if (json_is_integer(document)) record->document = json_integer_value(document);
    record->id = json_string_value(id);
    if (!json_is_integer(id)) return MLCE_OK;
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    record->id = mlce_arena_text(arena, number, strlen(number));
    record->integer_id = true;
    return record->id ? MLCE_OK : MLCE_E_MEMORY;
}

static mlce_status read_features(mlce_arena *arena, const json_t *list, mlce_record *record) {
    size_t count = json_array_size(list);
    float *features = mlce_arena_alloc(arena, count, sizeof *features);
    if (!features) return MLCE_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value)) return mlce_fail(MLCE_E_DATA, "feature %zu is no number", i);
        features[i] = (float)json_number_value(value);
        if (!isfinite(features[i]))
            return mlce_fail(MLCE_E_DATA, "feature %zu is %g: too large for float32", i,
                             json_number_value(value));
    }
    if (!count || count > INT32_MAX) return mlce_fail(MLCE_E_DATA, "has %zu features", count);
    record->features = features;
    record->width = (int)count;
    record->is_item = true;
    return MLCE_OK;
}

/* Whether the spans count tokens: those with a 'type' do where tokens are known or the line is a
   prediction of this project. All others count characters. */
static bool counts_tokens(const json_t *object, const json_t *list) {
    const json_t *first = json_array_get(list, 0);
    return json_object_get(first, "type") && !json_object_get(first, "label") &&
           (json_object_get(object, "tokens") || json_object_get(object, "sequence"));
}

static mlce_status read_marks(mlce_reader *reader, mlce_arena *arena, const json_t *object,
                              mlce_record *record) {
    static const char *const span_lists[] = {"spans", "entities", "label", "labels", NULL};
    const json_t *list = first_of(object, span_lists);
    if (!json_is_array(list)) return MLCE_OK;
    reader->counts.other += (int64_t)json_array_size(json_object_get(object, "relations"));
    mlce_status status = mlce_json_marks(arena, list, record);
    record->in_characters = record->span_count && !record->is_item && !counts_tokens(object, list);
    record->in_utf16 = record->in_characters && reader->options->utf16;
    return status;
}

/* Counts what is not kept. Prodigy's hashes of its own and what says the same in another way are
   no loss. */
static void count_others(mlce_reader *reader, const json_t *object) {
    static const char *const known[] = {
        "id",    "document", "text",   "data",   "sentence",  "tokens",   "words",
        "chars", "features", "labels", "label",  "spans",     "entities", "ner_tags",
        "tags",  "ner",      "item",   "answer", "relations", "sequence", NULL};
    mlce_source_counts *counts = &reader->counts;
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        int k = 0;
        while (known[k] && strcmp(known[k], name)) k++;
        if (known[k] || *name == '_') continue;
        if (!counts->members++) snprintf(counts->member, sizeof counts->member, "%s", name);
    }
}

/* Any object but Label Studio's. */
static mlce_status read_object(mlce_reader *reader, mlce_arena *arena, const json_t *object,
                               mlce_record *record) {
    static const char *const texts[] = {"text", "data", "sentence", NULL};
    static const char *const token_lists[] = {"tokens", "words", NULL};
    static const char *const tag_lists[] = {"ner_tags", "tags", "ner", "labels", NULL};
    const json_t *tokens = first_of(object, token_lists), *tags = first_of(object, tag_lists);
    const json_t *chars = json_object_get(object, "chars");
    const json_t *features = json_object_get(object, "features");
    record->text = json_string_value(first_of(object, texts));
    record->is_item = reader->options->items || json_object_get(object, "item");
    mlce_status status = read_id(arena, object, record);
    count_others(reader, object);
    if (!status && json_is_array(tokens)) status = read_tokens(arena, tokens, record);
    if (!status && json_is_array(chars) && record->text && record->length >= 0)
        status = read_chars(arena, chars, record);
    if (!status && features) status = read_features(arena, features, record);
    const json_t *first_tag = json_array_get(tags, 0);
    bool are_tags = json_is_array(tags) && record->length >= 0 && !record->is_item &&
                    (json_is_string(first_tag) || json_is_integer(first_tag) ||
                     (record->length == 0 && !first_tag));
    if (!status)
        status = are_tags ? read_tags(reader, arena, tags, record)
                          : read_marks(reader, arena, object, record);
    if (status || record->text || record->length >= 0 || record->features) return status;
    return mlce_fail(MLCE_E_DATA,
                     "has neither 'tokens' nor 'text'%s: mlce-data convert --help names "
                     "the shapes of JSON that are understood",
                     json_object_get(object, "sequence")
                         ? " (its dataset had none: predict from one with text)"
                         : " (nor 'features')");
}

/* ---- Label Studio ---- */

/* The annotation that counts: the first that was not cancelled; *more gets how many others. */
static const json_t *choose_annotation(const json_t *list, int64_t *more) {
    const json_t *chosen = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (json_is_true(json_object_get(one, "was_cancelled"))) continue;
        if (chosen)
            ++*more;
        else
            chosen = one;
    }
    return chosen;
}

/* The values of all results that are spans or choices, as one list in `values`. */
static mlce_status collect_values(const json_t *results, json_t *values, int64_t *other) {
    for (size_t i = 0; i < json_array_size(results); i++) {
        json_t *value = json_object_get(json_array_get(results, i), "value");
        json_t *choices = json_object_get(value, "choices");
        int failed = 0;
        if (json_is_array(json_object_get(value, "labels")))
            failed = json_array_append(values, value);
        else if (json_is_array(choices))
            failed = json_array_extend(values, choices);
        else
            ++*other;
        if (failed) return mlce_fail(MLCE_E_MEMORY, "out of memory: annotations of a task");
    }
    return MLCE_OK;
}

/* {"data": {"text": "..."}, "annotations": [{"result": [{"value": {...}}]}]}; older exports have
   "completions". */
static mlce_status read_task(mlce_reader *reader, mlce_arena *arena, const json_t *task,
                             mlce_record *record, bool *rejected) {
    static const char *const lists[] = {"annotations", "completions", NULL};
    const json_t *annotations = first_of(task, lists), *text = NULL;
    void *place = json_object_iter(json_object_get(task, "data"));
    for (; place && !json_is_string(text);
         place = json_object_iter_next(json_object_get(task, "data"), place))
        text = json_object_iter_value(place);
    const json_t *named = json_object_get(json_object_get(task, "data"), "text");
    record->text = json_string_value(json_is_string(named) ? named : text);
    if (!record->text) return mlce_fail(MLCE_E_DATA, "the task's data has no text");
    mlce_status status = read_id(arena, task, record);
    const json_t *chosen = choose_annotation(annotations, &reader->counts.other);
    *rejected = json_array_size(annotations) && !chosen;
    if (status || !chosen) return status;
    /* Members stay in the task: the list that holds them can go. */
    json_t *values = json_array();
    if (!values) return mlce_fail(MLCE_E_MEMORY, "out of memory: annotations of a task");
    status = collect_values(json_object_get(chosen, "result"), values, &reader->counts.other);
    record->is_item = reader->options->items;
    if (!status) status = mlce_json_marks(arena, values, record);
    record->in_characters = record->span_count && !record->is_item;
    record->in_utf16 = record->in_characters && reader->options->utf16;
    json_decref(values);
    return status;
}

mlce_status mlce_json_record(mlce_reader *reader, mlce_arena *arena, const json_t *object,
                             mlce_record *record, bool *rejected) {
    *rejected = false;
    if (!json_is_object(object)) return mlce_fail(MLCE_E_DATA, "is no JSON object");
    if (json_is_object(json_object_get(object, "data")))
        return read_task(reader, arena, object, record, rejected);
    const char *answer = json_string_value(json_object_get(object, "answer"));
    *rejected = answer && (!strcmp(answer, "reject") || !strcmp(answer, "ignore"));
    return *rejected ? MLCE_OK : read_object(reader, arena, object, record);
}

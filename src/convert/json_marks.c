/* json_marks.c - spans and labels in the forms of several tools. */
#include <string.h>

#include "convert/json_shapes.h"

/* The member by its first name or its second; NULL where it has neither. */
static const json_t *member(const json_t *object, const char *name, const char *other) {
    const json_t *found = json_object_get(object, name);
    return found ? found : json_object_get(object, other);
}

static const char *type_of(const json_t *item) {
    const json_t *type = member(item, "label", "type"), *list = json_object_get(item, "labels");
    if (!type) type = json_array_get(list, 0);
    return json_string_value(type);
}

static mlce_status read_span(const json_t *item, mlce_mark *mark) {
    const json_t *start, *end, *type = NULL;
    *mark = (mlce_mark){0};
    if (json_is_array(item)) {
        start = json_array_get(item, 0);
        end = json_array_get(item, 1);
        type = json_array_get(item, 2);
        mark->type = json_string_value(type);
    } else {
        start = member(item, "start", "start_offset");
        end = member(item, "end", "end_offset");
        mark->type = type_of(item);
        mark->text = json_string_value(json_object_get(item, "text"));
    }
    if (!json_is_integer(start) || !json_is_integer(end))
        return mlce_fail(MLCE_E_DATA, "must have whole numbers as start and end");
    if (!mark->type || !*mark->type)
        return mlce_fail(MLCE_E_DATA, "has no type (the third item, or 'label' or 'type')");
    mark->start = json_integer_value(start);
    mark->end = json_integer_value(end);
    return MLCE_OK;
}

static mlce_status read_label(const json_t *item, mlce_mark *mark) {
    const json_t *weight = json_object_get(item, "weight");
    const char *label = json_is_string(item) ? json_string_value(item) : type_of(item);
    *mark = (mlce_mark){.end = 1, .type = label};
    if (!label || !*label) return mlce_fail(MLCE_E_DATA, "is no name");
    if (!weight) return MLCE_OK;
    if (!json_is_number(weight)) return mlce_fail(MLCE_E_DATA, "the weight is no number");
    double value = json_number_value(weight);
    mark->weight = (float)value;
    if (!(mark->weight > 0 && value <= 1))
        return mlce_fail(MLCE_E_DATA, "the weight is %g, must be over 0 and at most 1", value);
    return MLCE_OK;
}

/* Whether an item is a span; a label has no ends. */
static bool is_span(const json_t *item) {
    return json_is_array(item) || member(item, "start", "start_offset");
}

mlce_status mlce_json_marks(mlce_arena *arena, const json_t *list, mlce_record *record) {
    size_t count = json_array_size(list);
    mlce_mark *marks = mlce_arena_alloc(arena, count, sizeof *marks);
    if (!marks) return MLCE_E_MEMORY;
    bool spans = count > 0 && is_span(json_array_get(list, 0));
    mlce_status status = MLCE_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const json_t *item = json_array_get(list, i);
        if (is_span(item) != spans)
            status = mlce_fail(MLCE_E_DATA, "is of another kind than the first");
        else
            status = spans ? read_span(item, &marks[i]) : read_label(item, &marks[i]);
        if (status) mlce_fail_prefix(status, "%s %zu: ", spans ? "span" : "label", i);
    }
    record->spans = marks;
    record->span_count = (int)count;
    record->has_spans = true;
    if (count && !spans) record->is_item = true;
    return status;
}

/* survey.c - what must be known of all records before the first is written. */
#include <stdlib.h>
#include <string.h>

#include "convert/sink.h"

mlce_status mlce_assign_columns(mlce_arena *arena, const mlce_record *record, int **columns,
                                int *count) {
    size_t spans = (size_t)record->span_count;
    int *chosen = mlce_arena_alloc(arena, spans, sizeof *chosen);
    int64_t ends[MLCE_MOST_TAG_COLUMNS]; /* of each column so far */
    *count = 0;
    *columns = chosen;
    if (!chosen) return MLCE_E_MEMORY;
    for (size_t i = 0; i < spans; i++) {
        int column = 0;
        while (column < *count && ends[column] > record->spans[i].start) column++;
        if (column == *count) ++*count;
        if (column == MLCE_MOST_TAG_COLUMNS) return MLCE_OK;
        ends[column] = record->spans[i].end;
        chosen[i] = column;
    }
    return MLCE_OK;
}

static mlce_status add_types(const mlce_survey_options *options, const mlce_record *record,
                             mlce_survey *survey) {
    for (int i = 0; i < record->span_count; i++) {
        const char *type = record->spans[i].type;
        int number;
        if (options->fixed_types && mlce_names_find(&survey->types, type) < 0)
            return mlce_fail(
                MLCE_E_DATA,
                "the type '%s' is not one of %s: rename it, take it out, or train with it", type,
                options->types_of);
        mlce_status status = mlce_names_add(&survey->types, type, &number);
        if (status) return status;
        if (record->spans[i].weight > 0) survey->have_weights = true;
    }
    return MLCE_OK;
}

static mlce_status add_item(const mlce_record *record, mlce_survey *survey) {
    if (!record->features != !survey->have_features && survey->records)
        return mlce_fail(MLCE_E_DATA, "%s features, unlike the items before",
                         record->features ? "has" : "has no");
    if (record->features && survey->records && record->width != survey->width)
        return mlce_fail(MLCE_E_DATA, "has %d features, the items before have %d", record->width,
                         survey->width);
    survey->have_features = record->features != NULL;
    survey->width = record->width;
    return MLCE_OK;
}

static mlce_status add_tokens(const mlce_survey_options *options, const mlce_record *record,
                              mlce_arena *arena, mlce_survey *survey) {
    int *columns, count;
    mlce_status status = mlce_assign_columns(arena, record, &columns, &count);
    if (count > survey->tag_columns) survey->tag_columns = count;
    survey->tokens += record->length;
    for (int i = 0; i < record->length && options->collect_vocabulary && !status; i++)
        status = mlce_embed_collect(&survey->vocabulary, record->tokens[i]);
    return status;
}

mlce_status mlce_survey_add(const mlce_survey_options *options, const mlce_record *record,
                            mlce_arena *arena, mlce_survey *survey) {
    if (survey->records && record->is_item != survey->are_items)
        return mlce_fail(
            MLCE_E_DATA,
            "%s: a file must hold one or the other (empty lists of labels: --task labels)",
            record->is_item ? "is an item with labels, the ones before are sequences"
                            : "is a sequence, the ones before are items with labels");
    survey->are_items = record->is_item;
    mlce_status status = add_types(options, record, survey);
    if (!status)
        status =
            record->is_item ? add_item(record, survey) : add_tokens(options, record, arena, survey);
    if (record->id)
        survey->integer_ids = record->integer_id && (survey->integer_ids || !survey->have_ids);
    survey->records++;
    survey->spans += record->span_count;
    survey->have_spans = survey->have_spans || record->has_spans;
    survey->have_text = survey->have_text || record->text;
    survey->have_ids = survey->have_ids || record->id;
    survey->have_documents = survey->have_documents || record->document >= 0;
    return status;
}

mlce_status mlce_survey_source(mlce_source *source, const mlce_survey_options *options,
                               mlce_survey *survey) {
    const mlce_record *record;
    const char *name = mlce_source_name(source);
    mlce_arena *arena = mlce_arena_new();
    mlce_status status = arena ? MLCE_OK : MLCE_E_MEMORY;
    survey->tag_columns = 1;
    while (!status && !(status = mlce_source_next(source, &record)) && record) {
        status = mlce_survey_add(options, record, arena, survey);
        if (status && record->line)
            mlce_fail_prefix(status, "%s:%lld: ", name, (long long)record->line);
        else if (status)
            mlce_fail_prefix(status, "%s: ", name);
        mlce_arena_reset(arena);
    }
    mlce_arena_free(arena);
    if (status) return status;
    if (!survey->records)
        return mlce_fail(MLCE_E_DATA, "%s: holds no sequences: is it the right file?", name);
    if (!options->fixed_types && !options->first_appearance) mlce_names_sort(&survey->types);
    return mlce_source_rewind(source);
}

void mlce_survey_free(mlce_survey *survey) {
    mlce_names_free(&survey->types);
    mlce_names_free(&survey->vocabulary);
    *survey = (mlce_survey){0};
}

/* predict_convert.c - predictions in the formats of mlce-data convert. */
#include <stdlib.h>

#include "convert/characters.h"
#include "convert/reader.h"
#include "convert/sink.h"
#include "tools/predict.h"

/* Finds the tokens in a text of which it is not known where they stand; without them it is of no
 * use. */
static mlce_status place_tokens(mlce_arena *arena, mlce_record *record) {
    mlce_characters characters;
    if (!record->text || record->chars) return MLCE_OK;
    mlce_status status = mlce_characters_find(arena, record->text, &characters);
    if (!status)
        status = mlce_characters_of_tokens(arena, &characters, record->tokens, record->length,
                                           &record->chars);
    if (!record->chars) record->text = NULL;
    return status;
}

/* A sequence with what is predicted for it as its spans. */
static mlce_status make_record(const mlce_predictions *p, size_t s, mlce_arena *arena,
                               mlce_record *record) {
    const mlce_scored_span *found = p->found.items + p->found.offsets[s];
    size_t count = p->found.offsets[s + 1] - p->found.offsets[s];
    *record = (mlce_record){.is_item = mlce_model_task(p->model) == MLCE_TASK_LABELS};
    if (record->is_item) return MLCE_OK; /* the sink says that it writes none */
    mlce_mark *marks = mlce_arena_alloc(arena, count, sizeof *marks);
    mlce_status status =
        marks ? mlce_record_of_sequence(p->dataset, (int64_t)s, arena, record) : MLCE_E_MEMORY;
    if (!status) status = place_tokens(arena, record);
    if (status) return status;
    for (size_t n = 0; n < count; n++)
        marks[n] = (mlce_mark){.start = found[n].span.start,
                               .end = found[n].span.end,
                               .type = mlce_model_type_names(p->model)[found[n].span.type]};
    mlce_marks_sort(marks, (int)count);
    record->spans = marks;
    record->span_count = (int)count;
    record->has_spans = true;
    return MLCE_OK;
}

/* Each record in turn to the survey, or to the sink. */
static mlce_status pass(const mlce_predictions *p, mlce_survey *survey, mlce_sink *sink) {
    const mlce_survey_options options = {0};
    mlce_arena *arena = mlce_arena_new();
    mlce_status status = arena ? MLCE_OK : MLCE_E_MEMORY;
    for (size_t s = 0; s < p->found.sequences && !status; s++) {
        mlce_record record;
        status = make_record(p, s, arena, &record);
        if (!status)
            status = sink ? mlce_sink_add(sink, &record)
                          : mlce_survey_add(&options, &record, arena, survey);
        if (status)
            mlce_fail_prefix(status, "%s: sequence %zu: ", mlce_dataset_name(p->dataset), s);
        mlce_arena_reset(arena);
    }
    mlce_arena_free(arena);
    return status;
}

mlce_status mlce_predict_convert(const mlce_predictions *p, mlce_format format, const char *path) {
    const mlce_sink_options options = {.scheme = MLCE_SCHEME_IOB2};
    mlce_survey survey = {.tag_columns = 1, .have_spans = true};
    mlce_sink *sink = NULL;
    mlce_status status = pass(p, &survey, NULL);
    if (!status) status = mlce_sink_open(format, path, &survey, &options, &sink);
    if (!status) status = pass(p, NULL, sink);
    if (!status)
        status = mlce_sink_close(sink);
    else
        mlce_sink_abandon(sink);
    mlce_survey_free(&survey);
    return status;
}

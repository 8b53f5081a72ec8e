/* hdf5.c - reads datasets: their text, tokens and spans, not the embeddings of tokens. */
#include <stdlib.h>
#include <string.h>

#include "convert/characters.h"

typedef struct stored {
    mlce_dataset *dataset;
    int64_t at;
} stored;

/* Tokens may share places, as those of one character's bytes do; but not to any extent, or the
   tokens of a small file would fill the memory. */
static mlce_status check_places(const mlce_dataset *dataset, int64_t s,
                                const mlce_characters *characters, const mlce_record *record) {
    enum { MOST_TIMES = 64 };
    int64_t bytes = 0, size = characters->at[characters->count];
    for (int i = 0; i < record->length; i++)
        bytes += characters->at[record->chars[i][1]] - characters->at[record->chars[i][0]];
    if (bytes <= size * MOST_TIMES) return MLCE_OK;
    return mlce_fail(
        MLCE_E_DATA,
        "%s: sequence %lld: the ranges in /tokens/chars are more than %d times as long "
        "as its text: they are wrong, write /tokens/text as well",
        mlce_dataset_name(dataset), (long long)s, MOST_TIMES);
}

/* Tokens cut out of the text, where the file has their places alone. */
static mlce_status cut_tokens(const mlce_dataset *dataset, int64_t s, mlce_arena *arena,
                              mlce_record *record) {
    mlce_characters characters;
    mlce_status status = mlce_characters_find(arena, record->text, &characters);
    if (!status) status = check_places(dataset, s, &characters, record);
    const char **tokens = mlce_arena_alloc(arena, (size_t)record->length, sizeof *tokens);
    if (!status && !tokens) status = MLCE_E_MEMORY;
    for (int i = 0; i < record->length && !status; i++) {
        uint32_t from = characters.at[record->chars[i][0]], to = characters.at[record->chars[i][1]];
        tokens[i] = mlce_arena_text(arena, record->text + from, to - from);
        if (!tokens[i]) status = MLCE_E_MEMORY;
    }
    record->tokens = tokens;
    return status;
}

static mlce_status read_marks(const mlce_dataset *dataset, int64_t s, mlce_arena *arena,
                              mlce_record *record) {
    int count;
    const mlce_span *gold = mlce_dataset_gold(dataset, s, &count);
    const float *weights = mlce_dataset_gold_weights(dataset, s);
    mlce_mark *marks = mlce_arena_alloc(arena, (size_t)count, sizeof *marks);
    if (!marks) return MLCE_E_MEMORY;
    for (int i = 0; i < count; i++)
        marks[i] = (mlce_mark){.start = gold[i].start,
                               .end = gold[i].end,
                               .type = mlce_dataset_type_name(dataset, gold[i].type),
                               .weight = weights ? weights[i] : 0};
    record->spans = marks;
    record->span_count = count;
    record->has_spans = mlce_dataset_has_spans(dataset);
    return MLCE_OK;
}

static mlce_status read_features(mlce_dataset *dataset, int64_t s, mlce_arena *arena,
                                 mlce_record *record) {
    int width = mlce_dataset_width(dataset);
    float *features = mlce_arena_alloc(arena, (size_t)width, sizeof *features);
    if (!features) return MLCE_E_MEMORY;
    record->is_item = true;
    record->features = features;
    record->width = width;
    return mlce_dataset_read(dataset, s, features);
}

static void read_names(const mlce_dataset *dataset, int64_t s, mlce_record *record) {
    record->id = mlce_dataset_id(dataset, s);
    record->integer_id = mlce_dataset_id_is_integer(dataset, s);
    record->text = mlce_dataset_text(dataset, s);
    record->document = mlce_dataset_document(dataset, s);
    record->length = mlce_dataset_length(dataset, s);
}

mlce_status mlce_record_of_sequence(const mlce_dataset *dataset, int64_t s, mlce_arena *arena,
                                    mlce_record *record) {
    read_names(dataset, s, record);
    record->tokens = mlce_dataset_token_text(dataset, s);
    record->chars = record->text ? mlce_dataset_token_chars(dataset, s) : NULL;
    if (record->tokens) return MLCE_OK;
    if (record->chars) return cut_tokens(dataset, s, arena, record);
    return mlce_fail(MLCE_E_DATA,
                     "%s: has neither /tokens/text nor /sequences/text with /tokens/chars: its "
                     "tokens are not known",
                     mlce_dataset_name(dataset));
}

static mlce_status next(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found) {
    stored *file = reader->state;
    mlce_dataset *dataset = file->dataset;
    *found = file->at < mlce_dataset_sequences(dataset);
    if (!*found) return MLCE_OK;
    int64_t s = file->at++;
    mlce_status status = read_marks(dataset, s, arena, record);
    if (status) return status;
    if (mlce_dataset_task(dataset) == MLCE_TASK_SPANS)
        return mlce_record_of_sequence(dataset, s, arena, record);
    read_names(dataset, s, record);
    return read_features(dataset, s, arena, record);
}

static mlce_status rewind_dataset(mlce_reader *reader) {
    stored *file = reader->state;
    file->at = 0;
    return MLCE_OK;
}

static void close_dataset(mlce_reader *reader) {
    stored *file = reader->state;
    if (!file) return;
    mlce_dataset_close(file->dataset);
    free(file);
}

mlce_status mlce_read_hdf5(mlce_reader *reader, const char *path) {
    const mlce_dataset_options options = {.memory = 0, .check_rows = false};
    stored *file = reader->state = mlce_calloc(1, sizeof *file);
    if (!file) return MLCE_E_MEMORY;
    reader->next = next;
    reader->rewind = rewind_dataset;
    reader->close = close_dataset;
    mlce_status status = mlce_dataset_open(path, &options, &file->dataset);
    return status ? status : mlce_dataset_load_text(file->dataset);
}

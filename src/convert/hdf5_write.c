/* hdf5_write.c - writes datasets: embeds tokens, or the texts of items. */
#include <stdlib.h>
#include <string.h>

#include "convert/characters.h"
#include "convert/sink.h"

typedef struct dataset_sink {
    mlce_dataset_writer *writer;
    int width;
} dataset_sink;

/* An item's features are the mean of its text's tokens'; without tokens, zeros. */
static mlce_status embed_text(mlce_sink *sink, const char *text, float *mean) {
    size_t width = (size_t)mlce_embedder_width(sink->options.embedder);
    mlce_characters characters;
    int32_t(*chars)[2];
    int count;
    mlce_status status = mlce_characters_find(sink->arena, text, &characters);
    if (!status) status = mlce_tokenize(sink->arena, &characters, &chars, &count);
    float *row = status ? NULL : mlce_arena_alloc(sink->arena, width, sizeof *row);
    if (!row) return status ? status : MLCE_E_MEMORY;
    memset(mean, 0, width * sizeof *mean);
    for (int i = 0; i < count && !status; i++) {
        uint32_t from = characters.at[chars[i][0]], to = characters.at[chars[i][1]];
        char *token = mlce_arena_text(sink->arena, text + from, to - from);
        status = token ? mlce_embed_token(sink->options.embedder, token, row) : MLCE_E_MEMORY;
        for (size_t k = 0; k < width && !status; k++) mean[k] += row[k] / (float)count;
    }
    return status;
}

static mlce_status embed(mlce_sink *sink, const mlce_record *record, const float **rows) {
    *rows = record->features;
    if (record->features && sink->survey->have_features) return MLCE_OK;
    if (record->is_item && !record->text)
        return mlce_fail(MLCE_E_DATA, "an item has neither features nor text");
    size_t width = (size_t)mlce_embedder_width(sink->options.embedder);
    float *made = mlce_arena_alloc(sink->arena, (size_t)record->length * width, sizeof *made);
    if (!made) return MLCE_E_MEMORY;
    *rows = made;
    if (record->is_item) return embed_text(sink, record->text, made);
    mlce_status status = MLCE_OK;
    for (int i = 0; i < record->length && !status; i++)
        status =
            mlce_embed_token(sink->options.embedder, record->tokens[i], made + (size_t)i * width);
    return status;
}

/* The spans by their types' numbers, and the weights of labels. */
static mlce_status number_spans(mlce_sink *sink, const mlce_record *record, mlce_sequence *made) {
    size_t count = (size_t)record->span_count;
    mlce_span *spans = mlce_arena_alloc(sink->arena, count, sizeof *spans);
    float *weights = mlce_arena_alloc(sink->arena, count, sizeof *weights);
    if (!spans || !weights) return MLCE_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const mlce_mark *mark = &record->spans[i];
        spans[i] = (mlce_span){(int32_t)mark->start, (int32_t)mark->end,
                               mlce_names_find(&sink->survey->types, mark->type)};
        weights[i] = mark->weight > 0 ? mark->weight : 1;
    }
    made->spans = spans;
    made->span_count = record->span_count;
    made->weights = weights;
    return MLCE_OK;
}

static mlce_status add(mlce_sink *sink, const mlce_record *record) {
    dataset_sink *d = sink->state;
    mlce_sequence made = {.length = record->length,
                          .token_text = record->tokens,
                          .token_chars = record->chars,
                          .text = record->text,
                          .id = record->id ? record->id : "",
                          .document = record->document};
    mlce_status status = embed(sink, record, &made.embeddings);
    if (!status) status = number_spans(sink, record, &made);
    if (!status && !record->text && record->is_item)
        made.text = "";
    else if (!status && !record->text && sink->survey->have_text)
        status = mlce_join_tokens(sink->arena, record->tokens, record->length, &made.text,
                                  &made.token_chars);
    return status ? status : mlce_dataset_writer_add(d->writer, &made);
}

static mlce_status finish(mlce_sink *sink) {
    dataset_sink *d = sink->state;
    mlce_dataset_writer *writer = d->writer;
    d->writer = NULL;
    return mlce_dataset_writer_close(writer);
}

static void close_dataset(mlce_sink *sink) {
    dataset_sink *d = sink->state;
    if (!d) return;
    mlce_dataset_writer_abandon(d->writer);
    free(d);
}

mlce_status mlce_write_hdf5(mlce_sink *sink) {
    const mlce_survey *survey = sink->survey;
    mlce_embedder *embedder = sink->options.embedder;
    bool has_features = survey->are_items && survey->have_features;
    if (!has_features && !embedder)
        return mlce_fail(
            MLCE_E_ARGUMENT,
            "%s: a dataset holds embeddings: make them with --embed hash:256 or --embed "
            "vectors:FILE",
            sink->path);
    if (!survey->types.count)
        return mlce_fail(MLCE_E_DATA,
                         "%s: has no types, as the input has no spans: give those of the training "
                         "data with --types-from TRAIN.h5",
                         sink->path);
    mlce_dataset_spec spec = {
        .task = survey->are_items ? MLCE_TASK_LABELS : MLCE_TASK_SPANS,
        .types = (const char *const *)survey->types.items,
        .type_count = (int)survey->types.count,
        .width = has_features ? survey->width : mlce_embedder_width(embedder),
        .precision = sink->options.precision,
        .embedding = has_features ? NULL : mlce_embedder_name(embedder),
        .token_text = !survey->are_items,
        .token_chars = !survey->are_items && survey->have_text,
        .text = survey->have_text,
        .id = survey->have_ids,
        .integer_ids = survey->integer_ids,
        .document = !survey->are_items && survey->have_documents,
        .spans = survey->have_spans,
        .weights = survey->are_items && survey->have_spans && survey->have_weights,
    };
    dataset_sink *d = sink->state = mlce_calloc(1, sizeof *d);
    if (!d) return MLCE_E_MEMORY;
    sink->add = add;
    sink->finish = finish;
    sink->close = close_dataset;
    return mlce_dataset_writer_open(sink->path, &spec, &d->writer);
}

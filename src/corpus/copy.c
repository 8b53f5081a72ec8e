/* copy.c - sequences on their way from one dataset into another. */
#include "corpus/copy.h"

#include <stdlib.h>

#include "data/dataset_parts.h"

mlce_dataset_spec mlce_copy_spec(const mlce_dataset *dataset) {
    mlce_dataset_spec spec = {.task = dataset->task,
                              .types = (const char *const *)dataset->types,
                              .type_count = dataset->type_count,
                              .width = dataset->width,
                              .layers = dataset->layers,
                              .embedding = dataset->embedding,
                              .token_text = dataset->task == MLCE_TASK_SPANS,
                              .token_chars = dataset->task == MLCE_TASK_SPANS,
                              .text = true,
                              .id = true,
                              .integer_ids = true,
                              .document = dataset->task == MLCE_TASK_SPANS,
                              .spans = mlce_dataset_has_spans(dataset),
                              .weights = dataset->gold_weights != NULL};
    for (size_t i = 0; i < dataset->file_count; i++) {
        const mlce_dataset_file *file = &dataset->files[i];
        if (file->precision != MLCE_FLOAT16) spec.precision = MLCE_FLOAT32;
        if (file->tokens && !file->token_text.items) spec.token_text = false;
        if (file->tokens && !file->chars) spec.token_chars = false;
        if (file->sequences && !file->text.items) spec.text = false;
        if (file->sequences && !file->id.items) spec.id = false;
        if (file->sequences && !file->integer_ids) spec.integer_ids = false;
        if (file->sequences && !file->document) spec.document = false;
    }
    return spec;
}

/* Labels without weights weigh 1, where the writer asks for weights. */
static mlce_status weigh(mlce_copier *copier, mlce_sequence *sequence) {
    size_t count = (size_t)sequence->span_count, had = copier->ones_capacity;
    if (sequence->weights) return MLCE_OK;
    mlce_status status =
        mlce_grow((void **)&copier->ones, &copier->ones_capacity, count, sizeof *copier->ones);
    for (size_t i = had; i < copier->ones_capacity && !status; i++) copier->ones[i] = 1;
    sequence->weights = copier->ones;
    return status;
}

mlce_status mlce_copy_sequence(mlce_copier *copier, mlce_dataset *dataset, int64_t s,
                               int64_t document, mlce_dataset_writer *writer) {
    mlce_sequence sequence = {.length = mlce_dataset_length(dataset, s),
                              .token_text = mlce_dataset_token_text(dataset, s),
                              .token_chars = mlce_dataset_token_chars(dataset, s),
                              .text = mlce_dataset_text(dataset, s),
                              .id = mlce_dataset_id(dataset, s),
                              .weights = mlce_dataset_gold_weights(dataset, s)};
    sequence.spans = mlce_dataset_gold(dataset, s, &sequence.span_count);
    if (__builtin_add_overflow(mlce_dataset_document(dataset, s), document, &sequence.document))
        return mlce_fail(MLCE_E_DATA, "%s: the numbers of its documents are too large",
                         mlce_dataset_name(dataset));
    mlce_status status = weigh(copier, &sequence);
    size_t row = (size_t)mlce_dataset_width(dataset) * sizeof *copier->rows;
    if (!status)
        status = mlce_grow((void **)&copier->rows, &copier->capacity, (size_t)sequence.length, row);
    if (!status) status = mlce_dataset_read(dataset, s, copier->rows);
    sequence.embeddings = copier->rows;
    return status ? status : mlce_dataset_writer_add(writer, &sequence);
}

void mlce_copier_free(mlce_copier *copier) {
    free(copier->rows);
    free(copier->ones);
    *copier = (mlce_copier){0};
}

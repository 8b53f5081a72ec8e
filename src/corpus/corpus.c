/* corpus.c - a dataset with all that is measured of it. */
#include "corpus/corpus.h"

#include <stdlib.h>

#include "corpus/copy.h"
#include "data/dataset_layout.h"
#include "mlce/memory.h"

mlce_status mlce_corpus_open(const char *paths, mlce_corpus *corpus) {
    const mlce_dataset_options options = {.memory = 0, .check_rows = false};
    *corpus = (mlce_corpus){0};
    mlce_status status = mlce_dataset_open(paths, &options, &corpus->dataset);
    if (!status) status = mlce_dataset_load_text(corpus->dataset);
    if (!status) status = mlce_summarise(corpus->dataset, &corpus->summary);
    if (!status) status = mlce_values_measure(corpus->dataset, &corpus->values);
    if (status)
        mlce_corpus_close(corpus);
    else
        corpus->basis = mlce_twins_basis(corpus->dataset);
    return status;
}

void mlce_corpus_close(mlce_corpus *corpus) {
    mlce_summary_free(&corpus->summary);
    mlce_values_free(&corpus->values);
    free(corpus->prints);
    mlce_dataset_close(corpus->dataset);
    *corpus = (mlce_corpus){0};
}

mlce_status mlce_corpus_print(mlce_corpus *corpus, mlce_twin_basis basis) {
    if (corpus->prints && corpus->printed == basis) return MLCE_OK;
    size_t sequences = (size_t)mlce_dataset_sequences(corpus->dataset);
    if (!corpus->prints && !(corpus->prints = mlce_calloc(sequences, sizeof *corpus->prints)))
        return MLCE_E_MEMORY;
    corpus->printed = basis;
    return mlce_twins_print(corpus->dataset, basis, corpus->prints);
}

int mlce_corpus_parts(const mlce_dataset *dataset, mlce_corpus_part parts[MLCE_CORPUS_PARTS]) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    const mlce_dataset_spec spec = mlce_copy_spec(dataset);
    const struct {
        const char *layout_has;
        mlce_corpus_part part;
    } all[MLCE_CORPUS_PARTS] = {
        {layout->token_text, {"token text", spec.token_text}},
        {layout->token_chars, {"token chars", spec.token_chars}},
        {layout->text, {"text", spec.text}},
        {layout->id, {"ids", spec.id}},
        {layout->document, {"documents", spec.document}},
        {layout->gold, {layout->gold + 1, spec.spans}},
        {layout->gold_weights, {"weights", spec.weights}},
    };
    int count = 0;
    for (int i = 0; i < MLCE_CORPUS_PARTS; i++)
        if (all[i].layout_has) parts[count++] = all[i].part;
    return count;
}

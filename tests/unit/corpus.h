/* corpus.h - datasets made of a few words, for the tests of what mlce-data measures and cuts. */
#ifndef TEST_CORPUS_H
#define TEST_CORPUS_H

#include "test_dataset.h"

enum { LONGEST = 8, FEATURES = 4 };

/* A sequence by its words; embeddings are made of them. */
typedef struct sample {
    const char *words[LONGEST];
    mlce_span spans[LONGEST];
    int span_count;
    int64_t document;
} sample;

static const char *const kinds[] = {"person", "place", "thing"};
static inline const char *path_of(const char *name) {
    return path_in(folder, name);
}

static const mlce_dataset_spec spec_of_samples = {.types = kinds,
                                                  .type_count = 3,
                                                  .width = FEATURES,
                                                  .precision = MLCE_FLOAT32,
                                                  .embedding = "made",
                                                  .token_text = true,
                                                  .id = true,
                                                  .document = true,
                                                  .spans = true};

/* The row of a word depends on it alone. */
static inline void embed(const char *word, float *row) {
    uint32_t hash = 2166136261u;
    for (; *word; word++) hash = (hash ^ (unsigned char)*word) * 16777619u;
    hash = (hash ^ hash >> 15) * 2654435769u;
    for (int j = 0; j < FEATURES; j++) row[j] = (float)(hash >> (8 * j) & 255) / 64 - 2;
}

static inline void add_sample(mlce_dataset_writer *writer, const sample *s, int number) {
    float rows[LONGEST * FEATURES];
    char id[16];
    int length = 0;
    snprintf(id, sizeof id, "s%d", number);
    for (; length < LONGEST && s->words[length]; length++)
        embed(s->words[length], rows + length * FEATURES);
    mlce_sequence sequence = {.length = length,
                              .embeddings = rows,
                              .token_text = s->words,
                              .id = id,
                              .document = s->document,
                              .spans = s->spans,
                              .span_count = s->span_count};
    assert_ok(mlce_dataset_writer_add(writer, &sequence));
}

static inline const char *write_samples(const char *name, const mlce_dataset_spec *spec,
                                        const sample *samples, int count) {
    const char *made = path_of(name);
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(made, spec, &writer));
    for (int i = 0; i < count; i++) add_sample(writer, &samples[i], i);
    assert_ok(mlce_dataset_writer_close(writer));
    return made;
}

static inline mlce_dataset *open_dataset(const char *name) {
    const mlce_dataset_options options = {.memory = 0, .check_rows = true};
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(name, &options, &dataset));
    assert_ok(mlce_dataset_load_text(dataset));
    return dataset;
}

#endif

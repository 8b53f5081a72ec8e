/* Files of word vectors, text and binary. */
#include <math.h>

#include "convert/vectors.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const words[] = {"the", "of", "</s>", "caf\xC3\xA9", "a"};
    mlce_names vocabulary = {0};
    mlce_vectors vectors = {0};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        int number;
        FUZZ_CHECK(!mlce_names_add(&vocabulary, words[i], &number));
    }
    if (fuzz_passed(mlce_vectors_read(fuzz_file(0, data, size), &vocabulary, &vectors))) {
        FUZZ_CHECK(vectors.width > 0 && vectors.kept <= vocabulary.count);
        for (size_t i = 0; i < vocabulary.count; i++)
            FUZZ_CHECK(vectors.rows[i] >= -1 && vectors.rows[i] < (int64_t)vectors.kept);
        for (size_t i = 0; i < vectors.kept * (size_t)vectors.width; i++)
            FUZZ_CHECK(isfinite(vectors.values[i]));
    }
    mlce_vectors_free(&vectors);
    mlce_names_free(&vocabulary);
    return 0;
}

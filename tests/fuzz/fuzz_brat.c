/* A brat document: the text, then after a NUL its annotations. */
#include <string.h>

#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned choice = fuzz_choice(&data, &size);
    mlce_source_options options = {.cut = (mlce_cut)((choice & 3) % 3),
                                   .drop_discontinuous = choice & 4,
                                   .utf16 = choice & 8,
                                   .whole_documents = choice & 16};
    const uint8_t *middle = size ? memchr(data, 0, size) : NULL;
    size_t text_size = middle ? (size_t)(middle - data) : size;
    size_t rest = middle ? size - text_size - 1 : 0;
    FILE *text = fuzz_stream(0, data, text_size);
    FILE *annotations = fuzz_stream(1, middle ? middle + 1 : data, rest);
    mlce_source *source;
    if (fuzz_passed(mlce_source_open_brat(text, annotations, "in", &options, &source)))
        read_records(source);
    return 0;
}

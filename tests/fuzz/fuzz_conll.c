/* Columns, and plain text. */
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned choice = fuzz_choice(&data, &size);
    mlce_source_options options = {.format = choice & 1 ? MLCE_FORMAT_TEXT : MLCE_FORMAT_CONLL,
                                   .scheme = (mlce_scheme)(choice >> 1 & 3)};
    if (choice & 8) options.token_column = 2;
    if (choice & 16) options.tag_columns[options.tag_column_count++] = 2;
    if (choice & 32) options.tag_columns[options.tag_column_count++] = 3;
    mlce_source *source;
    FILE *stream = fuzz_stream(0, data, size);
    if (fuzz_passed(mlce_source_open_stream(stream, "in", &options, &source))) read_records(source);
    return 0;
}

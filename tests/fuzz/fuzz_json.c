/* JSON lines, or one array, in all their shapes. */
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned choice = fuzz_choice(&data, &size);
    mlce_source_options options = {.format = MLCE_FORMAT_JSONL,
                                   .cut = (mlce_cut)((choice & 3) % 3),
                                   .drop_discontinuous = choice & 4,
                                   .utf16 = choice & 8,
                                   .items = choice & 16};
    mlce_source *source;
    FILE *stream = fuzz_stream(0, data, size);
    if (fuzz_passed(mlce_source_open_stream(stream, "in", &options, &source))) read_records(source);
    return 0;
}

/* Datasets of both kinds: HDF5 files that are right as HDF5, with anything in them. */
#include <math.h>
#include <string.h>

#include "hdf5_edit.h"
#include "mlce/dataset.h"

static hdf5_base bases[2]; /* by mlce_task */

static void write_base(mlce_task task, const char *path) {
    static const char *const types[] = {"PER", "LOC", "ORG"};
    static const char *const words[] = {"Ann", "Lee", "met", "Bob", "in", "Rome"};
    static const int32_t chars[][2] = {{0, 3}, {4, 7}, {8, 11}, {12, 15}, {16, 18}, {19, 23}};
    static const float rows[6 * 4] = {1, -2, 0.5f, 3, [8] = 7, [23] = 0.25f};
    static const float weights[] = {0.5f, 1};
    bool spans = task == MLCE_TASK_SPANS;
    const mlce_span marks[] = {{0, spans ? 2 : 1, 0}, {spans ? 3 : 0, spans ? 4 : 1, 2}};
    mlce_dataset_spec spec = {.task = task,
                              .types = types,
                              .type_count = 3,
                              .width = 4,
                              .layers = spans ? 2 : 1,
                              .precision = MLCE_FLOAT16,
                              .embedding = "tiny",
                              .token_text = spans,
                              .token_chars = spans,
                              .text = true,
                              .id = true,
                              .document = spans,
                              .spans = true,
                              .weights = !spans};
    mlce_sequence one = {.length = spans ? 6 : 1,
                         .embeddings = rows,
                         .token_text = words,
                         .token_chars = chars,
                         .text = "Ann Lee met Bob in Rome",
                         .id = "a",
                         .document = 3,
                         .spans = marks,
                         .span_count = 2,
                         .weights = weights};
    mlce_dataset_writer *writer;
    FUZZ_CHECK(!mlce_dataset_writer_open(path, &spec, &writer));
    for (int i = 0; i < 3; i++) {
        FUZZ_CHECK(!mlce_dataset_writer_add(writer, &one));
        one.span_count = i; /* 0, then 1 */
    }
    FUZZ_CHECK(!mlce_dataset_writer_close(writer));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    for (int task = 0; task < 2; task++) {
        char path[] = "/tmp/mlce-fuzz-XXXXXX";
        FUZZ_CHECK(close(mkstemp(path)) == 0);
        write_base((mlce_task)task, path);
        mlce_fuzz_base_read(&bases[task], path, NULL);
    }
    return 0;
}

static void check_sequence(mlce_dataset *dataset, int64_t s, bool has_text) {
    int length = mlce_dataset_length(dataset, s), count;
    FUZZ_CHECK(length >= 0);
    const mlce_span *gold = mlce_dataset_gold(dataset, s, &count);
    const float *weights = mlce_dataset_gold_weights(dataset, s);
    for (int i = 0; i < count; i++) {
        FUZZ_CHECK(gold[i].start >= 0 && gold[i].start < gold[i].end && gold[i].end <= length);
        FUZZ_CHECK(gold[i].type >= 0 && gold[i].type < mlce_dataset_types(dataset));
        FUZZ_CHECK(!weights || (weights[i] > 0 && weights[i] <= 1));
        char *text = NULL;
        if (has_text) fuzz_passed(mlce_dataset_span_text(dataset, s, gold[i], &text));
        free(text);
    }
    float *rows = malloc((size_t)length * (size_t)mlce_dataset_width(dataset) * sizeof *rows + 1);
    FUZZ_CHECK(rows);
    if (fuzz_passed(mlce_dataset_read(dataset, s, rows)))
        for (int i = 0; i < length * mlce_dataset_width(dataset); i++)
            FUZZ_CHECK(isfinite(rows[i]));
    free(rows);
    if (!has_text) return;
    const char *const *words = mlce_dataset_token_text(dataset, s);
    for (int i = 0; words && i < length; i++) FUZZ_CHECK(strlen(words[i]) < 1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned choice = fuzz_choice(&data, &size);
    const char *path = mlce_fuzz_edit(&bases[choice & 1], data, size);
    mlce_dataset_options options = {.memory = choice & 2 ? 0 : 1 << 20, .check_rows = choice & 4};
    mlce_dataset *dataset;
    if (fuzz_passed(mlce_dataset_open(path, &options, &dataset))) {
        bool has_text = fuzz_passed(mlce_dataset_load_text(dataset));
        FUZZ_CHECK(mlce_dataset_width(dataset) > 0);
        for (int64_t s = 0; s < mlce_dataset_sequences(dataset); s++)
            check_sequence(dataset, s, has_text);
    }
    mlce_dataset_close(dataset);
    return 0;
}

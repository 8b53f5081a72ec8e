/* dataset_text.c - the optional parts of a dataset: tokens and sequences as written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/dataset_parts.h"

enum { PLACE_STEP = 256 };

/* Looks for an optional part: `name` is NULL where the layout has none. */
static mlce_status find_part(const mlce_h5 *h5, const char *name, bool *found) {
    *found = false;
    return name ? mlce_h5_find(h5, name, found) : MLCE_OK;
}

/* ---- Shapes ---- */

/* `columns` 0: a list of `rows` items, else [rows, columns]. */
static mlce_status check_shape(const mlce_dataset_file *file, const char *name, int64_t rows,
                               size_t columns, const char *noun) {
    mlce_h5_shape shape;
    bool found;
    mlce_status status = find_part(&file->h5, name, &found);
    if (!status && found) status = mlce_h5_shape_of(&file->h5, name, &shape);
    if (status || !found) return status;
    if (shape.rank != (columns ? 2 : 1) || (columns && shape.size[1] != columns))
        return mlce_fail(MLCE_E_DATA, "%s: %s: must be %s", file->path, name,
                         columns ? "[tokens, 2]" : "a list");
    if ((int64_t)shape.size[0] != rows)
        return mlce_fail(MLCE_E_DATA, "%s: %s: has %zu items, but the file has %lld %ss",
                         file->path, name, shape.size[0], (long long)rows, noun);
    return MLCE_OK;
}

mlce_status mlce_text_check_shapes(const mlce_dataset_file *file) {
    const mlce_dataset_layout *layout = file->layout;
    int64_t tokens = file->tokens, sequences = file->sequences;
    mlce_status status = check_shape(file, layout->token_text, tokens, 0, layout->token);
    if (!status) status = check_shape(file, layout->token_chars, tokens, 2, layout->token);
    if (!status) status = check_shape(file, layout->text, sequences, 0, layout->sequence);
    if (!status) status = check_shape(file, layout->id, sequences, 0, layout->sequence);
    if (!status) status = check_shape(file, layout->document, sequences, 0, layout->sequence);
    return status;
}

/* ---- Loading ---- */

static mlce_status load_strings(const mlce_dataset_file *file, const mlce_h5 *h5, const char *name,
                                mlce_h5_strings *strings) {
    bool found;
    mlce_status status = find_part(h5, name, &found);
    if (!status && found) status = mlce_h5_read_strings(h5, name, strings);
    for (size_t i = 0; i < strings->count && !status; i++)
        if (mlce_utf8_length(strings->items[i]) < 0)
            status = mlce_fail(MLCE_E_DATA, "%s: %s: item %zu is not UTF-8", file->path, name, i);
    return status;
}

mlce_status mlce_check_chars(int64_t start, int64_t end, int64_t limit) {
    if (0 <= start && start <= end && end <= limit) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%lld .. %lld is not a range of code points in a text of %lld",
                     (long long)start, (long long)end, (long long)limit);
}

/* Each range lies in its sequence's text, where the file has that. */
static mlce_status convert_chars(const mlce_dataset *dataset, mlce_dataset_file *file,
                                 const int64_t *values) {
    const int64_t *offsets = dataset->offsets + file->first_sequence;
    for (int64_t s = 0; s < file->sequences; s++) {
        int64_t limit = file->text.count ? mlce_utf8_length(file->text.items[s]) : INT32_MAX;
        if (limit > INT32_MAX) limit = INT32_MAX;
        for (int64_t t = offsets[s]; t < offsets[s + 1]; t++) {
            int64_t i = t - file->first_token, start = values[2 * i], end = values[2 * i + 1];
            mlce_status status = mlce_check_chars(start, end, limit);
            if (status)
                return mlce_fail_prefix(status, "%s: %s: row %lld (in sequence %lld): ", file->path,
                                        file->layout->token_chars, (long long)i, (long long)s);
            file->chars[i][0] = (int32_t)start;
            file->chars[i][1] = (int32_t)end;
        }
    }
    return MLCE_OK;
}

static mlce_status load_chars(const mlce_dataset *dataset, mlce_dataset_file *file,
                              const mlce_h5 *h5) {
    int64_t *values;
    mlce_h5_shape shape;
    bool found;
    const char *name = file->layout->token_chars;
    mlce_status status = find_part(h5, name, &found);
    if (!status && found) status = mlce_h5_read_integers(h5, name, &values, &shape);
    if (status || !found) return status;
    file->chars = mlce_calloc((size_t)file->tokens, sizeof *file->chars);
    status = file->chars ? convert_chars(dataset, file, values) : MLCE_E_MEMORY;
    free(values);
    return status;
}

static bool begins_code_point(char byte) {
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* So that a token far behind in a long text is found without going through all of it. */
static mlce_status note_places(mlce_dataset_file *file) {
    const mlce_h5_strings *text = &file->text;
    if (!text->count || !file->chars) return MLCE_OK;
    const char *last = text->items[text->count - 1];
    size_t size = (size_t)(last - text->bytes) + strlen(last) + 1, points = 0;
    file->places = mlce_calloc(size / PLACE_STEP + 1, sizeof *file->places);
    if (!file->places) return MLCE_E_MEMORY;
    for (size_t i = 0; i < size; i++)
        if (begins_code_point(text->bytes[i]) && points++ % PLACE_STEP == 0)
            file->places[file->place_count++] = i;
    return MLCE_OK;
}

static mlce_status load_from(mlce_dataset *dataset, mlce_dataset_file *file, mlce_h5 *h5) {
    const mlce_dataset_layout *layout = file->layout;
    mlce_dataset_file now = {.path = file->path,
                             .layout = layout,
                             .h5 = *h5,
                             .tokens = file->tokens,
                             .sequences = file->sequences};
    mlce_h5_shape shape;
    bool has_document;
    mlce_status status = mlce_text_check_shapes(&now); /* the file may have changed since */
    if (!status) status = load_strings(file, h5, layout->token_text, &file->token_text);
    if (!status) status = load_strings(file, h5, layout->text, &file->text);
    if (!status) status = load_strings(file, h5, layout->id, &file->id);
    if (!status && file->id.count)
        status = mlce_h5_find_attribute(h5, "/", "integer_ids", &file->integer_ids);
    if (!status) status = load_chars(dataset, file, h5);
    if (!status) status = note_places(file);
    if (!status) status = find_part(h5, layout->document, &has_document);
    if (!status && has_document)
        status = mlce_h5_read_integers(h5, layout->document, &file->document, &shape);
    return status;
}

static mlce_status load_file(mlce_dataset *dataset, mlce_dataset_file *file) {
    if (file->h5.id > 0) return load_from(dataset, file, &file->h5);
    mlce_h5 h5;
    mlce_status status = mlce_h5_open(file->path, &h5);
    if (status) return status;
    status = load_from(dataset, file, &h5);
    mlce_status closed = mlce_h5_close(&h5);
    return status ? status : closed;
}

void mlce_text_free(mlce_dataset_file *file) {
    mlce_h5_strings_free(&file->token_text);
    mlce_h5_strings_free(&file->text);
    mlce_h5_strings_free(&file->id);
    free(file->chars);
    free(file->document);
    free(file->places);
    file->chars = NULL;
    file->places = NULL;
    file->place_count = 0;
    file->document = NULL;
}

mlce_status mlce_dataset_load_text(mlce_dataset *dataset) {
    mlce_status status = MLCE_OK;
    if (dataset->has_text) return MLCE_OK;
    for (size_t i = 0; i < dataset->file_count && !status; i++)
        status = load_file(dataset, &dataset->files[i]);
    for (size_t i = 0; i < dataset->file_count && status; i++) mlce_text_free(&dataset->files[i]);
    dataset->has_text = !status;
    return status;
}

mlce_status mlce_text_need_tokens(mlce_dataset *dataset) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    if (!layout->token_text)
        return mlce_fail(MLCE_E_DATA,
                         "%s: holds %s, which have no tokens for features.shape to look at: set "
                         "features.shape = 0",
                         dataset->name, layout->holds);
    mlce_status status = mlce_dataset_load_text(dataset);
    for (size_t i = 0; i < dataset->file_count && !status; i++)
        if (dataset->files[i].tokens && !dataset->files[i].token_text.items)
            status = mlce_fail(MLCE_E_DATA,
                               "%s: has no %s, which features.shape is computed from: add the "
                               "tokens as written, or train with features.shape = 0",
                               dataset->files[i].path, layout->token_text);
    return status;
}

/* ---- Asking ---- */

const char *const *mlce_dataset_token_text(const mlce_dataset *dataset, int64_t s) {
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    if (!file->token_text.items) return NULL;
    return (const char *const *)file->token_text.items + (dataset->offsets[s] - file->first_token);
}

const int32_t (*mlce_dataset_token_chars(const mlce_dataset *dataset, int64_t s))[2] {
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    if (!file->chars) return NULL;
    return (const int32_t(*)[2])file->chars + (dataset->offsets[s] - file->first_token);
}

const char *mlce_dataset_text(const mlce_dataset *dataset, int64_t s) {
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    return file->text.items ? file->text.items[s - file->first_sequence] : NULL;
}

const char *mlce_dataset_id(const mlce_dataset *dataset, int64_t s) {
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    return file->id.items ? file->id.items[s - file->first_sequence] : NULL;
}

/* The file says it of all its ids; one that it is wrong about stays a string. */
bool mlce_dataset_id_is_integer(const mlce_dataset *dataset, int64_t s) {
    const char *id = mlce_dataset_id(dataset, s);
    char same[32];
    if (!id || !mlce_dataset_file_of(dataset, s)->integer_ids) return false;
    snprintf(same, sizeof same, "%lld", strtoll(id, NULL, 10));
    return !strcmp(same, id);
}

int64_t mlce_dataset_document(const mlce_dataset *dataset, int64_t s) {
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    return file->document ? file->document[s - file->first_sequence] : -1;
}

static const char *skip_code_points(const char *text, size_t n) {
    for (; n > 0; n--) {
        text++;
        while (!begins_code_point(*text)) text++;
    }
    return text;
}

/* Where code point `n` of a sequence's text begins, or the text's end. */
static const char *find_code_point(const mlce_dataset_file *file, const char *text, int32_t n) {
    if (n < PLACE_STEP) return skip_code_points(text, (size_t)n);
    size_t start = (size_t)(text - file->text.bytes), low = 0, high = file->place_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (file->places[middle] <= start)
            low = middle;
        else
            high = middle;
    }
    size_t wanted = low * PLACE_STEP + (size_t)n;
    for (size_t i = file->places[low]; i < start; i++)
        wanted += begins_code_point(file->text.bytes[i]);
    return skip_code_points(file->text.bytes + file->places[wanted / PLACE_STEP],
                            wanted % PLACE_STEP);
}

static char *cut(const mlce_dataset_file *file, const char *text, const int32_t (*chars)[2],
                 mlce_span span) {
    int32_t start = chars[span.start][0], end = chars[span.start][1];
    for (int32_t i = span.start; i < span.end; i++) {
        if (chars[i][0] < start) start = chars[i][0];
        if (chars[i][1] > end) end = chars[i][1];
    }
    const char *from = find_code_point(file, text, start), *to = find_code_point(file, text, end);
    char *copy = mlce_calloc((size_t)(to - from) + 1, 1);
    if (copy) memcpy(copy, from, (size_t)(to - from));
    return copy;
}

static char *join(const char *const *tokens, mlce_span span) {
    size_t size = 0;
    for (int32_t i = span.start; i < span.end; i++) size += strlen(tokens[i]) + 1;
    char *text = mlce_calloc(size, 1), *next = text;
    for (int32_t i = span.start; text && i < span.end; i++)
        next += snprintf(next, size - (size_t)(next - text), "%s%s", i > span.start ? " " : "",
                         tokens[i]);
    return text;
}

mlce_status mlce_dataset_span_text(const mlce_dataset *dataset, int64_t s, mlce_span span,
                                   char **text) {
    *text = NULL;
    if (s < 0 || s >= dataset->sequences || span.start < 0 || span.end <= span.start ||
        span.end > mlce_dataset_length(dataset, s))
        return mlce_fail(MLCE_E_ARGUMENT, "%s: tokens %d .. %d of sequence %lld do not exist",
                         dataset->name, (int)span.start, (int)span.end, (long long)s);
    const char *written = mlce_dataset_text(dataset, s);
    const char *const *tokens = mlce_dataset_token_text(dataset, s);
    const int32_t(*chars)[2] = mlce_dataset_token_chars(dataset, s);
    if (written && chars)
        *text = cut(mlce_dataset_file_of(dataset, s), written, chars, span);
    else if (tokens)
        *text = join(tokens, span);
    else
        return MLCE_OK;
    return *text ? MLCE_OK : MLCE_E_MEMORY;
}

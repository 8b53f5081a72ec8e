/* dataset_write.c - datasets written sequence by sequence. */
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "data/dataset_parts.h"
#include "data/half.h"

/* ---- Columns: datasets that grow by rows ---- */

/* Rows gather in a buffer, which is also the chunk. A dataset that never fills it is stored in one
   piece of just its size. */
typedef struct column {
    const char *name;
    hid_t type;      /* in the file and in memory */
    hid_t dataset;   /* 0 before the first write */
    size_t width;    /* elements a row; 0: a list */
    size_t row_size; /* bytes */
    size_t rows, used;
    char *buffer; /* [rows * row_size] */
    hsize_t written;
    bool is_text; /* the buffer holds copies of strings */
} column;

enum { BUFFER_BYTES = 256 << 10, CHUNK_BYTES = 1 << 20 };

/* Takes over `type`. */
static mlce_status column_open(column *c, const char *name, hid_t type, size_t width,
                               size_t element_size) {
    size_t row_size = (width ? width : 1) * element_size;
    *c = (column){.name = name, .type = type, .width = width, .row_size = row_size};
    c->rows = row_size < BUFFER_BYTES ? BUFFER_BYTES / row_size : 1;
    c->is_text = H5Tget_class(type) == H5T_STRING;
    c->buffer = mlce_calloc(c->rows, row_size);
    return c->buffer ? MLCE_OK : MLCE_E_MEMORY;
}

static void drop_rows(column *c) {
    char **strings = (char **)(void *)c->buffer;
    for (size_t i = 0; c->is_text && i < c->used; i++) free(strings[i]);
    c->used = 0;
}

static void column_close(column *c) {
    if (!c->name) return;
    if (c->buffer) drop_rows(c);
    free(c->buffer);
    if (c->dataset > 0) H5Dclose(c->dataset);
    H5Tclose(c->type);
    *c = (column){0};
}

static mlce_status create_column(const mlce_h5 *file, column *c, bool may_grow) {
    hsize_t size[2] = {c->used, c->width}, chunk[2] = {c->rows, c->width};
    size_t element_size = c->width ? c->row_size / c->width : c->row_size;
    if (c->width && c->row_size > CHUNK_BYTES) chunk[1] = CHUNK_BYTES / element_size;
    return mlce_h5_create_dataset(file, c->name, c->type, c->width ? 2 : 1, size,
                                  may_grow ? chunk : NULL, &c->dataset);
}

static mlce_status write_rows(const mlce_h5 *file, column *c) {
    mlce_status status = MLCE_OK;
    int rank = c->width ? 2 : 1;
    hsize_t start[2] = {c->written}, count[2] = {c->used, c->width};
    hsize_t size[2] = {c->written + c->used, c->width};
    hid_t memory = H5Screate_simple(rank, count, NULL), space = -1;
    if ((c->written && H5Dset_extent(c->dataset, size) < 0) ||
        (space = H5Dget_space(c->dataset)) < 0 ||
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dwrite(c->dataset, c->type, memory, space, H5P_DEFAULT, c->buffer) < 0)
        status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot write", c->name);
    if (space >= 0) H5Sclose(space);
    H5Sclose(memory);
    return status;
}

static mlce_status column_flush(const mlce_h5 *file, column *c, bool may_grow) {
    mlce_h5_lock();
    mlce_status status = c->dataset ? MLCE_OK : create_column(file, c, may_grow);
    if (!status && c->used) status = write_rows(file, c);
    mlce_h5_unlock();
    if (!status) status = mlce_h5_check_written(file);
    if (status) return status;
    c->written += c->used;
    drop_rows(c);
    return MLCE_OK;
}

/* `rows` are strings for a column of text. */
static mlce_status column_append(const mlce_h5 *file, column *c, const void *rows, size_t count) {
    const char *next = rows;
    mlce_status status = MLCE_OK;
    while (count && !status) {
        size_t n = c->rows - c->used < count ? c->rows - c->used : count;
        char *room = c->buffer + c->used * c->row_size;
        for (size_t i = 0; c->is_text && i < n; i++, c->used++) {
            char **copy = (char **)(void *)room + i;
            const char *text = ((const char *const *)(const void *)next)[i];
            if (!(*copy = mlce_strdup(text))) return MLCE_E_MEMORY;
        }
        if (!c->is_text) {
            memcpy(room, next, n * c->row_size);
            c->used += n;
        }
        next += n * c->row_size;
        count -= n;
        if (c->used == c->rows) status = column_flush(file, c, true);
    }
    return status;
}

/* ---- The writer ---- */

enum {
    EMBEDDINGS,
    TOKEN_TEXT,
    TOKEN_CHARS,
    OFFSETS,
    TEXT,
    ID,
    DOCUMENT,
    SPAN_OFFSETS,
    SPAN_ITEMS,
    COLUMNS
};

struct mlce_dataset_writer {
    char *path, *part;
    mlce_h5 h5;
    mlce_dataset_spec spec; /* its strings are not kept */
    column columns[COLUMNS];
    int64_t sequences, tokens, spans;
    mlce_span_checker checker;
    void *scratch; /* embeddings as they are stored */
    size_t scratch_capacity;
    bool failed;
};

static mlce_status check_spec(const char *path, const mlce_dataset_spec *spec) {
    if (spec->width < 1)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: a width of %d features, expected 1 or more", path,
                         spec->width);
    if ((unsigned)spec->precision > MLCE_FLOAT64)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: the precision %d does not exist", path,
                         (int)spec->precision);
    if (spec->embedding && mlce_utf8_length(spec->embedding) < 0)
        return mlce_fail(MLCE_E_DATA, "%s: the name of what made the embeddings is not UTF-8",
                         path);
    size_t count = spec->type_count > 0 ? (size_t)spec->type_count : 0;
    mlce_status status = mlce_check_type_names(spec->types, count);
    return status == MLCE_E_DATA ? mlce_fail_prefix(status, "%s: ", path) : status;
}

static mlce_status write_head(const mlce_h5 *h5, const mlce_dataset_spec *spec) {
    mlce_status status = mlce_h5_write_text(h5, "/", "format", "mlce-spans");
    if (!status) status = mlce_h5_write_integer(h5, "/", "version", 1);
    if (!status && spec->embedding)
        status = mlce_h5_write_text(h5, "/", "embedding", spec->embedding);
    if (!status)
        status = mlce_h5_write_strings(h5, "/types", spec->types, (size_t)spec->type_count);
    return status;
}

static mlce_status open_columns(mlce_dataset_writer *writer) {
    const mlce_dataset_spec *spec = &writer->spec;
    column *c = writer->columns;
    mlce_status status =
        column_open(&c[EMBEDDINGS], "/tokens/embeddings", mlce_h5_float_type(spec->precision, true),
                    (size_t)spec->width, mlce_rows_stored_size(spec->precision));
    const struct {
        bool wanted, is_text;
        int index;
        const char *name;
        size_t width, size;
    } others[] = {
        {true, false, OFFSETS, "/sequences/offsets", 0, 8},
        {spec->token_text, true, TOKEN_TEXT, "/tokens/text", 0, sizeof(char *)},
        {spec->token_chars, false, TOKEN_CHARS, "/tokens/chars", 2, 4},
        {spec->text, true, TEXT, "/sequences/text", 0, sizeof(char *)},
        {spec->id, true, ID, "/sequences/id", 0, sizeof(char *)},
        {spec->document, false, DOCUMENT, "/sequences/document", 0, 8},
        {spec->spans, false, SPAN_OFFSETS, "/spans/offsets", 0, 8},
        {spec->spans, false, SPAN_ITEMS, "/spans/items", 3, 4},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others && !status; i++) {
        if (!others[i].wanted) continue;
        hid_t type = others[i].is_text     ? mlce_h5_string_type()
                     : others[i].size == 4 ? H5Tcopy(H5T_NATIVE_INT32)
                                           : H5Tcopy(H5T_NATIVE_INT64);
        status =
            column_open(&c[others[i].index], others[i].name, type, others[i].width, others[i].size);
    }
    const int64_t zero = 0;
    if (!status) status = column_append(&writer->h5, &c[OFFSETS], &zero, 1);
    if (!status && spec->spans) status = column_append(&writer->h5, &c[SPAN_OFFSETS], &zero, 1);
    return status;
}

mlce_status mlce_dataset_writer_open(const char *path, const mlce_dataset_spec *spec,
                                     mlce_dataset_writer **writer) {
    *writer = NULL;
    mlce_status status = check_spec(path, spec);
    if (status) return status;
    mlce_dataset_writer *opened = mlce_calloc(1, sizeof *opened);
    if (!opened) return MLCE_E_MEMORY;
    opened->spec = *spec;
    if (!(opened->path = mlce_strdup(path)))
        status = MLCE_E_MEMORY;
    else if (!(opened->part = mlce_file_begin(path)))
        status = MLCE_E_IO;
    mlce_h5_lock();
    if (!status) status = mlce_h5_create(opened->part, path, &opened->h5);
    if (!status) status = write_head(&opened->h5, spec);
    if (!status) status = open_columns(opened);
    mlce_h5_unlock();
    if (status)
        mlce_dataset_writer_abandon(opened);
    else
        *writer = opened;
    return status;
}

/* ---- Checks: messages lack the file and the sequence ---- */

static mlce_status check_parts(const mlce_dataset_spec *spec, const mlce_sequence *sequence) {
    const struct {
        bool wanted;
        const void *given;
        const char *name;
    } parts[] = {
        {sequence->length > 0, sequence->embeddings, "embeddings"},
        {spec->token_text && sequence->length > 0, sequence->token_text, "token_text"},
        {spec->token_chars && sequence->length > 0, sequence->token_chars, "token_chars"},
        {spec->text, sequence->text, "text"},
        {spec->id, sequence->id, "id"},
        {spec->spans && sequence->span_count > 0, sequence->spans, "spans"},
    };
    if (sequence->length < 0 || (spec->spans && sequence->span_count < 0))
        return mlce_fail(MLCE_E_ARGUMENT, "has a negative length or number of spans");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].wanted && !parts[i].given)
            return mlce_fail(MLCE_E_ARGUMENT, "has no %s, which the file is to hold",
                             parts[i].name);
    return MLCE_OK;
}

static mlce_status check_strings(const mlce_dataset_spec *spec, const mlce_sequence *sequence) {
    if (spec->text && mlce_utf8_length(sequence->text) < 0)
        return mlce_fail(MLCE_E_DATA, "its text is not UTF-8");
    if (spec->id && mlce_utf8_length(sequence->id) < 0)
        return mlce_fail(MLCE_E_DATA, "its id is not UTF-8");
    int64_t limit = spec->text ? mlce_utf8_length(sequence->text) : INT32_MAX;
    for (int i = 0; i < sequence->length; i++) {
        if (spec->token_text && !sequence->token_text[i])
            return mlce_fail(MLCE_E_ARGUMENT, "token %d has no text", i);
        if (spec->token_text && mlce_utf8_length(sequence->token_text[i]) < 0)
            return mlce_fail(MLCE_E_DATA, "the text of token %d is not UTF-8", i);
        if (!spec->token_chars) continue;
        mlce_status status =
            mlce_check_chars(sequence->token_chars[i][0], sequence->token_chars[i][1], limit);
        if (status) return mlce_fail_prefix(status, "token %d: ", i);
    }
    return MLCE_OK;
}

static mlce_status check_spans(mlce_dataset_writer *writer, const mlce_sequence *sequence) {
    if (!writer->spec.spans) return MLCE_OK;
    for (int i = 0; i < sequence->span_count; i++) {
        const mlce_span *span = &sequence->spans[i];
        mlce_status status = mlce_check_span((const int64_t[]){span->start, span->end, span->type},
                                             sequence->length, writer->spec.type_count);
        if (status) return mlce_fail_prefix(status, "span %d: ", i);
    }
    int again = 0;
    mlce_status status =
        mlce_check_spans_differ(&writer->checker, sequence->spans, sequence->span_count, &again);
    return status == MLCE_E_DATA ? mlce_fail_prefix(status, "span %d: ", again) : status;
}

/* The embeddings as they are stored: *stored is the sequence's own or the writer's scratch. */
static mlce_status convert(mlce_dataset_writer *writer, const mlce_sequence *sequence,
                           const void **stored) {
    const float *floats = sequence->embeddings;
    mlce_precision precision = writer->spec.precision;
    size_t width = (size_t)writer->spec.width, count = (size_t)sequence->length * width;
    size_t size = mlce_rows_stored_size(precision);
    *stored = floats;
    size_t bad = mlce_find_not_finite(floats, count, MLCE_FLOAT32);
    const char *why = "embeddings must be finite";
    if (bad == count && precision != MLCE_FLOAT32) {
        if (count > SIZE_MAX / size) return mlce_fail(MLCE_E_MEMORY, "has too many embeddings");
        mlce_status status = mlce_grow(&writer->scratch, &writer->scratch_capacity, count, size);
        if (status) return status;
        *stored = writer->scratch;
    }
    if (bad == count && precision == MLCE_FLOAT16) {
        mlce_halves_from_floats(writer->scratch, floats, count);
        bad = mlce_find_not_finite(writer->scratch, count, MLCE_FLOAT16);
        why = "too large for float16, write float32";
    } else if (bad == count && precision == MLCE_FLOAT64) {
        double *doubles = writer->scratch;
        for (size_t i = 0; i < count; i++) doubles[i] = (double)floats[i];
    }
    if (bad == count) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "the embedding of token %zu, column %zu is %g: %s", bad / width,
                     bad % width, (double)floats[bad], why);
}

/* ---- Adding ---- */

static mlce_status append_sequence(mlce_dataset_writer *writer, const mlce_sequence *sequence,
                                   const void *embeddings) {
    const void *const rows[COLUMNS] = {
        [EMBEDDINGS] = embeddings,
        [TOKEN_TEXT] = sequence->token_text,
        [TOKEN_CHARS] = sequence->token_chars,
        [OFFSETS] = &writer->tokens,
        [TEXT] = &sequence->text,
        [ID] = &sequence->id,
        [DOCUMENT] = &sequence->document,
        [SPAN_OFFSETS] = &writer->spans,
        [SPAN_ITEMS] = sequence->spans,
    };
    mlce_status status = MLCE_OK;
    writer->sequences++;
    writer->tokens += sequence->length;
    if (writer->spec.spans) writer->spans += sequence->span_count;
    for (int i = 0; i < COLUMNS && !status; i++) {
        bool by_token = i == EMBEDDINGS || i == TOKEN_TEXT || i == TOKEN_CHARS;
        size_t count = by_token          ? (size_t)sequence->length
                       : i == SPAN_ITEMS ? (size_t)sequence->span_count
                                         : 1;
        if (writer->columns[i].name)
            status = column_append(&writer->h5, &writer->columns[i], rows[i], count);
    }
    return status;
}

mlce_status mlce_dataset_writer_add(mlce_dataset_writer *writer, const mlce_sequence *sequence) {
    const void *embeddings = NULL;
    if (writer->failed)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: cannot go on after a failure", writer->path);
    mlce_status status = check_parts(&writer->spec, sequence);
    if (!status) status = check_strings(&writer->spec, sequence);
    if (!status) status = check_spans(writer, sequence);
    if (!status) status = convert(writer, sequence, &embeddings);
    if (status)
        mlce_fail_prefix(status, "%s: sequence %lld: ", writer->path, (long long)writer->sequences);
    else
        status = append_sequence(writer, sequence, embeddings);
    writer->failed = status != MLCE_OK;
    return status;
}

/* ---- Finishing ---- */

static mlce_status finish(mlce_dataset_writer *writer) {
    mlce_status status = MLCE_OK;
    for (int i = 0; i < COLUMNS && !status; i++)
        if (writer->columns[i].name) status = column_flush(&writer->h5, &writer->columns[i], false);
    return status;
}

static mlce_status close_file(mlce_dataset_writer *writer) {
    mlce_h5_lock();
    for (int i = 0; i < COLUMNS; i++) column_close(&writer->columns[i]);
    mlce_status status = mlce_h5_close(&writer->h5);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_dataset_writer_close(mlce_dataset_writer *writer) {
    mlce_status status = MLCE_OK;
    if (writer->failed)
        status =
            mlce_fail(MLCE_E_ARGUMENT, "%s: is not written: a sequence was refused", writer->path);
    mlce_h5_lock();
    if (!status) status = finish(writer);
    mlce_h5_unlock();
    mlce_status closed = close_file(writer);
    if (!status) status = closed;
    if (!status) {
        status = mlce_file_commit(writer->part, writer->path);
        writer->part = NULL;
    }
    mlce_dataset_writer_abandon(writer);
    return status;
}

void mlce_dataset_writer_abandon(mlce_dataset_writer *writer) {
    if (!writer) return;
    close_file(writer);
    mlce_file_abandon(writer->part);
    free(writer->checker.sorted);
    free(writer->scratch);
    free(writer->path);
    free(writer);
}

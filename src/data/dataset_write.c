/* dataset_write.c - datasets written sequence by sequence. */
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "data/dataset_column.h"
#include "data/dataset_parts.h"
#include "data/half.h"

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
    WEIGHTS,
    COLUMNS
};

struct mlce_dataset_writer {
    char *path, *part;
    mlce_h5 h5;
    mlce_dataset_spec spec; /* its strings are not kept */
    mlce_column columns[COLUMNS];
    const mlce_dataset_layout *layout;
    int64_t sequences, tokens, spans;
    mlce_span_checker checker;
    void *scratch; /* embeddings as they are stored */
    size_t scratch_capacity;
    int32_t *labels; /* of the item that is written */
    size_t labels_capacity;
    bool failed, finished;
};

static mlce_status check_spec(const char *path, const mlce_dataset_spec *spec) {
    if (spec->width < 1)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: a width of %d features, expected 1 or more", path,
                         spec->width);
    if (spec->layers < 0 || (spec->layers > 1 && spec->width % spec->layers))
        return mlce_fail(MLCE_E_ARGUMENT, "%s: %d features are not %d layers of equal width", path,
                         spec->width, spec->layers);
    if ((unsigned)spec->precision > MLCE_FLOAT64)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: the precision %d does not exist", path,
                         (int)spec->precision);
    if ((unsigned)spec->task > MLCE_TASK_LABELS)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: the task %d does not exist", path, (int)spec->task);
    bool is_labels = spec->task == MLCE_TASK_LABELS;
    if (is_labels && (spec->token_text || spec->token_chars || spec->document || spec->layers > 1))
        return mlce_fail(MLCE_E_ARGUMENT, "%s: items have no tokens, documents or layers", path);
    if (spec->weights && !(is_labels && spec->spans))
        return mlce_fail(MLCE_E_ARGUMENT, "%s: only labels have weights", path);
    if (spec->embedding && mlce_utf8_length(spec->embedding) < 0)
        return mlce_fail(MLCE_E_DATA, "%s: the name of what made the embeddings is not UTF-8",
                         path);
    size_t count = spec->type_count > 0 ? (size_t)spec->type_count : 0;
    mlce_status status = mlce_check_type_names(spec->types, count);
    return status == MLCE_E_DATA ? mlce_fail_prefix(status, "%s: ", path) : status;
}

static mlce_status write_head(const mlce_h5 *h5, const mlce_dataset_spec *spec) {
    mlce_status status =
        mlce_h5_write_text(h5, "/", "format", mlce_dataset_layouts[spec->task].format);
    if (!status) status = mlce_h5_write_integer(h5, "/", "version", 1);
    if (!status && spec->embedding)
        status = mlce_h5_write_text(h5, "/", "embedding", spec->embedding);
    if (!status && spec->id && spec->integer_ids)
        status = mlce_h5_write_integer(h5, "/", "integer_ids", 1);
    if (!status)
        status = mlce_h5_write_strings(h5, "/types", spec->types, (size_t)spec->type_count);
    return status;
}

static mlce_status open_columns(mlce_dataset_writer *writer) {
    const mlce_dataset_spec *spec = &writer->spec;
    const mlce_dataset_layout *layout = writer->layout;
    bool is_labels = spec->task == MLCE_TASK_LABELS;
    mlce_column *c = writer->columns;
    mlce_status status =
        mlce_column_open(&c[EMBEDDINGS], layout->rows, mlce_h5_float_type(spec->precision, true),
                         (size_t)spec->width, mlce_rows_stored_size(spec->precision));
    c[EMBEDDINGS].layers = (size_t)spec->layers;
    const struct {
        bool wanted, is_text;
        int index;
        const char *name;
        size_t width, size;
    } others[] = {
        {!is_labels, false, OFFSETS, layout->offsets, 0, 8},
        {spec->token_text, true, TOKEN_TEXT, layout->token_text, 0, sizeof(char *)},
        {spec->token_chars, false, TOKEN_CHARS, layout->token_chars, 2, 4},
        {spec->text, true, TEXT, layout->text, 0, sizeof(char *)},
        {spec->id, true, ID, layout->id, 0, sizeof(char *)},
        {spec->document, false, DOCUMENT, layout->document, 0, 8},
        {spec->spans, false, SPAN_OFFSETS, layout->gold_offsets, 0, 8},
        {spec->spans, false, SPAN_ITEMS, layout->gold_items, is_labels ? 0 : 3, 4},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others && !status; i++) {
        if (!others[i].wanted) continue;
        hid_t type = others[i].is_text     ? mlce_h5_string_type()
                     : others[i].size == 4 ? H5Tcopy(H5T_NATIVE_INT32)
                                           : H5Tcopy(H5T_NATIVE_INT64);
        status = mlce_column_open(&c[others[i].index], others[i].name, type, others[i].width,
                                  others[i].size);
    }
    if (!status && spec->weights)
        status = mlce_column_open(&c[WEIGHTS], layout->gold_weights,
                                  mlce_h5_float_type(MLCE_FLOAT32, true), 0, sizeof(float));
    const int64_t zero = 0;
    if (!status && !is_labels) status = mlce_column_append(&writer->h5, &c[OFFSETS], &zero, 1);
    if (!status && spec->spans)
        status = mlce_column_append(&writer->h5, &c[SPAN_OFFSETS], &zero, 1);
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
    opened->layout = &mlce_dataset_layouts[spec->task];
    if (!(opened->path = mlce_strdup(path)))
        status = MLCE_E_MEMORY;
    else if (!(opened->part = mlce_file_begin(path, MLCE_LINKS_FOLLOWED)))
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
        {spec->weights && sequence->span_count > 0, sequence->weights, "weights"},
    };
    if (sequence->length < 0 || (spec->spans && sequence->span_count < 0))
        return mlce_fail(MLCE_E_ARGUMENT, "has a negative length or number of spans");
    if (spec->task == MLCE_TASK_LABELS && sequence->length != 1)
        return mlce_fail(MLCE_E_ARGUMENT, "has the length %d: an item's is 1", sequence->length);
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
        if (!status && writer->spec.weights) status = mlce_check_weight(sequence->weights[i]);
        if (status) return mlce_fail_prefix(status, "%s %d: ", writer->layout->span, i);
    }
    int again = 0;
    mlce_status status =
        mlce_check_spans_differ(&writer->checker, sequence->spans, sequence->span_count, &again);
    return status == MLCE_E_DATA ? mlce_fail_prefix(status, "%s %d: ", writer->layout->span, again)
                                 : status;
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

/* What is written of the gold spans: *items gets them, or their types alone as labels. */
static mlce_status gold_items(mlce_dataset_writer *writer, const mlce_sequence *sequence,
                              const void **items) {
    *items = sequence->spans;
    if (!writer->spec.spans || writer->spec.task != MLCE_TASK_LABELS) return MLCE_OK;
    mlce_status status = mlce_grow((void **)&writer->labels, &writer->labels_capacity,
                                   (size_t)sequence->span_count, sizeof *writer->labels);
    if (status) return status;
    for (int i = 0; i < sequence->span_count; i++) writer->labels[i] = sequence->spans[i].type;
    *items = writer->labels;
    return MLCE_OK;
}

static mlce_status append_sequence(mlce_dataset_writer *writer, const mlce_sequence *sequence,
                                   const void *embeddings) {
    const void *items;
    mlce_status status = gold_items(writer, sequence, &items);
    const void *const rows[COLUMNS] = {
        [EMBEDDINGS] = embeddings,
        [TOKEN_TEXT] = sequence->token_text,
        [TOKEN_CHARS] = sequence->token_chars,
        [OFFSETS] = &writer->tokens,
        [TEXT] = &sequence->text,
        [ID] = &sequence->id,
        [DOCUMENT] = &sequence->document,
        [SPAN_OFFSETS] = &writer->spans,
        [SPAN_ITEMS] = items,
        [WEIGHTS] = sequence->weights,
    };
    writer->sequences++;
    writer->tokens += sequence->length;
    if (writer->spec.spans) writer->spans += sequence->span_count;
    for (int i = 0; i < COLUMNS && !status; i++) {
        bool by_token = i == EMBEDDINGS || i == TOKEN_TEXT || i == TOKEN_CHARS;
        bool by_span = i == SPAN_ITEMS || i == WEIGHTS;
        size_t count = by_token  ? (size_t)sequence->length
                       : by_span ? (size_t)sequence->span_count
                                 : 1;
        if (writer->columns[i].name)
            status = mlce_column_append(&writer->h5, &writer->columns[i], rows[i], count);
    }
    return status;
}

mlce_status mlce_dataset_writer_add(mlce_dataset_writer *writer, const mlce_sequence *sequence) {
    const void *embeddings = NULL;
    if (writer->failed || writer->finished)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: cannot go on after %s", writer->path,
                         writer->failed ? "a failure" : "the end");
    mlce_status status = check_parts(&writer->spec, sequence);
    if (!status) status = check_strings(&writer->spec, sequence);
    if (!status) status = check_spans(writer, sequence);
    if (!status) status = convert(writer, sequence, &embeddings);
    if (status)
        mlce_fail_prefix(status, "%s: %s %lld: ", writer->path, writer->layout->sequence,
                         (long long)writer->sequences);
    else
        status = append_sequence(writer, sequence, embeddings);
    writer->failed = status != MLCE_OK;
    return status;
}

/* ---- Finishing ---- */

static mlce_status flush(mlce_dataset_writer *writer) {
    mlce_status status = MLCE_OK;
    if (writer->failed)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: is not written: a sequence was refused",
                         writer->path);
    for (int i = 0; i < COLUMNS && !status; i++)
        if (writer->columns[i].name)
            status = mlce_column_flush(&writer->h5, &writer->columns[i], false);
    return status;
}

static mlce_status close_file(mlce_dataset_writer *writer) {
    mlce_h5_lock();
    for (int i = 0; i < COLUMNS; i++) mlce_column_close(&writer->columns[i]);
    mlce_status status = mlce_h5_close(&writer->h5);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_dataset_writer_finish(mlce_dataset_writer *writer) {
    if (writer->finished) return MLCE_OK;
    mlce_h5_lock();
    mlce_status status = flush(writer);
    mlce_h5_unlock();
    mlce_status closed = close_file(writer);
    if (!status) status = closed;
    writer->failed = status != MLCE_OK;
    writer->finished = !status;
    return status;
}

mlce_status mlce_dataset_writer_close(mlce_dataset_writer *writer) {
    mlce_status status = mlce_dataset_writer_finish(writer);
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
    free(writer->labels);
    free(writer->path);
    free(writer);
}

/* convert.h - what the tests of readers share: sources over text in memory, and records as text. */
#ifndef CONVERT_H
#define CONVERT_H

#include "convert/source.h"
#include "unit.h"

/* A stream to be read twice; fmemopen() has none for no bytes at all. */
static inline FILE *file_of(const char *text, size_t size) {
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    rewind(file);
    return file;
}

/* "tokens joined by | :start-end/TYPE ..." of each record, one a line. */
static inline void append_record(char *all, size_t size, const mlce_record *record) {
    size_t used = strlen(all);
#define APPEND(...) used += (size_t)snprintf(all + used, size - used, __VA_ARGS__)
    if (record->id) APPEND("%s> ", record->id);
    for (int i = 0; i < record->length && record->tokens; i++)
        APPEND("%s%s", i ? "|" : "", record->tokens[i]);
    for (int i = 0; i < record->span_count; i++)
        APPEND(" :%d-%d/%s", (int)record->spans[i].start, (int)record->spans[i].end,
               record->spans[i].type);
    APPEND("%s\n", record->has_spans ? "" : " (no spans)");
#undef APPEND
    ck_assert_uint_lt(used, size);
}

static inline mlce_status read_all(mlce_source *source, char *all, size_t size) {
    const mlce_record *record;
    mlce_status status;
    all[0] = '\0';
    while (!(status = mlce_source_next(source, &record)) && record)
        append_record(all, size, record);
    return status;
}

/* The text reads as `expected`, and so it does again after going back. */
static inline void assert_reads_as(const char *text, const mlce_source_options *options,
                                   const char *expected) {
    static char all[1 << 16];
    mlce_source *source;
    assert_ok(mlce_source_open_stream(file_of(text, strlen(text)), "in", options, &source));
    for (int again = 0; again < 2; again++) {
        assert_ok(read_all(source, all, sizeof all));
        ck_assert_str_eq(all, expected);
        assert_ok(mlce_source_rewind(source));
    }
    mlce_source_close(source);
}

/* Reading fails with a message that holds `message`. */
static inline void assert_refused_bytes(const char *text, size_t size,
                                        const mlce_source_options *options, const char *message) {
    static char all[1 << 16];
    mlce_source *source;
    mlce_status status = mlce_source_open_stream(file_of(text, size), "in", options, &source);
    if (!status) status = read_all(source, all, sizeof all);
    ck_assert_msg(status == MLCE_E_DATA, "status %d, read: %s", (int)status, all);
    ck_assert_msg(strstr(mlce_last_error(), message) != NULL, "'%s' is not in: %s", message,
                  mlce_last_error());
    mlce_source_close(source);
}

static inline void assert_refused(const char *text, const mlce_source_options *options,
                                  const char *message) {
    assert_refused_bytes(text, strlen(text), options, message);
}

#endif

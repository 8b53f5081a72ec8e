/* records.h - reads a source of annotated text to its end, twice, and checks what it promises. */
#ifndef RECORDS_H
#define RECORDS_H

#include "convert/source.h"
#include "data/dataset_parts.h"
#include "fuzz.h"

static inline void check_record(const mlce_record *record) {
    FUZZ_CHECK(record->length >= 0 && record->span_count >= 0);
    FUZZ_CHECK(!record->in_characters || record->is_item);
    for (int i = 0; i < record->length && record->tokens; i++) FUZZ_CHECK(record->tokens[i]);
    int64_t characters = record->text && record->chars ? mlce_utf8_length(record->text) : -1;
    for (int i = 0; i < record->length && characters >= 0; i++) {
        const int32_t *chars = record->chars[i];
        FUZZ_CHECK(chars[0] >= 0 && chars[0] <= chars[1] && chars[1] <= characters);
    }
    for (int i = 0; i < record->span_count; i++) {
        const mlce_mark *mark = &record->spans[i];
        FUZZ_CHECK(mark->start >= 0 && mark->start < mark->end && mark->end <= record->length);
        FUZZ_CHECK(mark->type && *mark->type);
    }
}

/* Closes the source. */
static inline void read_records(mlce_source *source) {
    int64_t first = -1;
    for (int again = 0; again < 2; again++) {
        const mlce_record *record;
        mlce_status status;
        int64_t count = 0;
        for (; !(status = mlce_source_next(source, &record)) && record; count++)
            check_record(record);
        if (!fuzz_passed(status)) break;
        FUZZ_CHECK(!again || count == first);
        first = count;
        if (!fuzz_passed(mlce_source_rewind(source))) break;
    }
    mlce_source_close(source);
}

#endif

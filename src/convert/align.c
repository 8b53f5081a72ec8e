/* align.c - spans over characters become spans over tokens. */
#include <string.h>

#include "convert/characters.h"

/* What spans are held against; tables, so that many long ones take no time each. */
typedef struct places {
    const mlce_characters *characters;
    uint32_t *solid; /* [bytes + 1] the next byte that is no space; NULL where no span has a text */
    uint32_t *units; /* [count + 1] units of UTF-16 before a code point; NULL where none is asked */
} places;

/* The bytes of a space, of which annotation tools write one for another; 0: it is none. */
static uint32_t space_at(const char *text) {
    if (*text && strchr(" \t\r\n", *text)) return 1;
    return strncmp(text, "\xC2\xA0", 2) ? 0 : 2;
}

static mlce_status find_solid(mlce_arena *arena, places *p) {
    const char *text = p->characters->text;
    uint32_t size = p->characters->at[p->characters->count];
    p->solid = mlce_arena_alloc(arena, (size_t)size + 1, sizeof *p->solid);
    if (!p->solid) return MLCE_E_MEMORY;
    p->solid[size] = size;
    for (uint32_t i = size; i-- > 0;) {
        uint32_t space = space_at(text + i);
        p->solid[i] = space ? p->solid[i + space] : i;
    }
    return MLCE_OK;
}

static mlce_status count_units(mlce_arena *arena, places *p) {
    const mlce_characters *c = p->characters;
    p->units = mlce_arena_alloc(arena, (size_t)c->count + 1, sizeof *p->units);
    if (!p->units) return MLCE_E_MEMORY;
    p->units[0] = 0;
    for (int32_t i = 0; i < c->count; i++)
        p->units[i + 1] = p->units[i] + 1 + (((unsigned char)c->text[c->at[i]] & 0xF8) == 0xF0);
    return MLCE_OK;
}

static mlce_status make_places(mlce_arena *arena, const mlce_characters *characters,
                               const mlce_record *record, places *p) {
    bool have_text = false;
    for (int i = 0; i < record->span_count && !have_text; i++)
        have_text = record->spans[i].text != NULL;
    *p = (places){.characters = characters};
    mlce_status status = have_text ? find_solid(arena, p) : MLCE_OK;
    if (!status && (have_text || record->in_utf16)) status = count_units(arena, p);
    return status;
}

/* Whether the code points start .. end-1 are `said`, but for spaces. */
static bool is_text(const places *p, int64_t start, int64_t end, const char *said) {
    const mlce_characters *characters = p->characters;
    if (start < 0 || end > characters->count || start > end) return false;
    uint32_t stop = characters->at[end];
    for (uint32_t i = characters->at[start];; i++, said++) {
        i = p->solid[i] < stop ? p->solid[i] : stop;
        for (uint32_t space; (space = space_at(said));) said += space;
        if (i == stop || !*said) return i == stop && !*said;
        if (characters->text[i] != *said) return false;
    }
}

/* The code point that begins with unit `unit` of UTF-16; -1 where there is none. */
static int64_t point_of_unit(const places *p, int64_t unit) {
    int32_t low = 0, high = p->characters->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (p->units[middle] < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return p->units[low] == unit ? low : -1;
}

/* Whether both ends can be turned from units of UTF-16 into code points. */
static bool from_utf16(const places *p, const mlce_mark *mark, int64_t *start, int64_t *end) {
    *start = point_of_unit(p, mark->start);
    *end = point_of_unit(p, mark->end);
    return *start >= 0 && *end >= 0;
}

/* The span's ends as code points. */
static mlce_status find_ends(const places *p, const mlce_record *record, const mlce_mark *mark,
                             mlce_source_counts *counts, int64_t *start, int64_t *end) {
    bool utf16 = record->in_utf16;
    int32_t count = p->characters->count;
    *start = mark->start;
    *end = mark->end;
    if (utf16 && !from_utf16(p, mark, start, end)) {
        *start = mark->start;
        *end = INT64_MAX;
    }
    if (mark->text && !is_text(p, *start, *end, mark->text)) {
        bool fits = utf16 ? (*start = mark->start, *end = mark->end, true)
                          : from_utf16(p, mark, start, end);
        if (!fits || !is_text(p, *start, *end, mark->text))
            return mlce_fail(
                MLCE_E_DATA,
                "start %lld, end %lld, type %s: the text there is not '%s': ends count "
                "code points of the text, from 0",
                (long long)mark->start, (long long)mark->end, mark->type, mark->text);
        counts->utf16 += !utf16;
    }
    if (*start < 0 || *end > count)
        return mlce_fail(MLCE_E_DATA,
                         "start %lld, end %lld, type %s: runs past the text's %d code points%s",
                         (long long)mark->start, (long long)mark->end, mark->type, (int)count,
                         utf16 ? "" : " (if they count units of UTF-16: --offsets utf16)");
    if (*end <= *start)
        return mlce_fail(MLCE_E_DATA, "start %lld, end %lld, type %s: is empty",
                         (long long)mark->start, (long long)mark->end, mark->type);
    return MLCE_OK;
}

/* The first token that ends behind `point` (side 1), or begins at or behind it (side 0). */
static int find_token(const int32_t (*chars)[2], int length, int64_t point, int side) {
    int low = 0, high = length;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (chars[middle][side] >= point + side)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static mlce_status align_one(const places *p, const mlce_record *record, const mlce_mark *mark,
                             const mlce_source_options *options, mlce_source_counts *counts,
                             mlce_mark *aligned, bool *kept) {
    int64_t start, end;
    *kept = false;
    mlce_status status = find_ends(p, record, mark, counts, &start, &end);
    if (status) return status;
    int first = find_token(record->chars, record->length, start, 1);
    int behind = find_token(record->chars, record->length, end, 0);
    if (first >= behind) {
        counts->bare++;
        return MLCE_OK;
    }
    int64_t from = record->chars[first][0], to = record->chars[behind - 1][1];
    if (from < start || to > end) {
        if (options->cut == MLCE_CUT_ERROR)
            return mlce_fail(MLCE_E_DATA,
                             "start %lld, end %lld, type %s: cuts the token '%s': correct it, or "
                             "use --cut widen or --cut drop",
                             (long long)mark->start, (long long)mark->end, mark->type,
                             record->tokens[from < start ? first : behind - 1]);
        if (options->cut == MLCE_CUT_DROP) {
            counts->cut++;
            return MLCE_OK;
        }
        counts->widened++;
    } else if (from > start || to < end) {
        counts->trimmed++;
    }
    *aligned = (mlce_mark){.start = first, .end = behind, .type = mark->type};
    *kept = true;
    return MLCE_OK;
}

/* Ranges that do not fall: a search finds its way among them. */
static mlce_status check_order(const mlce_record *record) {
    int32_t behind = 0;
    for (int i = 0; i < record->length; i++) {
        int32_t start = record->chars[i][0], end = record->chars[i][1];
        if (start < behind)
            return mlce_fail(MLCE_E_DATA,
                             "token %d: start %d, end %d: begins before the end of the one before",
                             i, (int)start, (int)end);
        behind = end;
    }
    return MLCE_OK;
}

mlce_status mlce_align_spans(mlce_arena *arena, const mlce_characters *characters,
                             mlce_record *record, const mlce_source_options *options,
                             mlce_source_counts *counts) {
    mlce_mark *aligned = mlce_arena_alloc(arena, (size_t)record->span_count, sizeof *aligned);
    mlce_status status = aligned ? check_order(record) : MLCE_E_MEMORY;
    places p;
    if (!status) status = make_places(arena, characters, record, &p);
    int kept = 0;
    for (int i = 0; i < record->span_count && !status; i++) {
        bool is_kept;
        status =
            align_one(&p, record, &record->spans[i], options, counts, &aligned[kept], &is_kept);
        kept += is_kept;
        if (status != MLCE_E_DATA) continue;
        if (record->spans[i].line)
            record->line = record->spans[i].line;
        else
            mlce_fail_prefix(status, "span %d: ", i);
    }
    record->spans = aligned;
    record->span_count = kept;
    record->in_characters = record->in_utf16 = false;
    return status;
}

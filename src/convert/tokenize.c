/* tokenize.c - where the tokens of a text stand. */
#include <string.h>
#include <utf8proc.h>

#include "convert/characters.h"

mlce_status mlce_characters_find(mlce_arena *arena, const char *text, mlce_characters *characters) {
    size_t size = strlen(text), count = 0;
    if (size > INT32_MAX) return mlce_fail(MLCE_E_DATA, "the text is longer than 2 GiB");
    uint32_t *at = mlce_arena_alloc(arena, size + 1, sizeof *at);
    if (!at) return MLCE_E_MEMORY;
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80) at[count++] = (uint32_t)i;
    at[count] = (uint32_t)size;
    *characters = (mlce_characters){text, at, (int32_t)count};
    return MLCE_OK;
}

static int32_t code_at(const mlce_characters *characters, int32_t i) {
    utf8proc_int32_t code;
    const char *text = characters->text + characters->at[i];
    utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &code);
    return code;
}

/* Marks of direction, the zero-width space and the byte order mark stand between words. */
static bool is_invisible(int32_t code) {
    return code == 0x061C || code == 0x200B || code == 0x200E || code == 0x200F ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x2069) ||
           code == 0xFEFF;
}

/* Scripts without spaces between words. */
static bool stands_alone(int32_t code) {
    static const int32_t ranges[][2] = {
        {0x0E00, 0x0EFF},   /* Thai, Lao */
        {0x1000, 0x109F},   /* Myanmar */
        {0x1780, 0x17FF},   /* Khmer */
        {0x2E80, 0x2FDF},   /* radicals */
        {0x3005, 0x3007},   /* iteration mark, closing mark, zero */
        {0x3021, 0x3029},   /* Hangzhou numerals */
        {0x3040, 0x30FF},   /* Hiragana, Katakana */
        {0x3100, 0x312F},   /* Bopomofo */
        {0x31A0, 0x31FF},   /* Bopomofo, Katakana */
        {0x3400, 0x4DBF},   /* Han */
        {0x4E00, 0x9FFF},   /* Han */
        {0xA9E0, 0xA9FF},   /* Myanmar */
        {0xAA60, 0xAA7F},   /* Myanmar */
        {0xF900, 0xFAFF},   /* Han */
        {0xFF66, 0xFF9F},   /* Katakana, half width */
        {0x1B000, 0x1B16F}, /* Kana */
        {0x20000, 0x3FFFD}, /* Han */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1]) return true;
    return false;
}

typedef enum kind { SPACE, WORD, ALONE } kind;

static kind kind_of(int32_t code) {
    if (is_invisible(code)) return SPACE;
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
        return SPACE;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return stands_alone(code) ? ALONE : WORD;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_CF:
        return WORD;
    default:
        return ALONE;
    }
}

mlce_status mlce_tokenize(mlce_arena *arena, const mlce_characters *characters,
                          int32_t (**chars)[2], int *count) {
    size_t most = (size_t)characters->count;
    int32_t(*ranges)[2] = mlce_arena_alloc(arena, most + 1, sizeof *ranges);
    if (!ranges) return MLCE_E_MEMORY;
    int32_t found = 0, before = 0;
    utf8proc_int32_t state = 0;
    kind open = SPACE; /* of the token that the next character may go on with */
    for (int32_t i = 0; i < characters->count; i++) {
        int32_t code = code_at(characters, i);
        kind now = kind_of(code);
        bool in_cluster = open != SPACE && !utf8proc_grapheme_break_stateful(before, code, &state);
        bool goes_on = now != SPACE && (in_cluster || (open == WORD && now == WORD));
        if (open == SPACE) state = 0;
        before = code;
        if (now == SPACE) {
            open = SPACE;
            continue;
        }
        if (!goes_on) {
            ranges[found++][0] = i;
            open = now;
        }
        ranges[found - 1][1] = i + 1;
    }
    *chars = ranges;
    *count = found;
    return MLCE_OK;
}

mlce_status mlce_characters_of_tokens(mlce_arena *arena, const mlce_characters *characters,
                                      const char *const *tokens, int length,
                                      const int32_t (**chars)[2]) {
    *chars = NULL;
    int32_t(*ranges)[2] = mlce_arena_alloc(arena, (size_t)length, sizeof *ranges);
    if (!ranges) return MLCE_E_MEMORY;
    const char *next = characters->text;
    int32_t point = 0;
    for (int i = 0; i < length; i++) {
        const char *found = strstr(next, tokens[i]);
        if (!found) return MLCE_OK;
        next = found + strlen(tokens[i]);
        uint32_t from = (uint32_t)(found - characters->text);
        uint32_t to = (uint32_t)(next - characters->text);
        while (characters->at[point] < from) point++;
        ranges[i][0] = point;
        while (characters->at[point] < to) point++;
        ranges[i][1] = point;
    }
    *chars = (const int32_t(*)[2])ranges;
    return MLCE_OK;
}

mlce_status mlce_join_tokens(mlce_arena *arena, const char *const *tokens, int length,
                             const char **text, const int32_t (**chars)[2]) {
    size_t size = 1;
    for (int i = 0; i < length; i++) size += strlen(tokens[i]) + 1;
    char *joined = mlce_arena_alloc(arena, size, 1), *next = joined;
    int32_t(*ranges)[2] = mlce_arena_alloc(arena, (size_t)length, sizeof *ranges);
    if (!joined || !ranges) return MLCE_E_MEMORY;
    int32_t point = 0;
    for (int i = 0; i < length; i++) {
        if (i) *next++ = ' ';
        point += i > 0;
        ranges[i][0] = point;
        for (const char *c = tokens[i]; *c; c++) {
            point += ((unsigned char)*c & 0xC0) != 0x80;
            *next++ = *c;
        }
        ranges[i][1] = point;
    }
    *next = '\0';
    *text = joined;
    *chars = (const int32_t(*)[2])ranges;
    return MLCE_OK;
}

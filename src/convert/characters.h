/* characters.h - code points of a text: where they stand, tokens of them, spans over them. */
#ifndef MLCE_CONVERT_CHARACTERS_H
#define MLCE_CONVERT_CHARACTERS_H

#include "convert/reader.h"

/* Where each code point of a text begins. */
typedef struct mlce_characters {
    const char *text;
    const uint32_t *at; /* [count + 1] bytes; the last is the text's size */
    int32_t count;
} mlce_characters;

mlce_status mlce_characters_find(mlce_arena *arena, const char *text, mlce_characters *characters);

/* Splits a text into tokens: *chars gets [count] half-open ranges of code points.

   Spaces and control characters separate tokens and belong to none. Letters, marks, digits, _ and
   what joins them (ZWJ, soft hyphens) make a token together. Every other character - punctuation,
   symbols - is one alone, with its marks: an emoji of several code points (ZWJ sequences, flags,
   skin tones) is one token. Characters of scripts that are written without spaces (Han, Hiragana,
   Katakana, Thai, Lao, Khmer, Myanmar) are tokens one by one, with their marks.

   What belongs together as a character is a grapheme cluster of Unicode's annex 29. */
mlce_status mlce_tokenize(mlce_arena *arena, const mlce_characters *characters,
                          int32_t (**chars)[2], int *count);

/* Finds tokens in the text they were made of, from left to right; *chars NULL where one is not
   there. */
mlce_status mlce_characters_of_tokens(mlce_arena *arena, const mlce_characters *characters,
                                      const char *const *tokens, int length,
                                      const int32_t (**chars)[2]);

/* Tokens joined with spaces, where there is no text. */
mlce_status mlce_join_tokens(mlce_arena *arena, const char *const *tokens, int length,
                             const char **text, const int32_t (**chars)[2]);

/* Turns spans over characters into spans over the record's tokens, whose chars lie in the text.
   Those that no token has are left out. Messages lack file and line. */
mlce_status mlce_align_spans(mlce_arena *arena, const mlce_characters *characters,
                             mlce_record *record, const mlce_source_options *options,
                             mlce_source_counts *counts);

#endif

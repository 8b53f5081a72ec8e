/* text.h - text that is printed into memory, whole or not at all. */
#ifndef MLCE_CORE_TEXT_H
#define MLCE_CORE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct mlce_text {
    FILE *out; /* NULL: there was no memory, also once it is ended */
    char *text;
    size_t size;
    bool failed; /* to be set where memory ran out for what was to be printed */
} mlce_text;

/* Begins a text, to be printed to the stream that this returns; NULL when out of memory, which
   mlce_text_end() then says. */
FILE *mlce_text_begin(mlce_text *text);

/* The text, on the heap; NULL when memory ran out at any place ("out of memory: `what`" is set).
   Calls in between leave errno alone or set it to an error's number, as those of the C library do.
 */
char *mlce_text_end(mlce_text *text, const char *what);

/* Control characters, and what ends the line or turns the direction of the text behind it: what no
   terminal should get out of a file. */
bool mlce_text_is_control(int32_t code_point);

#endif

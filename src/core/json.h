/* json.h - JSON that is made and read whole or not at all, also when memory runs out. */
#ifndef MLCE_CORE_JSON_H
#define MLCE_CORE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "mlce/status.h"

/* Add to an object or a list, and take over `value`. If that fails (`value` may be NULL, as jansson
   returns it when out of memory) the whole is freed and NULL, and what it is added to in turn; so
   one look at the outermost is enough. */
void mlce_json_set(json_t **object, const char *key, json_t *value);
void mlce_json_append(json_t **list, json_t *value);

/* The id of a record: a number if it was one, else a string; NULL when out of memory. */
json_t *mlce_json_id(const char *id, bool is_integer);

/* Writes JSON text and the end of a line. A terminal gets U+007F to U+009F, which could drive it
   and which jansson leaves as they are, as \u007f and so on: the same JSON. False if it cannot. */
bool mlce_json_write(FILE *file, const char *text);
/* The value, which it takes over, as text on the heap; `flags` are jansson's, `what` is named in
   the message. NULL (message set) when out of memory, also where that was so while the value was
   made, which then is NULL. */
char *mlce_json_text(json_t *value, size_t flags, const char *what);
/* Writes it. What the file refuses is left to ferror(). */
mlce_status mlce_json_print(FILE *file, json_t *value, size_t flags, const char *what);

/* Read JSON from a text, or from what is left of a file; `flags` are jansson's. MLCE_E_DATA: it is
   not JSON, for the reason in *error, and no message is set. MLCE_E_MEMORY: out of memory, with
   the message set. *value is NULL on failure. */
mlce_status mlce_json_parse(const char *text, size_t length, size_t flags, json_t **value,
                            json_error_t *error);
mlce_status mlce_json_read(FILE *file, size_t flags, json_t **value, json_error_t *error);

#endif

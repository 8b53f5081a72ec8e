/* config_store.h - what the parts of the configuration share: the store itself, its names, values
 * as text, and the layout of documentation. */
#ifndef MLCE_CORE_CONFIG_STORE_H
#define MLCE_CORE_CONFIG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mlce/config.h"

/* ---- Values ---- */

typedef struct mlce_config_value {
    char *text; /* as given; a bool as yes or no */
    bool swept; /* the text is "sweep(...)", and the value none of those that it stands for */
    int64_t integer;
    double number;
    bool truth;
} mlce_config_value;

/* Reads `text` as a value of `key`, whose name in full is `name`. value->text is on the heap. */
mlce_status mlce_config_parse(const mlce_config_key *key, const char *name, const char *text,
                              mlce_config_value *value);
/* Whether `text` is one of "a|b|c". */
bool mlce_config_one_of(const char *choices, const char *text);
/* Writes `number` as people read it, 1,000,000 or 1e-30, whatever the locale. */
void mlce_config_print_number(FILE *out, double number);
/* Writes "a|b|c" as a, b or c. */
void mlce_config_print_choices(FILE *out, const char *choices);
/* The first UTF-8 sequence of text[0..length-1] that is not right, or `length`. */
size_t mlce_config_utf8_prefix(const char *text, size_t length);

/* A user's text as it goes into a message: short, and without control characters. */
typedef struct mlce_shown {
    char text[96];
} mlce_shown;
mlce_shown mlce_config_show(const char *text);

/* ---- Names ---- */

/* Key number `i` of all tables; NULL behind the last. */
const mlce_config_key *mlce_config_key_at(size_t i);
/* The key that declares `name`; *section gets its number, 0 where it has none. NULL: no key. */
const mlce_config_key *mlce_config_declared(const char *name, int *section);
/* A key of the section `name` ("optim", "encoder.2"), with its number as above; NULL: no such. */
const mlce_config_key *mlce_config_declared_section(const char *name, int *section);
/* How many bytes of a key's name are its section. */
size_t mlce_config_section_length(const char *name);
/* Whether two declared keys are of one section. */
bool mlce_config_same_section(const mlce_config_key *a, const mlce_config_key *b);
/* Whether no key before number `i` is of its section. */
bool mlce_config_first_of_section(size_t i);
/* "encoder.*.size" with 2 is "encoder.2.size". At most `size` bytes. */
void mlce_config_full_name(const char *pattern, int section, char *name, size_t size);
/* Fails, with the name that may have been meant. */
mlce_status mlce_config_unknown_key(const char *name);
mlce_status mlce_config_unknown_section(const char *name);

enum { MLCE_CONFIG_NAME_SIZE = 96, MLCE_CONFIG_MAX_SECTIONS = 999 };

/* ---- The store ---- */

typedef struct mlce_config_entry {
    const mlce_config_key *key;
    char *name;  /* in full: "encoder.2.size" */
    int section; /* 2; 0 where the key is not numbered */
    bool set;
    int line; /* of the text being read, where it set this key; 0: it did not */
    mlce_config_value value;
} mlce_config_entry;

struct mlce_config {
    mlce_config_entry *entries;
    size_t count, capacity;
};

/* NULL: no such entry (which may be a key of a numbered section that is not there). */
mlce_config_entry *mlce_config_find(const mlce_config *config, const char *name);
/* Adds section number `section` of `key` with all of its keys, if it is not there. */
mlce_status mlce_config_add_section(mlce_config *config, const mlce_config_key *key, int section);
/* Whether the entry's `only` holds. If not, *unmet (may be NULL) gets the entry it asks for. */
bool mlce_config_has_effect(const mlce_config *config, const mlce_config_entry *entry,
                            const mlce_config_entry **unmet);
/* Makes the key a default again. */
mlce_status mlce_config_unset(mlce_config *config, const char *name);
/* The first value of `a` that has an effect and is not that of `b`; NULL: there is none. */
const mlce_config_entry *mlce_config_difference(const mlce_config *a, const mlce_config *b);
/* Sets what a text that was read into `copy` (a copy of `config`) has set. */
mlce_status mlce_config_take(mlce_config *config, mlce_config *copy);
/* Ends the program: its own code asked for something that no table declares. */
_Noreturn void mlce_config_mistake(const char *name, const char *problem);

/* ---- Documentation ---- */

/* Writes words of `text` in lines of at most 100 columns. The caller has written up to `column`;
   every further line begins with `indent`. Ends with a newline. */
void mlce_config_print_wrapped(FILE *out, const char *text, size_t column, const char *indent);

#endif

/* config.h - what a run is told: keys with values, from an INI file and the command line.
 *
 * Every key is declared once, in a table beside the code that reads it, with its kind, default,
 * unit, limits and one line of documentation. A key that no table declares is refused with the
 * nearest name; a key that was set but has no effect beside the other values is refused too.
 */
#ifndef MLCE_CONFIG_H
#define MLCE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlce_key_kind {
    MLCE_KEY_STRING,
    MLCE_KEY_INT,
    MLCE_KEY_FLOAT,
    MLCE_KEY_BOOL,  /* yes/no, true/false, on/off, 1/0; written back as yes/no */
    MLCE_KEY_CHOICE /* one of `choices` */
} mlce_key_kind;

typedef struct mlce_config_key {
    const char *name; /* "optim.lr"; "encoder.*.size" is one key in each numbered section
                         [encoder.1], [encoder.2], ... */
    mlce_key_kind kind;
    const char *fallback; /* the default, as it would be written; "" for an empty string */
    const char *unit;     /* "tokens", "steps", ... ; "" where there is none */
    const char *doc;      /* one line */
    double min, max;      /* INT and FLOAT: the values allowed, both ends included */
    const char *choices;  /* CHOICE: "adam|adamw" */
    const char *only;     /* "model.head=global_pointer": the key has an effect only there, or with
                             != everywhere else; "encoder.*.type=mlp" speaks of the same numbered
                             section; MLCE_ONLY_SWEEP: where a value is sweep(...). NULL: always */
} mlce_config_key;

#define MLCE_ONLY_SWEEP "sweep(...)"

/* All keys of the program: a list of tables, each ended by a key whose name is NULL; the list is
   ended by NULL. Defined in src/model/registry.c. */
MLCE_API const mlce_config_key *const *mlce_config_tables(void);

typedef struct mlce_config mlce_config;

/* A configuration in which every key has its default. NULL when out of memory. */
MLCE_API mlce_config *mlce_config_new(void);
MLCE_API mlce_config *mlce_config_copy(const mlce_config *config);
MLCE_API void mlce_config_free(mlce_config *config);

/* Sets the keys of an INI file: `[optim]` then `lr = 1e-3` is optim.lr. Comments begin with # or
   ;. A section [encoder.1] without keys is there with its defaults. Refused, with file and line:
   what is not INI, a key outside a section, a key that stands twice, an unknown key or section, a
   wrong value, a file over 1 MiB. On failure nothing is set. */
MLCE_API mlce_status mlce_config_read(mlce_config *config, const char *path);

/* Sets one key, as the command line does: "optim.lr", "3e-4". A value "sweep(...)" stands for
   several, of a list or a range (mlce/sweep.h); each must be right for the key. */
MLCE_API mlce_status mlce_config_set(mlce_config *config, const char *key, const char *value);
/* The same from one string "optim.lr=3e-4". */
MLCE_API mlce_status mlce_config_assign(mlce_config *config, const char *assignment);

/* After all are set: numbered sections are 1, 2, ... without a gap, and no key was set that has no
   effect (its `only` does not hold), and no value is sweep(...). */
MLCE_API mlce_status mlce_config_check(const mlce_config *config);

/* Values. The key must be declared, with this kind (as a string, any kind can be read the way it
   was written): asking for another is a mistake of the program and aborts. Numbered keys are asked
   for as "encoder.2.size". Strings are owned by the config and valid until the key is set again. */
MLCE_API const char *mlce_config_string(const mlce_config *config, const char *key);
MLCE_API int64_t mlce_config_int(const mlce_config *config, const char *key);
MLCE_API double mlce_config_float(const mlce_config *config, const char *key);
MLCE_API bool mlce_config_bool(const mlce_config *config, const char *key);
/* Whether the key was set (and not only has its default). */
MLCE_API bool mlce_config_is_set(const mlce_config *config, const char *key);
/* How many numbered sections [name.1] .. [name.n] there are. */
MLCE_API int mlce_config_sections(const mlce_config *config, const char *name);

/* The configuration as an INI text (every key that has an effect, set or default; a value that INI
   cannot hold, as one with a newline, is only a comment), or as a flat JSON object
   {"optim.lr": "0.001", ...}; on the heap, for the caller to free. NULL when out of memory. */
MLCE_API char *mlce_config_to_ini(const mlce_config *config);
MLCE_API char *mlce_config_to_json(const mlce_config *config);
/* Sets the keys of such a JSON object; on failure none. */
MLCE_API mlce_status mlce_config_from_json(mlce_config *config, const char *json);

/* The text of --help-config: every key by section with default, unit, limits and documentation;
   on the heap, for the caller to free. */
MLCE_API char *mlce_config_help(void);

#ifdef __cplusplus
}
#endif
#endif

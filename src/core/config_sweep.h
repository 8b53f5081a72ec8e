/* config_sweep.h - a value that stands for several: "sweep(0.1, 0.2, 0.3)" is a list, and for a key
 * that is a number "sweep(1e-4, 3e-3, log)" a range to draw from, evenly on a logarithmic scale, or
 * with `linear` evenly. */
#ifndef MLCE_CORE_CONFIG_SWEEP_H
#define MLCE_CORE_CONFIG_SWEEP_H

#include "core/config_store.h"

typedef struct mlce_config_sweep {
    mlce_key_kind kind;
    bool is_range, is_log;
    mlce_config_value *values; /* the list's; or the range's two ends */
    int count;
} mlce_config_sweep;

/* Whether the text is meant as such a value. */
bool mlce_config_is_sweep(const char *text);
/* Reads one; all values must be right for the key. Free with mlce_config_sweep_free(), also after
   a failure. */
mlce_status mlce_config_parse_sweep(const mlce_config_key *key, const char *name, const char *text,
                                    mlce_config_sweep *sweep);
void mlce_config_sweep_free(mlce_config_sweep *sweep);

/* The value of a range at `share` of its way, 0 <= share < 1, as text: a whole number, or four
   digits. On the heap; NULL (message set) when out of memory. */
char *mlce_config_sweep_at(const mlce_config_sweep *sweep, double share);

#endif

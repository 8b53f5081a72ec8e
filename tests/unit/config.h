/* config.h - what the tests of the configuration share. */
#ifndef UNIT_CONFIG_H
#define UNIT_CONFIG_H

#include <stdio.h>

#include "mlce/config.h"
#include "unit.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

static inline mlce_config *new_config(void) {
    mlce_config *config = mlce_config_new();
    ck_assert_ptr_nonnull(config);
    return config;
}

/* Keys as on the command line, "key=value key=value". */
static inline mlce_config *config_of(const char *keys) {
    mlce_config *config = new_config();
    char text[512];
    snprintf(text, sizeof text, "%s", keys);
    for (char *rest, *key = strtok_r(text, " ", &rest); key; key = strtok_r(NULL, " ", &rest))
        assert_ok(mlce_config_assign(config, key));
    return config;
}

/* Both hold the same values (what is only a default in one may be set in the other). */
static inline void assert_same(const mlce_config *a, const mlce_config *b) {
    char *first = mlce_config_to_json(a), *second = mlce_config_to_json(b);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
}

#endif

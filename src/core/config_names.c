/* config_names.c - the names of keys and sections, and what a wrong one may have meant. */
#include <stdlib.h>
#include <string.h>

#include "core/config_store.h"
#include "core/spelling.h"

const mlce_config_key *mlce_config_key_at(size_t i) {
    for (const mlce_config_key *const *table = mlce_config_tables(); *table; table++)
        for (const mlce_config_key *key = *table; key->name; key++)
            if (i-- == 0) return key;
    return NULL;
}

size_t mlce_config_section_length(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

bool mlce_config_same_section(const mlce_config_key *a, const mlce_config_key *b) {
    size_t length = mlce_config_section_length(a->name);
    return length == mlce_config_section_length(b->name) && memcmp(a->name, b->name, length) == 0;
}

bool mlce_config_first_of_section(size_t i) {
    const mlce_config_key *key = mlce_config_key_at(i);
    for (size_t k = 0; k < i; k++)
        if (mlce_config_same_section(mlce_config_key_at(k), key)) return false;
    return true;
}

/* Reads 1 .. 999 without leading zeros from *text and moves behind it; 0 where there is none. */
static int read_section_number(const char **text) {
    const char *at = *text;
    int number = 0;
    if (*at == '0') return 0;
    while (*at >= '0' && *at <= '9' && number <= MLCE_CONFIG_MAX_SECTIONS)
        number = number * 10 + (*at++ - '0');
    if (number > MLCE_CONFIG_MAX_SECTIONS) return 0;
    *text = at;
    return number;
}

/* Whether `name` is pattern[0..length-1], in which a * stands for a section's number. */
static bool matches(const char *pattern, size_t length, const char *name, int *section) {
    *section = 0;
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '*') {
            *section = read_section_number(&name);
            if (!*section) return false;
        } else if (*name++ != pattern[i]) {
            return false;
        }
    }
    return *name == 0;
}

const mlce_config_key *mlce_config_declared(const char *name, int *section) {
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++)
        if (matches(key->name, strlen(key->name), name, section)) return key;
    return NULL;
}

const mlce_config_key *mlce_config_declared_section(const char *name, int *section) {
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++)
        if (matches(key->name, mlce_config_section_length(key->name), name, section)) return key;
    return NULL;
}

void mlce_config_full_name(const char *pattern, int section, char *name, size_t size) {
    const char *star = strchr(pattern, '*');
    if (star)
        snprintf(name, size, "%.*s%d%s", (int)(star - pattern), pattern, section, star + 1);
    else
        snprintf(name, size, "%s", pattern);
}

/* The number that `name` has where the pattern has a *; 1 where that makes no sense. */
static int section_meant(const char *pattern, const char *name) {
    size_t star = strcspn(pattern, "*");
    if (!pattern[star] || strncmp(pattern, name, star) != 0) return 1;
    name += star;
    int number = read_section_number(&name);
    return number ? number : 1;
}

/* A slip or two in the whole name come first, then a right name in a wrong section (or in none),
   then more slips. */
mlce_status mlce_config_unknown_key(const char *name) {
    char nearest[MLCE_CONFIG_NAME_SIZE] = "";
    int least = mlce_spelling_tolerance(name) + 1;
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++) {
        char full[MLCE_CONFIG_NAME_SIZE];
        mlce_config_full_name(key->name, section_meant(key->name, name), full, sizeof full);
        int slips = mlce_spelling_slips(name, full);
        if (slips > 2 && mlce_spelling_slips(last, strrchr(full, '.') + 1) == 0) slips = 2;
        if (slips < least) {
            least = slips;
            memcpy(nearest, full, sizeof nearest);
        }
    }
    if (*nearest)
        return mlce_fail(MLCE_E_CONFIG, "unknown key '%s': did you mean '%s'?",
                         mlce_config_show(name).text, nearest);
    return mlce_fail(MLCE_E_CONFIG, "unknown key '%s': --help-config lists all keys",
                     mlce_config_show(name).text);
}

/* A section with its number: "encoder.*" is shown as "encoder.1". */
static void section_name(const mlce_config_key *key, int section, char *name, size_t size) {
    char pattern[MLCE_CONFIG_NAME_SIZE];
    snprintf(pattern, sizeof pattern, "%.*s", (int)mlce_config_section_length(key->name),
             key->name);
    mlce_config_full_name(pattern, section, name, size);
}

mlce_status mlce_config_unknown_section(const char *name) {
    char nearest[MLCE_CONFIG_NAME_SIZE] = "", all[512] = "";
    int least = mlce_spelling_tolerance(name) + 1;
    size_t used = 0;
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++) {
        if (!mlce_config_first_of_section(i)) continue;
        char full[MLCE_CONFIG_NAME_SIZE];
        section_name(key, section_meant(key->name, name), full, sizeof full);
        int slips = mlce_spelling_slips(name, full);
        size_t length = strlen(full);
        if (strncmp(name, full, length) == 0) slips = 1; /* [optimizer] for [optim] */
        if (slips < least) {
            least = slips;
            memcpy(nearest, full, sizeof nearest);
        }
        if (used < sizeof all)
            used +=
                (size_t)snprintf(all + used, sizeof all - used, "%s[%s]", used ? ", " : "", full);
    }
    if (*nearest)
        return mlce_fail(MLCE_E_CONFIG, "unknown section [%s]: did you mean [%s]?",
                         mlce_config_show(name).text, nearest);
    return mlce_fail(MLCE_E_CONFIG, "unknown section [%s]: there are %s",
                     mlce_config_show(name).text, all);
}

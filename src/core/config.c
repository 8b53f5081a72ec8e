/* config.c - the store of configuration values: one entry for each key, with its default from the
 * start; the keys of a numbered section appear all at once when its first is set. */
#include "mlce/config.h"

#include <stdlib.h>
#include <string.h>

#include "core/config_store.h"
#include "mlce/memory.h"

void mlce_config_mistake(const char *name, const char *problem) {
    fprintf(stderr, "libmlce: configuration key '%s': %s\n", name, problem);
    abort();
}

mlce_config_entry *mlce_config_find(const mlce_config *config, const char *name) {
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->entries[i].name, name) == 0) return &config->entries[i];
    return NULL;
}

/* Adds a key with its default. */
static mlce_status add_entry(mlce_config *config, const mlce_config_key *key, int section) {
    char name[MLCE_CONFIG_NAME_SIZE];
    mlce_config_full_name(key->name, section, name, sizeof name);
    mlce_status status = mlce_grow((void **)&config->entries, &config->capacity, config->count + 1,
                                   sizeof *config->entries);
    if (status) return status;
    mlce_config_entry entry = {.key = key, .section = section, .name = mlce_strdup(name)};
    if (!entry.name) return MLCE_E_MEMORY;
    status = mlce_config_parse(key, name, key->fallback, &entry.value);
    if (status == MLCE_E_CONFIG) mlce_config_mistake(name, mlce_last_error());
    if (status) {
        free(entry.name);
        return status;
    }
    config->entries[config->count++] = entry;
    return MLCE_OK;
}

static void truncate_entries(mlce_config *config, size_t count) {
    while (config->count > count) {
        mlce_config_entry *last = &config->entries[--config->count];
        free(last->name);
        free(last->value.text);
    }
}

static bool has_section(const mlce_config *config, const mlce_config_key *key, int section) {
    for (size_t i = 0; i < config->count; i++)
        if (config->entries[i].section == section &&
            mlce_config_same_section(config->entries[i].key, key))
            return true;
    return false;
}

mlce_status mlce_config_add_section(mlce_config *config, const mlce_config_key *key, int section) {
    if (has_section(config, key, section)) return MLCE_OK;
    size_t before = config->count;
    const mlce_config_key *other;
    for (size_t i = 0; (other = mlce_config_key_at(i)); i++) {
        if (!mlce_config_same_section(other, key)) continue;
        mlce_status status = add_entry(config, other, section);
        if (status) {
            truncate_entries(config, before);
            return status;
        }
    }
    return MLCE_OK;
}

mlce_config *mlce_config_new(void) {
    mlce_config *config = mlce_calloc(1, sizeof *config);
    const mlce_config_key *key;
    for (size_t i = 0; config && (key = mlce_config_key_at(i)); i++) {
        if (strchr(key->name, '*') || add_entry(config, key, 0) == MLCE_OK) continue;
        mlce_config_free(config);
        config = NULL;
    }
    return config;
}

void mlce_config_free(mlce_config *config) {
    if (!config) return;
    truncate_entries(config, 0);
    free(config->entries);
    free(config);
}

mlce_config *mlce_config_copy(const mlce_config *config) {
    mlce_config *copy = mlce_calloc(1, sizeof *copy);
    for (size_t i = 0; copy && i < config->count; i++) {
        const mlce_config_entry *from = &config->entries[i];
        char *text = mlce_strdup(from->value.text);
        if (!text || add_entry(copy, from->key, from->section)) {
            free(text);
            mlce_config_free(copy);
            return NULL;
        }
        mlce_config_entry *to = &copy->entries[i];
        free(to->value.text);
        to->value = from->value;
        to->value.text = text;
        to->set = from->set;
    }
    return copy;
}

/* Gives `value` to the entry, which owns it from now on. */
static void give(mlce_config_entry *entry, mlce_config_value value) {
    free(entry->value.text);
    entry->value = value;
    entry->set = true;
}

mlce_status mlce_config_set(mlce_config *config, const char *name, const char *text) {
    int section;
    const mlce_config_key *key = mlce_config_declared(name, &section);
    if (!key) return mlce_config_unknown_key(name);
    mlce_config_value value;
    mlce_status status = mlce_config_parse(key, name, text, &value);
    if (status) return status;
    status = mlce_config_add_section(config, key, section);
    if (status)
        free(value.text);
    else
        give(mlce_config_find(config, name), value);
    return status;
}

mlce_status mlce_config_unset(mlce_config *config, const char *name) {
    mlce_config_entry *entry = mlce_config_find(config, name);
    if (!entry || !entry->set) return MLCE_OK;
    mlce_config_value value;
    mlce_status status = mlce_config_parse(entry->key, name, entry->key->fallback, &value);
    if (status) return status;
    give(entry, value);
    entry->set = false;
    return MLCE_OK;
}

mlce_status mlce_config_assign(mlce_config *config, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return mlce_fail(MLCE_E_CONFIG, "'%s' sets no key: write KEY=VALUE, as in optim.lr=3e-4",
                         mlce_config_show(assignment).text);
    char *name = mlce_strdup(assignment);
    if (!name) return MLCE_E_MEMORY;
    name[equals - assignment] = 0;
    mlce_status status = mlce_config_set(config, name, equals + 1);
    free(name);
    return status;
}

/* First all that can fail, then the values change hands: `config` is left alone on failure. */
mlce_status mlce_config_take(mlce_config *config, mlce_config *copy) {
    size_t before = config->count;
    for (size_t i = 0; i < copy->count; i++) {
        mlce_status status =
            mlce_config_add_section(config, copy->entries[i].key, copy->entries[i].section);
        if (status) {
            truncate_entries(config, before);
            return status;
        }
    }
    for (size_t i = 0; i < copy->count; i++) {
        mlce_config_entry *from = &copy->entries[i];
        if (!from->line) continue;
        give(mlce_config_find(config, from->name), from->value);
        from->value.text = NULL;
    }
    return MLCE_OK;
}

/* ---- Conditions ---- */

/* The first key with a value "sweep(...)"; NULL: there is none. */
static const mlce_config_entry *find_swept(const mlce_config *config) {
    for (size_t i = 0; i < config->count; i++)
        if (config->entries[i].value.swept) return &config->entries[i];
    return NULL;
}

bool mlce_config_has_effect(const mlce_config *config, const mlce_config_entry *entry,
                            const mlce_config_entry **unmet) {
    const char *only = entry->key->only;
    if (!only) return true;
    if (strcmp(only, MLCE_ONLY_SWEEP) == 0) return find_swept(config) != NULL;
    const char *equals = strchr(only, '=');
    char pattern[MLCE_CONFIG_NAME_SIZE], name[MLCE_CONFIG_NAME_SIZE];
    if (!equals) mlce_config_mistake(entry->name, "its condition has no '='");
    snprintf(pattern, sizeof pattern, "%.*s", (int)strcspn(only, "!="), only);
    mlce_config_full_name(pattern, entry->section, name, sizeof name);
    const mlce_config_entry *asked = mlce_config_find(config, name);
    if (!asked) mlce_config_mistake(name, "a condition asks for it, but no table declares it");
    bool excludes = equals > only && equals[-1] == '!';
    if (mlce_config_one_of(equals + 1, asked->value.text) == excludes) {
        if (unmet) *unmet = asked;
        return false;
    }
    return mlce_config_has_effect(config, asked, unmet);
}

static mlce_status check_gaps(const mlce_config *config) {
    for (size_t i = 0; i < config->count; i++) {
        const mlce_config_entry *entry = &config->entries[i];
        if (entry->section < 2 || has_section(config, entry->key, entry->section - 1)) continue;
        const char *star = strchr(entry->key->name, '*');
        int length = (int)(star - entry->key->name);
        return mlce_fail(MLCE_E_CONFIG,
                         "there is a section [%.*s%d] but no [%.*s%d]: number them 1, 2, ... "
                         "without a gap",
                         length, entry->name, entry->section, length, entry->name,
                         entry->section - 1);
    }
    return MLCE_OK;
}

mlce_status mlce_config_check(const mlce_config *config) {
    const mlce_config_entry *swept = find_swept(config);
    if (swept)
        return mlce_fail(MLCE_E_CONFIG,
                         "%s = %s: a run has one value; to try several, start mlce-train with "
                         "--sweep",
                         swept->name, mlce_config_show(swept->value.text).text);
    mlce_status status = check_gaps(config);
    if (status) return status;
    for (size_t i = 0; i < config->count; i++) {
        const mlce_config_entry *entry = &config->entries[i], *unmet = NULL;
        if (!entry->set || mlce_config_has_effect(config, entry, &unmet)) continue;
        if (!unmet)
            return mlce_fail(MLCE_E_CONFIG,
                             "%s has no effect without a value sweep(...): remove it", entry->name);
        return mlce_fail(MLCE_E_CONFIG, "%s has no effect with %s = %s: remove it", entry->name,
                         unmet->name, unmet->value.text);
    }
    return MLCE_OK;
}

const mlce_config_entry *mlce_config_difference(const mlce_config *a, const mlce_config *b) {
    for (size_t i = 0; i < a->count; i++) {
        const mlce_config_entry *entry = &a->entries[i];
        const mlce_config_entry *other = mlce_config_find(b, entry->name);
        if (mlce_config_has_effect(a, entry, NULL) &&
            (!other || strcmp(entry->value.text, other->value.text)))
            return entry;
    }
    return NULL;
}

/* ---- Reading values ---- */

static const mlce_config_value *value_of(const mlce_config *config, const char *name,
                                         mlce_key_kind kind) {
    const mlce_config_entry *entry = mlce_config_find(config, name);
    if (!entry) mlce_config_mistake(name, "there is no such key");
    if (entry->key->kind != kind) mlce_config_mistake(name, "it is of another kind");
    return &entry->value;
}

/* A value of any kind can be read as it was written. */
const char *mlce_config_string(const mlce_config *config, const char *key) {
    const mlce_config_entry *entry = mlce_config_find(config, key);
    if (!entry) mlce_config_mistake(key, "there is no such key");
    return entry->value.text;
}

int64_t mlce_config_int(const mlce_config *config, const char *key) {
    return value_of(config, key, MLCE_KEY_INT)->integer;
}

double mlce_config_float(const mlce_config *config, const char *key) {
    return value_of(config, key, MLCE_KEY_FLOAT)->number;
}

bool mlce_config_bool(const mlce_config *config, const char *key) {
    return value_of(config, key, MLCE_KEY_BOOL)->truth;
}

bool mlce_config_is_set(const mlce_config *config, const char *key) {
    int section;
    const mlce_config_entry *entry = mlce_config_find(config, key);
    if (!entry && !mlce_config_declared(key, &section))
        mlce_config_mistake(key, "there is no such key");
    return entry && entry->set;
}

int mlce_config_sections(const mlce_config *config, const char *name) {
    char first[MLCE_CONFIG_NAME_SIZE];
    int section, count = 0;
    snprintf(first, sizeof first, "%s.1", name);
    const mlce_config_key *key = mlce_config_declared_section(first, &section);
    if (!key || !section) mlce_config_mistake(name, "there are no such numbered sections");
    while (has_section(config, key, count + 1)) count++;
    return count;
}

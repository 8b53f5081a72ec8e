/* config_sweep.c - values that stand for several. */
#include "core/config_sweep.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_locale.h"
#include "mlce/memory.h"

static const char OPENING[] = "sweep(";

bool mlce_config_is_sweep(const char *text) {
    return strncmp(text, OPENING, strlen(OPENING)) == 0;
}

static bool is_number(mlce_key_kind kind) {
    return kind == MLCE_KEY_INT || kind == MLCE_KEY_FLOAT;
}

static double number_of(mlce_key_kind kind, const mlce_config_value *value) {
    return kind == MLCE_KEY_INT ? (double)value->integer : value->number;
}

/* Of pointers to values, for qsort(). */
static int compare_numbers(const void *left, const void *right) {
    const mlce_config_value *a = *(mlce_config_value *const *)left,
                            *b = *(mlce_config_value *const *)right;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static int compare_texts(const void *left, const void *right) {
    return strcmp((*(mlce_config_value *const *)left)->text,
                  (*(mlce_config_value *const *)right)->text);
}

/* Adds an item; a word behind the numbers makes them a range. */
static mlce_status add_item(const mlce_config_key *key, const char *name, const char *item,
                            size_t *capacity, mlce_config_sweep *sweep) {
    if (!*item || mlce_config_is_sweep(item))
        return mlce_fail(MLCE_E_CONFIG, "%s = sweep(...): a value is %s", name,
                         *item ? "a sweep itself" : "missing: write sweep(VALUE, VALUE, ...)");
    bool is_log = strcmp(item, "log") == 0;
    if (sweep->is_range)
        return mlce_fail(MLCE_E_CONFIG, "%s = sweep(...): log or linear must stand last", name);
    if (is_number(key->kind) && (is_log || strcmp(item, "linear") == 0)) {
        sweep->is_range = true;
        sweep->is_log = is_log;
        return MLCE_OK;
    }
    mlce_status status = mlce_grow((void **)&sweep->values, capacity, (size_t)sweep->count + 1,
                                   sizeof *sweep->values);
    mlce_config_value value = {0};
    if (!status) status = mlce_config_parse(key, name, item, &value);
    if (!status) sweep->values[sweep->count++] = value;
    return status;
}

static mlce_status check_range(const mlce_config_sweep *sweep, const char *name) {
    if (sweep->count != 2)
        return mlce_fail(MLCE_E_CONFIG,
                         "%s = sweep(...): a range to draw from has two ends, %d given: write "
                         "sweep(LOW, HIGH, log)",
                         name, sweep->count);
    double low = number_of(sweep->kind, &sweep->values[0]);
    double high = number_of(sweep->kind, &sweep->values[1]);
    if (!(low < high))
        return mlce_fail(MLCE_E_CONFIG, "%s = sweep(...): the range from %s to %s is empty", name,
                         sweep->values[0].text, sweep->values[1].text);
    if (sweep->is_log && !(low > 0))
        return mlce_fail(MLCE_E_CONFIG,
                         "%s = sweep(...): a logarithmic range must begin over 0, not at %s", name,
                         sweep->values[0].text);
    return MLCE_OK;
}

static mlce_status check_list(const mlce_config_sweep *sweep, const char *name) {
    int (*compare)(const void *, const void *) =
        is_number(sweep->kind) ? compare_numbers : compare_texts;
    size_t count = (size_t)sweep->count;
    const mlce_config_value **sorted = mlce_calloc(count, sizeof *sorted), *twice = NULL;
    if (!sorted) return MLCE_E_MEMORY;
    for (size_t i = 0; i < count; i++) sorted[i] = &sweep->values[i];
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 1; i < count && !twice; i++)
        if (compare(&sorted[i - 1], &sorted[i]) == 0)
            twice = sorted[i] > sorted[i - 1] ? sorted[i] : sorted[i - 1];
    free(sorted);
    if (!twice) return MLCE_OK;
    return mlce_fail(MLCE_E_CONFIG, "%s = sweep(...): %s stands twice", name,
                     mlce_config_show(twice->text).text);
}

/* Cuts `text` at its commas, and the blanks off each item. */
static mlce_status add_items(const mlce_config_key *key, const char *name, char *text,
                             mlce_config_sweep *sweep) {
    static const char blanks[] = " \t";
    size_t capacity = 0;
    while (text) {
        char *comma = strchr(text, ',');
        if (comma) *comma = 0;
        text += strspn(text, blanks);
        size_t length = strlen(text);
        while (length && strchr(blanks, text[length - 1])) text[--length] = 0;
        mlce_status status = add_item(key, name, text, &capacity, sweep);
        if (status) return status;
        text = comma ? comma + 1 : NULL;
    }
    return MLCE_OK;
}

mlce_status mlce_config_parse_sweep(const mlce_config_key *key, const char *name, const char *text,
                                    mlce_config_sweep *sweep) {
    *sweep = (mlce_config_sweep){.kind = key->kind};
    size_t length = strlen(text);
    if (text[length - 1] != ')')
        return mlce_fail(MLCE_E_CONFIG, "%s = '%s' does not end with ')'", name,
                         mlce_config_show(text).text);
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c) && *c != '\t')
            return mlce_fail(MLCE_E_CONFIG, "%s = sweep(...): a control character in a value",
                             name);
    char *items = mlce_strdup(text + strlen(OPENING));
    if (!items) return MLCE_E_MEMORY;
    items[length - strlen(OPENING) - 1] = 0;
    mlce_status status = add_items(key, name, items, sweep);
    free(items);
    if (status) return status;
    return sweep->is_range ? check_range(sweep, name) : check_list(sweep, name);
}

void mlce_config_sweep_free(mlce_config_sweep *sweep) {
    for (int i = 0; i < sweep->count; i++) free(sweep->values[i].text);
    free(sweep->values);
    *sweep = (mlce_config_sweep){0};
}

/* Each whole number of a linear range is as likely as the others. */
static double place(const mlce_config_sweep *sweep, double low, double high, double share) {
    if (sweep->is_log) return low * pow(high / low, share);
    if (sweep->kind == MLCE_KEY_INT) return floor(low + share * (high - low + 1));
    return low + share * (high - low);
}

char *mlce_config_sweep_at(const mlce_config_sweep *sweep, double share) {
    const mlce_config_value *ends = sweep->values;
    double low = number_of(sweep->kind, &ends[0]), high = number_of(sweep->kind, &ends[1]);
    double number = place(sweep, low, high, share);
    char text[32];
    mlce_locale locale = mlce_locale_begin();
    snprintf(text, sizeof text, sweep->kind == MLCE_KEY_INT ? "%.0f" : "%.4g", number);
    double rounded = strtod(text, NULL);
    mlce_locale_end(locale);
    if (rounded < low) return mlce_strdup(ends[0].text);
    if (rounded > high) return mlce_strdup(ends[1].text);
    return mlce_strdup(text);
}

/* config_value.c - values of the configuration: from text, and back into messages. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "core/config_locale.h"
#include "core/config_store.h"
#include "core/config_sweep.h"
#include "mlce/memory.h"

size_t mlce_config_utf8_prefix(const char *text, size_t length) {
    size_t at = 0;
    while (at < length) {
        utf8proc_int32_t character;
        utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                  (utf8proc_ssize_t)(length - at), &character);
        if (bytes <= 0) break;
        at += (size_t)bytes;
    }
    return at;
}

mlce_shown mlce_config_show(const char *text) {
    enum { ROOM = sizeof((mlce_shown){{0}}).text - sizeof "..." };
    mlce_shown shown = {{0}};
    size_t length = strlen(text);
    size_t kept = length <= ROOM ? length : mlce_config_utf8_prefix(text, ROOM);
    for (size_t i = 0; i < kept; i++) {
        unsigned char byte = (unsigned char)text[i];
        shown.text[i] = byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
    if (kept < length) memcpy(shown.text + kept, "...", 4);
    return shown;
}

bool mlce_config_one_of(const char *choices, const char *text) {
    size_t length = strlen(text);
    while (choices) {
        size_t choice = strcspn(choices, "|");
        if (choice == length && memcmp(choices, text, length) == 0) return true;
        choices = choices[choice] ? choices + choice + 1 : NULL;
    }
    return false;
}

void mlce_config_print_choices(FILE *out, const char *choices) {
    while (*choices) {
        size_t choice = strcspn(choices, "|");
        fprintf(out, "%.*s", (int)choice, choices);
        choices += choice;
        if (*choices) fputs(strchr(++choices, '|') ? ", " : " or ", out);
    }
}

void mlce_config_print_number(FILE *out, double number) {
    mlce_locale locale = mlce_locale_begin();
    if (fabs(number) < 1e16 && number == floor(number)) {
        char digits[32];
        int length = snprintf(digits, sizeof digits, "%.0f", fabs(number));
        if (number < 0) fputc('-', out);
        for (int i = 0; i < length; i++) {
            if (i && (length - i) % 3 == 0) fputc(',', out);
            fputc(digits[i], out);
        }
    } else {
        fprintf(out, "%.10g", number);
    }
    mlce_locale_end(locale);
}

/* "name = text: must be from 1 to 1,000,000" or "must be adam or adamw". */
static mlce_status fail_allowed(const mlce_config_key *key, const char *name, const char *text) {
    char allowed[512] = "";
    FILE *out = fmemopen(allowed, sizeof allowed - 1, "w");
    if (!out) return mlce_fail(MLCE_E_MEMORY, "out of memory");
    if (key->kind == MLCE_KEY_CHOICE) {
        mlce_config_print_choices(out, key->choices);
    } else {
        fputs("from ", out);
        mlce_config_print_number(out, key->min);
        fputs(" to ", out);
        mlce_config_print_number(out, key->max);
    }
    fclose(out);
    return mlce_fail(MLCE_E_CONFIG,
                     key->kind == MLCE_KEY_CHOICE ? "%s = '%s': must be %s" : "%s = %s: must be %s",
                     name, mlce_config_show(text).text, allowed);
}

/* strtod takes blanks, "inf", "nan" and hexadecimal too; a configuration has none of them. */
static bool looks_decimal(const char *text) {
    return *text && text[strspn(text, "+-.0123456789eE")] == 0;
}

static mlce_status parse_float(const mlce_config_key *key, const char *name, const char *text,
                               double *number) {
    char *end = NULL;
    mlce_locale locale = mlce_locale_begin();
    errno = 0;
    *number = strtod(text, &end);
    bool in_range = errno != ERANGE;
    mlce_locale_end(locale);
    if (!looks_decimal(text) || end == text || *end)
        return mlce_fail(MLCE_E_CONFIG, "%s = '%s' is not a number", name,
                         mlce_config_show(text).text);
    if (!in_range && fabs(*number) < 1)
        return mlce_fail(MLCE_E_CONFIG, "%s = %s: nearer to 0 than a double can be", name,
                         mlce_config_show(text).text);
    if (!in_range || !(*number >= key->min && *number <= key->max))
        return fail_allowed(key, name, text);
    return MLCE_OK;
}

static mlce_status parse_int(const mlce_config_key *key, const char *name, const char *text,
                             int64_t *integer) {
    char *end = NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    bool in_range = errno != ERANGE;
    if (!looks_decimal(text) || end == text || *end)
        return mlce_fail(MLCE_E_CONFIG, "%s = '%s' is not a whole number", name,
                         mlce_config_show(text).text);
    if (!in_range || !((double)parsed >= key->min && (double)parsed <= key->max))
        return fail_allowed(key, name, text);
    *integer = parsed;
    return MLCE_OK;
}

/* Case does not matter: True and YES are common. */
static mlce_status parse_bool(const char *name, const char *text, bool *truth) {
    static const char *const words[][2] = {
        {"yes", "no"}, {"true", "false"}, {"on", "off"}, {"1", "0"}};
    mlce_locale locale = mlce_locale_begin();
    int found = -1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int no = 0; no < 2; no++)
            if (strcasecmp(text, words[i][no]) == 0) found = no;
    mlce_locale_end(locale);
    if (found < 0)
        return mlce_fail(MLCE_E_CONFIG, "%s = '%s': must be yes or no (or true/false, on/off, 1/0)",
                         name, mlce_config_show(text).text);
    *truth = found == 0;
    return MLCE_OK;
}

/* The values that it stands for must be right. */
static mlce_status parse_swept(const mlce_config_key *key, const char *name, const char *text,
                               mlce_config_value *value) {
    mlce_config_sweep sweep;
    mlce_status status = mlce_config_parse_sweep(key, name, text, &sweep);
    mlce_config_sweep_free(&sweep);
    if (status) return status;
    *value = (mlce_config_value){.text = mlce_strdup(text), .swept = true};
    return value->text ? MLCE_OK : MLCE_E_MEMORY;
}

mlce_status mlce_config_parse(const mlce_config_key *key, const char *name, const char *text,
                              mlce_config_value *value) {
    mlce_config_value parsed = {0};
    mlce_status status = MLCE_OK;
    size_t length = strlen(text);
    if (mlce_config_utf8_prefix(text, length) < length)
        return mlce_fail(MLCE_E_CONFIG, "the value of %s is not UTF-8", name);
    if (mlce_config_is_sweep(text)) return parse_swept(key, name, text, value);
    switch (key->kind) {
    case MLCE_KEY_STRING:
        break;
    case MLCE_KEY_INT:
        status = parse_int(key, name, text, &parsed.integer);
        break;
    case MLCE_KEY_FLOAT:
        status = parse_float(key, name, text, &parsed.number);
        break;
    case MLCE_KEY_BOOL:
        status = parse_bool(name, text, &parsed.truth);
        text = parsed.truth ? "yes" : "no";
        break;
    case MLCE_KEY_CHOICE:
        if (!mlce_config_one_of(key->choices, text)) status = fail_allowed(key, name, text);
        break;
    }
    if (status) return status;
    parsed.text = mlce_strdup(text);
    if (!parsed.text) return MLCE_E_MEMORY;
    *value = parsed;
    return MLCE_OK;
}

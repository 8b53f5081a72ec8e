/* config_help.c - the documentation of all keys, as text. */
#include <stdlib.h>
#include <string.h>

#include "core/config_store.h"
#include "core/text.h"

enum { COLUMNS = 100, DEFAULT_WIDTH = 12 };

/* The length of the first word; "[...]" is one word if it fits into `room`. */
static size_t word_length(const char *text, size_t room) {
    size_t whole = *text == '[' ? strcspn(text, "]") : 0;
    whole += strcspn(text + whole, " ");
    return whole <= room ? whole : strcspn(text, " ");
}

void mlce_config_print_wrapped(FILE *out, const char *text, size_t column, const char *indent) {
    bool first = true; /* of its line */
    while (*text) {
        size_t word = word_length(text, COLUMNS - strlen(indent));
        if (!first && column + 1 + word > COLUMNS) {
            fprintf(out, "\n%s", indent);
            column = strlen(indent);
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)word, text);
        column += word + (first ? 0 : 1);
        first = false;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* Unit, limits or choices, and condition of a key, as in " [steps; 0 to 10]"; nothing where there
   is nothing to say. */
static void print_facts(FILE *out, const mlce_config_key *key) {
    const char *separator = " [";
    if (*key->unit) {
        fprintf(out, "%s%s", separator, key->unit);
        separator = "; ";
    }
    if (key->kind == MLCE_KEY_INT || key->kind == MLCE_KEY_FLOAT) {
        fputs(separator, out);
        mlce_config_print_number(out, key->min);
        fputs(" to ", out);
        mlce_config_print_number(out, key->max);
        separator = "; ";
    } else if (key->kind == MLCE_KEY_CHOICE && strchr(key->choices, '|')) {
        fputs(separator, out);
        mlce_config_print_choices(out, key->choices);
        separator = "; ";
    }
    if (key->only && strcmp(key->only, MLCE_ONLY_SWEEP) == 0) {
        fprintf(out, "%sonly with a value sweep(...)", separator);
        separator = "; ";
    } else if (key->only) {
        size_t name = strcspn(key->only, "!=");
        const char *dot = strstr(key->only, "*."); /* a key of the same section: without it */
        size_t start = dot ? (size_t)(dot - key->only) + 2 : 0;
        bool excludes = key->only[name] == '!';
        fprintf(out, "%sonly with %.*s %s ", separator, (int)(name - start), key->only + start,
                excludes ? "other than" : "=");
        mlce_config_print_choices(out, key->only + name + (excludes ? 2 : 1));
        separator = "; ";
    }
    if (*separator == ';') fputc(']', out);
}

/* The part of a name behind its section. */
static const char *short_name(const mlce_config_key *key) {
    return key->name + mlce_config_section_length(key->name) + 1;
}

static size_t widest_name(void) {
    size_t widest = 0;
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++)
        if (strlen(short_name(key)) > widest) widest = strlen(short_name(key));
    return widest;
}

/*   name  default  documentation [facts]   with further lines below the documentation */
static bool print_key(FILE *out, const mlce_config_key *key, size_t name_width) {
    char indent[COLUMNS], text[1024] = "";
    size_t column = 2 + name_width + 2 + DEFAULT_WIDTH + 2;
    snprintf(indent, sizeof indent, "%*s", (int)column, "");
    fprintf(out, "  %-*s  %-*s", (int)name_width, short_name(key), DEFAULT_WIDTH,
            *key->fallback ? key->fallback : "(empty)");
    if (strlen(key->fallback) > DEFAULT_WIDTH)
        fprintf(out, "\n%s", indent);
    else
        fputs("  ", out);
    FILE *meaning = fmemopen(text, sizeof text - 1, "w");
    if (!meaning) return false;
    fputs(key->doc, meaning);
    print_facts(meaning, key);
    fclose(meaning);
    mlce_config_print_wrapped(out, text, column, indent);
    return true;
}

static bool print_section(FILE *out, const mlce_config_key *first, size_t name_width) {
    const mlce_config_key *key;
    int length = (int)mlce_config_section_length(first->name);
    const char *star = memchr(first->name, '*', (size_t)length);
    if (star) {
        int stem = (int)(star - first->name);
        fprintf(out, "\n[%.*s1], [%.*s2], ...\n", stem, first->name, stem, first->name);
    } else {
        fprintf(out, "\n[%.*s]\n", length, first->name);
    }
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++)
        if (mlce_config_same_section(key, first) && !print_key(out, key, name_width)) return false;
    return true;
}

char *mlce_config_help(void) {
    static const char head[] =
        "Configuration keys: name, default, meaning [unit; values allowed].\n"
        "\n"
        "In an INI file a key stands in its section; on the command line its name has the section\n"
        "in front:\n"
        "\n"
        "  [optim]\n"
        "  lr = 3e-4          ; a comment          optim.lr=3e-4\n"
        "\n"
        "With mlce-train --sweep, a value sweep(0.1, 0.2, 0.3) is each of these in turn, and\n"
        "sweep(1e-4, 3e-3, log) is drawn from that range (linear: without the logarithm).\n";
    mlce_text text;
    FILE *out = mlce_text_begin(&text);
    if (out) fputs(head, out);
    const mlce_config_key *key;
    for (size_t i = 0; out && !text.failed && (key = mlce_config_key_at(i)); i++)
        if (mlce_config_first_of_section(i)) text.failed = !print_section(out, key, widest_name());
    return mlce_text_end(&text, "the help text");
}

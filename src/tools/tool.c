/* tool.c - what the programs share. */
#include "tools/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

#include "core/spelling.h"
#include "core/text.h"
#include "data/hdf5_walk.h"
#include "mlce/dataset.h"

enum { MESSAGE_SIZE = 4096, WALK_SECONDS = 60 };

static const char *program = "mlce", *command, *help_text = "";
static bool silent;

/* Bytes that are no UTF-8 may be control characters to a terminal that reads Latin-1. */
void mlce_tool_put(FILE *stream, const char *text) {
    for (const utf8proc_uint8_t *c = (const utf8proc_uint8_t *)text; *c;) {
        utf8proc_int32_t code_point;
        utf8proc_ssize_t size = utf8proc_iterate(c, -1, &code_point);
        if (size <= 0)
            fprintf(stream, "\\x%02x", *c);
        else if (mlce_text_is_control(code_point))
            fprintf(stream, code_point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)code_point);
        else
            fwrite(c, 1, (size_t)size, stream);
        c += size > 0 ? size : 1;
    }
}

int mlce_tool_columns(const char *text) {
    int columns = 0;
    for (const utf8proc_uint8_t *c = (const utf8proc_uint8_t *)text; *c;) {
        utf8proc_int32_t code_point;
        utf8proc_ssize_t size = utf8proc_iterate(c, -1, &code_point);
        if (size <= 0 || (mlce_text_is_control(code_point) && code_point < 0x100))
            columns += 4;
        else
            columns += mlce_text_is_control(code_point) ? 6 : utf8proc_charwidth(code_point);
        c += size > 0 ? size : 1;
    }
    return columns;
}

void mlce_tool_put_padded(FILE *stream, const char *text, int columns) {
    int left = columns - mlce_tool_columns(text);
    mlce_tool_put(stream, text);
    fprintf(stream, "%*s", left > 0 ? left : 0, "");
}

void mlce_tool_be_silent(void) {
    silent = true;
    if (!freopen("/dev/null", "w", stdout)) fclose(stdout);
}

bool mlce_tool_is_silent(void) {
    return silent;
}

const char *mlce_tool_style(FILE *stream, mlce_tool_style_name style) {
    static const char *const escapes[] = {"\033[0m", "\033[1m", "\033[1;31m", "\033[1;33m",
                                          "\033[2m"};
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool plain = (no_color && *no_color) || (terminal && !strcmp(terminal, "dumb"));
    return plain || isatty(fileno(stream)) != 1 ? "" : escapes[style];
}

static void say(mlce_tool_style_name style, const char *kind, const char *message) {
    if (silent) return;
    fflush(stdout);
    fprintf(stderr, "%s: %s%s%s", program, mlce_tool_style(stderr, style), kind,
            mlce_tool_style(stderr, MLCE_TOOL_PLAIN));
    mlce_tool_put(stderr, message);
    putc('\n', stderr);
}

static void report(mlce_log_level level, const char *message, void *context) {
    (void)context;
    bool is_warning = level == MLCE_LOG_WARNING;
    say(is_warning ? MLCE_TOOL_YELLOW : MLCE_TOOL_PLAIN, is_warning ? "warning: " : "", message);
}

void mlce_tool_begin(const char *name, const char *help) {
    program = name;
    help_text = help;
    mlce_set_log(report, NULL);
    mlce_h5_end_quietly();
    mlce_walk_files(WALK_SECONDS);
}

void mlce_tool_command(const char *name, const char *help) {
    command = name;
    help_text = help;
}

int mlce_tool_failed(void) {
    const char *message = mlce_last_error();
    say(MLCE_TOOL_RED, "error: ", *message ? message : "failed without a message");
    return MLCE_TOOL_FAILURE;
}

int mlce_tool_error(const char *format, ...) {
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    say(MLCE_TOOL_RED, "error: ", message);
    return MLCE_TOOL_FAILURE;
}

int mlce_tool_usage(const char *format, ...) {
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    say(MLCE_TOOL_RED, "error: ", message);
    if (silent) return MLCE_TOOL_WRONG_USAGE;
    fprintf(stderr, "Try '%s%s%s --help'.\n", program, command ? " " : "", command ? command : "");
    return MLCE_TOOL_WRONG_USAGE;
}

int mlce_tool_end(void) {
    if (!fflush(stdout) && !ferror(stdout)) return MLCE_TOOL_OK;
    return mlce_tool_error("cannot write to standard output: %s", strerror(errno));
}

/* A long option that getopt does not know, or that begins several. */
static int refuse_long(const char *given, const struct option *options) {
    int length = (int)strcspn(given, "="), least, begun = 0;
    char name[64] = "";
    const char *nearest = NULL, *begins[2] = {NULL};
    if (length < (int)sizeof name) memcpy(name, given + 2, (size_t)length - 2);
    least = mlce_spelling_tolerance(name) + 1;
    for (const struct option *known = options; *name && known->name; known++) {
        int slips = mlce_spelling_slips(name, known->name);
        if (!strncmp(name, known->name, strlen(name)) && begun < 2) begins[begun++] = known->name;
        if (slips >= least) continue;
        least = slips;
        nearest = known->name;
    }
    if (begun == 2)
        return mlce_tool_usage("option '%s' may be '--%s' or '--%s'", given, begins[0], begins[1]);
    if (nearest)
        return mlce_tool_usage("unknown option '%.*s': did you mean '--%s'?", length, given,
                               nearest);
    return mlce_tool_usage("unknown option '%.*s'%s", length, given,
                           strstr(help_text, "KEY=VALUE")
                               ? " (keys stand without dashes, as in train.epochs=20)"
                               : "");
}

/* What getopt refused: optopt is the letter of a short option, the `val` of a long one that was
   given a value it does not take, and 0 for a long one that is unknown or ambiguous. */
static int refuse(char **argv, const struct option *options, int result) {
    const char *given = argv[optind - 1];
    if (result == ':') return mlce_tool_usage("option '%s' needs a value", given);
    for (const struct option *known = options; optopt && known->name; known++)
        if (known->val == optopt && !strncmp(given, "--", 2))
            return mlce_tool_usage("option '--%s' has no value", known->name);
    if (optopt) return mlce_tool_usage("unknown option '-%c'", optopt);
    return refuse_long(given, options);
}

int mlce_tool_option_with(int argc, char **argv, const char *letters, const struct option *options,
                          int *exit_code) {
    char all[64];
    snprintf(all, sizeof all, ":h%s", letters);
    opterr = 0;
    int option = getopt_long(argc, argv, all, options, NULL);
    if (option == 'h' || option == MLCE_TOOL_HELP) {
        fputs(help_text, stdout);
        *exit_code = mlce_tool_end();
    } else if (option == MLCE_TOOL_VERSION) {
        printf("%s %s\n", program, MLCE_VERSION);
        *exit_code = mlce_tool_end();
    } else if (option == '?' || option == ':') {
        *exit_code = refuse(argv, options, option);
    } else {
        return option;
    }
    return MLCE_TOOL_EXIT;
}

int mlce_tool_option(int argc, char **argv, const struct option *options, int *exit_code) {
    return mlce_tool_option_with(argc, argv, "", options, exit_code);
}

bool mlce_tool_int(const char *option, const char *text, int64_t min, int64_t max, int64_t *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end != text && !*end && !errno && number >= min && number <= max) {
        *value = number;
        return true;
    }
    mlce_tool_usage("%s: '%s' is not a whole number from %" PRId64 " to %" PRId64, option, text,
                    min, max);
    return false;
}

bool mlce_tool_choose(const char *option, const char *word, const char *const *words, int *chosen) {
    char all[256] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], word)) {
            *chosen = i;
            return true;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", words[i]);
    }
    mlce_tool_usage("%s: there is no '%s': %s", option, word, all);
    return false;
}

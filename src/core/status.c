/* status.c - the thread's last message, and the logger. */
#include "mlce/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 2048 };

static _Thread_local char message[MESSAGE_SIZE];

const char *mlce_version(void) {
    return MLCE_VERSION;
}

const char *mlce_last_error(void) {
    return message;
}

/* Formats into a second buffer first: the arguments may point into `message` itself. */
static void set_message(const char *suffix, const char *format, va_list arguments) {
    char text[MESSAGE_SIZE];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) length = 0;
    if (length >= MESSAGE_SIZE) length = MESSAGE_SIZE - 1;
    snprintf(text + length, sizeof text - (size_t)length, "%s", suffix);
    memcpy(message, text, sizeof message);
}

mlce_status mlce_fail(mlce_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_message("", format, arguments);
    va_end(arguments);
    return status;
}

mlce_status mlce_fail_prefix(mlce_status status, const char *format, ...) {
    char suffix[MESSAGE_SIZE];
    memcpy(suffix, message, sizeof suffix);
    va_list arguments;
    va_start(arguments, format);
    set_message(suffix, format, arguments);
    va_end(arguments);
    return status;
}

static mlce_log_callback *log_callback;
static void *log_context;

void mlce_set_log(mlce_log_callback *callback, void *context) {
    log_callback = callback;
    log_context = context;
}

void mlce_log(mlce_log_level level, const char *format, ...) {
    if (!log_callback) return;
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_callback(level, text, log_context);
}

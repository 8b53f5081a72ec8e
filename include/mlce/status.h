/* status.h - what a function that can fail returns, and the message that goes with it.
 *
 * The library never exits, prints or asserts on what a user gave it. A function that can fail
 * returns a mlce_status; the calling thread's last message says what was wrong, where (file,
 * dataset, row, key) and what to do about it.
 */
#ifndef MLCE_STATUS_H
#define MLCE_STATUS_H

#if defined(__GNUC__)
#define MLCE_API                 __attribute__((visibility("default")))
#define MLCE_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define MLCE_API
#define MLCE_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MLCE_VERSION "0.1.0"
/* The version of the library that runs, which may be another than that of the headers. */
MLCE_API const char *mlce_version(void);

typedef enum mlce_status {
    MLCE_OK = 0,
    MLCE_E_ARGUMENT, /* the caller broke a rule of the function: a shape, a range */
    MLCE_E_MEMORY,   /* an allocation failed */
    MLCE_E_IO,       /* a file or folder could not be opened, read or written */
    MLCE_E_DATA,     /* a file was read, but what it holds is not right */
    MLCE_E_CONFIG,   /* a configuration key or its value is not right */
    MLCE_E_NUMERIC,  /* a loss or a gradient is not finite */
    MLCE_E_STOPPED   /* the caller asked to stop */
} mlce_status;

/* The message of the last failure on this thread; "" if there was none. Valid until the
   thread's next failure. */
MLCE_API const char *mlce_last_error(void);

/* Records the message for mlce_last_error() and returns `status`, so that a failing function
   reads `return mlce_fail(MLCE_E_DATA, "%s: ...", path)`. Long messages are cut at 2,047 bytes. */
MLCE_API mlce_status mlce_fail(mlce_status status, const char *format, ...) MLCE_PRINTF(2, 3);

/* Puts text in front of the thread's last message and returns `status`: a caller that knows the
   file adds it to a message that only knew the row. */
MLCE_API mlce_status mlce_fail_prefix(mlce_status status, const char *format, ...)
    MLCE_PRINTF(2, 3);

/* The library's one logger, for all threads: set it before others start; each calls it, maybe at
   the same time. Without a callback (the start) nothing is reported. `message` has no newline at
   its end and is valid during the call only. */
typedef enum mlce_log_level { MLCE_LOG_INFO, MLCE_LOG_WARNING } mlce_log_level;
typedef void mlce_log_callback(mlce_log_level level, const char *message, void *context);
MLCE_API void mlce_set_log(mlce_log_callback *callback, void *context);
MLCE_API void mlce_log(mlce_log_level level, const char *format, ...) MLCE_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif

/* tool.h - what the programs share: messages that begin with the program's name, --help and
 * --version, options, exit codes.
 *
 *   static const struct option options[] = {MLCE_TOOL_OPTIONS, {"force", no_argument, NULL, 'f'},
 *                                           {NULL, 0, NULL, 0}};
 *   int main(int argc, char **argv) {
 *       mlce_tool_begin("mlce-train", HELP);
 *       int exit_code = 0;
 *       for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
 *           if (option == MLCE_TOOL_EXIT) return exit_code;
 *           if (option == 'f') force = true;
 *       }
 *       ... argv[optind] .. argv[argc - 1] are the arguments ...
 *       if (mlce_dataset_open(...)) return mlce_tool_failed();
 *       return mlce_tool_end();
 *   }
 */
#ifndef MLCE_TOOLS_TOOL_H
#define MLCE_TOOLS_TOOL_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mlce/status.h"

/* Exit codes. */
enum { MLCE_TOOL_OK = 0, MLCE_TOOL_FAILURE = 1, MLCE_TOOL_WRONG_USAGE = 2 };

/* What mlce_tool_option() returns when the program should end; a program's own options are
   characters or numbers from 256 up to here. */
enum { MLCE_TOOL_EXIT = 0x10000, MLCE_TOOL_HELP, MLCE_TOOL_VERSION };

/* The options that every program has, for its table. */
#define MLCE_TOOL_OPTIONS                                                                          \
    {"help", no_argument, NULL, MLCE_TOOL_HELP}, {                                                 \
        "version", no_argument, NULL, MLCE_TOOL_VERSION                                            \
    }

/* Names the program and its help text (both must live on), sends the library's log to stderr:
   `NAME: warning: ...`, and lets HDF5 files be walked before they are opened
   (mlce_walk_files()). */
void mlce_tool_begin(const char *name, const char *help);
/* The same for one command of a program that has several: --help prints the command's own text. */
void mlce_tool_command(const char *command, const char *help);

/* getopt_long() over `options`: the option's `val` (its value is in optarg), or -1 after the last.
   After --help, --version or a wrong option it has printed what there is to print and returns
   MLCE_TOOL_EXIT with the exit code. -h is --help; short options of a program's own are those
   that the string `letters` gives to getopt. */
int mlce_tool_option(int argc, char **argv, const struct option *options, int *exit_code);
int mlce_tool_option_with(int argc, char **argv, const char *letters, const struct option *options,
                          int *exit_code);

/* The whole number of an option, min .. max; else the message of wrong usage and false. */
bool mlce_tool_int(const char *option, const char *text, int64_t min, int64_t max, int64_t *value);

/* The number of the word in a list that ends with NULL; where it is none, the message of wrong
   usage and false. */
bool mlce_tool_choose(const char *option, const char *word, const char *const *words, int *chosen);

/* From here on nothing of what the program says is seen, on stdout or by the functions below: one
   of several processes that do the same speaks, and writes files, for all. */
void mlce_tool_be_silent(void);
bool mlce_tool_is_silent(void);

/* Prints `NAME: error: <the thread's last message>` and returns exit code 1. */
int mlce_tool_failed(void);
/* Prints `NAME: error: ...` and returns exit code 1. */
int mlce_tool_error(const char *format, ...) MLCE_PRINTF(1, 2);
/* Prints `NAME: error: ...` and where to find help, and returns exit code 2. */
int mlce_tool_usage(const char *format, ...) MLCE_PRINTF(1, 2);
/* The end of a program that succeeded: exit code 0, or 1 with a message if stdout could not be
   written (a full disk). */
int mlce_tool_end(void);

/* Writes text that came from a file or the command line: control characters, which could drive
   the terminal, and bytes that are no UTF-8 become \x1b and the like. */
void mlce_tool_put(FILE *stream, const char *text);
/* The same, and spaces up to so many columns of the terminal: of a table's cell. */
void mlce_tool_put_padded(FILE *stream, const char *text, int columns);
/* Columns of the terminal that it takes. */
int mlce_tool_columns(const char *text);

/* What switches a terminal to a style, to be written in front; MLCE_TOOL_PLAIN ends it. "" where
   the stream is no terminal, TERM is dumb or NO_COLOR is set (https://no-color.org). */
typedef enum mlce_tool_style_name {
    MLCE_TOOL_PLAIN,
    MLCE_TOOL_BOLD,
    MLCE_TOOL_RED,
    MLCE_TOOL_YELLOW,
    MLCE_TOOL_DIM
} mlce_tool_style_name;
const char *mlce_tool_style(FILE *stream, mlce_tool_style_name style);

#endif

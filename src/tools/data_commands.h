/* data_commands.h - the commands of mlce-data that have a file of their own. argv[0] is the
 * command's name; each returns the exit code. */
#ifndef MLCE_TOOLS_DATA_COMMANDS_H
#define MLCE_TOOLS_DATA_COMMANDS_H

int mlce_data_check(int argc, char **argv);
int mlce_data_convert(int argc, char **argv);
int mlce_data_merge(int argc, char **argv);
int mlce_data_split(int argc, char **argv);
int mlce_data_stats(int argc, char **argv);
int mlce_data_validate(int argc, char **argv);

#endif

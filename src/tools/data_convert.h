/* data_convert.h - `mlce-data convert`. */
#ifndef MLCE_TOOLS_DATA_CONVERT_H
#define MLCE_TOOLS_DATA_CONVERT_H

/* argv[0] is the command's name; returns the exit code. */
int mlce_data_convert(int argc, char **argv);

#endif

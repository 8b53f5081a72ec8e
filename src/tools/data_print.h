/* data_print.h - what the reports of mlce-data share. */
#ifndef MLCE_TOOLS_DATA_PRINT_H
#define MLCE_TOOLS_DATA_PRINT_H

#include "corpus/summary.h"

/* Size, precision, what made the embeddings, which parts there are. */
void mlce_print_shape(const mlce_dataset *dataset, const mlce_summary *summary);
/* The spans or labels, how they lie, and how many each type has. */
void mlce_print_spans(const mlce_dataset *dataset, const mlce_summary *summary);
/* Columns that the types' names need in a table: 8 to 40. */
int mlce_print_type_columns(const mlce_dataset *dataset);

#endif

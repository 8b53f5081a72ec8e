/* corpus.h - a dataset with all that is measured of it. */
#ifndef MLCE_CORPUS_CORPUS_H
#define MLCE_CORPUS_CORPUS_H

#include <jansson.h>

#include "corpus/summary.h"
#include "corpus/twins.h"
#include "corpus/values.h"

/* {0} is closed. */
typedef struct mlce_corpus {
    mlce_dataset *dataset;
    mlce_summary summary;
    mlce_values values;
    mlce_twin_basis basis; /* by what its sequences can be compared */
    mlce_print *prints;    /* [sequences], by `printed`; NULL before they are asked for */
    mlce_twin_basis printed;
} mlce_corpus;

/* Opens the dataset and measures it; its embeddings are read in blocks, and numbers that are not
   finite are counted, not refused. On failure *corpus is closed. */
mlce_status mlce_corpus_open(const char *paths, mlce_corpus *corpus);
void mlce_corpus_close(mlce_corpus *corpus);

/* Makes corpus->prints those by `basis`. */
mlce_status mlce_corpus_print(mlce_corpus *corpus, mlce_twin_basis basis);

/* The optional parts that the dataset has and those that its layout knows beside them, as names. */
typedef struct mlce_corpus_part {
    const char *name;
    bool is_there;
} mlce_corpus_part;
enum { MLCE_CORPUS_PARTS = 7 };
/* How many there are. */
int mlce_corpus_parts(const mlce_dataset *dataset, mlce_corpus_part parts[MLCE_CORPUS_PARTS]);

/* All of it; NULL when out of memory. */
json_t *mlce_corpus_json(const mlce_corpus *corpus);

#endif

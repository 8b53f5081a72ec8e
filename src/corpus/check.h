/* check.h - what a person should know of data before training on it. */
#ifndef MLCE_CORPUS_CHECK_H
#define MLCE_CORPUS_CHECK_H

#include "corpus/corpus.h"
#include "corpus/findings.h"

typedef struct mlce_check_options {
    int64_t few; /* a type with fewer spans in train is warned of */
} mlce_check_options;

/* One dataset by itself: its embeddings, texts, sequences without tokens or spans. */
void mlce_check_corpus(const mlce_corpus *corpus, mlce_findings *findings);

/* What matters for training on it: types with few spans, sequences annotated in two ways. */
mlce_status mlce_check_train(mlce_corpus *train, const mlce_check_options *options,
                             mlce_findings *findings);

/* A dataset against the one that is trained on: kinds that must agree, types that one lacks, the
   same sequences in both, lengths that train has not. */
mlce_status mlce_check_pair(mlce_corpus *train, mlce_corpus *dev, mlce_findings *findings);

#endif

/* mlce.h - all of the library.
 *
 * Entities in sequences of token embeddings, by a run that mlce-train has made:
 *
 *   #include <mlce/mlce.h>
 *   #include <stdio.h>
 *
 *   // Sequence s is the rows offsets[s] .. offsets[s+1] - 1 of embeddings [tokens, features].
 *   int print_spans(const char *run, int sequences, const int *offsets, const float *embeddings) {
 *       mlce_model *model = NULL;
 *       mlce_predictor *predictor = NULL;
 *       const mlce_prediction *found = NULL;
 *       int failed = mlce_threads_set(0) || mlce_model_load(run, &model) ||
 *                    mlce_predictor_new(model, &predictor) ||
 *                    mlce_predictor_run(predictor, sequences, offsets, embeddings, NULL, &found);
 *       if (failed) fprintf(stderr, "%s\n", mlce_last_error());
 *       for (int s = 0; s < sequences && !failed; s++)
 *           for (size_t n = 0; n < found[s].count; n++) {
 *               mlce_span span = found[s].spans[n].span;
 *               printf("sequence %d, tokens %d to %d: %s (%g)\n", s, span.start, span.end - 1,
 *                      mlce_model_type_names(model)[span.type], found[s].spans[n].score);
 *           }
 *       mlce_predictor_free(predictor);
 *       mlce_model_free(model);
 *       return failed;
 *   }
 *
 * A program loads the model once, and each of its threads has a predictor and keeps it; see
 * tests/examples/threads.c. What may fail returns a mlce_status, 0 if it did not. Nothing here
 * exits or prints. Different objects may be used by different threads at the same time; one object
 * by one thread at a time, but for a model, which any number may read.
 */
#ifndef MLCE_MLCE_H
#define MLCE_MLCE_H

#include "mlce/batch.h"
#include "mlce/config.h"
#include "mlce/dataset.h"
#include "mlce/export.h"
#include "mlce/graph.h"
#include "mlce/loss.h"
#include "mlce/memory.h"
#include "mlce/metrics.h"
#include "mlce/model.h"
#include "mlce/optim.h"
#include "mlce/random.h"
#include "mlce/ranks.h"
#include "mlce/shape.h"
#include "mlce/span.h"
#include "mlce/status.h"
#include "mlce/threads.h"
#include "mlce/train.h"

#endif

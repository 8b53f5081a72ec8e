/* output.h - the loss and the predictions of what a head gives, for each task. */
#ifndef MLCE_MODEL_OUTPUT_H
#define MLCE_MODEL_OUTPUT_H

#include "mlce/model.h"

/* loss.name and what belongs to it. */
mlce_status mlce_loss_options_from(const mlce_config *config, mlce_loss_options *options);

/* With label smoothing the targets of the batch's gold are 1 - smoothing times what they are. Those
   of the others stay 0: with thousands of negatives an item, e^-s of each would be a positive. */
mlce_node *mlce_output_loss(mlce_graph *g, const mlce_loss_options *options, float smoothing,
                            const mlce_output *output, const mlce_batch *batch);

mlce_status mlce_output_decode(const mlce_output *output, const mlce_batch *batch,
                               const mlce_decision *decision, mlce_span_list *list);

/* The mean of the scores of several models of one task, with the same types and max_width, over one
   batch. No gradient goes through. */
mlce_output mlce_output_mean(mlce_graph *g, const mlce_output *outputs, int count);

#endif

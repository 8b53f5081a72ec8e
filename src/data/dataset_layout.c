/* dataset_layout.c - where the files of each task keep what, and what messages call it. */
#include "data/dataset_layout.h"

#include <stddef.h>

const mlce_dataset_layout mlce_dataset_layouts[] = {
    [MLCE_TASK_SPANS] =
        {
            .format = "mlce-spans",
            .rows = "/tokens/embeddings",
            .row_shape = "[tokens, features] or [tokens, layers, features]",
            .most_rank = 3,
            .offsets = "/sequences/offsets",
            .token_text = "/tokens/text",
            .token_chars = "/tokens/chars",
            .text = "/sequences/text",
            .id = "/sequences/id",
            .document = "/sequences/document",
            .gold = "/spans",
            .gold_offsets = "/spans/offsets",
            .gold_items = "/spans/items",
            .holds = "sequences with spans (mlce-spans)",
            .values = "embeddings",
            .head = "efficient_global_pointer",
            .sequence = "sequence",
            .token = "token",
            .a_token = "a token",
            .span = "span",
            .type = "type",
        },
    [MLCE_TASK_LABELS] =
        {
            .format = "mlce-labels",
            .rows = "/items/features",
            .row_shape = "[items, features]",
            .most_rank = 2,
            .text = "/items/text",
            .id = "/items/id",
            .gold = "/labels",
            .gold_offsets = "/labels/offsets",
            .gold_items = "/labels/items",
            .gold_weights = "/labels/weights",
            .holds = "items with labels (mlce-labels)",
            .values = "features",
            .head = "multilabel_classifier",
            .sequence = "item",
            .token = "item",
            .a_token = "an item",
            .span = "label",
            .type = "label",
        },
};

const mlce_dataset_layout *mlce_dataset_layout_of(const mlce_dataset *dataset) {
    return &mlce_dataset_layouts[mlce_dataset_task(dataset)];
}

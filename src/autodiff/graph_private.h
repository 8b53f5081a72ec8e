/* graph_private.h - the inside of a graph, for the ops. */
#ifndef MLCE_AUTODIFF_GRAPH_PRIVATE_H
#define MLCE_AUTODIFF_GRAPH_PRIVATE_H

#include "mlce/graph.h"

/* cos and sin of p * 10000^(-2m / head_size) for positions p < length, as [length, head_size / 2]
   pairs (cos, sin). */
typedef struct mlce_rope_table {
    struct mlce_rope_table *next;
    int head_size, length;
    float turn[];
} mlce_rope_table;

struct mlce_graph {
    mlce_arena *arena;
    mlce_node *last;
    mlce_status status;
    bool training;
    uint64_t seed, step;
    uint32_t dropouts; /* dropout ops so far: each draws from a stream of its own */
    mlce_rope_table *rope_tables;
    mlce_graph_part part; /* sequences = 0: the graph is whole */
    mlce_gradient_fn *ready;
    void *ready_context;
};

/* Records a shape that does not fit: "mlce_add: [3, 4] and [2, 4] do not fit". Returns NULL. */
mlce_node *mlce_graph_shape_error(mlce_graph *g, const char *op, const mlce_node *a,
                                  const mlce_node *b);

#endif

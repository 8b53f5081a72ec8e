/* graph.c - nodes, their order, and the walk back through it. */
#include "mlce/graph.h"

#include <stdlib.h>
#include <string.h>

#include "autodiff/graph_private.h"

mlce_graph *mlce_graph_new(void) {
    mlce_graph *graph = mlce_calloc(1, sizeof *graph);
    if (!graph) return NULL;
    graph->training = true;
    graph->arena = mlce_arena_new();
    if (!graph->arena) {
        free(graph);
        return NULL;
    }
    return graph;
}

void mlce_graph_free(mlce_graph *graph) {
    if (!graph) return;
    while (graph->rope_tables) {
        mlce_rope_table *next = graph->rope_tables->next;
        free(graph->rope_tables);
        graph->rope_tables = next;
    }
    mlce_arena_free(graph->arena);
    free(graph);
}

void mlce_graph_reset(mlce_graph *graph) {
    mlce_arena_reset(graph->arena);
    graph->last = NULL;
    graph->status = MLCE_OK;
    graph->dropouts = 0;
    graph->part = (mlce_graph_part){0};
}

mlce_status mlce_graph_status(const mlce_graph *graph) {
    return graph->status;
}

mlce_arena *mlce_graph_arena(mlce_graph *graph) {
    return graph->arena;
}

void mlce_graph_set_training(mlce_graph *graph, bool training) {
    graph->training = training;
}

bool mlce_graph_is_training(const mlce_graph *graph) {
    return graph->training;
}

void mlce_graph_set_random(mlce_graph *graph, uint64_t seed, uint64_t step) {
    graph->seed = seed;
    graph->step = step;
}

void mlce_graph_set_part(mlce_graph *graph, const mlce_graph_part *part) {
    graph->part = *part;
}

void mlce_graph_set_ready(mlce_graph *graph, mlce_gradient_fn *ready, void *context) {
    graph->ready = ready;
    graph->ready_context = context;
}

mlce_node *mlce_graph_fail(mlce_graph *graph, mlce_status status) {
    if (!graph->status) graph->status = status;
    return NULL;
}

static mlce_node *add_node(mlce_graph *graph, int rows, int cols, float *value) {
    if (graph->status) return NULL;
    mlce_node *node = mlce_arena_alloc(graph->arena, 1, sizeof *node);
    if (!node) return mlce_graph_fail(graph, MLCE_E_MEMORY);
    *node = (mlce_node){.rows = rows, .cols = cols, .value = value, .previous = graph->last};
    node->grad_started = &node->own_started;
    graph->last = node;
    return node;
}

mlce_node *mlce_node_new(mlce_graph *graph, int rows, int cols, mlce_backward_fn *backward,
                         mlce_node *const *inputs, int input_count) {
    if (graph->status) return NULL;
    float *value = mlce_arena_alloc(graph->arena, (size_t)rows * (size_t)cols, sizeof *value);
    if (!value) return mlce_graph_fail(graph, MLCE_E_MEMORY);
    mlce_node *node = add_node(graph, rows, cols, value);
    if (!node) return NULL;
    node->backward = backward;
    for (int i = 0; i < input_count; i++) {
        node->input[i] = inputs[i];
        if (inputs[i] && inputs[i]->wants_grad) node->wants_grad = true;
    }
    return node;
}

mlce_node *mlce_constant(mlce_graph *graph, int rows, int cols, const float *value) {
    return add_node(graph, rows, cols, (float *)(uintptr_t)value);
}

mlce_node *mlce_variable(mlce_graph *graph, int rows, int cols, const float *value) {
    mlce_node *node = mlce_constant(graph, rows, cols, value);
    if (node) node->wants_grad = graph->training;
    return node;
}

mlce_node *mlce_use(mlce_graph *graph, mlce_parameter *parameter) {
    mlce_node *node = add_node(graph, parameter->rows, parameter->cols, parameter->value);
    if (!node) return NULL;
    node->wants_grad = graph->training && !parameter->fixed;
    node->parameter = parameter;
    node->grad = parameter->grad;
    node->grad_started = &parameter->grad_started;
    return node;
}

float *mlce_node_grad(mlce_graph *graph, mlce_node *input, float *beta) {
    if (!input->wants_grad) return NULL;
    size_t size = (size_t)input->rows * (size_t)input->cols;
    if (!input->grad) input->grad = mlce_arena_alloc(graph->arena, size, sizeof(float));
    if (!input->grad) {
        mlce_graph_fail(graph, MLCE_E_MEMORY);
        return NULL;
    }
    if (beta)
        *beta = *input->grad_started ? 1.0f : 0.0f;
    else if (!*input->grad_started)
        memset(input->grad, 0, size * sizeof(float));
    *input->grad_started = true;
    return input->grad;
}

static void count_uses(const mlce_graph *graph) {
    for (mlce_node *node = graph->last; node; node = node->previous)
        if (node->parameter) node->parameter->uses = 0;
    for (mlce_node *node = graph->last; node; node = node->previous)
        if (node->parameter) node->parameter->uses++;
}

/* Whatever uses a node was made after it: where the walk comes to the first node of a parameter,
   nothing more is added to its gradient. */
static void report_ready(const mlce_graph *graph, const mlce_node *node) {
    if (--node->parameter->uses == 0 && node->wants_grad)
        graph->ready(node->parameter, graph->ready_context);
}

mlce_status mlce_backward(mlce_graph *graph, mlce_node *loss) {
    if (graph->status) return graph->status;
    if (!loss || loss->rows != 1 || loss->cols != 1)
        return mlce_fail(MLCE_E_ARGUMENT, "backward starts from a loss of one number, [1, 1]");
    float *grad = mlce_node_grad(graph, loss, NULL);
    if (!grad) return graph->status; /* nothing that wants a gradient led to the loss */
    *grad = 1.0f;
    if (graph->ready) count_uses(graph);
    for (mlce_node *node = graph->last; node; node = node->previous) {
        if (node->backward && node->wants_grad && *node->grad_started) node->backward(graph, node);
        if (node->parameter && graph->ready) report_ready(graph, node);
    }
    return graph->status;
}

mlce_node *mlce_graph_shape_error(mlce_graph *g, const char *op, const mlce_node *a,
                                  const mlce_node *b) {
    return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT, "%s: [%d, %d] and [%d, %d] do not fit", op,
                                        a->rows, a->cols, b->rows, b->cols));
}

/* check.c - gradients beside central differences. */
#include <math.h>

#include "mlce/graph.h"

static mlce_status evaluate(mlce_graph *g, mlce_build_fn *build, void *context, double *value) {
    mlce_graph_reset(g);
    mlce_node *loss = build(g, context);
    if (mlce_graph_status(g)) return mlce_graph_status(g);
    if (!loss || loss->rows != 1 || loss->cols != 1)
        return mlce_fail(MLCE_E_ARGUMENT, "a gradient check needs a loss of one number, [1, 1]");
    *value = loss->value[0];
    return MLCE_OK;
}

/* |analytic - numeric| / max(1, |analytic|, |numeric|) of one number of a parameter */
static mlce_status check_number(mlce_graph *g, mlce_build_fn *build, void *context, float *number,
                                float analytic, float step, double *error) {
    float kept = *number;
    double above = 0, below = 0;
    *number = kept + step;
    float high = *number;
    mlce_status status = evaluate(g, build, context, &above);
    *number = kept - step;
    float low = *number;
    if (!status) status = evaluate(g, build, context, &below);
    *number = kept;
    if (status) return status;
    double numeric = (above - below) / ((double)high - (double)low);
    double largest = fmax(1.0, fmax(fabs(numeric), fabs((double)analytic)));
    *error = fabs(numeric - (double)analytic) / largest;
    return MLCE_OK;
}

mlce_status mlce_check_gradients(mlce_graph *graph, mlce_parameters *parameters,
                                 mlce_build_fn *build, void *context, float step, int checks,
                                 double *worst) {
    *worst = 0;
    mlce_graph_reset(graph);
    mlce_parameters_clear_grads(parameters);
    mlce_status status = mlce_backward(graph, build(graph, context));
    if (status) return status;
    mlce_parameters_settle_grads(parameters);
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        size_t size = (size_t)parameter->rows * (size_t)parameter->cols;
        size_t stride = checks > 0 && size > (size_t)checks ? size / (size_t)checks : 1;
        for (size_t i = 0; i < size; i += stride) {
            double error;
            status = check_number(graph, build, context, &parameter->value[i], parameter->grad[i],
                                  step, &error);
            if (status) return status;
            if (!(error <= *worst)) *worst = error;
        }
    }
    return MLCE_OK;
}

/* consumer.c - a program that uses the installed library: y = x W^T, so dy/dW = x. C and C++. */
#include <mlce/graph.h>
#include <stdio.h>

int main(void) {
    const float x[2] = {3.0f, -4.0f};
    mlce_parameters *parameters = mlce_parameters_new();
    mlce_parameter *W = mlce_parameters_add(parameters, "W", 1, 2, MLCE_INIT_ONE, 0);
    mlce_graph *g = mlce_graph_new();
    if (!W || !g || mlce_parameters_allocate(parameters, 1) != MLCE_OK) {
        fprintf(stderr, "%s\n", mlce_last_error());
        return 1;
    }
    mlce_node *y = mlce_matmul(g, mlce_constant(g, 1, 2, x), mlce_use(g, W), false, true);
    if (mlce_backward(g, y) != MLCE_OK) {
        fprintf(stderr, "%s\n", mlce_last_error());
        return 1;
    }
    bool right = y->value[0] == -1.0f && W->grad[0] == x[0] && W->grad[1] == x[1];
    printf("y = %g, dy/dW = [%g %g]\n", y->value[0], W->grad[0], W->grad[1]);
    mlce_graph_free(g);
    mlce_parameters_free(parameters);
    return right ? 0 : 1;
}

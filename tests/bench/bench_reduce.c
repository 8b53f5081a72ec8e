/* bench_reduce.c - the time in which ranks sum a model's gradients, with nothing computed
 * meanwhile.
 *
 *   mpirun -n N bench_reduce FLOATS
 *
 * Prints the median of some hundred rounds in seconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mlce/memory.h"
#include "parallel/reduce.h"
#include "tools/ranks.h"
#include "tools/tool.h"

#include "bench.h"

enum { ROUNDS = 200, PARTS = 8 /* parameters */ };

static mlce_status measure(const mlce_ranks *ranks, int floats, double *median) {
    static double times[ROUNDS];
    mlce_parameters *parameters = mlce_parameters_new();
    mlce_reducer *reducer = NULL;
    mlce_status status = parameters ? MLCE_OK : MLCE_E_MEMORY;
    for (int p = 0; p < PARTS && !status; p++) {
        char name[8];
        snprintf(name, sizeof name, "%d", p);
        if (!mlce_parameters_add(parameters, name, 1, floats / PARTS, MLCE_INIT_ZERO, 0))
            status = MLCE_E_MEMORY;
    }
    if (!status) status = mlce_parameters_allocate(parameters, 1);
    if (!status) status = mlce_reducer_new(ranks, parameters, &reducer);
    for (int n = 0; n < ROUNDS && !status; n++) {
        double nothing = 0, began;
        status = ranks->sum(ranks->context, &nothing, 1); /* all are here */
        began = omp_get_wtime();
        if (!status) status = mlce_reducer_finish(reducer);
        times[n] = omp_get_wtime() - began;
    }
    *median = bench_median(times, ROUNDS);
    mlce_reducer_free(reducer);
    mlce_parameters_free(parameters);
    return status;
}

int main(int argc, char **argv) {
    const mlce_ranks *ranks;
    double median = 0;
    int floats = argc == 2 ? atoi(argv[1]) : 0;
    mlce_tool_begin("bench_reduce", "");
    mlce_tool_ranks_look();
    if (floats < PARTS) return mlce_tool_error("give the number of floats, %d or more", PARTS);
    mlce_status status = mlce_tool_ranks_begin(MLCE_OK, &ranks);
    if (!status && !ranks) status = mlce_fail(MLCE_E_ARGUMENT, "start it with mpirun -n 2 or more");
    if (!status) status = measure(ranks, floats, &median);
    if (!status) printf("%.9f\n", median);
    return mlce_tool_ranks_end(status ? mlce_tool_failed() : mlce_tool_end());
}

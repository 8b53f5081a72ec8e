/* assignment.c - the best one-to-one choice between two sets. */
#include "report/assignment.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mlce/memory.h"

/* Costs are worths with the other sign. Column 0 stands for the row that is to be placed; rows and
   columns count from 1, row 0 is none. */
typedef struct search {
    int columns;
    mlce_worth_fn *worth;
    const void *context;
    int64_t *row_price, *column_price; /* price[row] + price[column] <= cost, = for pairs */
    int64_t *slack;                    /* of each column to the tree of alternating paths */
    int *row_of, *from;                /* the column's row; the column before it on its path */
    bool *in_tree;
} search;

/* Takes the column nearest to the tree into it, by change of prices. Returns it. */
static int grow_tree(search *s, int last) {
    int row = s->row_of[last], nearest = 0;
    int64_t least = INT64_MAX;
    for (int j = 1; j <= s->columns; j++) {
        if (s->in_tree[j]) continue;
        int64_t slack =
            -s->worth(row - 1, j - 1, s->context) - s->row_price[row] - s->column_price[j];
        if (slack < s->slack[j]) {
            s->slack[j] = slack;
            s->from[j] = last;
        }
        if (s->slack[j] < least) {
            least = s->slack[j];
            nearest = j;
        }
    }
    for (int j = 0; j <= s->columns; j++) {
        if (s->in_tree[j]) {
            s->row_price[s->row_of[j]] += least;
            s->column_price[j] -= least;
        } else {
            s->slack[j] -= least;
        }
    }
    return nearest;
}

/* Finds the row a column by the cheapest alternating path, and swaps the pairs along it. */
static void place(search *s, int row) {
    for (int j = 0; j <= s->columns; j++) {
        s->slack[j] = INT64_MAX;
        s->in_tree[j] = false;
    }
    s->row_of[0] = row;
    int column = 0;
    do {
        s->in_tree[column] = true;
        column = grow_tree(s, column);
    } while (s->row_of[column]);
    for (int before; column; column = before) {
        before = s->from[column];
        s->row_of[column] = s->row_of[before];
    }
}

mlce_status mlce_assign(int rows, int columns, mlce_worth_fn *worth, const void *context,
                        int *column_of) {
    size_t n = (size_t)rows + 1, m = (size_t)columns + 1;
    search s = {.columns = columns, .worth = worth, .context = context};
    s.row_price = mlce_calloc(n, sizeof *s.row_price);
    s.column_price = mlce_calloc(m, sizeof *s.column_price);
    s.slack = mlce_calloc(m, sizeof *s.slack);
    s.row_of = mlce_calloc(m, sizeof *s.row_of);
    s.from = mlce_calloc(m, sizeof *s.from);
    s.in_tree = mlce_calloc(m, sizeof *s.in_tree);
    bool ready = s.row_price && s.column_price && s.slack && s.row_of && s.from && s.in_tree;
    for (int i = 1; ready && i <= rows; i++) place(&s, i);
    for (int j = 1; ready && j <= columns; j++)
        if (s.row_of[j]) column_of[s.row_of[j] - 1] = j - 1;
    free(s.row_price);
    free(s.column_price);
    free(s.slack);
    free(s.row_of);
    free(s.from);
    free(s.in_tree);
    return ready ? MLCE_OK : MLCE_E_MEMORY;
}

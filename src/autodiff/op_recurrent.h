/* op_recurrent.h - what LSTM and GRU have in common: the order in which tokens are worked on, the
 * products, and the memory. What happens to a token once its products are there is the cell's.
 *
 * Sequences are sorted by length, the longest first, so that at position t of all of them those
 * that are longer than t are the first rows: one product a step, over them alone. The rows keep
 * their place in the packed batch; only pointers to them are collected.
 *
 * A token has 4 H numbers for its gates, in this order:
 *
 *   LSTM   i f g o      all of x W_ih^T + h W_hh^T + b_ih + b_hh
 *   GRU    r z n q      r, z as above;  n of x W_ih^T + b_ih alone,  q of h W_hh^T + b_hh alone
 *
 * First they are the products with the input, then what the gates gave, and in backward the
 * gradients of the sums that went into the gates.
 */
#ifndef MLCE_AUTODIFF_OP_RECURRENT_H
#define MLCE_AUTODIFF_OP_RECURRENT_H

#include "mlce/graph.h"

enum { MLCE_GATES = 4 /* stored for a token */ };

/* One token in one direction; "before" is the token that this direction came from. */
typedef struct mlce_cell_row {
    float *gates;              /* [4 H] */
    const float *product;      /* [rows of W_hh] h_before W_hh^T; forward */
    const float *bias;         /* [4 H]; forward */
    const float *before;       /* [H] h_before, 0 at the start of a sequence */
    const float *state_before; /* [states H] likewise */
    float *state;              /* [states H] the cell's own memory of this token */
    float *h;                  /* [H]; forward */
    const float *dh;           /* [H] dL/dh from outside the recurrence; backward */
    const float *back;         /* [H] dL/dh from the gates of the token after; backward */
    float *carry;              /* [H] what else the token after hands back, to be overwritten by
                                  what this one hands to the token before; backward */
} mlce_cell_row;

typedef struct mlce_cell {
    const char *op;   /* for messages */
    int weight_gates; /* rows of the weights / H: 4, or 3 for GRU */
    int shared_gates; /* the first so many sum both products: 4, or 2 for GRU */
    int states;       /* times H numbers that a token keeps beside its gates */
    void (*forward)(int H, const mlce_cell_row *row);
    void (*backward)(int H, const mlce_cell_row *row);
} mlce_cell;

mlce_node *mlce_recurrent(mlce_graph *g, const mlce_cell *cell, mlce_node *x,
                          const mlce_recurrent_weights *weights, int directions, const int *offsets,
                          int sequences);

#endif

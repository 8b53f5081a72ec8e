/* graph.h - a minimal autodiff engine over row-major float32 matrices.
 *
 *   mlce_graph *g = mlce_graph_new();
 *   mlce_node *x = mlce_constant(g, tokens, width, embeddings);
 *   mlce_node *h = mlce_relu(g, mlce_linear(g, x, mlce_use(g, W), mlce_use(g, b)));
 *   mlce_node *loss = ...;                         // [1, 1]
 *   if (mlce_backward(g, loss)) ...                // gradients are in W->grad, b->grad
 *   mlce_graph_reset(g);                           // everything but the parameters is gone
 *
 * Nodes live in the graph's arena until mlce_graph_reset(). An op computes its value at once. A
 * batch of sequences is its tokens end to end, [tokens, features], beside a list of offsets:
 * there are no tensors of more than two dimensions, and no padding.
 *
 * Errors: an op given shapes that do not fit, or no memory, records the failure in the graph and
 * returns NULL; an op given NULL returns NULL. So a forward pass is written without a check after
 * each line, and mlce_backward() or mlce_graph_status() reports the first thing that went wrong.
 *
 * Results have the same bits for any number of threads: work is cut into blocks whose size
 * depends on the shapes alone, and sums are taken in a fixed order.
 */
#ifndef MLCE_GRAPH_H
#define MLCE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlce/memory.h"
#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_graph mlce_graph;
typedef struct mlce_node mlce_node;

/* y = f(inputs). backward adds dL/dinput to the inputs' gradients, given node->grad. */
typedef void mlce_backward_fn(mlce_graph *graph, mlce_node *node);

struct mlce_node {
    int rows, cols;
    float *value; /* [rows, cols] */
    float *grad;  /* [rows, cols] dL/dvalue, once backward has reached the node; else NULL */
    bool wants_grad;
    /* For those who write ops; see mlce_node_new(). */
    bool *grad_started; /* whether grad holds anything yet */
    bool own_started;
    mlce_backward_fn *backward;
    mlce_node *input[4];
    void *context;
    struct mlce_parameter *parameter; /* of mlce_use(); else NULL */
    mlce_node *previous;              /* made just before this one */
};

/* ---- Parameters: matrices that outlive the graph and are trained ---- */

typedef enum mlce_init {
    MLCE_INIT_ZERO,
    MLCE_INIT_ONE,
    MLCE_INIT_FAN_IN, /* uniform in +-1/sqrt(cols): torch.nn.Linear's weight */
    MLCE_INIT_XAVIER  /* uniform in +-sqrt(6/(rows+cols)) (Glorot, Bengio 2010) */
} mlce_init;

typedef struct mlce_parameter {
    char *name;
    int rows, cols;
    mlce_init init;
    int fan_in; /* for MLCE_INIT_FAN_IN on a bias: its layer's inputs; 0 = cols */
    float *value, *grad;
    bool decays;   /* weight decay is for it: matrices. At first, where rows > 1 */
    size_t offset; /* of value in mlce_parameters_values() */
    bool fixed;    /* set behind mlce_parameters_add(): part of the model, but not trained */
    bool grad_started;
    int number; /* among those of its set: mlce_parameters_at() has it there */
    int uses;   /* for mlce_backward(): nodes of it that it has not come to yet */
} mlce_parameter;

typedef struct mlce_parameters mlce_parameters;

MLCE_API mlce_parameters *mlce_parameters_new(void);
MLCE_API void mlce_parameters_free(mlce_parameters *parameters);
/* Declares a matrix; `name` is copied and must be new. NULL (message set) on failure. The pointer
   stays valid as long as the set. */
MLCE_API mlce_parameter *mlce_parameters_add(mlce_parameters *parameters, const char *name,
                                             int rows, int cols, mlce_init init, int fan_in);
/* Gives the declared matrices their memory (one block for values, one for gradients) and their
   start values from `seed`. Once, after the last mlce_parameters_add(). */
MLCE_API mlce_status mlce_parameters_allocate(mlce_parameters *parameters, uint64_t seed);
MLCE_API int mlce_parameters_count(const mlce_parameters *parameters);
MLCE_API mlce_parameter *mlce_parameters_at(const mlce_parameters *parameters, int index);
/* NULL where there is none of that name. */
MLCE_API mlce_parameter *mlce_parameters_find(const mlce_parameters *parameters, const char *name);
/* All values, and all gradients, as one vector of mlce_parameters_size() floats. It includes the
   few unused floats that align each matrix to 64 bytes; they stay 0. */
MLCE_API size_t mlce_parameters_size(const mlce_parameters *parameters);
MLCE_API float *mlce_parameters_values(const mlce_parameters *parameters);
MLCE_API float *mlce_parameters_grads(const mlce_parameters *parameters);
/* Trainable numbers, without the alignment. */
MLCE_API size_t mlce_parameters_numbers(const mlce_parameters *parameters);
/* Gradients are undefined until something is added to them; this makes untouched ones 0. */
MLCE_API void mlce_parameters_settle_grads(mlce_parameters *parameters);
/* Multiplies all gradients. */
MLCE_API void mlce_parameters_scale_grads(mlce_parameters *parameters, float factor);
/* Forgets all gradients (no memory is touched). */
MLCE_API void mlce_parameters_clear_grads(mlce_parameters *parameters);

/* ---- The graph ---- */

/* NULL when out of memory. */
MLCE_API mlce_graph *mlce_graph_new(void);
MLCE_API void mlce_graph_free(mlce_graph *graph);
/* Drops all nodes and the recorded failure; keeps the memory. */
MLCE_API void mlce_graph_reset(mlce_graph *graph);
MLCE_API mlce_status mlce_graph_status(const mlce_graph *graph);
MLCE_API mlce_arena *mlce_graph_arena(mlce_graph *graph);
/* In training (the start) dropout drops and gradients can be asked for; outside it neither. */
MLCE_API void mlce_graph_set_training(mlce_graph *graph, bool training);
MLCE_API bool mlce_graph_is_training(const mlce_graph *graph);
/* What dropout draws from: with the same seed and step it drops the same. */
MLCE_API void mlce_graph_set_random(mlce_graph *graph, uint64_t seed, uint64_t step);

/* Where the rows of the graph's matrices stand in those of a larger graph, of which another process
   computes the rest. Dropout then drops just what it would drop there. */
typedef struct mlce_graph_part {
    int sequences;
    const int *offsets; /* [sequences+1]: sequence s is the rows offsets[s] .. offsets[s+1] */
    const int *rows;    /* [sequences] the row where it begins there */
    const int *places;  /* [sequences] its number there */
} mlce_graph_part;
/* Until the next mlce_graph_reset(); what `part` points at must live as long. */
MLCE_API void mlce_graph_set_part(mlce_graph *graph, const mlce_graph_part *part);

/* Called in mlce_backward() for each parameter in the graph that wants a gradient, as soon as it is
   complete: while those of other parameters are computed, it can be sent. NULL: for none. */
typedef void mlce_gradient_fn(mlce_parameter *parameter, void *context);
MLCE_API void mlce_graph_set_ready(mlce_graph *graph, mlce_gradient_fn *ready, void *context);

/* A matrix that stays the caller's and must outlive the graph's use of it; no gradient. */
MLCE_API mlce_node *mlce_constant(mlce_graph *graph, int rows, int cols, const float *value);
/* The same, but dL/dvalue is computed into node->grad. */
MLCE_API mlce_node *mlce_variable(mlce_graph *graph, int rows, int cols, const float *value);
/* A parameter as a node; its gradient is added up in parameter->grad. */
MLCE_API mlce_node *mlce_use(mlce_graph *graph, mlce_parameter *parameter);

/* Computes dL/dnode for every node that wants it; loss is [1, 1]. Returns the first failure of
   the graph, or MLCE_E_ARGUMENT for a loss that is not [1, 1]. */
MLCE_API mlce_status mlce_backward(mlce_graph *graph, mlce_node *loss);

/* ---- Ops ---- */

/* y = x W^T + b
   x [n, in]  W [out, in]  b [1, out] or NULL  ->  [n, out]
   dx = dy W,  dW = dy^T x,  db = sum over rows of dy */
MLCE_API mlce_node *mlce_linear(mlce_graph *g, mlce_node *x, mlce_node *W, mlce_node *b);
/* Two linear layers of one x, in one product where both are narrow:
   y[0] = x W[0]^T + b[0],  y[1] = x W[1]^T + b[1]
   On failure both are NULL. */
MLCE_API void mlce_linear_pair(mlce_graph *g, mlce_node *x, mlce_node *const W[2],
                               mlce_node *const b[2], mlce_node *y[2]);
/* y = op(a) op(b), op = transpose where asked
   op(a) [m, k]  op(b) [k, n]  ->  [m, n] */
MLCE_API mlce_node *mlce_matmul(mlce_graph *g, mlce_node *a, mlce_node *b, bool transpose_a,
                                bool transpose_b);
/* y = a + b, b of a's shape or one row [1, cols] that is added to each */
MLCE_API mlce_node *mlce_add(mlce_graph *g, mlce_node *a, mlce_node *b);
/* y = a * b, number by number; b of a's shape or one row [1, cols] */
MLCE_API mlce_node *mlce_multiply(mlce_graph *g, mlce_node *a, mlce_node *b);
/* y = factor * x */
MLCE_API mlce_node *mlce_scale(mlce_graph *g, mlce_node *x, float factor);
/* y = sum of all numbers of x  ->  [1, 1] */
MLCE_API mlce_node *mlce_sum(mlce_graph *g, mlce_node *x);
/* y = max(x, 0) */
MLCE_API mlce_node *mlce_relu(mlce_graph *g, mlce_node *x);
/* y = x Phi(x), Phi the normal distribution: the exact form, 1/2 x (1 + erf(x / sqrt 2))
   (Hendrycks, Gimpel 2016) */
MLCE_API mlce_node *mlce_gelu(mlce_graph *g, mlce_node *x);
MLCE_API mlce_node *mlce_tanh(mlce_graph *g, mlce_node *x);
/* y = 1 / (1 + e^-x) */
MLCE_API mlce_node *mlce_sigmoid(mlce_graph *g, mlce_node *x);
/* y = gain * (x - mean) / sqrt(var + epsilon) + bias, mean and (biased) variance of each row
   x [n, c]  gain, bias [1, c]  (Ba, Kiros, Hinton 2016) */
MLCE_API mlce_node *mlce_layer_norm(mlce_graph *g, mlce_node *x, mlce_node *gain, mlce_node *bias,
                                    float epsilon);
/* In training: each number is 0 with this probability, else scaled by 1 / (1 - probability).
   The probability is taken to the nearest 1/65536. Outside training y = x. */
MLCE_API mlce_node *mlce_dropout(mlce_graph *g, mlce_node *x, float probability);
/* Variational dropout (Gal, Ghahramani 2016): a feature is dropped for all tokens of a sequence or
   for none. x [tokens, cols], offsets [sequences+1] */
MLCE_API mlce_node *mlce_dropout_sequences(mlce_graph *g, mlce_node *x, const int *offsets,
                                           int sequences, float probability);
/* Whole rows are dropped: the model does without some tokens. */
MLCE_API mlce_node *mlce_dropout_tokens(mlce_graph *g, mlce_node *x, float probability);
/* y = [a b], side by side */
MLCE_API mlce_node *mlce_concat(mlce_graph *g, mlce_node *a, mlce_node *b);
/* y = columns start .. start+count-1 of x */
MLCE_API mlce_node *mlce_slice(mlce_graph *g, mlce_node *x, int start, int count);
/* Rotary position embedding (Su et al. 2021, "RoFormer"): in every chunk of `head_size` columns
   the pair (x_2m, x_2m+1) of the token at position p of its sequence is turned by the angle
   p * 10000^(-2m / head_size), so that q_i . k_j depends on j - i.
   x [tokens, any multiple of head_size], head_size even, offsets [sequences+1] */
MLCE_API mlce_node *mlce_rope(mlce_graph *g, mlce_node *x, const int *offsets, int sequences,
                              int head_size);

/* The weights of a recurrent layer in one direction, as torch.nn.LSTM and GRU hold them: G = 4
   gates of H features (i, f, g, o) for LSTM, G = 3 (r, z, n) for GRU. */
typedef struct mlce_recurrent_weights {
    mlce_node *weight_ih;         /* [G H, in] */
    mlce_node *weight_hh;         /* [G H, H] */
    mlce_node *bias_ih, *bias_hh; /* [1, G H] */
} mlce_recurrent_weights;

/* Long short-term memory over each sequence (Hochreiter, Schmidhuber 1997):
     i, f, o = sigmoid(x W_ih^T + b_ih + h_before W_hh^T + b_hh), g = tanh of the like
     c = f c_before + i g,  h = o tanh(c)
   x [tokens, in], offsets [sequences+1]  ->  [tokens, H] with directions = 1 (`weights` [1], from
   the first token on), or [tokens, 2 H] with directions = 2 (`weights` [2]; beside it that from the
   last token on). Its gradients may be asked for once. */
MLCE_API mlce_node *mlce_lstm(mlce_graph *g, mlce_node *x, const mlce_recurrent_weights *weights,
                              int directions, const int *offsets, int sequences);
/* Gated recurrent unit (Cho et al. 2014) likewise, the reset gate behind the product as in PyTorch:
     r, z = sigmoid(x W_ih^T + b_ih + h_before W_hh^T + b_hh)
     n = tanh(x W_in^T + b_in + r (h_before W_hn^T + b_hn)),  h = (1 - z) n + z h_before */
MLCE_API mlce_node *mlce_gru(mlce_graph *g, mlce_node *x, const mlce_recurrent_weights *weights,
                             int directions, const int *offsets, int sequences);
/* y_i = [x_(i-r) ... x_i ... x_(i+r)], the tokens around i side by side, width = 2r + 1; 0 beyond
   the ends of a sequence. A dense layer over it is a convolution.
   x [tokens, cols], offsets [sequences+1], which must outlive the graph's use  ->
   [tokens, width * cols] */
MLCE_API mlce_node *mlce_windows(mlce_graph *g, mlce_node *x, const int *offsets, int sequences,
                                 int width);
/* y_c = max over q of x_(q cols + c), q < pieces (Goodfellow et al. 2013)
   x [n, pieces * cols]  ->  [n, cols] */
MLCE_API mlce_node *mlce_maxout(mlce_graph *g, mlce_node *x, int pieces);
/* y_i = sum over j of P_ij v_j,  P_i = softmax over j of q_i . k_j / sqrt(d), within each sequence
   and head; with window > 0 only tokens j with |i - j| <= window are seen.
   qk [tokens, 2 * heads * d]: q of all heads, then k; v [tokens, heads * d];
   offsets [sequences+1], which must outlive the graph's use  ->  [tokens, heads * d]
   Memory beside the inputs is tokens * heads and a few rows of P. */
MLCE_API mlce_node *mlce_attention(mlce_graph *g, mlce_node *qk, mlce_node *v, const int *offsets,
                                   int sequences, int heads, int window);
/* y = gamma * sum over k of s_k x_k,  s = softmax(weights),  x = [x_1 ... x_K] side by side
   (Peters et al. 2018)
   x [n, K * cols]  weights [1, K]  gamma [1, 1]  ->  [n, cols] */
MLCE_API mlce_node *mlce_layer_mix(mlce_graph *g, mlce_node *x, mlce_node *weights,
                                   mlce_node *gamma);

/* ---- For those who write ops ---- */

/* A new node [rows, cols] with uncleared memory for its value, that wants a gradient if an input
   does. Up to four inputs, ended by NULL only if fewer. `backward` may use node->context, which
   the op takes from mlce_graph_arena(). NULL on failure. */
MLCE_API mlce_node *mlce_node_new(mlce_graph *g, int rows, int cols, mlce_backward_fn *backward,
                                  mlce_node *const *inputs, int input_count);
/* Records a failure: the thread's message must be set. Returns NULL. */
MLCE_API mlce_node *mlce_graph_fail(mlce_graph *g, mlce_status status);
/* The gradient of an input for backward to add to. *beta is 0 where nothing was added before (the
   memory is not cleared: overwrite it), else 1. With beta NULL the memory is cleared instead.
   NULL where the input wants none. */
MLCE_API float *mlce_node_grad(mlce_graph *g, mlce_node *input, float *beta);

/* ---- Gradient checking ---- */

/* Builds the scalar whose gradient is checked; called many times with changed parameters. */
typedef mlce_node *mlce_build_fn(mlce_graph *graph, void *context);

/* Compares the gradients of `parameters` with central differences (f(x+h) - f(x-h)) / 2h.
   *worst is the largest |analytic - numeric| / max(1, |analytic|, |numeric|). `checks` numbers
   are tried in each parameter (0 = all). */
MLCE_API mlce_status mlce_check_gradients(mlce_graph *graph, mlce_parameters *parameters,
                                          mlce_build_fn *build, void *context, float step,
                                          int checks, double *worst);

#ifdef __cplusplus
}
#endif
#endif

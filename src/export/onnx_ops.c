/* onnx_ops.c - ops that encoders and heads share, as ONNX nodes. */
#include <math.h>
#include <stdio.h>

#include "export/onnx_records.h"

mlce_onnx_value mlce_onnx_reshape(mlce_onnx *o, mlce_onnx_value x, const int64_t *dims, int rank) {
    return MLCE_ONNX(o, "Reshape", x, mlce_onnx_ints(o, dims, rank));
}

mlce_onnx_value mlce_onnx_transpose(mlce_onnx *o, mlce_onnx_value x, const int64_t *order,
                                    int rank) {
    mlce_onnx_value y = MLCE_ONNX(o, "Transpose", x);
    mlce_onnx_set_ints(o, "perm", order, rank);
    return y;
}

mlce_onnx_value mlce_onnx_slice(mlce_onnx *o, mlce_onnx_value x, int axis, int start, int count) {
    return MLCE_ONNX(o, "Slice", x, mlce_onnx_ints(o, MLCE_ONNX_DIMS(start)),
                     mlce_onnx_ints(o, MLCE_ONNX_DIMS((int64_t)start + count)),
                     mlce_onnx_ints(o, MLCE_ONNX_DIMS(axis)));
}

mlce_onnx_value mlce_onnx_unsqueeze(mlce_onnx *o, mlce_onnx_value x, int axis) {
    return MLCE_ONNX(o, "Unsqueeze", x, mlce_onnx_ints(o, MLCE_ONNX_DIMS(axis)));
}

mlce_onnx_value mlce_onnx_gelu(mlce_onnx *o, mlce_onnx_value x) {
    mlce_onnx_value e =
        MLCE_ONNX(o, "Erf", MLCE_ONNX(o, "Div", x, mlce_onnx_scalar(o, sqrtf(2.0f))));
    e = MLCE_ONNX(o, "Mul", x, MLCE_ONNX(o, "Add", e, mlce_onnx_scalar(o, 1.0f)));
    return MLCE_ONNX(o, "Mul", e, mlce_onnx_scalar(o, 0.5f));
}

/* position * 10000^(-2m / head_size)  ->  float64 [length, head_size / 2]: as float32 an angle
   would be wrong by 1e-4 at 2,000 tokens. */
static mlce_onnx_value angles(mlce_onnx *o, int head_size) {
    int count = head_size / 2;
    char name[48];
    snprintf(name, sizeof name, "rope_speeds_%d", head_size);
    double *speeds = mlce_onnx_alloc(o, (size_t)count, sizeof *speeds);
    if (!speeds) return NULL;
    for (int m = 0; m < count; m++) speeds[m] = pow(10000.0, -2.0 * m / head_size);
    mlce_onnx_value positions = mlce_onnx_cast(o, mlce_onnx_positions(o), MLCE_ONNX_DOUBLE);
    return MLCE_ONNX(o, "Mul", mlce_onnx_unsqueeze(o, positions, 1),
                     mlce_onnx_doubles(o, name, speeds, count));
}

/* Cosine and sine as float32 [length, 1, head_size / 2, 1], for the next RoPE too. */
static void make_turns(mlce_onnx *o, int head_size) {
    mlce_onnx_value angle = angles(o, head_size);
    mlce_onnx_value cosine = mlce_onnx_cast(o, MLCE_ONNX(o, "Cos", angle), MLCE_ONNX_FLOAT);
    mlce_onnx_value sine = mlce_onnx_cast(o, MLCE_ONNX(o, "Sin", angle), MLCE_ONNX_FLOAT);
    o->turns.cosine = mlce_onnx_reshape(o, cosine, MLCE_ONNX_DIMS(-1, 1, head_size / 2, 1));
    o->turns.sine = mlce_onnx_reshape(o, sine, MLCE_ONNX_DIMS(-1, 1, head_size / 2, 1));
    o->turns.head_size = head_size;
}

mlce_onnx_value mlce_onnx_rope(mlce_onnx *o, mlce_onnx_value x, int cols, int head_size) {
    if (o->turns.head_size != head_size) make_turns(o, head_size);
    mlce_onnx_value c = o->turns.cosine, s = o->turns.sine;
    x = mlce_onnx_reshape(o, x, MLCE_ONNX_DIMS(0, 0, cols / head_size, head_size / 2, 2));
    mlce_onnx_value a = mlce_onnx_slice(o, x, 4, 0, 1), b = mlce_onnx_slice(o, x, 4, 1, 1);
    mlce_onnx_value even =
        MLCE_ONNX(o, "Sub", MLCE_ONNX(o, "Mul", a, c), MLCE_ONNX(o, "Mul", b, s));
    mlce_onnx_value odd = MLCE_ONNX(o, "Add", MLCE_ONNX(o, "Mul", a, s), MLCE_ONNX(o, "Mul", b, c));
    mlce_onnx_value y = MLCE_ONNX(o, "Concat", even, odd);
    mlce_onnx_set_int(o, "axis", 4);
    return mlce_onnx_reshape(o, y, MLCE_ONNX_DIMS(0, 0, cols));
}

mlce_onnx_value mlce_onnx_products(mlce_onnx *o, mlce_onnx_value qk, int head_size) {
    mlce_onnx_value q = mlce_onnx_slice(o, qk, 3, 0, head_size);
    mlce_onnx_value k = mlce_onnx_slice(o, qk, 3, head_size, head_size);
    q = MLCE_ONNX(o, "Mul", q, mlce_onnx_scalar(o, 1.0f / sqrtf((float)head_size)));
    return MLCE_ONNX(o, "MatMul", q, mlce_onnx_transpose(o, k, MLCE_ONNX_DIMS(0, 1, 3, 2)));
}

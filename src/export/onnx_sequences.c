/* onnx_sequences.c - what an ONNX graph knows of its sequences: inputs, output, which tokens there
 * are and how far apart. */
#include "export/onnx_records.h"

static const char EMBEDDINGS[] = "embeddings", LENGTHS[] = "lengths", SCORES[] = "scores";

mlce_onnx_value mlce_onnx_begin(mlce_onnx *o, int width, bool items) {
    o->inputs[0] = (mlce_onnx_port){
        .name = EMBEDDINGS,
        .doc = "one row a token; sequences end in padding, whose contents do not matter",
        .type = MLCE_ONNX_FLOAT,
        .rank = 3,
        .dims = {{"batch", 0}, {items ? NULL : "length", 1}, {NULL, width}},
    };
    o->inputs[1] = (mlce_onnx_port){
        .name = LENGTHS,
        .doc = "tokens of each sequence",
        .type = MLCE_ONNX_INT64,
        .rank = 1,
        .dims = {{"batch", 0}},
    };
    mlce_onnx_value valid = mlce_onnx_unsqueeze(o, mlce_onnx_valid(o), 2);
    return MLCE_ONNX(o, "Where", valid, EMBEDDINGS, mlce_onnx_scalar(o, 0));
}

mlce_onnx_value mlce_onnx_cast(mlce_onnx *o, mlce_onnx_value x, mlce_onnx_type type) {
    mlce_onnx_value y = MLCE_ONNX(o, "Cast", x);
    mlce_onnx_set_int(o, "to", type);
    return y;
}

mlce_onnx_value mlce_onnx_lengths(mlce_onnx *o) {
    if (!o->lengths) o->lengths = mlce_onnx_cast(o, LENGTHS, MLCE_ONNX_INT32);
    return o->lengths;
}

/* ---- Positions, made once for each use ---- */

static mlce_onnx_value make_positions(mlce_onnx *o) {
    mlce_onnx_value shape = MLCE_ONNX(o, "Shape", EMBEDDINGS);
    mlce_onnx_set_int(o, "start", 1);
    mlce_onnx_set_int(o, "end", 2);
    mlce_onnx_value length = MLCE_ONNX(o, "Squeeze", shape);
    return MLCE_ONNX(o, "Range", mlce_onnx_int(o, 0), length, mlce_onnx_int(o, 1));
}

mlce_onnx_value mlce_onnx_positions(mlce_onnx *o) {
    if (!o->positions) o->positions = make_positions(o);
    return o->positions;
}

mlce_onnx_value mlce_onnx_valid(mlce_onnx *o) {
    if (!o->valid)
        o->valid = MLCE_ONNX(o, "Less", mlce_onnx_unsqueeze(o, mlce_onnx_positions(o), 0),
                             mlce_onnx_unsqueeze(o, LENGTHS, 1));
    return o->valid;
}

mlce_onnx_value mlce_onnx_distances(mlce_onnx *o) {
    if (!o->distances)
        o->distances = MLCE_ONNX(o, "Sub", mlce_onnx_unsqueeze(o, mlce_onnx_positions(o), 0),
                                 mlce_onnx_unsqueeze(o, mlce_onnx_positions(o), 1));
    return o->distances;
}

/* ---- What does not exist ---- */

mlce_onnx_value mlce_onnx_only(mlce_onnx *o, mlce_onnx_value condition, mlce_onnx_value x) {
    return MLCE_ONNX(o, "Where", condition, x, mlce_onnx_scalar(o, MLCE_ONNX_NONE));
}

mlce_onnx_value mlce_onnx_only_spans(mlce_onnx *o, mlce_onnx_value scores, int max_width) {
    mlce_onnx_value width = mlce_onnx_distances(o);
    mlce_onnx_value pairs = MLCE_ONNX(o, "GreaterOrEqual", width, mlce_onnx_int(o, 0));
    if (max_width)
        pairs =
            MLCE_ONNX(o, "And", pairs, MLCE_ONNX(o, "Less", width, mlce_onnx_int(o, max_width)));
    /* An end that is a token has a start before it that is one. */
    pairs = MLCE_ONNX(o, "And", pairs, mlce_onnx_unsqueeze(o, mlce_onnx_valid(o), 1));
    return mlce_onnx_only(o, mlce_onnx_unsqueeze(o, pairs, 1), scores);
}

void mlce_onnx_end(mlce_onnx *o, int types, bool items) {
    if (o->status) return;
    o->last->output = SCORES;
    if (items)
        o->output = (mlce_onnx_port){
            .name = SCORES,
            .doc = "of each label for each item",
            .type = MLCE_ONNX_FLOAT,
            .rank = 2,
            .dims = {{"batch", 0}, {NULL, types}},
        };
    else
        o->output = (mlce_onnx_port){
            .name = SCORES,
            .doc =
                "[b, a, i, j]: of the span of type a from token i to token j, both included; "
                "-1e12 where there is no such span",
            .type = MLCE_ONNX_FLOAT,
            .rank = 4,
            .dims = {{"batch", 0}, {NULL, types}, {"length", 0}, {"length", 0}},
        };
}

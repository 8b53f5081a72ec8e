/* private.h - the inside of a model, for the files that make it up. */
#ifndef MLCE_MODEL_PRIVATE_H
#define MLCE_MODEL_PRIVATE_H

#include "mlce/model.h"
#include "mlce/shape.h"
#include "model/parts.h"
#include "model/standardise.h"

typedef struct mlce_model_encoder {
    const mlce_encoder_type *type;
    void *state;
} mlce_model_encoder;

struct mlce_model {
    mlce_config *config;
    mlce_parameters *parameters;
    int width, types;
    mlce_shape_options shape;
    bool standardises;
    mlce_standardise standardise;
    int joined; /* shape features join the embeddings before this encoder: 0, or 1 behind a mix */
    char **type_names;
    char *embedding;
    float dropout, token_dropout;
    bool variational;
    int encoder_count;
    mlce_model_encoder *encoders;
    const mlce_head_type *head;
    void *head_state;
    mlce_parameter *learned_thresholds; /* threshold_ce over spans: s_0 [1, types]; else NULL */
    mlce_loss_options loss;
    float label_smoothing;
    int top;           /* topk_ce, softmax_ce: how many are predicted; else 0 */
    float *thresholds; /* [types] what scores over these is predicted */
    mlce_calibration calibration;
    struct mlce_model **members; /* of an average, which has no layers of its own; else NULL */
    int member_count;
    const mlce_ranks *ranks; /* that predict together; NULL: this process alone */
};

/* The prefix of encoder n's keys, "encoder.1" for the first, and its type; NULL (message set) where
   there is none of that name. */
const mlce_encoder_type *mlce_model_encoder_at(const mlce_config *config, int n, char prefix[32]);

/* Gives the model its types' names, copied. */
mlce_status mlce_model_copy_names(mlce_model *model, const char *const *names);

#endif

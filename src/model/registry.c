/* registry.c - the lists of what there is to choose from: one line for each encoder and head, and
   one for each table of configuration keys. */
#include <stddef.h>
#include <string.h>

#include "model/parts.h"
#include "train/keys.h"

extern const mlce_config_key mlce_shape_keys[];
extern const mlce_config_key mlce_model_keys[];
extern const mlce_config_key mlce_encoder_mlp_keys[];
extern const mlce_config_key mlce_head_efficient_global_pointer_keys[];
extern const mlce_config_key mlce_encoder_cnn_keys[];
extern const mlce_config_key mlce_encoder_mix_keys[];
extern const mlce_config_key mlce_encoder_transformer_keys[];
extern const mlce_encoder_type mlce_encoder_bilstm, mlce_encoder_gru, mlce_encoder_mlp,
    mlce_encoder_cnn, mlce_encoder_mix, mlce_encoder_transformer;
extern const mlce_head_type mlce_head_efficient_global_pointer, mlce_head_global_pointer,
    mlce_head_multilabel_classifier;

static const mlce_encoder_type *const encoders[] = {
    &mlce_encoder_mlp, &mlce_encoder_bilstm,      &mlce_encoder_gru,
    &mlce_encoder_cnn, &mlce_encoder_transformer, &mlce_encoder_mix,
};

static const mlce_head_type *const heads[] = {
    &mlce_head_efficient_global_pointer,
    &mlce_head_global_pointer,
    &mlce_head_multilabel_classifier,
};

static const mlce_config_key *const tables[] = {
    mlce_train_keys,
    mlce_shape_keys,
    mlce_model_keys,
    mlce_head_efficient_global_pointer_keys,
    mlce_encoder_mlp_keys,
    mlce_encoder_cnn_keys,
    mlce_encoder_mix_keys,
    mlce_encoder_transformer_keys,
    NULL,
};

const mlce_config_key *const *mlce_config_tables(void) {
    return tables;
}

const mlce_encoder_type *mlce_find_encoder(const char *name) {
    for (size_t i = 0; i < sizeof encoders / sizeof encoders[0]; i++)
        if (strcmp(encoders[i]->name, name) == 0) return encoders[i];
    mlce_fail(MLCE_E_CONFIG, "there is no encoder '%s'", name);
    return NULL;
}

const mlce_head_type *mlce_find_head(const char *name) {
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (strcmp(heads[i]->name, name) == 0) return heads[i];
    mlce_fail(MLCE_E_CONFIG, "there is no head '%s'", name);
    return NULL;
}

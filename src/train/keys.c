/* keys.c - the configuration keys of data, loss, optimizer and training. */
#include "train/keys.h"

#include <limits.h>
#include <stddef.h>

const mlce_config_key mlce_train_keys[] = {
    {"data.train", MLCE_KEY_STRING, "", "paths",
     "training files: a path, a glob pattern, or several separated by commas", 0, 0, NULL, NULL},
    {"data.dev", MLCE_KEY_STRING, "", "paths",
     "files the best checkpoint is chosen on; empty: no evaluation, the last checkpoint is kept", 0,
     0, NULL, NULL},
    {"data.test", MLCE_KEY_STRING, "", "paths",
     "files the best checkpoint is evaluated on once, at the end; empty: none", 0, 0, NULL, NULL},
    {"data.memory", MLCE_KEY_INT, "2048", "MiB",
     "memory for the embeddings of each split; a larger split is read from its files batch by "
     "batch",
     0, 1 << 30, NULL, NULL},
    {"data.check_rows", MLCE_KEY_BOOL, "yes", "",
     "look for NaN and infinity in all embeddings before training, also where they are read batch "
     "by batch",
     0, 0, NULL, NULL},
    {"data.bucket", MLCE_KEY_BOOL, "no", "",
     "batches of sequences of like length (within windows of 64 batches)", 0, 0, NULL, NULL},

    {"loss.name", MLCE_KEY_CHOICE, "multilabel_ce", "", "what is minimised", 0, 0, "multilabel_ce",
     NULL},

    {"optim.name", MLCE_KEY_CHOICE, "adam", "",
     "adam adds weight decay to the gradient, adamw to the step", 0, 0, "adam|adamw", NULL},
    {"optim.lr", MLCE_KEY_FLOAT, "0.001", "", "learning rate at the top of the schedule", 0, 1e6,
     NULL, NULL},
    {"optim.beta1", MLCE_KEY_FLOAT, "0.9", "", "decay of the mean of gradients", 0, 0.9999999, NULL,
     NULL},
    {"optim.beta2", MLCE_KEY_FLOAT, "0.999", "", "decay of the mean of squared gradients", 0,
     0.9999999, NULL, NULL},
    {"optim.epsilon", MLCE_KEY_FLOAT, "1e-8", "", "added to the root of the mean square", 1e-30, 1,
     NULL, NULL},
    {"optim.weight_decay", MLCE_KEY_FLOAT, "0", "",
     "weight decay, of weight matrices only (biases and layer norms have none)", 0, 1e6, NULL,
     NULL},
    {"optim.schedule", MLCE_KEY_CHOICE, "constant", "",
     "course of the learning rate after the warm-up: constant, or down to 0 at the last step", 0, 0,
     "constant|linear|cosine", NULL},
    {"optim.warmup", MLCE_KEY_FLOAT, "0", "steps",
     "steps over which the rate rises from 0; under 1: that share of all steps", 0, 1e9, NULL,
     NULL},
    {"optim.clip_norm", MLCE_KEY_FLOAT, "0", "",
     "gradients are scaled down to this global norm; 0: never", 0, 1e9, NULL, NULL},

    {"train.epochs", MLCE_KEY_INT, "10", "epochs", "passes over the training data", 1, 1e6, NULL,
     NULL},
    {"train.batch_size", MLCE_KEY_INT, "16", "sequences",
     "sequences a batch; 0: no limit but train.batch_tokens", 0, 1e6, NULL, NULL},
    {"train.batch_tokens", MLCE_KEY_INT, "0", "tokens",
     "tokens a batch at most (a longer sequence is a batch of its own); 0: no limit", 0,
     INT_MAX / 2, NULL, NULL},
    {"train.eval_steps", MLCE_KEY_INT, "0", "steps",
     "evaluate on data.dev every so many steps; 0: at the end of each epoch", 0, 1e9, NULL, NULL},
    {"train.patience", MLCE_KEY_INT, "0", "evaluations",
     "stop after so many evaluations in a row without a better dev micro F1; 0: never", 0, 1e6,
     NULL, NULL},
    {"train.seed", MLCE_KEY_INT, "1", "", "of start values, order and dropout", 0, 9e15, NULL,
     NULL},
    {"train.threads", MLCE_KEY_INT, "0", "threads", "0: one a core", 0, 4096, NULL, NULL},
    {"train.output", MLCE_KEY_STRING, "runs/run", "folder",
     "the run's folder: configuration, metrics, checkpoints, final table", 0, 0, NULL, NULL},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

/* keys.h - the configuration keys of data, loss, optimizer and training. */
#ifndef MLCE_TRAIN_KEYS_H
#define MLCE_TRAIN_KEYS_H

#include "mlce/config.h"

extern const mlce_config_key mlce_train_keys[];

#endif

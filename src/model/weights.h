/* weights.h - a model in an HDF5 file: what checkpoints and exported weights have in common.
 *
 *   /  attributes        format = "mlce-checkpoint" or "mlce-weights", version = 1,
 *                        config (a flat JSON object), width, embedding
 *   /types               [T] string
 *   /parameters/NAME     [rows, cols] float32
 *   /thresholds          [1, T] float32   scores over these are predicted
 *   /calibration         [1, 2] float32   slope and intercept; only where calibrated
 *
 * Each matrix has an attribute crc32: the CRC-32 of its numbers, row by row, as little-endian
 * float32 (Python: zlib.crc32(dataset[()].tobytes())). It is compared when the matrix is read.
 */
#ifndef MLCE_MODEL_WEIGHTS_H
#define MLCE_MODEL_WEIGHTS_H

#include "data/hdf5.h"
#include "mlce/model.h"

mlce_status mlce_weights_write(const mlce_h5 *file, const char *format, mlce_model *model);

/* The file has this format, in a version that is known. */
mlce_status mlce_weights_check_format(const mlce_h5 *file);
/* Sets in `config` what the file's configuration says. */
mlce_status mlce_weights_read_config(const mlce_h5 *file, mlce_config *config);

/* Stores the checksum of the matrix `name`, over one that stands there. */
mlce_status mlce_weights_write_checksum(const mlce_h5 *file, const char *name, const float *values,
                                        size_t count);

/* A matrix for each parameter, "<folder>/NAME", from or into a vector with the layout of
   mlce_parameters_values(). */
mlce_status mlce_weights_write_vector(const mlce_h5 *file, const char *folder,
                                      const mlce_parameters *parameters, const float *vector);
mlce_status mlce_weights_read_vector(const mlce_h5 *file, const char *folder,
                                     const mlce_parameters *parameters, float *vector);

#endif

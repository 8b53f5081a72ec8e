/* hdf5.c - weights in an HDF5 file. */
#include "export/formats.h"
#include "model/weights.h"

mlce_status mlce_export_hdf5(mlce_model *model, const char *part, const char *path) {
    mlce_h5 file = {0};
    mlce_status status = mlce_h5_create(part, path, &file);
    if (!status) status = mlce_weights_write(&file, "mlce-weights", model);
    mlce_status closed = mlce_h5_close(&file);
    return status ? status : closed;
}

/* safetensors, and the model that they and the configuration in their metadata make. */
#include <math.h>

#include "export/safetensors.h"
#include "fuzz.h"
#include "mlce/config.h"
#include "mlce/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(0, data, size);
    mlce_tensors tensors;
    mlce_config *config = mlce_config_new();
    FUZZ_CHECK(config);
    if (fuzz_passed(mlce_tensors_open(path, &tensors))) {
        for (size_t i = 0; i < tensors.count; i++) {
            const mlce_tensor *tensor = &tensors.items[i];
            FUZZ_CHECK(mlce_tensors_find(&tensors, tensor->name) == tensor);
            FUZZ_CHECK(tensor->begin <= size && tensor->count <= size);
            float *values = malloc(tensor->count * sizeof *values + 1);
            FUZZ_CHECK(values);
            if (fuzz_passed(mlce_tensors_read(&tensors, tensor, values)))
                for (size_t n = 0; n < tensor->count; n++) FUZZ_CHECK(isfinite(values[n]));
            free(values);
        }
        mlce_tensors_close(&tensors);
    }
    mlce_model *model;
    if (fuzz_passed(mlce_import_config(path, config)) && fuzz_passed(mlce_config_check(config)) &&
        fuzz_passed(mlce_import(path, config, NULL, &model)))
        mlce_model_free(model);
    mlce_config_free(config);
    return 0;
}

/* An INI file as a configuration, written and read again; and the same from JSON. */
#include <string.h>

#include "fuzz.h"
#include "mlce/config.h"

static void read_again(const mlce_config *config) {
    mlce_config *again = mlce_config_new();
    char *json = mlce_config_to_json(config);
    FUZZ_CHECK(again && json);
    FUZZ_CHECK(!mlce_config_from_json(again, json));
    char *same = mlce_config_to_json(again);
    FUZZ_CHECK(same && !strcmp(same, json));
    free(same);
    free(json);
    mlce_config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned choice = fuzz_choice(&data, &size);
    mlce_config *config = mlce_config_new();
    char *text = malloc(size + 1), *ini;
    FUZZ_CHECK(config && text);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    mlce_status status = choice & 1   ? mlce_config_from_json(config, text)
                         : choice & 2 ? mlce_config_assign(config, text)
                                      : mlce_config_read(config, fuzz_file(0, data, size));
    if (fuzz_passed(status) && fuzz_passed(mlce_config_check(config))) {
        read_again(config);
        ini = mlce_config_to_ini(config);
        FUZZ_CHECK(ini && !mlce_config_read(config, fuzz_file(1, ini, strlen(ini))));
        free(ini);
    }
    free(text);
    mlce_config_free(config);
    return 0;
}

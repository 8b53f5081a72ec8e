/* sweep_plan.c - the runs that lists and ranges make. */
#include "train/sweep_plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "mlce/memory.h"
#include "mlce/random.h"
#include "train/run_folder.h"
#include "train/session.h"

enum { MOST_COMBINATIONS = 1000000, MOST_RUNS = 10000 };

static const char SEED[] = "train.seed";

static bool is_seed_list(const mlce_sweep_key *key) {
    return strcmp(key->name, SEED) == 0 && !key->sweep.is_range;
}

static bool is_setting_list(const mlce_sweep_key *key) {
    return !key->sweep.is_range && !is_seed_list(key);
}

/* ---- Keys ---- */

static mlce_status add_key(mlce_sweep_plan *plan, const mlce_config_entry *entry) {
    if (strcmp(entry->name, "train.output") == 0 || strncmp(entry->name, "sweep.", 6) == 0)
        return mlce_fail(MLCE_E_CONFIG, "%s = %s: this key has one value for the whole sweep",
                         entry->name, mlce_config_show(entry->value.text).text);
    mlce_sweep_key *key = &plan->keys[plan->key_count++];
    key->name = entry->name;
    return mlce_config_parse_sweep(entry->key, entry->name, entry->value.text, &key->sweep);
}

static mlce_status find_keys(mlce_sweep_plan *plan) {
    const mlce_config *config = plan->config;
    plan->keys = mlce_calloc(config->count, sizeof *plan->keys);
    mlce_status status = plan->keys ? MLCE_OK : MLCE_E_MEMORY;
    for (size_t i = 0; i < config->count && !status; i++)
        if (config->entries[i].value.swept) status = add_key(plan, &config->entries[i]);
    if (status) return status;
    if (plan->key_count == 0)
        return mlce_fail(MLCE_E_CONFIG,
                         "a sweep without a value to try: write one as in optim.lr = "
                         "sweep(1e-4, 3e-3, log) or model.dropout = sweep(0.1, 0.2)");
    for (int k = 0; k + 1 < plan->key_count; k++) {
        if (!is_seed_list(&plan->keys[k])) continue;
        mlce_sweep_key seed = plan->keys[k];
        plan->keys[k] = plan->keys[k + 1];
        plan->keys[k + 1] = seed;
    }
    const mlce_sweep_key *last = &plan->keys[plan->key_count - 1];
    plan->seeds = is_seed_list(last) ? last->sweep.count : 1;
    return MLCE_OK;
}

/* ---- Runs ---- */

/* How many combinations of lists there are, but for the seeds; and whether there are ranges. */
static mlce_status count_combinations(const mlce_sweep_plan *plan, int64_t *count, bool *ranges) {
    *count = 1;
    *ranges = false;
    for (int k = 0; k < plan->key_count; k++) {
        *ranges = *ranges || plan->keys[k].sweep.is_range;
        if (is_setting_list(&plan->keys[k])) *count *= plan->keys[k].sweep.count;
        if (*count > MOST_COMBINATIONS)
            return mlce_fail(MLCE_E_CONFIG,
                             "the lists have over %d combinations: shorten them, or give ranges",
                             MOST_COMBINATIONS);
    }
    return MLCE_OK;
}

static mlce_status count_runs(mlce_sweep_plan *plan, int64_t combinations, bool ranges) {
    int64_t wanted = mlce_config_int(plan->config, "sweep.runs");
    int64_t all = combinations * plan->seeds;
    if (!wanted && ranges)
        return mlce_fail(MLCE_E_CONFIG,
                         "sweep.runs is not set: say how many runs to make with values drawn from "
                         "a range, as sweep.runs = 20");
    if (!wanted && all > MOST_RUNS)
        return mlce_fail(MLCE_E_CONFIG,
                         "the lists make %lld runs: say how many of them to make with sweep.runs "
                         "(at most %d)",
                         (long long)all, MOST_RUNS);
    plan->runs = (int)(!wanted || (!ranges && all < wanted) ? all : wanted);
    return MLCE_OK;
}

/* Uniform over [0, 1), 53 bits. */
static double draw(uint64_t seed, int key, int setting) {
    uint32_t word[4];
    mlce_philox(seed, MLCE_STREAM_SWEEP + 16 * ((uint32_t)key + 1), (uint64_t)setting, word);
    return (double)((uint64_t)(word[0] >> 5) << 26 | word[1] >> 6) / 9007199254740992.0;
}

/* The values of one run, whose lists have combination number `combination`. */
static mlce_status fill_run(mlce_sweep_plan *plan, int run, int64_t combination) {
    uint64_t seed = (uint64_t)mlce_config_int(plan->config, "sweep.seed");
    for (int k = 0; k < plan->key_count; k++) {
        const mlce_sweep_key *key = &plan->keys[k];
        const mlce_config_sweep *sweep = &key->sweep;
        char **value = &plan->values[(size_t)run * (size_t)plan->key_count + (size_t)k];
        if (sweep->is_range) {
            *value = mlce_config_sweep_at(sweep, draw(seed, k, run / plan->seeds));
        } else if (is_seed_list(key)) {
            *value = mlce_strdup(sweep->values[run % plan->seeds].text);
        } else {
            *value = mlce_strdup(sweep->values[combination % sweep->count].text);
            combination /= sweep->count;
        }
        if (!*value) return MLCE_E_MEMORY;
    }
    return MLCE_OK;
}

static mlce_status fill_runs(mlce_sweep_plan *plan, int64_t combinations) {
    uint64_t seed = (uint64_t)mlce_config_int(plan->config, "sweep.seed");
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_SWEEP);
    int64_t *order = mlce_calloc((size_t)combinations, sizeof *order);
    plan->values = mlce_calloc((size_t)plan->runs * (size_t)plan->key_count, sizeof *plan->values);
    mlce_status status = order && plan->values ? MLCE_OK : MLCE_E_MEMORY;
    for (int64_t n = 0; n < combinations && !status; n++) order[n] = n;
    if (!status) mlce_random_shuffle(&random, order, combinations);
    for (int run = 0; run < plan->runs && !status; run++)
        status = fill_run(plan, run, order[run / plan->seeds % combinations]);
    free(order);
    return status;
}

static mlce_status check_runs(const mlce_sweep_plan *plan) {
    for (int run = 0; run < plan->runs; run++) {
        mlce_config *config;
        mlce_status status = mlce_sweep_plan_config(plan, run, &config);
        if (!status) status = mlce_session_check(config);
        if (!status && *mlce_config_string(config, "data.dev") == '\0')
            status =
                mlce_fail(MLCE_E_CONFIG, "data.dev is not set: a sweep compares its runs on it");
        mlce_config_free(config);
        if (!status) continue;
        char *settings = mlce_sweep_plan_settings(plan, run, plan->key_count);
        mlce_fail_prefix(status, "run %d of the sweep (%s): ", run + 1, settings ? settings : "");
        free(settings);
        return status;
    }
    return MLCE_OK;
}

mlce_status mlce_sweep_plan_make(const mlce_config *config, mlce_sweep_plan *plan) {
    int64_t combinations;
    bool ranges;
    *plan = (mlce_sweep_plan){.config = config};
    mlce_status status = find_keys(plan);
    if (!status) status = count_combinations(plan, &combinations, &ranges);
    if (!status) status = count_runs(plan, combinations, ranges);
    if (status) return status;
    plan->output = mlce_config_string(config, "train.output");
    status = fill_runs(plan, combinations);
    return status ? status : check_runs(plan);
}

void mlce_sweep_plan_free(mlce_sweep_plan *plan) {
    size_t values = plan->values ? (size_t)plan->runs * (size_t)plan->key_count : 0;
    for (size_t i = 0; i < values; i++) free(plan->values[i]);
    for (int k = 0; k < plan->key_count; k++) mlce_config_sweep_free(&plan->keys[k].sweep);
    free(plan->values);
    free(plan->keys);
    *plan = (mlce_sweep_plan){0};
}

const char *mlce_sweep_plan_value(const mlce_sweep_plan *plan, int run, int key) {
    return plan->values[(size_t)run * (size_t)plan->key_count + (size_t)key];
}

char *mlce_sweep_plan_settings(const mlce_sweep_plan *plan, int run, int keys) {
    mlce_text text;
    FILE *out = mlce_text_begin(&text);
    for (int k = 0; out && k < keys; k++)
        fprintf(out, "%s%s=%s", k ? " " : "", plan->keys[k].name,
                mlce_sweep_plan_value(plan, run, k));
    return mlce_text_end(&text, "the settings of a run");
}

mlce_sweep_folder mlce_sweep_plan_folder(int run) {
    mlce_sweep_folder folder;
    snprintf(folder.name, sizeof folder.name, "%03d", run + 1);
    return folder;
}

mlce_status mlce_sweep_plan_config(const mlce_sweep_plan *plan, int run, mlce_config **config) {
    char *output = mlce_run_folder_file(plan->output, mlce_sweep_plan_folder(run).name);
    mlce_config *made = mlce_config_copy(plan->config);
    mlce_status status = output && made ? MLCE_OK : MLCE_E_MEMORY;
    for (int k = 0; k < plan->key_count && !status; k++)
        status = mlce_config_set(made, plan->keys[k].name, mlce_sweep_plan_value(plan, run, k));
    if (!status) status = mlce_config_set(made, "train.output", output);
    if (!status) status = mlce_config_unset(made, "sweep.runs");
    if (!status) status = mlce_config_unset(made, "sweep.seed");
    free(output);
    if (status) {
        mlce_config_free(made);
        made = NULL;
    }
    *config = made;
    return status;
}

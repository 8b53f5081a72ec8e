/* data_split.c - `mlce-data split`. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus/split.h"
#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "tools/data_commands.h"
#include "tools/data_print.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data split FILE --into NAME=SHARE,NAME=SHARE,... -o PREFIX [OPTION ...]\n"
    "\n"
    "Cuts a dataset into parts by sequence (or item), so that every type is as frequent in each "
    "part\n"
    "as in the whole: PREFIX-NAME.h5 for each NAME, or PREFIX/NAME.h5 where PREFIX is a folder or\n"
    "ends in a slash. Sequences stay in their order. The same options give the same parts on "
    "every\n"
    "machine. No file appears before all are whole.\n"
    "\n"
    "The method is iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011): each part wants "
    "its\n"
    "share of each type's spans. The type with the fewest spans left is dealt out first, each of "
    "its\n"
    "sequences to the part that wants most of it; sequences without spans fill up the sizes. A "
    "type\n"
    "with fewer than about 1 / SHARE spans cannot be in every part.\n"
    "\n"
    "      --into LIST        names and shares of the parts; the shares sum to 1\n"
    "  -o, --output PREFIX    where they go; files there are replaced\n"
    "      --together WHAT    sequences that must not be torn apart: identical (default: the same\n"
    "                         tokens; else text; else embeddings), documents, or nothing\n"
    "      --seed S           another split for every seed (default 1)\n"
    "  -h, --help             show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data split all.h5 --into train=0.8,dev=0.1,test=0.1 -o data/\n"
    "  mlce-data split all.h5 --into train=0.9,dev=0.1 -o mine --together documents\n";

enum { MOST_PARTS = 64, MOST_TYPES_SHOWN = 60, INTO = 256, TOGETHER, SEED };

typedef struct request {
    const char *name_of[MOST_PARTS];
    mlce_split_part parts[MOST_PARTS]; /* paths on the heap */
    int count;
    const char *prefix;
    mlce_together together;
    int64_t seed;
} request;

static void request_free(request *r) {
    for (int p = 0; p < r->count; p++) free((char *)r->parts[p].path);
}

/* ---- Options ---- */

/* NAME=SHARE; false (message given) where it is not. */
static bool read_part(request *r, char *text) {
    char *equals = strchr(text, '='), *end = NULL;
    if (equals) *equals = '\0';
    double share = equals ? strtod(equals + 1, &end) : 0;
    bool again = false;
    for (int p = 0; p < r->count; p++) again |= !strcmp(r->name_of[p], text);
    if (!equals || equals == text)
        mlce_tool_usage("--into: '%s' is not NAME=SHARE, as train=0.8", text);
    else if (end == equals + 1 || *end || !(share > 0 && share <= 1))
        mlce_tool_usage("--into: the share '%s' of %s is not a number over 0, up to 1", equals + 1,
                        text);
    else if (strchr(text, '/'))
        mlce_tool_usage("--into: the name '%s' has a /", text);
    else if (again)
        mlce_tool_usage("--into: the name '%s' stands twice", text);
    else if (r->count == MOST_PARTS)
        mlce_tool_usage("--into: more than %d parts", MOST_PARTS);
    else {
        r->name_of[r->count] = text;
        r->parts[r->count++].share = share;
        return true;
    }
    return false;
}

/* Cuts the text up. */
static bool read_parts(request *r, char *text) {
    double sum = 0;
    r->count = 0;
    for (char *rest = text, *part; (part = strsep(&rest, ","));)
        if (!read_part(r, part)) return false;
    for (int p = 0; p < r->count; p++) sum += r->parts[p].share;
    if (fabs(sum - 1) < 1e-6) return true;
    mlce_tool_usage("--into: the shares sum to %g, must sum to 1", sum);
    return false;
}

static bool read_together(request *r, const char *word) {
    static const char *const words[] = {"identical", "documents", "nothing", NULL};
    int n = 0;
    bool good = mlce_tool_choose("--together", word, words, &n);
    r->together = (mlce_together)n;
    return good;
}

static bool read_option(request *r, int option) {
    static const int64_t most_seed = 9000000000000000; /* train.seed has the same limit */
    if (option == INTO) return read_parts(r, optarg);
    if (option == TOGETHER) return read_together(r, optarg);
    if (option == SEED) return mlce_tool_int("--seed", optarg, 0, most_seed, &r->seed);
    r->prefix = optarg;
    return true;
}

/* ---- Where the parts go ---- */

static bool is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static mlce_status name_files(request *r, const mlce_dataset *dataset) {
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): looked at by the caller */
    bool is_in_folder = r->prefix[strlen(r->prefix) - 1] == '/' || is_folder(r->prefix);
    const char *between = r->prefix[strlen(r->prefix) - 1] == '/' ? "" : is_in_folder ? "/" : "-";
    for (int p = 0; p < r->count; p++) {
        size_t size = strlen(r->prefix) + strlen(r->name_of[p]) + sizeof "/.h5";
        char *path = mlce_calloc(size, 1);
        if (!path) return MLCE_E_MEMORY;
        snprintf(path, size, "%s%s%s.h5", r->prefix, between, r->name_of[p]);
        r->parts[p].path = path;
        if (mlce_dataset_has_file(dataset, path))
            return mlce_fail(MLCE_E_ARGUMENT, "%s: is the file that is split", path);
    }
    return MLCE_OK;
}

/* The folder of a prefix that ends in a slash; *is_new: it was not there. */
static mlce_status make_folder(const char *prefix, bool *is_new) {
    *is_new = prefix[strlen(prefix) - 1] == '/' && !is_folder(prefix);
    if (!*is_new || mkdir(prefix, 0777) == 0) return MLCE_OK;
    *is_new = false;
    return mlce_fail(MLCE_E_IO, "%s: cannot make the folder: %s", prefix, strerror(errno));
}

/* ---- The report ---- */

/* How many spans of each type are in each part. */
static mlce_status print_types(const request *r, const mlce_dataset *dataset, const int *part_of) {
    int types = mlce_dataset_types(dataset), columns = mlce_print_type_columns(dataset);
    size_t parts = (size_t)r->count;
    int64_t *counts = mlce_calloc((size_t)types, parts * sizeof *counts);
    if (!counts) return MLCE_E_MEMORY;
    for (int64_t s = 0; s < mlce_dataset_sequences(dataset); s++) {
        int count;
        const mlce_span *gold = mlce_dataset_gold(dataset, s, &count);
        for (int k = 0; k < count; k++) counts[(size_t)gold[k].type * parts + (size_t)part_of[s]]++;
    }
    printf("\n  ");
    mlce_tool_put_padded(stdout, mlce_dataset_layout_of(dataset)->gold + 1, columns);
    for (int p = 0; p < r->count; p++) {
        int blanks = 10 - mlce_tool_columns(r->name_of[p]);
        printf("  %*s", blanks > 0 ? blanks : 0, "");
        mlce_tool_put(stdout, r->name_of[p]);
    }
    putchar('\n');
    for (int t = 0; t < types && t < MOST_TYPES_SHOWN; t++) {
        printf("  ");
        mlce_tool_put_padded(stdout, mlce_dataset_type_name(dataset, t), columns);
        for (size_t p = 0; p < parts; p++)
            printf("  %10lld", (long long)counts[(size_t)t * parts + p]);
        putchar('\n');
    }
    if (types > MOST_TYPES_SHOWN) printf("  ... %d types more\n", types - MOST_TYPES_SHOWN);
    free(counts);
    return MLCE_OK;
}

static void print_parts(const request *r, const mlce_dataset *dataset) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    double all = (double)mlce_dataset_sequences(dataset);
    for (int p = 0; p < r->count; p++) {
        const mlce_split_part *part = &r->parts[p];
        mlce_tool_put(stdout, part->path);
        printf(": %lld %ss (%.1f%%)", (long long)part->sequences, layout->sequence,
               100 * (double)part->sequences / all);
        if (mlce_dataset_task(dataset) == MLCE_TASK_SPANS)
            printf(", %lld tokens", (long long)part->tokens);
        printf(", %lld %ss\n", (long long)part->spans, layout->span);
    }
}

/* ---- The command ---- */

static mlce_status split_open(request *r, mlce_dataset *dataset, int *part_of) {
    bool is_new = false;
    mlce_status status = name_files(r, dataset);
    if (!status)
        status =
            mlce_split_plan(dataset, r->parts, r->count, r->together, (uint64_t)r->seed, part_of);
    if (!status) status = make_folder(r->prefix, &is_new);
    if (!status) {
        status = mlce_split_write(dataset, r->parts, r->count, part_of);
        if (status && is_new) rmdir(r->prefix);
    }
    if (status) return status;
    print_parts(r, dataset);
    return mlce_dataset_has_spans(dataset) ? print_types(r, dataset, part_of) : MLCE_OK;
}

static mlce_status split(request *r, const char *input) {
    const mlce_dataset_options options = {.memory = 0, .check_rows = false};
    mlce_dataset *dataset;
    mlce_status status = mlce_dataset_open(input, &options, &dataset);
    if (!status) status = mlce_dataset_load_text(dataset);
    if (!status) {
        int *part_of = mlce_calloc((size_t)mlce_dataset_sequences(dataset), sizeof *part_of);
        status = part_of ? split_open(r, dataset, part_of) : MLCE_E_MEMORY;
        free(part_of);
    }
    mlce_dataset_close(dataset);
    return status;
}

int mlce_data_split(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"into", required_argument, NULL, INTO},
                                            {"output", required_argument, NULL, 'o'},
                                            {"together", required_argument, NULL, TOGETHER},
                                            {"seed", required_argument, NULL, SEED},
                                            {NULL, 0, NULL, 0}};
    request r = {.seed = 1};
    int exit_code = -1;
    mlce_tool_command("split", HELP);
    for (int option; exit_code < 0 &&
                     (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;)
        if (option != MLCE_TOOL_EXIT && !read_option(&r, option)) exit_code = MLCE_TOOL_WRONG_USAGE;
    if (exit_code < 0 && argc - optind != 1)
        exit_code = mlce_tool_usage("split takes one file, %d given", argc - optind);
    if (exit_code < 0 && r.count < 2)
        exit_code = mlce_tool_usage("two parts or more are needed: --into train=0.9,dev=0.1");
    if (exit_code < 0 && (!r.prefix || !*r.prefix))
        exit_code = mlce_tool_usage("the output is missing: -o PREFIX");
    if (exit_code < 0) exit_code = split(&r, argv[optind]) ? mlce_tool_failed() : mlce_tool_end();
    request_free(&r);
    return exit_code;
}

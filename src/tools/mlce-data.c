/* mlce-data - makes datasets, of made-up data or of annotated text, checks, cuts and joins them. */
#include <string.h>

#include "core/spelling.h"
#include "data/demo.h"
#include "data/embed_hash.h"
#include "tools/data_commands.h"
#include "tools/inspect.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data COMMAND ...\n"
    "\n"
    "Makes, checks, cuts and joins datasets: sequences with labelled spans, or items with labels\n"
    "(HDF5 files of the layouts mlce-spans and mlce-labels).\n"
    "\n"
    "commands:\n"
    "  convert INPUT -o OUT   make a dataset of annotated text (CoNLL, JSONL, brat), or text of a "
    "dataset\n"
    "  check TRAIN [DEV ...]  what to know before training: few examples, the same in both, ...\n"
    "  inspect FILE           show what a dataset holds, and its first sequences\n"
    "  stats FILE [--json]    measure a dataset\n"
    "  validate FILE ...      read and check every part of datasets\n"
    "  split FILE --into train=0.8,dev=0.2 -o PREFIX\n"
    "                         cut a dataset so that types are spread evenly\n"
    "  merge FILE ... -o OUT  join datasets, with all their types\n"
    "  demo DIR               write a small made-up corpus, or labelled items, to train on\n"
    "\n"
    "  -h, --help             show this text; mlce-data COMMAND --help: that of a command\n"
    "      --version          show the version\n"
    "\n"
    "examples:\n"
    "  mlce-data convert train.conll -o train.h5\n"
    "  mlce-data check train.h5 dev.h5\n"
    "  mlce-data split all.h5 --into train=0.8,dev=0.1,test=0.1 -o data/\n"
    "  mlce-data demo demo-data\n"
    "  mlce-data demo demo-labels --task labels\n"
    "  mlce-data inspect demo-data/dev.h5\n";

static const char DEMO_HELP[] =
    "usage: mlce-data demo DIR [--task TASK] [--sequences N] [--dim D] [--seed S] [--force]\n"
    "\n"
    "Writes DIR/train.h5, DIR/dev.h5 and DIR/test.h5: made-up English sentences with nested names "
    "of\n"
    "seven types (person, title, organisation, location, date, event, product). Most names of dev\n"
    "and test do not stand in train. Embeddings are hashed character n-grams of each token, "
    "float16.\n"
    "With --task labels: made-up items with one to six of 60 labels each, some of them rare; an\n"
    "item's features are the sum of its labels' own and noise.\n"
    "DIR is made where it is missing. The same options give the same data on every machine.\n"
    "\n"
    "  --task TASK          spans or labels (default spans)\n"
    "  --sequences N        sentences or items of train; dev and test have a fifth of it each\n"
    "                       (default 2000)\n"
    "  --dim D              features a token or item, 8 to 65536 (default 256; labels: 96)\n"
    "  --seed S             another corpus for every seed (default 1)\n"
    "  --force              replace files that are there\n"
    "  -h, --help           show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data demo demo-data\n"
    "  mlce-data demo /tmp/small --sequences 200 --dim 64\n"
    "  mlce-data demo demo-labels --task labels\n";

static const char INSPECT_HELP[] =
    "usage: mlce-data inspect FILE [--rows N]\n"
    "\n"
    "Checks a dataset and shows its size, what it holds, its types with their numbers of spans, "
    "how\n"
    "long sequences and spans are, how spans lie within each other, and the first sequences; or "
    "of\n"
    "items, how many labels they have, and the first ones. FILE\n"
    "may be several, separated by commas, and patterns (\"train-*.h5\"), read as one dataset.\n"
    "\n"
    "  --rows N             sequences to show (default 3)\n"
    "  -h, --help           show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data inspect demo-data/dev.h5\n"
    "  mlce-data inspect 'shards/train-*.h5' --rows 0\n";

enum { MOST_SEQUENCES = 100000000 };
static const int64_t MOST_SEED = 9000000000000000; /* train.seed has the same limit */

/* The task of that name; false (message of wrong usage given) where there is none. */
static bool read_task(const char *name, mlce_task *task) {
    static const char *const tasks[] = {"spans", "labels", NULL};
    int n = 0;
    bool good = mlce_tool_choose("--task", name, tasks, &n);
    *task = n ? MLCE_TASK_LABELS : MLCE_TASK_SPANS;
    return good;
}

static int write_demo(const char *folder, const mlce_demo_options *options) {
    if (!*folder) return mlce_tool_usage("the folder's name is empty");
    if (mlce_demo_write(folder, options)) return mlce_tool_failed();
    int64_t fifth = (options->sequences + 4) / 5;
    mlce_tool_put(stdout, folder);
    printf(": train.h5 (%lld %s), dev.h5 (%lld), test.h5 (%lld)\n", (long long)options->sequences,
           options->task == MLCE_TASK_LABELS ? "items" : "sentences", (long long)fifth,
           (long long)fifth);
    return mlce_tool_end();
}

static int demo(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"task", required_argument, NULL, 't'},
                                            {"sequences", required_argument, NULL, 'n'},
                                            {"dim", required_argument, NULL, 'd'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"force", no_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    mlce_tool_command("demo", DEMO_HELP);
    int64_t sequences = 2000, dim = 0, seed = 1;
    mlce_task task = MLCE_TASK_SPANS;
    bool force = false;
    int exit_code = MLCE_TOOL_OK;
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        bool good = option != MLCE_TOOL_EXIT;
        if (option == 'f') force = true;
        if (option == 't') good = read_task(optarg, &task);
        if (option == 'n')
            good = mlce_tool_int("--sequences", optarg, 1, MOST_SEQUENCES, &sequences);
        if (option == 'd')
            good = mlce_tool_int("--dim", optarg, MLCE_EMBED_HASH_MIN, MLCE_EMBED_HASH_MAX, &dim);
        if (option == 's') good = mlce_tool_int("--seed", optarg, 0, MOST_SEED, &seed);
        if (!good) return option == MLCE_TOOL_EXIT ? exit_code : MLCE_TOOL_WRONG_USAGE;
    }
    if (argc - optind != 1)
        return mlce_tool_usage("demo takes one folder, %d given", argc - optind);
    if (!dim) dim = task == MLCE_TASK_LABELS ? 96 : 256;
    mlce_demo_options wanted = {.task = task,
                                .sequences = sequences,
                                .seed = (uint64_t)seed,
                                .dim = (int)dim,
                                .replace = force};
    return write_demo(argv[optind], &wanted);
}

static int inspect(int argc, char **argv) {
    static const struct option options[] = {
        MLCE_TOOL_OPTIONS, {"rows", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
    mlce_tool_command("inspect", INSPECT_HELP);
    int64_t rows = 3;
    int exit_code = MLCE_TOOL_OK;
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (!mlce_tool_int("--rows", optarg, 0, INT32_MAX, &rows)) return MLCE_TOOL_WRONG_USAGE;
    }
    if (argc - optind != 1)
        return mlce_tool_usage("inspect takes one file, %d given (several: a,b or \"*.h5\")",
                               argc - optind);
    if (mlce_inspect(argv[optind], rows)) return mlce_tool_failed();
    return mlce_tool_end();
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS, {NULL, 0, NULL, 0}};
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {
        {"check", mlce_data_check}, {"convert", mlce_data_convert},   {"demo", demo},
        {"inspect", inspect},       {"merge", mlce_data_merge},       {"split", mlce_data_split},
        {"stats", mlce_data_stats}, {"validate", mlce_data_validate},
    };
    mlce_tool_begin("mlce-data", HELP);
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    if (argc > 1 && argv[1][0] != '-') {
        const char *nearest = NULL;
        int least = mlce_spelling_tolerance(argv[1]) + 1;
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            int slips = mlce_spelling_slips(argv[1], commands[i].name);
            if (slips >= least) continue;
            least = slips;
            nearest = commands[i].name;
        }
        return mlce_tool_usage("unknown command '%s'%s%s%s", argv[1],
                               nearest ? ": did you mean '" : "", nearest ? nearest : "",
                               nearest ? "'?" : "");
    }
    int exit_code = MLCE_TOOL_OK;
    if (argc > 1 && mlce_tool_option(argc, argv, options, &exit_code) == MLCE_TOOL_EXIT)
        return exit_code;
    return mlce_tool_usage(
        "a command is missing: convert, check, inspect, stats, validate, split, "
        "merge or demo");
}

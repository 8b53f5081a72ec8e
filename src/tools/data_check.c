/* data_check.c - `mlce-data check`. */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "corpus/check.h"
#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "tools/data_commands.h"
#include "tools/data_print.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data check TRAIN [DEV ...] [--few N] [--json]\n"
    "\n"
    "Says what a person should know before training on TRAIN and evaluating on each DEV: sizes,\n"
    "spans of each type, how many spans a model.max_width keeps, and findings:\n"
    "  error    training would refuse it: a broken file, other widths, types that TRAIN lacks,\n"
    "           NaN\n"
    "  warning  training works, but probably not as meant: types with few spans, the same\n"
    "           sequences in both, sequences longer than any of TRAIN, embeddings of zeros, of\n"
    "           another scale or made by something else, one sequence annotated in two ways ...\n"
    "  note     good to know\n"
    "Sequences are the same if their tokens are (else their text, else their embeddings).\n"
    "\n"
    "Exit code 0: no errors; 1: errors.\n"
    "\n"
    "      --few N          warn of types with fewer spans in TRAIN (default 50)\n"
    "      --json           all of it for another program; each finding has a code\n"
    "  -h, --help           show this text\n"
    "\n"
    "examples:\n"
    "  mlce-data check train.h5 dev.h5 test.h5\n"
    "  mlce-data check 'train-*.h5' dev.h5 --json | jq -r '.findings[].message'\n";

enum { MOST_WIDTHS = 4, MOST_TYPES_SHOWN = 60 };
static const int WIDTHS[MOST_WIDTHS] = {4, 8, 16, 32};

/* The first file is train; those that could not be opened are closed. */
typedef struct checked {
    char **paths;
    mlce_corpus *files;
    int count;
    mlce_findings findings;
    bool json;
} checked;

/* ---- Checking ---- */

static mlce_status check_file(checked *c, int i) {
    mlce_status status = mlce_corpus_open(c->paths[i], &c->files[i]);
    if (status == MLCE_E_MEMORY) return status;
    if (status)
        mlce_find(&c->findings, MLCE_FINDING_ERROR, "unreadable", "%s", mlce_last_error());
    else
        mlce_check_corpus(&c->files[i], &c->findings);
    return MLCE_OK;
}

/* A file that breaks while it is read again counts as unreadable. */
static mlce_status check_all(checked *c, const mlce_check_options *options) {
    mlce_status status = MLCE_OK;
    for (int i = 0; i < c->count && !status; i++) status = check_file(c, i);
    mlce_corpus *train = &c->files[0];
    if (!status && train->dataset) status = mlce_check_train(train, options, &c->findings);
    for (int i = 1; i < c->count && !status; i++)
        if (train->dataset && c->files[i].dataset)
            status = mlce_check_pair(train, &c->files[i], &c->findings);
    return status ? status : c->findings.status;
}

/* ---- The tables ---- */

/* Columns for the names of the files. */
static int path_columns(const checked *c) {
    int columns = 8;
    for (int i = 0; i < c->count; i++) {
        int needed = mlce_tool_columns(c->paths[i]);
        if (needed > columns) columns = needed < 48 ? needed : 48;
    }
    return columns;
}

static void put_heading(const char *text, int columns) {
    printf("%s", mlce_tool_style(stdout, MLCE_TOOL_BOLD));
    mlce_tool_put_padded(stdout, text, columns);
}

static void end_heading(void) {
    printf("%s\n", mlce_tool_style(stdout, MLCE_TOOL_PLAIN));
}

static void print_sizes(const checked *c, const mlce_dataset_layout *layout, int columns) {
    bool is_labels = layout == &mlce_dataset_layouts[MLCE_TASK_LABELS];
    put_heading("", columns);
    if (is_labels)
        printf("  %10s  %10s  %13s", "items", "labels", "without label");
    else
        printf("  %10s  %10s  %10s  %12s  %8s  %8s", "sequences", "tokens", "spans", "without span",
               "nested", "longest");
    end_heading();
    for (int i = 0; i < c->count; i++) {
        const mlce_summary *s = &c->files[i].summary;
        mlce_tool_put_padded(stdout, c->paths[i], columns);
        if (!c->files[i].dataset)
            printf("  (unreadable)");
        else if (is_labels)
            printf("  %10lld  %10lld  %12.1f%%", (long long)s->sequences, (long long)s->spans,
                   s->sequences ? 100 * (double)s->bare / (double)s->sequences : 0);
        else
            printf("  %10lld  %10lld  %10lld  %11.1f%%  %8lld  %8d", (long long)s->sequences,
                   (long long)s->tokens, (long long)s->spans,
                   s->sequences ? 100 * (double)s->bare / (double)s->sequences : 0,
                   (long long)s->nested, mlce_quantile(s->lengths, s->sequences, 1));
        putchar('\n');
    }
}

/* The number of spans of a type of train in another file, found by name; -1 where it has no such
   type. */
static int64_t spans_of(const mlce_corpus *file, const char *name) {
    for (int t = 0; file->dataset && t < file->summary.types; t++)
        if (!strcmp(mlce_dataset_type_name(file->dataset, t), name))
            return file->summary.type_spans[t];
    return -1;
}

/* The types of train with the spans that each file has of them; files are in the order given. */
static void print_types(const checked *c, const mlce_dataset_layout *layout) {
    const mlce_corpus *train = &c->files[0];
    int columns = mlce_print_type_columns(train->dataset);
    putchar('\n');
    put_heading(layout->type, columns);
    for (int i = 0; i < c->count; i++) {
        char heading[32] = "train";
        if (i) snprintf(heading, sizeof heading, c->count > 2 ? "dev %d" : "dev", i);
        printf("  %10s", heading);
    }
    end_heading();
    for (int t = 0; t < train->summary.types && t < MOST_TYPES_SHOWN; t++) {
        const char *name = mlce_dataset_type_name(train->dataset, t);
        mlce_tool_put_padded(stdout, name, columns);
        for (int i = 0; i < c->count; i++) {
            int64_t spans = spans_of(&c->files[i], name);
            if (spans < 0)
                printf("  %10s", "-");
            else
                printf("  %10lld", (long long)spans);
        }
        putchar('\n');
    }
    if (train->summary.types > MOST_TYPES_SHOWN)
        printf("... %d types more\n", train->summary.types - MOST_TYPES_SHOWN);
}

static void print_widths(const checked *c, int columns) {
    putchar('\n');
    put_heading("spans kept by max_width", columns);
    for (int k = 0; k < MOST_WIDTHS; k++) printf("  %6d", WIDTHS[k]);
    printf("  %8s", "widest");
    end_heading();
    for (int i = 0; i < c->count; i++) {
        const mlce_summary *s = &c->files[i].summary;
        if (!c->files[i].dataset || !s->spans) continue;
        mlce_tool_put_padded(stdout, c->paths[i], columns);
        for (int k = 0; k < MOST_WIDTHS; k++)
            printf("  %5.1f%%", 100 * (double)mlce_count_up_to(s->widths, s->spans, WIDTHS[k]) /
                                    (double)s->spans);
        printf("  %8d\n", mlce_quantile(s->widths, s->spans, 1));
    }
}

static void print_findings(const mlce_findings *findings) {
    static const struct {
        const char *name;
        mlce_tool_style_name style;
    } levels[] = {{"error", MLCE_TOOL_RED}, {"warning", MLCE_TOOL_YELLOW}, {"note", MLCE_TOOL_DIM}};
    for (int level = MLCE_FINDING_ERROR; level <= MLCE_FINDING_NOTE; level++) {
        if (findings->counts[level]) putchar('\n');
        for (size_t i = 0; i < findings->count; i++) {
            if ((int)findings->items[i].level != level) continue;
            printf("%s%-8s%s", mlce_tool_style(stdout, levels[level].style), levels[level].name,
                   mlce_tool_style(stdout, MLCE_TOOL_PLAIN));
            mlce_tool_put(stdout, findings->items[i].message);
            putchar('\n');
        }
    }
    for (int level = MLCE_FINDING_ERROR; level <= MLCE_FINDING_NOTE; level++)
        printf("%s%zu %s%s", level ? ", " : "\n", findings->counts[level], levels[level].name,
               findings->counts[level] == 1 ? "" : "s");
    putchar('\n');
}

static void print_report(const checked *c) {
    const mlce_corpus *train = &c->files[0];
    if (train->dataset) {
        const mlce_dataset_layout *layout = mlce_dataset_layout_of(train->dataset);
        int columns = path_columns(c);
        print_sizes(c, layout, columns);
        print_types(c, layout);
        if (mlce_dataset_task(train->dataset) == MLCE_TASK_SPANS && train->summary.spans)
            print_widths(c, columns < 23 ? 23 : columns);
    }
    print_findings(&c->findings);
}

/* ---- JSON ---- */

static mlce_status print_json(const checked *c) {
    static const char *const levels[] = {"error", "warning", "note"};
    json_t *files = json_array(), *findings = json_array();
    for (int i = 0; i < c->count; i++) {
        json_t *file = c->files[i].dataset ? mlce_corpus_json(&c->files[i])
                                           : json_pack("{s:s}", "file", c->paths[i]);
        if (file) json_object_del(json_object_get(file, "values"), "columns");
        mlce_json_append(&files, file);
    }
    for (size_t i = 0; i < c->findings.count; i++) {
        const mlce_finding *finding = &c->findings.items[i];
        mlce_json_append(&findings, json_pack("{s:s, s:s, s:s}", "level", levels[finding->level],
                                              "code", finding->code, "message", finding->message));
    }
    json_t *root = json_pack("{s:I, s:I, s:o, s:o}", "errors",
                             (json_int_t)c->findings.counts[MLCE_FINDING_ERROR], "warnings",
                             (json_int_t)c->findings.counts[MLCE_FINDING_WARNING], "findings",
                             findings, "files", files);
    if (!root)
        return mlce_fail(MLCE_E_MEMORY, "out of memory, or a name is not UTF-8, as JSON wants it");
    return mlce_json_print(stdout, root, JSON_INDENT(2) | JSON_REAL_PRECISION(9), "findings");
}

/* ---- The command ---- */

static int check(checked *c, const mlce_check_options *options) {
    c->files = mlce_calloc((size_t)c->count, sizeof *c->files);
    mlce_status status = c->files ? check_all(c, options) : MLCE_E_MEMORY;
    if (!status && c->json) status = print_json(c);
    if (!status && !c->json) print_report(c);
    int exit_code = status ? mlce_tool_failed() : mlce_tool_end();
    size_t errors = c->findings.counts[MLCE_FINDING_ERROR];
    if (!exit_code && errors)
        exit_code = mlce_tool_error("%zu error%s found", errors, errors == 1 ? "" : "s");
    for (int i = 0; c->files && i < c->count; i++) mlce_corpus_close(&c->files[i]);
    free(c->files);
    mlce_findings_free(&c->findings);
    return exit_code;
}

int mlce_data_check(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"few", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    mlce_check_options wanted = {.few = 50};
    checked c = {0};
    int exit_code = MLCE_TOOL_OK;
    mlce_tool_command("check", HELP);
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == 'j') c.json = true;
        if (option == 'f' && !mlce_tool_int("--few", optarg, 1, INT32_MAX, &wanted.few))
            return MLCE_TOOL_WRONG_USAGE;
    }
    c.paths = argv + optind;
    c.count = argc - optind;
    if (!c.count) return mlce_tool_usage("check takes TRAIN and any number of DEV, none given");
    return check(&c, &wanted);
}

/* data_convert.c - `mlce-data convert`: its options and its report. */
#include "tools/data_commands.h"

#include <string.h>

#include "convert/convert.h"
#include "tools/tool.h"

static const char HELP[] =
    "usage: mlce-data convert INPUT -o OUT [OPTION ...]\n"
    "\n"
    "Makes a dataset of annotated text, or text of a dataset, or one kind of text of another.\n"
    "\n"
    "INPUT is recognised by what it holds (- is standard input):\n"
    "  conll   columns, separated by tabs or spaces: a token a line, a blank line behind each\n"
    "          sequence; tags in IOB1, IOB2, BIOES or BILOU; -DOCSTART- and comments (#)\n"
    "  jsonl   one object a line, or one JSON array, as of Hugging Face (tokens, ner_tags), "
    "Doccano\n"
    "          (text, label or entities), Prodigy (text, tokens, spans), Label Studio, "
    "mlce-predict\n"
    "          and this command; items: features or text, with a list of labels\n"
    "  brat    a folder of NAME.txt and NAME.ann, or one of these files\n"
    "  text    plain text, a sequence a line (only with --from text)\n"
    "  hdf5    a dataset\n"
    "OUT ends in .h5, .conll (.tsv, .bio, .iob), .jsonl, or is a folder for brat; - prints JSONL.\n"
    "Ends of spans count code points (brat, Doccano, Prodigy, Label Studio) or tokens. Text "
    "without\n"
    "tokens is split at spaces; punctuation marks, symbols and the characters of scripts without\n"
    "spaces (Chinese, Japanese, Thai ...) are tokens of their own.\n"
    "\n"
    "  -o, --output OUT       what to write; it is replaced when the new one is whole\n"
    "      --from FORMAT      conll, jsonl, brat, text or hdf5, instead of recognising it\n"
    "      --to FORMAT        conll, jsonl, brat or hdf5, instead of OUT's ending\n"
    " datasets that are written:\n"
    "      --embed WHAT       hash:D, hashed n-grams with D features (default hash:256);\n"
    "                         vectors:FILE, word vectors (GloVe, word2vec, fastText; text or\n"
    "                         word2vec's binary); none, for items that have features\n"
    "      --oov WHAT         vectors of words that FILE lacks, also in lower case: zeros "
    "(default)\n"
    "                         or hash\n"
    "      --precision P      f16 (default) or f32\n"
    "      --types-from DATA  the types of this dataset, in its order; others are an error\n"
    "      --types ORDER      sorted (by name, default) or first (as they come)\n"
    " columns:\n"
    "      --scheme NAME      iob1, iob2 (bio), bioes or bilou: to insist on when reading "
    "(default:\n"
    "                         all are understood), and to write (default iob2)\n"
    "      --token-column N   the token's column, from 1 (default 1; 2 where 1 numbers the "
    "tokens)\n"
    "      --tag-columns N,N  columns of tags; several where spans nest (default: the last; the "
    "last\n"
    "                         two of GermEval 2014's four)\n"
    " text with offsets:\n"
    "      --cut HOW          a span that ends inside a token: widen (default), drop or error\n"
    "      --discontinuous H  a span of several parts (brat): hull (default) or drop\n"
    "      --split HOW        brat's documents: lines (default), a sequence each, or none\n"
    "      --offsets UNIT     codepoints (default) or utf16, as Doccano's with emoji\n"
    " others:\n"
    "      --labels NAMES     names of tags that are numbers: O,B-PER,..., or a file of them\n"
    "      --task TASK        labels: lists of labels are an item's, also where empty\n"
    "  -h, --help             show this text\n"
    "\n"
    "Kept are tokens, text and where tokens stand in it, spans, ids (numbers as numbers) and\n"
    "documents. Not kept, but counted: other columns and comments, other members of JSON objects,\n"
    "relations and events; ids of which only some are numbers become strings in a dataset.\n"
    "\n"
    "examples:\n"
    "  mlce-data convert train.conll -o train.h5\n"
    "  mlce-data convert dev.conll -o dev.h5 --types-from train.h5\n"
    "  mlce-data convert train.conll -o train.h5 --embed vectors:glove.6B.100d.txt --oov hash\n"
    "  mlce-data convert nested.tsv -o nested.h5 --token-column 1 --tag-columns 2,3\n"
    "  mlce-data convert export.json -o train.h5 --cut error\n"
    "  mlce-data convert notes.txt --from text -o notes.h5 --types-from train.h5\n"
    "  mlce-data convert brat-folder -o out.jsonl\n"
    "  mlce-predict runs/ner dev.h5 | mlce-data convert - -o predicted-brat --to brat\n";

typedef struct request {
    mlce_convert_options options;
    mlce_names labels;
    const char *output;
} request;

/* ---- Options ---- */

/* Cuts the text up. */
static bool read_columns(char *text, mlce_source_options *source) {
    char *rest = text;
    bool good = true;
    source->tag_column_count = 0;
    for (char *part; good && (part = strsep(&rest, ","));) {
        int64_t column = 0;
        good = mlce_tool_int("--tag-columns", part, 1, 256, &column);
        if (good && source->tag_column_count == MLCE_MOST_TAG_COLUMNS) {
            mlce_tool_usage("--tag-columns: more than %d", MLCE_MOST_TAG_COLUMNS);
            good = false;
        }
        if (good) source->tag_columns[source->tag_column_count++] = (int)column;
    }
    return good;
}

static bool read_format(const char *option, const char *name, mlce_format *format) {
    if (mlce_format_find(name, format)) return true;
    mlce_tool_usage("%s: there is no '%s': conll, jsonl, brat, text, hdf5", option, name);
    return false;
}

enum {
    FROM = 256,
    TO,
    EMBED,
    OOV,
    PRECISION,
    TYPES_FROM,
    TYPES,
    SCHEME,
    TOKEN_COLUMN,
    TAG_COLUMNS,
    CUT,
    DISCONTINUOUS,
    SPLIT,
    OFFSETS,
    LABELS,
    TASK
};

static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                        {"output", required_argument, NULL, 'o'},
                                        {"from", required_argument, NULL, FROM},
                                        {"to", required_argument, NULL, TO},
                                        {"embed", required_argument, NULL, EMBED},
                                        {"oov", required_argument, NULL, OOV},
                                        {"precision", required_argument, NULL, PRECISION},
                                        {"types-from", required_argument, NULL, TYPES_FROM},
                                        {"types", required_argument, NULL, TYPES},
                                        {"scheme", required_argument, NULL, SCHEME},
                                        {"token-column", required_argument, NULL, TOKEN_COLUMN},
                                        {"tag-columns", required_argument, NULL, TAG_COLUMNS},
                                        {"cut", required_argument, NULL, CUT},
                                        {"discontinuous", required_argument, NULL, DISCONTINUOUS},
                                        {"split", required_argument, NULL, SPLIT},
                                        {"offsets", required_argument, NULL, OFFSETS},
                                        {"labels", required_argument, NULL, LABELS},
                                        {"task", required_argument, NULL, TASK},
                                        {NULL, 0, NULL, 0}};

/* Options whose value is one word of a few. */
static bool read_choice(request *r, int option) {
    static const char *const oov[] = {"zeros", "hash", NULL};
    static const char *const precision[] = {"f16", "f32", NULL};
    static const char *const types[] = {"sorted", "first", NULL};
    static const char *const cut[] = {"widen", "drop", "error", NULL};
    static const char *const parts[] = {"hull", "drop", NULL};
    static const char *const split[] = {"lines", "none", NULL};
    static const char *const offsets[] = {"codepoints", "utf16", NULL};
    static const char *const task[] = {"spans", "labels", NULL};
    mlce_source_options *source = &r->options.source;
    int n = 0;
    bool good;
    switch (option) {
    case OOV:
        good = mlce_tool_choose("--oov", optarg, oov, &n);
        r->options.oov = (mlce_oov)n;
        return good;
    case PRECISION:
        good = mlce_tool_choose("--precision", optarg, precision, &n);
        r->options.precision = n ? MLCE_FLOAT32 : MLCE_FLOAT16;
        return good;
    case TYPES:
        good = mlce_tool_choose("--types", optarg, types, &n);
        r->options.first_appearance = n;
        return good;
    case CUT:
        good = mlce_tool_choose("--cut", optarg, cut, &n);
        source->cut = (mlce_cut)n;
        return good;
    case DISCONTINUOUS:
        good = mlce_tool_choose("--discontinuous", optarg, parts, &n);
        source->drop_discontinuous = n;
        return good;
    case SPLIT:
        good = mlce_tool_choose("--split", optarg, split, &n);
        source->whole_documents = n;
        return good;
    case OFFSETS:
        good = mlce_tool_choose("--offsets", optarg, offsets, &n);
        source->utf16 = n;
        return good;
    default:
        good = mlce_tool_choose("--task", optarg, task, &n);
        source->items = n;
        return good;
    }
}

static bool read_option(request *r, int option) {
    mlce_convert_options *o = &r->options;
    int64_t column = 0;
    switch (option) {
    case 'o':
        r->output = optarg;
        return true;
    case FROM:
        return read_format("--from", optarg, &o->source.format);
    case TO:
        return read_format("--to", optarg, &o->to);
    case EMBED:
        o->embed = strcmp(optarg, "none") ? optarg : NULL;
        return true;
    case TYPES_FROM:
        o->types_from = optarg;
        return true;
    case LABELS:
        o->labels_from = optarg;
        return true;
    case SCHEME:
        if (mlce_scheme_find(optarg, &o->scheme)) {
            o->source.scheme = o->scheme;
            return true;
        }
        mlce_tool_usage("--scheme: there is no '%s': iob1, iob2, bioes, bilou", optarg);
        return false;
    case TOKEN_COLUMN:
        if (!mlce_tool_int("--token-column", optarg, 1, 256, &column)) return false;
        o->source.token_column = (int)column;
        return true;
    case TAG_COLUMNS:
        return read_columns(optarg, &o->source);
    default:
        return read_choice(r, option);
    }
}

/* What the output's name says of its format; false (message given) where it says nothing. */
static bool find_output_format(request *r) {
    static const struct {
        const char *suffix;
        mlce_format format;
    } endings[] = {
        {".h5", MLCE_FORMAT_HDF5},     {".hdf5", MLCE_FORMAT_HDF5},  {".conll", MLCE_FORMAT_CONLL},
        {".tsv", MLCE_FORMAT_CONLL},   {".bio", MLCE_FORMAT_CONLL},  {".iob", MLCE_FORMAT_CONLL},
        {".jsonl", MLCE_FORMAT_JSONL}, {".json", MLCE_FORMAT_JSONL},
    };
    const char *slash = strrchr(r->output, '/'), *name = slash ? slash + 1 : r->output;
    const char *dot = strrchr(name, '.');
    if (r->options.to != MLCE_FORMAT_ANY) return true;
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcmp(dot, endings[i].suffix)) r->options.to = endings[i].format;
    if (!strcmp(r->output, "-")) r->options.to = MLCE_FORMAT_JSONL;
    if (r->options.to == MLCE_FORMAT_ANY && !dot) r->options.to = MLCE_FORMAT_BRAT;
    if (r->options.to != MLCE_FORMAT_ANY) return true;
    mlce_tool_usage("the ending of '%s' names no format: give --to", r->output);
    return false;
}

/* ---- The report ---- */

static void warn(int64_t count, const char *one, const char *more) {
    if (count) mlce_log(MLCE_LOG_WARNING, "%lld %s", (long long)count, count == 1 ? one : more);
}

/* What is no cause for a warning. */
static void tell(int64_t count, const char *one, const char *more) {
    if (count) mlce_log(MLCE_LOG_INFO, "%lld %s", (long long)count, count == 1 ? one : more);
}

static void report_findings(const request *r, const mlce_convert_report *report) {
    const mlce_source_counts *c = &report->counts;
    warn(c->widened, "span cut a token: widened to whole tokens",
         "spans cut a token: widened to whole tokens");
    warn(c->cut, "span cut a token: left out", "spans cut a token: left out");
    warn(c->trimmed, "span had spaces at an end: cut off",
         "spans had spaces (or invisible characters) at an end: cut off");
    warn(c->bare, "span held no token: left out", "spans held no token: left out");
    warn(c->twice, "span stood twice: kept once", "spans stood twice: kept once");
    bool dropped = r->options.source.drop_discontinuous;
    warn(c->discontinuous,
         dropped ? "span had several parts: left out" : "span had several parts: taken as a whole",
         dropped ? "spans had several parts: left out"
                 : "spans had several parts: taken as a whole");
    if (r->options.source.scheme != MLCE_SCHEME_IOB1)
        warn(c->loose, "span begins with I-, E- or L-, as in IOB1",
             "spans begin with I-, E- or L-, as in IOB1");
    warn(c->misfit, "text did not hold its tokens: left out",
         "texts did not hold their tokens: left out");
    warn(c->utf16, "span counted units of UTF-16: corrected",
         "spans counted units of UTF-16: corrected");
    warn(c->rejected, "rejected record: left out", "rejected records: left out");
    warn(c->other, "annotation of another kind: left out", "annotations of other kinds: left out");
    tell(c->columns, "other column: not kept", "other columns: not kept");
    tell(c->comments, "comment: not kept", "comments: not kept");
    if (c->members)
        mlce_log(MLCE_LOG_INFO, "%lld other member%s of objects, as '%s': not kept",
                 (long long)c->members, c->members == 1 ? "" : "s", c->member);
    if (report->drops_text)
        mlce_log(MLCE_LOG_WARNING,
                 "columns hold no text: only its tokens are kept (JSONL keeps it)");
    const mlce_embed_counts *e = &report->embedded;
    if (e->unknown || e->lowered)
        mlce_log(
            MLCE_LOG_INFO,
            "of %lld tokens, %lld have their vector in lower case, %lld (%.1f%%) have none: %s",
            (long long)e->tokens, (long long)e->lowered, (long long)e->unknown,
            100.0 * (double)e->unknown / (double)e->tokens,
            r->options.oov == MLCE_OOV_HASH ? "hashed" : "zeros");
}

static void print_report(const request *r, const mlce_convert_report *report) {
    if (!strcmp(r->output, "-")) return;
    mlce_tool_put(stdout, r->output);
    if (report->are_items)
        printf(": %lld items, %lld labels of %d types", (long long)report->records,
               (long long)report->spans, report->types);
    else
        printf(": %lld sequences, %lld tokens, %lld spans of %d types", (long long)report->records,
               (long long)report->tokens, (long long)report->spans, report->types);
    if (r->options.to == MLCE_FORMAT_HDF5) printf(", %d features", report->width);
    if (r->options.to == MLCE_FORMAT_CONLL && report->tag_columns > 1)
        printf(", %d columns of tags", report->tag_columns);
    putchar('\n');
}

static int convert(request *r, const char *input) {
    mlce_convert_report report = {0};
    mlce_status status = MLCE_OK;
    const char *labels = r->options.labels_from;
    if (labels) status = mlce_label_names_read(labels, &r->labels);
    if (!status && labels) r->options.source.labels = &r->labels;
    if (!status) status = mlce_convert(input, r->output, &r->options, &report);
    mlce_names_free(&r->labels);
    if (status) return mlce_tool_failed();
    print_report(r, &report);
    report_findings(r, &report);
    return mlce_tool_end();
}

int mlce_data_convert(int argc, char **argv) {
    request r = {.options = {.embed = "hash:256", .precision = MLCE_FLOAT16}};
    int exit_code = MLCE_TOOL_OK;
    mlce_tool_command("convert", HELP);
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (!read_option(&r, option)) return MLCE_TOOL_WRONG_USAGE;
    }
    if (argc - optind != 1)
        return mlce_tool_usage("convert takes one input, %d given", argc - optind);
    if (!r.output || !*r.output) return mlce_tool_usage("the output is missing: -o OUT");
    if (!find_output_format(&r)) return MLCE_TOOL_WRONG_USAGE;
    return convert(&r, argv[optind]);
}

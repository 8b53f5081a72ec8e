/* conll.c - reads columns: a token a line, a blank line behind each sequence.
 *
 * The first row says whether tabs or runs of spaces separate columns, and how many there are.
 * Without options the token stands in the first column and its tag in the last; but where the first
 * column numbers the tokens of each sequence from 1, the token is in the second, and if the other
 * two of four columns are tags (GermEval 2014), both are read. A line `# global.columns = FORM NER
 * NER` (CoNLL-U Plus) names the columns itself.
 *
 * A line that begins with # in front of a sequence is a comment unless it has tags where tags
 * belong;
 * `# id NAME` and `# sent_id = NAME` name the sequence. -DOCSTART- begins a document.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/reader.h"
#include "core/lines.h"

enum { PROBED_LINES = 1000, MOST_COLUMNS = 256 };

typedef struct conll {
    mlce_lines lines;
    bool by_tabs, has_layout; /* has_layout: the first row was seen */
    bool numbered;            /* the first column counts tokens: nothing is lost with it */
    int columns;
    int token_column, tag_columns[MLCE_MOST_TAG_COLUMNS], tag_count; /* from 0 */
    int64_t document;
    char **tokens;  /* [length] in the arena */
    mlce_tag *tags; /* [tag_count * tags_room], column after column */
    size_t tokens_capacity, tags_capacity, tags_room;
    mlce_tag_span *found;
    size_t found_capacity;
} conll;

static bool is_blank(const char *line) {
    return !line[strspn(line, " \t")];
}

static bool is_document(const char *line) {
    return !strncmp(line, "-DOCSTART-", 10);
}

/* Cuts the line into its columns, in place; the number of them, of which MOST_COLUMNS are given.
   Tabs at the end of the line begin no column. */
static int split(char *line, bool by_tabs, char **columns) {
    int count = 0;
    if (!by_tabs) line += strspn(line, " \t");
    for (size_t end = strlen(line); end && line[end - 1] == '\t';) line[--end] = '\0';
    while (by_tabs ? count == 0 || line : *line != '\0') {
        char *end = line + strcspn(line, by_tabs ? "\t" : " \t");
        bool is_last = !*end;
        *end = '\0';
        if (count < MOST_COLUMNS) columns[count] = line;
        count++;
        line = is_last ? (by_tabs ? NULL : end) : end + 1;
        if (!by_tabs) line += strspn(line, " \t");
    }
    return count;
}

/* ---- Which column is what ---- */

/* What the first rows have in common. */
typedef struct probe {
    bool numbered, two_tags;
    int in_sequence, rows, with_comma;
} probe;

static void look_at_row(conll *c, probe *p, char *line) {
    char *columns[MOST_COLUMNS];
    mlce_tag tag;
    if (!c->has_layout) c->by_tabs = strchr(line, '\t') != NULL;
    p->rows++;
    p->with_comma += strchr(line, ',') != NULL;
    int count = split(line, c->by_tabs, columns);
    if (!c->has_layout) c->columns = count;
    c->has_layout = true;
    if (count < 1 || count != c->columns || count > MOST_COLUMNS) return; /* told when it is read */
    p->in_sequence++;
    if (strtol(columns[0], NULL, 10) != p->in_sequence) p->numbered = false;
    if (count != 4 || !mlce_tag_parse(columns[2], &tag) || !mlce_tag_parse(columns[3], &tag))
        p->two_tags = false;
}

/* `# global.columns = ...`; false where the line is another or lacks FORM or NER. */
static bool read_global_columns(conll *c, char *line) {
    static const char key[] = "# global.columns =";
    if (strncmp(line, key, sizeof key - 1)) return false;
    char *names[MOST_COLUMNS];
    int count = split(line + sizeof key - 1, false, names), tags = 0, token = -1;
    for (int i = 0; i < count && i < MOST_COLUMNS; i++) {
        if (!strcmp(names[i], "FORM")) token = i;
        if (!strcmp(names[i], "NER") && tags < MLCE_MOST_TAG_COLUMNS) c->tag_columns[tags++] = i;
    }
    if (token < 0 || !tags) return false;
    c->token_column = token;
    c->tag_count = tags;
    return true;
}

static void choose_columns(conll *c, const probe *p) {
    bool numbered = p->numbered && c->columns > 2;
    c->numbered = numbered;
    c->token_column = numbered;
    c->tag_count = c->columns > 1;
    c->tag_columns[0] = c->columns - 1;
    if (numbered && p->two_tags) {
        c->tag_count = 2;
        c->tag_columns[0] = 2;
        c->tag_columns[1] = 3;
    }
}

static void apply_options(conll *c, const mlce_source_options *options) {
    if (options->token_column) c->token_column = options->token_column - 1;
    if (options->tag_column_count) c->tag_count = options->tag_column_count;
    for (int i = 0; i < options->tag_column_count; i++)
        c->tag_columns[i] = options->tag_columns[i] - 1;
}

static mlce_status check_columns(const mlce_reader *reader, const conll *c) {
    int last = c->token_column;
    for (int i = 0; i < c->tag_count; i++)
        if (c->tag_columns[i] > last) last = c->tag_columns[i];
    if (!c->has_layout || last < c->columns) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%s: the rows have %d columns, but column %d is to be read",
                     reader->name, c->columns, last + 1);
}

static mlce_status find_layout(mlce_reader *reader, conll *c) {
    probe p = {.numbered = true, .two_tags = true};
    bool is_named = false;
    char *line;
    mlce_status status = MLCE_OK;
    for (int i = 0; i < PROBED_LINES; i++) {
        if ((status = mlce_lines_next(&c->lines, &line)) || !line) break;
        if (is_blank(line) || is_document(line))
            p.in_sequence = 0;
        else if (p.in_sequence || line[0] != '#')
            look_at_row(c, &p, line);
        else if (read_global_columns(c, line))
            is_named = true;
    }
    if (!c->by_tabs && p.rows > 1 && p.with_comma == p.rows && !status)
        return mlce_fail(MLCE_E_DATA,
                         "%s: commas do not separate columns: put tabs in their place, and a blank "
                         "line behind each sequence",
                         reader->name);
    if (!is_named) choose_columns(c, &p);
    apply_options(c, reader->options);
    if (!status) status = check_columns(reader, c);
    return status ? status : mlce_lines_rewind(&c->lines);
}

/* ---- Reading ---- */

static mlce_status fail_at(const mlce_reader *reader, int64_t line, mlce_status status) {
    return mlce_fail_prefix(status, "%s:%lld: ", reader->name, (long long)line);
}

static mlce_status bad_count(const conll *c, int count) {
    if (count > MOST_COLUMNS)
        return mlce_fail(MLCE_E_DATA, "has %d columns, more than %d", count, MOST_COLUMNS);
    return mlce_fail(
        MLCE_E_DATA,
        "has %d column%s where the first row has %d: complete the row, or begin it with "
        "a blank line where a sequence ends (plain text: --from text)",
        count, count == 1 ? "" : "s", c->columns);
}

static bool has_tags(const conll *c, char *const *columns) {
    mlce_tag tag;
    for (int i = 0; i < c->tag_count; i++)
        if (!mlce_tag_parse(columns[c->tag_columns[i]], &tag)) return false;
    return c->tag_count > 0;
}

/* Room for the tags of `length` tokens, column after column: grows by moving the columns apart. */
static mlce_status grow_tags(conll *c, size_t length) {
    size_t columns = (size_t)c->tag_count, room = c->tags_room;
    if (length <= room || !columns) return MLCE_OK;
    size_t wanted = room ? 2 * room : 64;
    mlce_status status =
        mlce_grow((void **)&c->tags, &c->tags_capacity, wanted * columns, sizeof *c->tags);
    if (status) return status;
    for (size_t k = columns; k-- > 1;)
        memmove(c->tags + k * wanted, c->tags + k * room, room * sizeof *c->tags);
    c->tags_room = wanted;
    return MLCE_OK;
}

static mlce_status add_row(conll *c, mlce_arena *arena, mlce_record *record, char *const *columns) {
    size_t n = (size_t)record->length;
    const char *token = columns[c->token_column];
    if (!*token)
        return mlce_fail(MLCE_E_DATA, "the token (column %d) is empty", c->token_column + 1);
    mlce_status status =
        mlce_grow((void **)&c->tokens, &c->tokens_capacity, n + 1, sizeof *c->tokens);
    if (!status) status = grow_tags(c, n + 1);
    for (int k = 0; k < c->tag_count && !status; k++) {
        int column = c->tag_columns[k];
        const char *text = columns[column];
        mlce_tag tag;
        if (!mlce_tag_parse(text, &tag))
            return mlce_fail(
                MLCE_E_DATA,
                "'%s' (column %d) is no tag: a tag is O, or B- or I- (E- S- L- U-) and "
                "a type; --tag-columns says where the tags stand",
                text, column + 1);
        char *copy = mlce_arena_text(arena, text, strlen(text));
        if (!copy) return MLCE_E_MEMORY;
        mlce_tag_parse(copy, &c->tags[(size_t)k * c->tags_room + n]);
    }
    if (!status && !(c->tokens[n] = mlce_arena_text(arena, token, strlen(token))))
        status = MLCE_E_MEMORY;
    if (!status) record->length++;
    return status;
}

/* The name that a comment gives to the sequence behind it, or NULL. */
static const char *id_of(const char *comment) {
    static const char *const keys[] = {"# id ", "# sent_id = "};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strncmp(comment, keys[i], strlen(keys[i]))) return comment + strlen(keys[i]);
    return NULL;
}

/* One line that is not blank: a comment, the beginning of a document, or a row. */
static mlce_status read_line(mlce_reader *reader, mlce_arena *arena, mlce_record *record,
                             char *line) {
    conll *c = reader->state;
    char *columns[MOST_COLUMNS];
    const char *id = NULL;
    bool may_be_comment = line[0] == '#' && record->length == 0;
    bool names_columns = !strncmp(line, "# global.columns", 16);
    if (may_be_comment && (id = id_of(line)) &&
        !(id = mlce_arena_text(arena, id, strcspn(id, "\t"))))
        return MLCE_E_MEMORY;
    int count = split(line, c->by_tabs, columns);
    bool is_row = count == c->columns && count <= MOST_COLUMNS;
    if (may_be_comment && (!is_row || !has_tags(c, columns))) {
        if (id) record->id = id;
        reader->counts.comments += !id && !names_columns;
        return MLCE_OK;
    }
    if (!is_row) return bad_count(c, count);
    if (record->length == INT32_MAX / 2) return mlce_fail(MLCE_E_DATA, "the sequence is too long");
    if (record->length == 0) record->line = c->lines.number;
    return add_row(c, arena, record, columns);
}

/* Columns that are read by nobody, those twice named among the tags counted once. */
static int other_columns(const conll *c) {
    int others = 0;
    for (int column = c->numbered && c->token_column != 0; column < c->columns; column++) {
        bool is_read = column == c->token_column;
        for (int k = 0; k < c->tag_count; k++) is_read = is_read || column == c->tag_columns[k];
        others += !is_read;
    }
    return others;
}

/* Spans of all tag columns. */
static mlce_status decode(mlce_reader *reader, conll *c, mlce_arena *arena, mlce_record *record) {
    size_t length = (size_t)record->length, used = 0;
    mlce_mark *marks = mlce_arena_alloc(arena, length * (size_t)c->tag_count, sizeof *marks);
    mlce_status status =
        mlce_grow((void **)&c->found, &c->found_capacity, length, sizeof *c->found);
    if (!marks) return MLCE_E_MEMORY;
    for (int k = 0; k < c->tag_count && !status; k++) {
        int count = 0, loose = 0, bad = 0;
        status = mlce_tags_decode(reader->options->scheme, c->tags + (size_t)k * c->tags_room,
                                  record->length, c->found, &count, &loose, &bad);
        if (status) return fail_at(reader, record->line + bad, status);
        reader->counts.loose += loose;
        for (int i = 0; i < count; i++)
            marks[used++] = (mlce_mark){
                .start = c->found[i].start, .end = c->found[i].end, .type = c->found[i].type};
    }
    const char **tokens = mlce_arena_alloc(arena, length, sizeof *tokens);
    if (!tokens) return MLCE_E_MEMORY;
    for (size_t i = 0; i < length; i++) tokens[i] = c->tokens[i];
    record->tokens = tokens;
    record->spans = marks;
    record->span_count = (int)used;
    record->has_spans = c->tag_count > 0;
    record->document = c->document;
    reader->counts.columns = other_columns(c);
    return status;
}

static mlce_status next(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found) {
    conll *c = reader->state;
    char *line;
    mlce_status status;
    record->length = 0;
    while (!(status = mlce_lines_next(&c->lines, &line)) && line) {
        bool begins_document = is_document(line);
        if (begins_document || is_blank(line)) {
            if (record->length) break;
            c->document += begins_document;
            continue;
        }
        status = read_line(reader, arena, record, line);
        if (status) return fail_at(reader, c->lines.number, status);
    }
    *found = record->length > 0;
    if (!status && *found) status = decode(reader, c, arena, record);
    if (line && is_document(line)) c->document++;
    return status;
}

static mlce_status rewind_lines(mlce_reader *reader) {
    conll *c = reader->state;
    c->document = -1;
    return mlce_lines_rewind(&c->lines);
}

static void close_lines(mlce_reader *reader) {
    conll *c = reader->state;
    if (!c) return;
    mlce_lines_free(&c->lines);
    free(c->tokens);
    free(c->tags);
    free(c->found);
    free(c);
}

mlce_status mlce_read_conll(mlce_reader *reader, FILE *stream) {
    conll *c = reader->state = mlce_calloc(1, sizeof *c);
    if (!c) return MLCE_E_MEMORY;
    *c = (conll){.document = -1, .lines = {.file = stream, .name = reader->name}};
    reader->next = next;
    reader->rewind = rewind_lines;
    reader->close = close_lines;
    return find_layout(reader, c);
}

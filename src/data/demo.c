/* demo.c - sentences of the demo corpus, from its grammar. */
#include "data/demo.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "data/demo_grammar.h"

const char *const mlce_demo_types[MLCE_DEMO_TYPES] = {"person", "title", "organisation", "location",
                                                      "date",   "event", "product"};
const char *const mlce_demo_splits[MLCE_DEMO_SPLITS] = {"train", "dev", "test"};

/* What a sentence holds at most: several times what the longest derivation has. */
enum { MAX_TOKENS = 256, MAX_SPANS = 64, MAX_NESTING = 8, MAX_WORD = 64 };

typedef struct sentence {
    mlce_random *random;
    mlce_arena *arena;
    const char *tokens[MAX_TOKENS];
    int length;
    mlce_span spans[MAX_SPANS];
    int span_count;
    int open[MAX_NESTING]; /* indices into spans */
    int open_count;
} sentence;

/* One step of the seed's stream of made-up data for each split. */
mlce_random mlce_demo_random(uint64_t seed, int split) {
    return mlce_random_new(seed, MLCE_STREAM_DATA + 16 * (uint32_t)split);
}

static int draw(sentence *s, int bound) {
    return (int)mlce_random_below(s->random, (uint64_t)bound);
}

/* Word number `index` of a list separated by spaces; with index < 0, only counts them. */
static int find_word(const char *list, int index, const char **word, size_t *size) {
    int count = 0;
    while (*list) {
        size_t length = strcspn(list, " ");
        if (count++ == index) {
            *word = list;
            *size = length;
        }
        list += length + (list[length] == ' ');
    }
    return count;
}

static void append_one_of(sentence *s, const char *list, char word[MAX_WORD]) {
    const char *part = "";
    size_t size = 0, used = strlen(word);
    find_word(list, draw(s, find_word(list, -1, NULL, NULL)), &part, &size);
    assert(used + size < MAX_WORD);
    memcpy(word + used, part, size);
    word[used + size] = '\0';
}

/* Upper case for the first letter. */
static void capitalise(char word[MAX_WORD]) {
    utf8proc_int32_t code;
    utf8proc_ssize_t old = utf8proc_iterate((utf8proc_uint8_t *)word, -1, &code);
    utf8proc_uint8_t upper[4];
    utf8proc_ssize_t new = utf8proc_encode_char(utf8proc_toupper(code), upper);
    assert(old > 0 && old == new);
    memcpy(word, upper, (size_t) new);
}

static void make_name(sentence *s, const mlce_demo_name *name, char word[MAX_WORD]) {
    int syllables = name->syllables + (draw(s, 4) == 0);
    for (int i = 0; i < syllables; i++) {
        append_one_of(s, mlce_demo_onsets, word);
        append_one_of(s, mlce_demo_vowels, word);
    }
    /* The stem ends in a consonant, which the endings that begin with one can do without. */
    if (strchr("aeiou", name->endings[0]) || draw(s, 2)) append_one_of(s, mlce_demo_codas, word);
    capitalise(word);
    append_one_of(s, name->endings, word);
}

static void make_ordinal(int day, char word[MAX_WORD]) {
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    bool teen = day / 10 == 1;
    snprintf(word, MAX_WORD, "%d%s", day, endings[teen || day % 10 > 3 ? 0 : day % 10]);
}

static void make_word(sentence *s, const char *name, char word[MAX_WORD]) {
    word[0] = '\0';
    for (const mlce_demo_name *known = mlce_demo_names; known->name; known++)
        if (!strcmp(known->name, name)) {
            make_name(s, known, word);
            return;
        }
    if (!strcmp(name, "day"))
        snprintf(word, MAX_WORD, "%d", 1 + draw(s, 28));
    else if (!strcmp(name, "ordinal"))
        make_ordinal(1 + draw(s, 28), word);
    else if (!strcmp(name, "year"))
        snprintf(word, MAX_WORD, "%d", 1890 + draw(s, 140));
    else if (!strcmp(name, "count"))
        snprintf(word, MAX_WORD, "%d", 2 + draw(s, 98));
    else if (!strcmp(name, "initial"))
        snprintf(word, MAX_WORD, "%c.", 'A' + draw(s, 26));
    else if (!strcmp(name, "code")) {
        int letter = 'A' + draw(s, 26); /* first: the order of arguments is the compiler's */
        snprintf(word, MAX_WORD, "%c%d", letter, 1 + draw(s, 99));
    }
    assert(word[0]); /* every name that the grammar uses is known */
}

static int type_of(const char *name) {
    int type = 0;
    while (type < MLCE_DEMO_TYPES && strcmp(mlce_demo_types[type], name)) type++;
    assert(type < MLCE_DEMO_TYPES);
    return type;
}

static mlce_status add_token(sentence *s, char word[MAX_WORD]) {
    assert(s->length < MAX_TOKENS);
    bool first = !s->length || (s->length == 1 && !strcmp(s->tokens[0], "\""));
    if (first) capitalise(word);
    size_t size = strlen(word) + 1;
    char *token = mlce_arena_alloc(s->arena, size, 1);
    if (!token) return MLCE_E_MEMORY;
    s->tokens[s->length++] = memcpy(token, word, size);
    return MLCE_OK;
}

static const char *choose(sentence *s, const char *symbol) {
    const mlce_demo_rule *rule = mlce_demo_rules;
    while (rule->symbol && strcmp(rule->symbol, symbol)) rule++;
    assert(rule->symbol);
    int total = 0;
    for (const mlce_demo_rule *r = rule; r->symbol && !strcmp(r->symbol, symbol); r++)
        total += r->weight;
    int left = draw(s, total);
    while (left >= rule->weight) left -= rule++->weight;
    return rule->text;
}

/* Writes out a symbol; recursion ends because no symbol leads back to itself. */
static mlce_status expand(sentence *s, const char *symbol) {
    mlce_status status = MLCE_OK;
    const char *text = choose(s, symbol);
    while (*text && !status) {
        char item[MAX_WORD], word[MAX_WORD];
        size_t size = strcspn(text, " ");
        assert(size < MAX_WORD);
        memcpy(item, text, size);
        item[size] = '\0';
        text += size + (text[size] == ' ');
        if (item[0] == '$') {
            status = expand(s, item + 1);
        } else if (item[0] == '[') {
            assert(s->span_count < MAX_SPANS && s->open_count < MAX_NESTING);
            s->open[s->open_count++] = s->span_count;
            s->spans[s->span_count++] = (mlce_span){s->length, s->length, type_of(item + 1)};
        } else if (item[0] == ']') {
            assert(s->open_count);
            s->spans[s->open[--s->open_count]].end = s->length;
        } else if (item[0] == '%') {
            make_word(s, item + 1, word);
            status = add_token(s, word);
        } else {
            status = add_token(s, item);
        }
    }
    return status;
}

/* Whether a space stands before token i: not before closing marks, not behind an opening quote. */
static bool space_before(const sentence *s, int i, bool *quoted) {
    const char *token = s->tokens[i];
    if (!strcmp(token, "\"")) {
        *quoted = !*quoted;
        return *quoted && i > 0;
    }
    if (i && !strcmp(s->tokens[i - 1], "\"") && *quoted) return false;
    return i && strcmp(token, ".") && strcmp(token, ",") && strcmp(token, "'s");
}

/* The text, and where in it each token stands, in code points. */
static void join(const sentence *s, char *text, int32_t (*chars)[2]) {
    size_t bytes = 0;
    int32_t points = 0;
    bool quoted = false;
    for (int i = 0; i < s->length; i++) {
        if (space_before(s, i, &quoted)) {
            text[bytes++] = ' ';
            points++;
        }
        chars[i][0] = points;
        for (const char *c = s->tokens[i]; *c; c++) {
            text[bytes++] = *c;
            points += ((unsigned char)*c & 0xC0) != 0x80;
        }
        chars[i][1] = points;
    }
    text[bytes] = '\0';
}

mlce_status mlce_demo_sentence(mlce_random *random, mlce_arena *arena, mlce_sequence *made) {
    sentence s = {.random = random, .arena = arena};
    mlce_status status = expand(&s, "sentence");
    if (status) return status;
    size_t length = (size_t)s.length, span_count = (size_t)s.span_count;
    const char **tokens = mlce_arena_alloc(arena, length, sizeof *tokens);
    int32_t(*chars)[2] = mlce_arena_alloc(arena, length, sizeof *chars);
    char *text = mlce_arena_alloc(arena, length, MAX_WORD);
    mlce_span *spans = mlce_arena_alloc(arena, span_count, sizeof *spans);
    if (!tokens || !chars || !text || !spans) return MLCE_E_MEMORY;
    memcpy(tokens, s.tokens, length * sizeof *tokens);
    memcpy(spans, s.spans, span_count * sizeof *spans);
    join(&s, text, chars);
    *made = (mlce_sequence){.length = s.length,
                            .token_text = tokens,
                            .token_chars = (const int32_t(*)[2])chars,
                            .text = text,
                            .spans = spans,
                            .span_count = s.span_count};
    return MLCE_OK;
}

/* tags.c - spans as tags of tokens. */
#include "convert/tags.h"

#include <string.h>

static const char *const prefixes[] = {
    [MLCE_SCHEME_ANY] = "OBIESLU", [MLCE_SCHEME_IOB1] = "OBI",    [MLCE_SCHEME_IOB2] = "OBI",
    [MLCE_SCHEME_BIOES] = "OBIES", [MLCE_SCHEME_BILOU] = "OBILU",
};
static const char *const names[] = {
    [MLCE_SCHEME_ANY] = "any",     [MLCE_SCHEME_IOB1] = "iob1",   [MLCE_SCHEME_IOB2] = "iob2",
    [MLCE_SCHEME_BIOES] = "bioes", [MLCE_SCHEME_BILOU] = "bilou",
};

bool mlce_scheme_find(const char *name, mlce_scheme *scheme) {
    if (!strcmp(name, "bio")) name = "iob2";
    if (!strcmp(name, "iobes")) name = "bioes";
    for (int i = MLCE_SCHEME_IOB1; i <= MLCE_SCHEME_BILOU; i++)
        if (!strcmp(name, names[i])) {
            *scheme = (mlce_scheme)i;
            return true;
        }
    return false;
}

bool mlce_tag_parse(const char *text, mlce_tag *tag) {
    bool outside = text[0] == 'O' && !text[1];
    *tag = (mlce_tag){text[0], outside ? "" : text + 2};
    return outside || (text[0] && strchr("BIESLU", text[0]) && text[1] == '-' && text[2]);
}

static bool begins(char prefix) {
    return prefix == 'B' || prefix == 'S' || prefix == 'U';
}

static bool ends(char prefix) {
    return strchr("ESLUO", prefix) != NULL;
}

/* Whether `tag` goes on with the span that `before` stands in; before NULL: the first token. */
static bool goes_on(const mlce_tag *before, const mlce_tag *tag) {
    return before && tag->prefix != 'O' && !begins(tag->prefix) && !ends(before->prefix) &&
           !strcmp(before->type, tag->type);
}

/* What the scheme forbids of two neighbours; `tag` NULL: behind the last token. */
static mlce_status check(mlce_scheme scheme, const mlce_tag *before, const mlce_tag *tag) {
    bool continues = tag && goes_on(before, tag);
    if (tag && !strchr(prefixes[scheme], tag->prefix))
        return mlce_fail(MLCE_E_DATA, "the tag %c-%s does not exist in the scheme %s", tag->prefix,
                         tag->type, names[scheme]);
    if (tag && scheme >= MLCE_SCHEME_IOB2 && strchr("IEL", tag->prefix) && !continues)
        return mlce_fail(MLCE_E_DATA,
                         "the tag %c-%s goes on with no span: in the scheme %s one begins with B-",
                         tag->prefix, tag->type, names[scheme]);
    if (scheme >= MLCE_SCHEME_BIOES && before && !ends(before->prefix) && !continues)
        return mlce_fail(MLCE_E_DATA, "the span before, %c-%s, has no end in the scheme %s",
                         before->prefix, before->type, names[scheme]);
    return MLCE_OK;
}

mlce_status mlce_tags_decode(mlce_scheme scheme, const mlce_tag *tags, int length,
                             mlce_tag_span *spans, int *count, int *loose, int *bad) {
    *count = 0;
    *bad = 0;
    for (int i = 0; i < length; i++) {
        const mlce_tag *tag = &tags[i], *before = i ? tag - 1 : NULL;
        mlce_status status = scheme ? check(scheme, before, tag) : MLCE_OK;
        *bad = i;
        if (status) return status;
        if (tag->prefix == 'O') continue;
        if (goes_on(before, tag)) {
            spans[*count - 1].end = i + 1;
        } else {
            *loose += !begins(tag->prefix);
            spans[(*count)++] = (mlce_tag_span){i, i + 1, tag->type};
        }
    }
    return scheme && length ? check(scheme, &tags[length - 1], NULL) : MLCE_OK;
}

char mlce_tag_prefix(mlce_scheme scheme, int i, int start, int end, bool follows) {
    bool first = i == start, last = i == end - 1;
    bool bioes = scheme == MLCE_SCHEME_BIOES, bilou = scheme == MLCE_SCHEME_BILOU;
    if (scheme == MLCE_SCHEME_IOB1) return first && follows ? 'B' : 'I';
    if (first && last && (bioes || bilou)) return bioes ? 'S' : 'U';
    if (first) return 'B';
    if (last && (bioes || bilou)) return bioes ? 'E' : 'L';
    return 'I';
}

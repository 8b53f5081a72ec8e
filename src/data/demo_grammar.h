/* demo_grammar.h - the grammar of the demo corpus: made-up English with labelled names.
 *
 * A span can be told from its first token, its last token and the distance between them, wherever
 * it stands: a head over token pairs learns it without any encoder of context. No rule may
 * therefore use a name's parts elsewhere in the same way (a town's name is always a location, a
 * first name is always followed by a surname).
 */
#ifndef MLCE_DATA_DEMO_GRAMMAR_H
#define MLCE_DATA_DEMO_GRAMMAR_H

/* One way to write a symbol, chosen with probability weight / (sum over the symbol's rules). The
   words of `text`:
     word      itself
     $symbol   one of that symbol's rules
     %name     a made-up name or number (mlce_demo_names)
     [type     begins a span, which ] ends
   Rules of one symbol stand together, and no symbol leads back to itself. */
typedef struct mlce_demo_rule {
    const char *symbol;
    int weight;
    const char *text;
} mlce_demo_rule;

/* Ended by a rule whose symbol is NULL. The start is "sentence". */
extern const mlce_demo_rule mlce_demo_rules[];

/* A kind of made-up name: a stem of `syllables` .. `syllables` + 1 syllables and one of the
   endings, which tell the kind. */
typedef struct mlce_demo_name {
    const char *name;
    int syllables;
    const char *endings; /* separated by spaces */
} mlce_demo_name;

/* Ended by a name that is NULL. */
extern const mlce_demo_name mlce_demo_names[];

/* Beginnings and middles of syllables, separated by spaces. */
extern const char *const mlce_demo_onsets, *const mlce_demo_vowels, *const mlce_demo_codas;

#endif

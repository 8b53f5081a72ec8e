/* marked.h - a text with spans marked in it: underlines, the longer ones below, so that spans that
 * lie in each other or cross can be told apart; behind each its type and how sure it is. */
#ifndef MLCE_REPORT_MARKED_H
#define MLCE_REPORT_MARKED_H

#include "mlce/memory.h"
#include "mlce/model.h"
#include "report/html.h"

typedef struct mlce_marked {
    int length;                /* tokens */
    const char *const *tokens; /* NULL: shown by their numbers, if there is no text either */
    const char *text;          /* with the code points [length][2] of the tokens in it; or NULL */
    const int32_t (*chars)[2];
    const mlce_scored_span *spans;
    int count;
    const char *const *type_names;
    mlce_calibration calibration; /* with a slope the probability is shown, not the score */
} mlce_marked;

/* Types have the colours c0 .. c7 in turn. */
enum { MLCE_MARKED_COLOURS = 8 };

/* A paragraph: <p>. Takes time for each pair of spans. */
mlce_status mlce_marked_put(mlce_html *html, mlce_arena *arena, const mlce_marked *marked);
/* A type with the score or probability of span n: what stands behind the span in the text. */
void mlce_marked_label(mlce_html *html, const mlce_marked *marked, int n);

#endif

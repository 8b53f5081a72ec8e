/* stratify.h - parts of given shares in which every type is as frequent as in the whole.
 *
 * Iterative stratification (Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label
 * Data", ECML PKDD 2011). Each part begins with a demand for every type, its share of the type's
 * spans. Again and again the type of which the fewest spans are left is taken; each unit that has
 * it goes to the part that still wants most of it (then: that wants most sequences; then: at
 * random), and its spans are taken off that part's demands. The rare types so are dealt out while
 * there is still choice. Units without spans come last and fill up the sizes.
 *
 * In place of the paper's single examples stand units: sequences that are to stay together. Those
 * with most spans of the type go first, so that the small ones even out what they leave.
 */
#ifndef MLCE_CORPUS_STRATIFY_H
#define MLCE_CORPUS_STRATIFY_H

#include <stdint.h>

#include "mlce/status.h"

/* `spans` spans of a type in a unit. */
typedef struct mlce_stratum {
    int type;
    int64_t spans;
} mlce_stratum;

typedef struct mlce_units {
    int64_t count;
    const int64_t *sizes;       /* [count] sequences */
    const int64_t *offsets;     /* [count+1] unit u has the strata offsets[u] .. offsets[u+1] - 1 */
    const mlce_stratum *strata; /* no type twice in a unit */
    int types;
} mlce_units;

/* part[u] gets the number of unit u's part, 0 .. parts-1; `shares` [parts] sum to 1. */
mlce_status mlce_stratify(const mlce_units *units, const double *shares, int parts, uint64_t seed,
                          int *part);

#endif

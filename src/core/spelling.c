/* spelling.c - how far two names are apart. */
#include "core/spelling.h"

#include <string.h>

enum { LONGEST = 63, FAR = 1000 };

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* d[i][j] is the distance of the first i bytes of a and the first j of b. */
int mlce_spelling_slips(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return FAR;
    int d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= n; i++) d[i][0] = (int)i;
    for (size_t j = 0; j <= m; j++) d[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            int change = lower(a[i - 1]) != lower(b[j - 1]);
            int least = smaller(d[i - 1][j] + 1, d[i][j - 1] + 1);
            least = smaller(least, d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                least = smaller(least, d[i - 2][j - 2] + 1);
            d[i][j] = least;
        }
    return d[n][m];
}

int mlce_spelling_tolerance(const char *name) {
    size_t third = strlen(name) / 3;
    return third < 2 ? 2 : third > 4 ? 4 : (int)third;
}

/* spelling.h - what a misspelt name may have meant. */
#ifndef MLCE_CORE_SPELLING_H
#define MLCE_CORE_SPELLING_H

/* How many slips lead from a to b: insertions, deletions, changes and swaps of neighbours (the
   Damerau-Levenshtein distance, optimal string alignment). Upper and lower case are the same; of
   names over 63 bytes it is more than any tolerance. */
int mlce_spelling_slips(const char *a, const char *b);

/* How many slips a name of this length may have to be still taken for another. */
int mlce_spelling_tolerance(const char *name);

#endif

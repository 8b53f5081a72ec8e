/* stratify.c - iterative stratification; the method stands in stratify.h. */
#include "corpus/stratify.h"

#include <stdlib.h>

#include "mlce/memory.h"
#include "mlce/random.h"

/* A unit in the list of a type's, or of all without one. */
typedef struct candidate {
    int64_t unit, weight; /* its spans of the type; its sequences */
    int64_t rank;         /* its place in a random order */
} candidate;

typedef struct state {
    const mlce_units *units;
    int parts;
    int *part;        /* [count], -1 before a unit has one */
    int64_t *left;    /* [types] spans of units without a part */
    int *rarest;      /* [2 * types] a tournament: of nodes 2i and 2i + 1, the rarer type goes up
                         to i; type t begins at types + t */
    double *demand;   /* [types][parts] spans */
    double *room;     /* [parts] sequences */
    int64_t *first;   /* [types+2] where the candidates of a type begin; those of none come last */
    candidate *lists; /* [first[types+1]] */
    mlce_random random;
} state;

/* Heaviest first, then in random order. */
static int compare_candidates(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    return (a->rank > b->rank) - (a->rank < b->rank);
}

/* The part that wants most of the type (of any: `demand` NULL). */
static int choose(state *s, const double *demand) {
    int best = 0, equals = 1;
    for (int p = 1; p < s->parts; p++) {
        double more = demand ? demand[p] - demand[best] : 0;
        if (more == 0) more = s->room[p] - s->room[best];
        if (more < 0) continue;
        equals = more > 0 ? 1 : equals + 1;
        if (equals == 1 || mlce_random_below(&s->random, (uint64_t)equals) == 0) best = p;
    }
    return best;
}

static int rarer(const state *s, int a, int b) {
    if (!s->left[a] || !s->left[b]) return s->left[a] ? a : b;
    if (s->left[a] != s->left[b]) return s->left[a] < s->left[b] ? a : b;
    return a < b ? a : b;
}

static void play(state *s, size_t node) {
    s->rarest[node] = rarer(s, s->rarest[2 * node], s->rarest[2 * node + 1]);
}

static void play_all(state *s) {
    size_t types = (size_t)s->units->types;
    for (size_t t = 0; t < types; t++) s->rarest[types + t] = (int)t;
    for (size_t node = types; node-- > 1;) play(s, node);
}

static void place(state *s, int64_t unit, int part) {
    const mlce_units *units = s->units;
    s->part[unit] = part;
    s->room[part] -= (double)units->sizes[unit];
    for (int64_t i = units->offsets[unit]; i < units->offsets[unit + 1]; i++) {
        const mlce_stratum *stratum = &units->strata[i];
        s->left[stratum->type] -= stratum->spans;
        s->demand[(size_t)stratum->type * (size_t)s->parts + (size_t)part] -=
            (double)stratum->spans;
        size_t leaf = (size_t)units->types + (size_t)stratum->type;
        for (size_t node = leaf / 2; node > 0; node /= 2) play(s, node);
    }
}

/* The type of which the fewest spans, but some, are left; -1 where none is. */
static int rarest(const state *s) {
    return s->units->types && s->left[s->rarest[1]] > 0 ? s->rarest[1] : -1;
}

static void place_all(state *s) {
    int types = s->units->types;
    for (int type; (type = rarest(s)) >= 0;)
        for (int64_t i = s->first[type]; i < s->first[type + 1]; i++)
            if (s->part[s->lists[i].unit] < 0)
                place(s, s->lists[i].unit, choose(s, s->demand + (size_t)type * (size_t)s->parts));
    for (int64_t i = s->first[types]; i < s->first[types + 1]; i++)
        place(s, s->lists[i].unit, choose(s, NULL));
}

/* Lists the units of each type, and those without any, the heaviest first. `order` is a random
   order of the units. */
static mlce_status make_lists(state *s, const int64_t *order) {
    const mlce_units *units = s->units;
    int types = units->types;
    for (int64_t u = 0; u < units->count; u++) {
        int64_t from = units->offsets[u], end = units->offsets[u + 1];
        for (int64_t i = from; i < end; i++) s->first[units->strata[i].type + 1]++;
        if (from == end) s->first[types + 1]++;
    }
    for (int t = 0; t <= types; t++) s->first[t + 1] += s->first[t];
    s->lists = mlce_calloc((size_t)s->first[types + 1], sizeof *s->lists);
    int64_t *next = mlce_calloc((size_t)types + 1, sizeof *next);
    if (!s->lists || !next) {
        free(next);
        return MLCE_E_MEMORY;
    }
    for (int64_t rank = 0; rank < units->count; rank++) {
        int64_t u = order[rank], from = units->offsets[u], end = units->offsets[u + 1];
        for (int64_t i = from; i < end; i++) {
            int type = units->strata[i].type;
            s->lists[s->first[type] + next[type]++] = (candidate){u, units->strata[i].spans, rank};
        }
        if (from == end)
            s->lists[s->first[types] + next[types]++] = (candidate){u, units->sizes[u], rank};
    }
    free(next);
    for (int t = 0; t <= types; t++)
        qsort(s->lists + s->first[t], (size_t)(s->first[t + 1] - s->first[t]), sizeof *s->lists,
              compare_candidates);
    return MLCE_OK;
}

static void make_demands(state *s, const double *shares) {
    const mlce_units *units = s->units;
    int64_t sequences = 0;
    for (int64_t u = 0; u < units->count; u++) {
        s->part[u] = -1;
        sequences += units->sizes[u];
    }
    for (int64_t i = 0; i < units->offsets[units->count]; i++)
        s->left[units->strata[i].type] += units->strata[i].spans;
    for (int p = 0; p < s->parts; p++) {
        s->room[p] = shares[p] * (double)sequences;
        for (int t = 0; t < units->types; t++)
            s->demand[(size_t)t * (size_t)s->parts + (size_t)p] = shares[p] * (double)s->left[t];
    }
}

mlce_status mlce_stratify(const mlce_units *units, const double *shares, int parts, uint64_t seed,
                          int *part) {
    state s = {.units = units,
               .parts = parts,
               .part = part,
               .random = mlce_random_new(seed, MLCE_STREAM_SPLIT)};
    size_t types = (size_t)units->types;
    int64_t *order = mlce_calloc((size_t)units->count, sizeof *order);
    s.left = mlce_calloc(types, sizeof *s.left);
    s.rarest = mlce_calloc(types, 2 * sizeof *s.rarest);
    s.demand = mlce_calloc(types, (size_t)parts * sizeof *s.demand);
    s.room = mlce_calloc((size_t)parts, sizeof *s.room);
    s.first = mlce_calloc(types + 2, sizeof *s.first);
    bool failed = !order || !s.left || !s.rarest || !s.demand || !s.room || !s.first;
    mlce_status status = failed ? MLCE_E_MEMORY : MLCE_OK;
    if (!status) {
        for (int64_t u = 0; u < units->count; u++) order[u] = u;
        mlce_random_shuffle(&s.random, order, units->count);
        make_demands(&s, shares);
        play_all(&s);
        status = make_lists(&s, order);
    }
    if (!status) place_all(&s);
    free(order);
    free(s.left);
    free(s.rarest);
    free(s.demand);
    free(s.room);
    free(s.first);
    free(s.lists);
    return status;
}

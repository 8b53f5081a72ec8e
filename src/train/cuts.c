/* cuts.c - a decision threshold moved over scored predictions. */
#include "train/cuts.h"

#include <stdlib.h>

#include "train/metrics_items.h"

mlce_cut mlce_cut_of(float threshold, mlce_counts counts, double beta) {
    double square = beta * beta;
    mlce_score score = mlce_score_of(counts);
    return (mlce_cut){
        .threshold = threshold,
        .counts = counts,
        .precision = score.precision,
        .recall = score.recall,
        .f = mlce_quotient((1 + square) * (double)counts.correct,
                           (double)counts.predicted + square * (double)counts.gold),
    };
}

static int by_score(const void *left, const void *right) {
    float a = ((const mlce_candidate *)left)->score, b = ((const mlce_candidate *)right)->score;
    return (a < b) - (a > b);
}

static int by_type_and_score(const void *left, const void *right) {
    int a = ((const mlce_candidate *)left)->type, b = ((const mlce_candidate *)right)->type;
    return a != b ? (a > b) - (a < b) : by_score(left, right);
}

void mlce_candidates_sort(mlce_candidate *items, size_t count, bool by_type) {
    if (count) qsort(items, count, sizeof *items, by_type ? by_type_and_score : by_score);
}

/* Halfway between a score and the next one below, where float32 has room for that. */
static float halfway(float score, float below) {
    float middle = (float)(0.5 * ((double)score + (double)below));
    return middle < score ? middle : below;
}

mlce_cut mlce_cut_behind(const mlce_candidate *items, size_t count, size_t i, int64_t correct,
                         int64_t gold, float low, double beta) {
    float score = items[i].score;
    float below = i + 1 < count ? items[i + 1].score : score - 1 > low ? score - 1 : low;
    mlce_counts counts = {.correct = correct, .predicted = (int64_t)i + 1, .gold = gold};
    return mlce_cut_of(halfway(score, below), counts, beta);
}

/* Whether a cut can be made behind items[i]. */
static bool can_cut(const mlce_candidate *items, size_t count, size_t i) {
    return i + 1 == count || items[i + 1].score < items[i].score;
}

mlce_cut mlce_cuts_best(const mlce_candidate *items, size_t count, int64_t gold, float low,
                        double beta, int64_t *correct) {
    mlce_cut best = {.counts = {.gold = gold}};
    *correct = 0;
    for (size_t i = 0; i < count; i++) {
        *correct += items[i].right;
        if (!can_cut(items, count, i)) continue;
        mlce_cut cut = mlce_cut_behind(items, count, i, *correct, gold, low, beta);
        if (cut.f > best.f) best = cut;
    }
    return best;
}

int mlce_cuts_around(const mlce_candidate *items, size_t count, int64_t gold, float low,
                     double beta, const mlce_cut *best, mlce_cut rows[MLCE_CUT_ROWS]) {
    static const double shares[MLCE_CUT_ROWS] = {0.25, 0.5, 0.7, 0.85, 0.95, 1,
                                                 1.05, 1.2, 1.5, 2,    4};
    double n = (double)best->counts.predicted;
    int64_t correct = 0;
    int next = 0, made = 0;
    for (size_t i = 0; i < count && next < MLCE_CUT_ROWS; i++) {
        correct += items[i].right;
        if ((double)i + 1 < shares[next] * n || !can_cut(items, count, i)) continue;
        rows[made++] = mlce_cut_behind(items, count, i, correct, gold, low, beta);
        while (next < MLCE_CUT_ROWS && shares[next] * n <= (double)i + 1) next++;
    }
    return made;
}

bool mlce_cuts_are_settled(double best, size_t count, int64_t correct, int64_t gold, double beta) {
    double square = beta * beta, g = (double)gold;
    if (correct >= gold) return true; /* lower ones can only be wrong */
    return best >= (1 + square) * g / ((double)count + square * g);
}

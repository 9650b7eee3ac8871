/* What the bench's own parts share: a row's outcome, printing it, and the command line. */
#ifndef TANDEM_TESTS_BENCH_INTERNAL_H
#define TANDEM_TESTS_BENCH_INTERNAL_H

#include <stdio.h>

#include "tests/bench/bench.h"

#define BENCH_MOST_NOTES 32
#define BENCH_MOST_ROUNDS 99
#define BENCH_NOTE_NAME 48
#define BENCH_PATH 512

/* One further raw figure, a value for each time it was noted. */
struct bench_note {
    char name[BENCH_NOTE_NAME];
    double values[BENCH_MOST_ROUNDS * 2];
    size_t count;
};

struct bench_outcome {
    const struct bench_row *row;
    bool measured; /* else `why` says why not */
    bool met;
    double subject, limit, ratio; /* medians, and theirs */
    unsigned rounds;
    char why[256];
    struct bench_note notes[BENCH_MOST_NOTES];
    size_t note_count;
};

struct bench_settings {
    unsigned rounds;    /* 0: as the row says */
    const char *folder; /* that holds the rows' folders; made when missing */
    FILE *progress;
};

/* Measures one row. Never fails: an outcome that is not measured says why. */
void bench_measure(const struct bench_row *row, const struct bench_settings *settings,
                   struct bench_outcome *out);

/* Median of an even number of values is the mean of the middle two. Sorts them. */
double bench_median(double *values, size_t count);
/* Whether figures meet a row's target, and their ratio; false with ratio 0 for a limit that is not
 * above 0. */
bool bench_judge(const struct bench_row *row, double subject, double limit, double *ratio);

/* ---- Printing ------------------------------------------------------------------------------ */

/* Three or four digits that matter, thousands grouped. */
#define BENCH_NUMBER 32
char *bench_number(double value, char out[BENCH_NUMBER]);
/* The head of the table; `widest` is the length of the longest name. */
void bench_print_head(FILE *out, size_t widest);
void bench_print_row(FILE *out, size_t widest, const struct bench_outcome *outcome);
/* One line. False when out of memory. */
bool bench_print_json(FILE *out, const struct bench_outcome *outcome);

/* ---- The command line ---------------------------------------------------------------------- */

/* Changes of one letter that make one name of the other; at most 99. */
unsigned bench_distance(const char *a, const char *b);

/* The whole program. Exit status: 0 all met, 1 something missed, 2 usage. */
int bench_main(int count, char **words, const struct bench_rows *const *tables, size_t table_count,
               FILE *out, FILE *err);

#endif

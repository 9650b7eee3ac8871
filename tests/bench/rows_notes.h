/* Functions of the rows about live notes, by row. */
#ifndef TANDEM_TESTS_BENCH_ROWS_NOTES_H
#define TANDEM_TESTS_BENCH_ROWS_NOTES_H

#include "tests/bench/bench.h"

#define NOTES_ROW(name)                                                                            \
    bool name##_set_up(struct bench_run *run, void **context);                                     \
    bool name##_subject(struct bench_run *run, void *context, double *figure);                     \
    bool name##_limit(struct bench_run *run, void *context, double *figure);                       \
    void name##_tear_down(void *context);

NOTES_ROW(note_keystrokes)
NOTES_ROW(note_open)
NOTES_ROW(note_trace)
NOTES_ROW(note_bytes)

#endif

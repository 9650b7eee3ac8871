/* All tables of rows, in the order in which they are measured and printed. */
#ifndef TANDEM_TESTS_BENCH_ROWS_H
#define TANDEM_TESTS_BENCH_ROWS_H

#include "tests/bench/bench.h"

extern const struct bench_rows bench_rows_network;
extern const struct bench_rows bench_rows_mixed;
extern const struct bench_rows bench_rows_notes;
extern const struct bench_rows bench_rows_store;

const struct bench_rows *const *bench_tables(size_t *count);

#endif

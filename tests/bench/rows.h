/* All tables of rows, in the order in which they are measured and printed. */
#ifndef TANDEM_TESTS_BENCH_ROWS_H
#define TANDEM_TESTS_BENCH_ROWS_H

#include "tests/bench/bench.h"

const struct bench_rows *const *bench_tables(size_t *count);

#endif

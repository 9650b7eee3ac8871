#include "tests/bench/rows_store.h"

extern const struct bench_rows bench_rows_store;

static const struct bench_row rows[] = {
    {.name = "durable-mutations",
     .what = "mutations a second of 64 writers in this process, durable",
     .against = "bare LMDB making the same changes in the same transactions",
     .unit = "mutations/s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     ROW_OF(mutations)},
};

const struct bench_rows bench_rows_store = {rows, sizeof rows / sizeof *rows};

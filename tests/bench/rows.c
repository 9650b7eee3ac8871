#include "tests/bench/rows.h"

static const struct bench_rows *const tables[] = {&bench_rows_network, &bench_rows_store,
                                                  &bench_rows_mixed, &bench_rows_notes};

const struct bench_rows *const *bench_tables(size_t *count)
{
    *count = sizeof tables / sizeof *tables;
    return tables;
}

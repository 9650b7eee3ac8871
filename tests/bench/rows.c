#include "tests/bench/rows.h"

static const struct bench_rows *tables[3];

const struct bench_rows *const *bench_tables(size_t *count)
{
    const struct bench_rows *all[] = {&bench_rows_network, &bench_rows_store, &bench_rows_mixed};
    *count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] != NULL) {
            tables[(*count)++] = all[i];
        }
    }
    return tables;
}

/* The rows about the store and the replica, each group in a file of its own. */
#ifndef TANDEM_TESTS_BENCH_ROWS_STORE_H
#define TANDEM_TESTS_BENCH_ROWS_STORE_H

#include "tests/bench/bench.h"

/* The four functions of a row. */
#define ROW_OF(name)                                                                               \
    .set_up = name##_set_up, .subject = name##_subject, .limit = name##_limit,                     \
    .tear_down = name##_tear_down

#define DECLARE_ROW(name)                                                                          \
    bool name##_set_up(struct bench_run *run, void **context);                                     \
    bool name##_subject(struct bench_run *run, void *context, double *figure);                     \
    bool name##_limit(struct bench_run *run, void *context, double *figure);                       \
    void name##_tear_down(void *context);

DECLARE_ROW(mutations)
DECLARE_ROW(partner)
DECLARE_ROW(replica_get)
DECLARE_ROW(replica_list)
DECLARE_ROW(replica_find)
DECLARE_ROW(replica_open)
DECLARE_ROW(purge_account)
DECLARE_ROW(first_sync)
DECLARE_ROW(first_sync_bytes)
DECLARE_ROW(outbox_settle)
DECLARE_ROW(client_memory)
DECLARE_ROW(growth_mutation)
DECLARE_ROW(growth_fetch)
DECLARE_ROW(growth_list)
DECLARE_ROW(growth_partner)
DECLARE_ROW(growth_bytes)
DECLARE_ROW(growth_memory)

#endif

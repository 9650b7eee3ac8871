/* Replicas of a kept store, filled by a tandemd in a process of its own. */
#ifndef TANDEM_TESTS_BENCH_ROWS_REPLICA_FILL_H
#define TANDEM_TESTS_BENCH_ROWS_REPLICA_FILL_H

#include "tests/bench/rows_store.h"
#include "tests/bench/store_served.h"

struct replica_source {
    struct kept kept;
    struct server_process server;
    uint64_t records;               /* of the store, and of who sees all of it */
    char replica[BENCH_FOLDER_MAX]; /* the one filled last */
    size_t syncs;
};

/* As many as a row says. To try a row out, TANDEM_BENCH_FEWER=100 in the environment makes it a
 * hundredth, though a thousand at least; its figures then stand for nothing. */
uint64_t replica_fewer(struct bench_run *run, uint64_t records);

/* Opens the store of so many records, and serves it. False after bench_fail(); zeroed storage, and
 * what a failure left, may be closed. */
bool replica_source_open(struct replica_source *source, struct bench_run *run, uint64_t records);
void replica_source_close(struct replica_source *source);

struct sync_figures {
    uint64_t wall_ns, cpu_ns, server_cpu_ns, wire_bytes, records;
};
/* Fills a new replica in the row's folder, which takes the place of the one before. */
bool replica_sync(struct bench_run *run, struct replica_source *source,
                  struct sync_figures *figures);
/* Has source->replica be one that is kept from run to run: filled the first time, brought up to the
 * store afterwards. Every page of its records has been read when this returns. */
bool replica_keep(struct bench_run *run, struct replica_source *source);

/* Two replicas that are kept, of as many records as the row's parameter says and of 10 thousand,
 * whose servers run: for rows that compare a large one with a small one. *context is a struct
 * replica_pair. */
struct replica_pair {
    struct replica_source large, small;
};
bool replica_pair_open(struct bench_run *run, void **context);
void replica_pair_close(void *context); /* NULL is fine */

#endif

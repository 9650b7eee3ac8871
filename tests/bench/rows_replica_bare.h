/* A replica's file read by LMDB alone: the limit of the rows about reading one. */
#ifndef TANDEM_TESTS_BENCH_ROWS_REPLICA_BARE_H
#define TANDEM_TESTS_BENCH_ROWS_REPLICA_BARE_H

#include "tests/bench/bench.h"
#include "tests/bench/limit_lmdb.h"

struct bare {
    struct lmdb_raw raw;
    MDB_txn *txn; /* a reader, reset */
    MDB_dbi records, entities, fields;
    uint64_t found;
    uint64_t seen; /* made of what was read, so that it has to be read */
};

/* What is timed: returns LMDB's code, and counts what it read in `found`. */
typedef int bare_turn(struct bare *bare, const void *row);
/* Takes the turn twice on the replica in a folder, of which the first time warms. *figure tells
 * records a second of CPU. False after bench_fail(), also when it did not find `expected`. */
bool bare_time(struct bench_run *run, const char *folder, bare_turn *turn, const void *row,
               uint64_t expected, double *figure);

/* The record with this id, pointed at. */
int bare_find(struct bare *bare, MDB_val key, MDB_val *value);
/* Reads a record from its beginning to its end, as fast as that goes. */
void bare_read(struct bare *bare, MDB_val value);

#endif

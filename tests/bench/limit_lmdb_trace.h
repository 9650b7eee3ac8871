/* How a trace is kept; between the files that write and replay it. */
#ifndef TANDEM_TESTS_BENCH_LIMIT_LMDB_TRACE_H
#define TANDEM_TESTS_BENCH_LIMIT_LMDB_TRACE_H

#include "tests/bench/limit_lmdb.h"

#define LMDB_TRACE_NAME 32

enum lmdb_change_kind { LMDB_PUT, LMDB_DELETE, LMDB_EMPTY, LMDB_COMMIT };

/* Followed by the key and the value. */
struct lmdb_change {
    enum lmdb_change_kind kind;
    MDB_dbi table;
    unsigned flags;
    size_t key_size, value_size;
};

struct lmdb_trace {
    bool noting, failed;
    char follow[LMDB_TRACE_NAME]; /* table of the environment that is noted; "": whichever */
    MDB_env *env;                 /* that one, once it is known */
    char names[LMDB_RAW_TABLES][LMDB_TRACE_NAME];
    uint8_t *data;             /* changes, one after another */
    size_t size, room, before; /* its size before the change noted last */
    size_t changes, transactions, bytes;
    size_t open; /* changes since the last commit */
};

#endif

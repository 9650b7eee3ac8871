/* The replica of client-lib/replica/replica.h over plain arrays, for the sync logic alone. It aborts when a
 * transaction is begun twice or missing, when a cursor goes back or what is stored is no record; it
 * fails where it is told to, and then says so in `broken`. */
#ifndef TANDEM_TESTS_FUZZ_MEMORY_REPLICA_H
#define TANDEM_TESTS_FUZZ_MEMORY_REPLICA_H

#include "client-lib/sync/sync.h"

#define REPLICA_RECORDS 64u
#define REPLICA_BACKFILLS 16u

struct entry {
    struct id id;
    struct scope scope;
    uint64_t seq;
    struct bytes encoded; /* owned */
};

struct contents {
    struct entry records[REPLICA_RECORDS];
    size_t record_count;
    struct replica_backfill backfills[REPLICA_BACKFILLS];
    size_t backfill_count;
    uint64_t cursor;
    struct id epoch;
    struct buffer subscription;
    struct buffer marks[2]; /* "use" and "checked" */
};

struct replica {
    struct contents now, saved; /* saved: as the transaction began */
    bool open;
    unsigned fail_in;
    bool broken; /* gave an error since it was last looked at */
};

extern const struct sync_store memory_replica_store;

/* NULL when it holds no such record. */
struct entry *memory_replica_find(struct replica *replica, struct id id);
/* Frees what it holds; zeroed storage is an empty replica. */
void memory_replica_release(struct replica *replica);

#endif

/* Indexes of fields: the records of an entity in the order of one field's values, for queries that
 * would otherwise walk all of the entity.
 *
 * None is there until a query could have used one and had to pass over more than
 * REPLICA_INDEX_FROM records instead. Then replica_index_want() notes it, and replica_index_run()
 * builds it, a slice each time it is called, in a transaction of its own that also notes how far it
 * has come: a process that dies meanwhile goes on from there. From the first slice on every write
 * of a record keeps the index up, whether the record's turn has come yet or not, and only when the
 * last slice is done it is whole and read. So half an index never answers anything.
 *
 *     wanted --> BUILDING --> WHOLE --> DROPPING --> gone
 *                    +--------------------^
 *
 * One is dropped when its field is given another kind or removed; when REPLICA_INDEX_MOST are
 * there, another is wanted, and it was not used the last REPLICA_INDEX_PATIENCE times that any was;
 * and, half done, when the map is full. That goes in slices too, and meanwhile what is removed
 * leaves it as it leaves everything else. When a record is so damaged that its values are not known
 * any more, all are dropped at once, lest one keep a value that was to go.
 *
 * Two tables:
 *
 *     indexed    entity 0 field 0 kind 1              -> number 1, state 1, until 16
 *     fields     number 1, 0, ordered value, id 16    -> (nothing)
 *                number 1, 1, id 16                   -> (nothing), of records without a value
 *
 * The value is the key by which conditions and sorts compare (protocol/condition.h), written as in
 * the server's store (protocol/ordered.h), and cut as it is there: records that share a key stand
 * in order of their ids, and what a condition says of them is to be looked at in the record.
 * `state` has in its upper four bits how keys are made: 0, as by former libraries, which folded
 * ASCII letters alone, or 1. Where it is another way than this library's, nothing of the index is
 * read, and the next transaction that writes empties them all, to be built again.
 * `number` tells the indexes apart in few bytes. `kind` is how values are read: by that of the
 * field, or by their shape, as conditions on custom fields do it. `until` is the id that building
 * has come to, while there is such a record: when it goes, building begins again.
 *
 * Only who may write the replica builds, or drops; others use what is whole. */
#ifndef TANDEM_CLIENT_LIB_REPLICA_INDEX_H
#define TANDEM_CLIENT_LIB_REPLICA_INDEX_H

#include "client-lib/replica/replica.h"

/* Records that a query walks past before an index is worth it. So many take half a millisecond,
 * which nobody notices; an index costs every later write of the entity about a microsecond, and
 * holds each value a second time. */
#define REPLICA_INDEX_FROM 512u
/* Indexes in a replica. A program filters and sorts its lists by a handful of fields, and each
 * record written costs at most so many entries more. */
#define REPLICA_INDEX_MOST 16u
/* Uses of other indexes after which one that was not used gives way. */
#define REPLICA_INDEX_PATIENCE 1000u
/* Records that are indexed at a time. Their entries go anywhere in the index, and each may be on a
 * page of its own: a megabyte that LMDB holds until the commit, about a millisecond. */
#define REPLICA_INDEX_SLICE 256u
/* Entries deleted at a time, which lie beside each other. */
#define REPLICA_INDEX_DROPPED 10000u
/* Milliseconds to wait after a failure. */
#define REPLICA_INDEX_RETRY_MS 60000u

/* In place of an enum field_kind: by the shape of each value. */
#define REPLICA_INDEX_BY_SHAPE 255u

struct replica_index_name {
    struct bytes entity, field; /* 1 to RECORD_NAME_MAX bytes, without a NUL */
    uint8_t kind;
};

struct replica_index_range {
    struct replica_index_name name;
    bool values;                 /* records that have a value of the field: */
    struct bytes from, to;       /* from this sort key on, up to that one; none: all */
    bool behind_from, before_to; /* without those that have it */
    bool none;                   /* and records that have none, behind them in both directions */
    bool backwards;
};

enum replica_index_state { REPLICA_INDEX_NONE, REPLICA_INDEX_UNFINISHED, REPLICA_INDEX_WHOLE };

/* What there is of an index. The replica's errors. */
enum status replica_index_look(struct replica *replica, const struct replica_index_name *name,
                               enum replica_index_state *out);
/* How many records are in the range, counted up to `most`. NOT_FOUND when there is no whole index.
 */
enum status replica_index_count(struct replica *replica, const struct replica_index_range *range,
                                size_t most, size_t *count);
/* The records of the range, in order of the value and then of the id. NOT_FOUND when there is no
 * whole index: then `each` was not called. What it names and is not there is passed over, and
 * counted in `*missing`: it may lack others that are. Where this process writes, it then drops the
 * indexes. */
enum status replica_index_walk(struct replica *replica, const struct replica_index_range *range,
                               replica_walk_fn *each, void *context, size_t *missing);

/* Notes that an index is worth building; nothing where it may not be. */
void replica_index_want(struct replica *replica, const struct replica_index_name *name);
/* When there is something to do for replica_index_run(), in the time given to it; UINT64_MAX:
 * nothing. While something purged is still to be scrubbed there is nothing either, since that
 * begins again after each commit. */
uint64_t replica_index_due(const struct replica *replica);
/* Does the next slice, if it is time to. After a failure of the disk or memory, or when the map is
 * full, the replica is as before and it is tried again later. No transaction is open. */
enum status replica_index_run(struct replica *replica, uint64_t now_ms);

#endif

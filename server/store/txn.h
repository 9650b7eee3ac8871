/* One LMDB transaction, and the few ways the tables are read and changed through it.
 *
 * Reading transactions keep a cursor a table, so that a walk costs a step and not a descent; it is
 * renewed at its first use in a snapshot. In the writing one the cursors are closed by every
 * change: LMDB 0.9.24 has had bugs in keeping other cursors right while pages move.
 *
 * The first failed change sticks to the writing transaction (`failed`): what is half done in the
 * transaction must not be committed.
 */
#ifndef TANDEM_STORE_TXN_H
#define TANDEM_STORE_TXN_H

#include <lmdb.h>

#include "server/core/state.h"
#include "server/store/layout.h"
#include "server/store/store.h"

#define TXN_MAGIC 0x74786e21u

struct entries;

struct walker {
    MDB_cursor *cursor;
    uint64_t snapshot; /* txn.snapshot when it was renewed */
    bool standing;     /* on the entry it gave last */
};

struct txn {
    uint32_t magic;
    bool writable;
    enum status failed;
    MDB_txn *handle; /* NULL while the writing one is not open */
    const MDB_dbi *tables;
    uint64_t snapshot; /* counts begins */
    struct walker walkers[TABLE_COUNT];
    struct meta meta; /* of a reading one, once read, as of snapshot `meta_snapshot` */
    uint64_t meta_snapshot;

    /* Scratch of the writing one: stored bytes, and the rows a record stood and will stand in. */
    struct buffer scratch;
    struct entries *before, *after;
};

/* Checks the magic. */
struct txn *txn_from(void *self);
/* Marks the writing transaction as failed (the first reason stays) and returns `status`. */
enum status txn_fail(struct txn *txn, enum status status);
void txn_close_walkers(struct txn *txn);

/* What LMDB's return code means. KEYEXIST is EXISTS. */
enum status txn_status(int code);

/* NOT_FOUND when there is no such key. */
enum status txn_get(struct txn *txn, enum table table, struct bytes key, struct bytes *value);
/* As txn_get, of a sealed value: the payload, or CORRUPT. */
enum status txn_get_sealed(struct txn *txn, enum table table, struct bytes key,
                           struct bytes *payload);
/* First entry whose key is greater than `key` (or the same, when `inclusive`); an empty key
 * stands before all. NOT_FOUND at the end. Either out pointer may be NULL. */
enum status txn_behind(struct txn *txn, enum table table, struct bytes key, bool inclusive,
                       struct bytes *found, struct bytes *value);
/* Last entry whose key is less than `key`; an empty key stands behind all. */
enum status txn_before(struct txn *txn, enum table table, struct bytes key, struct bytes *found,
                       struct bytes *value);

/* Changes. `flags` are those of mdb_put; EXISTS comes only with MDB_NOOVERWRITE or MDB_APPEND and,
 * like NOT_FOUND of txn_delete, does not fail the transaction. */
enum status txn_put(struct txn *txn, enum table table, struct bytes key, struct bytes value,
                    unsigned flags);
enum status txn_put_sealed(struct txn *txn, enum table table, struct bytes key,
                           struct bytes payload, unsigned flags);
/* At the end of a table whose keys grow; anywhere else it still works, without the gain. */
enum status txn_append(struct txn *txn, enum table table, struct bytes key, struct bytes value);
enum status txn_delete(struct txn *txn, enum table table, struct bytes key);

#endif

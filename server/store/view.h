/* A view: one LMDB transaction, and the few ways the tables are read and changed through it.
 *
 * Reading views keep a cursor a table, so that a walk costs a step and not a descent; it is
 * renewed at its first use in a snapshot. In the writing view the cursors are closed by every
 * change: LMDB 0.9.24 has had bugs in keeping other cursors right while pages move.
 *
 * The first failed change sticks to the writing view (`failed`): what is half done in the
 * transaction must not be committed.
 */
#ifndef TANDEM_STORE_VIEW_H
#define TANDEM_STORE_VIEW_H

#include <lmdb.h>

#include "server/core/state.h"
#include "server/store/layout.h"
#include "server/store/store.h"

#define VIEW_MAGIC 0x76696577u

struct entries;

struct walker {
    MDB_cursor *cursor;
    uint64_t snapshot; /* view.snapshot when it was renewed */
    bool standing;     /* on the entry it gave last */
};

struct view {
    uint32_t magic;
    bool writable;
    enum status failed;
    MDB_txn *txn; /* NULL while a writing view is not open */
    const MDB_dbi *tables;
    uint64_t snapshot; /* counts begins */
    struct walker walkers[TABLE_COUNT];

    /* Scratch of a writing view: stored bytes, and the rows a record stood and will stand in. */
    struct buffer scratch;
    struct entries *before, *after;
};

/* Checks the magic. */
struct view *view_from(void *self);
/* Marks the writing view as failed (the first reason stays) and returns `status`. */
enum status view_fail(struct view *view, enum status status);
void view_close_walkers(struct view *view);

/* What LMDB's return code means. KEYEXIST is EXISTS. */
enum status view_status(int code);

/* NOT_FOUND when there is no such key. */
enum status view_get(struct view *view, enum table table, struct bytes key, struct bytes *value);
/* As view_get, of a sealed value: the payload, or CORRUPT. */
enum status view_get_sealed(struct view *view, enum table table, struct bytes key,
                            struct bytes *payload);
/* First entry whose key is greater than `key` (or the same, when `inclusive`); an empty key
 * stands before all. NOT_FOUND at the end. Either out pointer may be NULL. */
enum status view_behind(struct view *view, enum table table, struct bytes key, bool inclusive,
                        struct bytes *found, struct bytes *value);
/* Last entry whose key is less than `key`; an empty key stands behind all. */
enum status view_before(struct view *view, enum table table, struct bytes key,
                        struct bytes *found, struct bytes *value);

/* Changes. `flags` are those of mdb_put; EXISTS comes only with MDB_NOOVERWRITE or MDB_APPEND and,
 * like NOT_FOUND of view_delete, does not fail the view. */
enum status view_put(struct view *view, enum table table, struct bytes key, struct bytes value,
                     unsigned flags);
enum status view_put_sealed(struct view *view, enum table table, struct bytes key,
                            struct bytes payload, unsigned flags);
/* At the end of a table whose keys grow; anywhere else it still works, without the gain. */
enum status view_append(struct view *view, enum table table, struct bytes key,
                        struct bytes value);
enum status view_delete(struct view *view, enum table table, struct bytes key);

#endif

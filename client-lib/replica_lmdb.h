/* What the files of the replica share. No other file includes it: LMDB stays in here. */
#ifndef TANDEM_CLIENT_LIB_REPLICA_LMDB_H
#define TANDEM_CLIENT_LIB_REPLICA_LMDB_H

#include <stdbool.h>

#include "client-lib/environment.h"
#include "client-lib/replica.h"

#define REPLICA_FORMAT 2u

enum replica_table {
    TABLE_RECORDS,
    TABLE_ENTITIES,
    TABLE_SCOPES,
    TABLE_TIMELINE,
    TABLE_BACKFILLS,
    TABLE_META,
    TABLE_COUNT
};

#define KEY_ENTITY_MAX (RECORD_NAME_MAX + 1 + ID_SIZE)
#define KEY_SCOPE_SIZE (SCOPE_SIZE + ID_SIZE)
#define KEY_TIME_SIZE (SCOPE_SIZE + 8 + ID_SIZE)

struct replica {
    struct environment db;
    struct environment_layout layout;
    MDB_txn *write; /* between begin and commit */
    bool read_only; /* another process writes */
    uint64_t cursor, new_cursor;
    struct id epoch, new_epoch;
    struct id client;
    enum replica_remains remains, new_remains;
    struct scrub scrub;
};

/* Writes the key into `out` and returns its size. */
size_t key_entity(struct bytes entity, struct id id, uint8_t out[KEY_ENTITY_MAX]);
void key_scope(struct scope scope, struct id id, uint8_t out[KEY_SCOPE_SIZE]);
void key_time(struct scope scope, int64_t ms, struct id id, uint8_t out[KEY_TIME_SIZE]);
/* Keys of a table: from `from` (none: the first) up to but not including `to` (none: all). Each ends
 * with the id of its record. */
struct replica_range {
    enum replica_table table;
    struct bytes from, to;
    bool backwards;
};
/* CORRUPT when a record is missing that the table names. */
enum status replica_walk(struct replica *replica, const struct replica_range *range,
                         replica_walk_fn *each, void *context);
/* Writes the smallest key behind all that begin with the prefix, and returns its size: that of the
 * prefix at most, 0 when there is none. */
size_t replica_behind(struct bytes prefix, uint8_t *out);
/* Notes in the transaction that the file will hold remains, at least of this kind. */
enum status replica_note_remains(struct replica *replica, enum replica_remains remains);
/* Scrubs what was purged and not scrubbed before the process ended, unless somebody is reading it:
 * then it is still to be done. CORRUPT when it cannot be. */
enum status replica_recover(struct replica *replica);
/* Makes the environment anew, empty but for the client id. */
enum status replica_replace(struct replica *replica);
/* Sets one entry of the meta table. */
enum status replica_meta_put(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes value);
enum status replica_meta_get(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes *value);

#endif

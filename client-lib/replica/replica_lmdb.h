/* What the files of the replica share. No other file includes it: LMDB stays in here. */
#ifndef TANDEM_CLIENT_LIB_REPLICA_LMDB_H
#define TANDEM_CLIENT_LIB_REPLICA_LMDB_H

#include <stdbool.h>

#include "client-lib/replica/replica.h"
#include "client-lib/replica/replica_index.h"
#include "client-lib/storage/environment.h"
#include "protocol/ordered.h"

#define REPLICA_FORMAT 2u
/* From the first index on: a library that does not know of indexes, or of how their keys are made,
 * would leave them as they are while it changes and purges records. It takes this for a format it
 * cannot read. */
#define REPLICA_FORMAT_INDEXED 4u
/* The same of libraries that folded ASCII letters alone. */
#define REPLICA_FORMAT_ASCII 3u

enum replica_table {
    TABLE_RECORDS,
    TABLE_ENTITIES,
    TABLE_SCOPES,
    TABLE_TIMELINE,
    TABLE_BACKFILLS,
    TABLE_FIELDS,
    TABLE_INDEXED,
    TABLE_META,
    TABLE_COUNT
};

#define KEY_ENTITY_MAX (RECORD_NAME_MAX + 1 + ID_SIZE)
#define KEY_SCOPE_SIZE (SCOPE_SIZE + ID_SIZE)
#define KEY_TIME_SIZE (SCOPE_SIZE + 8 + ID_SIZE)
#define KEY_FIELD_MAX (2 + ORDERED_MAX + ID_SIZE)
#define KEY_INDEXED_MAX (RECORD_NAME_MAX + 1 + RECORD_NAME_MAX + 1 + 1)

/* ---- Indexes of fields ---- */

enum index_state { INDEX_BUILDING = 1, INDEX_WHOLE, INDEX_DROPPING };

/* How the keys of an index are made: 0 are those of REPLICA_FORMAT_ASCII. */
#define INDEX_KEYS 1u

struct field_index {
    char entity[RECORD_NAME_MAX + 1];
    char field[RECORD_NAME_MAX + 1];
    uint8_t kind;
    uint8_t keys;
    uint8_t number;
    enum index_state state;
    struct id until;
};

#define INDEXES_WANTED 4

struct indexes {
    /* As the transaction sees them, or as the last one did. */
    struct field_index list[REPLICA_INDEX_MOST];
    size_t count;
    bool looked;   /* they are known */
    bool outdated; /* some are of no use to this library */
    bool damaged;  /* one names what is not there */
    bool full;     /* there was no room to go on building */
    struct field_index wanted[INDEXES_WANTED];
    size_t wanted_count;
    uint64_t uses, used[REPLICA_INDEX_MOST]; /* of each number: the last of them that was its */
    uint64_t retry_ms;
    struct buffer value; /* a key being made */
};

struct field_key {
    uint8_t size; /* 0: none */
    uint8_t key[KEY_FIELD_MAX];
};
/* What a record has in each of indexes.list. */
struct field_keys {
    struct field_key of[REPLICA_INDEX_MOST];
};

struct replica {
    struct environment db;
    struct environment_layout layout;
    MDB_txn *write; /* between begin and commit */
    bool read_only; /* another process writes */
    /* The number of the next transaction that writes, unless another process commits before. */
    uint64_t next_txn;
    uint64_t cursor, new_cursor;
    struct id epoch, new_epoch;
    struct id client;
    enum replica_remains remains, new_remains;
    struct scrub scrub;
    struct indexes indexes;
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
    size_t *missing; /* counts keys without a record, which are passed over; NULL: there is none */
};
/* CORRUPT when a record is missing that the table names, and is not passed over. */
enum status replica_walk(struct replica *replica, const struct replica_range *range,
                         replica_walk_fn *each, void *context);
/* The same in a transaction that is open; `*more` becomes false when the callback has had enough. */
enum status replica_walk_in(struct replica *replica, MDB_txn *txn,
                            const struct replica_range *range, replica_walk_fn *each,
                            void *context, bool *more);
/* Writes the smallest key behind all that begin with the prefix, and returns its size: that of the
 * prefix at most, 0 when there is none. */
size_t replica_behind(struct bytes prefix, uint8_t *out);
/* Begins a transaction that writes nothing of what another process has deleted meanwhile, however
 * much of it the buffers of this one held; what is known of the last commit is as of this one's
 * beginning. A reader of this process keeps its buffers: then `*stale`, and the transaction is to
 * note that the file will hold what was purged. */
enum status replica_write(struct replica *replica, MDB_txn **out, bool *stale);
/* Notes in the transaction that the file will hold remains, at least of this kind. */
enum status replica_note_remains(struct replica *replica, enum replica_remains remains);
/* Scrubs what was purged and not scrubbed before the process ended, unless somebody is reading it:
 * then it is still to be done. CORRUPT when it cannot be. */
enum status replica_recover(struct replica *replica);
/* Deletes all that is in a table, noting that it was purged. */
enum status replica_empty_table(struct replica *replica, enum replica_table table);
/* Makes the environment anew, empty but for the client id. */
enum status replica_replace(struct replica *replica);
/* Sets one entry of the meta table. */
enum status replica_meta_put(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes value);
enum status replica_meta_get(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes *value);

/* ---- replica_index.c: indexes as records are written ---- */

/* Reads which there are into indexes.list. CORRUPT: what is there makes no sense. */
enum status replica_index_load(struct replica *replica, MDB_txn *txn);
/* The same at the beginning of a write transaction; where they make no sense none are left, and where
 * their keys are made in another way than here they are empty, and to be built. */
enum status replica_index_begin(struct replica *replica);
/* Takes all of them out. */
enum status replica_index_clear(struct replica *replica);
/* Whether keys of one in indexes.list are made in another way than here. */
bool replica_index_has_former_keys(const struct replica *replica);
/* Begins to build one of this entity, field and kind, which there is room for. */
enum status replica_index_add(struct replica *replica, const struct field_index *wanted);
/* The key of a record in one of them. The record's bytes are not used afterwards. */
enum status replica_index_key(struct replica *replica, const struct field_index *index,
                              const struct record_view *view, struct field_key *out);
/* In all of them, those of other entities having none. */
enum status replica_index_keys(struct replica *replica, const struct record_view *view,
                               struct field_keys *out);
/* Takes the keys of `from` away and adds those of `to`; NULL: there are none. */
enum status replica_index_move(struct replica *replica, const struct field_keys *from,
                               const struct field_keys *to);
/* The indexes, a bit for each of indexes.list, that lose their meaning when a record takes the
 * place of another; NULL: there is none. */
uint32_t replica_index_undefined(const struct replica *replica, const struct record_view *from,
                                 const struct record_view *to);
/* Begins to drop them. */
enum status replica_index_drop(struct replica *replica, uint32_t which);
/* A record goes: building that has come to it begins again, lest its id stay. */
enum status replica_index_forget(struct replica *replica, struct id id);
/* Writes what indexes.list tells of one. */
enum status replica_index_store(struct replica *replica, const struct field_index *index);
/* The key of it in table `indexed`, and its size. */
size_t replica_index_row(const struct replica_index_name *name, uint8_t out[KEY_INDEXED_MAX]);
struct replica_index_name replica_index_name(const struct field_index *index);
bool replica_index_read(struct bytes key, struct bytes value, struct field_index *out);

#endif

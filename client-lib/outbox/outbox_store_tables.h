/* What the files of the outbox's store share, and with them the one of live notes, which are kept
 * in the same file. No other file includes it: LMDB stays in here.
 *
 * Each change is made between outbox_begin() and outbox_end(): counters are read at the beginning
 * in the transaction itself, since another process may have written, and kept in the handle when
 * the commit has succeeded. After a commit that failed nobody knows what the file holds: it is
 * opened again, and what is read then is what was stored. */
#ifndef TANDEM_CLIENT_LIB_OUTBOX_STORE_TABLES_H
#define TANDEM_CLIENT_LIB_OUTBOX_STORE_TABLES_H

#include "client-lib/outbox/outbox_entry.h"
#include "client-lib/outbox/outbox_state.h"
#include "client-lib/outbox/outbox_store.h"
#include "client-lib/storage/environment.h"

/* A file has the first format until a live note is kept in it, see note_store.h. */
#define OUTBOX_FORMAT_FIRST 1u
#define OUTBOX_FORMAT 2u
/* The meta entry of a byte: whether something was taken out since the last scrub. */
#define OUTBOX_STALE "stale"

enum outbox_table {
    OUTBOX_META,
    OUTBOX_ENTRIES,
    OUTBOX_TOUCHED,
    OUTBOX_STATES,
    OUTBOX_NOTES, /* live notes: client-lib/note/note_store.h */
    OUTBOX_NOTE_SAVED,
    OUTBOX_NOTE_ROWS,
    OUTBOX_TABLES
};

struct outbox_counters {
    uint64_t next_order;
    uint64_t next_number; /* 0 before the first sign-in */
    uint64_t purges;      /* how often something was taken away for good */
    uint64_t counts[TANDEM_ENTRY_STATES];
};
#define OUTBOX_COUNTERS_SIZE ((3 + TANDEM_ENTRY_STATES) * 8)

struct outbox_store {
    struct environment environment;
    struct id client, user, epoch;
    bool paused, rebasing;
    struct outbox_counters counters; /* as of the last commit or look */
    uint64_t txn;                    /* the commit they are of */
    bool others_wrote;               /* before our last commit, and not told yet */
    uint64_t purges;                 /* that this process has dropped its buffers for */
    uint64_t shown;                  /* accepted entries up to this seq are done with */
    bool reopen;                     /* the environment must be opened anew before it is used */
    struct environment_reading held;
    unsigned holds;
    struct scrub scrub;
    bool stale;    /* as the file says: what was taken out of it may still be in it */
    bool doubtful; /* the same after a commit that failed, or was made of buffers that hold it */
    uint64_t dropped; /* the commit that had others drop their buffers last; 0: none did */
    struct buffer written;            /* struct outbox_trace, of what was committed */
    void (*committed)(void *context); /* may be NULL */
    void *committed_context;
    outbox_gate_fn *gate; /* may be NULL */
    void *gate_context;
};

/* ---- Transactions (outbox_store.c) ---- */

/* One change of the outbox. */
struct outbox_writing {
    struct outbox_store *store;
    MDB_txn *txn;
    struct outbox_counters counters;
    struct id client, user, epoch;
    bool paused, rebasing;
    bool stale;            /* something is taken out that was stored */
    struct buffer encoded; /* scratch */
    struct buffer written; /* struct outbox_trace */
};

/* Opens the environment anew when that is due and nobody is reading. */
enum status outbox_make_usable(struct outbox_store *store);
enum status outbox_begin(struct outbox_store *store, struct outbox_writing *writing);
/* Commits when `status` is OK, else throws away what was done. Returns the outcome. */
enum status outbox_end(struct outbox_writing *writing, enum status status);
enum status outbox_meta_put(struct outbox_writing *writing, const char *name, struct bytes value);
/* Notes whether the file is stale, when that changes (outbox_store_scrub.c). */
enum status outbox_note_stale(struct outbox_writing *writing);

enum status outbox_read_begin(struct outbox_store *store, struct environment_reading *reading);
void outbox_read_end(struct outbox_store *store, struct environment_reading *reading);

/* ---- Entries within a transaction (outbox_store_read.c, outbox_store_write.c) ---- */

#define OUTBOX_ORDER_SIZE 8
#define OUTBOX_STATE_KEY 9
#define OUTBOX_STATE_VALUE 16
#define OUTBOX_TOUCHED_KEY (ID_SIZE + 8)

/* What the table of states says of an entry. */
struct outbox_place {
    uint64_t order, number, behind;
};

/* NOT_FOUND, or CORRUPT. Slices point into the map until the transaction writes. `value` (may be
 * NULL) receives the whole. */
enum status outbox_load(const struct outbox_store *store, MDB_txn *txn, uint64_t order,
                        struct outbox_item *out, struct bytes *value);
/* A copy of the entry, which may be kept while others are written. `copy` owns it. */
enum status outbox_load_copy(struct outbox_writing *writing, uint64_t order, struct buffer *copy,
                             struct outbox_item *out);
/* The places of all entries in a state, as struct outbox_place appended to `out`, oldest first. */
enum status outbox_places(const struct outbox_store *store, MDB_txn *txn, tandem_entry_state state,
                          struct buffer *out);
/* Up to `most` of those that wait for nothing but their turn. */
enum status outbox_ready(const struct outbox_store *store, MDB_txn *txn, size_t most,
                         struct buffer *out);
/* All records that entries are about, as struct outbox_trace without a state. */
enum status outbox_touches(const struct outbox_store *store, MDB_txn *txn, struct buffer *out);
/* Appends a struct outbox_trace. */
void outbox_trace_put(struct buffer *out, uint64_t order, struct id id, unsigned state);
/* The orders (uint64_t) of all entries over a record. */
enum status outbox_orders_over(const struct outbox_store *store, MDB_txn *txn, struct id id,
                               struct buffer *out);

/* The orders of all entries. */
enum status outbox_orders(const struct outbox_store *store, MDB_txn *txn, struct buffer *out);
/* Calls `each` for these orders, as they are after the commit, until it returns false. */
enum status outbox_tell(struct outbox_store *store, const struct buffer *concerned,
                        outbox_item_fn *each, void *context);

/* Writes an entry that is not stored yet; gives it the next order. */
enum status outbox_insert(struct outbox_writing *writing, struct outbox_item *item);
/* Writes `item` in the place of the stored entry, which was in state `from`; `before` is what is
 * stored, as a copy. */
enum status outbox_rewrite(struct outbox_writing *writing, const struct outbox_item *item,
                           tandem_entry_state from, struct bytes before);
/* The same when the entry is about other records from now on than `from`, as it is stored. */
enum status outbox_change(struct outbox_writing *writing, const struct outbox_item *from,
                          const struct outbox_item *to, struct bytes before);
/* As outbox_store_again(). */
enum status outbox_again(struct outbox_writing *writing, uint64_t order,
                         const struct outbox_item *item);
enum status outbox_delete(struct outbox_writing *writing, const struct outbox_item *item);
/* Deletes the accepted entries that the replica shows. */
enum status outbox_sweep(struct outbox_writing *writing, uint64_t shown);
/* Numbers from this one on are free again: whoever has one waits. */
enum status outbox_free_numbers(struct outbox_writing *writing, uint64_t number);
/* An accepted entry's values from now on stand against those older ones of its author that are in
 * conflict about the same fields. Appends the orders of the entries concerned. */
enum status outbox_supersede(struct outbox_writing *writing, const struct outbox_item *accepted,
                             struct buffer *concerned);
/* The sign-in name of whose outbox this is, appended. */
enum status outbox_own_name(struct outbox_writing *writing, struct buffer *out);
/* An entry that was under way while records were made again, and was not taken: it speaks of the new
 * ones from now on, and is queued again when it was refused for want of them. */
enum status outbox_rename_late(struct outbox_writing *writing, uint64_t order);
/* The quarantined entry that creates what these changes, of an entry with this order, speak of; 0:
 * none. */
enum status outbox_blocker(struct outbox_writing *writing, struct bytes changes, uint64_t order,
                           uint64_t *out);

/* ---- Taking away what is not the author's (outbox_store_forget.c) ---- */

/* What is lost: everything, a scope, or records. */
struct outbox_lost {
    bool all, by_scope, keep_fields;
    bool touched_only; /* of the one record, in the entries that change it */
    struct scope scope;
    const struct id *ids; /* sorted */
    size_t id_count;
};
/* Whether it speaks of what was seen; without `lost`: whether that was marked so before. */
bool outbox_is_lost(const struct outbox_lost *lost, const struct outbox_seen *seen);
/* Appends the list with what is lost marked, and its fields left out. */
void outbox_strip_seen(struct bytes list, const struct outbox_lost *lost, struct buffer *out);

#endif

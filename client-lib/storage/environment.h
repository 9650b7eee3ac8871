/* An LMDB environment in a client's folder. The replica and the outbox each have one; only the
 * files that keep tables know LMDB, and they know it through this.
 *
 * What a purge must leave behind is nothing. LMDB leaves much: freed pages keep their bytes, so do
 * the gaps of pages in use after a deletion, and pages written later can carry old bytes out of
 * buffers that are reused uncleared. So what was deleted is scrubbed in place: the environment is
 * opened anew (which drops the buffers), and under the write lock free pages, the gaps of live ones
 * and the tails of overflow pages are overwritten. LMDB never reads these places, so a reader does
 * not notice and a loss of power leaves a whole environment.
 *
 * Several processes may have one environment open; one handle of a process may. Readers are nested
 * inside a call and never outlive it: a scrub waits for those of other processes. */
#ifndef TANDEM_CLIENT_LIB_ENVIRONMENT_H
#define TANDEM_CLIENT_LIB_ENVIRONMENT_H

#include <lmdb.h>
#include <stdbool.h>

#include "client-lib/storage/environment_track.h"
#include "protocol/bytes.h"
#include "protocol/status.h"

#define ENVIRONMENT_TABLES 16
#define ENVIRONMENT_PATH 1100

struct environment_layout {
    const char *file;          /* in the folder; its lock file has "-lock" behind the name, but that
                                  of data.mdb is lock.mdb */
    const char *const *tables; /* names, in the order of the enum of whoever uses it */
    size_t table_count;
    size_t map_bytes; /* largest size; halved until the address space has room */
    bool only_copy;   /* contents cannot be had again, and are not to be written to a file that has
                         lost its name to another */
    bool no_sync;     /* contents can be had again: a crash may lose the last commits, and
                         never the order of them */
};

struct environment {
    MDB_env *env; /* NULL: closed */
    MDB_dbi table[ENVIRONMENT_TABLES];
    const struct environment_layout *layout;
    char *folder;
    MDB_txn *reader; /* reset and renewed, since making one costs more than a look-up */
    bool reading;    /* `reader` is in use; a nested reader makes its own */
    bool replaced;   /* see environment_is_replaced() */
    uint64_t size;   /* of the file, when it was looked at last */
    uint64_t clean;  /* the commit after which all was scrubbed; 0: not known */
    struct environment_track track; /* what may differ since */
    uint64_t trusted;               /* see environment_trust(); 0: no commit */
    size_t trusted_table;
};

/* What a code of LMDB means: OK, NOT_FOUND, LIMIT (the map is full), NO_MEMORY, CORRUPT, IO. */
enum status environment_status(int lmdb_code);

/* Opens or makes the file and its tables; the folder exists. FORMAT_VERSION for tables of a kind
 * that ours cannot be, else as environment_status(). After a failure nothing is open. */
enum status environment_open(const char *folder, const struct environment_layout *layout,
                             struct environment *out);
/* Again is fine, and on zeroed storage. */
void environment_close(struct environment *environment);
/* Whether the file was deleted while it is open, as a program does that wants to leave nothing
 * behind however it ends. Nobody can open it any more, this handle included. */
bool environment_is_nameless(const struct environment *environment);
/* Whether the file was cut short or written over since it was opened, or, when it is the only copy,
 * another has got its name. From then on all that would use it is CORRUPT: all processes are to
 * close it and begin again. Asks the system, once or twice. */
bool environment_is_replaced(struct environment *environment);
/* Closes and opens, so that no buffer keeps what was deleted. No transaction may be open. After a
 * failure it is closed. One without a name stays open. */
enum status environment_reopen(struct environment *environment);
/* Deletes the environment's files; it is closed. */
enum status environment_delete(const char *folder, const struct environment_layout *layout);
/* Renames them to `file`.damaged-N, the first N that is free, and writes the name into `out`. */
enum status environment_set_aside(const char *folder, const struct environment_layout *layout,
                                  char *out, size_t size);

/* A write transaction; adopts a map that another process has made larger. It must be ended by
 * environment_commit() or mdb_txn_abort(). */
enum status environment_write(struct environment *environment, MDB_txn **out);
enum status environment_commit(MDB_txn *txn);

struct environment_reading {
    MDB_txn *txn;
    bool own;
};
enum status environment_read(struct environment *environment, struct environment_reading *out);
void environment_read_end(struct environment *environment, struct environment_reading *reading);

MDB_val environment_val(const void *data, size_t size);
enum status environment_get(MDB_txn *txn, MDB_dbi table, struct bytes key, struct bytes *value);
enum status environment_put(MDB_txn *txn, MDB_dbi table, struct bytes key, struct bytes value,
                            unsigned flags);
/* NOT_FOUND when the key is not there. */
enum status environment_del(MDB_txn *txn, MDB_dbi table, struct bytes key);

/* Whether nobody has committed anything since it was scrubbed by this handle. */
bool environment_is_clean(const struct environment *environment);

/* BUSY while somebody reads a state before the last one, as far as can be told without a lock;
 * those that died do not count. It is open. */
enum status environment_expect_no_older(struct environment *environment);

/* How far a scrub has come; zeroed to begin, but for `whole`. */
struct scrub {
    bool whole; /* each page is to be looked at, also those that cannot have changed */
    bool begun;
    bool partial;
    uint64_t txn;     /* the commit whose pages are looked at; a later one starts over */
    uint64_t page;    /* the next to look at */
    uint64_t looked;  /* pages looked at, of which a long value counts as one */
    uint64_t cleared; /* places written */
};
/* Scrubs up to `budget` bytes of the file further: all of it for the first time, then what may have
 * changed. OK: `*done` tells whether all is clean. BUSY: a reader, of another process or around
 * this call, still sees what was deleted; try again, which costs little. CORRUPT: the file is not
 * as it must be to be scrubbed, and is to be replaced. Opens the environment anew when it begins,
 * after a failure of which it is closed and the next scrub opens it. */
enum status environment_scrub(struct environment *environment, struct scrub *scrub, size_t budget,
                              bool *done);
/* Bytes of the file that the next scrub has to look at, more or less. */
uint64_t environment_scrub_bytes(const struct environment *environment);

/* An earlier process has scrubbed the state before the commit `txn`, and that has changed nothing
 * but entries of this table of the layout: if `txn` is the last commit when this handle first
 * writes, its first scrub need not be a whole one either. */
void environment_trust(struct environment *environment, uint64_t txn, size_t table);
/* Internal to environment: whether the file is at the commit that a transaction of ours has just
 * begun with. */
bool environment_is_at(struct environment *environment, MDB_txn *txn, bool writes);
/* The same, in front of taking a size over from it: whether it is one of LMDB's at all. */
bool environment_begins_well(struct environment *environment);
/* The same: reads what is free then. */
void environment_take_up(struct environment *environment);

#endif

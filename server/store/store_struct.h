/* What a store consists of; shared by the files that open it, begin transactions and look at it
 * as a whole. */
#ifndef TANDEM_STORE_STORE_STRUCT_H
#define TANDEM_STORE_STORE_STRUCT_H

#include <stdatomic.h>

#include "server/store/txn.h"

#define STORE_MAGIC 0x73746f72u

/* What the file system last said of its free space. Relaxed atomics, for askers in any thread:
 * at worst two ask at the same time. */
struct room {
    _Atomic uint64_t asked_ms; /* 0: never */
    _Atomic bool enough;
};

struct store {
    uint32_t magic;
    int lock; /* file that keeps other processes out, -1 when not held */
    MDB_env *env;
    uint32_t format; /* that it has now: STORE_FORMAT, or less when it is used as it is */
    MDB_dbi tables[TABLE_COUNT];
    char *path;
    uint64_t reserve_bytes;
    store_tell *tell; /* may be NULL */
    void *tell_context;
    struct room asked; /* by store_has_room */
    bool poisoned;     /* a commit failed: what the next one would build on is not known */
    struct txn writer;
};

/* environment.c */

#define ENVIRONMENT_DATA "data.mdb"
#define ENVIRONMENT_LOCK "tandem.lock"
/* The directory in which a copy is made, in the one it is for. */
#define ENVIRONMENT_UNFINISHED "unfinished"

/* Takes the lock file of the directory: LOCKED when another holds it. */
enum status environment_lock(const char *path, int *out, struct fault *fault);
/* Opens LMDB at options->path, with as much address space as it gets. */
enum status store_environment_open(const struct store_options *options, MDB_env **out,
                                   struct fault *fault);
/* Whether there is an LMDB file at the path. */
bool environment_exists(const char *path);
/* Whether a copy was, or is being, made there. */
bool environment_is_unfinished(const char *path);
/* Makes what was done to a directory's entries, and to the file `name` in it, durable. */
enum status environment_sync(const char *path, const char *name);

/* upgrade.c */

/* Raises a store of an earlier format, whose tables are open, to STORE_FORMAT: all of it or, after any
 * failure, nothing. */
enum status store_raise(struct store *store);

/* alike.c */

/* As store_alike(), in a transaction that is open. */
enum status alike_find(struct txn *txn, store_tell *tell, void *context, uint64_t *count);

/* reader_writer.c */

enum status writer_init(struct store *store);
void writer_release(struct store *store);
/* A transaction for writing, whatever room there is. */
enum status writer_begin(struct store *store);

#endif

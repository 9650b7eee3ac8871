/* The replica: what this client may see, in an LMDB environment of its own. Only replica_*.c know
 * LMDB.
 *
 * A message of the server is applied between replica_begin() and replica_commit(): either all of
 * it is there, and the cursor with it, or nothing. A process that dies in between finds the state
 * before the message and asks for it again.
 *
 * Tables, keys in the order in which they sort (numbers big-endian):
 *
 *     records    id 16                                -> the record as it came from the server
 *     entities   entity name, 0, id 16                -> (nothing)
 *     scopes     scope 17, id 16                      -> (nothing)
 *     timeline   scope 17, time 8 (offset 2^63), id 16 -> (nothing)
 *     backfills  scope 17                             -> from 8, until 8
 *     fields, indexed                                    see replica_index.h
 *     meta       name                                 -> format 4, cursor 8, epoch 16, client 16,
 *                                                        subscription (text), remains 1
 *
 * The index tables hold exactly what the records table implies: each write of a record takes the
 * entries of the one it replaces away. The whole is a copy of what the server has, so a replica
 * that cannot be read (another format, damage) is deleted and filled again. One of an older library
 * without the tables of indexes of fields gets them, empty, and one whose indexes it made with other
 * keys gets them built again. One that has an index of this library's cannot be read by it, and is
 * filled again there.
 *
 * Several processes may have a replica open, one handle of each, and one of them writes; peers.h
 * sees to both. The others look when they are told to. What one has deleted and scrubbed does not
 * come back with what another writes afterwards. Readers may be nested (a callback of a walk may
 * read), and a walk sees the state at its start. */
#ifndef TANDEM_CLIENT_LIB_REPLICA_H
#define TANDEM_CLIENT_LIB_REPLICA_H

#include "client-lib/base/port.h"
#include "client-lib/base/record.h"
#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

struct replica;

struct replica_backfill {
    struct scope scope;
    uint64_t from, until;
};

/* Opens or makes the replica in `folder`, at most `map_bytes` large (0: 64 GiB, or what the address
 * space has). One that cannot be read is deleted and begun anew: nobody else may have it open. */
enum status replica_open(const char *folder, size_t map_bytes, const struct port *port,
                         struct replica **out, tandem_fault *fault);
/* The same for one that others may have open: FORMAT_VERSION or CORRUPT when it cannot be read. */
enum status replica_join(const char *folder, size_t map_bytes, const struct port *port,
                         struct replica **out, tandem_fault *fault);
void replica_close(struct replica *replica);

/* Takes note of what another process has committed. */
enum status replica_look(struct replica *replica);
/* Whether another process is the one that writes: then replica_begin() says LOCKED. At first this
 * one may. */
void replica_set_read_only(struct replica *replica, bool read_only);
bool replica_is_read_only(const struct replica *replica);

struct id replica_client(const struct replica *replica);
/* As of the last commit. */
uint64_t replica_cursor(const struct replica *replica);
struct id replica_epoch(const struct replica *replica);

/* ---- What is left of what was deleted ---- */

/* Deleting leaves bytes in the file until they are scrubbed. The replica remembers that beyond the
 * end of the process, from the commit on that deletes. */
enum replica_remains {
    REPLICA_CLEAN,
    REPLICA_STALE, /* of records that were removed or replaced */
    REPLICA_PURGED /* of what access to has ended: nobody is told before it is gone */
};
/* As of the last commit. */
enum replica_remains replica_remains(const struct replica *replica);
/* Bytes of the file that the next scrub looks at, more or less. */
uint64_t replica_scrub_bytes(const struct replica *replica);
/* Scrubs further, as environment_scrub() of environment.h; no transaction is open. CORRUPT: the file
 * could not be scrubbed, and an empty replica has taken its place. */
enum status replica_scrub(struct replica *replica, size_t budget, bool *done);
/* Before it is closed in good order: notes that all is clean, if that takes little. */
void replica_leave(struct replica *replica);
/* Whether somebody cut its file short or wrote over it while it is open: then all is CORRUPT. Asks
 * the system. */
bool replica_is_replaced(struct replica *replica);

/* ---- Changing: everything between begin and commit or abort. ---- */

/* The functions below return OK, IO (the disk), LIMIT (the map is full) or NO_MEMORY; after any
 * failure the caller aborts. */
enum status replica_begin(struct replica *replica);
enum status replica_commit(struct replica *replica);
void replica_abort(struct replica *replica);

/* Deletes everything held of a scope, and its backfill. `count` receives how many records. */
enum status replica_purge(struct replica *replica, struct scope scope, size_t *count);
enum status replica_put_backfill(struct replica *replica, const struct replica_backfill *backfill);
enum status replica_drop_backfill(struct replica *replica, struct scope scope);
/* Stores a record, replacing what is held. */
enum status replica_put(struct replica *replica, const struct record_view *view,
                        struct bytes encoded);
/* Deletes a record; NOT_FOUND when it is not held. `held` (may be NULL) gets its bytes appended. */
enum status replica_remove(struct replica *replica, struct id id, struct buffer *held);
/* The seq of a record as the transaction sees it; NOT_FOUND. */
enum status replica_held_seq(struct replica *replica, struct id id, uint64_t *seq);
enum status replica_set_cursor(struct replica *replica, uint64_t cursor);
/* Deletes everything held of a scope as replica_purge(), also where records or index entries of it
 * are damaged or missing. */
enum status replica_clear(struct replica *replica, struct scope scope);
/* What is subscribed to from now on, the contents staying as they are. */
enum status replica_set_subscription(struct replica *replica, struct bytes subscription);
/* Marks: the user whose replica it is; behind which scope to go on checking. */
#define REPLICA_USER "user"
#define REPLICA_CHECKED "checked"
/* Makes it another user's: as replica_empty(), without an epoch, and nothing of the former user's is
 * left in the file once it is scrubbed. */
enum status replica_begin_anew(struct replica *replica, struct id user, struct bytes subscription);
/* Remembers something small under a name of its own; replica_empty() leaves it. */
enum status replica_set_mark(struct replica *replica, const char *name, struct bytes value);
/* Deletes every record and backfill, sets the cursor to 0 and the epoch and subscription. */
enum status replica_empty(struct replica *replica, struct id epoch, struct bytes subscription);

/* ---- Reading: the last committed state. ---- */

/* What replica_empty() was given; "" at first. Appended to `out`. */
enum status replica_subscription(struct replica *replica, struct buffer *out);
/* A backfill noted, behind `after` in the order of scopes (NULL: the first). NOT_FOUND at the end.
 */
enum status replica_next_backfill(struct replica *replica, const struct scope *after,
                                  struct replica_backfill *out);
enum status replica_find_backfill(struct replica *replica, struct scope scope,
                                  struct replica_backfill *out);
/* The next scope of which something is held, as above. */
enum status replica_next_scope(struct replica *replica, const struct scope *after,
                               struct scope *out);

/* What replica_set_mark() was given, appended to `out`; NOT_FOUND. */
enum status replica_mark(struct replica *replica, const char *name, struct buffer *out);

/* Return false to end the walk. The bytes are valid during the call. */
typedef bool replica_walk_fn(void *context, struct bytes encoded);
/* Every record held of a scope, in order of id; "none" for one that is missing although the scope
 * names it. What is handed over need not be a record: this is for finding damage. */
enum status replica_each_in(struct replica *replica, struct scope scope, replica_walk_fn *each,
                            void *context);
enum status replica_get(struct replica *replica, struct id id, replica_walk_fn *each,
                        void *context);
/* In order of id; "none" walks all entities. */
enum status replica_each(struct replica *replica, struct bytes entity, replica_walk_fn *each,
                         void *context);
/* The same from the last id to the first. */
enum status replica_each_back(struct replica *replica, struct bytes entity, replica_walk_fn *each,
                              void *context);
/* Newest first. */
enum status replica_timeline(struct replica *replica, struct scope scope, replica_walk_fn *each,
                             void *context);
/* Only what is from [from, to). */
enum status replica_timeline_between(struct replica *replica, struct scope scope, int64_t from_ms,
                                     int64_t to_ms, replica_walk_fn *each, void *context);

#endif

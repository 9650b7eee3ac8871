/* The durable outbox: mutations that wait for the server, and those it did not take, in an
 * environment of their own beside the replica. The replica can be fetched again; this cannot, so
 * nothing that happens to the replica touches it, and a file that cannot be read is set aside.
 *
 *     WAITING --numbered, sent--> SENT --ok--> ACCEPTED --the replica shows it--> deleted
 *        ^                         |
 *        +-- not remembered -------+-- conflict --> CONFLICT   other refusal --> REFUSED
 *        ^                                             |                           |
 *        +---- settled: a new entry in its place ------+------- retried -----------+
 *
 * A REFUSED entry that would replace a newer value of its author is in CONFLICT with it instead.
 *
 * Entries that are SENT have contiguous numbers, and those that are WAITING get the next ones in
 * the order in which they were typed. A retried entry keeps its place among them; others that were
 * typed after it may be SENT before it by then, so numbers and not places say what goes first. An
 * entry's number, and each change of its state, is committed before it has an effect outside: what
 * was sent is found as SENT, an answer is recorded before the server may forget it. Of the records
 * an entry touches it keeps what the author saw, which is the base of a conflict; when access to
 * them ends, that is taken away again, while what the author wrote stays.
 *
 * Tables, numbers big-endian:
 *
 *     meta      name           -> format, client, user, epoch, next order and number, answered, ...
 *     entries   order 8        -> a map, see outbox_entry.c; keys unknown to us are kept
 *     touched   id 16, order 8 -> (nothing)   which entries are about a record
 *     states    state 1, order 8 -> number 8, behind 8
 *
 * and those of live notes, see client-lib/note/note_store.h.
 */
#ifndef TANDEM_CLIENT_LIB_OUTBOX_STORE_H
#define TANDEM_CLIENT_LIB_OUTBOX_STORE_H

#include "client-lib/base/port.h"
#include "client-lib/base/record.h"
#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

struct outbox_store;

#define OUTBOX_ENTRIES_MOST 100000u

/* An entry as stored. Bytes are valid until the call that gave them returns. */
struct outbox_item {
    uint64_t order; /* tandem_entry.entry */
    tandem_entry_state state;
    uint64_t number; /* 0: none yet */
    uint64_t base;   /* mutate.base; 0: none */
    uint64_t typed;  /* the entry as which its values were typed first; 0: this one */
    bool overwrite;
    int64_t at_ms;        /* wall clock, when it was queued */
    struct bytes changes; /* encoded array, as mutate.changes */
    struct bytes seen; /* encoded array of what the author saw of each record: {id, entity, scope,
                          seq, fields}, without fields when the record was not held or they were
                          taken away, see outbox_entry.h */
    uint64_t seq;      /* ACCEPTED */
    /* Of an answer that refused it: */
    enum status status;
    int change; /* of the mutation, or -1 */
    struct bytes field, detail;
    struct bytes conflicts; /* encoded array as result.conflicts, or "none" */
    int64_t answered_ms;
    uint64_t behind; /* waits for this entry, which creates what it touches; 0: for none */
    bool access_ended;
    /* SENT: records that were made again since, as array of id before, id now and the entry that
     * makes it, one after the other; what was sent still speaks of the first. */
    struct bytes renames;
};

struct outbox_answer {
    uint64_t number;
    uint64_t seq; /* of an accepted one */
    enum status status;
    int change;
    struct bytes field, detail, conflicts;
};

/* ---- The handle ---- */

/* Opens or makes outbox.mdb in `folder`, and sees that its name there lasts. FORMAT_VERSION when a newer library wrote it: `fault` says
 * how many entries wait in it. A damaged file is set aside and *damaged (a buffer) gets its name;
 * with NULL it is left alone: CORRUPT. */
enum status outbox_store_open(const char *folder, const struct port *port,
                              struct outbox_store **out, struct buffer *damaged,
                              tandem_fault *fault);
void outbox_store_close(struct outbox_store *store); /* NULL is fine */

struct id outbox_store_client(const struct outbox_store *store);
/* Another number sequence: for a profile that was copied. Unanswered entries get new numbers. */
enum status outbox_store_new_client(struct outbox_store *store, const struct port *port);
/* Whose outbox this is; zero before the first sign-in. With another user what was ACCEPTED and what
 * was noted is deleted. */
struct id outbox_store_user(const struct outbox_store *store);
enum status outbox_store_set_user(struct outbox_store *store, struct id user, struct bytes name);
/* Makes it this user's when it is nobody's yet. DENIED when it is another's by now. */
enum status outbox_store_claim(struct outbox_store *store, struct id user, struct bytes name);
/* Another user and another number sequence, in one commit. */
enum status outbox_store_change_user(struct outbox_store *store, const struct port *port,
                                     struct id user, struct bytes name);
enum status outbox_store_user_name(struct outbox_store *store, struct buffer *out);
struct id outbox_store_epoch(const struct outbox_store *store); /* zero before the first */
bool outbox_store_paused(const struct outbox_store *store);
enum status outbox_store_set_paused(struct outbox_store *store, bool paused);
/* A named text kept for the handle (the subscription wanted, accounts preferred); NOT_FOUND. */
enum status outbox_store_note(struct outbox_store *store, const char *name, struct buffer *out);
enum status outbox_store_set_note(struct outbox_store *store, const char *name, struct bytes value);
/* Has `committed` called after each commit of this handle. */
void outbox_store_on_commit(struct outbox_store *store, void (*committed)(void *context),
                            void *context);
/* Whether another process has written since the last look: counts are read again then. */
enum status outbox_store_look(struct outbox_store *store, bool *changed);
/* Reads the counts again when another process has written, which the next look still tells. */
enum status outbox_store_refresh(struct outbox_store *store);

/* ---- Reading ---- */

size_t outbox_store_count(const struct outbox_store *store, unsigned states); /* bits; 0: all */
typedef bool outbox_item_fn(void *context, const struct outbox_item *item);
/* Oldest first; false from `each` ends. */
enum status outbox_store_each(struct outbox_store *store, unsigned states, outbox_item_fn *each,
                              void *context);
enum status outbox_store_get(struct outbox_store *store, uint64_t order, outbox_item_fn *each,
                             void *context);
/* Entries about a record, in the order in which they take effect, those in quarantine as well; and
 * the ids of all records that have some. */
enum status outbox_store_over(struct outbox_store *store, struct id id, outbox_item_fn *each,
                              void *context);
typedef bool outbox_id_fn(void *context, struct id id);
enum status outbox_store_touched(struct outbox_store *store, outbox_id_fn *each, void *context);

/* A state of the outbox that stays the same through several of the reads above, also when another
 * process writes meanwhile: reads in between see it. Nests. */
enum status outbox_store_hold(struct outbox_store *store);
void outbox_store_release(struct outbox_store *store);

/* A record that an entry is about. */
struct outbox_trace {
    uint64_t order;
    struct id id;
    unsigned state;
    uint64_t seq; /* ACCEPTED */
};
/* By order and id, as qsort() wants it. */
int outbox_trace_compare(const void *a, const void *b);
/* One for each record of each entry, sorted so. *alone: nobody else has written since
 * the last look. */
enum status outbox_store_traces(struct outbox_store *store, struct buffer *out, bool *alone);
/* What this handle has committed since it was taken last, in that order: with a zero id that an
 * entry has this state now, or OUTBOX_GONE; with another that an entry came to be about this record.
 * Some are missing when memory was short. */
size_t outbox_store_written(const struct outbox_store *store);
void outbox_store_take_written(struct outbox_store *store, struct buffer *out);

/* ---- Changing; each is one durable commit. ---- */

/* Queues a mutation. `item` gives base, overwrite, at_ms, changes and seen, and a state: SENT asks
 * for a number at once, in the same commit, which it gets when nothing waits before it; anything
 * else is WAITING. *order receives its number. LIMIT when there are too many, TOO_LARGE for one
 * that the server would not take. After IO it may have been stored all the same. */
enum status outbox_store_add(struct outbox_store *store, const struct outbox_item *item,
                             uint64_t *order);
/* Signed in, with the highest number the server has answered, as outbox_start() of outbox.h. */
enum status outbox_store_start(struct outbox_store *store, uint64_t last_number);
/* Whether an entry that waits may be sent now; one that may not is looked at again with the next
 * outbox_store_send(). */
typedef bool outbox_gate_fn(void *context, const struct outbox_item *item);
void outbox_store_set_gate(struct outbox_store *store, outbox_gate_fn *gate, void *context);
/* Numbers up to `most` of those that wait, oldest first, and calls `each` for all that are then to
 * be sent (SENT and not yet sent on this connection, from number `from`), with their mutate
 * messages. */
typedef bool outbox_frame_fn(void *context, uint64_t number, struct bytes frame);
enum status outbox_store_send(struct outbox_store *store, uint64_t from, size_t most,
                              outbox_frame_fn *each, void *context);
/* Records the answers of one turn in one commit. Refusals that the server does not remember free
 * their number: the entry waits again, with the refusal as the reason. `each` is then called for
 * every entry concerned, as it is now; those that wait for a refused one are among them. */
enum status outbox_store_record(struct outbox_store *store, const struct outbox_answer *answers,
                                size_t count, int64_t now_ms, outbox_item_fn *each, void *context);
/* Of what is SENT: how many have one of these numbers, and how many have not. */
enum status outbox_store_unanswered(struct outbox_store *store, const uint64_t *numbers,
                                    size_t count, size_t *among, size_t *others);
/* The replica shows all up to this seq: accepted entries up to it are done with, and deleted with
 * this commit or, while others are under way, with the next. */
enum status outbox_store_shown(struct outbox_store *store, uint64_t seq);
/* The server's history, before outbox_store_start(). When it is another one than before (the server
 * was restored or replaced), ACCEPTED entries are done with, and the bases of the others mean
 * nothing: nothing is to be sent until outbox_store_rebase(). */
enum status outbox_store_set_epoch(struct outbox_store *store, struct id epoch);
bool outbox_store_rebasing(const struct outbox_store *store);
/* Judges each entry that is not under way by what the replica holds now: `judge` gives its base, or
 * false and the conflicts (an array, appended) that make it one in CONFLICT. One commit; `each` is
 * called for those that became conflicts. */
typedef bool outbox_rebase_fn(void *context, const struct outbox_item *item, uint64_t *base,
                              struct buffer *conflicts);
enum status outbox_store_rebase(struct outbox_store *store, outbox_rebase_fn *judge,
                                outbox_item_fn *each, void *context);
/* Access to these records' scope has ended: takes away what entries keep of others' values in it.
 */
enum status outbox_store_forget_scope(struct outbox_store *store, struct scope scope);
/* The same for everything: the role or party of the user has changed. */
enum status outbox_store_forget_all(struct outbox_store *store);
/* The same for one record that was removed from the replica. What is under way keeps the values
 * until its answer tells whether the record was deleted or is not the user's to see any more. */
enum status outbox_store_forget_record(struct outbox_store *store, struct id id);
/* The same for these records, which are not held any more, wherever an entry speaks of them: also
 * as the account that a new record was to go into. Sorts the ids. */
enum status outbox_store_forget_records(struct outbox_store *store, struct id *ids, size_t count);
/* Replaces the conflicts of an entry in CONFLICT, of which its author has learned more; one that was
 * REFUSED is in CONFLICT from then on. */
enum status outbox_store_reconflict(struct outbox_store *store, uint64_t order,
                                    struct bytes conflicts);
/* When its values were typed, as compared with those of others. */
uint64_t outbox_typed(const struct outbox_item *item);
/* Deletes an entry; BUSY when it is SENT, NOT_FOUND. */
enum status outbox_store_drop(struct outbox_store *store, uint64_t order);
/* Deletes an entry and queues these in its place (at the end), in one commit: `orders` (may be
 * NULL) receives their numbers. Entries behind it follow. */
enum status outbox_store_replace(struct outbox_store *store, uint64_t order,
                                 const struct outbox_item *items, size_t count, uint64_t *orders);
/* Deletes these entries, which are in quarantine, and queues as many others in their places, at the
 * end and in this order, in one commit: `now` receives their numbers. BUSY, NOT_FOUND, TOO_LARGE. */
enum status outbox_store_replace_all(struct outbox_store *store, const uint64_t *before,
                                     const struct outbox_item *items, size_t count, uint64_t *now);
/* Deletes an entry that is not under way and queues this in its place, under its number and before
 * all that wait with a higher one: what was typed first is sent first. Entries behind it follow.
 * One commit; BUSY, NOT_FOUND, TOO_LARGE. */
enum status outbox_store_again(struct outbox_store *store, uint64_t order,
                               const struct outbox_item *item);
/* The same with an entry that makes record `from` again as `to`: whatever is not under way and
 * speaks of `from` speaks of `to` from this commit on, what is under way does when it was not taken,
 * and what was typed later and not found for
 * want of the record is queued again in its place. `each` is called for all that were changed. */
enum status outbox_store_remake(struct outbox_store *store, uint64_t order,
                                const struct outbox_item *item, struct id from, struct id to,
                                outbox_item_fn *each, void *context);
/* Scrubs further, as environment_scrub(), unless nothing was taken out of the file since. */
enum status outbox_store_scrub(struct outbox_store *store, size_t budget, bool *done);
/* Whether the file may hold what was taken out of it, as far as this handle has looked. */
bool outbox_store_is_stale(const struct outbox_store *store);
/* From now on it may, if anything was written since the last scrub: a process that died within a
 * commit has left what it wrote, and noted it nowhere. */
void outbox_store_doubt(struct outbox_store *store);
/* Scrubs, and notes that for other processes and the next. BUSY: somebody reads, or has written
 * meanwhile. */
enum status outbox_store_rest(struct outbox_store *store);
/* Whether somebody put another file in its place while it is open, or cut it short: then nothing is
 * read from it or written to it any more, and all is CORRUPT. Asks the system. */
bool outbox_store_is_replaced(struct outbox_store *store);
/* The last commit that this handle has made or seen. */
uint64_t outbox_store_commit(const struct outbox_store *store);

#endif

/* Keeping the replica as the server says: the client's half of the subscription.
 *
 * Pure: messages and the wish to be subscribed come in; operations on the replica, messages and
 * events go out through function pointers. It asks no clock and no network, so a simulator drives
 * the same code.
 *
 *            sync_start                    changes, backfill, caught-up
 *     IDLE ------------> LIVE <------------------------------------------+
 *      ^                 |  \________________________________________ apply, acknowledge
 *      |  sync_stop      |
 *      +---------------- | resubscribe: unsubscribe, ping
 *      |                 v
 *      +-------------- FENCED -- pong --> subscribe, LIVE
 *
 * One connection carries one subscription after another, and nothing in a data message says which
 * one it belongs to. So before subscribing anew on the same connection we unsubscribe and send a
 * ping: what arrives before its pong is of the old subscription and ignored.
 *
 * Each data message is applied in one transaction together with its cursor, and events are told
 * only after the commit: whoever is told of a change can read it, and a failed transaction tells
 * nothing. When a function fails the replica stands at the last commit and the connection must be
 * closed; a new one resumes from there.
 *
 * What is wanted may change. Scopes that are added are noted as backfills from the beginning to the
 * cursor, those dropped are purged here; only what cannot be said so (other entities; everything,
 * after some scopes) starts the replica over. Now and then, and on demand, a scope is compared with
 * the server by its checksum; one that differs is cleared and filled again in the same way.
 *
 *     sync.c            messages           sync_wish.c       what is wanted
 *     sync_apply.c      into the replica   sync_subscribe.c  subscribing, fences
 *     sync_note.c       events             sync_progress.c   how far it has come
 *     sync_check.c      checksums, repair */
#ifndef TANDEM_CLIENT_LIB_SYNC_H
#define TANDEM_CLIENT_LIB_SYNC_H

#include "client-lib/replica/replica.h"
#include "protocol/message.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

/* The replica's functions, as replica.h describes them. A simulator may have its own. */
struct sync_store {
    enum status (*begin)(struct replica *);
    enum status (*commit)(struct replica *);
    void (*abort)(struct replica *);
    enum status (*purge)(struct replica *, struct scope, size_t *);
    enum status (*put_backfill)(struct replica *, const struct replica_backfill *);
    enum status (*drop_backfill)(struct replica *, struct scope);
    enum status (*put)(struct replica *, const struct record_view *, struct bytes);
    enum status (*remove)(struct replica *, struct id, struct buffer *);
    enum status (*held_seq)(struct replica *, struct id, uint64_t *);
    enum status (*set_cursor)(struct replica *, uint64_t);
    enum status (*empty)(struct replica *, struct id, struct bytes);
    uint64_t (*cursor)(const struct replica *);
    struct id (*epoch)(const struct replica *);
    enum status (*subscription)(struct replica *, struct buffer *);
    enum status (*next_backfill)(struct replica *, const struct scope *, struct replica_backfill *);
    enum status (*find_backfill)(struct replica *, struct scope, struct replica_backfill *);
    enum status (*next_scope)(struct replica *, const struct scope *, struct scope *);
    enum status (*clear)(struct replica *, struct scope);
    enum status (*set_subscription)(struct replica *, struct bytes);
    enum status (*set_mark)(struct replica *, const char *, struct bytes);
    enum status (*mark)(struct replica *, const char *, struct buffer *);
    enum status (*each_in)(struct replica *, struct scope, replica_walk_fn *, void *);
    /* NULL, all of them: nothing that was deleted is ever left. */
    enum replica_remains (*remains)(const struct replica *);
    uint64_t (*scrub_bytes)(const struct replica *);
    enum status (*scrub)(struct replica *, size_t, bool *);
    void (*leave)(struct replica *);
};
/* The one over LMDB. */
const struct sync_store *sync_store_replica(void);

struct sync_event {
    tandem_event_kind kind;
    uint64_t seq;
    struct id id;        /* REMOVED */
    struct scope scope;  /* PURGED, ENTERED, REPAIRED */
    struct bytes record; /* CHANGED, REMOVED: encoded */
    const char *detail;  /* RESET: why; else "" */
    uint64_t done;       /* PROGRESS */
    uint64_t total;      /* PROGRESS: an estimate */
};

struct sync_port {
    void *context;
    /* Queues a message for the server; a failure ends the connection. */
    enum status (*send)(void *context, const struct message *message);
    void (*event)(void *context, const struct sync_event *event);
};

enum sync_state { SYNC_IDLE, SYNC_LIVE, SYNC_FENCED };

/* Data messages that a server sends ahead when it does not say how many. */
#define SYNC_DEFAULT_WINDOW 16u
/* Messages that do not fit where we stand, in a row, before the connection is given up. */
#define SYNC_MISMATCHES 3u

/* Scopes dropped at a time that are told of one by one; of more, RELOAD is told. */
#define SYNC_DROPPED_MOST 4096u
/* Milliseconds between two events that tell of progress. */
#define SYNC_PROGRESS_MS 250u
/* Of our own accord so many scopes are checked each so many milliseconds, when nothing has come
 * for a while. */
#define SYNC_CHECK_SCOPES 8u
#define SYNC_CHECK_MS 60000u
#define SYNC_IDLE_MS 2000u
/* How often a scope is asked for whose checksum the server leaves out. */
#define SYNC_CHECK_TRIES 3u

struct sync_note; /* an event to tell after the commit */
struct sync_job;  /* a check that is asked for */

struct sync_wish {
    bool all;               /* everything open to the user, rather than `scopes` */
    struct buffer scopes;   /* SCOPE_SIZE bytes each, sorted */
    struct buffer entities; /* encoded array of names, sorted; empty: all */
};

/* Records that came since the replica was caught up last. */
struct sync_progress {
    bool told;
    uint64_t told_ms;
    uint64_t from, to, head; /* of `changes`; head 0: not known */
    uint64_t changed;        /* records in them */
    uint64_t filled;         /* records in backfills that were done, or left for another */
    uint64_t filled_count;   /* how many those were */
    bool filling;            /* one is under way: */
    struct replica_backfill fill;
    uint64_t fill_to, fill_records;
};

struct sync_check {
    uint64_t offered;      /* scopes that the server checks at a time; 0: none */
    struct sync_job *jobs; /* the first is under way */
    struct scope batch[LIMIT_CHECK];
    size_t count;   /* scopes in `batch`, to be asked for */
    unsigned tries; /* answers that left out all that is still in `batch` */
    bool asked;
    uint64_t number;                          /* of the question asked last */
    bool marked;                              /* that the replica is in use was noted */
    bool thorough;                            /* all of it is to be checked */
    uint64_t due_ms;                          /* when to check again of our own accord */
    struct scope repaired[SYNC_CHECK_SCOPES]; /* of our own accord, which is done once each */
    size_t repaired_count;
};

/* Access has ended, as the event says (PURGED; RESET for the reason "access"), and the replica is
 * about to be changed for that: what is kept elsewhere of others' goes first, so that whatever
 * happens in between, nothing is left that nobody knows of any more. Anything but OK, and the
 * replica is not changed; the server tells it again. */
typedef enum status sync_losing_fn(void *context, const struct sync_event *event);

struct sync_held; /* an event that waits until it may be told */
/* Before the event is told: false when what must be done for that cannot be yet. It is called
 * again, also for the same event. */
typedef bool sync_prepare_fn(void *context, const struct sync_event *event);

/* See sync_settle.h. */
struct sync_settling {
    struct sync_port port;    /* behind it */
    sync_prepare_fn *prepare; /* NULL: nothing is to be done */
    struct sync_held *held;
    size_t held_count, held_capacity;
    bool lost;     /* there was no memory for one: RELOAD is told in its place */
    bool telling;  /* a callback is running for one of them */
    bool ack_held; /* an acknowledgement of so many frames waits as well */
    uint64_t ack_frames;
    uint64_t due_ms;     /* when to go on, while something waits */
    uint64_t pause_ms;   /* between the last two tries that found somebody reading; 0: none did */
    uint64_t rested_ms;  /* when all was scrubbed last */
    enum status failure; /* of what was tried on the spot */
};

struct sync {
    const struct sync_store *store;
    struct replica *replica;
    struct sync_port port;
    enum sync_state state;
    struct id server_epoch; /* as `welcome` told */
    bool wanted;            /* sync_want() was called */
    struct sync_wish wish;
    uint64_t now_ms;   /* as sync_clock() told */
    uint64_t heard_ms; /* when data came last */
    struct sync_settling settling;
    sync_losing_fn *losing; /* NULL: nothing is to be done */
    struct sync_progress progress;
    struct sync_check check;
    struct scope preferred[LIMIT_PREFER]; /* the one wished for last is first */
    size_t preferred_count;
    uint64_t prefer_offered; /* scopes that the server prefers at a time; 0: none */
    uint64_t applied;        /* data messages of this subscription */
    uint64_t acknowledged;
    uint64_t acknowledge_every; /* half of what the server sends ahead */
    uint64_t fence;             /* number of the last fence's ping */
    unsigned mismatches;
    bool caught_up; /* told once: from then on a message without `more` says the same */
    struct sync_note *notes;
    size_t note_count, note_capacity;
    struct buffer removed; /* records as they were held, for their events */
};

void sync_init(struct sync *sync, const struct sync_store *store, struct replica *replica,
               const struct sync_port *port);
void sync_release(struct sync *sync);
/* Has `prepare` called, with the port's context, before each event that is told. */
void sync_settle_prepare(struct sync *sync, sync_prepare_fn *prepare);

/* Has `losing` called, with the port's context, before access that ended takes effect here. */
void sync_on_losing(struct sync *sync, sync_losing_fn *losing);

/* Subscribes to the scopes (`count` 0: everything) and entities (0: all). Takes effect at once when
 * connected, else with sync_start(). A replica that was subscribed to other scopes gets those added
 * and loses those dropped; see above for what starts over. NO_MEMORY, LIMIT for more scopes or
 * entities than the protocol allows, or the replica's error: then nothing has changed, but that
 * some of the dropped scopes may be gone already. */
enum status sync_want_only(struct sync *sync, const struct scope *scopes, size_t count,
                           const char *const *entities, size_t entity_count);
/* The same for all entities. */
enum status sync_want(struct sync *sync, const struct scope *scopes, size_t count);
/* What is wanted, as bytes to be kept, appended to `out`; and the same again in a later run.
 * MALFORMED for bytes that are no such thing. */
enum status sync_wish_keep(const struct sync *sync, struct buffer *out);
/* The same bytes for a wish that is not to take effect yet. */
enum status sync_wish_make(const struct scope *scopes, size_t count, const char *const *entities,
                           size_t entity_count, struct buffer *out);
enum status sync_want_kept(struct sync *sync, struct bytes kept);
/* The replica was emptied for another user, before sync_start(): nothing is preferred any more, and
 * unless it is this program's own wish, nothing is wanted. */
void sync_forget_wishes(struct sync *sync, bool keeps_wish);
/* Before the rest, until caught up; at most LIMIT_PREFER scopes, of which the oldest is dropped. */
enum status sync_prefer(struct sync *sync, struct scope scope);

/* Signed in: subscribes when that is wanted. `window`: how many data messages the server sends
 * ahead of the acknowledgements; 0: it did not say. */
enum status sync_start(struct sync *sync, struct id epoch, uint64_t window);
/* Before sync_start(): what the server offers, as the map `limits` of its welcome tells. */
void sync_offered(struct sync *sync, struct bytes limits);
/* The connection is gone; checks under way are forgotten. */
void sync_stop(struct sync *sync);
/* Notes that the replica was left in good order, before its handle is closed. */
void sync_close(struct sync *sync);

/* What time it is; it never goes back. Without it time stands still. */
void sync_clock(struct sync *sync, uint64_t now_ms);
/* When sync_run() is to be called, in the time of sync_clock(); UINT64_MAX: not at all. */
uint64_t sync_due(const struct sync *sync);
enum status sync_run(struct sync *sync);

/* Applies changes, backfill, caught-up, sums or reset. UNEXPECTED for other messages and for a
 * server that does not follow the protocol, MALFORMED for contents that are not what they should
 * be, the replica's or port's error otherwise. */
enum status sync_message(struct sync *sync, const struct message *message);
/* A pong with a request number; true when it was the fence's and has been handled into `status`. */
bool sync_pong(struct sync *sync, uint64_t request, enum status *status);

/* Request numbers of fences have this bit, those of checks the other, and those of requests none.
 */
#define SYNC_FENCE_BIT (UINT64_C(1) << 40)
#define SYNC_CHECK_BIT (UINT64_C(1) << 41)

typedef void sync_checked_fn(void *context, uint64_t request, enum status status);
/* Compares a scope (NULL: all that are held) with the server, repairing what differs. `done` is
 * called once with `request`, possibly before this returns, unless the connection is lost or the
 * check is cancelled: OK, UNKNOWN_MESSAGE when the server does not offer it, or how the server
 * refused. USAGE without a subscription, NO_MEMORY, or the port's error: then it is not called. */
enum status sync_check(struct sync *sync, const struct scope *scope, sync_checked_fn *done,
                       void *context, uint64_t request);
/* `done` is not called any more. */
void sync_check_cancel(struct sync *sync, uint64_t request);
/* An error with a request number; true when it was a check's and has been handled into `status`. */
bool sync_refused(struct sync *sync, uint64_t request, enum status why, enum status *status);

#endif

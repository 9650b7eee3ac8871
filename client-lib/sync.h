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
 * closed; a new one resumes from there. */
#ifndef TANDEM_CLIENT_LIB_SYNC_H
#define TANDEM_CLIENT_LIB_SYNC_H

#include "client-lib/replica.h"
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
};
/* The one over LMDB. */
const struct sync_store *sync_store_replica(void);

struct sync_event {
    tandem_event_kind kind;
    uint64_t seq;
    struct id id;        /* REMOVED */
    struct scope scope;  /* PURGED, ENTERED */
    struct bytes record; /* CHANGED, REMOVED: encoded */
    const char *detail;  /* RESET: why; else "" */
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

struct sync_note; /* an event to tell after the commit */

struct sync {
    const struct sync_store *store;
    struct replica *replica;
    struct sync_port port;
    enum sync_state state;
    struct id server_epoch; /* as `welcome` told */
    bool wanted;            /* sync_want() was called */
    bool all;               /* everything open to the user, rather than `scopes` */
    struct buffer scopes;   /* SCOPE_SIZE bytes each, sorted */
    uint64_t applied;       /* data messages of this subscription */
    uint64_t acknowledged;
    uint64_t acknowledge_every; /* half of what the server sends ahead */
    uint64_t fence; /* number of the last fence's ping */
    unsigned mismatches;
    bool caught_up; /* told once: from then on a message without `more` says the same */
    struct sync_note *notes;
    size_t note_count, note_capacity;
    struct buffer removed; /* records as they were held, for their events */
};

void sync_init(struct sync *sync, const struct sync_store *store, struct replica *replica,
               const struct sync_port *port);
void sync_release(struct sync *sync);

/* Subscribes to the scopes (`count` 0: everything). A replica that was subscribed to something else
 * is emptied. Takes effect at once when connected, else with sync_start(). NO_MEMORY, LIMIT for
 * more scopes than the protocol allows, or the replica's error: nothing has changed then. */
enum status sync_want(struct sync *sync, const struct scope *scopes, size_t count);

/* Signed in: subscribes when that is wanted. `window`: how many data messages the server sends
 * ahead of the acknowledgements; 0: it did not say. */
enum status sync_start(struct sync *sync, struct id epoch, uint64_t window);
/* The connection is gone. */
void sync_stop(struct sync *sync);

/* Applies changes, backfill, caught-up or reset. UNEXPECTED for other messages and for a server
 * that does not follow the protocol, MALFORMED for contents that are not what they should be, the
 * replica's or port's error otherwise. */
enum status sync_message(struct sync *sync, const struct message *message);
/* A pong with a request number; true when it was the fence's and has been handled into `status`. */
bool sync_pong(struct sync *sync, uint64_t request, enum status *status);

/* Request numbers of fences have this bit, and those of requests do not. */
#define SYNC_FENCE_BIT (UINT64_C(1) << 40)

#endif

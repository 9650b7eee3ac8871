/* One connection, from its first message to its last, as pure events and effects.
 *
 *     opened -> [hello] -> authenticating -> signed in -> closed
 *
 * The transport feeds it whole messages, commit notices, answers of the committer, outcomes of
 * authentication and the passing of time, and asks it for frames whenever the socket can be
 * written. The session reads the store through its port, judges everything by the gate, and holds
 * no backlog: besides the few answers to its own requests it keeps only a cursor, and makes the
 * next frame from the store at the moment it can be sent.
 *
 *     received(message)  ->  answers queued, commands submitted, sign-in begun, close
 *     committed(notice)  ->  session becomes due
 *     next_frame()       ->  an answer, or changes from the cursor on, or NULL
 *
 * All calls for one session come from one thread. A session never calls back into the transport
 * except through its port, and the transport must not free it inside such a call.
 */
#ifndef TANDEM_CORE_SESSION_H
#define TANDEM_CORE_SESSION_H

#include "protocol/message.h"
#include "server/core/command.h"
#include "server/core/feed/frame.h"
#include "server/core/feed/interest.h"
#include "server/core/feed/notice.h"
#include "server/core/state.h"

struct session;
struct feed_cache;
struct presence;

enum close_code {
    CLOSE_GOODBYE = 1000,
    CLOSE_PROTOCOL = 4000,
    CLOSE_SIGN_IN = 4001,
    CLOSE_ACCESS_ENDED = 4002,
    CLOSE_STOPPING = 4003,
    CLOSE_IDLE = 4004,
    CLOSE_TOO_MANY = 4005,
    CLOSE_VERSION = 4006,
    CLOSE_SERVER_ERROR = 4007
};

/* A secret to be checked, or a password to be hashed, away from the loop. Exactly one
 * session_hashed() answers it, also for a session that is closing. Strings are copied by the
 * receiver. */
struct hash_request {
    enum { HASH_VERIFY, HASH_CREATE } what;
    struct bytes secret;
    struct bytes phc; /* HASH_VERIFY: what to verify against; none: a dummy, always a mismatch */
};
struct hash_outcome {
    bool matched;  /* HASH_VERIFY */
    char phc[128]; /* HASH_CREATE; "" when it failed */
    bool busy;     /* the queue was full: nothing was computed */
};

/* What a session may ask of the world. None may call back into the session. */
struct session_port {
    void *self;
    /* A snapshot, to be ended before the call into the session returns. */
    enum status (*read_begin)(void *self, struct state *out);
    void (*read_end)(void *self);
    /* Hands a command to the committer, stamp left empty; answered by session_answered() with the
     * same ticket. False when the queue is full: then nothing was taken. */
    bool (*submit)(void *self, struct session *session, uint64_t ticket,
                   const struct command *command);
    bool (*hash)(void *self, struct session *session, const struct hash_request *request);
    /* Whether one more attempt for this name from this session's address is allowed now, else how
     * long to wait. An attempt that is allowed counts as a wrong guess until it is forgiven. The
     * name is empty where none is guessed at. */
    bool (*sign_in_allowed)(void *self, struct session *session, struct bytes name,
                            uint64_t *wait_ms);
    void (*sign_in_forgiven)(void *self, struct session *session, struct bytes name);
    /* SHA-256, and random bytes: the only cryptography a session needs. */
    void (*digest)(void *self, struct bytes bytes, uint8_t out[32]);
    void (*random)(void *self, void *out, size_t size);
    uint64_t (*now_ms)(void *self);    /* wall clock */
    uint64_t (*uptime_ms)(void *self); /* monotonic */
    /* Fills an encoded map with facts about the server for `status`; staff get more than partners.
     */
    void (*describe)(void *self, bool staff, struct buffer *out);
    /* The session has become able to send something outside a call of the transport's. */
    void (*wake)(void *self, struct session *session);
    /* Close once the queued answers are sent. */
    void (*close)(void *self, struct session *session, enum close_code code);
    /* The user's session made so many errors, by messages that a client which works never sends:
     * for how many ms it is not to be heard now. With no points it is only asked. May be NULL: then
     * nobody counts. */
    uint64_t (*charge)(void *self, struct session *session, struct id user, uint32_t points);
    /* Their sessions made the server do so many units of work (server/core/work.h), or so many fewer
     * than was said before: for how many ms nothing that is work is to be taken up from them. With
     * no units it is only asked. May be NULL: then nobody counts. */
    uint64_t (*work)(void *self, struct session *session, struct id user, int32_t units);
    /* What is stored of a live note cannot be read: for the log. May be NULL. */
    void (*damaged)(void *self, struct id note);
    /* The board of who is present, for one step: until presence_end() nobody else uses it, and
     * nothing else of the port is asked. Both NULL: nobody is ever present. */
    struct presence *(*presence_begin)(void *self);
    void (*presence_end)(void *self);
};

struct session_limits {
    uint32_t sign_in_ms; /* time to sign in: 10,000 */
    uint32_t idle_ms;    /* silence before closing: 60,000 */
    uint32_t
        messages_per_second; /* sustained rate of a client's messages: 500; bursts of 4 times */
};

/* `cache` and `interest` are those of the thread. The certificate's fingerprint is none for a
 * client without one. NULL when out of memory. */
struct session *session_new(const struct session_port *port, const struct session_limits *limits,
                            struct interest *interest, struct feed_cache *cache,
                            struct bytes certificate_sha256);
void session_free(struct session *session); /* forgets its interests */

/* The transport's own pointer, for whoever holds a session. */
void session_set_owner(struct session *session, void *owner);
void *session_owner(const struct session *session);

/* One whole message. */
void session_received(struct session *session, struct bytes message);
/* Errors that the transport noticed; they count as the session's own. */
void session_charge(struct session *session, uint32_t points);
/* False while the client should not be read: too many requests under way, or too many errors made.
 * What was read already may still be handed over, and waits in the session. */
bool session_wants_read(const struct session *session);
/* The next thing to send, with a reference for the caller; NULL when there is nothing now. */
struct frame *session_next_frame(struct session *session);
/* Begins to fetch what session_next_frame() reads from memory: for the session after the one being
 * served. */
void session_warm(const struct session *session);
/* Whether session_next_frame may give something; cheap. */
bool session_due(const struct session *session);
void session_answered(struct session *session, uint64_t ticket, enum status status,
                      struct bytes answer);
void session_hashed(struct session *session, const struct hash_outcome *outcome);
/* interest_mark_fn: marks the session due; returns through port.wake nothing, the transport asks
 * session_due of those marked. */
void session_mark(struct session *session, enum interest_reason reason, uint32_t index);
/* The board of who is present has woken the session (presence_wake_fn); as session_mark. */
void session_mark_presence(struct session *session);
/* Once a second or so: idle and sign-in timers, rate limits. */
void session_tick(struct session *session, uint64_t uptime_ms);
/* Queues `error` shutting-down and closes with 4003. */
void session_stop(struct session *session);
/* Sign-in name, or "" before sign-in; for logs. */
const char *session_user(const struct session *session);

struct feed_cache *feed_cache_new(void);
void feed_cache_free(struct feed_cache *cache);
/* Drops what it holds: call after the pass over the due sessions of one notice. */
void feed_cache_clear(struct feed_cache *cache);

#endif

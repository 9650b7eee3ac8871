/* Shared between the files of a session: session.c (life, timers, what is sent next),
 * session_receive.c (which message goes where), session_sign_in.c, session_subscribe.c,
 * session_mutate.c, session_ask.c (reading), session_note.c and session_note_read.c (live notes),
 * session_present.c (who else is there), session_secrets.c (codes, passwords, certificates). */
#ifndef TANDEM_CORE_SESSION_INTERNAL_H
#define TANDEM_CORE_SESSION_INTERNAL_H

#include "server/core/feed/feed.h"
#include "server/core/session/session.h"

#define SESSION_MAGIC 0x73657373u
/* Replies waiting for the socket, beyond which the client is not read. */
#define SESSION_REPLY_BYTES (256u * 1024u)
/* Messages that came before the transport stopped reading; more is a client that floods. */
#define SESSION_HELD_BYTES (2u * LIMIT_MESSAGE_BYTES)
/* Commands submitted and not answered, beyond which the client is not read. */
#define SESSION_PENDING (LIMIT_IN_FLIGHT + 8u)
/* A ping so soon after the last is needless. */
#define SESSION_PING_MS 1000u
#define SESSION_TOKEN_DAYS 30u
#define SESSION_CODE_HOURS 24u
#define SESSION_DAY_MS UINT64_C(86400000)

/* Allowed moves: OPEN -> SIGNING_IN -> SIGNED_IN; any -> CLOSING. See session_move(). */
enum session_phase { PHASE_OPEN, PHASE_SIGNING_IN, PHASE_SIGNED_IN, PHASE_CLOSING };

/* What to do when the committer or the hasher answers. */
enum continuation {
    THEN_NOTHING,
    THEN_RESULT,         /* a mutation: pass its result on */
    THEN_CHECK_PASSWORD, /* sign-in: the password was compared */
    THEN_REFUSE,         /* sign-in that fails in any case, after the usual time */
    THEN_STORE_NEW,      /* sign-in by code: the new password was hashed */
    THEN_WELCOME,        /* sign-in: the token, or the new password, is stored */
    THEN_ISSUE_TOKEN,    /* sign-in by code: the password is stored, a token may follow */
    THEN_HASH_CHANGED,   /* change of password: the old one was compared */
    THEN_STORE_CHANGED,  /* change of password: the new one was hashed */
    THEN_ANSWER,         /* a request: it is stored, say so */
    THEN_ANSWER_CODE,    /* invite: hand out the code */
    THEN_NOTE            /* a push to a live note: pass its result on */
};

struct pending {
    uint64_t ticket;
    uint64_t number; /* of a mutation, or the request to answer */
    enum continuation then;
    struct id note; /* THEN_NOTE: that was pushed to */
    int32_t prepaid; /* THEN_NOTE: units of work; who applies it says how many there were */
};

struct session_notes; /* session_note.h */

struct reply {
    struct frame *frame;
    struct reply *next;
};

/* What serving a due session reads stands first and together: among thousands of sessions each is
 * cold in the processor's cache, and every line of it that is touched costs as much as the work. */
struct session {
    uint32_t magic;
    enum session_phase phase;
    void *owner;

    struct reply *first_reply, *last_reply;
    size_t reply_bytes;

    double allowance; /* messages the client may still send now */
    uint64_t allowance_at;
    uint64_t paused_until; /* uptime until which nothing is taken up; 0: it is */
    struct buffer held; /* messages that must wait, each behind its size (4 bytes) */
    size_t held_from;   /* where the first of them begins */
    uint32_t pending_count;
    bool presence_due; /* lists of people may be owed */
    bool people_sent;  /* the newest frame was one: it is the turn of what is to be kept */
    struct presence_member *presence; /* NULL: it was present nowhere yet */
    uint32_t notes_due; /* slots of `notes` that are */
    bool note_sent;     /* the newest frame was of a note: it is the feed's turn */
    struct session_notes *notes; /* NULL: none was opened */

    uint64_t people_seen; /* `who` and `view_class` are as of this seq */
    uint64_t view_class;
    struct interest *interest;
    struct feed_cache *cache;
    struct session_port port;
    struct feed feed;

    struct session_limits limits;
    uint64_t opened_at, heard_at; /* uptime */
    uint64_t pinged_at;

    bool has_certificate;
    uint8_t certificate[32];

    /* An attempt that counts as a wrong guess until it is forgiven, and the name it is for. */
    bool attempted;
    char attempted_name[65];
    /* Sign-in under way, and what it settled. */
    struct id client;
    struct id user;
    char name[65];
    bool remember;
    struct buffer new_secret; /* wiped after use */
    char token[65];
    bool has_token;
    uint8_t token_hash[32];
    bool by_password; /* and what was stored as its hash, hashed again */
    uint8_t password_hash[32];
    bool ending_token; /* at its own request, which is still to be answered */

    struct principal who;

    enum continuation hashing; /* what the hasher is working on; THEN_NOTHING: nothing */
    uint64_t hash_request;
    char code[32]; /* of an invite under way */
    uint64_t code_expires;

    struct pending *pending; /* SESSION_PENDING of them, from the first command on */
    uint64_t next_ticket;
};

/* Checks the move against the table of allowed ones. */
void session_move(struct session *session, enum session_phase to);

/* Queues a message to be sent; when memory is short the session closes. */
void session_reply(struct session *session, const struct message *message);
void session_reply_bytes(struct session *session, struct bytes message);
/* Queues an `error`. `request` may be NULL when it answers none. */
void session_refuse(struct session *session, const uint64_t *request, enum status status,
                    const struct fault *fault);
void session_refuse_later(struct session *session, enum status status, uint64_t wait_ms);
/* Whether a client that works never sends what is refused with this. */
bool session_is_error(enum status status);
void session_close(struct session *session, enum close_code code);

/* A command of the user; false when the queue is full, and then nothing is pending. */
bool session_submit(struct session *session, enum command_kind kind, struct bytes body,
                    enum continuation then, uint64_t number);
/* As session_submit, for the credentials of `user`. */
bool session_submit_credential(struct session *session, struct id user, int kind,
                               struct bytes value, uint64_t expires_ms, enum continuation then,
                               uint64_t number);
/* Asks for one attempt at a secret, of `name` ("" for none); false and the time to wait when there
 * were too many. */
bool session_attempt(struct session *session, const char *name, uint64_t *wait_ms);
/* The attempt was no wrong guess. Without one under way it does nothing. */
void session_forgive(struct session *session);
/* Begins hashing; refuses with BUSY (and `request`, may be NULL) when that is not possible. */
bool session_hash(struct session *session, const struct hash_request *request,
                  enum continuation then, uint64_t number);

/* A snapshot with the principal as of it. False when the session cannot go on: it is closing, or
 * the store failed; then nothing is open. */
bool session_look(struct session *session, struct state *state, struct meta *meta);
void session_look_away(struct session *session);

/* Reads who the user is in this snapshot; as principal_load(). */
enum status session_load_principal(struct session *session, const struct state *state);

/* Remembers which password the session came by; whether it still is the user's: NOT_FOUND when it is
 * not, other errors when that cannot be told. */
void session_note_password(struct session *session, struct bytes phc);
enum status session_password_holds(struct session *session, const struct state *state);

/* Takes up the messages that were held, as far as is possible now. */
void session_resume(struct session *session);
/* Whether the session can take a message on: few answers and commands are under way, and the
 * client is within its rate and has not made too many errors. */
bool session_ready(const struct session *session);

/* Whether something that is work may be taken up. False: the user's sessions have made too much of
 * it, and this one is not heard until they may again; the message must wait. */
bool session_may_work(struct session *session);
/* So many units of it were made, or that many fewer than was said. What comes of it the next one
 * hears who asks. */
void session_work(struct session *session, int32_t units);

/* Handlers, one for each message of a client. */
void session_on_hello(struct session *session, const struct msg_hello *hello);
void session_on_subscribe(struct session *session, const struct msg_subscribe *subscribe);
void session_on_ack(struct session *session, const struct msg_ack *ack);
void session_on_prefer(struct session *session, const struct msg_prefer *prefer);
void session_on_check(struct session *session, const struct msg_check *check);
/* False: the committer's queue is full, the message must wait. */
bool session_on_mutate(struct session *session, const struct msg_mutate *mutate,
                       struct bytes frame);
/* `named`: the message names a version. */
void session_on_note_open(struct session *session, const struct msg_note_open *open, bool named);
void session_on_note_close(struct session *session, const struct msg_note_close *close);
/* As session_on_mutate(). */
bool session_on_note_push(struct session *session, const struct msg_note_push *push,
                          struct bytes frame);
void session_on_note_read(struct session *session, const struct msg_note_read *read, bool named);
void session_on_note_versions(struct session *session, const struct msg_note_versions *asked);
void session_on_present(struct session *session, const struct message *message);
void session_on_goodbye(struct session *session, const struct msg_goodbye *goodbye);
void session_on_fetch(struct session *session, const struct msg_fetch *fetch);
void session_on_query(struct session *session, const struct msg_query *query);
void session_on_timeline(struct session *session, const struct msg_timeline *timeline);
void session_on_history(struct session *session, const struct msg_history *history);
void session_on_status(struct session *session, const struct msg_status *status);
void session_on_invite(struct session *session, const struct msg_invite *invite);
void session_on_certificate(struct session *session, const struct msg_certificate *certificate);
void session_on_password(struct session *session, const struct msg_password *password);
void session_on_sign_out(struct session *session, const struct msg_sign_out *sign_out);

/* Continuations. */
void session_continue_sign_in(struct session *session, enum continuation then,
                              const struct hash_outcome *outcome);
void session_stored_sign_in(struct session *session, enum continuation then, enum status status);
void session_continue_password(struct session *session, enum continuation then,
                               const struct hash_outcome *outcome);
void session_stored_request(struct session *session, const struct pending *pending,
                            enum status status);
void session_answer_result(struct session *session, const struct pending *pending,
                           enum status status, struct bytes answer);
void session_answer_push(struct session *session, const struct pending *pending,
                         enum status status, struct bytes answer);

/* The open note in this slot, or all of them, may have something to tell. */
void session_mark_note(struct session *session, uint32_t slot);
void session_mark_notes(struct session *session, bool principal_changed);
/* A frame of the open notes that are due, in turn; NULL when there is nothing to tell of them. An
 * error is one of the store, or NO_MEMORY. */
enum status session_next_note(struct session *session, const struct state *state,
                              const struct meta *meta, struct frame **out);
void session_close_notes(struct session *session);

/* Who is present: the user's record has changed; the connection is over; the next list that is owed,
 * NULL when none is, or the session is closing now. */
void session_identify_presence(struct session *session, const struct state *state,
                               const struct meta *meta);
void session_end_presence(struct session *session);
struct frame *session_next_presence(struct session *session);

/* Overwrites memory that held a secret. */
void session_wipe(void *memory, size_t size);
void session_hex(const uint8_t *bytes, size_t size, char *out);

#endif

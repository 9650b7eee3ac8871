/* A client handle: its connection's state, and what the files that make it up share.
 *
 *     client.c          the handle: open, close, connect
 *     client_loop.c     the caller's loop
 *     client_state.c    the states of a connection, when to try again
 *     client_session.c  what the server says
 *     client_read.c     reading the replica
 *     client_tell.c     events, those about records above all
 *     client_send.c     mutations and their results
 *     client_check.c    refusing at once what the server can never take
 *     client_queue.c    queueing them durably, with what their author saw
 *     client_settle.c   sending what is queued, recording what is answered
 *     client_user.c     whose folder it is
 *     client_access.c   what the outbox may keep of others
 *     client_ask.c      requests
 *     answer.c          their answers
 *     client_outbox.c   what programs see of the outbox
 *     client_resolve.c  settling conflicts
 *     client_where.c    the conditions of queries
 *     client_find.c     local queries
 *     client_find_wish.c the indexes they lack, while another process leads
 *     client_laid.c     what lies over the records they meet
 *     client_observe.c  callbacks for what they find
 *     client_subscribe.c what is subscribed to
 *     client_peers.c    other processes that share the folder
 *     client_note.h     live notes
 *     client_pause.c    offline on purpose
 *     client_thread.c   a thread that runs the loop
 *
 * The states, with the table of moves in client_state.c:
 *
 *     IDLE -- tandem_connect --> WAITING -- it is time --> CONNECTING -- opened --> SIGNING_IN
 *                                  ^                         |                        | welcome
 *                                  +-- lost, may be healed --+---------- ... ------ ONLINE
 *                                                            |
 *                                  FAILED <-- lost for good -+
 *
 * and from everywhere back to IDLE, by tandem_disconnect() or while the folder is paused.
 *
 * Everything a callback may do is allowed at the moment it is called, except tandem_service(),
 * tandem_wait() and tandem_close(). A callback may drop the connection (tandem_connect), so a link
 * is never freed at once but set aside until the service call is over; whoever runs a callback
 * and goes on afterwards compares `generation`. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_H
#define TANDEM_CLIENT_LIB_CLIENT_H

#include "client-lib/base/port.h"
#include "client-lib/base/record.h"
#include "client-lib/base/texts.h"
#include "client-lib/client/client_entries.h"
#include "client-lib/client/client_note.h"
#include "client-lib/client/client_settle.h"
#include "client-lib/link/link.h"
#include "client-lib/outbox/outbox.h"
#include "client-lib/outbox/outbox_store.h"
#include "client-lib/peers/peers.h"
#include "client-lib/replica/replica.h"
#include "client-lib/sync/sync.h"
#include "protocol/message.h"
#include "tandem/tandem.h"

enum client_state {
    CLIENT_IDLE,
    CLIENT_WAITING,
    CLIENT_CONNECTING,
    CLIENT_SIGNING_IN,
    CLIENT_ONLINE,
    CLIENT_FAILED,
    CLIENT_STATES
};

/* Milliseconds. */
#define CLIENT_PING_AFTER 25000u    /* of having sent nothing */
#define CLIENT_DEAD_AFTER 60000u    /* of having received nothing */
#define CLIENT_ATTEMPT 30000u       /* to connect, and again to sign in */
#define CLIENT_RETRY_FIRST 250u     /* doubled with each failure in a row ... */
#define CLIENT_RETRY_MOST 30000u    /* ... up to this */
#define CLIENT_RETRY_LIMITED 60000u /* after "too many" */
#define CLIENT_LASTED 60000u        /* a connection that did so was a good one */

struct party {
    const char *id, *name;
};

/* Copies of tandem_server's strings. */
struct server_copy {
    struct tandem_server server;
    struct texts texts;
};

struct request;

struct tandem_client {
    uint32_t magic;
    tandem_event_fn *on_event;
    void *context;
    const struct port *port;
    const struct link_ops *ops;
    struct link *link;
    struct link *set_aside; /* to be freed when no callback of it can be running */
    unsigned generation;    /* of the link */
    enum client_state state;
    struct client_loop *loop;
    bool in_service, closing;
    bool connects; /* tandem_connect() was called, and tandem_disconnect() was not */
    struct server_copy server;
    struct replica *replica; /* may be NULL */
    struct outbox_store *store; /* with a folder: then `outbox` is not used */
    struct settling settling;   /* with a store: what is between it and the server */
    struct known_entries entries;     /* and what is known of the entries that others write as well */
    struct peers *peers;        /* with a folder */
    struct buffer wish; /* what to subscribe to once this process leads; empty: as before */
    bool tells;         /* the others are to be told at the end of the turn */
    bool wished_index;  /* for an index, while another process leads; the next time not before: */
    uint64_t wish_index_at;
    bool moves;         /* this process leads now, over a connection under another client's id */
    bool foreign;       /* who signs in, or tried to, is not the folder's user */
    bool wish_resumed;  /* what is subscribed to was noted in an earlier run */
    struct client_notes notes;
    struct tandem_observer *observers;
    unsigned telling; /* calls under way that go through the observers */
    struct buffer unseen; /* accepted changes that the replica does not show yet, client_tell.c */
    struct client_thread *thread; /* NULL: the caller runs the loop */
    struct sync sync;
    struct field_source source;
    struct outbox outbox;
    struct request *requests;
    uint64_t next_request, last_request;
    uint64_t last_entry; /* that a call of the program queued; 0: the last one queued none */
    struct request *answering; /* a page of it is being handed over, and others are to come */
    struct id id;             /* of the client, to which mutation numbers belong */
    unsigned failures;        /* to connect, in a row */
    unsigned broken; /* connections that we broke off, in a row, and none between that lasted */
    uint64_t online_at; /* when the server welcomed us */
    unsigned resend_failures; /* refusals of a mutation for now, in a row */
    uint64_t resend_at;       /* when to send the outbox again; 0: it is sent */
    uint64_t retry_at, deadline, last_sent, last_received;
    tandem_fault fault;   /* the last error */
    tandem_fault parting; /* what the server said last before it closes; code 0: nothing */
    /* As told by welcome. */
    struct texts welcome_texts;
    const char *user_name, *user_role, *token;
    char user_id[ID_TEXT_SIZE];
    struct party *parties;
    size_t party_count;
};

#define CLIENT_MAGIC 0x7a4d11e5u

/* tandem_open() with a port and a way to connect of the caller's choice. */
tandem_code client_open(const tandem_options *options, const struct port *port,
                        const struct link_ops *ops, tandem_client **out, tandem_fault *fault);

uint64_t client_now(const tandem_client *client);
/* Frees the handle as the end of its process would: nothing more is written, sent or called back. */
void client_abandon(tandem_client *client);
/* Frees a link that was set aside; no callback of it may be running. */
void client_free_set_aside(tandem_client *client);
/* Says goodbye as far as that goes without waiting. `forget` ends the number sequence, so that the
 * server need not remember it. */
void client_say_goodbye(tandem_client *client, bool forget);

/* ---- client_state.c ---- */

void client_move(tandem_client *client, enum client_state to);
/* Opens the link when it is time to. */
void client_begin(tandem_client *client);
/* Milliseconds to wait: a random time up to a bound that doubles with each failure in a row, so
 * that many clients do not come back at the same moment. */
uint64_t client_pause(const tandem_client *client, unsigned failures);
/* The connection is over: tells everyone, and decides whether and when to try again. `fault` may be
 * the client's own. */
void client_lost(tandem_client *client, unsigned close_code, const tandem_fault *fault);
/* Closes the connection for a reason of our own and goes on as after any other loss. */
void client_break(tandem_client *client, unsigned close_code, enum status status,
                  const char *words);
/* Detaches the link without telling anybody. */
void client_drop_link(tandem_client *client);

/* ---- client_peers.c ---- */

/* Whether a file of the folder was replaced or cut short while it is open, which ends the
 * connection for good: nothing may be done with the folder any more. */
bool client_lost_files(tandem_client *client);
/* Joins those who share the folder, and opens the replica. */
enum status client_join(tandem_client *client, const tandem_options *options, tandem_fault *fault);
/* Whether this handle keeps the replica up to date; so does one without a folder. */
bool client_leads(const tandem_client *client);
/* Leads, or connects for itself until it may; from then on it has a client id. */
enum status client_lead_or_follow(tandem_client *client, bool once);
/* Leaves leading to others. */
void client_follow(tandem_client *client);
/* Subscribes: now, or when this handle leads. As sync_want_only(). */
enum status client_want(tandem_client *client, const struct scope *scopes, size_t count,
                        const char *const *entities, size_t entity_count);
/* Something was committed that others are to look at: at the end of the turn, if there is one. */
void client_share(tandem_client *client);
void client_committed(void *client);
/* To be called before this entry is taken out of the outbox without the server having taken it:
 * whoever finds it gone in another process knows then that it was given up. */
void client_share_drop(tandem_client *client, const struct outbox_item *entry);
void client_share_turn(tandem_client *client);
/* What happened to the replica, for other processes and this one. */
void client_shared_sync_event(void *context, const struct sync_event *event);
/* After this handle began to lead: connects as the folder's client once nothing waits for an answer
 * on the connection there is. */
void client_move_connection(tandem_client *client);

/* ---- client_read.c ---- */

/* Whether the replica has this record. The replica's error, which leaves `*held` false. */
enum status client_holds(tandem_client *client, struct id id, bool *held);

/* ---- client_subscribe.c ---- */

/* Signed in, and leading: what was wished for in an earlier run, or by another process, and is not
 * yet; what the server offers. */
enum status client_resume_wish(tandem_client *client, struct bytes limits);
/* Accounts to come first that another process noted. */
enum status client_look_preferred(tandem_client *client);
/* A data message, or an error with a request number, for sync; false for an error that is none of
 * its. */
enum status client_sync_message(tandem_client *client, const struct message *message);
bool client_sync_error(tandem_client *client, const struct message *message, enum status *status);

/* Notes what this program has subscribed to, for a run that names nothing. */
enum status client_note_wish(tandem_client *client);

/* ---- client_user.c ---- */

/* Signed in: sees to it that the folder and all in it is of this user. False when it is not, or had
 * to be made so: then the connection has been broken off. */
bool client_settle_user(tandem_client *client, const struct msg_welcome *welcome);
/* About to connect: whoever names another user than the folder's has to prove that they are theirs
 * before anything in it is for them. */
void client_expect_user(tandem_client *client);
/* DENIED, for a handle that is `foreign`. */
tandem_code client_not_theirs(tandem_client *client);

/* ---- client_pause.c ---- */

/* Leaves the connection, or begins one, as the folder says. */
void client_follow_pause(tandem_client *client);

/* ---- client_thread.c ---- */

bool client_thread_runs(const tandem_client *client);
/* Stops the thread and frees the lock, which nobody may be waiting for. */
void client_thread_close(tandem_client *client);

/* ---- client_session.c ---- */

/* Encodes and queues a message. A failure has broken the connection off when it returns. */
enum status client_send_message(tandem_client *client, const struct message *message);
void client_send_hello(tandem_client *client);
void client_receive(tandem_client *client, struct bytes frame);
void client_forget_welcome(tandem_client *client);

/* ---- client_read.c ---- */

/* Whether there is a replica, and it is for whoever signs in by this handle. */
bool client_may_read(const tandem_client *client);
/* The answers of a read: USAGE where there is no replica, DENIED where it is not theirs, and any
 * other with its fault. */
tandem_code client_without_replica(tandem_client *client);
tandem_code client_read_done(tandem_client *client, enum status status);
bool client_find_field(void *context, struct bytes entity, struct bytes name, struct field_def *out,
                       struct custom_field_storage *storage);
/* The entity of a record that the replica holds, appended to `out` (else nothing). */
void client_entity_of(tandem_client *client, struct id id, struct buffer *out);

/* ---- client_tell.c ---- */

void client_event(tandem_client *client, const tandem_event *event);
/* Tells the program and the observers, of records as reads show them. */
void client_sync_event(void *context, const struct sync_event *event);
/* After the outbox was changed and committed: an entry was added, given another state, or taken out
 * (`item`: as it was). Tells the program and the observers of the records that reads show
 * differently from now on; NULL, when it is not known what changed, of all that may be. Callbacks
 * are called before it returns; `item` must outlive them. */
void client_outbox_changed(tandem_client *client, const struct outbox_item *item);
/* The same after another process did that, of one record. `entry`: one of what waits over it. */
void client_laid_changed(tandem_client *client, struct id id, uint64_t entry);

/* ---- client_send.c ---- */

/* Sends all that is unanswered, in order: after signing in, or when it is time to send again what
 * the server could not take. */
void client_send_outbox(tandem_client *client);
void client_result(tandem_client *client, const struct message *message);
/* Answers everything in the outbox with this code. */
void client_cancel_outbox(tandem_client *client, enum status status);

/* ---- client_where.c ---- */

/* Appends conditions as an encoded array [field, op, value], nothing when there are none. USAGE,
 * UNKNOWN_FIELD, INVALID_VALUE, LIMIT, with `fault` filled. */
enum status client_put_where(tandem_client *client, const char *entity,
                             const tandem_condition *where, size_t count, struct buffer *out,
                             tandem_fault *fault);

/* ---- client_ask.c ---- */

/* The number of a request that is none of those below. */
uint64_t client_number(tandem_client *client);
/* Asks once: `message` is sent with a number, which is put where it belongs in it. */
tandem_code client_ask(tandem_client *client, const struct message *message, uint64_t *number,
                       tandem_answer_fn *done, void *context);

/* An answer, or an error with a request number; false when nobody waits for it. */
bool client_answer(tandem_client *client, const struct message *message);
/* A request whose answer is made here, and handed to client_answer(), under *number; or is not to
 * come after all. */
tandem_code client_expect(tandem_client *client, tandem_answer_fn *done, void *context,
                          uint64_t *number);
void client_unexpect(tandem_client *client, uint64_t number);
/* Answers every request with this fault. */
void client_fail_requests(tandem_client *client, const tandem_fault *fault);
/* Frees every request without an answer. */
void client_forget_requests(tandem_client *client);
/* The server's error as a fault. */
void client_error_fault(const struct msg_error *error, tandem_fault *out);

#endif

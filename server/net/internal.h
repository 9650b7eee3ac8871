/* What the files of this layer share: the server, its threads, its connections.
 *
 * Who may touch what: `struct server` is set up before any thread runs and only read afterwards,
 * except what says otherwise. `struct io_thread` and its connections belong to that thread alone,
 * except the inbox.
 */
#ifndef TANDEM_NET_INTERNAL_H
#define TANDEM_NET_INTERNAL_H

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "server/net/arrivals.h"
#include "server/net/chaff.h"
#include "server/net/damage.h"
#include "server/net/connection_table.h"
#include "server/net/inbox.h"
#include "server/net/ledger.h"
#include "server/net/peers.h"
#include "server/net/presence_hub.h"
#include "server/net/send.h"
#include "server/net/server.h"
#include "server/net/sign_in_throttle.h"
#include "server/net/tls.h"
#include "server/net/uptime.h"

#define CONNECTION_MAGIC 0x74636f6eu
#define IO_THREAD_MAGIC 0x74696f74u

struct acceptor;

struct connection {
    uint32_t magic;
    struct io_thread *thread;
    struct lws *wsi;         /* NULL until adopted */
    struct session *session; /* from the upgrade until the close */
    uint64_t number;
    struct peer_address peer;
    bool signed_in;
    bool due;                /* in the thread's list */
    bool reading;
    bool mute;               /* a close has been sent or received: nothing may follow it */
    bool killed;             /* will be cut off at the next turn */
    bool closing;
    bool served;             /* a plain request was answered well */
    bool parted;             /* the peer said goodbye */
    bool broke_off;          /* for what the peer did */
    enum close_code code;    /* while closing */
    uint64_t accepted_ms, closing_ms;
    uint64_t secured_ms;     /* when TLS was first seen to be done; 0: it is not */
    uint64_t moved_ms;       /* when the socket last took what there was */
    uint64_t attempt_ms;     /* when the last attempt to sign in was counted */
    uint64_t message_ms;     /* when the first fragment of `message` came; 0: none has */
    struct buffer message;   /* fragments of an unfinished message */
    struct chaff chaff;      /* since the upgrade */
    struct frame *farewell;  /* an error of ours, sent last */
    struct connection *next_due, *previous_due;
};

struct io_thread {
    uint32_t magic;
    uint32_t index;
    struct server *server;
    struct lws_context *context;
    struct lws_vhost *vhost;
    SSL_CTX *tls;            /* the library's; settings and certificate are ours */
    SSL_CTX *unused_tls;
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t tick;
    bool loop_made, handles_made;
    /* libwebsockets could not start, or not wholly. It may have left handles in the loop whose code
     * goes with its plugin, so that the loop must not be run when the context is gone. */
    bool context_failed;
    bool woken; /* by lws_cancel_service(), once at least */
    pthread_t thread;
    bool running;
    struct inbox inbox;
    struct letter *letters; /* exchanged with the inbox */
    size_t letter_capacity;
    struct store_reader *reader;
    struct state snapshot; /* while `snapshot_open` */
    uint32_t snapshot_depth;
    bool snapshot_open, snapshot_kept; /* kept: until session_port_look_away() */
    struct interest *interest;
    struct feed_cache *cache;
    struct session_port port;
    struct arrivals arrivals;
    struct connection_table connections;
    uint32_t tick_place;     /* in the table: where the next tick goes on */
    bool heavy_left;         /* much was freed: give it back to the system */
    uint64_t given_back_ms;
    struct connection *due;  /* list of those that may have something to send */
    struct send_buffer staging;
    uint64_t pass_ms;        /* uptime when sending began last: a pass takes it once */
    uint64_t ticked_ms;
    uint64_t lag_told_ms;
    uint64_t refusal_told_ms; /* when refused sign-ins were last logged */
    uint32_t refused_sign_ins;
    bool created_wsi;        /* the library made a wsi during the adoption under way */
    bool stopping;
    uint64_t stop_deadline_ms;
};

struct server {
    struct server_ports ports;
    struct server_options options; /* strings below */
    char *certificate_path, *key_path, *authority_path, *origins, *version;
    char address[96];
    uint64_t started_ms;
    struct tls_material *material; /* only server_start and server_reload, one thread */
    uint8_t ticket_keys[TLS_TICKET_KEYS_SIZE];
    struct peers *peers;
    struct sign_in_throttle *throttle;
    struct ledger *users;     /* errors they make */
    struct ledger *work;      /* what they ask for that is work */
    struct ledger *addresses; /* connections of theirs that came to nothing */
    struct acceptor *acceptor;
    struct presence_hub presence; /* any thread, as it says */
    struct io_thread *threads;
    uint32_t thread_count;
    uint32_t next_thread; /* only the acceptor */
    atomic_bool stopping;
    _Atomic uint64_t seq; /* last announced */
    _Atomic uint64_t user_errors, pauses, delayed; /* see struct server_figures */
    struct damage damage;                          /* any thread */
    _Atomic uint64_t suspects_told_ms; /* when the log last named one */
};

/* ---- server.c ---- */
void net_log(const struct server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Hands a letter to a thread; on INBOX_LOST releases it. */
void net_post(struct io_thread *thread, struct letter *letter);

/* ---- misuse.c ---- */
/* What the server's options allow a user and an address. False when memory was short. */
bool misuse_init(struct server *server);
void misuse_release(struct server *server);
/* Charges the user of a session for errors; how long it is not to be read, 0: it goes on. */
uint64_t misuse_of_user(struct connection *connection, struct id user, uint32_t points);
/* Charges them for units of work, or gives some back; how long they are to ask for no more. */
uint64_t misuse_of_work(struct connection *connection, struct id user, int32_t units);
/* Charges the address for a connection that is over, if it came to nothing. */
void misuse_of_connection(const struct connection *connection);
/* From here on, charges the session for what comes and is no message: once, at the upgrade. */
void misuse_watch(struct connection *connection);
/* A piece of a message came, perhaps the last. */
void misuse_note_message(struct connection *connection, size_t size, bool last);
/* Once a tick. */
void misuse_tick(struct connection *connection, uint64_t now_ms);
/* Whether newcomers of the address take the slow lane. Only the acceptor. */
bool misuse_is_suspect(struct server *server, struct peer_address address);

/* ---- io_thread.c ---- */
bool io_thread_prepare(struct io_thread *thread, struct server *server, uint32_t index,
                       struct fault *fault);
bool io_thread_start(struct io_thread *thread);
void io_thread_join(struct io_thread *thread);
/* After the join, or without a start; also what io_thread_prepare left half done. */
void io_thread_release(struct io_thread *thread);
/* Puts the connection on the list of the next pass. */
void io_thread_schedule(struct connection *connection);
void io_thread_unschedule(struct connection *connection);

/* ---- session_port.c ---- */
void session_port_init(struct io_thread *thread);
/* From the first session that looks on, all see one snapshot, until session_port_look_away(). */
void session_port_keep_looking(struct io_thread *thread);
void session_port_look_away(struct io_thread *thread);
/* presence_wake_fn: tells the session's thread. */
void session_port_wake_present(void *context, struct session *session);

/* ---- connection.c ---- */
/* Takes over a socket that `peers` has counted in. */
void connection_adopt(struct io_thread *thread, struct arrival arrival);
void connection_destroy(struct connection *connection);
bool connection_established(struct connection *connection, struct lws *wsi);
/* Bytes of a message from the library. */
void connection_fragment(struct connection *connection, const void *data, size_t size);
/* Sends what there is. */
void connection_flush(struct connection *connection);
/* Starts or stops reading the socket, as the session wants. */
void connection_regulate(struct connection *connection);
/* The peer sent a close frame. True: it answers ours, the connection is over; false: the library
 * is to answer it. */
bool connection_peer_closes(struct connection *connection);
void connection_closed(struct connection *connection);
/* Begins to close once the queued answers are sent. */
void connection_close(struct connection *connection, enum close_code code);
void connection_kill(struct connection *connection);
/* Looks at its timers. True when that has cut it off. */
bool connection_tick(struct connection *connection, uint64_t now_ms);
/* After a call into the session: what it wants read, whether it signed in, whether it is due. */
void connection_settle(struct connection *connection);

/* ---- http.c ---- */
/* Judges a request to upgrade; false when it was answered with a refusal. */
bool http_may_upgrade(struct connection *connection, struct lws *wsi);
/* Answers a plain request; the connection is to be closed afterwards. */
void http_answer(struct connection *connection, struct lws *wsi);

#endif

/* The network side of the server: TLS WebSocket connections, each carrying one session.
 *
 *     acceptor thread            I/O thread (several)                    committer, hash pool
 *       accept, limits  --fd-->  adopt, TLS, upgrade
 *                                session_received  -- submit, hash -->
 *                                                  <-- answers, notices, outcomes --
 *                                one pass over the sessions that became due:
 *                                session_next_frame -> socket
 *
 * A connection lives on one I/O thread for life. Other threads reach it only through that
 * thread's inbox, by the connection's number, which is never used again: what comes for a
 * connection that is gone is dropped.
 *
 * This is the only layer that knows libwebsockets, libuv and OpenSSL. libwebsockets keeps some
 * state of the whole process, so a process has one server at a time.
 */
#ifndef TANDEM_NET_SERVER_H
#define TANDEM_NET_SERVER_H

#include "server/commit/commit.h"
#include "server/core/session/session.h"

struct server;

struct server_options {
    const char *listen;      /* "127.0.0.1:7443", "[::]:7443", "localhost:7443", ":7443" */
    const char *certificate; /* PEM, with its chain */
    const char *key;         /* PEM */
    const char *authority;   /* PEM: whose client certificates are accepted; NULL: none asked for */
    const char *origins;     /* browsers' origins let in besides our own, divided by spaces; or NULL */
    const char *version;     /* told by `status` */
    uint64_t seq;            /* of the store now; told by `status` until the first notice */
    uint32_t threads;        /* 0: as many as cores, at most 16 */
    uint32_t connections;    /* 0: 10,000 */
    uint32_t connections_per_address;         /* 0: 1,000 */
    uint32_t unauthenticated_per_address;     /* 0: 100 */
    uint32_t sign_in_failures;                /* a minute, for a name or an address; 0: 10 */
    uint32_t user_errors;    /* a second, of all sessions of a user; 0: 50. Ten times as many at once */
    uint32_t user_work;      /* units (server/core/work.h) likewise; 0: 10,000. Four times at once */
    uint32_t failed_connections; /* a minute, of an address before it is suspect; 0: 30 */
    uint32_t suspects_per_second; /* taken up of all suspect addresses together; 0: 50 */
    uint32_t handshake_ms;   /* for TLS and the WebSocket upgrade; 0: 10,000 */
    uint32_t message_ms;     /* for a message to come whole, and a second for each 4 KiB; 0: 10,000 */
    uint32_t stall_ms;       /* a peer that takes no bytes for so long is cut off; 0: 60,000 */
    uint32_t goodbye_ms;     /* for a peer to hear of a close, and to answer it; 0: 5,000 */
    uint32_t tick_ms;        /* how often timers are looked at; 0: 1,000 */
    struct session_limits session; /* zeros: 10,000, 60,000 and 500 */
};

/* What the server asks of the application. Called from I/O threads. */
struct server_ports {
    void *self;
    struct store *store;
    struct committer *committer;
    /* Begins hashing; exactly one server_hashed() with this origin follows. False when the queue
     * is full: then none follows. Copies what it needs. */
    bool (*hash)(void *self, struct origin origin, const struct hash_request *request);
    /* Whether /healthz should say so. */
    bool (*healthy)(void *self);
    /* One line, without its end. */
    void (*log)(void *self, const char *line);
};

/* Loads the certificates, listens and starts the threads. On failure *out is NULL and `fault`
 * says why: INVALID_VALUE for certificates and addresses, IO for the system, NO_MEMORY. The
 * strings of `options` are not needed afterwards; `ports` is copied. */
enum status server_start(const struct server_options *options, const struct server_ports *ports,
                         struct server **out, struct fault *fault);

/* What server_start would say of the addresses and the certificates, without listening. */
enum status server_check(const struct server_options *options, struct fault *fault);

/* Where it listens, as "127.0.0.1:7443": of use when port 0 was asked for. */
const char *server_address(const struct server *server);

/* For the committer's and the hash pool's ports; any thread. */
void server_answered(struct server *server, struct origin origin, enum status status,
                     struct bytes answer);
/* A push of this user was so much work. */
void server_worked(struct server *server, struct id user, uint32_t units);
void server_announce(struct server *server, struct notice *notice);
void server_hashed(struct server *server, struct origin origin,
                   const struct hash_outcome *outcome);

/* Reads the certificate files again; new connections get them. When they are bad, or of another
 * kind of key, the old ones stay and `fault` says why. */
enum status server_reload(struct server *server, struct fault *fault);

/* Refuses new connections from now on. */
void server_stop_accepting(struct server *server);
/* Tells every session that the server stops, waits until they are gone, at most `drain_ms`, then
 * cuts off the rest and ends the threads. Nothing of the server may be called from other threads
 * once this is called, so the committer and the hash pool are stopped before. */
void server_stop(struct server *server, uint32_t drain_ms);
/* Only after server_stop(). NULL is fine. */
void server_free(struct server *server);

struct server_figures {
    uint32_t connections;
    uint32_t threads;
    uint64_t seq;
    uint64_t uptime_ms;
    uint64_t user_errors; /* points that users were charged for errors and needless pings */
    uint64_t pauses;      /* how often a session was not read for a while because of them, or of
                             the work its user asked for */
    uint64_t delayed;     /* newcomers that took the slow lane */
};
void server_figures(struct server *server, struct server_figures *out);

#endif

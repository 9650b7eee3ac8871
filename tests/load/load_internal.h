/* How the load clients work inside.
 *
 *     load.c           clients and their loop, counters
 *     load_connect.c   queue of those who connect, TCP, TLS, the end of a connection
 *     load_frames.c    bytes in and out: TLS records, the upgrade, WebSocket frames
 *     load_messages.c  what is said: hello, subscribe, acknowledgements, pings, counting
 *
 * Reading costs one recv() a turn: what the socket has goes into `wire`, from where OpenSSL takes
 * it through a BIO of our own, and comes out in `plain`, where whole frames are looked at in place.
 * Both belong to the loop; a client owns bytes only while half a frame, or something to write that
 * the socket did not take, waits for the next turn. That and SSL_MODE_RELEASE_BUFFERS are what
 * keeps thousands of idle clients small.
 *
 * A hook may drop or send in the middle of all this. Whatever goes on after a hook therefore asks
 * whether the connection is still the one it began with (`connection`, a number that is never
 * used twice by a client).
 */
#ifndef TANDEM_TESTS_LOAD_LOAD_INTERNAL_H
#define TANDEM_TESTS_LOAD_LOAD_INTERNAL_H

#include "tests/load/load.h"

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "protocol/message.h"

/* Connections that have not been welcomed yet. A server allows an address only so many. */
#define LOAD_HANDSHAKES 64u
#define LOAD_WIRE (256u * 1024u)
/* Above any message of a server, with its header. */
#define LOAD_PLAIN_MAX (4u * 1024u * 1024u)
#define LOAD_OUT_MAX (4u * 1024u * 1024u)
#define LOAD_ACK_EVERY (LIMIT_WINDOW / 2)
#define LOAD_PING_MS 25000u

enum load_step { STEP_TCP, STEP_TLS, STEP_UPGRADE, STEP_OPEN };

struct load_client {
    struct load *load;
    struct load_client *next_waiting, *previous_waiting; /* to connect */
    char *user, *token, *password;
    struct scope *scopes;
    size_t scope_count;
    struct id client_id, epoch;
    struct in_addr source;
    size_t label;
    SSL *ssl;
    SSL_SESSION *session;  /* to resume */
    struct buffer partial; /* of a frame that has not come whole */
    struct buffer out;     /* not yet taken by the socket */
    uint64_t cursor, number, answered;
    uint64_t received, acknowledged; /* data frames since the subscription */
    uint64_t sent_ms;                /* when it last said something */
    struct load_counts counts;
    char *reason;
    int fd;
    uint32_t connection, events; /* events: asked of epoll */
    enum load_phase phase;
    enum load_step step;
    bool subscribe, waiting, wanted, paused, reading, in_handshake;
};

struct load {
    int epoll;
    SSL_CTX *tls;
    BIO_METHOD *bio_method;
    struct sockaddr_in address;
    char host[64];
    bool resume, raw, spin;
    struct load_hooks hooks;
    struct load_client **clients;
    size_t count, capacity;
    size_t phases[LOAD_CLOSED + 1];
    size_t wanted, lost; /* told to connect; of these, those whose connection ended by itself */
    struct load_client *first_waiting, *last_waiting;
    unsigned handshakes;
    uint64_t now_ms, swept_ms, random;
    struct load_counts total;
    struct {
        struct load_client *owner;
        size_t at, size;
    } feed; /* what is in `wire` for whom */
    uint8_t *wire;
    uint8_t *plain;
    size_t plain_capacity;
    struct buffer frame, message; /* being made */
};

uint64_t load_now_ms(void);
void load_set_phase(struct load_client *client, enum load_phase phase);

/* load_connect.c */
bool load_tls_init(struct load *load, const char *ca_file);
void load_tls_release(struct load *load);
/* Begins connections as far as handshakes are free. */
void load_start_waiting(struct load *load);
void load_leave_queue(struct load_client *client);
/* What epoll said of a client. */
void load_ready(struct load_client *client, uint32_t events);
void load_handshake_over(struct load_client *client);
/* Ends the connection because of what happened, and tells the hook. */
void load_fail(struct load_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Asks epoll for what the client needs now. */
void load_watch(struct load_client *client);

/* load_frames.c */
void load_begin_upgrade(struct load_client *client);
/* Takes everything out of the feed that makes whole records. */
void load_read(struct load_client *client);
void load_flush(struct load_client *client);
bool load_write(struct load_client *client, struct bytes bytes);
bool load_send_frame(struct load_client *client, uint8_t opcode, struct bytes payload);

/* load_messages.c */
void load_opened(struct load_client *client);
void load_received(struct load_client *client, struct bytes message);
void load_ping(struct load_client *client);

#endif

/* Thousands of connections in one thread, none of which means well.
 *
 * A peer connects from one of the swarm's loopback addresses, goes as far as its role's goal (a TCP
 * connection, TLS, the upgrade, a sign-in), and from then on does what the role says: in `ready`,
 * whenever something is heard, and each `period_ms`. A peer that has lost its connection is free
 * again. Crowds keep so many peers of a role connected, and connect no more of them a second than
 * they may: a server closes who says nothing, and the crowd comes back.
 *
 *     free -> connecting -> TLS -> upgrading -> signing in -> ready -> free
 *                  \_________\__________\____________\________^
 */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_SWARM_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_SWARM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/survival/hostile/mutation.h"

struct swarm;
struct peer;

enum goal { GOAL_TCP, GOAL_TLS, GOAL_UPGRADE, GOAL_SIGN_IN };

struct role {
    const char *name;
    enum goal goal;
    bool deaf;          /* does not read once it is ready, and takes little into its buffers */
    uint32_t period_ms; /* of `tick`; 0: none */
    uint32_t life_ms;   /* it leaves by itself after this; 0: stays */
    bool ended;         /* the server ends it sooner than a crowd of them can gather */
    bool provokes;      /* it says what the server ends connections for */
    void (*ready)(struct swarm *swarm, struct peer *peer);
    void (*heard)(struct swarm *swarm, struct peer *peer, const uint8_t *data, size_t size);
    void (*tick)(struct swarm *swarm, struct peer *peer);
};

struct crowd {
    const struct role *role;
    uint32_t wanted;     /* peers at a time */
    uint32_t per_second; /* connections begun, at most */
    uint32_t open;       /* peers that are not free */
    uint32_t ready;
    uint64_t begun;   /* connections */
    uint64_t arrived; /* peers that have become ready, those who left again included */
    double allowance;
};

struct peer {
    enum {
        PEER_FREE,
        PEER_CONNECTING,
        PEER_TLS,
        PEER_UPGRADING,
        PEER_SIGNING_IN,
        PEER_READY
    } stage;
    struct crowd *crowd;
    int fd;
    SSL *ssl;
    struct buffer out;
    size_t sent;
    uint64_t ready_ns, due_ns;
    uint32_t steps;  /* the role's own */
    bool waiting;    /* the role's own: for an answer */
    bool told_write; /* whether epoll tells when it can be written */
};

struct swarm_counts {
    uint64_t connects, ready, lost, handshakes;
    uint64_t requests; /* inputs of a role that counts them: upgrades and hellos, */
    uint64_t frames;   /* frames */
    uint64_t unanswered;
};

struct swarm {
    int epoll;
    SSL_CTX *tls;
    SSL_SESSION *session; /* to resume */
    uint16_t port;        /* on 127.0.0.1 */
    uint32_t first_address, addresses; /* where peers come from, in turn */
    bool eager;           /* says the next thing when the last is answered, at once */
    struct peer *peers;
    uint32_t capacity, free_count;
    uint32_t *free; /* indexes */
    struct crowd *crowds;
    uint32_t crowd_count;
    struct chance chance;
    struct material material;
    struct buffer client_hello; /* of TLS, as a client sends it */
    struct swarm_counts counts;
    uint64_t now_ns, turned_ns, set_ns;
};

/* False after saying why. Material and what it points to stay the caller's. */
bool swarm_init(struct swarm *swarm, uint16_t port, uint32_t capacity, uint64_t seed,
                const struct material *material);
void swarm_release(struct swarm *swarm);

/* The crowds to keep up from now on, from so many addresses from the first on; they stay the
 * caller's. All peers leave first. */
void swarm_set_crowds(struct swarm *swarm, struct crowd *crowds, uint32_t count,
                      uint32_t first_address, uint32_t addresses);
/* Handles what is ready within `timeout_ms`, lets peers tick, and connects who is missing. */
void swarm_turn(struct swarm *swarm, int timeout_ms);
/* Whether every crowd has (nearly) as many connections as it wants, ready; of those whose peers
 * come and go, whether so many have come. Where the server lets no more in, whether so many have
 * tried, for a while. */
bool swarm_is_complete(const struct swarm *swarm);

/* Writes, through TLS where the peer has come that far, when the socket takes it. */
void peer_send(struct swarm *swarm, struct peer *peer, struct bytes bytes);
/* Sends the message in a frame. */
void peer_say(struct swarm *swarm, struct peer *peer, struct bytes message);
/* Ends the connection; the peer is free. */
void peer_leave(struct swarm *swarm, struct peer *peer);

#endif

/* A WebSocket server over TLS for one connection, in a process of its own, that does one thing. */
#ifndef TANDEM_TESTS_CLIENT_LIB_TLS_PEER_H
#define TANDEM_TESTS_CLIENT_LIB_TLS_PEER_H

#include <stdbool.h>
#include <sys/types.h>

enum peer_manner {
    PEER_ECHO,      /* sends each message back, in two fragments, a byte of TLS record at a time */
    PEER_CLOSE,     /* upgrades, and closes with 4003 */
    PEER_VANISH,    /* upgrades, sends half a frame, and breaks off */
    PEER_NOT_FOUND, /* answers 404 */
    PEER_WRONG_PROOF, /* upgrades with another Sec-WebSocket-Accept */
    PEER_TEXT,        /* upgrades and sends a text message */
    PEER_EARLY        /* sends the first message together with the answer to the upgrade */
};

struct peer {
    const char *address; /* to listen on */
    const char *certificate, *key;
    const char *client_ca; /* asks for client certificates of this authority; or NULL */
    enum peer_manner manner;
    bool tls12; /* nothing newer */
    /* Set by peer_start(). */
    unsigned port;
    pid_t process;
};

void peer_start(struct peer *peer);
/* Waits for its end; true when it did what it should. */
bool peer_finish(const struct peer *peer);

#endif

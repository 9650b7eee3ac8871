/* Sockets that were accepted and wait to be taken up, first come first served. An I/O thread takes
 * up one at each turn of its loop: it brings a TLS handshake, and a crowd that arrives at once would
 * hold up everybody else's messages for as long as all of theirs take. */
#ifndef TANDEM_NET_ARRIVALS_H
#define TANDEM_NET_ARRIVALS_H

#include "server/net/peers.h"

struct arrival {
    int fd;
    struct peer_address peer;
    uint64_t since_ms; /* uptime when it was accepted: its time for a handshake runs from then */
};

/* Zero-initialised storage is empty. */
struct arrivals {
    struct arrival *items; /* a ring */
    uint32_t capacity, first, count;
};

/* False when out of memory; then the socket is still the caller's. */
bool arrivals_add(struct arrivals *arrivals, struct arrival arrival);
/* The oldest; false when there is none. */
bool arrivals_take(struct arrivals *arrivals, struct arrival *out);
/* Frees the storage. Sockets that wait must have been taken. */
void arrivals_release(struct arrivals *arrivals);

#endif

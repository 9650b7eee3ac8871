/* The thread that accepts connections: judges them by address before they cost anything, sets
 * their socket options, and deals them out to the I/O threads in turn once they have greeted. */
#ifndef TANDEM_NET_ACCEPTOR_H
#define TANDEM_NET_ACCEPTOR_H

#include "protocol/status.h"
#include "server/net/anteroom.h"

struct acceptor;

struct acceptor_port {
    void *self;
    struct peers *peers;
    uint32_t greeting_ms; /* how long a peer may take to greet */
    uint32_t suspects_per_second; /* taken up of addresses that are suspect; see anteroom.h */
    bool (*suspect)(void *self, struct peer_address peer);
    /* Takes over a socket that is counted in and whose TLS greeting can be read. */
    void (*deal)(void *self, struct arrival arrival);
    void (*log)(void *self, const char *line);
};

/* Listens on "host:port" ("[v6]:port", ":port" for everywhere). INVALID_VALUE for an address that
 * makes no sense, IO when it cannot be had. */
enum status acceptor_new(const char *address, const struct acceptor_port *port,
                         struct acceptor **out, struct fault *fault);
/* The first address it listens on, with the port it really got. */
void acceptor_address(const struct acceptor *acceptor, char *out, size_t size);
enum status acceptor_start(struct acceptor *acceptor);
/* Accepts no more and joins the thread. Again is fine. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_free(struct acceptor *acceptor); /* stops; NULL is fine */

/* Divides "host:port"; false when it is not that. `host` may come out empty. */
bool acceptor_split(const char *address, char host[256], char port[8]);

#endif

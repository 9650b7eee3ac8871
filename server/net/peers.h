/* How many connections each address has, and how many of them have not signed in yet.
 *
 * The acceptor asks before a connection costs anything (no TLS has been spoken); the I/O threads
 * report who signed in and who left. An address is an IPv4 address or the first 64 bits of an
 * IPv6 address, which is what one subscriber is given. The table holds only addresses that are
 * connected, so the limit on connections bounds it.
 */
#ifndef TANDEM_NET_PEERS_H
#define TANDEM_NET_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peers;

struct peer_address {
    uint8_t octet[8];
    bool six;
};

#define PEER_TEXT_SIZE 64

struct peer_limits {
    uint32_t connections;          /* in all */
    uint32_t per_address;
    uint32_t unsigned_per_address; /* not signed in yet: half-open ones included */
};

enum peer_verdict { PEER_WELCOME, PEER_SERVER_FULL, PEER_ADDRESS_FULL, PEER_ADDRESS_HALF_OPEN };

struct peers *peers_new(const struct peer_limits *limits); /* NULL when out of memory */
void peers_free(struct peers *peers);

/* IPv4 in IPv6 counts as IPv4; a family that is neither is the zero address. */
struct peer_address peer_address_of(const struct sockaddr *address);
/* For logs: "192.0.2.1", "2001:db8::/64"; returns `out`. */
char *peer_address_text(struct peer_address address, char out[PEER_TEXT_SIZE]);
/* Addresses are chosen by strangers: with a secret they cannot choose the hash. */
uint64_t peer_address_hash(struct peer_address address, uint64_t secret);

/* Any thread. PEER_WELCOME counts the connection in; each is to be counted out once. */
enum peer_verdict peers_enter(struct peers *peers, struct peer_address address);
void peers_signed_in(struct peers *peers, struct peer_address address);
void peers_leave(struct peers *peers, struct peer_address address, bool signed_in);
uint32_t peers_count(struct peers *peers);

#endif

/* What hostile clients say: valid words of the transport and of the protocol, broken a little.
 *
 * Everything random comes from one generator, so that a seed says what was sent. Three levels are
 * broken: an HTTP request that asks for the upgrade, the frame around a message, and the message;
 * a message by its bytes (it is then mostly no MessagePack, and ends the connection) or by its
 * values (it is MessagePack still, and gets to those who judge what it says).
 */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_MUTATION_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_MUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"

/* splitmix64 */
struct chance {
    uint64_t state;
};
uint64_t chance_next(struct chance *chance);
/* From 0 to below `limit`, which is positive. */
uint32_t chance_below(struct chance *chance, uint32_t limit);

/* What a message may name. */
struct material {
    const struct id *ids;
    size_t id_count;
    struct id user;
    const char *token;
};

/* All append to `out`; its `failed` tells when memory ran out. */
void mutation_upgrade(struct buffer *out); /* a valid request for the upgrade */
void mutation_hello(struct buffer *out, const struct material *material, struct chance *chance);
/* A valid message of a client that has signed in, of a random kind. Never one that ends the
 * user's tokens. */
void mutation_message(struct buffer *out, const struct material *material, struct chance *chance);
void mutation_ping(struct buffer *out, uint64_t request);

/* Some bytes changed, left out, put in, doubled, or the end cut off. */
void mutate_bytes(struct buffer *out, struct bytes valid, struct chance *chance);
/* A value somewhere in it replaced, an entry of a map left out, doubled or added. `valid` is one
 * MessagePack value. */
void mutate_values(struct buffer *out, struct bytes valid, struct chance *chance);

/* A client's frame around a message, masked. */
void frame_put(struct buffer *out, uint8_t first, struct bytes payload);
/* The same, broken: flags, kind, length, mask or the division into fragments. */
void mutate_frame(struct buffer *out, struct bytes payload, struct chance *chance);

#endif

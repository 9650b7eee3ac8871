/* The crew's messages: a planned mutation as bytes, and what a watcher is told as records held. */
#ifndef TANDEM_TESTS_SURVIVAL_CREW_MESSAGE_H
#define TANDEM_TESTS_SURVIVAL_CREW_MESSAGE_H

#include "tests/survival/kill/crew.h"

/* The account that a record is made in, and whether partners may see it there. */
struct id crew_account(const struct seeded *seeded, unsigned writer, uint32_t created);
bool crew_is_shared(unsigned writer, uint32_t created);

/* Appends the whole message; its changes are the same bytes each time. */
void crew_mutation(struct buffer *out, const struct crew *crew, unsigned writer, uint32_t number,
                   const struct entry *entry);

/* Applies a `changes` message (or a `backfill`) to what is held at `cursor`, which is moved.
 * Otherwise returns what is wrong with it. */
const char *crew_apply(struct sight *sight, uint64_t *cursor, struct bytes message);

#endif

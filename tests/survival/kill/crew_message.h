/* The crew's messages: a planned mutation as bytes, and what a watcher is told as records held. */
#ifndef TANDEM_TESTS_SURVIVAL_CREW_MESSAGE_H
#define TANDEM_TESTS_SURVIVAL_CREW_MESSAGE_H

#include "tests/seed/seed.h"
#include "tests/survival/kill/ledger.h"

/* The account that a record is made in, and whether partners may see it there. */
struct id crew_account(const struct seeded *seeded, unsigned writer, uint32_t created);
bool crew_is_shared(unsigned writer, uint32_t created);

/* Appends the whole message; the same bytes whenever `answered` is the same. */
void crew_mutation(struct buffer *out, const struct seeded *seeded, unsigned writer,
                   uint32_t number, const struct entry *entry, uint32_t answered);

/* Applies a `changes` message (or a `backfill`) to what is held at `cursor`, which is moved.
 * Otherwise returns what is wrong with it. */
const char *crew_apply(struct sight *sight, uint64_t *cursor, struct bytes message);

#endif

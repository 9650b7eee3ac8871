/* Mutation numbers and remembered answers: what makes sending again harmless.
 *
 *     'n' client            -> {user, last, pruned}
 *     'a' client number(8)  -> {hash, answer}
 *
 * A client's numbers follow each other; each is answered once and for all. A number that comes
 * again with the same contents gets the same bytes again. Answers up to `pruned` are gone.
 */
#ifndef TANDEM_CORE_APPLY_NUMBER_H
#define TANDEM_CORE_APPLY_NUMBER_H

#include "server/core/apply/apply.h"
#include "protocol/message.h"
#include "protocol/mix.h"

/* Answers kept for one client at most. */
#define NUMBER_KEPT 256u
#define CONTENT_HASH MIX_SIZE

struct number_row {
    struct id client, user;
    uint64_t last, pruned;
    bool known; /* it is stored */
};

/* What a mutation says, as far as it matters for being the same: number, base, mode and changes.
 * By mix128, which guards against a client's mistakes. Against its malice it need not: a forged collision would only get the forger their own old answer. */
void number_hash(const struct msg_mutate *mutate, uint8_t out[CONTENT_HASH]);

/* The client's row; one with last 0 and of `user` for a client that is not known. */
enum status number_read(const struct state *state, struct id client, struct id user,
                        struct number_row *out);

/* From now on the client is the row's user's, if it was nobody's. */
enum status number_claim(const struct state *state, const struct number_row *row);

/* The remembered answer to a number. NUMBER_FORGOTTEN, NUMBER_REUSED, or OK and the answer
 * appended. */
enum status number_answer(const struct state *state, const struct number_row *row, uint64_t number,
                          const uint8_t hash[CONTENT_HASH], struct buffer *answer);

/* Remembers the answer to number last + 1, and forgets those up to `answered`. */
enum status number_remember(const struct state *state, struct number_row *row,
                            const uint8_t hash[CONTENT_HASH], struct bytes answer,
                            uint64_t answered);

/* Forgets everything of a client that is the user's; anybody else's stays. */
enum status number_forget(const struct state *state, struct id client, struct id user);

#endif

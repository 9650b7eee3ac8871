/* Commands to a store that nobody serves: the committer's own steps, run here without its thread. */
#ifndef TANDEM_APP_FOUNDING_H
#define TANDEM_APP_FOUNDING_H

#include "server/core/command.h"
#include "server/store/store.h"

/* Applies one command durably. Gives what the answer says: OK, the refusal, or the store's
 * failure; `fault` has the detail. */
enum status founding_apply(struct store *store, const struct command *command,
                           struct fault *fault);

/* Wall clock and the system's randomness, as the committer's port wants them. */
uint64_t founding_now_ms(void *self);
void founding_random(void *self, void *out, size_t size);

#endif

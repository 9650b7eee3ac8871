/* The kinds of command, one function each; see apply.h for what all of them promise. */
#ifndef TANDEM_CORE_APPLY_INTERNAL_H
#define TANDEM_CORE_APPLY_INTERNAL_H

#include "server/core/apply/apply_plan.h"

enum status apply_mutate(const struct state *state, const struct command *command,
                         struct effects *effects);
enum status apply_due(const struct state *state, const struct command *command,
                      struct effects *effects);
enum status apply_found(const struct state *state, const struct command *command,
                        struct effects *effects);
enum status apply_credential(const struct state *state, const struct command *command,
                             struct effects *effects);
enum status apply_prune(const struct state *state, const struct command *command,
                        struct effects *effects);
enum status apply_note(const struct state *state, const struct command *command,
                       struct effects *effects);

/* Replaces effects->answer by an encoded `result`. `fault` says what was refused; `conflicts`
 * (encoded maps, one after the other) may be empty. `seq` counts when the status is OK. */
enum status apply_put_result(struct effects *effects, uint64_t number, uint64_t seq,
                             const struct fault *fault, struct bytes conflicts, uint32_t count);

#endif

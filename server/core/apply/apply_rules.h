/* What single entities demand beyond their schema.
 *
 * `begin` prepares the draft of a stored record for a change of its fields, or its removal.
 * `check` looks at a draft after each change of it and may refuse, or set what follows from the
 * change. `write` does what goes with the record once the mutation stands: it cannot refuse.
 */
#ifndef TANDEM_CORE_APPLY_RULES_H
#define TANDEM_CORE_APPLY_RULES_H

#include "server/core/apply/apply_plan.h"

struct entity_rules {
    const char *entity;
    enum status (*check)(struct plan *plan, struct draft *draft);
    enum status (*write)(struct plan *plan, struct draft *draft, struct effects *effects);
    enum status (*begin)(struct plan *plan, struct draft *draft);
};

/* NULL when the entity has none. */
const struct entity_rules *rules_of(struct bytes entity);

enum status account_check(struct plan *plan, struct draft *draft);
enum status account_write(struct plan *plan, struct draft *draft, struct effects *effects);
enum status assignment_check(struct plan *plan, struct draft *draft);
enum status assignment_write(struct plan *plan, struct draft *draft, struct effects *effects);
enum status user_check(struct plan *plan, struct draft *draft);
enum status user_write(struct plan *plan, struct draft *draft, struct effects *effects);
enum status party_check(struct plan *plan, struct draft *draft);
enum status party_write(struct plan *plan, struct draft *draft, struct effects *effects);

/* Writes an access row, notes its change in the plan's meta and whom it concerns. */
enum status rules_put_access(struct plan *plan, struct effects *effects, struct id subject,
                             struct scope scope, const struct access_row *row);

/* Refuses with REFERENCED when other live records are in the scope. */
enum status rules_scope_empty(struct plan *plan, struct scope scope, struct id except,
                              const char *detail);

#endif

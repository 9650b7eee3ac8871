/* The scopes open to an outsider: few, and listed in the access table. (Staff have no such list:
 * nearly every account is open to them.) */
#ifndef TANDEM_CORE_OPEN_SCOPES_H
#define TANDEM_CORE_OPEN_SCOPES_H

#include "server/core/access/principal.h"

/* False ends the walk with NO_MEMORY. */
typedef bool open_scope_fn(void *context, struct scope scope);

/* Calls `each` for the library, the user's own scope, their partner's, and every account assigned
 * to it now. */
enum status open_scopes_each(const struct state *state, const struct principal *who,
                             open_scope_fn *each, void *context);

#endif

#include "server/core/access/open_scopes.h"

enum status open_scopes_each(const struct state *state, const struct principal *who,
                             open_scope_fn *each, void *context)
{
    const struct scope always[] = {{.kind = SCOPE_LIBRARY},
                                   {.kind = SCOPE_USER, .id = who->user},
                                   {.kind = SCOPE_PARTY, .id = who->party}};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        if (!each(context, always[i])) {
            return STATUS_NO_MEMORY;
        }
    }
    struct scope scope = {0};
    struct access_row row;
    enum status status;
    while ((status = state->ops->access_next(state->self, who->party, scope, &scope, &row)) ==
           STATUS_OK) {
        if (row.granted > row.revoked && !each(context, scope)) {
            return STATUS_NO_MEMORY;
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

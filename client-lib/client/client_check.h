/* Finding out before a mutation is queued that the server can never take it.
 *
 * Whoever works without a connection would hear of a forgotten field or a wrong value only days
 * later, when the reason is long forgotten. The schema is known here as well: what it forbids
 * whatever the server holds by then is refused at once, with the code, the field and the words of
 * the server. Everything that may have become right meanwhile passes: entities and fields that
 * somebody may have defined since, values of enumerations that can be added to, and whatever the
 * user may or may not do. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_CHECK_H
#define TANDEM_CLIENT_LIB_CLIENT_CHECK_H

#include "protocol/bytes.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

/* Checks encoded changes, as mutate.changes. UNKNOWN_ENTITY, UNKNOWN_FIELD, MISSING_FIELD,
 * WRONG_KIND, INVALID_VALUE, DENIED (of what only the server writes) or LIMIT, with the handle's
 * fault filled; a record that cannot be read passes. */
enum status client_check(tandem_client *client, struct bytes changes);

#endif

/* Whether what a query names exists: the entity, and the fields of its conditions. Custom ones are
 * those whose definitions the viewer may see; any other name is one that does not exist. */
#ifndef TANDEM_CORE_QUERY_NAMES_H
#define TANDEM_CORE_QUERY_NAMES_H

#include "server/core/query/query_where.h"

/* OK, UNKNOWN_ENTITY or UNKNOWN_FIELD with the name in `fault`, or an error of the store. */
enum status query_names_check(const struct state *state, const struct principal *who,
                              struct bytes entity, const struct conditions *where,
                              struct record *scratch, struct fault *fault);

#endif

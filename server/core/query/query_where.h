/* The conditions of a query, asked of the fields that a principal may see. */
#ifndef TANDEM_CORE_QUERY_WHERE_H
#define TANDEM_CORE_QUERY_WHERE_H

#include "protocol/condition.h"
#include "server/core/access/access.h"

/* Bytes of text that the conditions of one query look through, about a tenth of a second. */
#define QUERY_SCAN_BYTES (32u * 1024u * 1024u)

/* Whether the record meets all of them, by the fields that the principal may see: a field hidden
 * from them is one that is not set. Adds to `scanned` the bytes that were looked through. */
bool where_meets(const struct conditions *where, const struct principal *who,
                 const struct record *record, size_t *scanned);

/* The visible value of a field, or none. */
struct bytes where_value(const struct principal *who, const struct record *record,
                         struct bytes field);

#endif

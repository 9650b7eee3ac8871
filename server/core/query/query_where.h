/* The conditions of a query, and the values they compare. */
#ifndef TANDEM_CORE_QUERY_WHERE_H
#define TANDEM_CORE_QUERY_WHERE_H

#include "protocol/schema.h"
#include "server/core/access/access.h"

#define QUERY_MAX_CONDITIONS 16u
/* Longest text that `contains` looks for. */
#define QUERY_CONTAINS_MAX 256u
/* Bytes of text that the conditions of one query look through, about a tenth of a second. */
#define QUERY_SCAN_BYTES (32u * 1024u * 1024u)

enum condition_op { OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST, OP_CONTAINS };

struct condition {
    struct bytes field; /* canonical name */
    enum condition_op op;
    struct bytes value;          /* encoded */
    const struct field_def *def; /* NULL for a custom field */
};

struct where {
    uint32_t count;
    struct condition conditions[QUERY_MAX_CONDITIONS];
};

/* Reads `encoded` (none: no conditions) for the built-in or custom entity. */
enum status where_read(struct bytes entity, struct bytes encoded, struct where *out,
                       struct fault *fault);
/* Whether the record meets all of them, by the fields that the principal may see: a field hidden
 * from them is one that is not set. Adds to `scanned` the bytes that were looked through. */
bool where_meets(const struct where *where, const struct principal *who,
                 const struct record *record, size_t *scanned);

/* The visible value of a field, or none. */
struct bytes where_value(const struct principal *who, const struct record *record,
                         struct bytes field);
/* Sort key of a value: that of its field, or by its shape for a custom field. */
void where_key(const struct field_def *def, struct bytes value, struct buffer *out);

#endif

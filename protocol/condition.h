/* The conditions of a query: how they are read, what meets them, and by what values sort.
 *
 * The server asks them of the fields a viewer may see, a client of the records it holds, and both
 * must come to the same: so neither who asks nor where a value comes from is known here. A field
 * that is not set, and one that is hidden, are no value.
 */
#ifndef TANDEM_PROTOCOL_CONDITION_H
#define TANDEM_PROTOCOL_CONDITION_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"
#include "protocol/schema.h"
#include "protocol/status.h"

#define CONDITIONS_MAX 16u
/* Longest text that `contains` looks for, in bytes. */
#define CONDITION_CONTAINS_MAX 256u

enum condition_op { OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST, OP_CONTAINS };

struct condition {
    struct bytes field; /* canonical name */
    enum condition_op op;
    struct bytes value;          /* encoded */
    const struct field_def *def; /* NULL for a custom field */
};

struct conditions {
    uint32_t count;
    struct condition conditions[CONDITIONS_MAX];
};

/* Reads `encoded` (none: no conditions), an array of [field, op, value] that has been validated,
 * for the built-in or custom entity; slices of `out` point into it. Whether a custom field exists
 * is not looked at. WRONG_KIND, INVALID_VALUE, LIMIT, or what schema_check() says of a value, with
 * the field in `fault`; `out` then has the conditions before it. */
enum status conditions_read(struct bytes entity, struct bytes encoded, struct conditions *out,
                            struct fault *fault);

/* Whether the value of the condition's field meets it; `value` is encoded, and none or nil where
 * the field is not set. What is not set meets `= nil` and `!=` anything else. Adds to `scanned`
 * (not NULL) the bytes that were looked through. */
bool condition_meets(const struct condition *condition, struct bytes value, size_t *scanned);

/* Appends the sort key of a value: that of its field, or by its shape where `def` is NULL. Nothing
 * is appended for none, nil and what has no order. Keys compare by bytes_compare(); they are cut at
 * SCHEMA_KEY_MAX, so that long text may share one. Text is the same in either case of its letters
 * (protocol/fold.h), to conditions as well. */
void condition_key(const struct field_def *def, struct bytes value, struct buffer *out);

#endif

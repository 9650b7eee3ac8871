/* Errors as values. See status.def for the table. */
#ifndef TANDEM_PROTOCOL_STATUS_H
#define TANDEM_PROTOCOL_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"

enum status {
#define STATUS(name, code, wire, retry, text) STATUS_##name = (code),
#include "protocol/status.def"
#undef STATUS
};

/* The stable name used on the wire, such as "not-found". Never NULL: an unknown code is "internal". */
const char *status_name(enum status status);

/* One sentence for a person, without a full stop. Never NULL. */
const char *status_text(enum status status);

/* Whether the very same request can succeed later. */
bool status_retry(enum status status);

/* The status of a wire name; STATUS_INTERNAL for a name this version does not know. */
enum status status_from_name(struct bytes name);

/* Where a refusal points: which change of a mutation, which field, what was wrong.
 * Texts are bounded copies, so that a fault outlives the message it speaks of. */
struct fault {
    enum status status;
    int change;       /* index of the change within its mutation, -1 when it is not about one */
    size_t offset;    /* byte of the message where decoding failed, 0 when it is not about one */
    char field[64];   /* the field meant, or "" */
    char detail[160]; /* what exactly was wrong, for a person, or "" */
};

/* Clears `fault` to STATUS_OK, change -1. */
void fault_clear(struct fault *fault);

/* Fills `fault` (may be NULL) and returns `status`. `field` may be empty; the detail is
 * formatted as by printf and cut to fit. An existing change index is kept. */
enum status fault_set(struct fault *fault, enum status status, struct bytes field,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif

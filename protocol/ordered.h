/* Values of varying length inside a key that sorts.
 *
 * A value is written in groups of eight bytes, padded with zeros, each followed by a byte that says
 * how many of them count: 1 to 8 in the last group, 9 when another group follows. So "a" sorts
 * before "a\0", that before "ab", and no value begins another, whatever follows it in the key.
 * After the memcomparable format of MyRocks.
 */
#ifndef TANDEM_PROTOCOL_ORDERED_H
#define TANDEM_PROTOCOL_ORDERED_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/schema.h"

#define ORDERED_GROUP 8u
/* Of the longest value, SCHEMA_KEY_MAX bytes. */
#define ORDERED_MAX (SCHEMA_KEY_MAX / ORDERED_GROUP * (ORDERED_GROUP + 1u))

_Static_assert(SCHEMA_KEY_MAX % ORDERED_GROUP == 0, "the longest value fills its groups");

/* Bytes that a value of `size` takes. */
size_t ordered_room(size_t size);
/* Writes `value`, of 1 to SCHEMA_KEY_MAX bytes (asserted), and returns ordered_room(value.size):
 * so many bytes `out` must have. */
size_t ordered_put(struct bytes value, uint8_t *out);
/* Size of the ordered value that `bytes` begins with; 0 when it begins with none. */
size_t ordered_size(struct bytes bytes);

#endif

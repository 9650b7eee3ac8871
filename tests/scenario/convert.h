/* Between JSON, in which scenarios write messages, and the MessagePack of the wire. What JSON has
 * no kind for is a string with a prefix: "id:<uuid>", "scope:<scope>", "tag:<tag>", "bin:<hex>". */
#ifndef TESTS_SCENARIO_CONVERT_H
#define TESTS_SCENARIO_CONVERT_H

#include <jansson.h>
#include <stdbool.h>

#include "protocol/bytes.h"

/* False for a number that is no integer and for a prefix that is followed by something else. */
bool convert_to_wire(const json_t *value, struct buffer *out);
/* Ids come out as UUIDs, 17 bytes as a scope, or as a tag within `audience`; other bytes with the
 * prefix. NULL when the bytes are not exactly one value. The caller drops the reference. */
json_t *convert_from_wire(struct bytes bytes);
bool convert_hex(const char *text, struct buffer *out);

#endif

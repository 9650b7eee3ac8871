/* Encoded values as JSON text: numbers, strings, arrays and objects as they are, ids as UUIDs,
 * scopes and tags as their text, other binary (hashes) as hex digits. */
#ifndef TANDEM_CLIENT_LIB_JSON_H
#define TANDEM_CLIENT_LIB_JSON_H

#include "client-lib/base/record.h"
#include "protocol/bytes.h"

/* Appends a JSON string, quoted and escaped. */
void json_text(struct buffer *out, struct bytes text);
/* Appends one encoded value. 17 bytes are a scope when `is_scope`, else a tag. */
void json_value(struct buffer *out, struct bytes value, bool is_scope);
/* Appends the record: id, entity, scope, seq, audience, createdBy, createdAt, modifiedBy,
 * modifiedAt (ISO 8601), fields. */
void json_record(struct buffer *out, const struct record_view *view);
/* The buffer as a string for tandem_free(), or NULL when it failed. Takes the buffer over. */
char *json_take(struct buffer *buffer);

#endif

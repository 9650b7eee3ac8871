/* MessagePack, as Tandem uses it.
 *
 * Writing goes through the msgpack-c packer into a `struct buffer`. Reading is in two steps:
 * wire_validate() looks at every byte of a frame once, without allocating, and refuses what is
 * not exactly one well-formed value within the limits. Only then does a wire_reader walk the
 * same bytes in place: it still checks bounds at every step (a reader can never leave its bytes)
 * but need not repeat the checks of meaning (UTF-8, duplicate keys, depth, counts).
 *
 * Integers are accepted in any width and always written in the shortest. Map keys are strings.
 * Floats and extension types are well-formed MessagePack but no Tandem value uses them: the
 * validator refuses them.
 */
#ifndef TANDEM_PROTOCOL_WIRE_H
#define TANDEM_PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"

enum wire_type {
    WIRE_NONE, /* nothing left, or not well-formed */
    WIRE_NIL,
    WIRE_BOOL,
    WIRE_INT, /* any integer; negative or at most INT64_MAX, or WIRE_UINT */
    WIRE_UINT, /* above INT64_MAX */
    WIRE_STR,
    WIRE_BIN,
    WIRE_ARRAY,
    WIRE_MAP,
};

/* Deepest nesting of arrays and maps; the deepest message of the protocol needs 7. */
#define WIRE_MAX_DEPTH 16
/* Keys of one map; a record has at most 128 fields. Bounds the duplicate check, which compares
 * each key of a map with those before it. */
#define WIRE_MAX_KEYS 256

/* Checks that `bytes` is exactly one value: depth at most WIRE_MAX_DEPTH, every count and length
 * within the bytes that remain, strings valid UTF-8 (no surrogates, no overlong forms), map keys
 * strings and all different, nothing behind the value. Allocates nothing; stack use is bounded.
 * On failure fills fault->offset and returns MALFORMED, TOO_DEEP or TOO_LARGE (a map with too
 * many keys). `fault` may be NULL. */
enum status wire_validate(struct bytes bytes, struct fault *fault);

/* Whether `text` is valid UTF-8 (Unicode 15, table 3-7). */
bool wire_utf8_valid(struct bytes text);
/* Bytes of the character that `text`, not empty, begins with, and its code point; 0 when it begins
 * with none. */
size_t wire_utf8_character(struct bytes text, uint32_t *code);

/* A place within validated bytes. Each wire_get_* returns false and leaves the reader where it
 * was when the next value is of another type or out of range. */
struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
};

struct wire_reader wire_read(struct bytes bytes);
/* The type of the next value, without moving. */
enum wire_type wire_peek(const struct wire_reader *reader);
bool wire_at_end(const struct wire_reader *reader);
bool wire_get_nil(struct wire_reader *reader);
bool wire_get_bool(struct wire_reader *reader, bool *out);
bool wire_get_int(struct wire_reader *reader, int64_t *out);
bool wire_get_uint(struct wire_reader *reader, uint64_t *out);
bool wire_get_str(struct wire_reader *reader, struct bytes *out);
bool wire_get_bin(struct wire_reader *reader, struct bytes *out);
bool wire_get_id(struct wire_reader *reader, struct id *out); /* bin of 16 */
/* Number of elements (array) or pairs (map). */
bool wire_get_array(struct wire_reader *reader, uint32_t *count);
bool wire_get_map(struct wire_reader *reader, uint32_t *count);
/* Steps over one whole value, and gives its bytes in `out` (may be NULL). */
bool wire_skip(struct wire_reader *reader, struct bytes *out);

/* Finds `key` in the encoded map `map` and gives the bytes of its value. */
bool wire_map_find(struct bytes map, const char *key, struct bytes *value);
/* The same, for a value of one type; false, and `out` unchanged, when it is of another. */
bool wire_map_str(struct bytes map, const char *key, struct bytes *out);
bool wire_map_bin(struct bytes map, const char *key, struct bytes *out);
bool wire_map_uint(struct bytes map, const char *key, uint64_t *out);
bool wire_map_id(struct bytes map, const char *key, struct id *out);

void wire_put_nil(struct buffer *out);
void wire_put_bool(struct buffer *out, bool value);
void wire_put_int(struct buffer *out, int64_t value);
void wire_put_uint(struct buffer *out, uint64_t value);
void wire_put_str(struct buffer *out, struct bytes text);
void wire_put_text(struct buffer *out, const char *text);
void wire_put_bin(struct buffer *out, struct bytes bytes);
void wire_put_id(struct buffer *out, struct id id);
void wire_put_array(struct buffer *out, uint32_t count);
void wire_put_map(struct buffer *out, uint32_t count);
/* Appends an already encoded value. */
void wire_put_raw(struct buffer *out, struct bytes encoded);

/* An array or map whose count is known only at the end: always the 5-byte form, patched. */
size_t wire_begin_array(struct buffer *out);
size_t wire_begin_map(struct buffer *out);
void wire_end(struct buffer *out, size_t begin, uint32_t count);

#endif

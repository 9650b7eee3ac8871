#include "protocol/wire.h"

#include "protocol/wire_token.h"

struct wire_reader wire_read(struct bytes bytes)
{
    if (bytes.size == 0)
        return (struct wire_reader){NULL, NULL};
    return (struct wire_reader){bytes.data, bytes.data + bytes.size};
}

static bool next(const struct wire_reader *reader, enum wire_type type, struct wire_token *token)
{
    return wire_token_read(reader->at, reader->end, token) && token->type == type;
}

static void step(struct wire_reader *reader, const struct wire_token *token)
{
    reader->at += token->head + token->body;
}

enum wire_type wire_peek(const struct wire_reader *reader)
{
    struct wire_token token;
    return wire_token_read(reader->at, reader->end, &token) ? token.type : WIRE_NONE;
}

bool wire_at_end(const struct wire_reader *reader)
{
    return reader->at >= reader->end;
}

bool wire_get_nil(struct wire_reader *reader)
{
    struct wire_token token;
    if (!next(reader, WIRE_NIL, &token))
        return false;
    step(reader, &token);
    return true;
}

bool wire_get_bool(struct wire_reader *reader, bool *out)
{
    struct wire_token token;
    if (!next(reader, WIRE_BOOL, &token))
        return false;
    *out = token.integer != 0;
    step(reader, &token);
    return true;
}

bool wire_get_int(struct wire_reader *reader, int64_t *out)
{
    struct wire_token token;
    if (!next(reader, WIRE_INT, &token))
        return false;
    *out = token.integer;
    step(reader, &token);
    return true;
}

bool wire_get_uint(struct wire_reader *reader, uint64_t *out)
{
    struct wire_token token;
    if (!wire_token_read(reader->at, reader->end, &token))
        return false;
    if (token.type == WIRE_UINT)
        *out = token.natural;
    else if (token.type == WIRE_INT && token.integer >= 0)
        *out = (uint64_t)token.integer;
    else
        return false;
    step(reader, &token);
    return true;
}

static bool get_body(struct wire_reader *reader, enum wire_type type, struct bytes *out)
{
    struct wire_token token;
    if (!next(reader, type, &token))
        return false;
    *out = bytes_of(reader->at + token.head, token.body);
    step(reader, &token);
    return true;
}

bool wire_get_str(struct wire_reader *reader, struct bytes *out)
{
    return get_body(reader, WIRE_STR, out);
}

bool wire_get_bin(struct wire_reader *reader, struct bytes *out)
{
    return get_body(reader, WIRE_BIN, out);
}

bool wire_get_id(struct wire_reader *reader, struct id *out)
{
    struct wire_reader ahead = *reader;
    struct bytes bytes;
    if (!wire_get_bin(&ahead, &bytes) || !id_from_bytes(bytes, out))
        return false;
    *reader = ahead;
    return true;
}

static bool get_count(struct wire_reader *reader, enum wire_type type, uint32_t *count)
{
    struct wire_token token;
    if (!next(reader, type, &token))
        return false;
    *count = token.count;
    step(reader, &token);
    return true;
}

bool wire_get_array(struct wire_reader *reader, uint32_t *count)
{
    return get_count(reader, WIRE_ARRAY, count);
}

bool wire_get_map(struct wire_reader *reader, uint32_t *count)
{
    return get_count(reader, WIRE_MAP, count);
}

bool wire_skip(struct wire_reader *reader, struct bytes *out)
{
    struct wire_reader ahead = *reader;
    /* Values still to step over. Each head takes a byte at least, so the loop ends with them. */
    for (uint64_t left = 1; left > 0; left--) {
        struct wire_token token;
        if (!wire_token_read(ahead.at, ahead.end, &token))
            return false;
        left += token.type == WIRE_MAP ? 2 * (uint64_t)token.count : token.count;
        step(&ahead, &token);
    }
    if (out != NULL)
        *out = bytes_of(reader->at, (size_t)(ahead.at - reader->at));
    *reader = ahead;
    return true;
}

bool wire_map_find(struct bytes map, const char *key, struct bytes *value)
{
    struct wire_reader reader = wire_read(map);
    uint32_t count;
    if (!wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, found;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &found))
            return false;
        if (bytes_is(name, key)) {
            *value = found;
            return true;
        }
    }
    return false;
}

bool wire_map_str(struct bytes map, const char *key, struct bytes *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return false;
    struct wire_reader reader = wire_read(value);
    return wire_get_str(&reader, out);
}

bool wire_map_bin(struct bytes map, const char *key, struct bytes *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return false;
    struct wire_reader reader = wire_read(value);
    return wire_get_bin(&reader, out);
}

bool wire_map_uint(struct bytes map, const char *key, uint64_t *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return false;
    struct wire_reader reader = wire_read(value);
    return wire_get_uint(&reader, out);
}

bool wire_map_id(struct bytes map, const char *key, struct id *out)
{
    struct bytes value;
    if (!wire_map_find(map, key, &value))
        return false;
    struct wire_reader reader = wire_read(value);
    return wire_get_id(&reader, out);
}

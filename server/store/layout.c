#include "server/store/layout.h"

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

const char *table_name(enum table table)
{
    static const char *const names[TABLE_COUNT] = {
#define TABLE(name, text) [TABLE_##name] = (text),
        TABLES(TABLE)
#undef TABLE
    };
    assert(table < TABLE_COUNT);
    return names[table];
}

static uint8_t *key_extend(struct key *key, size_t size)
{
    assert(size <= sizeof key->data - key->size);
    uint8_t *at = key->data + key->size;
    key->size += size;
    return at;
}

void key_clear(struct key *key)
{
    key->size = 0;
}

void key_add(struct key *key, struct bytes bytes)
{
    if (bytes.size > 0)
        memcpy(key_extend(key, bytes.size), bytes.data, bytes.size);
}

void key_add_u64(struct key *key, uint64_t value)
{
    put_u64(key_extend(key, 8), value);
}

void key_add_time(struct key *key, int64_t ms)
{
    key_add_u64(key, (uint64_t)ms ^ (UINT64_C(1) << 63));
}

void key_add_id(struct key *key, struct id id)
{
    memcpy(key_extend(key, ID_SIZE), id.octet, ID_SIZE);
}

void key_add_scope(struct key *key, struct scope scope)
{
    scope_put(scope, key_extend(key, SCOPE_SIZE));
}

void key_add_tag(struct key *key, struct tag tag)
{
    tag_put(tag, key_extend(key, TAG_SIZE));
}

struct bytes key_bytes(const struct key *key)
{
    return bytes_of(key->data, key->size);
}

void key_add_ordered(struct key *key, struct bytes value)
{
    ordered_put(value, key_extend(key, ordered_room(value.size)));
}

static bool name_fits(struct bytes name)
{
    return name.size <= LAYOUT_NAME_MAX &&
           (name.size == 0 || memchr(name.data, 0, name.size) == NULL);
}

bool key_begin_index(struct key *key, struct bytes entity, struct bytes field)
{
    static const uint8_t separator[1] = {0};
    if (entity.size == 0 || !name_fits(entity) || !name_fits(field))
        return false;
    key_clear(key);
    key_add(key, entity);
    key_add(key, bytes_of(separator, 1));
    key_add(key, field);
    key_add(key, bytes_of(separator, 1));
    return true;
}

bool bytes_begin_with(struct bytes bytes, struct bytes prefix)
{
    return bytes.size >= prefix.size &&
           (prefix.size == 0 || memcmp(bytes.data, prefix.data, prefix.size) == 0);
}

uint64_t sealed_checksum(struct bytes key, struct bytes payload)
{
    XXH3_state_t hash;
    XXH3_64bits_reset(&hash);
    XXH3_64bits_update(&hash, key.data, key.size);
    if (payload.size > 0)
        XXH3_64bits_update(&hash, payload.data, payload.size);
    return XXH3_64bits_digest(&hash);
}

void sealed_put(struct buffer *out, struct bytes key, struct bytes payload)
{
    uint8_t *at = buffer_extend(out, LAYOUT_CHECKSUM_SIZE);
    if (at != NULL)
        put_u64(at, sealed_checksum(key, payload));
    buffer_append(out, payload.data, payload.size);
}

enum status sealed_open(struct bytes key, struct bytes sealed, struct bytes *payload)
{
    if (sealed.size < LAYOUT_CHECKSUM_SIZE)
        return STATUS_CORRUPT;
    const struct bytes inside =
        bytes_of(sealed.data + LAYOUT_CHECKSUM_SIZE, sealed.size - LAYOUT_CHECKSUM_SIZE);
    if (get_u64(sealed.data) != sealed_checksum(key, inside))
        return STATUS_CORRUPT;
    *payload = inside;
    return STATUS_OK;
}

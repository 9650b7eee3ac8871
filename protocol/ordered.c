#include "protocol/ordered.h"

#include <assert.h>
#include <string.h>

#define CONTINUES 9u

size_t ordered_room(size_t size)
{
    return (size + ORDERED_GROUP - 1) / ORDERED_GROUP * (ORDERED_GROUP + 1);
}

size_t ordered_put(struct bytes value, uint8_t *out)
{
    assert(value.size > 0 && value.size <= SCHEMA_KEY_MAX);
    size_t at = 0;
    while (value.size > 0) {
        const size_t count = value.size < ORDERED_GROUP ? value.size : ORDERED_GROUP;
        memset(out + at, 0, ORDERED_GROUP);
        memcpy(out + at, value.data, count);
        value = bytes_of(value.data + count, value.size - count);
        out[at + ORDERED_GROUP] = (uint8_t)(value.size > 0 ? CONTINUES : count);
        at += ORDERED_GROUP + 1;
    }
    return at;
}

size_t ordered_size(struct bytes bytes)
{
    for (size_t at = 0; at < ORDERED_MAX && bytes.size - at >= ORDERED_GROUP + 1;) {
        const uint8_t count = bytes.data[at + ORDERED_GROUP];
        at += ORDERED_GROUP + 1;
        if (count >= 1 && count <= ORDERED_GROUP)
            return at;
        if (count != CONTINUES)
            return 0;
    }
    return 0;
}

/* One pass over a frame with a stack of the open arrays and maps.
 *
 * The keys of all open maps lie in one array, each map's behind those of the map around it; a
 * map that closes gives its part back. A key is compared with those of its own map by a 32-bit
 * mark first, so that a hostile frame of nothing but keys costs a scan of small numbers and not
 * a comparison of texts.
 */
#include "protocol/wire.h"

#include "protocol/wire_token.h"

struct level {
    uint32_t left;      /* values still to come; of a map, keys and values */
    uint32_t first_key; /* where the keys of this map begin */
    bool map;
};

struct key {
    uint32_t at; /* offset of the encoded key */
    uint32_t mark;
};

struct walk {
    const uint8_t *data;
    size_t size;
    size_t at;
    size_t depth;
    uint32_t keys;
    const char *problem;
    struct level levels[WIRE_MAX_DEPTH];
    struct key key[WIRE_MAX_DEPTH * WIRE_MAX_KEYS];
};

static struct bytes body_of(const struct walk *walk, size_t at, const struct wire_token *token)
{
    return bytes_of(walk->data + at + token->head, token->body);
}

/* FNV-1a, 32 bits. */
static uint32_t mark_of(struct bytes text)
{
    uint32_t mark = 2166136261u;
    for (size_t i = 0; i < text.size; i++)
        mark = (mark ^ text.data[i]) * 16777619u;
    return mark;
}

static bool same_key(const struct walk *walk, uint32_t at, struct bytes text)
{
    struct wire_token token;
    const bool read = wire_token_read(walk->data + at, walk->data + walk->size, &token);
    return read && bytes_equal(body_of(walk, at, &token), text);
}

static bool add_key(struct walk *walk, const struct level *map, const struct wire_token *token)
{
    const struct bytes text = body_of(walk, walk->at, token);
    const uint32_t mark = mark_of(text);
    for (uint32_t i = map->first_key; i < walk->keys; i++)
        if (walk->key[i].mark == mark && same_key(walk, walk->key[i].at, text))
            return false;
    walk->key[walk->keys++] = (struct key){(uint32_t)walk->at, mark};
    return true;
}

static enum status refuse(struct walk *walk, enum status status, const char *problem)
{
    walk->problem = problem;
    return status;
}

static enum status open_level(struct walk *walk, const struct wire_token *token)
{
    if (walk->depth == WIRE_MAX_DEPTH)
        return refuse(walk, STATUS_TOO_DEEP, "nested deeper than 16");
    const bool map = token->type == WIRE_MAP;
    if (map && token->count > WIRE_MAX_KEYS)
        return refuse(walk, STATUS_TOO_LARGE, "a map of more than 256 keys");
    walk->levels[walk->depth++] =
        (struct level){map ? 2 * token->count : token->count, walk->keys, map};
    return STATUS_OK;
}

static void close_levels(struct walk *walk)
{
    while (walk->depth > 0 && walk->levels[walk->depth - 1].left == 0)
        walk->keys = walk->levels[--walk->depth].first_key;
}

/* Checks the value at walk->at and steps over its head and body. */
static enum status step(struct walk *walk)
{
    struct wire_token token;
    if (!wire_token_read(walk->data + walk->at, walk->data + walk->size, &token))
        return refuse(walk, STATUS_MALFORMED, "cut short, or of a type that is not used");
    if (token.type == WIRE_STR && !wire_utf8_valid(body_of(walk, walk->at, &token)))
        return refuse(walk, STATUS_MALFORMED, "a string that is not UTF-8");
    if (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        if (level->map && level->left % 2 == 0) {
            if (token.type != WIRE_STR)
                return refuse(walk, STATUS_MALFORMED, "a key that is not a string");
            if (!add_key(walk, level, &token))
                return refuse(walk, STATUS_MALFORMED, "a key that occurs twice");
        }
        level->left--;
    }
    if (token.type == WIRE_ARRAY || token.type == WIRE_MAP) {
        const enum status status = open_level(walk, &token);
        if (status != STATUS_OK)
            return status;
    }
    walk->at += token.head + token.body;
    close_levels(walk);
    return STATUS_OK;
}

enum status wire_validate(struct bytes bytes, struct fault *fault)
{
    struct walk walk;
    walk.data = bytes.data;
    walk.size = bytes.size;
    walk.at = 0;
    walk.depth = 0;
    walk.keys = 0;
    walk.problem = "";
    enum status status = STATUS_OK;
    if (bytes.size > UINT32_MAX)
        status = refuse(&walk, STATUS_TOO_LARGE, "4 GiB or more");
    else if (bytes.size == 0)
        status = refuse(&walk, STATUS_MALFORMED, "empty");
    if (status == STATUS_OK)
        do
            status = step(&walk);
        while (status == STATUS_OK && walk.depth > 0);
    if (status == STATUS_OK && walk.at != walk.size)
        status = refuse(&walk, STATUS_MALFORMED, "bytes behind the value");
    if (status != STATUS_OK) {
        fault_set(fault, status, (struct bytes){NULL, 0}, "%s", walk.problem);
        if (fault != NULL)
            fault->offset = walk.at;
    }
    return status;
}

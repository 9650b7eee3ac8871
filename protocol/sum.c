#include "protocol/sum.h"

#include <string.h>

#include "protocol/wire.h"

/* What keeps values of different kinds apart. Numbers of the protocol: never changed. */
enum kind {
    OF_NIL = 1,
    OF_BOOLEAN = 2,
    OF_INTEGER = 3,
    OF_LARGE_INTEGER = 4, /* above INT64_MAX */
    OF_TEXT = 5,
    OF_BINARY = 6,
    OF_ARRAY = 7,
    OF_PAIR = 8,
    OF_MAP = 9,
    OF_RECORD = 10,
};

/* The kind is the upper half of the seed: of zero bytes mix128 sees only seed and size, and XORs
 * them, so that of small seeds one with one size would be as another with another. */
static void mix(enum kind kind, struct bytes bytes, uint8_t out[MIX_SIZE])
{
    mix128(bytes, (uint64_t)kind << 32, out);
}

static void lanes_add(struct sum_lanes *lanes, const uint8_t mixed[MIX_SIZE])
{
    lanes->a += get_u64(mixed);
    lanes->b += get_u64(mixed + 8);
}

static void lanes_put(const struct sum_lanes *lanes, uint8_t out[MIX_SIZE])
{
    put_u64(out, lanes->a);
    put_u64(out + 8, lanes->b);
}

static bool mix_value(struct wire_reader *reader, unsigned depth, uint8_t out[MIX_SIZE]);

/* Order matters here: each element is mixed into what came before. */
static bool mix_array(struct wire_reader *reader, unsigned depth, uint8_t out[MIX_SIZE])
{
    uint8_t chain[2 * MIX_SIZE], size[8];
    uint32_t count;
    if (depth == 0 || !wire_get_array(reader, &count))
        return false;
    put_u64(size, count);
    mix(OF_ARRAY, bytes_of(size, sizeof size), chain);
    while (count-- > 0) {
        if (!mix_value(reader, depth - 1, chain + MIX_SIZE))
            return false;
        mix(OF_ARRAY, bytes_of(chain, sizeof chain), chain);
    }
    memcpy(out, chain, MIX_SIZE);
    return true;
}

/* Adds name and value, already mixed, as one pair of a map. */
static void add_pair(struct sum_lanes *lanes, struct bytes name, const uint8_t value[MIX_SIZE])
{
    uint8_t pair[2 * MIX_SIZE], mixed[MIX_SIZE];
    mix(OF_TEXT, name, pair);
    memcpy(pair + MIX_SIZE, value, MIX_SIZE);
    mix(OF_PAIR, bytes_of(pair, sizeof pair), mixed);
    lanes_add(lanes, mixed);
}

static bool mix_map(struct wire_reader *reader, unsigned depth, uint8_t out[MIX_SIZE])
{
    uint8_t value[MIX_SIZE], whole[8 + MIX_SIZE];
    struct sum_lanes lanes = {0, 0};
    struct bytes name;
    uint32_t count;
    if (depth == 0 || !wire_get_map(reader, &count))
        return false;
    put_u64(whole, count);
    while (count-- > 0) {
        if (!wire_get_str(reader, &name) || !mix_value(reader, depth - 1, value))
            return false;
        add_pair(&lanes, name, value);
    }
    lanes_put(&lanes, whole + 8);
    mix(OF_MAP, bytes_of(whole, sizeof whole), out);
    return true;
}

static bool mix_number(struct wire_reader *reader, uint8_t out[MIX_SIZE])
{
    uint8_t octets[8];
    int64_t number;
    uint64_t large = 0;
    bool small = wire_get_int(reader, &number);
    if (!small && !wire_get_uint(reader, &large))
        return false;
    put_u64(octets, small ? (uint64_t)number : large);
    mix(small ? OF_INTEGER : OF_LARGE_INTEGER, bytes_of(octets, sizeof octets), out);
    return true;
}

static bool mix_boolean(struct wire_reader *reader, uint8_t out[MIX_SIZE])
{
    bool truth;
    if (!wire_get_bool(reader, &truth))
        return false;
    const uint8_t octet = truth;
    mix(OF_BOOLEAN, bytes_of(&octet, 1), out);
    return true;
}

/* Mixes the next value; `depth` is how many arrays and maps it may open within each other. */
static bool mix_value(struct wire_reader *reader, unsigned depth, uint8_t out[MIX_SIZE])
{
    struct bytes run = {NULL, 0};
    switch (wire_peek(reader)) {
    case WIRE_NIL:
        mix(OF_NIL, run, out);
        return wire_get_nil(reader);
    case WIRE_BOOL:
        return mix_boolean(reader, out);
    case WIRE_INT:
    case WIRE_UINT:
        return mix_number(reader, out);
    case WIRE_STR:
        if (!wire_get_str(reader, &run))
            return false;
        mix(OF_TEXT, run, out);
        return true;
    case WIRE_BIN:
        if (!wire_get_bin(reader, &run))
            return false;
        mix(OF_BINARY, run, out);
        return true;
    case WIRE_ARRAY:
        return mix_array(reader, depth, out);
    case WIRE_MAP:
        return mix_map(reader, depth, out);
    case WIRE_NONE:
        break;
    }
    return false;
}

void sum_record_begin(struct sum_record *record, struct id id, uint64_t seq)
{
    *record = (struct sum_record){.id = id, .seq = seq};
}

bool sum_record_field(struct sum_record *record, struct bytes name, struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    uint8_t mixed[MIX_SIZE];
    const bool set = wire_peek(&reader) != WIRE_NIL;
    if (!mix_value(&reader, WIRE_MAX_DEPTH, mixed) || !wire_at_end(&reader))
        return false;
    if (set)
        add_pair(&record->fields, name, mixed);
    return true;
}

void sum_record_tag(struct sum_record *record, struct tag tag)
{
    uint8_t octets[TAG_SIZE], mixed[MIX_SIZE];
    tag_put(tag, octets);
    mix(OF_BINARY, bytes_of(octets, sizeof octets), mixed);
    lanes_add(&record->tags, mixed);
}

void sum_add(struct sum *sum, const struct sum_record *record)
{
    uint8_t whole[ID_SIZE + 8 + MIX_SIZE + MIX_SIZE], mixed[MIX_SIZE];
    memcpy(whole, record->id.octet, ID_SIZE);
    put_u64(whole + ID_SIZE, record->seq);
    lanes_put(&record->fields, whole + ID_SIZE + 8);
    lanes_put(&record->tags, whole + ID_SIZE + 8 + MIX_SIZE);
    mix(OF_RECORD, bytes_of(whole, sizeof whole), mixed);
    lanes_add(&sum->lanes, mixed);
    sum->count++;
}

static bool add_fields(struct sum_record *record, struct bytes fields)
{
    struct wire_reader reader = wire_read(fields);
    struct bytes name, value;
    uint32_t count;
    if (!wire_get_map(&reader, &count))
        return false;
    while (count-- > 0)
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value) ||
            !sum_record_field(record, name, value))
            return false;
    return true;
}

static bool add_audience(struct sum_record *record, struct bytes audience)
{
    struct wire_reader reader = wire_read(audience);
    struct bytes octets;
    struct tag tag;
    uint32_t count;
    if (!wire_get_array(&reader, &count))
        return false;
    while (count-- > 0) {
        if (!wire_get_bin(&reader, &octets) || !tag_from_bytes(octets, &tag))
            return false;
        sum_record_tag(record, tag);
    }
    return true;
}

bool sum_add_encoded(struct sum *sum, struct bytes encoded)
{
    struct wire_reader reader = wire_read(encoded);
    struct bytes whole, part;
    struct sum_record record;
    struct id id;
    uint64_t seq;
    /* Stepping over it all first: the keys looked for are then within one whole value. */
    if (wire_peek(&reader) != WIRE_MAP || !wire_skip(&reader, &whole) || !wire_at_end(&reader) ||
        !wire_map_id(whole, "id", &id) || !wire_map_uint(whole, "seq", &seq))
        return false;
    sum_record_begin(&record, id, seq);
    if (wire_map_find(whole, "fields", &part) && !add_fields(&record, part))
        return false;
    if (wire_map_find(whole, "audience", &part) && !add_audience(&record, part))
        return false;
    sum_add(sum, &record);
    return true;
}

bool sum_equal(const struct sum *a, const struct sum *b)
{
    return a->count == b->count && a->lanes.a == b->lanes.a && a->lanes.b == b->lanes.b;
}

void sum_put(const struct sum *sum, uint8_t out[SUM_SIZE])
{
    lanes_put(&sum->lanes, out);
}

bool sum_from_bytes(uint64_t count, struct bytes bytes, struct sum *out)
{
    if (bytes.size != SUM_SIZE)
        return false;
    *out = (struct sum){count, {get_u64(bytes.data), get_u64(bytes.data + 8)}};
    return true;
}

/* The stored form of a record, and questions about one.
 *
 *     1   format (1)            16  id
 *     1   flags: 1 deleted      17  scope
 *     8   seq                    8  shared_seq
 *     1+n entity                17+n created: seq 8, at_ms 8, by 1+n
 *     2   stamps                 2  fields         2  placements      1  restrictions
 *     stamps:        seq 8, at_ms 8, by 1+n
 *     restrictions:  2+n encoded array of department names
 *     placements:    flags 1 (1 another scope follows, 2 the tag has an id, 4 ended),
 *                    [scope 17], tag kind 1, [tag id 16], added 8, [removed 8]
 *     fields:        name 1+n, stamp 2, class 1, restricted 1, value 4+n
 *
 * Numbers are big-endian; "1+n" is a length and so many bytes.
 */
#include "server/core/record/record.h"

#include <assert.h>
#include <string.h>

#include "protocol/wire.h"

#define RECORD_FORMAT 1
#define FLAG_DELETED 1

#define PLACEMENT_OTHER_SCOPE 1
#define PLACEMENT_TAG_ID 2
#define PLACEMENT_ENDED 4

static void append_u16(struct buffer *out, uint16_t value)
{
    uint8_t octets[2];
    put_u16(octets, value);
    buffer_append(out, octets, sizeof octets);
}

static void append_stamp(struct buffer *out, const struct stamp *stamp)
{
    buffer_append_u64(out, stamp->seq);
    buffer_append_u64(out, stamp->at_ms);
    buffer_append_short(out, stamp->by);
}

static void append_scope(struct buffer *out, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    buffer_append(out, octets, sizeof octets);
}

static void append_placement(struct buffer *out, const struct record *record,
                             const struct placement *placement)
{
    unsigned flags = 0;
    if (!scope_equal(placement->scope, record->scope))
        flags |= PLACEMENT_OTHER_SCOPE;
    if (!id_is_zero(placement->tag.id))
        flags |= PLACEMENT_TAG_ID;
    if (placement->removed)
        flags |= PLACEMENT_ENDED;
    buffer_append_byte(out, (uint8_t)flags);
    if (flags & PLACEMENT_OTHER_SCOPE)
        append_scope(out, placement->scope);
    buffer_append_byte(out, placement->tag.kind);
    if (flags & PLACEMENT_TAG_ID)
        buffer_append(out, placement->tag.id.octet, ID_SIZE);
    buffer_append_u64(out, placement->added);
    if (flags & PLACEMENT_ENDED)
        buffer_append_u64(out, placement->removed);
}

static void append_field(struct buffer *out, const struct record_field *field)
{
    uint8_t size[4];
    buffer_append_short(out, field->name);
    append_u16(out, field->stamp);
    buffer_append_byte(out, field->class);
    buffer_append_byte(out, field->restricted);
    put_u32(size, (uint32_t)field->value.size);
    buffer_append(out, size, sizeof size);
    buffer_append(out, field->value.data, field->value.size);
}

void record_encode(struct buffer *out, const struct record *record)
{
    buffer_append_byte(out, RECORD_FORMAT);
    buffer_append_byte(out, record->deleted ? FLAG_DELETED : 0);
    buffer_append(out, record->id.octet, ID_SIZE);
    append_scope(out, record->scope);
    buffer_append_u64(out, record->seq);
    buffer_append_u64(out, record->shared_seq);
    buffer_append_short(out, record->entity);
    append_stamp(out, &record->created);
    append_u16(out, record->stamp_count);
    append_u16(out, record->field_count);
    append_u16(out, record->placement_count);
    buffer_append_byte(out, (uint8_t)record->restriction_count);
    for (unsigned i = 0; i < record->stamp_count; i++)
        append_stamp(out, &record->stamps[i]);
    for (unsigned i = 0; i < record->restriction_count; i++) {
        assert(record->restrictions[i].size <= UINT16_MAX);
        append_u16(out, (uint16_t)record->restrictions[i].size);
        buffer_append(out, record->restrictions[i].data, record->restrictions[i].size);
    }
    for (unsigned i = 0; i < record->placement_count; i++)
        append_placement(out, record, &record->placements[i]);
    for (unsigned i = 0; i < record->field_count; i++)
        append_field(out, &record->fields[i]);
}

/* A place in stored bytes; once `bad`, every take gives zeros. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static const uint8_t zeros[SCOPE_SIZE];

static const uint8_t *take(struct cursor *cursor, size_t size)
{
    if (cursor->bad || (size_t)(cursor->end - cursor->at) < size) {
        cursor->bad = true;
        return NULL;
    }
    const uint8_t *at = cursor->at;
    cursor->at += size;
    return at;
}

static const uint8_t *take_fixed(struct cursor *cursor, size_t size)
{
    assert(size <= sizeof zeros);
    const uint8_t *at = take(cursor, size);
    return at ? at : zeros;
}

static uint8_t take_u8(struct cursor *cursor)
{
    return *take_fixed(cursor, 1);
}

static uint16_t take_u16(struct cursor *cursor)
{
    return get_u16(take_fixed(cursor, 2));
}

static uint64_t take_u64(struct cursor *cursor)
{
    return get_u64(take_fixed(cursor, 8));
}

static struct bytes take_bytes(struct cursor *cursor, size_t size)
{
    const uint8_t *at = take(cursor, size);
    return at ? (struct bytes){at, size} : (struct bytes){NULL, 0};
}

static struct id take_id(struct cursor *cursor)
{
    struct id id;
    memcpy(id.octet, take_fixed(cursor, ID_SIZE), ID_SIZE);
    return id;
}

static struct scope take_scope(struct cursor *cursor)
{
    struct scope scope = {0};
    if (!scope_from_bytes((struct bytes){take_fixed(cursor, SCOPE_SIZE), SCOPE_SIZE}, &scope))
        cursor->bad = true;
    return scope;
}

static struct stamp take_stamp(struct cursor *cursor)
{
    struct stamp stamp;
    stamp.seq = take_u64(cursor);
    stamp.at_ms = take_u64(cursor);
    stamp.by = take_bytes(cursor, take_u8(cursor));
    return stamp;
}

static struct placement take_placement(struct cursor *cursor, struct scope own)
{
    struct placement placement = {.scope = own};
    unsigned flags = take_u8(cursor);
    if (flags & PLACEMENT_OTHER_SCOPE)
        placement.scope = take_scope(cursor);
    uint8_t tag[TAG_SIZE] = {take_u8(cursor)};
    if (flags & PLACEMENT_TAG_ID)
        memcpy(tag + 1, take_fixed(cursor, ID_SIZE), ID_SIZE);
    if (!tag_from_bytes((struct bytes){tag, sizeof tag}, &placement.tag))
        cursor->bad = true;
    placement.added = take_u64(cursor);
    if (flags & PLACEMENT_ENDED)
        placement.removed = take_u64(cursor);
    return placement;
}

static struct record_field take_field(struct cursor *cursor, const struct record *record)
{
    struct record_field field;
    field.name = take_bytes(cursor, take_u8(cursor));
    field.stamp = take_u16(cursor);
    field.class = take_u8(cursor);
    field.restricted = take_u8(cursor);
    field.value = take_bytes(cursor, get_u32(take_fixed(cursor, 4)));
    if (field.stamp >= record->stamp_count || field.class > CLASS_RESTRICTED ||
        field.restricted > record->restriction_count || field.value.size == 0)
        cursor->bad = true;
    return field;
}

static void take_head(struct cursor *cursor, struct record *out)
{
    if (take_u8(cursor) != RECORD_FORMAT)
        cursor->bad = true;
    out->deleted = take_u8(cursor) & FLAG_DELETED;
    out->id = take_id(cursor);
    out->scope = take_scope(cursor);
    out->seq = take_u64(cursor);
    out->shared_seq = take_u64(cursor);
    out->entity = take_bytes(cursor, take_u8(cursor));
    out->created = take_stamp(cursor);
    out->stamp_count = take_u16(cursor);
    out->field_count = take_u16(cursor);
    out->placement_count = take_u16(cursor);
    out->restriction_count = take_u8(cursor);
    if (out->stamp_count > RECORD_MAX_STAMPS || out->field_count > LIMIT_FIELDS ||
        out->placement_count > LIMIT_PLACEMENTS || out->restriction_count > RECORD_MAX_RESTRICTIONS)
        cursor->bad = true;
}

enum status record_decode(struct bytes bytes, struct record *out)
{
    if (!bytes.data)
        return STATUS_CORRUPT;
    struct cursor cursor = {bytes.data, bytes.data + bytes.size, false};
    take_head(&cursor, out);
    if (cursor.bad)
        return STATUS_CORRUPT;
    for (unsigned i = 0; i < out->stamp_count; i++)
        out->stamps[i] = take_stamp(&cursor);
    for (unsigned i = 0; i < out->restriction_count; i++)
        out->restrictions[i] = take_bytes(&cursor, take_u16(&cursor));
    for (unsigned i = 0; i < out->placement_count; i++)
        out->placements[i] = take_placement(&cursor, out->scope);
    for (unsigned i = 0; i < out->field_count; i++)
        out->fields[i] = take_field(&cursor, out);
    return cursor.bad || cursor.at != cursor.end ? STATUS_CORRUPT : STATUS_OK;
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

const struct record_field *record_field_any(const struct record *record, struct bytes name)
{
    for (unsigned i = 0; i < record->field_count; i++)
        if (bytes_equal(record->fields[i].name, name))
            return &record->fields[i];
    return NULL;
}

const struct record_field *record_field(const struct record *record, const char *name)
{
    const struct record_field *field = record_field_any(record, bytes_text(name));
    return field && !is_nil(field->value) ? field : NULL;
}

struct bytes record_text(const struct record *record, const char *name)
{
    const struct record_field *field = record_field(record, name);
    struct bytes text = {NULL, 0};
    if (field) {
        struct wire_reader reader = wire_read(field->value);
        wire_get_str(&reader, &text);
    }
    return text;
}

struct id record_reference(const struct record *record, const char *name)
{
    const struct record_field *field = record_field(record, name);
    struct id id = {{0}};
    if (field) {
        struct wire_reader reader = wire_read(field->value);
        wire_get_id(&reader, &id);
    }
    return id;
}

bool record_boolean(const struct record *record, const char *name)
{
    const struct record_field *field = record_field(record, name);
    bool value = false;
    if (field) {
        struct wire_reader reader = wire_read(field->value);
        wire_get_bool(&reader, &value);
    }
    return value;
}

bool record_has_reference(const struct record *record, const char *name, struct id id)
{
    const struct record_field *field = record_field(record, name);
    if (!field)
        return false;
    struct wire_reader reader = wire_read(field->value);
    uint32_t count = 1;
    if (wire_peek(&reader) == WIRE_ARRAY && !wire_get_array(&reader, &count))
        return false;
    struct id other;
    for (uint32_t i = 0; i < count && wire_get_id(&reader, &other); i++)
        if (id_equal(other, id))
            return true;
    return false;
}

uint64_t record_lane_seq(const struct record *record, const struct placement *placement)
{
    if (placement->removed)
        return placement->removed;
    if (!tag_is_outside(placement->tag))
        return record->seq;
    return record->shared_seq > placement->added ? record->shared_seq : placement->added;
}

bool record_is_live(const struct record *record, const struct scope *scope, struct tag tag)
{
    const struct scope where = scope ? *scope : record->scope;
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        if (!placement->removed && scope_equal(placement->scope, where) &&
            tag_equal(placement->tag, tag))
            return true;
    }
    return false;
}

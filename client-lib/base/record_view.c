#include "client-lib/base/record.h"

#include "protocol/message.h"

/* The parts of a record, in the order in which they are usually written. */
enum part {
    PART_ID,
    PART_ENTITY,
    PART_SCOPE,
    PART_AUDIENCE,
    PART_SEQ,
    PART_CREATED_BY,
    PART_CREATED_AT,
    PART_MODIFIED_BY,
    PART_MODIFIED_AT,
    PART_FIELDS,
    PART_COUNT
};

static enum part part_of(struct bytes key, enum part expected)
{
#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    static const struct bytes names[PART_COUNT] = {
        NAME("id"),         NAME("entity"),    NAME("scope"),     NAME("audience"),
        NAME("seq"),        NAME("createdBy"), NAME("createdAt"), NAME("modifiedBy"),
        NAME("modifiedAt"), NAME("fields"),
    };
#undef NAME
    if (expected < PART_COUNT && bytes_equal(key, names[expected]))
        return expected;
    for (int part = 0; part < PART_COUNT; part++)
        if (bytes_equal(key, names[part]))
            return (enum part)part;
    return PART_COUNT;
}

static bool get_name(struct wire_reader *reader, struct bytes *out)
{
    return wire_get_str(reader, out) && out->size <= RECORD_NAME_MAX;
}

/* A name that stands in keys and is compared as C text: not empty, no NUL inside. */
static bool get_entity(struct wire_reader *reader, struct bytes *out)
{
    if (!get_name(reader, out) || out->size == 0)
        return false;
    for (size_t i = 0; i < out->size; i++)
        if (out->data[i] == 0)
            return false;
    return true;
}

static bool get_scope(struct wire_reader *reader, struct scope *out)
{
    struct bytes bytes;
    return wire_get_bin(reader, &bytes) && scope_from_bytes(bytes, out);
}

/* What was read since `begin`. */
static struct bytes read_since(const uint8_t *begin, const struct wire_reader *reader)
{
    return bytes_of(begin, (size_t)(reader->at - begin));
}

static bool get_audience(struct wire_reader *reader, struct record_view *out)
{
    const uint8_t *begin = reader->at;
    if (!wire_get_array(reader, &out->audience_count) || out->audience_count > LIMIT_PLACEMENTS)
        return false;
    for (uint32_t i = 0; i < out->audience_count; i++) {
        struct bytes bytes;
        struct tag tag;
        if (!wire_get_bin(reader, &bytes) || !tag_from_bytes(bytes, &tag))
            return false;
    }
    out->audience = read_since(begin, reader);
    return true;
}

static bool get_fields(struct wire_reader *reader, struct record_view *out)
{
    const uint8_t *begin = reader->at;
    if (!wire_get_map(reader, &out->field_count) || out->field_count > LIMIT_FIELDS)
        return false;
    for (uint32_t i = 0; i < out->field_count; i++) {
        struct bytes name;
        if (!get_name(reader, &name) || !wire_skip(reader, NULL))
            return false;
    }
    out->fields = read_since(begin, reader);
    return true;
}

/* Reads the value of one part; false when it is of the wrong shape. */
static bool get_part(struct wire_reader *reader, enum part part, struct record_view *out)
{
    switch (part) {
    case PART_ID:
        return wire_get_id(reader, &out->id);
    case PART_ENTITY:
        return get_entity(reader, &out->entity);
    case PART_SCOPE:
        return get_scope(reader, &out->scope);
    case PART_AUDIENCE:
        return get_audience(reader, out);
    case PART_SEQ:
        return wire_get_uint(reader, &out->seq);
    case PART_CREATED_BY:
        return get_name(reader, &out->created_by);
    case PART_CREATED_AT:
        return wire_get_int(reader, &out->created_at);
    case PART_MODIFIED_BY:
        return get_name(reader, &out->modified_by);
    case PART_MODIFIED_AT:
        return wire_get_int(reader, &out->modified_at);
    case PART_FIELDS:
        return get_fields(reader, out);
    default:
        return wire_skip(reader, NULL);
    }
}

bool record_view_read(struct bytes encoded, struct record_view *out)
{
    struct wire_reader reader = wire_read(encoded);
    uint32_t count = 0;
    unsigned seen = 0;
    enum part part = PART_ID;
    *out = (struct record_view){0};
    if (!wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key;
        if (!wire_get_str(&reader, &key))
            return false;
        part = part_of(key, part);
        if (!get_part(&reader, part, out))
            return false;
        seen |= 1u << part;
        part = part < PART_COUNT ? (enum part)(part + 1) : PART_COUNT;
    }
    return (seen | 1u << PART_COUNT) == (1u << (PART_COUNT + 1)) - 1;
}

/* The value of a time or date field in milliseconds. */
static bool field_ms(struct bytes value, int64_t *ms)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text;
    int64_t days = 0;
    if (wire_get_int(&reader, ms))
        return true;
    if (!wire_get_str(&reader, &text) || !schema_date_from_text(text, &days))
        return false;
    *ms = days * INT64_C(86400000);
    return true;
}

bool record_view_time(const struct record_view *view, int64_t *ms)
{
    const struct entity_def *entity = schema_entity(view->entity);
    struct bytes value;
    if (view->scope.kind != SCOPE_ACCOUNT || entity == NULL || entity->timeline_field == NULL)
        return false;
    if (wire_map_find(view->fields, entity->timeline_field, &value) && field_ms(value, ms))
        return true;
    *ms = view->created_at;
    return true;
}

#include "client-lib/record.h"

#include "protocol/message.h"

enum {
    PART_ID = 1,
    PART_ENTITY = 2,
    PART_SCOPE = 4,
    PART_AUDIENCE = 8,
    PART_SEQ = 16,
    PART_CREATED_BY = 32,
    PART_CREATED_AT = 64,
    PART_MODIFIED_BY = 128,
    PART_MODIFIED_AT = 256,
    PART_FIELDS = 512,
    PART_ALL = 1023
};

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

static bool get_audience(struct wire_reader *reader, struct record_view *out)
{
    if (!wire_skip(reader, &out->audience))
        return false;
    struct wire_reader inside = wire_read(out->audience);
    if (!wire_get_array(&inside, &out->audience_count) || out->audience_count > LIMIT_PLACEMENTS)
        return false;
    for (uint32_t i = 0; i < out->audience_count; i++) {
        struct bytes bytes;
        struct tag tag;
        if (!wire_get_bin(&inside, &bytes) || !tag_from_bytes(bytes, &tag))
            return false;
    }
    return true;
}

static bool get_fields(struct wire_reader *reader, struct record_view *out)
{
    if (!wire_skip(reader, &out->fields))
        return false;
    struct wire_reader inside = wire_read(out->fields);
    if (!wire_get_map(&inside, &out->field_count) || out->field_count > LIMIT_FIELDS)
        return false;
    for (uint32_t i = 0; i < out->field_count; i++) {
        struct bytes name;
        if (!get_name(&inside, &name) || !wire_skip(&inside, NULL))
            return false;
    }
    return true;
}

/* Reads the value of one key; the part it was, 0 for a key to be ignored, -1 when it is wrong. */
static int get_part(struct wire_reader *reader, struct bytes key, struct record_view *out)
{
#define PART(name, part, read)                                                                     \
    if (bytes_is(key, name))                                                                       \
    return (read) ? (part) : -1
    PART("id", PART_ID, wire_get_id(reader, &out->id));
    PART("entity", PART_ENTITY, get_entity(reader, &out->entity));
    PART("scope", PART_SCOPE, get_scope(reader, &out->scope));
    PART("audience", PART_AUDIENCE, get_audience(reader, out));
    PART("seq", PART_SEQ, wire_get_uint(reader, &out->seq));
    PART("createdBy", PART_CREATED_BY, get_name(reader, &out->created_by));
    PART("createdAt", PART_CREATED_AT, wire_get_int(reader, &out->created_at));
    PART("modifiedBy", PART_MODIFIED_BY, get_name(reader, &out->modified_by));
    PART("modifiedAt", PART_MODIFIED_AT, wire_get_int(reader, &out->modified_at));
    PART("fields", PART_FIELDS, get_fields(reader, out));
#undef PART
    return wire_skip(reader, NULL) ? 0 : -1;
}

bool record_view_read(struct bytes encoded, struct record_view *out)
{
    struct wire_reader reader = wire_read(encoded);
    uint32_t count = 0;
    int parts = 0;
    *out = (struct record_view){0};
    if (!wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key;
        if (!wire_get_str(&reader, &key))
            return false;
        int part = get_part(&reader, key, out);
        if (part < 0)
            return false;
        parts |= part;
    }
    return parts == PART_ALL;
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

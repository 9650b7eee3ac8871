#include "server/store/entries.h"

#define DAY_MS INT64_C(86400000)

/* Entities made by the company have their fields described by records, which a pure function of
 * one record cannot read: of those, what every entity has is indexed. */
static const struct field_def custom_fields[] = {
    {.name = "name", .kind = KIND_TEXT, .flags = FIELD_INDEXED},
    {.name = "externalId", .kind = KIND_TEXT, .flags = FIELD_INDEXED},
};

void entries_release(struct entries *entries)
{
    buffer_release(&entries->value);
    entries->count = 0;
}

static struct key *entries_add(struct entries *entries, enum table table)
{
    if (entries->count == ENTRIES_MAX)
        return NULL;
    struct entry *entry = &entries->entry[entries->count++];
    entry->table = table;
    key_clear(&entry->key);
    return &entry->key;
}

static enum status add_lanes(const struct record *record, struct entries *entries)
{
    for (size_t i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        struct key *key = entries_add(entries, TABLE_LANE);
        if (key == NULL)
            return STATUS_LIMIT;
        key_add_scope(key, placement->scope);
        key_add_tag(key, placement->tag);
        key_add_u64(key, record_lane_seq(record, placement));
        key_add_id(key, record->id);
    }
    return STATUS_OK;
}

/* `value` empty: the walk by id. */
static enum status add_index_row(const struct record *record, struct bytes field,
                                 struct bytes value, struct entries *entries)
{
    struct key *key = entries_add(entries, TABLE_INDEX);
    if (key == NULL)
        return STATUS_LIMIT;
    if (!key_begin_index(key, record->entity, field))
        return STATUS_INVALID_VALUE;
    if (value.size > 0)
        key_add_ordered(key, value);
    key_add_id(key, record->id);
    return STATUS_OK;
}

static bool has_text_key(enum field_kind kind)
{
    return kind == KIND_TEXT || kind == KIND_LONG_TEXT || kind == KIND_ENUM || kind == KIND_DATE ||
           kind == KIND_EMAIL || kind == KIND_PHONE || kind == KIND_URL;
}

/* As it was before format 3: letters beyond ASCII as they are. */
static void put_ascii_key(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text = {0};
    wire_get_str(&reader, &text);
    for (size_t i = 0; i < text.size && i < SCHEMA_KEY_MAX; i++) {
        const uint8_t octet = text.data[i];
        buffer_append_byte(out, octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : octet);
    }
}

static enum status add_field(const struct record *record, const struct field_def *def,
                             struct entries *entries)
{
    if ((def->flags & (FIELD_INDEXED | FIELD_UNIQUE)) == 0)
        return STATUS_OK;
    const struct record_field *field = record_field(record, def->name);
    if (field == NULL)
        return STATUS_OK;
    buffer_clear(&entries->value);
    if (entries->ascii && has_text_key(def->kind))
        put_ascii_key(field->value, &entries->value);
    else
        schema_index_key(def->kind, field->value, &entries->value);
    if (entries->value.failed)
        return STATUS_NO_MEMORY;
    struct bytes value = buffer_bytes(&entries->value);
    if (value.size == 0)
        return STATUS_OK;
    if (value.size > SCHEMA_KEY_MAX)
        value.size = SCHEMA_KEY_MAX;
    return add_index_row(record, bytes_text(def->name), value, entries);
}

static enum status add_fields(const struct record *record, const struct field_def *defs,
                              size_t count, const struct entity_def *unless_own,
                              struct entries *entries)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct field_def *def = &defs[i];
        if (unless_own != NULL && schema_field(unless_own, bytes_text(def->name)) != def)
            continue;
        status = add_field(record, def, entries);
    }
    return status;
}

static enum status add_index(const struct record *record, const struct entity_def *entity,
                             struct entries *entries)
{
    const enum status status = add_index_row(record, (struct bytes){0}, (struct bytes){0}, entries);
    if (status != STATUS_OK)
        return status;
    if (entity == NULL)
        return add_fields(record, custom_fields, sizeof custom_fields / sizeof *custom_fields, NULL,
                          entries);
    const enum status own = add_fields(record, entity->fields, entity->field_count, NULL, entries);
    if (own != STATUS_OK)
        return own;
    size_t count;
    const struct field_def *common = schema_common_fields(&count);
    return add_fields(record, common, count, entity, entries);
}

/* When the record happened: its timeline field, or its creation where that says nothing. */
static int64_t timeline_ms(const struct record *record, const struct entity_def *entity)
{
    const int64_t created = (int64_t)record->created.at_ms;
    const struct record_field *field = record_field(record, entity->timeline_field);
    const struct field_def *def = schema_field(entity, bytes_text(entity->timeline_field));
    if (field == NULL || def == NULL)
        return created;
    struct wire_reader reader = wire_read(field->value);
    int64_t ms, days;
    struct bytes text;
    if (def->kind == KIND_TIME && wire_get_int(&reader, &ms))
        return ms;
    if (def->kind == KIND_DATE && wire_get_str(&reader, &text) &&
        schema_date_from_text(text, &days) && !__builtin_mul_overflow(days, DAY_MS, &ms))
        return ms;
    return created;
}

static enum status add_timeline(const struct record *record, const struct entity_def *entity,
                                struct entries *entries)
{
    if (entity == NULL || entity->timeline_field == NULL || record->scope.kind != SCOPE_ACCOUNT)
        return STATUS_OK;
    struct key *key = entries_add(entries, TABLE_TIMELINE);
    if (key == NULL)
        return STATUS_LIMIT;
    key_add_scope(key, record->scope);
    key_add_time(key, timeline_ms(record, entity));
    key_add_id(key, record->id);
    return STATUS_OK;
}

enum status entries_of(const struct record *record, struct entries *entries)
{
    entries->count = 0;
    struct key *feed = entries_add(entries, TABLE_FEED);
    key_add_u64(feed, record->seq);
    key_add_id(feed, record->id);
    enum status status = add_lanes(record, entries);
    if (status != STATUS_OK || record->deleted)
        return status;
    const struct entity_def *entity = schema_entity(record->entity);
    status = add_index(record, entity, entries);
    return status == STATUS_OK ? add_timeline(record, entity, entries) : status;
}

bool entries_have(const struct entries *entries, const struct entry *entry)
{
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *have = &entries->entry[i];
        if (have->table == entry->table &&
            bytes_equal(key_bytes(&have->key), key_bytes(&entry->key)))
            return true;
    }
    return false;
}

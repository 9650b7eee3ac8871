#include "client-lib/base/record.h"

#include <string.h>

#include "client-lib/base/json.h"
#include "protocol/memory.h"
#include "protocol/wire.h"

bool record_init(struct tandem_record *record, struct bytes encoded,
                 const struct field_source *source)
{
    struct record_view *view = &record->view;
    if (!record_view_read(encoded, view))
        return false;
    record->encoded = encoded;
    record->source = source;
    record->state = TANDEM_STATE_SYNCED;
    record->apart = false;
    record->texts = (struct texts){0};
    record->id[0] = record->scope[0] = record->entity[0] = '\0';
    record->created_by[0] = record->modified_by[0] = '\0';
    return true;
}

void record_release(struct tandem_record *record)
{
    texts_release(&record->texts);
}

/* The record is const for its readers; every tandem_record is made by this library as a variable,
 * so the texts made on demand may be added. */
static struct tandem_record *owner_of(const struct tandem_record *record)
{
    return (struct tandem_record *)(uintptr_t)record;
}

/* Keeps a copy of `text` with the record. */
static const char *keep(const struct tandem_record *record, struct bytes text)
{
    return texts_keep(&owner_of(record)->texts, text);
}

/* What a value looks like when no definition says what it is. */
static enum field_kind kind_of(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    struct bytes part;
    uint32_t count = 0;
    switch (wire_peek(&reader)) {
    case WIRE_BOOL:
        return KIND_BOOLEAN;
    case WIRE_INT:
    case WIRE_UINT:
        return KIND_INTEGER;
    case WIRE_BIN:
        return KIND_REFERENCE;
    case WIRE_ARRAY:
        return wire_get_array(&reader, &count) && wire_peek(&reader) == WIRE_BIN ? KIND_REFERENCES
                                                                                 : KIND_TAGS;
    case WIRE_MAP:
        if (wire_map_find(value, "amount", &part))
            return KIND_MONEY;
        return wire_map_find(value, "sha256", &part) ? KIND_BLOB : KIND_ADDRESS;
    default:
        return KIND_LONG_TEXT;
    }
}

/* With no entity known: a time when some entity has a time of this name and none an integer. */
static bool only_a_time(struct bytes name)
{
    bool found = false;
    for (size_t i = 0; i < schema_entity_count(); i++) {
        const struct field_def *field = schema_field(schema_entity_at(i), name);
        if (field != NULL && field->kind == KIND_INTEGER)
            return false;
        found = found || (field != NULL && field->kind == KIND_TIME);
    }
    return found;
}

void value_print(struct bytes entity, struct bytes name, struct bytes value,
                 const struct field_source *source, struct buffer *out)
{
    const struct entity_def *known = schema_entity(entity);
    const struct field_def *field = known != NULL ? schema_field(known, name) : NULL;
    struct field_def found = {.name = "", .kind = kind_of(value)};
    if (field == NULL && found.kind == KIND_INTEGER) {
        struct custom_field_storage storage;
        struct field_def custom;
        if (entity.size == 0 && only_a_time(name))
            found.kind = KIND_TIME;
        else if (entity.size > 0 && source != NULL && source->find != NULL &&
                 source->find(source->context, entity, name, &custom, &storage))
            found.kind = custom.kind == KIND_TIME ? KIND_TIME : KIND_INTEGER;
    }
    schema_print(field != NULL ? field : &found, value, out);
}

static bool find_field(const struct tandem_record *record, const char *name, struct bytes *value)
{
    if (name == NULL)
        return false;
    if (wire_map_find(record->view.fields, name, value))
        return true;
    const struct entity_def *entity = schema_entity(record->view.entity);
    const struct field_def *field = entity != NULL ? schema_field(entity, bytes_text(name)) : NULL;
    return field != NULL && wire_map_find(record->view.fields, field->name, value);
}

const char *tandem_record_text(const tandem_record *record, const char *field)
{
    struct buffer text = {0};
    struct bytes value;
    const char *kept = NULL;
    if (!find_field(record, field, &value))
        return NULL;
    value_print(record->view.entity, bytes_text(field), value, record->source, &text);
    if (!text.failed)
        kept = keep(record, buffer_bytes(&text));
    buffer_release(&text);
    return kept;
}

/* The first line of a text field; false when there is none worth showing. */
static bool first_line(const struct tandem_record *record, const char *field, struct bytes *out)
{
    struct bytes value;
    struct wire_reader reader;
    if (!wire_map_find(record->view.fields, field, &value))
        return false;
    reader = wire_read(value);
    if (!wire_get_str(&reader, out))
        return false;
    const void *end = out->size > 0 ? memchr(out->data, '\n', out->size) : NULL;
    if (end != NULL)
        out->size = (size_t)((const uint8_t *)end - out->data);
    return out->size > 0;
}

/* "Kari Nordmann", from the parts that are set. */
static const char *person_title(const struct tandem_record *record)
{
    struct bytes first, last;
    bool has_first = first_line(record, "firstName", &first);
    bool has_last = first_line(record, "lastName", &last);
    struct buffer name = {0};
    const char *kept = NULL;
    if (!has_first && !has_last)
        return NULL;
    if (has_first)
        buffer_append(&name, first.data, first.size);
    if (has_first && has_last)
        buffer_append_byte(&name, ' ');
    if (has_last)
        buffer_append(&name, last.data, last.size);
    if (!name.failed)
        kept = keep(record, buffer_bytes(&name));
    buffer_release(&name);
    return kept;
}

const char *tandem_record_title(const tandem_record *record)
{
    static const char *const usual[] = {"name", "subject", "title", "text", "body"};
    const struct entity_def *entity = schema_entity(record->view.entity);
    struct bytes line;
    const char *title = person_title(record);
    if (title != NULL)
        return title;
    if (entity != NULL && entity->title_field != NULL &&
        first_line(record, entity->title_field, &line))
        title = keep(record, line);
    for (size_t i = 0; title == NULL && i < sizeof usual / sizeof *usual; i++)
        if (first_line(record, usual[i], &line))
            title = keep(record, line);
    return title != NULL ? title : tandem_record_id(record);
}

/* A name as text, written to its place when it is first asked for. */
static const char *name_text(struct bytes name, char place[RECORD_NAME_MAX + 1])
{
    return place[0] != '\0' ? place : bytes_to_text(name, place, RECORD_NAME_MAX + 1);
}

const char *tandem_record_id(const tandem_record *record)
{
    return record->id[0] != '\0' ? record->id : id_to_text(record->view.id, owner_of(record)->id);
}

const char *tandem_record_entity(const tandem_record *record)
{
    return name_text(record->view.entity, owner_of(record)->entity);
}

const char *tandem_record_scope(const tandem_record *record)
{
    return record->scope[0] != '\0' ? record->scope
                                    : scope_to_text(record->view.scope, owner_of(record)->scope);
}

uint64_t tandem_record_seq(const tandem_record *record)
{
    return record->view.seq;
}

const char *tandem_record_created_by(const tandem_record *record)
{
    return name_text(record->view.created_by, owner_of(record)->created_by);
}

const char *tandem_record_modified_by(const tandem_record *record)
{
    return name_text(record->view.modified_by, owner_of(record)->modified_by);
}

int64_t tandem_record_created_at(const tandem_record *record)
{
    return record->view.created_at;
}

int64_t tandem_record_modified_at(const tandem_record *record)
{
    return record->view.modified_at;
}

size_t tandem_record_audience_count(const tandem_record *record)
{
    return record->view.audience_count;
}

const char *tandem_record_audience(const tandem_record *record, size_t index)
{
    struct wire_reader reader = wire_read(record->view.audience);
    char text[TAG_TEXT_SIZE];
    struct bytes bytes = {0};
    struct tag tag;
    uint32_t count = 0;
    if (!wire_get_array(&reader, &count) || index >= count)
        return NULL;
    for (size_t i = 0; i <= index; i++)
        if (!wire_get_bin(&reader, &bytes))
            return NULL;
    return tag_from_bytes(bytes, &tag) ? keep(record, bytes_text(tag_to_text(tag, text))) : NULL;
}

size_t tandem_record_field_count(const tandem_record *record)
{
    return record->view.field_count;
}

const char *tandem_record_field_name(const tandem_record *record, size_t index)
{
    struct wire_reader reader = wire_read(record->view.fields);
    struct bytes name = {0};
    uint32_t count = 0;
    if (!wire_get_map(&reader, &count) || index >= count)
        return NULL;
    for (size_t i = 0; i <= index; i++) {
        if (i > 0 && !wire_skip(&reader, NULL))
            return NULL;
        if (!wire_get_str(&reader, &name))
            return NULL;
    }
    return keep(record, name);
}

char *tandem_record_json(const tandem_record *record)
{
    struct buffer out = {0};
    json_record(&out, &record->view);
    return json_take(&out);
}

char *tandem_record_field_json(const tandem_record *record, const char *field)
{
    struct buffer out = {0};
    struct bytes value;
    if (!find_field(record, field, &value))
        return NULL;
    json_value(&out, value, false);
    return json_take(&out);
}

void tandem_free(void *memory)
{
    memory_free(memory);
}

tandem_state tandem_record_state(const tandem_record *record)
{
    return record->state;
}

#include "protocol/schema.h"

#include <assert.h>

static const char *const kind_names[KIND_COUNT] = {
    [KIND_TEXT] = "text",         [KIND_LONG_TEXT] = "longText", [KIND_INTEGER] = "integer",
    [KIND_DECIMAL] = "decimal",   [KIND_BOOLEAN] = "boolean",    [KIND_ENUM] = "enum",
    [KIND_DATE] = "date",         [KIND_TIME] = "time",          [KIND_MONEY] = "money",
    [KIND_EMAIL] = "email",       [KIND_PHONE] = "phone",        [KIND_URL] = "url",
    [KIND_ADDRESS] = "address",   [KIND_REFERENCE] = "reference",
    [KIND_REFERENCES] = "references", [KIND_TAGS] = "tags",      [KIND_BLOB] = "blob",
};

const char *schema_kind_name(enum field_kind kind)
{
    assert(kind < KIND_COUNT);
    return kind_names[kind];
}

bool schema_kind_from_name(struct bytes name, enum field_kind *out)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (bytes_is(name, kind_names[i])) {
            *out = (enum field_kind)i;
            return true;
        }
    return false;
}

const struct entity_def *schema_entity(struct bytes name)
{
    const size_t count = schema_entity_count();
    for (size_t i = 0; i < count; i++)
        if (bytes_is(name, schema_entity_at(i)->name))
            return schema_entity_at(i);
    return NULL;
}

static const struct field_def *find(const struct field_def *fields, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

static const struct field_def *own_or_common(const struct entity_def *entity, struct bytes name)
{
    size_t count;
    const struct field_def *common = schema_common_fields(&count);
    const struct field_def *field = find(entity->fields, entity->field_count, name);
    return field != NULL ? field : find(common, count, name);
}

const struct field_def *schema_field(const struct entity_def *entity, struct bytes name)
{
    const struct field_def *field = own_or_common(entity, name);
    if (field == NULL && bytes_is(name, "phone"))
        field = own_or_common(entity, bytes_text("phoneNumber"));
    if (field == NULL && bytes_is(name, "email"))
        field = own_or_common(entity, bytes_text("emailAddress"));
    return field;
}

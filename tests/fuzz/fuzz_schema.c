/* The first byte chooses a kind of field and what the rest is: an encoded value, a text, or the
 * record of a custom field or entity. */
#include "fuzz.h"

#include <string.h>

#include "protocol/schema.h"

static const char *const values[] = {"Closed Won", "Closed Lost", "closed-won", NULL};

/* Parses `text`, which must succeed, prints the result and parses it again: the same comes out. */
static void must_settle(const struct field_def *field, struct bytes text)
{
    struct buffer value = {0}, printed = {0}, again = {0};
    MUST(schema_parse(field, text, &value, NULL) == STATUS_OK);
    MUST(wire_validate(buffer_bytes(&value), NULL) == STATUS_OK);
    MUST(schema_check(field, buffer_bytes(&value), NULL) == STATUS_OK);
    schema_print(field, buffer_bytes(&value), &printed);
    MUST(schema_parse(field, buffer_bytes(&printed), &again, NULL) == STATUS_OK);
    MUST(bytes_equal(buffer_bytes(&value), buffer_bytes(&again)));
    buffer_release(&value);
    buffer_release(&printed);
    buffer_release(&again);
}

static void use_value(const struct field_def *field, struct bytes value)
{
    struct buffer key = {0}, printed = {0};
    if (wire_validate(value, NULL) != STATUS_OK)
        return;
    schema_index_key(field->kind, value, &key);
    MUST(key.size <= SCHEMA_KEY_MAX);
    schema_print(field, value, &printed);
    MUST(wire_utf8_valid(buffer_bytes(&printed)));
    if (schema_check(field, value, NULL) == STATUS_OK)
        must_settle(field, buffer_bytes(&printed));
    buffer_release(&key);
    buffer_release(&printed);
}

static void use_text(const struct field_def *field, struct bytes text)
{
    struct buffer value = {0};
    const enum status status = schema_parse(field, text, &value, NULL);
    MUST(status == STATUS_OK || (status == STATUS_INVALID_VALUE && value.size == 0));
    if (status == STATUS_OK)
        must_settle(field, text);
    buffer_release(&value);
}

static void use_record(struct bytes record)
{
    struct custom_field_storage field_storage;
    struct custom_entity_storage entity_storage;
    struct field_def field;
    struct entity_def entity;
    if (wire_validate(record, NULL) != STATUS_OK)
        return;
    if (schema_custom_field(record, &field, &field_storage, NULL) == STATUS_OK) {
        MUST(strlen(field.name) > 0 && strlen(field.name) < sizeof field_storage.name);
        MUST((field.kind == KIND_ENUM) == (field.values != NULL));
        MUST((field.class == CLASS_RESTRICTED) == (field.departments != NULL));
        for (size_t i = 0; field.values != NULL && field.values[i] != NULL; i++)
            MUST(strlen(field.values[i]) > 0);
    }
    if (schema_custom_entity(record, &entity, &entity_storage, NULL) == STATUS_OK)
        MUST(schema_field(&entity, bytes_text("name")) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct bytes rest = bytes_of(data + 1, size - 1);
    const enum field_kind kind = (enum field_kind)(data[0] % KIND_COUNT);
    const struct field_def field = {
        .name = "it", .kind = kind, .values = kind == KIND_ENUM ? values : NULL};
    switch (data[0] / KIND_COUNT % 3) {
    case 0:
        use_value(&field, rest);
        break;
    case 1:
        use_text(&field, rest);
        break;
    default:
        use_record(rest);
    }
    return 0;
}

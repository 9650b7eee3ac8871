#include "protocol/schema_value.h"

#include <string.h>

/* What every record says about itself besides its fields: no field may take these names. */
static const char *const reserved[] = {"id",        "entity",    "scope",      "audience",
                                       "seq",       "fields",    "createdAt",  "createdBy",
                                       "modifiedAt", "modifiedBy", "phone",    "email"};

static enum status refuse(struct fault *fault, const char *field, const char *why)
{
    return fault_set(fault, STATUS_INVALID_VALUE, bytes_text(field), "%s", why);
}

/* The text of a key; "none" when it is absent, nil or no text. */
static struct bytes text_of(struct bytes fields, const char *key)
{
    struct bytes value, text = {NULL, 0};
    if (!wire_map_find(fields, key, &value))
        return text;
    struct wire_reader reader = wire_read(value);
    return wire_get_str(&reader, &text) ? text : (struct bytes){NULL, 0};
}

static bool is_true(struct bytes fields, const char *key)
{
    struct bytes value;
    bool truth = false;
    if (!wire_map_find(fields, key, &value))
        return false;
    struct wire_reader reader = wire_read(value);
    return wire_get_bool(&reader, &truth) && truth;
}

/* Index of `word` in the `count` words, or -1. */
static int index_of(struct bytes word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (bytes_is(word, words[i]))
            return i;
    return -1;
}

struct texts {
    char *at;
    size_t left;
};

/* Copies the texts of the array `key` into `texts` and points `list`, of `most` entries and a
 * NULL, at them. False when they are too many or too long, or hold a NUL. */
static bool copy_list(struct bytes fields, const char *key, struct texts *texts, const char **list,
                      size_t most)
{
    struct bytes value, text;
    struct wire_reader reader;
    uint32_t count = 0;
    if (wire_map_find(fields, key, &value)) {
        reader = wire_read(value);
        if (!wire_get_array(&reader, &count) && !wire_get_nil(&reader))
            return false;
    }
    if (count > most)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &text) || text.size == 0 || text.size >= texts->left ||
            memchr(text.data, '\0', text.size) != NULL)
            return false;
        list[i] = bytes_to_text(text, texts->at, texts->left);
        texts->at += text.size + 1;
        texts->left -= text.size + 1;
    }
    list[count] = NULL;
    return true;
}

/* The key of a custom field's record is "entity.name", when the record has one. */
static bool key_fits(struct bytes key, struct bytes entity, struct bytes name)
{
    return key.size == 0 ||
           (key.size == entity.size + 1 + name.size && key.data[entity.size] == '.' &&
            bytes_equal(bytes_of(key.data, entity.size), entity) &&
            bytes_equal(bytes_of(key.data + entity.size + 1, name.size), name));
}

static enum status check_names(struct bytes fields, struct bytes name, struct fault *fault)
{
    const struct bytes entity = text_of(fields, "entity");
    if (!schema_is_identifier(entity))
        return refuse(fault, "entity", "must be the name of an entity");
    if (!schema_is_identifier(name))
        return refuse(fault, "name", "must be letters and digits, a small letter first, at most 64");
    if (index_of(name, reserved, sizeof reserved / sizeof reserved[0]) >= 0)
        return refuse(fault, "name", "every record has something of this name");
    const struct entity_def *built_in = schema_entity(entity);
    if (built_in != NULL && schema_field(built_in, name) != NULL)
        return refuse(fault, "name", "the entity has a field of this name");
    size_t common;
    const struct field_def *field = schema_common_fields(&common);
    for (size_t i = 0; i < common; i++)
        if (bytes_is(name, field[i].name))
            return refuse(fault, "name", "every record has a field of this name");
    if (built_in == NULL && (bytes_is(name, "name") || bytes_is(name, "account")))
        return refuse(fault, "name", "every custom entity has a field of this name");
    if (!key_fits(text_of(fields, "key"), entity, name))
        return refuse(fault, "key", "must be the entity, a point and the name");
    return STATUS_OK;
}

static enum status set_class(struct bytes fields, struct field_def *out,
                             struct custom_field_storage *storage, struct texts *texts,
                             struct fault *fault)
{
    static const char *const classes[] = {"shared", "internal", "restricted"};
    const struct bytes text = text_of(fields, "class");
    /* Silence shares nothing. */
    const int class = text.size == 0 ? CLASS_INTERNAL : index_of(text, classes, 3);
    if (class < 0)
        return refuse(fault, "class", "must be shared, internal or restricted");
    out->class = (enum field_class)class;
    if (!copy_list(fields, "departments", texts, storage->departments, 16))
        return refuse(fault, "departments", "more than 16, or too long");
    if (out->class != CLASS_RESTRICTED)
        return STATUS_OK;
    if (storage->departments[0] == NULL)
        return refuse(fault, "departments", "a restricted field needs one at least");
    out->departments = storage->departments;
    return STATUS_OK;
}

static enum status set_kind(struct bytes fields, struct field_def *out,
                            struct custom_field_storage *storage, struct texts *texts,
                            struct fault *fault)
{
    if (!schema_kind_from_name(text_of(fields, "kind"), &out->kind))
        return refuse(fault, "kind", "no kind of field");
    if (!copy_list(fields, "values", texts, storage->values, 64))
        return refuse(fault, "values", "more than 64, or longer than 2,000 bytes together");
    if (out->kind == KIND_ENUM) {
        if (storage->values[0] == NULL)
            return refuse(fault, "values", "an enum needs one at least");
        out->values = storage->values;
    }
    const struct bytes target = text_of(fields, "target");
    if (target.size > 0 && (out->kind == KIND_REFERENCE || out->kind == KIND_REFERENCES)) {
        if (!schema_is_identifier(target))
            return refuse(fault, "target", "must be the name of an entity");
        out->target = bytes_to_text(target, storage->target, sizeof storage->target);
    }
    return STATUS_OK;
}

enum status schema_custom_field(struct bytes fields, struct field_def *out,
                                struct custom_field_storage *storage, struct fault *fault)
{
    struct texts texts = {storage->text, sizeof storage->text};
    const struct bytes name = text_of(fields, "name");
    struct field_def field = {0};
    enum status status = check_names(fields, name, fault);
    if (status == STATUS_OK)
        status = set_kind(fields, &field, storage, &texts, fault);
    if (status == STATUS_OK)
        status = set_class(fields, &field, storage, &texts, fault);
    if (status != STATUS_OK)
        return status;
    field.name = bytes_to_text(name, storage->name, sizeof storage->name);
    field.flags = is_true(fields, "required") ? FIELD_REQUIRED : 0;
    *out = field;
    return STATUS_OK;
}

/* The fields of a custom entity; one whose home is not an account has the first of them only. */
static const struct field_def entity_fields[] = {
    {.name = "name", .kind = KIND_TEXT, .flags = FIELD_REQUIRED | FIELD_INDEXED},
    {.name = "account", .target = "account", .kind = KIND_REFERENCE, .flags = FIELD_REQUIRED},
};

enum status schema_custom_entity(struct bytes fields, struct entity_def *out,
                                 struct custom_entity_storage *storage, struct fault *fault)
{
    static const char *const homes[] = {"account", "library"};
    static const char *const audiences[] = {"internal", "partners"};
    const struct bytes name = text_of(fields, "name");
    const struct bytes audience = text_of(fields, "audience");
    struct bytes title = text_of(fields, "titleField");
    const int home = index_of(text_of(fields, "home"), homes, 2);
    const int shared = audience.size == 0 ? 0 : index_of(audience, audiences, 2);
    if (!schema_is_identifier(name))
        return refuse(fault, "name", "must be letters and digits, a small letter first, at most 64");
    if (schema_entity(name) != NULL)
        return refuse(fault, "name", "there is a built-in entity of this name: choose another");
    if (home < 0)
        return refuse(fault, "home", "must be account or library");
    if (shared < 0)
        return refuse(fault, "audience", "must be internal or partners");
    if (title.size == 0)
        title = bytes_text("name");
    if (!schema_is_identifier(title))
        return refuse(fault, "titleField", "must be the name of a field");
    *out = (struct entity_def){
        .name = bytes_to_text(name, storage->name, sizeof storage->name),
        .title_field = bytes_to_text(title, storage->title_field, sizeof storage->title_field),
        .fields = entity_fields,
        .field_count = home == 0 ? 2 : 1,
        .home = home == 0 ? HOME_ACCOUNT : HOME_LIBRARY,
        .audience = shared == 0 ? AUDIENCE_INTERNAL : AUDIENCE_PARTNERS,
    };
    return STATUS_OK;
}

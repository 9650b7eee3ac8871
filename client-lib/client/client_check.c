#include "client-lib/client/client_check.h"

#include "client-lib/base/fault.h"
#include "client-lib/client/client.h"
#include "client-lib/outbox/outbox_entry.h"

/* Definitions of custom fields that are remembered: a mutation of many records names the same few.
 */
#define DEFINITIONS 4u

struct definition {
    char entity[RECORD_NAME_MAX + 1], name[RECORD_NAME_MAX + 1];
    bool found;
    struct field_def field;
    struct custom_field_storage storage;
};

struct check {
    tandem_client *client;
    struct bytes changes;
    struct outbox_change change;
    int index;                       /* of the change */
    const struct entity_def *entity; /* NULL: not known here */
    struct bytes entity_name;
    struct bytes held; /* fields of the record as the replica holds it; "none" when it does not */
    bool made;         /* the record is of one's own making, and not in the replica */
    enum status status;
    struct definition definitions[DEFINITIONS];
    unsigned next;            /* definition to forget */
    struct entity_def custom; /* the custom entity looked up last; name NULL: none */
    struct custom_entity_storage custom_storage;
};

static enum status refuse(struct check *check, enum status status, struct bytes field,
                          const char *detail)
{
    char name[RECORD_NAME_MAX + 1];
    trouble(&check->client->fault, status, bytes_to_text(field, name, sizeof name), "%s", detail);
    check->client->fault.change = check->index;
    return status;
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

/* Whether somebody could have defined an entity or a field of this name. */
static bool may_be_defined(struct bytes name)
{
    if (name.size == 0 || name.size > RECORD_NAME_MAX || name.data[0] < 'a' || name.data[0] > 'z')
        return false;
    for (size_t i = 1; i < name.size; i++) {
        const uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

/* ---- Entities ---- */

static bool look_at_entity(void *context, struct bytes encoded)
{
    struct check *check = context;
    struct record_view view;
    struct bytes name;
    if (!record_view_read(encoded, &view) || !wire_map_str(view.fields, "name", &name) ||
        !bytes_equal(name, check->entity_name) ||
        schema_custom_entity(view.fields, &check->custom, &check->custom_storage, NULL) !=
            STATUS_OK)
        return true;
    check->entity = &check->custom;
    return false;
}

/* Built in, or as the replica defines it; NULL when it does not, and the server still may. */
static void find_entity(struct check *check, struct bytes name)
{
    check->entity_name = name;
    check->entity = schema_entity(name);
    if (check->entity != NULL)
        return;
    if (check->custom.name != NULL && bytes_is(name, check->custom.name))
        check->entity = &check->custom;
    else if (check->client->replica != NULL)
        (void)replica_each(check->client->replica, bytes_text("customEntity"), look_at_entity,
                           check);
}

/* ---- Fields ---- */

/* The custom field as the replica defines it; NULL when it does not, and the server still may. */
static const struct field_def *find_custom(struct check *check, struct bytes name)
{
    for (unsigned i = 0; i < DEFINITIONS; i++) {
        const struct definition *known = &check->definitions[i];
        if (bytes_is(check->entity_name, known->entity) && bytes_is(name, known->name))
            return known->found ? &known->field : NULL;
    }
    struct definition *definition = &check->definitions[check->next++ % DEFINITIONS];
    bytes_to_text(check->entity_name, definition->entity, sizeof definition->entity);
    bytes_to_text(name, definition->name, sizeof definition->name);
    definition->found = client_find_field(check->client, check->entity_name, name,
                                          &definition->field, &definition->storage);
    /* Its kind is for ever, while values of an enumeration are added to. */
    if (definition->found && definition->field.kind == KIND_ENUM)
        definition->field.kind = KIND_TEXT;
    return definition->found ? &definition->field : NULL;
}

/* The value the record has for the field, "none" when it is not known. */
static struct bytes held_value(const struct check *check, const struct field_def *field)
{
    struct bytes value = {0};
    if (check->held.size > 0)
        (void)wire_map_find(check->held, field->name, &value);
    return value;
}

/* An update of a record that has a value for the field. */
static enum status check_update(struct check *check, const struct field_def *field,
                                struct bytes value)
{
    const struct bytes held = held_value(check, field), name = bytes_text(field->name);
    if (held.size > 0 && bytes_equal(held, value))
        return STATUS_OK;
    if (held.size > 0 && (field->flags & FIELD_FIXED) != 0)
        return refuse(check, STATUS_INVALID_VALUE, name,
                      "this is set when the record is made and cannot be changed");
    if (is_nil(value) && (field->flags & FIELD_REQUIRED) != 0 && (held.size > 0 || check->made))
        return refuse(check, STATUS_MISSING_FIELD, name, "this field is required");
    return STATUS_OK;
}

static enum status check_field(struct check *check, struct bytes name, struct bytes value)
{
    const struct field_def *field =
        check->entity != NULL ? schema_field(check->entity, name) : NULL;
    struct fault fault;
    const bool built_in = field != NULL;
    if (field == NULL && !may_be_defined(name))
        return refuse(check, STATUS_UNKNOWN_FIELD, name, "the entity has no such field");
    if (field == NULL)
        field = find_custom(check, name);
    if (field == NULL)
        return STATUS_OK;
    if ((field->flags & FIELD_SYSTEM) != 0)
        return refuse(check, STATUS_DENIED, bytes_text(field->name),
                      "this field is written by the server alone");
    fault_clear(&fault);
    if (!is_nil(value) && schema_check(field, value, &fault) != STATUS_OK)
        return refuse(check, fault.status, bytes_text(fault.field), fault.detail);
    return built_in && bytes_is(check->change.op, "update") ? check_update(check, field, value)
                                                            : STATUS_OK;
}

static enum status check_fields(struct check *check)
{
    struct wire_reader reader = wire_read(check->change.fields);
    struct bytes name, value;
    uint32_t count = 0;
    enum status status = STATUS_OK;
    if (check->change.fields.size == 0 || !wire_get_map(&reader, &count))
        return STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            break;
        status = check_field(check, name, value);
    }
    return status;
}

/* ---- Records that are made ---- */

/* Whether the change gives the field a value, under whatever name. */
static bool sets(const struct check *check, const struct field_def *field)
{
    struct wire_reader reader = wire_read(check->change.fields);
    struct bytes name, value;
    uint32_t count = 0;
    if (!wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            return false;
        if (schema_field(check->entity, name) == field && !is_nil(value))
            return true;
    }
    return false;
}

static enum status check_required(struct check *check)
{
    const struct entity_def *entity = check->entity;
    size_t common_count = 0;
    const struct field_def *common = schema_common_fields(&common_count);
    for (size_t i = 0; i < entity->field_count + common_count; i++) {
        const struct field_def *field =
            i < entity->field_count ? &entity->fields[i] : &common[i - entity->field_count];
        if ((field->flags & FIELD_REQUIRED) != 0 && (field->flags & FIELD_SYSTEM) == 0 &&
            !sets(check, field))
            return refuse(check, STATUS_MISSING_FIELD, bytes_text(field->name),
                          "this field is required");
    }
    return STATUS_OK;
}

/* Where it goes and who is to see it, as far as that is said in the change alone. */
static enum status check_place(struct check *check)
{
    const struct bytes fields = check->change.fields;
    struct bytes octets, tags = {0};
    struct scope scope;
    struct id account;
    uint32_t count = 0;
    const bool in_account = fields.size > 0 && wire_map_id(fields, "account", &account);
    if (check->entity->home == HOME_ACCOUNT && !in_account)
        return refuse(check, STATUS_MISSING_FIELD, bytes_text("account"), "this field is required");
    if (check->entity->home == HOME_ANY && !in_account &&
        wire_map_bin(check->change.encoded, "scope", &octets) && scope_from_bytes(octets, &scope) &&
        scope.kind == SCOPE_ACCOUNT)
        return refuse(check, STATUS_INVALID_VALUE, bytes_text("scope"),
                      "a record gets into an account by its field account");
    struct wire_reader reader = {0};
    if (wire_map_find(check->change.encoded, "audience", &tags))
        reader = wire_read(tags);
    if (tags.size > 0 && wire_get_array(&reader, &count) && count > LIMIT_PLACEMENTS)
        return refuse(check, STATUS_LIMIT, bytes_text("audience"), "too many tags");
    return STATUS_OK;
}

/* Definitions of custom fields and entities say in full what they are. */
static enum status check_definition(struct check *check)
{
    struct definition *definition = &check->definitions[check->next++ % DEFINITIONS];
    struct custom_entity_storage storage;
    struct entity_def entity;
    struct fault fault;
    enum status status = STATUS_OK;
    fault_clear(&fault);
    *definition = (struct definition){.found = false}; /* its room is needed */
    if (bytes_is(check->entity_name, "customField"))
        status = schema_custom_field(check->change.fields, &definition->field, &definition->storage,
                                     &fault);
    else if (bytes_is(check->entity_name, "customEntity"))
        status = schema_custom_entity(check->change.fields, &entity, &storage, &fault);
    return status == STATUS_OK ? STATUS_OK
                               : refuse(check, fault.status, bytes_text(fault.field), fault.detail);
}

static enum status check_create(struct check *check)
{
    enum status status = STATUS_OK;
    find_entity(check, check->change.entity);
    if (check->entity == NULL && !may_be_defined(check->change.entity))
        return refuse(check, STATUS_UNKNOWN_ENTITY, bytes_text("entity"),
                      "there is no such entity");
    if (check->entity == NULL)
        return check_fields(check);
    status = check_place(check);
    if (status == STATUS_OK)
        status = check_fields(check);
    if (status == STATUS_OK)
        status = check_required(check);
    return status == STATUS_OK ? check_definition(check) : status;
}

/* ---- Records that are changed ---- */

/* Only with the entity that the record is known to be of: what the caller says is not sent. */
static enum status check_as(struct check *check, struct bytes entity)
{
    find_entity(check, entity);
    return check_fields(check);
}

static bool check_held(void *context, struct bytes encoded)
{
    struct check *check = context;
    struct record_view view;
    if (!record_view_read(encoded, &view))
        return false;
    check->held = view.fields;
    check->status = check_as(check, view.entity);
    check->held = (struct bytes){0};
    return false;
}

static bool find_creation(struct bytes changes, struct id id, struct outbox_change *out)
{
    struct wire_reader reader = outbox_list(changes);
    while (outbox_change_next(&reader, out))
        if (bytes_is(out->op, "create") && id_equal(out->id, id))
            return true;
    return false;
}

static bool check_queued(void *context, const struct outbox_item *item)
{
    struct check *check = context;
    struct outbox_change creation;
    if (!find_creation(item->changes, check->change.id, &creation))
        return true;
    check->made = true;
    check->status = check_as(check, creation.entity);
    return false;
}

static enum status check_change_of(struct check *check)
{
    struct outbox_change creation;
    const struct id id = check->change.id;
    check->status = STATUS_OK;
    check->made = find_creation(check->changes, id, &creation);
    if (check->made)
        return check_as(check, creation.entity);
    if (check->client->replica == NULL ||
        replica_get(check->client->replica, id, check_held, check) != STATUS_NOT_FOUND)
        return check->status;
    if (check->client->store != NULL)
        (void)outbox_store_over(check->client->store, id, check_queued, check);
    return check->status;
}

enum status client_check(tandem_client *client, struct bytes changes)
{
    struct check check = {.client = client, .changes = changes};
    struct wire_reader reader = outbox_list(changes);
    enum status status = STATUS_OK;
    for (; status == STATUS_OK && outbox_change_next(&reader, &check.change); check.index++) {
        if (bytes_is(check.change.op, "create"))
            status = check_create(&check);
        else if (bytes_is(check.change.op, "update"))
            status = check_change_of(&check);
    }
    return status;
}

#include "server/core/apply/apply_schema.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"

/* Most custom fields or entities looked through for one name, or for the required ones. */
#define MOST_DEFINITIONS 10000u

/* Of a custom entity or field. */
#define LONGEST_NAME 64u

struct custom_field {
    struct custom_field *next;
    const char *entity;
    struct field_def def; /* kind KIND_COUNT: there is no field of this name */
    struct bytes name;
    struct custom_field_storage storage;
};

struct custom_entity {
    struct custom_entity *next;
    struct entity_def def;
    struct custom_entity_storage storage;
};

void text_key(struct bytes text, struct buffer *out)
{
    struct buffer value = {0};
    wire_put_str(&value, text);
    schema_index_key(KIND_TEXT, buffer_bytes(&value), out);
    out->failed = out->failed || value.failed;
    buffer_release(&value);
}

bool fields_map(struct plan *plan, const struct record *record, struct bytes *out)
{
    struct buffer map = {0};
    uint32_t count = 0;
    size_t begin = wire_begin_map(&map);
    for (unsigned i = 0; i < record->field_count; i++) {
        struct wire_reader reader = wire_read(record->fields[i].value);
        if (wire_peek(&reader) == WIRE_NIL)
            continue;
        wire_put_str(&map, record->fields[i].name);
        wire_put_raw(&map, record->fields[i].value);
        count++;
    }
    wire_end(&map, begin, count);
    *out = arena_keep(&plan->arena, &map);
    return !plan->arena.failed;
}

struct wanted_text {
    const char *field;
    struct bytes text;
};

static bool text_matches(void *context, const struct record *record)
{
    const struct wanted_text *wanted = context;
    return bytes_equal(record_text(record, wanted->field), wanted->text);
}

/* Finds the record of `entity` whose text field is exactly `text`. */
static enum status find_definition(struct plan *plan, const char *entity, const char *field,
                                   struct bytes text, const struct record **found)
{
    struct buffer key = {0};
    struct wanted_text wanted = {field, text};
    *found = NULL;
    text_key(text, &key);
    enum status status = STATUS_NO_MEMORY;
    if (!key.failed)
        status = key.size == 0 ? STATUS_OK
                               : plan_search(plan, entity, field, buffer_bytes(&key),
                                             MOST_DEFINITIONS, text_matches, &wanted, found);
    buffer_release(&key);
    return status;
}

static enum status load_entity(struct plan *plan, struct bytes name,
                               const struct entity_def **out)
{
    const struct record *record;
    struct bytes fields;
    enum status status = find_definition(plan, "customEntity", "name", name, &record);
    if (status != STATUS_OK)
        return status;
    if (!record)
        return STATUS_UNKNOWN_ENTITY;
    if (!fields_map(plan, record, &fields))
        return STATUS_NO_MEMORY;
    struct custom_entity *custom = arena_take(&plan->arena, sizeof *custom);
    if (!custom)
        return STATUS_NO_MEMORY;
    if (schema_custom_entity(fields, &custom->def, &custom->storage, NULL) != STATUS_OK)
        return STATUS_UNKNOWN_ENTITY;
    custom->next = plan->custom_entities;
    plan->custom_entities = custom;
    *out = &custom->def;
    return STATUS_OK;
}

enum status plan_entity(struct plan *plan, struct bytes name, const struct entity_def **out)
{
    *out = schema_entity(name);
    if (*out)
        return STATUS_OK;
    for (const struct custom_entity *custom = plan->custom_entities; custom; custom = custom->next)
        if (bytes_is(name, custom->def.name))
            return *out = &custom->def, STATUS_OK;
    if (name.size > LONGEST_NAME)
        return STATUS_UNKNOWN_ENTITY;
    return load_entity(plan, name, out);
}

/* Remembers what is known of a name, also that there is no such field. */
static struct custom_field *remember(struct plan *plan, const struct entity_def *entity,
                                     struct bytes name)
{
    struct custom_field *custom = arena_take(&plan->arena, sizeof *custom);
    if (!custom)
        return NULL;
    custom->entity = entity->name;
    custom->name = arena_copy(&plan->arena, name);
    custom->def = (struct field_def){.kind = KIND_COUNT};
    custom->next = plan->custom_fields;
    plan->custom_fields = custom;
    return plan->arena.failed ? NULL : custom;
}

static enum status define(struct plan *plan, const struct record *record,
                          struct custom_field *custom)
{
    struct bytes fields;
    if (!fields_map(plan, record, &fields))
        return STATUS_NO_MEMORY;
    if (schema_custom_field(fields, &custom->def, &custom->storage, NULL) != STATUS_OK)
        custom->def.kind = KIND_COUNT;
    return STATUS_OK;
}

static enum status load_field(struct plan *plan, const struct entity_def *entity,
                              struct bytes name, struct custom_field **out)
{
    struct buffer key = {0};
    const struct record *record = NULL;
    buffer_append(&key, entity->name, strlen(entity->name));
    buffer_append_byte(&key, '.');
    buffer_append(&key, name.data, name.size);
    struct bytes text = arena_keep(&plan->arena, &key);
    *out = plan->arena.failed ? NULL : remember(plan, entity, name);
    if (!*out)
        return STATUS_NO_MEMORY;
    enum status status = find_definition(plan, "customField", "key", text, &record);
    return status == STATUS_OK && record ? define(plan, record, *out) : status;
}

enum status plan_field(struct plan *plan, const struct entity_def *entity, struct bytes name,
                       const struct field_def **out, bool *custom)
{
    struct custom_field *known = plan->custom_fields;
    enum status status = STATUS_OK;
    if (custom)
        *custom = false;
    *out = schema_field(entity, name);
    if (*out)
        return STATUS_OK;
    if (name.size > LONGEST_NAME)
        return STATUS_UNKNOWN_FIELD;
    while (known && !(bytes_is(bytes_text(known->entity), entity->name) &&
                      bytes_equal(known->name, name)))
        known = known->next;
    if (!known)
        status = load_field(plan, entity, name, &known);
    if (status != STATUS_OK)
        return status;
    if (known->def.kind == KIND_COUNT)
        return STATUS_UNKNOWN_FIELD;
    if (custom)
        *custom = true;
    *out = &known->def;
    return STATUS_OK;
}

bool plan_sees_field(struct plan *plan, const struct field_def *field)
{
    struct buffer list = {0};
    uint32_t count = 0;
    while (field->departments && field->departments[count])
        count++;
    if (count > 0)
        wire_put_array(&list, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_text(&list, field->departments[i]);
    bool sees = !list.failed &&
                access_field(plan->actor, field->class, buffer_bytes(&list), ACTION_EDIT).allowed;
    plan->arena.failed = plan->arena.failed || list.failed;
    buffer_release(&list);
    return sees;
}

static bool lacks(struct plan *plan, const struct record *record,
                  const struct field_def *field)
{
    return (field->flags & FIELD_REQUIRED) && !(field->flags & FIELD_SYSTEM) &&
           !record_field(record, field->name) && plan_sees_field(plan, field);
}

struct lacking {
    const struct plan *plan;
    const struct record *record;
    bool any_required; /* of any entity */
    char field[65];
};

/* One who may not see a field cannot be asked for it. */
static bool sees_defined(const struct principal *actor, const struct record *definition)
{
    struct bytes class = record_text(definition, "class");
    const struct record_field *departments = record_field(definition, "departments");
    const struct bytes none = {NULL, 0};
    enum field_class what = bytes_is(class, "shared")       ? CLASS_SHARED
                            : bytes_is(class, "restricted") ? CLASS_RESTRICTED
                                                            : CLASS_INTERNAL;
    return access_field(actor, what, departments ? departments->value : none, ACTION_CREATE)
        .allowed;
}

/* Whether the customField record describes a required field that the new record lacks. */
static bool custom_lacks(void *context, const struct record *definition)
{
    struct lacking *lacking = context;
    if (!record_boolean(definition, "required"))
        return false;
    lacking->any_required = true;
    if (!bytes_equal(record_text(definition, "entity"), lacking->record->entity) ||
        !sees_defined(lacking->plan->actor, definition))
        return false;
    bytes_to_text(record_text(definition, "name"), lacking->field, sizeof lacking->field);
    return !record_field(lacking->record, lacking->field);
}

static enum status require_custom(struct plan *plan, const struct draft *draft)
{
    struct lacking lacking = {.plan = plan, .record = draft->now};
    const struct record *found;
    const struct bytes none = {NULL, 0};
    if (plan->nothing_required)
        return STATUS_OK;
    enum status status = plan_search(plan, "customField", NULL, none, MOST_DEFINITIONS,
                                     custom_lacks, &lacking, &found);
    plan->nothing_required = status == STATUS_OK && !lacking.any_required;
    if (status != STATUS_OK || !found)
        return status;
    return plan_refuse(plan, STATUS_MISSING_FIELD, lacking.field, "this field is required");
}

enum status plan_require_fields(struct plan *plan, const struct draft *draft)
{
    size_t common_count;
    const struct field_def *common = schema_common_fields(&common_count);
    for (size_t i = 0; i < draft->entity->field_count + common_count; i++) {
        const struct field_def *field = i < draft->entity->field_count
                                            ? &draft->entity->fields[i]
                                            : &common[i - draft->entity->field_count];
        if (lacks(plan, draft->now, field))
            return plan_refuse(plan, STATUS_MISSING_FIELD, field->name, "this field is required");
    }
    return plan->arena.failed ? STATUS_NO_MEMORY : require_custom(plan, draft);
}

static enum status check_field_record(struct plan *plan, struct draft *draft)
{
    struct bytes fields, entity = record_text(draft->now, "entity");
    struct field_def def;
    struct custom_field_storage storage;
    const struct entity_def *of;
    if (!fields_map(plan, draft->now, &fields))
        return STATUS_NO_MEMORY;
    enum status status = schema_custom_field(fields, &def, &storage, plan->fault);
    if (status == STATUS_OK)
        status = plan_entity(plan, entity, &of);
    if (status == STATUS_UNKNOWN_ENTITY)
        return plan_refuse(plan, status, "entity", "there is no such entity");
    return status;
}

static bool any_record(void *context, const struct record *record)
{
    (void)context;
    (void)record;
    return true;
}

/* A custom entity goes only when no record of it is left. */
static enum status check_entity_removal(struct plan *plan, const struct draft *draft)
{
    char name[65];
    const struct record *found;
    const struct bytes none = {NULL, 0};
    if (!draft->old)
        return STATUS_OK;
    bytes_to_text(record_text(draft->old, "name"), name, sizeof name);
    enum status status = plan_search(plan, name, NULL, none, LIMIT_CHANGES * 2 + 1, any_record,
                                     NULL, &found);
    if (status == STATUS_OK && found)
        return plan_refuse(plan, STATUS_REFERENCED, "", "there are still records of this entity");
    return status;
}

static enum status check_entity_record(struct plan *plan, struct draft *draft)
{
    struct bytes fields;
    struct entity_def def;
    struct custom_entity_storage storage;
    if (!fields_map(plan, draft->now, &fields))
        return STATUS_NO_MEMORY;
    return schema_custom_entity(fields, &def, &storage, plan->fault);
}

/* Whoever gets values of a field, or records of an entity, needs what says how to read them. */
static enum status place_definition(struct plan *plan, struct draft *draft, bool is_field)
{
    bool outside = is_field ? bytes_is(record_text(draft->now, "class"), "shared")
                            : bytes_is(record_text(draft->now, "audience"), "partners");
    if (draft->old || !outside)
        return STATUS_OK;
    return draft_place(plan, draft, (struct tag){.kind = TAG_PARTNERS});
}

enum status schema_record_check(struct plan *plan, struct draft *draft)
{
    bool is_field = bytes_is(draft->now->entity, "customField");
    if (draft->now->deleted)
        return is_field ? STATUS_OK : check_entity_removal(plan, draft);
    enum status status =
        is_field ? check_field_record(plan, draft) : check_entity_record(plan, draft);
    return status == STATUS_OK ? place_definition(plan, draft, is_field) : status;
}

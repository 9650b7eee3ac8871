/* Records made, edited, moved, shared and removed, by people who may and people who may not. */
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/act.h"

static const char *const ordinary[] = {
    "contact",  "opportunity", "case",    "task",     "interaction", "note",   "profile",
    "document", "order",       "product", "campaign", "lead",        "account"};

static void put_def(struct oracle *oracle, const struct model_field_def *def,
                    struct act_fields *fields)
{
    struct buffer value = {0};
    act_value(oracle, def->kind, def->values, &value);
    act_field_value(fields, def->name, buffer_bytes(&value));
    buffer_release(&value);
}

static bool has_field(const struct act_fields *fields, const char *name)
{
    struct wire_reader reader = wire_read(buffer_bytes(&fields->pairs));
    struct bytes key;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (wire_get_str(&reader, &key) && bytes_is(key, name)) {
            return true;
        }
        wire_skip(&reader, NULL);
    }
    return false;
}

/* A field of the entity or one that every record has; sometimes cleared instead of set. */
static void put_some_field(struct oracle *oracle, const char *entity, struct act_fields *fields)
{
    const struct model_entity_def *def = model_schema_entity(oracle->schema, entity);
    const struct model_entity_def *every = &oracle->schema->every;
    unsigned own = def != NULL ? def->field_count : 0;
    uint64_t at = oracle_random(oracle, own + every->field_count);
    const struct model_field_def *field = at < own ? &def->fields[at] : &every->fields[at - own];
    bool apart = strcmp(field->name, "account") == 0 || strcmp(field->name, "restricted") == 0 ||
                 strcmp(field->name, "team") == 0;
    if (apart || has_field(fields, field->name)) {
        return;
    }
    if (!field->required && oracle_chance(oracle, 15)) {
        act_field_nil(fields, field->name);
    } else {
        put_def(oracle, field, fields);
    }
}

/* A field of the company's own, when the entity has one. */
static void put_custom_field(struct oracle *oracle, const char *entity, struct act_fields *fields)
{
    const struct model_record *record = oracle_pick(oracle, "customField");
    char name[65];
    if (record == NULL || !bytes_is(model_text(record->newest, "entity"), entity)) {
        return;
    }
    bytes_to_text(model_text(record->newest, "name"), name, sizeof name);
    if (!has_field(fields, name)) {
        char text[32];
        snprintf(text, sizeof text, "own %u", (unsigned)oracle_random(oracle, 1000));
        act_field_text(fields, name, text);
    }
}

static void put_required(struct oracle *oracle, const char *entity, struct act_fields *fields)
{
    const struct model_entity_def *def = model_schema_entity(oracle->schema, entity);
    for (unsigned i = 0; def != NULL && i < def->field_count; i++) {
        if (def->fields[i].required && strcmp(def->fields[i].name, "account") != 0) {
            put_def(oracle, &def->fields[i], fields);
        }
    }
    if (def == NULL) {
        act_field_text(fields, "name", "one of our own");
    }
}

static bool some_scope(struct oracle *oracle, struct id actor, struct scope *scope)
{
    switch (oracle_random(oracle, 4)) {
    case 0:
        *scope = (struct scope){SCOPE_PARTY, oracle_pick(oracle, "party")->id};
        return true;
    case 1:
        *scope = (struct scope){SCOPE_USER,
                                oracle_chance(oracle, 80) ? actor : oracle_user(oracle, false)};
        return true;
    default:
        return false;
    }
}

static const char *some_entity(struct oracle *oracle, char own[65])
{
    const struct model_record *custom =
        oracle_chance(oracle, 10) ? oracle_pick(oracle, "customEntity") : NULL;
    if (custom == NULL && oracle_chance(oracle, 2)) {
        return "mention"; /* nobody may */
    }
    if (custom == NULL) {
        return ordinary[oracle_random(oracle, sizeof ordinary / sizeof *ordinary)];
    }
    return bytes_to_text(model_text(custom->newest, "name"), own, 65);
}

static struct id put_new(struct oracle *oracle, struct id actor, struct act_changes *changes)
{
    struct act_fields fields = {.count = 0};
    struct scope scope;
    struct tag tags[2];
    char own[65];
    const char *entity = some_entity(oracle, own);
    const struct model_record *account = oracle_pick(oracle, "account");
    struct id id = world_id(oracle->world);
    put_required(oracle, entity, &fields);
    bool library = strcmp(entity, "product") == 0 || strcmp(entity, "campaign") == 0 ||
                   strcmp(entity, "lead") == 0 || strcmp(entity, "account") == 0;
    bool in_account = !library && account != NULL && oracle_chance(oracle, 75);
    if (in_account) {
        act_field_id(&fields, "account", account->id);
    }
    for (uint64_t i = oracle_random(oracle, 4); i > 0; i--) {
        put_some_field(oracle, entity, &fields);
    }
    put_custom_field(oracle, entity, &fields);
    bool named = !in_account && some_scope(oracle, actor, &scope);
    uint32_t tag_count = oracle_chance(oracle, 30) ? 2 : 0;
    tags[0] = (struct tag){.kind = TAG_INTERNAL};
    tags[1] = act_tag(oracle);
    if (oracle_chance(oracle, 30)) {
        tags[0] = act_tag(oracle);
    }
    oracle_doing(oracle, "%s makes %s %s in %s", oracle_user_name(oracle, actor), entity,
                 world_id_text(oracle->world, id) + 28,
                 in_account ? oracle_name(oracle, account->id)
                 : named    ? "a scope"
                            : "the library");
    act_put_create(changes, id, entity, &fields, named ? &scope : NULL, tags, tag_count);
    return id;
}

void act_create(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    put_new(oracle, actor, &changes);
    act_apply(oracle, actor, &changes);
}

static bool is_ordinary(const struct model_record *record)
{
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++) {
        if (strcmp(record->entity, ordinary[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Mostly what may be worked on; sometimes anything, sometimes what was deleted. */
static const struct model_record *some_record(struct oracle *oracle)
{
    if (oracle_chance(oracle, 5)) {
        return model_at(oracle->model, oracle_random(oracle, model_count(oracle->model)));
    }
    const struct model_record *record = oracle_pick(oracle, NULL);
    for (unsigned i = 0; i < 20 && !is_ordinary(record) && !oracle_chance(oracle, 5); i++) {
        record = oracle_pick(oracle, NULL);
    }
    return record;
}

static void put_edit(struct oracle *oracle, const struct model_record *record,
                     struct act_changes *changes)
{
    struct act_fields fields = {.count = 0};
    for (uint64_t i = 1 + oracle_random(oracle, 3); i > 0; i--) {
        put_some_field(oracle, record->entity, &fields);
    }
    put_custom_field(oracle, record->entity, &fields);
    act_put_update(changes, record->id, &fields);
}

void act_update(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    const struct model_record *record = some_record(oracle);
    oracle_doing(oracle, "%s edits %s", oracle_user_name(oracle, actor),
                 oracle_name(oracle, record->id));
    put_edit(oracle, record, &changes);
    act_apply(oracle, actor, &changes);
}

void act_move(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    const struct model_record *record = oracle_pick(oracle, ordinary[oracle_random(oracle, 9)]);
    const struct model_record *account = oracle_pick(oracle, "account");
    if (record == NULL || account == NULL) {
        return;
    }
    bool out = oracle_chance(oracle, 20);
    oracle_doing(oracle, "%s moves %s to %s", oracle_user_name(oracle, actor),
                 oracle_name(oracle, record->id),
                 out ? "no account" : oracle_name(oracle, account->id));
    if (out) {
        act_field_nil(&fields, "account");
    } else {
        act_field_id(&fields, "account", account->id);
    }
    act_put_update(&changes, record->id, &fields);
    act_apply(oracle, actor, &changes);
}

static void put_share(struct oracle *oracle, const struct model_record *record, bool add,
                      struct act_changes *changes)
{
    const struct model_version *version = record->newest;
    struct tag tag = act_tag(oracle);
    if (!add && version->tag_count > 0 && oracle_chance(oracle, 85)) {
        tag = version->tags[oracle_random(oracle, version->tag_count)];
    }
    act_put_share(changes, record->id, tag, add);
}

void act_share(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    const struct model_record *record = some_record(oracle);
    bool add = oracle_chance(oracle, 60);
    oracle_doing(oracle, "%s %s %s", oracle_user_name(oracle, actor), add ? "shares" : "unshares",
                 oracle_name(oracle, record->id));
    put_share(oracle, record, add, &changes);
    act_apply(oracle, actor, &changes);
}

void act_remove(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    const struct model_record *record = some_record(oracle);
    oracle_doing(oracle, "%s removes %s", oracle_user_name(oracle, actor),
                 oracle_name(oracle, record->id));
    act_put_remove(&changes, record->id);
    act_apply(oracle, actor, &changes);
}

void act_several(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct id actor = oracle_user(oracle, true), made = put_new(oracle, actor, &changes);
    for (uint64_t i = 1 + oracle_random(oracle, 3); i > 0; i--) {
        const struct model_record *record = some_record(oracle);
        switch (oracle_random(oracle, 4)) {
        case 0:
            put_edit(oracle, record, &changes);
            break;
        case 1:
            put_share(oracle, record, oracle_chance(oracle, 60), &changes);
            break;
        case 2:
            act_put_share(&changes, made, act_tag(oracle), oracle_chance(oracle, 60));
            break;
        default:
            put_new(oracle, actor, &changes);
        }
    }
    oracle_doing(oracle, "%s does %u things at once", oracle_user_name(oracle, actor),
                 changes.count);
    act_apply(oracle, actor, &changes);
}

#include "client-lib/base/mutation.h"

#include <assert.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/base/port.h"
#include "protocol/memory.h"
#include "protocol/message.h"
#include "protocol/schema.h"

enum change_op { OP_CREATE, OP_UPDATE, OP_REMOVE, OP_SHARE, OP_MENTION };

struct setting {
    char name[RECORD_NAME_MAX + 1];
    char *text;          /* as a person wrote it, while the kind is not known; else NULL */
    struct buffer value; /* encoded, otherwise */
};

struct change {
    enum change_op op;
    struct id id;
    char entity[RECORD_NAME_MAX + 1];
    struct setting *settings;
    size_t setting_count;
    struct buffer add, remove; /* TAG_SIZE bytes each */
    struct scope scope;
    bool has_scope;
    struct id note; /* of a mention, and whom it names */
    char *user;
};

struct tandem_mutation {
    struct change *changes;
    size_t count, capacity;
    struct id last_id; /* ids made here sort after it */
    uint64_t base;
    bool overwrite;
    tandem_fault fault; /* the first error */
};

tandem_mutation *tandem_mutation_new(void)
{
    tandem_mutation *mutation = memory_new(sizeof *mutation);
    if (mutation != NULL)
        trouble_clear(&mutation->fault);
    return mutation;
}

static void release_change(struct change *change)
{
    for (size_t i = 0; i < change->setting_count; i++) {
        memory_free(change->settings[i].text);
        buffer_release(&change->settings[i].value);
    }
    memory_free(change->settings);
    memory_free(change->user);
    buffer_release(&change->add);
    buffer_release(&change->remove);
}

void tandem_mutation_free(tandem_mutation *mutation)
{
    if (mutation == NULL)
        return;
    for (size_t i = 0; i < mutation->count; i++)
        release_change(&mutation->changes[i]);
    memory_free(mutation->changes);
    memory_free(mutation);
}

/* Remembers the first error, with the change it is about. */
static tandem_code fail(tandem_mutation *mutation, const tandem_fault *fault)
{
    if (mutation->fault.code == TANDEM_OK) {
        mutation->fault = *fault;
        if (mutation->count > 0 && mutation->fault.change < 0)
            mutation->fault.change = (int)(mutation->count - 1);
    }
    return fault->code;
}

static tandem_code refuse(tandem_mutation *mutation, enum status status, const char *field,
                          const char *detail)
{
    tandem_fault fault;
    trouble(&fault, status, field, "%s", detail);
    return fail(mutation, &fault);
}

static struct change *current(tandem_mutation *mutation)
{
    return mutation->count > 0 ? &mutation->changes[mutation->count - 1] : NULL;
}

/* Starts a change; NULL with the error remembered. */
static struct change *start(tandem_mutation *mutation, enum change_op op, tandem_code *code)
{
    if (mutation->count >= LIMIT_CHANGES) {
        *code = refuse(mutation, STATUS_LIMIT, "", "a mutation has at most 500 changes");
        return NULL;
    }
    struct change *changes =
        memory_grow(mutation->changes, mutation->count, &mutation->capacity, sizeof *changes);
    if (changes == NULL) {
        *code = refuse(mutation, STATUS_NO_MEMORY, "", "out of memory");
        return NULL;
    }
    mutation->changes = changes;
    struct change *change = &mutation->changes[mutation->count++];
    memset(change, 0, sizeof *change);
    change->op = op;
    *code = TANDEM_OK;
    return change;
}

static tandem_code set_entity(tandem_mutation *mutation, struct change *change, const char *entity)
{
    size_t length = entity != NULL ? strlen(entity) : 0;
    if (length > RECORD_NAME_MAX)
        return refuse(mutation, STATUS_UNKNOWN_ENTITY, "", "the name of the entity is too long");
    if (length > 0)
        memcpy(change->entity, entity, length + 1);
    return TANDEM_OK;
}

static struct change *start_on(tandem_mutation *mutation, enum change_op op, const char *id,
                               tandem_code *code)
{
    struct change *change = start(mutation, op, code);
    if (change == NULL || id_from_text(bytes_text(id), &change->id))
        return change;
    *code = refuse(mutation, STATUS_INVALID_VALUE, "id", "this is no id");
    return NULL;
}

static tandem_code make_id(tandem_mutation *mutation, struct change *change)
{
    if (!port_id_after(port_system(), mutation->last_id, &change->id))
        return refuse(mutation, STATUS_INTERNAL, "id", "the system gives no random numbers");
    mutation->last_id = change->id;
    return TANDEM_OK;
}

tandem_code tandem_create(tandem_mutation *mutation, const char *entity, char id[TANDEM_ID_TEXT])
{
    tandem_code code;
    struct change *change = start(mutation, OP_CREATE, &code);
    if (id != NULL)
        id[0] = 0;
    if (change == NULL)
        return code;
    if (entity == NULL || entity[0] == 0)
        return refuse(mutation, STATUS_UNKNOWN_ENTITY, "", "an entity is needed");
    code = make_id(mutation, change);
    if (code != TANDEM_OK)
        return code;
    if (id != NULL)
        id_to_text(change->id, id);
    return set_entity(mutation, change, entity);
}

tandem_code tandem_update(tandem_mutation *mutation, const char *entity, const char *id)
{
    tandem_code code;
    struct change *change = start_on(mutation, OP_UPDATE, id, &code);
    return change != NULL ? set_entity(mutation, change, entity) : code;
}

tandem_code tandem_remove(tandem_mutation *mutation, const char *id)
{
    tandem_code code;
    (void)start_on(mutation, OP_REMOVE, id, &code);
    return code;
}

tandem_code tandem_share(tandem_mutation *mutation, const char *id)
{
    tandem_code code;
    (void)start_on(mutation, OP_SHARE, id, &code);
    return code;
}

tandem_code tandem_mention(tandem_mutation *mutation, const char *note, const char *user)
{
    tandem_code code;
    struct change *change = start(mutation, OP_MENTION, &code);
    if (change == NULL)
        return code;
    if (!id_from_text(bytes_text(note), &change->note))
        return refuse(mutation, STATUS_INVALID_VALUE, "note", "this is no id");
    if (user == NULL || user[0] == 0 || !wire_utf8_valid(bytes_text(user)))
        return refuse(mutation, STATUS_INVALID_VALUE, "user", "this is no sign-in name");
    change->user = memory_copy(user, strlen(user));
    if (change->user == NULL)
        return refuse(mutation, STATUS_NO_MEMORY, "user", "out of memory");
    return make_id(mutation, change);
}

/* The setting of this name, made when the change has none; NULL when out of memory. */
static struct setting *setting_of(struct change *change, const char *name)
{
    for (size_t i = 0; i < change->setting_count; i++)
        if (strcmp(change->settings[i].name, name) == 0)
            return &change->settings[i];
    struct setting *settings =
        memory_resize(change->settings, (change->setting_count + 1) * sizeof *settings);
    if (settings == NULL)
        return NULL;
    change->settings = settings;
    struct setting *setting = &settings[change->setting_count++];
    memset(setting, 0, sizeof *setting);
    memcpy(setting->name, name, strlen(name) + 1);
    return setting;
}

/* Puts the value (taken over) or, when `text` is not NULL, the unread text into the change. */
static tandem_code put_setting(tandem_mutation *mutation, struct change *change, const char *name,
                               struct buffer *value, const char *text)
{
    char *copy = text != NULL ? memory_copy(text, strlen(text)) : NULL;
    struct setting *setting = setting_of(change, name);
    if (setting == NULL || value->failed || (text != NULL && copy == NULL)) {
        memory_free(copy);
        buffer_release(value);
        return refuse(mutation, STATUS_NO_MEMORY, name, "out of memory");
    }
    memory_free(setting->text);
    buffer_release(&setting->value);
    setting->text = copy;
    setting->value = *value;
    return TANDEM_OK;
}

/* The change that a field can be set in now; NULL with the error remembered. */
static struct change *change_with_fields(tandem_mutation *mutation, const char *field,
                                         const char *text, tandem_code *code)
{
    struct change *change = current(mutation);
    if (mutation->fault.code != TANDEM_OK) {
        *code = mutation->fault.code;
        return NULL;
    }
    if (change == NULL || (change->op != OP_CREATE && change->op != OP_UPDATE))
        *code = refuse(mutation, STATUS_USAGE, field,
                       "fields are set in a change that creates or updates a record");
    else if (field == NULL || field[0] == 0 || strlen(field) > RECORD_NAME_MAX)
        *code = refuse(mutation, STATUS_UNKNOWN_FIELD, field, "this is no name of a field");
    else if (text == NULL || !wire_utf8_valid(bytes_text(text)))
        *code = refuse(mutation, STATUS_INVALID_VALUE, field, "the text is not UTF-8");
    else
        return change;
    return NULL;
}

static tandem_code set_parsed(tandem_mutation *mutation, struct change *change,
                              const struct field_def *field, const char *text)
{
    struct buffer value = {0};
    struct fault fault;
    tandem_fault told;
    fault_clear(&fault);
    if (schema_parse(field, bytes_text(text), &value, &fault) == STATUS_OK)
        return put_setting(mutation, change, field->name, &value, NULL);
    buffer_release(&value);
    trouble_from(&told, &fault);
    if (told.field[0] == 0)
        bytes_to_text(bytes_text(field->name), told.field, sizeof told.field);
    return fail(mutation, &told);
}

tandem_code tandem_set_text(tandem_mutation *mutation, const char *field, const char *text)
{
    tandem_code code;
    struct buffer none = {0};
    struct change *change = change_with_fields(mutation, field, text, &code);
    if (change == NULL)
        return code;
    const struct entity_def *entity = schema_entity(bytes_text(change->entity));
    const struct field_def *known = entity != NULL ? schema_field(entity, bytes_text(field)) : NULL;
    if (known != NULL)
        return set_parsed(mutation, change, known, text);
    return put_setting(mutation, change, field, &none, text);
}

tandem_code tandem_set_kind(tandem_mutation *mutation, const char *field, const char *kind,
                            const char *text)
{
    tandem_code code;
    struct field_def custom = {.name = field};
    struct change *change = change_with_fields(mutation, field, text, &code);
    if (change == NULL)
        return code;
    if (kind == NULL || !schema_kind_from_name(bytes_text(kind), &custom.kind))
        return refuse(mutation, STATUS_WRONG_KIND, field, "there is no such kind of field");
    /* The values of an enum are the server's to check; on the wire they are text. */
    if (custom.kind == KIND_ENUM)
        custom.kind = KIND_TEXT;
    return set_parsed(mutation, change, &custom, text);
}

tandem_code tandem_set_scope(tandem_mutation *mutation, const char *scope)
{
    struct change *change = current(mutation);
    if (change == NULL || change->op != OP_CREATE)
        return refuse(mutation, STATUS_USAGE, "scope", "a scope is named when a record is created");
    if (!scope_from_text(bytes_text(scope), &change->scope))
        return refuse(mutation, STATUS_INVALID_VALUE, "scope",
                      "a scope is account:ID, party:ID, user:ID or library");
    change->has_scope = true;
    return TANDEM_OK;
}

static tandem_code put_tag(tandem_mutation *mutation, const char *text, bool add)
{
    struct change *change = current(mutation);
    struct tag tag;
    if (change == NULL || !(change->op == OP_SHARE || (change->op == OP_CREATE && add)))
        return refuse(mutation, STATUS_USAGE, "audience",
                      "an audience is named when a record is created or shared");
    if (!tag_from_text(bytes_text(text), &tag))
        return refuse(mutation, STATUS_INVALID_VALUE, "audience",
                      "a tag is internal, dept:ID, partners, suppliers, distributors or "
                      "partner:ID");
    uint8_t *at = buffer_extend(add ? &change->add : &change->remove, TAG_SIZE);
    if (at == NULL)
        return refuse(mutation, STATUS_NO_MEMORY, "audience", "out of memory");
    tag_put(tag, at);
    return TANDEM_OK;
}

tandem_code tandem_add_audience(tandem_mutation *mutation, const char *tag)
{
    return put_tag(mutation, tag, true);
}

tandem_code tandem_remove_audience(tandem_mutation *mutation, const char *tag)
{
    return put_tag(mutation, tag, false);
}

tandem_code tandem_set_after(tandem_mutation *mutation, const char *id)
{
    if (id == NULL || !id_from_text(bytes_text(id), &mutation->last_id))
        return refuse(mutation, STATUS_INVALID_VALUE, "id", "this is no id");
    return TANDEM_OK;
}

void tandem_set_base(tandem_mutation *mutation, uint64_t base)
{
    mutation->base = base;
}

void tandem_set_overwrite(tandem_mutation *mutation, bool overwrite)
{
    mutation->overwrite = overwrite;
}

size_t tandem_change_count(const tandem_mutation *mutation)
{
    return mutation->count;
}

void tandem_mutation_fault(const tandem_mutation *mutation, tandem_fault *out)
{
    *out = mutation->fault;
}

uint64_t mutation_base(const struct tandem_mutation *mutation)
{
    return mutation->base;
}

bool mutation_overwrites(const struct tandem_mutation *mutation)
{
    return mutation->overwrite;
}

/* ---- Encoding ---- */

static void put_tags(struct buffer *out, const char *key, const struct buffer *tags)
{
    if (tags->size == 0)
        return;
    wire_put_text(out, key);
    wire_put_array(out, (uint32_t)(tags->size / TAG_SIZE));
    for (size_t at = 0; at < tags->size; at += TAG_SIZE)
        wire_put_bin(out, bytes_of(tags->data + at, TAG_SIZE));
}

/* Reads the text of a custom field with its definition. */
static enum status put_custom(const struct change *change, const struct setting *setting,
                              const struct field_source *source, struct buffer *out,
                              tandem_fault *fault)
{
    struct custom_field_storage storage;
    struct field_def field;
    struct fault parse;
    char hint[160];
    fault_clear(&parse);
    if (source == NULL || source->find == NULL ||
        !source->find(source->context, bytes_text(change->entity), bytes_text(setting->name),
                      &field, &storage)) {
        field_hint(bytes_text(change->entity), bytes_text(setting->name), hint, sizeof hint);
        return trouble(fault, STATUS_UNKNOWN_FIELD, setting->name, "%s has no field %s%s",
                       change->entity[0] != 0 ? change->entity : "the record", setting->name, hint);
    }
    if (schema_parse(&field, bytes_text(setting->text), out, &parse) == STATUS_OK)
        return STATUS_OK;
    return trouble_from(fault, &parse);
}

static enum status put_fields(const struct change *change, const struct field_source *source,
                              struct buffer *out, tandem_fault *fault)
{
    wire_put_text(out, "fields");
    wire_put_map(out, (uint32_t)change->setting_count);
    for (size_t i = 0; i < change->setting_count; i++) {
        const struct setting *setting = &change->settings[i];
        enum status status = STATUS_OK;
        wire_put_text(out, setting->name);
        if (setting->text == NULL)
            wire_put_raw(out, buffer_bytes(&setting->value));
        else
            status = put_custom(change, setting, source, out, fault);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status put_change(const struct change *change, const struct field_source *source,
                              struct buffer *out, tandem_fault *fault)
{
    static const char *const ops[] = {"create", "update", "remove", "share", "mention"};
    bool creates = change->op == OP_CREATE;
    bool has_fields = creates || change->op == OP_UPDATE;
    uint32_t keys = 2u + (creates ? 1u : 0u) + (has_fields ? 1u : 0u) +
                    (change->has_scope ? 1u : 0u) + (change->add.size > 0 ? 1u : 0u) +
                    (change->remove.size > 0 ? 1u : 0u) + (change->user != NULL ? 2u : 0u);
    wire_put_map(out, keys);
    wire_put_text(out, "op");
    wire_put_text(out, ops[change->op]);
    wire_put_text(out, "id");
    wire_put_id(out, change->id);
    if (creates) {
        wire_put_text(out, "entity");
        wire_put_text(out, change->entity);
    }
    if (change->has_scope) {
        uint8_t scope[SCOPE_SIZE];
        scope_put(change->scope, scope);
        wire_put_text(out, "scope");
        wire_put_bin(out, bytes_of(scope, sizeof scope));
    }
    put_tags(out, creates ? "audience" : "add", &change->add);
    put_tags(out, "remove", &change->remove);
    if (change->user != NULL) {
        wire_put_text(out, "note");
        wire_put_id(out, change->note);
        wire_put_text(out, "user");
        wire_put_text(out, change->user);
    }
    return has_fields ? put_fields(change, source, out, fault) : STATUS_OK;
}

enum status mutation_encode(const struct tandem_mutation *mutation,
                            const struct field_source *source, struct buffer *out,
                            tandem_fault *fault)
{
    if (mutation->fault.code != TANDEM_OK) {
        if (fault != NULL)
            *fault = mutation->fault;
        return (enum status)mutation->fault.code;
    }
    if (mutation->count == 0)
        return trouble(fault, STATUS_USAGE, "", "the mutation has no changes");
    wire_put_array(out, (uint32_t)mutation->count);
    for (size_t i = 0; i < mutation->count; i++) {
        enum status status = put_change(&mutation->changes[i], source, out, fault);
        if (status != STATUS_OK) {
            if (fault != NULL)
                fault->change = (int)i;
            return status;
        }
    }
    return out->failed ? trouble(fault, STATUS_NO_MEMORY, "", "out of memory") : STATUS_OK;
}

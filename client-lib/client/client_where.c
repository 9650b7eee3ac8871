/* Conditions as people write them, for the server and for local queries. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/base/mutation.h"

/* The kind by which a condition's text is read, which for "contains" is that of a part. */
static void soften(struct field_def *field, const char *op)
{
    bool contains = strcmp(op, "contains") == 0;
    field->flags = 0;
    if (field->kind == KIND_REFERENCES)
        field->kind = KIND_REFERENCE;
    else if (field->kind == KIND_TAGS || (contains && field->kind != KIND_REFERENCE))
        field->kind = KIND_LONG_TEXT;
}

/* The definition of a condition's field: built in, custom in the replica, or of the kind named. */
static enum status condition_field(tandem_client *client, const char *entity,
                                   const tandem_condition *condition, struct field_def *out,
                                   struct custom_field_storage *storage, tandem_fault *fault)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    struct bytes name = bytes_text(condition->field);
    const struct field_def *known = def != NULL ? schema_field(def, name) : NULL;
    char hint[160];
    if (known != NULL) {
        *out = *known;
        return STATUS_OK;
    }
    if (client_find_field(client, bytes_text(entity), name, out, storage))
        return STATUS_OK;
    if (condition->kind != NULL) {
        *out = (struct field_def){.name = condition->field};
        if (!schema_kind_from_name(bytes_text(condition->kind), &out->kind))
            return trouble(fault, STATUS_WRONG_KIND, condition->field,
                           "there is no kind of field called %s", condition->kind);
        /* The values of an enum are the server's to know; on the wire they are text. */
        if (out->kind == KIND_ENUM)
            out->kind = KIND_TEXT;
        return STATUS_OK;
    }
    field_hint(bytes_text(entity), name, hint, sizeof hint);
    return trouble(fault, STATUS_UNKNOWN_FIELD, condition->field, "%s has no field %s%s", entity,
                   condition->field, hint);
}

static enum status put_condition(tandem_client *client, const char *entity,
                                 const tandem_condition *condition, struct buffer *out,
                                 tandem_fault *fault)
{
    struct custom_field_storage storage;
    struct field_def field;
    struct fault parse;
    enum status status = condition_field(client, entity, condition, &field, &storage, fault);
    if (status != STATUS_OK)
        return status;
    soften(&field, condition->op);
    fault_clear(&parse);
    wire_put_array(out, 3);
    wire_put_text(out, field.name);
    wire_put_text(out, condition->op);
    if (schema_parse(&field, bytes_text(condition->text), out, &parse) != STATUS_OK)
        return trouble_from(fault, &parse);
    return out->failed ? trouble(fault, STATUS_NO_MEMORY, "", "out of memory") : STATUS_OK;
}

static bool is_op(const char *op)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "contains"};
    for (size_t i = 0; op != NULL && i < sizeof ops / sizeof *ops; i++)
        if (strcmp(op, ops[i]) == 0)
            return true;
    return false;
}

enum status client_put_where(tandem_client *client, const char *entity,
                             const tandem_condition *where, size_t count, struct buffer *out,
                             tandem_fault *fault)
{
    if (count == 0)
        return STATUS_OK;
    if (count > LIMIT_FIELDS)
        return trouble(fault, STATUS_LIMIT, "", "a query has at most %u conditions", LIMIT_FIELDS);
    wire_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const tandem_condition *condition = &where[i];
        if (condition->field == NULL || condition->text == NULL || !is_op(condition->op))
            return trouble(fault, STATUS_USAGE, condition->field,
                           "a condition is a field, one of = != < <= > >= contains, and a text");
        enum status status = put_condition(client, entity, condition, out, fault);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

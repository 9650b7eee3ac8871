#include "server/core/query/query_names.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/record/view.h"

/* Whether the viewer sees a record of `entity` whose unique text field is exactly `text`. */
static enum status sees_definition(const struct state *state, const struct principal *who,
                                   const char *entity, const char *field, struct bytes text,
                                   struct record *scratch, bool *seen)
{
    struct buffer value = {0}, key = {0}, place = {0};
    struct id id;
    wire_put_str(&value, text);
    schema_index_key(KIND_TEXT, buffer_bytes(&value), &key);
    enum status status = value.failed || key.failed ? STATUS_NO_MEMORY : STATUS_OK;
    *seen = false;
    while (status == STATUS_OK && !*seen && key.size > 0) {
        status = state->ops->index_next(state->self, bytes_text(entity), bytes_text(field),
                                        buffer_bytes(&key), false, &place, &id);
        if (status == STATUS_OK) {
            enum status viewed = view_load(state, who, id, scratch);
            *seen = viewed == STATUS_OK && bytes_equal(record_text(scratch, field), text);
            status = viewed == STATUS_NOT_FOUND ? STATUS_OK : viewed;
        }
    }
    buffer_release(&value);
    buffer_release(&key);
    buffer_release(&place);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Fields that records of custom entities have without a definition. */
static bool is_common(struct bytes field)
{
    size_t count;
    const struct field_def *common = schema_common_fields(&count);
    for (size_t i = 0; i < count; i++) {
        if (bytes_is(field, common[i].name)) {
            return true;
        }
    }
    return bytes_is(field, "name") || bytes_is(field, "account");
}

static enum status check_field(const struct state *state, const struct principal *who,
                               struct bytes entity, const struct condition *condition,
                               struct record *scratch, struct fault *fault)
{
    if (condition->def != NULL || (schema_entity(entity) == NULL && is_common(condition->field))) {
        return STATUS_OK;
    }
    struct buffer key = {0};
    bool seen = false;
    buffer_append(&key, entity.data, entity.size);
    buffer_append_byte(&key, '.');
    buffer_append(&key, condition->field.data, condition->field.size);
    enum status status = key.failed ? STATUS_NO_MEMORY
                                    : sees_definition(state, who, "customField", "key",
                                                      buffer_bytes(&key), scratch, &seen);
    buffer_release(&key);
    if (status == STATUS_OK && !seen) {
        return fault_set(fault, STATUS_UNKNOWN_FIELD, condition->field, "no condition can name it");
    }
    return status;
}

enum status query_names_check(const struct state *state, const struct principal *who,
                              struct bytes entity, const struct conditions *where,
                              struct record *scratch, struct fault *fault)
{
    bool seen = schema_entity(entity) != NULL;
    enum status status =
        seen ? STATUS_OK
             : sees_definition(state, who, "customEntity", "name", entity, scratch, &seen);
    if (status == STATUS_OK && !seen) {
        return fault_set(fault, STATUS_UNKNOWN_ENTITY, bytes_text("entity"), "%.*s",
                         (int)(entity.size > 64 ? 64 : entity.size), (const char *)entity.data);
    }
    for (uint32_t i = 0; i < where->count && status == STATUS_OK; i++) {
        status = check_field(state, who, entity, &where->conditions[i], scratch, fault);
    }
    return status;
}

/* What a local query asks, and whether a record meets it. */
#include "client-lib/client/client_find.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/base/mutation.h"
#include "client-lib/client/client.h"

static enum status plan_account(const tandem_find *find, struct find_plan *plan,
                                tandem_fault *fault)
{
    const struct entity_def *entity = schema_entity(plan->entity);
    bool timed = plan->entity.size == 0 || (entity != NULL && entity->timeline_field != NULL);
    plan->in_range = find->from_ms != 0 || find->to_ms != 0;
    plan->from_ms = find->from_ms;
    plan->to_ms = find->to_ms;
    if (find->account == NULL)
        return STATUS_OK;
    plan->in_account = true;
    plan->account.kind = SCOPE_ACCOUNT;
    if (!id_from_text(bytes_text(find->account), &plan->account.id))
        return trouble(fault, STATUS_INVALID_VALUE, "account", "this is no id");
    if (timed && find->sort == NULL) {
        plan->order = FIND_BY_TIME;
        plan->descending = true;
    }
    return STATUS_OK;
}

static enum status plan_sort(tandem_client *client, const tandem_find *find, struct find_plan *plan,
                             tandem_fault *fault)
{
    struct bytes name = bytes_text(find->sort);
    const struct entity_def *entity = schema_entity(plan->entity);
    char hint[160];
    if (find->sort == NULL)
        return STATUS_OK;
    if (plan->entity.size == 0)
        return trouble(fault, STATUS_USAGE, "sort", "sorting by a field needs an entity");
    const struct field_def *known = entity != NULL ? schema_field(entity, name) : NULL;
    if (known != NULL) {
        plan->sort = *known;
    } else if (name.size > RECORD_NAME_MAX ||
               !client_find_field(client, plan->entity, name, &plan->sort, &plan->storage)) {
        field_hint(plan->entity, name, hint, sizeof hint);
        return trouble(fault, STATUS_UNKNOWN_FIELD, find->sort, "%s has no field %s%s",
                       plan->entity_text, find->sort, hint);
    }
    switch (plan->sort.kind) {
    case KIND_ADDRESS:
    case KIND_REFERENCES:
    case KIND_TAGS:
    case KIND_BLOB:
        return trouble(fault, STATUS_INVALID_VALUE, find->sort, "a %s has no order to sort by",
                       schema_kind_name(plan->sort.kind));
    default:
        plan->order = FIND_BY_FIELD;
        return STATUS_OK;
    }
}

static enum status plan_where(tandem_client *client, const tandem_find *find,
                              struct find_plan *plan, tandem_fault *fault)
{
    struct fault read;
    if (find->where_count == 0)
        return STATUS_OK;
    if (plan->entity.size == 0)
        return trouble(fault, STATUS_USAGE, "where", "conditions need an entity");
    enum status status = client_put_where(client, plan->entity_text, find->where, find->where_count,
                                          &plan->where, fault);
    if (status == STATUS_OK && plan->where.failed)
        status = trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    if (status != STATUS_OK)
        return status;
    fault_clear(&read);
    status = conditions_read(plan->entity, buffer_bytes(&plan->where), &plan->conditions, &read);
    return status == STATUS_OK ? STATUS_OK : trouble_from(fault, &read);
}

enum status find_prepare(tandem_client *client, const tandem_find *find, struct find_plan *plan,
                         tandem_fault *fault)
{
    memset(plan, 0, sizeof *plan);
    plan->states = find->states;
    plan->limit = find->limit;
    plan->descending = find->descending;
    struct bytes entity = bytes_text(find->entity);
    plan->nothing = entity.size > RECORD_NAME_MAX;
    bytes_to_text(entity, plan->entity_text, sizeof plan->entity_text);
    plan->entity = bytes_text(plan->entity_text);
    enum status status = plan_account(find, plan, fault);
    if (status == STATUS_OK)
        status = plan_sort(client, find, plan, fault);
    if (status == STATUS_OK)
        status = plan_where(client, find, plan, fault);
    if (status != STATUS_OK)
        find_release(plan);
    return status;
}

void find_release(struct find_plan *plan)
{
    buffer_release(&plan->where);
}

static bool meets_conditions(const struct find_plan *plan, const struct record_view *view,
                             uint32_t met)
{
    size_t scanned = 0;
    for (uint32_t i = 0; i < plan->conditions.count; i++) {
        const struct condition *condition = &plan->conditions.conditions[i];
        char name[RECORD_NAME_MAX + 1];
        struct bytes value = {0};
        if ((met >> i & 1) != 0)
            continue;
        (void)wire_map_find(view->fields, bytes_to_text(condition->field, name, sizeof name),
                            &value);
        if (!condition_meets(condition, value, &scanned))
            return false;
    }
    return true;
}

static bool meets_time(const struct find_plan *plan, const struct record_view *view)
{
    int64_t ms = 0;
    if (plan->order != FIND_BY_TIME && !plan->in_range)
        return true;
    return record_view_time(view, &ms) &&
           (!plan->in_range || (ms >= plan->from_ms && ms < plan->to_ms));
}

bool find_meets(const struct find_plan *plan, const struct tandem_record *record)
{
    return find_meets_besides(plan, record, 0);
}

bool find_meets_besides(const struct find_plan *plan, const struct tandem_record *record,
                        uint32_t met)
{
    const struct record_view *view = &record->view;
    bool in_state = (plan->states & TANDEM_IN_STATE(record->state)) != 0;
    if (record->apart ? !in_state : plan->states != 0 && !in_state)
        return false;
    if (plan->nothing || (plan->entity.size > 0 && !bytes_equal(view->entity, plan->entity)))
        return false;
    if (plan->in_account && !scope_equal(view->scope, plan->account))
        return false;
    return meets_time(plan, view) && meets_conditions(plan, view, met);
}

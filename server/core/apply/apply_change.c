#include "server/core/apply/apply_change.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_fields.h"
#include "server/core/apply/apply_mention.h"
#include "server/core/apply/apply_place.h"
#include "server/core/apply/apply_rules.h"
#include "server/core/apply/apply_schema.h"

/* A change as the client wrote it; what it did not say is none. */
struct change {
    struct id id;
    uint64_t base;
    struct bytes op, entity, scope, audience, fields, add, remove, note, user;
};

static enum status check_entity(struct plan *plan, struct draft *draft)
{
    const struct entity_rules *rules = rules_of(draft->now->entity);
    return rules && rules->check ? rules->check(plan, draft) : STATUS_OK;
}

static enum status begin_entity(struct plan *plan, struct draft *draft)
{
    const struct entity_rules *rules = rules_of(draft->now->entity);
    return rules && rules->begin ? rules->begin(plan, draft) : STATUS_OK;
}

/* Neither end of the range of ids may be one: places in ordered tables are told by them. */
static bool is_usable(struct id id)
{
    static const uint8_t highest[ID_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return !id_is_zero(id) && memcmp(id.octet, highest, ID_SIZE) != 0;
}

static enum status check_new_id(struct plan *plan, struct id id)
{
    const struct record *taken;
    if (!is_usable(id))
        return plan_refuse(plan, STATUS_INVALID_VALUE, "id", "this is no id of a record");
    const enum status status = plan_peek(plan, id, &taken);
    if (status == STATUS_OK)
        return plan_refuse(plan, STATUS_EXISTS, "id", "there is a record with this id");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status new_draft(struct plan *plan, const struct change *change,
                             struct draft **draft)
{
    const struct entity_def *entity;
    enum status status = plan_entity(plan, change->entity, &entity);
    /* A partner makes no record of a custom entity, and so need not hear which there are. */
    if (status == STATUS_OK && plan->actor->partner && !schema_entity(change->entity))
        status = STATUS_UNKNOWN_ENTITY;
    if (status == STATUS_UNKNOWN_ENTITY)
        return plan_refuse(plan, status, "entity", "there is no such entity");
    if (status != STATUS_OK)
        return status;
    status = check_new_id(plan, change->id);
    if (status != STATUS_OK)
        return status;
    if (bytes_is(change->entity, "customField"))
        plan->nothing_required = false;
    return plan_new_draft(plan, change->id, entity, draft);
}

/* An account of one's own making is in no scope that could be open to a partner. */
static enum status allow_create(struct plan *plan, const struct draft *draft)
{
    if (draft->entity->home == HOME_SELF && plan->actor->partner)
        return plan_refuse(plan, STATUS_DENIED, "",
                           verdict_text((struct verdict){false, REASON_OUTSIDER}));
    return plan_allow(plan, draft->now, ACTION_CREATE,
                      draft->now->scope.kind == SCOPE_ACCOUNT ? "account" : "scope");
}

static enum status change_create(struct plan *plan, const struct change *change)
{
    struct draft *draft;
    struct bytes account = {NULL, 0};
    struct wire_reader fields = wire_read(change->fields);
    if (wire_peek(&fields) != WIRE_MAP)
        return plan_refuse(plan, STATUS_MISSING_FIELD, "fields", "must be a map");
    enum status status = new_draft(plan, change, &draft);
    if (status != STATUS_OK)
        return status;
    wire_map_find(change->fields, "account", &account);
    status = place_new(plan, draft, account, change->scope, change->audience);
    if (status == STATUS_OK)
        status = allow_create(plan, draft);
    if (status == STATUS_OK)
        status = fields_apply(plan, draft, change->fields, 0);
    if (status == STATUS_OK)
        status = plan_require_fields(plan, draft);
    if (status == STATUS_OK)
        status = place_moved(plan, draft); /* the account may have come under another name */
    return status == STATUS_OK ? check_entity(plan, draft) : status;
}

/* The answer about a record that was deleted: a conflict for those who saw it to the last. Whoever
 * had lost sight of it before must not hear that it is gone. */
static enum status refuse_deleted(struct plan *plan, const struct record *record)
{
    struct opening opening;
    enum status status = plan_opening(plan, record->scope, &opening);
    if (status != STATUS_OK)
        return status;
    if (opening.open && access_audience_left(plan->actor, record, record->seq - 1)) {
        fields_conflict_deleted(plan, record);
        return plan_refuse(plan, STATUS_CONFLICT, "", "somebody else deleted this record");
    }
    return plan_refuse(plan, STATUS_NOT_FOUND, "id", status_text(STATUS_NOT_FOUND));
}

/* A removal of what this very mutation has removed is about nothing that anybody else did. */
static bool was_deleted(const struct draft *draft, enum action action)
{
    return action == ACTION_DELETE && draft->old && draft->old->deleted;
}

/* The draft of a live record that the actor may do `action` to. */
static enum status open_draft(struct plan *plan, const struct change *change, enum action action,
                              struct draft **draft)
{
    enum status status = plan_draft(plan, change->id, draft);
    if (status == STATUS_NOT_FOUND)
        return plan_refuse(plan, status, "id", status_text(status));
    if (status != STATUS_OK)
        return status;
    if ((*draft)->now->deleted && (action == ACTION_EDIT || was_deleted(*draft, action)))
        return refuse_deleted(plan, (*draft)->now);
    if ((*draft)->now->deleted)
        return plan_refuse(plan, STATUS_NOT_FOUND, "id", status_text(STATUS_NOT_FOUND));
    return plan_allow(plan, (*draft)->now, action, "id");
}

static enum status change_update(struct plan *plan, const struct change *change)
{
    struct draft *draft;
    enum status status = open_draft(plan, change, ACTION_EDIT, &draft);
    if (status == STATUS_OK)
        status = begin_entity(plan, draft);
    if (status == STATUS_OK)
        status = fields_apply(plan, draft, change->fields, change->base);
    if (status == STATUS_OK)
        status = place_moved(plan, draft);
    return status == STATUS_OK ? check_entity(plan, draft) : status;
}

static enum status change_remove(struct plan *plan, const struct change *change)
{
    struct draft *draft;
    enum status status = open_draft(plan, change, ACTION_DELETE, &draft);
    if (status == STATUS_OK)
        status = begin_entity(plan, draft);
    if (status == STATUS_OK)
        status = fields_conflict_any(plan, draft, change->base);
    if (status != STATUS_OK)
        return status;
    draft_delete(plan, draft);
    return check_entity(plan, draft);
}

static enum status share_add(struct plan *plan, struct draft *draft, struct bytes encoded)
{
    struct tag tags[LIMIT_PLACEMENTS];
    unsigned count;
    enum status status = place_read_tags(plan, encoded, "add", tags, &count);
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        status = place_check_tag(plan, draft->now->scope, tags[i]);
        if (status == STATUS_OK)
            status = draft_place(plan, draft, tags[i]);
    }
    return status;
}

static enum status share_remove(struct plan *plan, struct draft *draft, struct bytes encoded)
{
    struct tag tags[LIMIT_PLACEMENTS];
    unsigned count;
    enum status status = place_read_tags(plan, encoded, "remove", tags, &count);
    for (unsigned i = 0; i < count && status == STATUS_OK; i++)
        draft_unplace(plan, draft, tags[i]);
    return status;
}

static enum status change_share(struct plan *plan, const struct change *change)
{
    struct draft *draft;
    enum status status = open_draft(plan, change, ACTION_SHARE, &draft);
    if (status == STATUS_OK && change->add.size)
        status = share_add(plan, draft, change->add);
    if (status == STATUS_OK && change->remove.size)
        status = share_remove(plan, draft, change->remove);
    if (status != STATUS_OK)
        return status;
    status = place_check_audience(plan, draft, "remove");
    return status == STATUS_OK ? check_entity(plan, draft) : status;
}

static enum status change_mention(struct plan *plan, const struct change *change)
{
    struct wire_reader note = wire_read(change->note), user = wire_read(change->user);
    struct bytes name;
    struct id id;
    if (change->note.size == 0 || change->user.size == 0)
        return plan_refuse(plan, STATUS_MISSING_FIELD, change->note.size == 0 ? "note" : "user",
                           "this field is required");
    if (!wire_get_id(&note, &id))
        return plan_refuse(plan, STATUS_WRONG_KIND, "note", "must be an id");
    if (!wire_get_str(&user, &name))
        return plan_refuse(plan, STATUS_WRONG_KIND, "user", "must be a sign-in name");
    const enum status status = check_new_id(plan, change->id);
    return status == STATUS_OK ? mention_plan(plan, change->id, id, name) : status;
}

/* The value of a key, none when it is absent or nil. */
static struct bytes value_in(struct bytes map, const char *key)
{
    struct bytes value = {NULL, 0};
    if (wire_map_find(map, key, &value)) {
        struct wire_reader reader = wire_read(value);
        if (wire_peek(&reader) != WIRE_NIL)
            return value;
    }
    return (struct bytes){NULL, 0};
}

static enum status read_change(struct plan *plan, struct bytes map, struct change *out)
{
    struct bytes value;
    struct wire_reader reader = wire_read(map);
    if (wire_peek(&reader) != WIRE_MAP)
        return plan_refuse(plan, STATUS_WRONG_KIND, "changes", "each change must be a map");
    *out = (struct change){.base = plan->base};
    value = value_in(map, "id");
    reader = wire_read(value);
    if (value.size == 0)
        return plan_refuse(plan, STATUS_MISSING_FIELD, "id", "this field is required");
    if (!wire_get_id(&reader, &out->id))
        return plan_refuse(plan, STATUS_WRONG_KIND, "id", "must be an id");
    value = value_in(map, "base");
    reader = wire_read(value);
    if (value.size && !wire_get_uint(&reader, &out->base))
        return plan_refuse(plan, STATUS_WRONG_KIND, "base", "must be a seq");
    wire_map_str(map, "op", &out->op);
    wire_map_str(map, "entity", &out->entity);
    out->scope = value_in(map, "scope");
    out->audience = value_in(map, "audience");
    out->fields = value_in(map, "fields");
    out->add = value_in(map, "add");
    out->remove = value_in(map, "remove");
    out->note = value_in(map, "note");
    out->user = value_in(map, "user");
    return STATUS_OK;
}

static enum status plan_change(struct plan *plan, struct bytes map)
{
    static const struct {
        const char *op;
        enum status (*plan)(struct plan *plan, const struct change *change);
    } ops[] = {
        {"create", change_create},
        {"update", change_update},
        {"remove", change_remove},
        {"share", change_share},
        {"mention", change_mention},
    };
    struct change change;
    enum status status = read_change(plan, map, &change);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++)
        if (bytes_is(change.op, ops[i].op))
            return ops[i].plan(plan, &change);
    return plan_refuse(plan, STATUS_INVALID_VALUE, "op",
                       "must be create, update, remove, share or mention");
}

enum status changes_plan(struct plan *plan, struct bytes changes)
{
    struct wire_reader reader = wire_read(changes);
    uint32_t count;
    if (!wire_get_array(&reader, &count))
        return plan_refuse(plan, STATUS_WRONG_KIND, "changes", "must be an array");
    if (count > LIMIT_CHANGES)
        return plan_refuse(plan, STATUS_LIMIT, "changes", "too many changes in one mutation");
    for (uint32_t i = 0; i < count; i++) {
        struct bytes map;
        plan->fault->change = (int)i;
        if (!wire_skip(&reader, &map))
            return plan_refuse(plan, STATUS_MALFORMED, "changes", "");
        enum status status = plan_change(plan, map);
        if (status != STATUS_OK)
            return status;
    }
    if (plan->conflict_change >= 0) {
        plan->fault->change = plan->conflict_change;
        return plan_refuse(plan, STATUS_CONFLICT, "", status_text(STATUS_CONFLICT));
    }
    plan->fault->change = -1;
    return STATUS_OK;
}

enum status change_create_record(struct plan *plan, const char *entity, struct id id,
                                 struct bytes fields)
{
    const struct change change = {.id = id, .entity = bytes_text(entity), .fields = fields};
    return change_create(plan, &change);
}

#include "server/core/apply/apply_draft.h"

#include <assert.h>
#include <string.h>

#include "protocol/wire.h"

static const uint8_t nil_octet[] = {0xc0};

static bool value_is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

/* Index + 1 of the list of departments among the record's restrictions. */
static enum status restrict_to(struct plan *plan, struct record *record,
                               const struct field_def *field, uint8_t *index)
{
    struct buffer list = {0};
    uint32_t count = 0;
    while (field->departments && field->departments[count])
        count++;
    wire_put_array(&list, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_text(&list, field->departments[i]);
    struct bytes encoded = arena_keep(&plan->arena, &list);
    if (plan->arena.failed)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < record->restriction_count; i++)
        if (bytes_equal(record->restrictions[i], encoded))
            return *index = (uint8_t)(i + 1), STATUS_OK;
    if (record->restriction_count == RECORD_MAX_RESTRICTIONS)
        return plan_refuse(plan, STATUS_LIMIT, field->name,
                           "too many different groups of departments in one record");
    record->restrictions[record->restriction_count++] = encoded;
    *index = (uint8_t)record->restriction_count;
    return STATUS_OK;
}

static struct record_field *find_field(struct record *record, struct bytes name)
{
    for (unsigned i = 0; i < record->field_count; i++)
        if (bytes_equal(record->fields[i].name, name))
            return &record->fields[i];
    return NULL;
}

enum status draft_set(struct plan *plan, struct draft *draft, const struct field_def *field,
                      struct bytes value)
{
    struct record *now = draft->now;
    struct bytes name = bytes_text(field->name);
    struct record_field *found = find_field(now, name);
    if (found ? bytes_equal(found->value, value) : value_is_nil(value))
        return STATUS_OK;
    uint8_t restricted = 0;
    if (field->class == CLASS_RESTRICTED) {
        enum status status = restrict_to(plan, now, field, &restricted);
        if (status != STATUS_OK)
            return status;
    }
    if (!found) {
        if (now->field_count == LIMIT_FIELDS)
            return plan_refuse(plan, STATUS_LIMIT, field->name, "too many fields in one record");
        found = &now->fields[now->field_count++];
    }
    *found = (struct record_field){name, value, 0, (uint8_t)field->class, restricted};
    return STATUS_OK;
}

enum status draft_set_text(struct plan *plan, struct draft *draft, const char *field,
                           const char *text)
{
    const struct field_def *def = schema_field(draft->entity, bytes_text(field));
    assert(def);
    struct buffer value = {0};
    wire_put_text(&value, text);
    struct bytes kept = arena_keep(&plan->arena, &value);
    return plan->arena.failed ? STATUS_NO_MEMORY : draft_set(plan, draft, def, kept);
}

static struct placement *find_placement(struct record *record, struct scope scope, struct tag tag)
{
    for (unsigned i = 0; i < record->placement_count; i++)
        if (scope_equal(record->placements[i].scope, scope) &&
            tag_equal(record->placements[i].tag, tag))
            return &record->placements[i];
    return NULL;
}

static void drop_placement(struct record *record, unsigned index)
{
    record->placement_count--;
    memmove(&record->placements[index], &record->placements[index + 1],
            (record->placement_count - index) * sizeof *record->placements);
}

/* Placements that ended before the horizon need not be told to anybody any more. */
static void drop_forgotten(const struct plan *plan, struct record *record)
{
    for (unsigned i = record->placement_count; i-- > 0;)
        if (record->placements[i].removed && record->placements[i].removed <= plan->meta.horizon)
            drop_placement(record, i);
}

static enum status place(struct plan *plan, struct draft *draft, struct scope scope,
                         struct tag tag)
{
    struct record *now = draft->now;
    struct placement *found = find_placement(now, scope, tag);
    if (found && !found->removed)
        return STATUS_OK;
    if (found) {
        const struct placement *before =
            draft->old ? find_placement(draft->old, scope, tag) : NULL;
        /* Ended by this very mutation: it goes on as if nothing had been. */
        *found = before && !before->removed ? *before : (struct placement){scope, tag, plan->seq, 0};
        return STATUS_OK;
    }
    if (now->placement_count == LIMIT_PLACEMENTS)
        drop_forgotten(plan, now);
    if (now->placement_count == LIMIT_PLACEMENTS)
        return plan_refuse(plan, STATUS_LIMIT, "", "too many audience tags, former ones included");
    now->placements[now->placement_count++] = (struct placement){scope, tag, plan->seq, 0};
    return STATUS_OK;
}

enum status draft_place(struct plan *plan, struct draft *draft, struct tag tag)
{
    return place(plan, draft, draft->now->scope, tag);
}

/* Ends placement `index`. One begun by this very mutation was never there. False when it is gone
 * from the list. */
static bool end_placement(struct plan *plan, struct draft *draft, unsigned index)
{
    struct placement *placement = &draft->now->placements[index];
    if (placement->added < plan->seq) {
        placement->removed = plan->seq;
        return true;
    }
    const struct placement *before =
        draft->old ? find_placement(draft->old, placement->scope, placement->tag) : NULL;
    if (before) {
        *placement = *before;
        return true;
    }
    drop_placement(draft->now, index);
    return false;
}

void draft_unplace(struct plan *plan, struct draft *draft, struct tag tag)
{
    struct placement *found = find_placement(draft->now, draft->now->scope, tag);
    if (found && !found->removed)
        end_placement(plan, draft, (unsigned)(found - draft->now->placements));
}

enum status draft_move(struct plan *plan, struct draft *draft, struct scope scope)
{
    struct record *now = draft->now;
    struct tag tags[LIMIT_PLACEMENTS];
    unsigned count = 0;
    if (scope_equal(now->scope, scope))
        return STATUS_OK;
    for (unsigned i = now->placement_count; i-- > 0;) {
        if (now->placements[i].removed)
            continue;
        tags[count++] = now->placements[i].tag;
        end_placement(plan, draft, i);
    }
    now->scope = scope;
    while (count-- > 0) {
        enum status status = place(plan, draft, scope, tags[count]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void draft_delete(struct plan *plan, struct draft *draft)
{
    for (unsigned i = draft->now->placement_count; i-- > 0;)
        if (!draft->now->placements[i].removed)
            end_placement(plan, draft, i);
    draft->now->deleted = true;
    draft->now->field_count = 0;
    draft->now->restriction_count = 0;
}

const struct record_field *draft_old_field(const struct draft *draft, struct bytes name)
{
    return draft->old ? record_field_any(draft->old, name) : NULL;
}

static bool same_value(const struct record_field *a, const struct record_field *b)
{
    static const struct record_field absent = {.value = {nil_octet, sizeof nil_octet}};
    return bytes_equal(a ? a->value : absent.value, b ? b->value : absent.value);
}

bool draft_field_differs(const struct draft *draft, const char *field)
{
    struct bytes name = bytes_text(field);
    return !same_value(record_field_any(draft->now, name), draft_old_field(draft, name));
}

/* Index of an equal stamp in the record, added when it is not there. */
static uint16_t stamp_index(struct record *record, const struct stamp *stamp)
{
    for (uint16_t i = 0; i < record->stamp_count; i++)
        if (record->stamps[i].seq == stamp->seq)
            return i; /* one seq is one mutation, so one author and one time */
    assert(record->stamp_count < RECORD_MAX_STAMPS);
    record->stamps[record->stamp_count] = *stamp;
    return record->stamp_count++;
}

static bool same_placements(const struct record *a, const struct record *b)
{
    if (a->placement_count != b->placement_count)
        return false;
    for (unsigned i = 0; i < a->placement_count; i++) {
        const struct placement *p = &a->placements[i], *q = &b->placements[i];
        if (!scope_equal(p->scope, q->scope) || !tag_equal(p->tag, q->tag) ||
            p->added != q->added || p->removed != q->removed)
            return false;
    }
    return true;
}

/* A field that the mutation set and cleared again, and that was not there before, never was. */
static void drop_unborn_fields(struct draft *draft)
{
    struct record *now = draft->now;
    uint16_t kept = 0;
    for (unsigned i = 0; i < now->field_count; i++)
        if (draft_old_field(draft, now->fields[i].name) || !value_is_nil(now->fields[i].value))
            now->fields[kept++] = now->fields[i];
    now->field_count = kept;
}

/* Stamps each field with the time of its own last change; returns whether any changed now, and
 * whether one that outsiders see did. */
static bool stamp_fields(struct draft *draft, const struct stamp *stamp, bool *shared)
{
    struct record *now = draft->now;
    bool changed = false;
    now->stamp_count = 0;
    for (unsigned i = 0; i < now->field_count; i++) {
        struct record_field *field = &now->fields[i];
        const struct record_field *before = draft_old_field(draft, field->name);
        bool kept = before && bytes_equal(before->value, field->value);
        if (kept)
            *field = *before;
        field->stamp = stamp_index(now, kept ? &draft->old->stamps[before->stamp] : stamp);
        changed = changed || !kept;
        *shared = *shared || (!kept && field->class == CLASS_SHARED);
    }
    return changed;
}

enum status draft_settle(struct plan *plan, struct draft *draft)
{
    struct record *now = draft->now;
    const struct record *old = draft->old;
    const struct stamp stamp = {plan->seq, plan->at_ms, bytes_text(plan->actor->name)};
    bool shared = !old;
    if (!old && now->deleted)
        return draft->changed = false, STATUS_OK;
    drop_unborn_fields(draft);
    bool changed = stamp_fields(draft, &stamp, &shared);
    if (now->deleted && !(old && old->deleted)) {
        stamp_index(now, &stamp); /* the time of its deletion */
        changed = true;
    }
    draft->changed = !old || changed || !same_placements(now, old);
    now->seq = draft->changed ? plan->seq : old->seq;
    now->shared_seq = shared ? plan->seq : old->shared_seq;
    return STATUS_OK;
}

#include "server/core/apply/apply_fields.h"

#include "protocol/fold.h"
#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_note.h"
#include "server/core/apply/apply_schema.h"

/* What one answer tells of conflicts; the refusal itself does not depend on it. */
#define MOST_CONFLICTS 100u
#define MOST_CONFLICT_BYTES (256u * 1024u)
/* Most records with the same index key looked through for an equal value. */
#define MOST_EQUAL_KEYS 10000u

static void normalise_next(struct wire_reader *reader, struct buffer *out)
{
    int64_t integer;
    uint64_t natural;
    uint32_t count;
    struct bytes text;
    bool truth;
    if (wire_get_int(reader, &integer))
        wire_put_int(out, integer);
    else if (wire_get_uint(reader, &natural))
        wire_put_uint(out, natural);
    else if (wire_get_str(reader, &text))
        wire_put_str(out, text);
    else if (wire_get_bin(reader, &text))
        wire_put_bin(out, text);
    else if (wire_get_bool(reader, &truth))
        wire_put_bool(out, truth);
    else if (wire_get_array(reader, &count)) {
        wire_put_array(out, count);
        for (uint32_t i = 0; i < count; i++)
            normalise_next(reader, out); /* no deeper than WIRE_MAX_DEPTH: it was validated */
    } else if (wire_get_map(reader, &count)) {
        wire_put_map(out, count);
        for (uint32_t i = 0; i < 2 * count; i++)
            normalise_next(reader, out);
    } else {
        wire_get_nil(reader);
        wire_put_nil(out);
    }
}

void value_normalise(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    normalise_next(&reader, out);
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

static void put_conflict(struct plan *plan, struct id id, struct bytes field, struct bytes theirs,
                         const struct stamp *stamp)
{
    if (plan->conflict_change < 0)
        plan->conflict_change = plan->fault->change;
    if (plan->conflict_count == MOST_CONFLICTS ||
        plan->conflicts.size + theirs.size > MOST_CONFLICT_BYTES)
        return;
    plan->conflict_count++;
    struct buffer *out = &plan->conflicts;
    wire_put_map(out, 6);
    wire_put_text(out, "id");
    wire_put_id(out, id);
    wire_put_text(out, "field");
    wire_put_str(out, field);
    wire_put_text(out, "theirs");
    if (theirs.size)
        wire_put_raw(out, theirs);
    else
        wire_put_nil(out);
    wire_put_text(out, "by");
    wire_put_str(out, stamp->by);
    wire_put_text(out, "at");
    wire_put_uint(out, stamp->at_ms);
    wire_put_text(out, "seq");
    wire_put_uint(out, stamp->seq);
}

/* Whether the stamp is somebody else's and newer than what the author had seen. */
static bool is_newer(const struct plan *plan, const struct stamp *stamp, uint64_t base)
{
    return base > 0 && !plan->overwrite && stamp->seq > base &&
           !bytes_is(stamp->by, plan->actor->name);
}

/* A conflict tells of a seq that there is, also when it is about what has none yet. */
static void put_unsettled(struct plan *plan, const struct draft *draft, struct bytes field,
                          struct bytes theirs, struct stamp stamp, uint64_t base)
{
    note_blame_others(plan, draft, base, &stamp);
    if (!is_newer(plan, &stamp, base))
        return;
    stamp.seq = plan->meta.seq;
    put_conflict(plan, draft->id, field, theirs, &stamp);
}

/* `value` differs from what the field holds. A field this mutation changed already was weighed
 * then. */
static void weigh_conflict(struct plan *plan, const struct draft *draft,
                           const struct field_def *field, struct bytes value, uint64_t base)
{
    const struct record_field *now = record_field_any(draft->now, bytes_text(field->name));
    struct bytes typed;
    struct stamp by;
    if (note_unsettled(plan, draft, bytes_text(field->name), &typed, &by)) {
        if (now && bytes_equal(now->value, typed))
            put_unsettled(plan, draft, now->name, typed, by, base);
        return;
    }
    const struct record_field *before = draft_old_field(draft, bytes_text(field->name));
    if (!before || bytes_equal(before->value, value) || draft_field_differs(draft, field->name))
        return;
    struct stamp stamp = draft->old->stamps[before->stamp];
    if (bytes_is(before->name, "text"))
        note_blame_others(plan, draft, base, &stamp);
    if (is_newer(plan, &stamp, base))
        put_conflict(plan, draft->id, before->name, before->value, &stamp);
}

enum status fields_conflict_any(struct plan *plan, const struct draft *draft, uint64_t base)
{
    const struct record *old = draft->old;
    for (unsigned i = 0; old && i < old->field_count; i++) {
        const struct record_field *field = &old->fields[i];
        struct stamp stamp = old->stamps[field->stamp];
        struct bytes typed;
        struct stamp by;
        if (!access_sees_field(plan->actor, old, field))
            continue;
        if (note_unsettled(plan, draft, field->name, &typed, &by))
            put_unsettled(plan, draft, field->name, typed, by, base);
        else if (is_newer(plan, &stamp, base))
            put_conflict(plan, draft->id, field->name, field->value, &stamp);
    }
    return plan->conflicts.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

void fields_conflict_deleted(struct plan *plan, const struct record *deleted)
{
    const struct bytes none = {NULL, 0};
    const struct stamp *newest = &deleted->created;
    for (unsigned i = 0; i < deleted->stamp_count; i++)
        if (deleted->stamps[i].seq > newest->seq)
            newest = &deleted->stamps[i];
    put_conflict(plan, deleted->id, none, none, newest);
}

enum status reference_check(struct plan *plan, const struct field_def *field, struct id id)
{
    const struct record *target;
    struct verdict verdict = {false, REASON_AUDIENCE};
    enum status status = plan_peek(plan, id, &target);
    bool there = status == STATUS_OK && !target->deleted;
    if (there)
        status = plan_judge(plan, target, ACTION_READ, &verdict);
    if (apply_is_failure(status))
        return status;
    if (!there || !verdict.allowed)
        return plan_refuse(plan, STATUS_NOT_FOUND, field->name,
                           "there is no such record, or it is not yours to see");
    if (field->target && !bytes_is(target->entity, field->target))
        return plan_refuse(plan, STATUS_INVALID_VALUE, field->name,
                           "the record meant is of another entity");
    return STATUS_OK;
}

/* Checks what the value refers to, as far as the stored record did not already. */
static enum status check_references(struct plan *plan, const struct draft *draft,
                                    const struct field_def *field, struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    uint32_t count = 1;
    struct id id;
    if (field->kind == KIND_REFERENCES && !wire_get_array(&reader, &count))
        return STATUS_OK;
    for (uint32_t i = 0; i < count && wire_get_id(&reader, &id); i++) {
        if (draft->old && record_has_reference(draft->old, field->name, id))
            continue;
        enum status status = reference_check(plan, field, id);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

struct equal_value {
    const char *field;
    struct bytes text; /* compared folded */
    struct bytes value;
    struct id except;
};

static bool has_equal_value(void *context, const struct record *record)
{
    const struct equal_value *wanted = context;
    const struct record_field *field = record_field(record, wanted->field);
    if (!field || id_equal(record->id, wanted->except))
        return false;
    return wanted->text.data
               ? fold_compare(record_text(record, wanted->field), wanted->text) == 0
               : bytes_equal(field->value, wanted->value);
}

static enum status check_unique(struct plan *plan, const struct draft *draft,
                                const struct field_def *field, struct bytes value)
{
    struct equal_value wanted = {field->name, {NULL, 0}, value, draft->id};
    struct wire_reader reader = wire_read(value);
    const struct record *found = NULL;
    struct buffer key = {0};
    wire_get_str(&reader, &wanted.text);
    schema_index_key(field->kind, value, &key);
    enum status status = key.failed ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK && key.size > 0)
        status = plan_search(plan, draft->entity->name, field->name, buffer_bytes(&key),
                             MOST_EQUAL_KEYS, has_equal_value, &wanted, &found);
    buffer_release(&key);
    if (status == STATUS_OK && found)
        return plan_refuse(plan, STATUS_EXISTS, field->name, "this is already taken");
    return status;
}

/* Whether the actor may write the field at all. */
static enum status check_writable(struct plan *plan, const struct draft *draft,
                                  const struct field_def *field, bool custom)
{
    const struct principal *actor = plan->actor;
    if (!plan_sees_field(plan, field)) {
        if (plan->arena.failed)
            return STATUS_NO_MEMORY;
        if (custom && actor->partner)
            return plan_refuse(plan, STATUS_UNKNOWN_FIELD, "", "the entity has no such field");
        return plan_refuse(plan, STATUS_DENIED, field->name,
                           verdict_text((struct verdict){false, REASON_FIELD_CLASS}));
    }
    if (field->flags & FIELD_SYSTEM)
        return plan_refuse(plan, STATUS_DENIED, field->name,
                           verdict_text((struct verdict){false, REASON_SYSTEM_FIELD}));
    if (bytes_is(draft->now->entity, "user") && actor->role != ROLE_ADMINISTRATOR &&
        !access_own_field(bytes_text(field->name)))
        return plan_refuse(plan, STATUS_DENIED, field->name,
                           verdict_text((struct verdict){false, REASON_ROLE}));
    return STATUS_OK;
}

static enum status check_value(struct plan *plan, struct draft *draft,
                               const struct field_def *field, struct bytes value)
{
    if ((field->flags & FIELD_FIXED) && draft->old)
        return plan_refuse(plan, STATUS_INVALID_VALUE, field->name,
                           "this is set when the record is made and cannot be changed");
    if (is_nil(value))
        return field->flags & FIELD_REQUIRED
                   ? plan_refuse(plan, STATUS_MISSING_FIELD, field->name, "this field is required")
                   : STATUS_OK;
    enum status status = STATUS_OK;
    if (field->kind == KIND_REFERENCE || field->kind == KIND_REFERENCES)
        status = check_references(plan, draft, field, value);
    if (status == STATUS_OK && (field->flags & FIELD_UNIQUE))
        status = check_unique(plan, draft, field, value);
    return status;
}

static enum status set_field(struct plan *plan, struct draft *draft, struct bytes name,
                             struct bytes raw, uint64_t base)
{
    const struct field_def *field;
    bool custom;
    enum status status = plan_field(plan, draft->entity, name, &field, &custom);
    if (status == STATUS_UNKNOWN_FIELD) {
        char text[65];
        return plan_refuse(plan, status, bytes_to_text(name, text, sizeof text),
                           "the entity has no such field");
    }
    if (status == STATUS_OK)
        status = check_writable(plan, draft, field, custom);
    if (status == STATUS_OK && !is_nil(raw))
        status = schema_check(field, raw, plan->fault);
    if (status != STATUS_OK)
        return status;
    struct buffer normal = {0};
    value_normalise(raw, &normal);
    struct bytes value = arena_keep(&plan->arena, &normal);
    if (plan->arena.failed)
        return STATUS_NO_MEMORY;
    const struct record_field *current = record_field_any(draft->now, bytes_text(field->name));
    if (current ? bytes_equal(current->value, value) : is_nil(value))
        return STATUS_OK;
    status = check_value(plan, draft, field, value);
    if (status != STATUS_OK)
        return status;
    weigh_conflict(plan, draft, field, value, base);
    return draft_set(plan, draft, field, value);
}

enum status fields_apply(struct plan *plan, struct draft *draft, struct bytes map, uint64_t base)
{
    struct wire_reader reader = wire_read(map);
    uint32_t count;
    enum status status = STATUS_OK;
    if (!wire_get_map(&reader, &count))
        return plan_refuse(plan, STATUS_WRONG_KIND, "fields", "must be a map");
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct bytes name, value;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            return plan_refuse(plan, STATUS_MALFORMED, "fields", "");
        status = set_field(plan, draft, name, value, base);
    }
    if (status == STATUS_OK && plan->conflicts.failed)
        status = STATUS_NO_MEMORY;
    return status;
}

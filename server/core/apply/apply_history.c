#include "server/core/apply/apply_history.h"

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"

static const char *op_of(const struct draft *draft, bool fields_changed)
{
    if (!draft->old)
        return "create";
    if (draft->now->deleted)
        return "remove";
    return fields_changed ? "update" : "share";
}

static void put_value(struct buffer *out, const struct record_field *field)
{
    if (field)
        wire_put_raw(out, field->value);
    else
        wire_put_nil(out);
}

static void put_change(struct buffer *out, const struct record *of,
                       const struct record_field *described, const struct record_field *from,
                       const struct record_field *to)
{
    bool restricted = described->restricted > 0 && described->restricted <= of->restriction_count;
    wire_put_map(out, restricted ? 5 : 4);
    wire_put_text(out, "field");
    wire_put_str(out, described->name);
    wire_put_text(out, "class");
    wire_put_uint(out, described->class);
    wire_put_text(out, "from");
    put_value(out, from);
    wire_put_text(out, "to");
    put_value(out, to);
    if (restricted) {
        wire_put_text(out, "departments");
        wire_put_raw(out, of->restrictions[described->restricted - 1]);
    }
}

/* Appends each field whose value is another now; returns how many. */
static uint32_t put_changes(struct buffer *out, const struct plan *plan,
                            const struct draft *draft)
{
    const struct record *now = draft->now, *old = draft->old;
    uint32_t count = 0;
    for (unsigned i = 0; i < now->field_count; i++) {
        const struct record_field *to = &now->fields[i];
        const struct record_field *from = draft_old_field(draft, to->name);
        if (from && bytes_equal(from->value, to->value))
            continue;
        if (plan->settles && bytes_is(to->name, "text"))
            continue;
        put_change(out, now, to, from, to);
        count++;
    }
    for (unsigned i = 0; old && i < old->field_count; i++) {
        const struct record_field *from = &old->fields[i];
        if (record_field_any(now, from->name))
            continue;
        put_change(out, old, from, from, NULL);
        count++;
    }
    return count;
}

static bool holds(const struct record *record, struct tag tag)
{
    for (unsigned i = 0; record && i < record->placement_count; i++)
        if (!record->placements[i].removed && tag_equal(record->placements[i].tag, tag))
            return true;
    return false;
}

/* Appends the tags that live in `a` and not in `b`; returns how many. */
static uint32_t put_tags(struct buffer *out, const struct record *a, const struct record *b)
{
    size_t begin = wire_begin_array(out);
    uint32_t count = 0;
    for (unsigned i = 0; a && i < a->placement_count; i++) {
        if (a->placements[i].removed || holds(b, a->placements[i].tag))
            continue;
        uint8_t tag[TAG_SIZE];
        tag_put(a->placements[i].tag, tag);
        wire_put_bin(out, bytes_of(tag, sizeof tag));
        count++;
    }
    wire_end(out, begin, count);
    return count;
}

/* The map {added, removed}; returns whether either holds anything. */
static bool put_audience(struct buffer *out, const struct draft *draft)
{
    wire_put_map(out, 2);
    wire_put_text(out, "added");
    uint32_t moved = put_tags(out, draft->now, draft->old);
    wire_put_text(out, "removed");
    moved += put_tags(out, draft->old, draft->now);
    return moved > 0;
}

static void put_entry(struct buffer *out, const struct plan *plan, const struct draft *draft,
                      const char **op, bool *audience_moved)
{
    struct buffer changes = {0}, audience = {0};
    size_t begin = wire_begin_array(&changes);
    uint32_t count = put_changes(&changes, plan, draft);
    wire_end(&changes, begin, count);
    *audience_moved = put_audience(&audience, draft);
    *op = op_of(draft, count > 0);
    wire_put_map(out, *audience_moved ? 6 : 5);
    wire_put_text(out, "seq");
    wire_put_uint(out, plan->seq);
    wire_put_text(out, "at");
    wire_put_uint(out, plan->at_ms);
    wire_put_text(out, "by");
    wire_put_text(out, plan->actor->name);
    wire_put_text(out, "op");
    wire_put_text(out, *op);
    wire_put_text(out, "changes");
    wire_put_raw(out, buffer_bytes(&changes));
    if (*audience_moved) {
        wire_put_text(out, "audience");
        wire_put_raw(out, buffer_bytes(&audience));
    }
    out->failed = out->failed || changes.failed || audience.failed;
    buffer_release(&changes);
    buffer_release(&audience);
}

enum status audit_write(const struct state *state, uint64_t at_ms, const char *by,
                        const char *action, struct id id, uint64_t seq, const char *detail)
{
    struct buffer entry = {0};
    wire_put_map(&entry, 6);
    wire_put_text(&entry, "at");
    wire_put_uint(&entry, at_ms);
    wire_put_text(&entry, "by");
    wire_put_text(&entry, by);
    wire_put_text(&entry, "action");
    wire_put_text(&entry, action);
    wire_put_text(&entry, "id");
    wire_put_id(&entry, id);
    wire_put_text(&entry, "seq");
    wire_put_uint(&entry, seq);
    wire_put_text(&entry, "detail");
    wire_put_text(&entry, detail);
    enum status status = entry.failed ? STATUS_NO_MEMORY
                                      : state->ops->audit(state->self, buffer_bytes(&entry));
    buffer_release(&entry);
    return status;
}

/* Whether who may see what depends on records of the entity. */
static bool is_about_access(struct bytes entity)
{
    return bytes_is(entity, "user") || bytes_is(entity, "party") || bytes_is(entity, "assignment");
}

enum status history_write(struct plan *plan, const struct draft *draft)
{
    const struct state *state = plan->state;
    struct buffer entry = {0};
    const char *op;
    bool audience_moved;
    put_entry(&entry, plan, draft, &op, &audience_moved);
    enum status status = entry.failed
                             ? STATUS_NO_MEMORY
                             : state->ops->put_history(state->self, draft->id, plan->seq,
                                                       buffer_bytes(&entry));
    buffer_release(&entry);
    bool shared = draft->old && !draft->now->deleted && audience_moved;
    if (status != STATUS_OK || (!shared && !is_about_access(draft->now->entity)))
        return status;
    char entity[65];
    bytes_to_text(draft->now->entity, entity, sizeof entity);
    return audit_write(state, plan->at_ms, plan->actor->name, op, draft->id, plan->seq, entity);
}

/* The end of a plan: settling what it will be, and writing it. */
#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_history.h"
#include "server/core/apply/apply_rules.h"

/* What one field takes in the stored form besides its name and value, and a placement with all. */
#define FIELD_OVERHEAD 9u
#define PLACEMENT_MOST 51u
#define STAMP_OVERHEAD 17u

static size_t size_of_record(const struct record *record)
{
    size_t size = 128;
    for (unsigned i = 0; i < record->field_count; i++)
        size += record->fields[i].name.size + record->fields[i].value.size + FIELD_OVERHEAD;
    for (unsigned i = 0; i < record->stamp_count; i++)
        size += record->stamps[i].by.size + STAMP_OVERHEAD;
    return size + record->placement_count * PLACEMENT_MOST;
}

enum status plan_settle(struct plan *plan)
{
    size_t total = 0;
    for (size_t i = 0; i < plan->draft_count; i++) {
        struct draft *draft = plan->drafts[i];
        enum status status = draft_settle(plan, draft);
        if (status != STATUS_OK)
            return status;
        size_t size = draft->changed ? size_of_record(draft->now) : 0;
        if (size > LIMIT_RECORD_BYTES)
            return plan_refuse(plan, STATUS_TOO_LARGE, "", "a record has 256 KiB at most");
        total += draft->now->deleted ? 0 : size; /* of what is gone, the id is told */
        if (total > LIMIT_MUTATION_RECORDS)
            return plan_refuse(plan, STATUS_TOO_LARGE, "",
                               "the records of a mutation have 1.25 MiB at most together");
    }
    return plan->arena.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Seq at which the record stood in the lane before, 0 when it was not in it. */
static uint64_t old_lane_seq(const struct record *old, const struct placement *placement)
{
    for (unsigned i = 0; old && i < old->placement_count; i++)
        if (scope_equal(old->placements[i].scope, placement->scope) &&
            tag_equal(old->placements[i].tag, placement->tag))
            return record_lane_seq(old, &old->placements[i]);
    return 0;
}

static void touch_lanes(const struct draft *draft, struct effects *effects)
{
    for (unsigned i = 0; i < draft->now->placement_count; i++) {
        const struct placement *placement = &draft->now->placements[i];
        if (record_lane_seq(draft->now, placement) != old_lane_seq(draft->old, placement))
            effects_touch_lane(effects, placement->scope, placement->tag);
    }
}

static enum status write_draft(struct plan *plan, struct draft *draft, struct effects *effects)
{
    const struct state *state = plan->state;
    const struct entity_rules *rules = rules_of(draft->now->entity);
    enum status status = state->ops->put_record(state->self, draft->old, draft->now);
    if (status == STATUS_OK)
        status = history_write(plan, draft);
    if (status == STATUS_OK && rules && rules->write)
        status = rules->write(plan, draft, effects);
    if (bytes_is(draft->now->entity, "user") || bytes_is(draft->now->entity, "party"))
        plan->meta.people_seq = plan->seq;
    touch_lanes(draft, effects);
    return status;
}

enum status plan_write(struct plan *plan, struct effects *effects)
{
    const struct state *state = plan->state;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < plan->draft_count && status == STATUS_OK; i++)
        if (plan->drafts[i]->changed)
            status = write_draft(plan, plan->drafts[i], effects);
    if (status != STATUS_OK)
        return apply_is_failure(status) ? status : STATUS_INTERNAL;
    plan->meta.seq = plan->seq;
    effects->seq = plan->seq;
    status = state->ops->put_meta(state->self, &plan->meta);
    return effects->failed ? STATUS_NO_MEMORY : status;
}

/* The working set of a mutation, and reading through it. */
#include "server/core/apply/apply_plan.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "server/core/apply/apply_schema.h"

bool apply_is_failure(enum status status)
{
    return status >= STATUS_BUSY && status < STATUS_UNREACHABLE;
}

enum status plan_init(struct plan *plan, const struct state *state, const struct principal *actor,
                      uint64_t at_ms, struct fault *fault)
{
    memset(plan, 0, sizeof *plan);
    plan->state = state;
    plan->actor = actor;
    plan->at_ms = at_ms;
    plan->fault = fault;
    plan->conflict_change = -1;
    fault_clear(fault);
    plan->scratch = memory_resize(NULL, sizeof *plan->scratch);
    if (!plan->scratch)
        return STATUS_NO_MEMORY;
    enum status status = state->ops->meta(state->self, &plan->meta);
    plan->seq = plan->meta.seq + 1;
    return status;
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->draft_count; i++) {
        memory_free(plan->drafts[i]->now);
        memory_free(plan->drafts[i]->old);
    }
    memory_free(plan->drafts);
    memory_free(plan->scratch);
    buffer_release(&plan->conflicts);
    arena_release(&plan->arena);
}

enum status plan_refuse(struct plan *plan, enum status status, const char *field,
                        const char *detail)
{
    return fault_set(plan->fault, status, bytes_text(field), "%s", detail);
}

static size_t first_slot(struct id id)
{
    /* The end of a UUIDv7 is its random part. */
    return get_u32(id.octet + ID_SIZE - 4) % PLAN_SLOTS;
}

struct draft *plan_known_draft(const struct plan *plan, struct id id)
{
    size_t slot = first_slot(id);
    for (unsigned i = 0; i < PLAN_SLOTS && plan->slots[slot]; i++) {
        struct draft *draft = plan->drafts[plan->slots[slot] - 1];
        if (id_equal(draft->id, id))
            return draft;
        slot = (slot + 1) % PLAN_SLOTS;
    }
    return NULL;
}

static enum status add_draft(struct plan *plan, struct draft *draft)
{
    /* Each change touches few records, so that the slots never fill up. */
    assert(plan->draft_count < PLAN_SLOTS - 1);
    if (plan->draft_count == plan->draft_capacity) {
        size_t larger = plan->draft_capacity ? plan->draft_capacity * 2 : 8;
        struct draft **resized = memory_resize(plan->drafts, larger * sizeof *resized);
        if (!resized)
            return STATUS_NO_MEMORY;
        plan->drafts = resized;
        plan->draft_capacity = larger;
    }
    plan->drafts[plan->draft_count++] = draft;
    size_t slot = first_slot(draft->id);
    while (plan->slots[slot])
        slot = (slot + 1) % PLAN_SLOTS;
    plan->slots[slot] = (uint32_t)plan->draft_count;
    return STATUS_OK;
}

/* Takes over `now` and `old`, also when it fails. */
static enum status make_draft(struct plan *plan, struct record *now, struct record *old,
                              const struct entity_def *entity, struct draft **out)
{
    struct draft *draft = arena_take(&plan->arena, sizeof *draft);
    enum status status = draft ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        *draft = (struct draft){.id = now->id, .now = now, .old = old, .entity = entity};
        status = add_draft(plan, draft);
    }
    if (status != STATUS_OK) {
        memory_free(now);
        memory_free(old);
        return status;
    }
    *out = draft;
    return STATUS_OK;
}

enum status plan_new_draft(struct plan *plan, struct id id, const struct entity_def *entity,
                           struct draft **out)
{
    struct record *now = memory_new(sizeof *now);
    if (!now)
        return STATUS_NO_MEMORY;
    now->id = id;
    now->entity = bytes_text(entity->name);
    now->created = (struct stamp){plan->seq, plan->at_ms, bytes_text(plan->actor->name)};
    now->seq = plan->seq;
    return make_draft(plan, now, NULL, entity, out);
}

enum status plan_draft(struct plan *plan, struct id id, struct draft **out)
{
    *out = plan_known_draft(plan, id);
    if (*out)
        return STATUS_OK;
    struct bytes stored;
    enum status status = plan->state->ops->record(plan->state->self, id, &stored);
    if (status != STATUS_OK)
        return status;
    /* A copy, because writing the first draft moves what the snapshot gave. */
    stored = arena_copy(&plan->arena, stored);
    struct record *old = memory_resize(NULL, sizeof *old);
    struct record *now = memory_resize(NULL, sizeof *now);
    if (!old || !now || plan->arena.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = record_decode(stored, old);
    const struct entity_def *entity = NULL;
    if (status == STATUS_OK)
        status = plan_entity(plan, old->entity, &entity);
    if (status == STATUS_UNKNOWN_ENTITY)
        status = STATUS_NOT_FOUND; /* what is left of a custom entity that was removed */
    if (status != STATUS_OK) {
        memory_free(old);
        memory_free(now);
        return status;
    }
    memcpy(now, old, sizeof *now);
    return make_draft(plan, now, old, entity, out);
}

/* What is stored, decoded into the scratch. */
static enum status peek_stored(struct plan *plan, struct id id)
{
    struct bytes stored;
    enum status status = plan->state->ops->record(plan->state->self, id, &stored);
    return status == STATUS_OK ? record_decode(stored, plan->scratch) : status;
}

enum status plan_peek(struct plan *plan, struct id id, const struct record **out)
{
    const struct draft *draft = plan_known_draft(plan, id);
    if (draft) {
        *out = draft->now;
        return STATUS_OK;
    }
    *out = plan->scratch;
    return peek_stored(plan, id);
}

enum status plan_opening(struct plan *plan, struct scope scope, struct opening *out)
{
    if (!plan->opening_known || !scope_equal(plan->opening_scope, scope)) {
        enum status status = access_opening(plan->state, plan->actor, scope, &plan->opening);
        plan->opening_known = status == STATUS_OK;
        plan->opening_scope = scope;
        if (status != STATUS_OK)
            return status;
    }
    *out = plan->opening;
    return STATUS_OK;
}

enum status plan_judge(struct plan *plan, const struct record *record, enum action action,
                       struct verdict *verdict)
{
    struct opening opening;
    enum status status = plan_opening(plan, record->scope, &opening);
    if (status == STATUS_OK)
        *verdict = access_judge(plan->actor, &opening, record, action);
    return status;
}

enum status plan_allow(struct plan *plan, const struct record *record, enum action action,
                       const char *field)
{
    struct verdict verdict;
    enum status status = plan_judge(plan, record, action, &verdict);
    if (status != STATUS_OK || verdict.allowed)
        return status;
    enum status refusal = verdict_status(verdict);
    return plan_refuse(plan, refusal, refusal == STATUS_NOT_FOUND ? field : "",
                       verdict_text(verdict));
}

static bool search_drafts(const struct plan *plan, const char *entity, plan_match_fn *match,
                          void *context, const struct record **found)
{
    for (size_t i = 0; i < plan->draft_count; i++) {
        const struct record *record = plan->drafts[i]->now;
        if (!record->deleted && bytes_is(record->entity, entity) && match(context, record)) {
            *found = record;
            return true;
        }
    }
    return false;
}

/* One step of the stored walk; NOT_FOUND at its end. */
static enum status search_step(struct plan *plan, const char *entity, const char *field,
                               struct bytes key, struct buffer *place, plan_match_fn *match,
                               void *context, const struct record **found)
{
    struct id id;
    enum status status = plan->state->ops->index_next(plan->state->self, bytes_text(entity),
                                                      bytes_text(field), key, false, place, &id);
    if (status == STATUS_OK && place->failed)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK || plan_known_draft(plan, id))
        return status;
    status = peek_stored(plan, id);
    if (status == STATUS_NOT_FOUND)
        return STATUS_CORRUPT; /* an index entry without its record */
    if (status == STATUS_OK && match(context, plan->scratch))
        *found = plan->scratch;
    return status;
}

enum status plan_search(struct plan *plan, const char *entity, const char *field, struct bytes key,
                        uint32_t most, plan_match_fn *match, void *context,
                        const struct record **found)
{
    *found = NULL;
    if (search_drafts(plan, entity, match, context, found))
        return STATUS_OK;
    struct buffer place = {0};
    enum status status = STATUS_OK;
    uint32_t steps = 0;
    while (status == STATUS_OK && !*found && steps++ < most)
        status = search_step(plan, entity, field, key, &place, match, context, found);
    buffer_release(&place);
    if (status == STATUS_OK && !*found)
        return plan_refuse(plan, STATUS_LIMIT, "", "too many records to look through");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

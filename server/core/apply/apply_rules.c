#include "server/core/apply/apply_rules.h"

#include "server/core/apply/apply_note.h"
#include "server/core/apply/apply_schema.h"

/* Most entries of one lane looked at when asking whether a scope is empty. */
#define MOST_LANE_ENTRIES 10000u
#define MOST_PARTIES 100000u

static const struct entity_rules table[] = {
    {"account", account_check, account_write, NULL},
    {"assignment", assignment_check, assignment_write, NULL},
    {"user", user_check, user_write, NULL},
    {"party", party_check, party_write, NULL},
    {"note", note_check, note_write, note_begin},
    {"customField", schema_record_check, NULL, NULL},
    {"customEntity", schema_record_check, NULL, NULL},
};

const struct entity_rules *rules_of(struct bytes entity)
{
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (bytes_is(entity, table[i].entity))
            return &table[i];
    return NULL;
}

enum status rules_put_access(struct plan *plan, struct effects *effects, struct id subject,
                             struct scope scope, const struct access_row *row)
{
    plan->meta.access_seq = plan->seq;
    effects_touch_subject(effects, subject);
    return plan->state->ops->put_access(plan->state->self, subject, scope, row);
}

struct occupant {
    struct scope scope;
    struct id except;
};

static bool occupies(const struct occupant *wanted, const struct record *record)
{
    return !record->deleted && scope_equal(record->scope, wanted->scope) &&
           !id_equal(record->id, wanted->except);
}

static enum status lane_empty(struct plan *plan, const struct occupant *wanted, struct tag tag,
                              bool *empty)
{
    const struct state *state = plan->state;
    uint64_t seq = 0;
    struct id id = {{0}};
    for (unsigned i = 0; i < MOST_LANE_ENTRIES; i++) {
        const struct record *record;
        enum status status = state->ops->lane_next(state->self, wanted->scope, tag, &seq, &id);
        if (status == STATUS_NOT_FOUND)
            return STATUS_OK;
        if (status == STATUS_OK)
            status = plan_peek(plan, id, &record);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
        if (occupies(wanted, record))
            return *empty = false, STATUS_OK;
    }
    *empty = false; /* too much to look through: better refused than orphaned */
    return STATUS_OK;
}

/* Asks the lanes of one party's tags, as a department and as a partner. */
static enum status party_lanes_empty(struct plan *plan, const struct occupant *wanted,
                                     struct id party, bool *empty)
{
    enum status status =
        lane_empty(plan, wanted, (struct tag){TAG_DEPARTMENT, party}, empty);
    if (status == STATUS_OK && *empty)
        status = lane_empty(plan, wanted, (struct tag){TAG_PARTNER, party}, empty);
    return status;
}

static enum status stored_empty(struct plan *plan, const struct occupant *wanted, bool *empty)
{
    static const uint8_t common[] = {TAG_INTERNAL, TAG_PARTNERS, TAG_SUPPLIERS, TAG_DISTRIBUTORS};
    const struct state *state = plan->state;
    const struct bytes none = {NULL, 0};
    struct buffer place = {0};
    enum status status = STATUS_OK;
    *empty = true;
    for (unsigned i = 0; i < sizeof common && status == STATUS_OK && *empty; i++)
        status = lane_empty(plan, wanted, (struct tag){.kind = common[i]}, empty);
    for (unsigned i = 0; i < MOST_PARTIES && status == STATUS_OK && *empty; i++) {
        struct id party;
        status = state->ops->index_next(state->self, bytes_text("party"), none, none, false,
                                        &place, &party);
        if (status == STATUS_OK && place.failed)
            status = STATUS_NO_MEMORY;
        if (status == STATUS_OK)
            status = party_lanes_empty(plan, wanted, party, empty);
    }
    buffer_release(&place);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status rules_scope_empty(struct plan *plan, struct scope scope, struct id except,
                              const char *detail)
{
    const struct occupant wanted = {scope, except};
    bool empty;
    for (size_t i = 0; i < plan->draft_count; i++)
        if (occupies(&wanted, plan->drafts[i]->now))
            return plan_refuse(plan, STATUS_REFERENCED, "", detail);
    enum status status = stored_empty(plan, &wanted, &empty);
    if (status == STATUS_OK && !empty)
        return plan_refuse(plan, STATUS_REFERENCED, "", detail);
    return status;
}

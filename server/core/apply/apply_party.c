/* Parties: departments and partners. None goes while people or assignments are of it. */
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_rules.h"

#define MOST_USERS 1000000u
#define MOST_ASSIGNMENTS 100000u
/* Principals keep the names of their departments in this many bytes. */
#define DEPARTMENT_NAME_MAX 64u

static bool is_member(void *context, const struct record *user)
{
    const struct id *party = context;
    return record_has_reference(user, "departments", *party) ||
           record_has_reference(user, "partner", *party);
}

static bool is_assigned(void *context, const struct record *assignment)
{
    const struct id *party = context;
    return record_has_reference(assignment, "party", *party);
}

static enum status check_removal(struct plan *plan, struct draft *draft)
{
    const struct record *found;
    const struct bytes none = {NULL, 0};
    enum status status = plan_search(plan, "user", NULL, none, MOST_USERS, is_member, &draft->id,
                                     &found);
    if (status == STATUS_OK && found)
        return plan_refuse(plan, STATUS_REFERENCED, "", "people still belong to this party");
    if (status == STATUS_OK)
        status = plan_search(plan, "assignment", "party", bytes_of(draft->id.octet, ID_SIZE),
                             MOST_ASSIGNMENTS, is_assigned, &draft->id, &found);
    if (status == STATUS_OK && found)
        return plan_refuse(plan, STATUS_REFERENCED, "",
                           "this party is still assigned to an account");
    if (status != STATUS_OK)
        return status;
    return rules_scope_empty(plan, (struct scope){SCOPE_PARTY, draft->id}, draft->id,
                             "records still belong to this party");
}

static bool is_department(const struct record *record)
{
    return bytes_is(record_text(record, "kind"), "department");
}

enum status party_check(struct plan *plan, struct draft *draft)
{
    const struct record *now = draft->now;
    if (now->deleted)
        return draft->old ? check_removal(plan, draft) : STATUS_OK;
    if (is_department(now) && record_text(now, "name").size > DEPARTMENT_NAME_MAX)
        return plan_refuse(plan, STATUS_INVALID_VALUE, "name",
                           "the name of a department has 64 bytes at most");
    enum status status = draft_place(plan, draft, (struct tag){.kind = TAG_INTERNAL});
    if (status == STATUS_OK && !is_department(now))
        status = draft_place(plan, draft, (struct tag){TAG_PARTNER, draft->id});
    return status;
}

struct members {
    struct id party;
    struct effects *effects;
};

/* Matches nothing: it only notes each member. */
static bool touch_member(void *context, const struct record *user)
{
    struct members *members = context;
    if (is_member(&members->party, user))
        effects_touch_user(members->effects, user->id);
    return false;
}

enum status party_write(struct plan *plan, struct draft *draft, struct effects *effects)
{
    struct members members = {draft->id, effects};
    const struct record *found;
    const struct bytes none = {NULL, 0};
    /* Restricted fields name departments: a renaming changes what its members see. */
    if (!draft->old || draft->now->deleted || !is_department(draft->now) ||
        !draft_field_differs(draft, "name"))
        return STATUS_OK;
    return plan_search(plan, "user", NULL, none, MOST_USERS, touch_member, &members, &found);
}

/* Accounts: who sees a restricted one, and that none goes while something is in it.
 *
 * A restricted account is closed to the departments as a whole and open to each of its team and
 * its owner. The rows of the access table say so, each with the seq at which it began.
 */
#include "protocol/wire.h"
#include "server/core/apply/apply_rules.h"

static bool has_team(const struct record *record)
{
    const struct record_field *team = record_field(record, "team");
    uint32_t count = 0;
    if (team) {
        struct wire_reader reader = wire_read(team->value);
        wire_get_array(&reader, &count);
    }
    return count > 0 || record_field(record, "assignedUser");
}

enum status account_check(struct plan *plan, struct draft *draft)
{
    const struct record *now = draft->now;
    if (now->deleted)
        return rules_scope_empty(plan, now->scope, now->id,
                                 "other records still belong to this account: remove or move "
                                 "them first");
    if (record_boolean(now, "restricted") && !has_team(now))
        return plan_refuse(plan, STATUS_INVALID_VALUE, "team",
                           "a restricted account needs a team or an assigned user");
    return STATUS_OK;
}

static bool is_restricted(const struct record *record)
{
    return record && record_boolean(record, "restricted");
}

/* Whether the account is restricted to a team of which the user is one. */
static bool in_team(const struct record *record, struct id user)
{
    return is_restricted(record) && (record_has_reference(record, "team", user) ||
                                     record_has_reference(record, "assignedUser", user));
}

static enum status set_row(struct plan *plan, struct effects *effects, struct id subject,
                           struct scope scope, bool open)
{
    struct access_row row;
    enum status status = plan->state->ops->access(plan->state->self, subject, scope, &row);
    if (status == STATUS_NOT_FOUND)
        row = (struct access_row){0};
    else if (status != STATUS_OK)
        return status;
    row.level = LEVEL_EDIT;
    if (open)
        row.granted = plan->seq;
    else
        row.revoked = plan->seq;
    return rules_put_access(plan, effects, subject, scope, &row);
}

/* Writes the rows of those who are in the team of `here` and not in that of `there`. */
static enum status set_members(struct plan *plan, struct effects *effects,
                               const struct record *here, const struct record *there, bool open)
{
    static const char *const fields[] = {"assignedUser", "team"};
    struct scope scope = {SCOPE_ACCOUNT, here->id};
    for (unsigned f = 0; f < 2; f++) {
        const struct record_field *field = record_field(here, fields[f]);
        struct wire_reader reader = wire_read(field ? field->value : (struct bytes){NULL, 0});
        uint32_t count = 1;
        struct id user;
        if (wire_peek(&reader) == WIRE_ARRAY)
            wire_get_array(&reader, &count);
        while (count-- > 0 && wire_get_id(&reader, &user)) {
            bool twice = f == 1 && record_has_reference(here, fields[0], user);
            if (twice || !in_team(here, user) || in_team(there, user))
                continue;
            enum status status = set_row(plan, effects, user, scope, open);
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

enum status account_write(struct plan *plan, struct draft *draft, struct effects *effects)
{
    struct record *now = draft->now, *old = draft->old;
    /* A deleted account stays as open as it was, so that those who saw it hear that it is gone. */
    if (now->deleted)
        return STATUS_OK;
    enum status status = STATUS_OK;
    if (is_restricted(now) != is_restricted(old))
        status = set_row(plan, effects, SUBJECT_DEPARTMENTS, now->scope, !is_restricted(now));
    if (status == STATUS_OK && old)
        status = set_members(plan, effects, old, now, false);
    if (status == STATUS_OK)
        status = set_members(plan, effects, now, old, true);
    return status;
}

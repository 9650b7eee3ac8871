/* Users: of departments or of one partner, with a name that is theirs for ever; and that there is
 * always an administrator who can sign in. */
#include <string.h>

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_place.h"
#include "server/core/apply/apply_rules.h"
#include "server/core/credential.h"

#define MOST_USERS 1000000u
/* Restricted accounts that one user is in the team of, former ones included. */
#define MOST_ROWS 100000u

static bool is_system_name(struct bytes name)
{
    static const char reserved[] = "system";
    if (name.size != sizeof reserved - 1)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if ((name.data[i] | 0x20) != reserved[i])
            return false;
    return true;
}

static bool is_plain_name(struct bytes name)
{
    if (name.size == 0 || name.size > CREDENTIAL_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
    return name.data[0] != ' ' && name.data[name.size - 1] != ' ';
}

static enum status check_name(struct plan *plan, const struct draft *draft)
{
    struct bytes name = record_text(draft->now, "name");
    bool taken = false;
    if (!is_plain_name(name))
        return plan_refuse(plan, STATUS_INVALID_VALUE, "name",
                           "a sign-in name has 1 to 63 bytes, without spaces at its ends");
    if (is_system_name(name))
        return plan_refuse(plan, STATUS_EXISTS, "name", "this name is the server's own");
    enum status status = credential_name_taken(plan->state, name, &taken);
    if (status == STATUS_OK && taken)
        return plan_refuse(plan, STATUS_EXISTS, "name",
                           "somebody has or had this name, and it is never given again");
    return status;
}

static enum status check_partner(struct plan *plan, struct draft *draft, struct id party)
{
    bool outside = false;
    if (id_is_zero(party))
        return plan_refuse(plan, STATUS_INVALID_VALUE, "partner",
                           "a user with the role Partner belongs to a partner");
    if (record_field(draft->now, "departments")) {
        struct wire_reader list = wire_read(record_field(draft->now, "departments")->value);
        uint32_t count = 0;
        if (wire_get_array(&list, &count) && count > 0)
            return plan_refuse(plan, STATUS_INVALID_VALUE, "departments",
                               "a partner's user is in no department");
    }
    enum status status = place_party(plan, party, &outside);
    if (status == STATUS_NOT_FOUND)
        return plan_refuse(plan, status, "partner", status_text(status));
    if (status == STATUS_OK && !outside)
        return plan_refuse(plan, STATUS_INVALID_VALUE, "partner", "this is a department");
    return status;
}

static enum status check_departments(struct plan *plan, const struct draft *draft)
{
    const struct record_field *field = record_field(draft->now, "departments");
    struct wire_reader reader = wire_read(field ? field->value : (struct bytes){NULL, 0});
    uint32_t count = 0;
    wire_get_array(&reader, &count);
    if (count > PRINCIPAL_MAX_DEPARTMENTS)
        return plan_refuse(plan, STATUS_LIMIT, "departments", "a user is in 16 departments at most");
    struct id id;
    while (count-- > 0 && wire_get_id(&reader, &id)) {
        bool outside = true;
        enum status status = place_party(plan, id, &outside);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        if (outside)
            return plan_refuse(plan, STATUS_INVALID_VALUE, "departments", "this is no department");
    }
    return STATUS_OK;
}

static bool is_enabled_administrator(const struct record *record)
{
    return record && !record->deleted && !record_boolean(record, "disabled") &&
           bytes_is(record_text(record, "role"), "Administrator");
}

static bool is_other_administrator(void *context, const struct record *record)
{
    const struct draft *draft = context;
    return !id_equal(record->id, draft->id) && is_enabled_administrator(record);
}

static enum status check_last_administrator(struct plan *plan, struct draft *draft)
{
    const struct record *other;
    const struct bytes none = {NULL, 0};
    if (!is_enabled_administrator(draft->old) || is_enabled_administrator(draft->now))
        return STATUS_OK;
    enum status status = plan_search(plan, "user", NULL, none, MOST_USERS, is_other_administrator,
                                     draft, &other);
    if (status == STATUS_OK && !other)
        return plan_refuse(plan, STATUS_DENIED, "", "this is the last administrator");
    return status;
}

/* Whether the list of users holds one besides `but` who is still there. */
static enum status has_other_user(struct plan *plan, struct bytes list, struct id but, bool *other)
{
    struct wire_reader reader = wire_read(list);
    uint32_t count = 1;
    struct id id;
    if (wire_peek(&reader) == WIRE_ARRAY)
        wire_get_array(&reader, &count);
    while (count-- > 0 && !*other && wire_get_id(&reader, &id)) {
        const struct record *user;
        if (id_equal(id, but))
            continue;
        enum status status = plan_peek(plan, id, &user);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        *other = status == STATUS_OK && !user->deleted;
    }
    return STATUS_OK;
}

/* Whether the account is restricted to a team of which nobody else is left. */
static enum status is_left_alone(struct plan *plan, struct id account, struct id user, bool *alone)
{
    const struct record *record;
    struct bytes lists[2] = {{NULL, 0}, {NULL, 0}};
    static const char *const fields[] = {"team", "assignedUser"};
    enum status status = plan_peek(plan, account, &record);
    *alone = false;
    if (status != STATUS_OK || record->deleted || !record_boolean(record, "restricted"))
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    for (unsigned i = 0; i < 2; i++)
        if (record_field(record, fields[i]))
            lists[i] = record_field(record, fields[i])->value;
    bool other = false;
    for (unsigned i = 0; i < 2 && status == STATUS_OK && !other; i++)
        status = has_other_user(plan, lists[i], user, &other);
    *alone = !other;
    return status;
}

/* A restricted account whose last team member goes would be nobody's to see or to mend. */
static enum status check_restricted_accounts(struct plan *plan, struct id user)
{
    const struct state *state = plan->state;
    struct scope scope = {.kind = 0};
    for (unsigned i = 0; i < MOST_ROWS; i++) {
        struct access_row row;
        bool alone;
        enum status status = state->ops->access_next(state->self, user, scope, &scope, &row);
        if (status == STATUS_NOT_FOUND)
            return STATUS_OK;
        if (status == STATUS_OK && row.granted <= row.revoked)
            continue;
        if (status == STATUS_OK)
            status = is_left_alone(plan, scope.id, user, &alone);
        if (status != STATUS_OK)
            return status;
        if (alone)
            return plan_refuse(plan, STATUS_REFERENCED, "",
                               "they alone are the team of a restricted account: it would be lost");
    }
    return plan_refuse(plan, STATUS_LIMIT, "", "too many accounts to look through");
}

/* People of a partner see their colleagues: the audience follows the partner. */
static enum status place_partner(struct plan *plan, struct draft *draft, struct id party)
{
    struct id before = {{0}};
    if (draft->old)
        before = record_reference(draft->old, "partner");
    if (!id_is_zero(before) && !id_equal(before, party))
        draft_unplace(plan, draft, (struct tag){TAG_PARTNER, before});
    enum status status = draft_place(plan, draft, (struct tag){.kind = TAG_INTERNAL});
    if (status == STATUS_OK && !id_is_zero(party))
        status = draft_place(plan, draft, (struct tag){TAG_PARTNER, party});
    return status;
}

enum status user_check(struct plan *plan, struct draft *draft)
{
    struct record *now = draft->now;
    enum status status = check_last_administrator(plan, draft);
    if (status == STATUS_OK && now->deleted)
        return check_restricted_accounts(plan, draft->id);
    if (status != STATUS_OK)
        return status;
    struct id party = record_reference(now, "partner");
    if (!draft->old)
        status = check_name(plan, draft);
    if (status != STATUS_OK)
        return status;
    bool leaves = draft->old && !bytes_is(record_text(draft->old, "role"), "Partner") &&
                  bytes_is(record_text(now, "role"), "Partner");
    if (leaves)
        status = check_restricted_accounts(plan, draft->id);
    if (status != STATUS_OK)
        return status;
    if (bytes_is(record_text(now, "role"), "Partner"))
        status = check_partner(plan, draft, party);
    else if (!id_is_zero(party))
        status = plan_refuse(plan, STATUS_INVALID_VALUE, "role",
                             "a partner's user has the role Partner");
    else
        status = check_departments(plan, draft);
    return status == STATUS_OK ? place_partner(plan, draft, party) : status;
}

static enum status end_tokens(struct plan *plan, struct id user)
{
    struct buffer body = {0};
    const struct bytes none = {NULL, 0};
    credential_body(&body, user, CREDENTIAL_END_TOKENS, none, 0);
    enum status status = body.failed ? STATUS_NO_MEMORY
                                     : credential_apply(plan->state, buffer_bytes(&body),
                                                        plan->at_ms);
    buffer_release(&body);
    return status;
}

enum status user_write(struct plan *plan, struct draft *draft, struct effects *effects)
{
    static const char *const deciding[] = {"role", "departments", "partner", "disabled"};
    if (!draft->old)
        return credential_take_name(plan->state, record_text(draft->now, "name"), draft->id);
    bool touched = draft->now->deleted;
    for (unsigned i = 0; i < sizeof deciding / sizeof *deciding; i++)
        touched = touched || draft_field_differs(draft, deciding[i]);
    if (touched)
        effects_touch_user(effects, draft->id);
    if (draft->now->deleted)
        return credential_forget_user(plan->state, draft->id);
    bool disabled = record_boolean(draft->now, "disabled") && draft_field_differs(draft, "disabled");
    return disabled ? end_tokens(plan, draft->id) : STATUS_OK;
}

/* Assignments: a partner's access to an account, from a date, until a date.
 *
 *     Scheduled --from--> Active --until--> Ended          (and removal from any of them)
 *
 * Only in Active is the row of the access table open. The times at which the status moves by
 * itself stand in the due table; `until` is the last day, in UTC, on which access lasts.
 */
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_place.h"
#include "server/core/apply/apply_rules.h"

#define DAY_MS 86400000
#define MOST_OF_ACCOUNT 10000u

#define SCHEDULED "Scheduled"
#define ACTIVE "Active"
#define ENDED "Ended"

/* Start of the day in a date field, `days` later; false when the field is not set. */
static bool day_ms(const struct record *record, const char *field, int64_t days, uint64_t *ms)
{
    int64_t day;
    if (!schema_date_from_text(record_text(record, field), &day))
        return false;
    *ms = day + days > 0 ? (uint64_t)(day + days) * DAY_MS : 0;
    return true;
}

static const char *status_at(const struct record *record, uint64_t now_ms)
{
    uint64_t start, end;
    if (day_ms(record, "until", 1, &end) && end <= now_ms)
        return ENDED;
    if (day_ms(record, "from", 0, &start) && start > now_ms)
        return SCHEDULED;
    return ACTIVE;
}

struct pair {
    struct id party, account, except;
};

static bool is_of_pair(void *context, const struct record *record)
{
    const struct pair *pair = context;
    return !id_equal(record->id, pair->except) &&
           id_equal(record_reference(record, "party"), pair->party) &&
           id_equal(record_reference(record, "account"), pair->account);
}

/* One record for a pair, ended or not: a renewal changes the terms of the one there is, whose
 * history then tells all of it. */
static enum status check_only_one(struct plan *plan, const struct draft *draft)
{
    struct pair pair = {record_reference(draft->now, "party"),
                        record_reference(draft->now, "account"), draft->id};
    const struct record *found;
    /* By account, which few partners share; a partner can have thousands of accounts. */
    enum status status = plan_search(plan, "assignment", "account",
                                     bytes_of(pair.account.octet, ID_SIZE), MOST_OF_ACCOUNT,
                                     is_of_pair, &pair, &found);
    if (status == STATUS_OK && found)
        return plan_refuse(plan, STATUS_EXISTS, "party",
                           "the partner is assigned to this account already");
    return status;
}

static enum status check_party(struct plan *plan, const struct draft *draft)
{
    bool outside = false;
    enum status status = place_party(plan, record_reference(draft->now, "party"), &outside);
    if (status == STATUS_NOT_FOUND)
        return plan_refuse(plan, status, "party", status_text(status));
    if (status == STATUS_OK && !outside)
        return plan_refuse(plan, STATUS_INVALID_VALUE, "party",
                           "only a partner is assigned, departments see accounts anyway");
    return status;
}

enum status assignment_check(struct plan *plan, struct draft *draft)
{
    struct record *now = draft->now;
    uint64_t start, end;
    if (now->deleted)
        return STATUS_OK;
    if (day_ms(now, "from", 0, &start) && day_ms(now, "until", 1, &end) && end <= start)
        return plan_refuse(plan, STATUS_INVALID_VALUE, "until", "ends before it begins");
    enum status status = check_party(plan, draft);
    if (status == STATUS_OK && !draft->old)
        status = check_only_one(plan, draft);
    if (status == STATUS_OK)
        status = draft_set_text(plan, draft, "status", status_at(now, plan->at_ms));
    if (status == STATUS_OK)
        status = draft_place(plan, draft, (struct tag){.kind = TAG_INTERNAL});
    if (status == STATUS_OK)
        status = draft_place(plan, draft,
                             (struct tag){TAG_PARTNER, record_reference(now, "party")});
    return status;
}

struct due_times {
    uint64_t at_ms[2];
    unsigned count;
};

/* When the status of this record moves by itself. */
static struct due_times due_of(const struct record *record)
{
    struct due_times due = {.count = 0};
    if (!record || record->deleted || bytes_is(record_text(record, "status"), ENDED))
        return due;
    bool scheduled = bytes_is(record_text(record, "status"), SCHEDULED);
    if (scheduled && day_ms(record, "from", 0, &due.at_ms[due.count]))
        due.count++;
    if (day_ms(record, "until", 1, &due.at_ms[due.count]))
        due.count++;
    return due;
}

static bool is_among(const struct due_times *due, uint64_t at_ms)
{
    for (unsigned i = 0; i < due->count; i++)
        if (due->at_ms[i] == at_ms)
            return true;
    return false;
}

static enum status set_due(const struct state *state, uint64_t at_ms, struct id id, bool present)
{
    enum status status = state->ops->put_due(state->self, at_ms, id, present);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* it was due and is gone already */
}

static enum status write_due(struct plan *plan, const struct draft *draft)
{
    const struct state *state = plan->state;
    struct due_times before = due_of(draft->old), after = due_of(draft->now);
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < before.count && status == STATUS_OK; i++)
        if (!is_among(&after, before.at_ms[i]))
            status = set_due(state, before.at_ms[i], draft->id, false);
    for (unsigned i = 0; i < after.count && status == STATUS_OK; i++)
        if (!is_among(&before, after.at_ms[i]))
            status = set_due(state, after.at_ms[i], draft->id, true);
    return status;
}

static bool is_active(const struct record *record)
{
    return record && !record->deleted && bytes_is(record_text(record, "status"), ACTIVE);
}

static enum level level_of(const struct record *record)
{
    struct bytes level = record_text(record, "level");
    if (bytes_is(level, "edit"))
        return LEVEL_EDIT;
    return bytes_is(level, "comment") ? LEVEL_COMMENT : LEVEL_VIEW;
}

static void open_row(struct plan *plan, struct access_row *row)
{
    row->granted = plan->seq;
    /* Another assignment of the pair ended in this very mutation: the newer word counts. */
    if (row->revoked >= plan->seq)
        row->revoked = plan->seq - 1;
}

enum status assignment_write(struct plan *plan, struct draft *draft, struct effects *effects)
{
    bool was = is_active(draft->old), is = is_active(draft->now);
    const struct record *terms = draft->now->deleted ? draft->old : draft->now;
    struct id party = record_reference(terms, "party");
    struct scope scope = {SCOPE_ACCOUNT, record_reference(terms, "account")};
    struct access_row row;
    enum status status = write_due(plan, draft);
    if (status != STATUS_OK || (!was && !is))
        return status;
    status = plan->state->ops->access(plan->state->self, party, scope, &row);
    if (status == STATUS_NOT_FOUND)
        row = (struct access_row){0};
    else if (status != STATUS_OK)
        return status;
    if (was && is && row.level == level_of(draft->now))
        return STATUS_OK;
    if (is && !was)
        open_row(plan, &row);
    if (was && !is)
        row.revoked = plan->seq;
    if (is) {
        row.level = (uint8_t)level_of(draft->now);
        row.assignment = draft->id;
    }
    return rules_put_access(plan, effects, party, scope, &row);
}

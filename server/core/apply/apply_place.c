#include "server/core/apply/apply_place.h"

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"

static const struct id no_id = {{0}};

static struct tag tag_of(enum tag_kind kind, struct id id)
{
    return (struct tag){(uint8_t)kind, id};
}

enum status place_party(struct plan *plan, struct id party, bool *outside)
{
    const struct record *record;
    enum status status = plan_peek(plan, party, &record);
    if (status != STATUS_OK)
        return status;
    if (record->deleted || !bytes_is(record->entity, "party"))
        return STATUS_NOT_FOUND;
    *outside = !bytes_is(record_text(record, "kind"), "department");
    return STATUS_OK;
}

enum status place_check_tag(struct plan *plan, struct scope scope, struct tag tag)
{
    bool outside;
    if (tag.kind == TAG_DEPARTMENT || tag.kind == TAG_PARTNER) {
        enum status status = place_party(plan, tag.id, &outside);
        if (status == STATUS_NOT_FOUND ||
            (status == STATUS_OK && outside != (tag.kind == TAG_PARTNER)))
            return plan_refuse(plan, STATUS_NOT_FOUND, "audience",
                               "there is no such department or partner");
        if (status != STATUS_OK)
            return status;
    }
    if (!tag_is_outside(tag))
        return STATUS_OK;
    bool own = tag.kind == TAG_PARTNER && id_equal(tag.id, scope.id);
    if (scope.kind == SCOPE_ACCOUNT || scope.kind == SCOPE_LIBRARY ||
        (scope.kind == SCOPE_PARTY && own))
        return STATUS_OK;
    return plan_refuse(plan, STATUS_INVALID_VALUE, "audience",
                       "nobody outside the company can see what is in this scope");
}

enum status place_read_tags(struct plan *plan, struct bytes encoded, const char *key,
                            struct tag tags[LIMIT_PLACEMENTS], unsigned *count)
{
    struct wire_reader reader = wire_read(encoded);
    uint32_t size;
    *count = 0;
    if (!wire_get_array(&reader, &size))
        return plan_refuse(plan, STATUS_WRONG_KIND, key, "must be an array of tags");
    if (size > LIMIT_PLACEMENTS)
        return plan_refuse(plan, STATUS_LIMIT, key, "too many tags");
    for (uint32_t i = 0; i < size; i++) {
        struct bytes tag;
        if (!wire_get_bin(&reader, &tag) || !tag_from_bytes(tag, &tags[i]))
            return plan_refuse(plan, STATUS_INVALID_VALUE, key, "this is no tag");
    }
    *count = size;
    return STATUS_OK;
}

/* The account that a record with this account field (an encoded reference or nil) lives in. */
static bool account_scope(struct bytes value, struct scope *scope)
{
    struct wire_reader reader = wire_read(value);
    struct id id;
    if (!wire_get_id(&reader, &id))
        return false;
    *scope = (struct scope){SCOPE_ACCOUNT, id};
    return true;
}

static enum status named_scope(struct plan *plan, struct bytes encoded, struct scope *scope)
{
    struct wire_reader reader = wire_read(encoded);
    struct bytes octets;
    if (encoded.size == 0)
        return STATUS_OK;
    if (!wire_get_bin(&reader, &octets) || !scope_from_bytes(octets, scope))
        return plan_refuse(plan, STATUS_INVALID_VALUE, "scope", "this is no scope");
    if (scope->kind == SCOPE_ACCOUNT)
        return plan_refuse(plan, STATUS_INVALID_VALUE, "scope",
                           "a record gets into an account by its field account");
    return STATUS_OK;
}

static enum status new_scope(struct plan *plan, struct draft *draft, struct bytes account,
                             struct bytes named, struct scope *scope)
{
    *scope = (struct scope){SCOPE_LIBRARY, no_id};
    switch (draft->entity->home) {
    case HOME_LIBRARY:
        return STATUS_OK;
    case HOME_SELF:
        *scope = (struct scope){SCOPE_ACCOUNT, draft->id};
        return STATUS_OK;
    case HOME_ACCOUNT:
        if (!account_scope(account, scope))
            return plan_refuse(plan, STATUS_MISSING_FIELD, "account", "this field is required");
        return STATUS_OK;
    case HOME_ANY:
        return account_scope(account, scope) ? STATUS_OK : named_scope(plan, named, scope);
    case HOME_USER:
        *scope = (struct scope){SCOPE_USER, plan->actor->user};
        return STATUS_OK;
    }
    return STATUS_OK;
}

struct audience {
    struct tag tags[LIMIT_PLACEMENTS];
    unsigned count;
};

static void add(struct audience *audience, enum tag_kind kind, struct id id)
{
    audience->tags[audience->count++] = tag_of(kind, id);
}

/* What a record starts with when nobody says otherwise. */
static enum status default_audience(struct plan *plan, const struct draft *draft,
                                    struct audience *audience)
{
    const struct principal *actor = plan->actor;
    struct scope scope = draft->now->scope;
    bool outside = false;
    enum status status = STATUS_OK;
    audience->count = 0;
    switch ((enum scope_kind)scope.kind) {
    case SCOPE_USER:
        if (actor->partner)
            add(audience, TAG_PARTNER, actor->party);
        else
            add(audience, TAG_INTERNAL, no_id);
        return STATUS_OK;
    case SCOPE_PARTY:
        status = place_party(plan, scope.id, &outside);
        if (status == STATUS_NOT_FOUND)
            return plan_refuse(plan, status, "scope", status_text(status));
        add(audience, outside ? TAG_PARTNER : TAG_DEPARTMENT, scope.id);
        return status;
    case SCOPE_ACCOUNT:
    case SCOPE_LIBRARY:
        break;
    }
    add(audience, TAG_INTERNAL, no_id);
    if (actor->partner)
        add(audience, TAG_PARTNER, actor->party);
    else if (draft->entity->audience == AUDIENCE_PARTNERS)
        add(audience, TAG_PARTNERS, no_id);
    return STATUS_OK;
}

/* An audience chosen by the author, which takes the right to share. */
static enum status chosen_audience(struct plan *plan, const struct draft *draft,
                                   struct bytes encoded, struct audience *audience)
{
    enum status status = place_read_tags(plan, encoded, "audience", audience->tags,
                                         &audience->count);
    if (status != STATUS_OK)
        return status;
    if (plan->actor->partner)
        return plan_refuse(plan, STATUS_DENIED, "audience", "only the company's own people share");
    for (unsigned i = 0; i < audience->count && status == STATUS_OK; i++)
        status = place_check_tag(plan, draft->now->scope, audience->tags[i]);
    return status;
}

enum status place_check_audience(struct plan *plan, const struct draft *draft, const char *field)
{
    const struct record *now = draft->now;
    bool somebody = false, company = false;
    for (unsigned i = 0; i < now->placement_count; i++) {
        const struct placement *placement = &now->placements[i];
        bool lives = placement->removed == 0 && scope_equal(placement->scope, now->scope);
        somebody = somebody || lives;
        company = company || (lives && !tag_is_outside(placement->tag));
    }
    bool shared_place = now->scope.kind == SCOPE_ACCOUNT || now->scope.kind == SCOPE_LIBRARY;
    if (shared_place && !company)
        return plan_refuse(plan, STATUS_INVALID_VALUE, field,
                           "the company, or a department of it, must be able to see the record");
    if (!somebody)
        return plan_refuse(plan, STATUS_INVALID_VALUE, field,
                           "somebody must be able to see the record");
    return STATUS_OK;
}

enum status place_new(struct plan *plan, struct draft *draft, struct bytes account,
                      struct bytes scope, struct bytes audience)
{
    struct audience tags = {.count = 0};
    enum status status = new_scope(plan, draft, account, scope, &draft->now->scope);
    if (status == STATUS_OK)
        status = audience.size ? chosen_audience(plan, draft, audience, &tags)
                               : default_audience(plan, draft, &tags);
    for (unsigned i = 0; i < tags.count && status == STATUS_OK; i++)
        status = draft_place(plan, draft, tags.tags[i]);
    return status == STATUS_OK ? place_check_audience(plan, draft, "audience") : status;
}

/* The scope that follows from the record's fields as they are now. */
static struct scope scope_of_fields(const struct draft *draft)
{
    const struct record *now = draft->now;
    struct scope scope = now->scope;
    if (draft->entity->home != HOME_ACCOUNT && draft->entity->home != HOME_ANY)
        return scope;
    const struct record_field *account = record_field(now, "account");
    if (account)
        account_scope(account->value, &scope);
    else if (scope.kind == SCOPE_ACCOUNT)
        scope = (struct scope){SCOPE_LIBRARY, no_id};
    return scope;
}

enum status place_moved(struct plan *plan, struct draft *draft)
{
    struct scope target = scope_of_fields(draft);
    if (scope_equal(target, draft->now->scope))
        return STATUS_OK;
    /* Moving takes a record away from some who see it and shows it to others: an act of sharing. */
    if (plan->actor->partner)
        return plan_refuse(plan, STATUS_DENIED, "account",
                           "only the company's own people move records");
    enum status status = draft_move(plan, draft, target);
    if (status == STATUS_OK)
        status = plan_allow(plan, draft->now, ACTION_CREATE, "account");
    return status;
}

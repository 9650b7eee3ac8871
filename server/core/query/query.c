#include "server/core/query/query.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/query/query_gather.h"
#include "server/core/query/query_names.h"
#include "server/core/query/query_where.h"
#include "server/core/record/view.h"

#define DEFAULT_LIMIT 100u
#define MAX_FETCH 100u
/* Entries one page looks through before it hands back a place to go on from: what bounds the
 * time an I/O thread gives to one request. */
#define PAGE_BUDGET 5000u
/* And while nothing of that may be seen by the viewer, whom a place among it would tell of it. */
#define HIDDEN_BUDGET 100000u

void page_release(struct page *page)
{
    buffer_release(&page->items);
    buffer_release(&page->next);
}

static uint32_t page_limit(uint64_t asked)
{
    uint64_t limit = asked == 0 ? DEFAULT_LIMIT : asked;
    return (uint32_t)(limit > LIMIT_PAGE ? LIMIT_PAGE : limit);
}

/* What a page does with a record it may show. */
static void take(struct page *page, const struct principal *who, const struct record *record)
{
    view_encode(&page->items, who, record);
    page->count++;
}

/* Whether the page has no room for more, so that an answer stays near LIMIT_MESSAGE_BYTES. */
static bool is_full(const struct page *page, uint32_t limit)
{
    return page->count >= limit || page->items.size >= PAGE_BYTES;
}

static enum status finish(const struct page *page)
{
    return page->items.failed || page->next.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status query_fetch(const struct state *state, const struct principal *who,
                        const struct msg_fetch *request, struct record *scratch, struct page *page,
                        struct fault *fault)
{
    struct wire_reader reader = wire_read(request->ids);
    uint32_t count;
    if (!wire_get_array(&reader, &count)) {
        return fault_set(fault, STATUS_WRONG_KIND, bytes_text("ids"), "must be an array of ids");
    }
    if (count > MAX_FETCH) {
        return fault_set(fault, STATUS_LIMIT, bytes_text("ids"), "at most %u ids", MAX_FETCH);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct id id;
        if (!wire_get_id(&reader, &id)) {
            return fault_set(fault, STATUS_WRONG_KIND, bytes_text("ids"), "element %u is not an id",
                             i);
        }
        enum status status = view_load(state, who, id, scratch);
        if (status == STATUS_OK) {
            take(page, who, scratch);
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
        if (page->items.size > LIMIT_MESSAGE_BYTES) {
            return fault_set(fault, STATUS_LIMIT, bytes_text("ids"),
                             "these records are too large for one answer: ask for fewer");
        }
    }
    return finish(page);
}

/* How a query walks, for staff: an index, in two passes when it sorts, since a record without a
 * value stands in no index of that field. The pass is the first byte of a place. */
enum pass { PASS_INDEX = 'i', PASS_MISSING = 'm' };

struct plan {
    struct bytes entity;
    const struct field_def *sort; /* NULL: by id */
    struct bytes field;           /* index walked in PASS_INDEX; none: by id */
    struct buffer exact;          /* only this key of it; empty: all */
    bool descending;
    struct conditions where;
};

static enum status plan_sort(const struct entity_def *entity, const struct msg_query *request,
                             struct plan *plan, struct fault *fault)
{
    if (request->sort.size == 0) {
        return STATUS_OK;
    }
    plan->sort = entity != NULL ? schema_field(entity, request->sort) : NULL;
    if (plan->sort == NULL) {
        return fault_set(fault, STATUS_UNKNOWN_FIELD, request->sort,
                         "there is no such field to sort by");
    }
    if ((plan->sort->flags & (FIELD_INDEXED | FIELD_UNIQUE)) == 0) {
        return fault_set(fault, STATUS_INVALID_VALUE, request->sort,
                         "lists cannot be sorted by this field; see the schema for those that can");
    }
    plan->field = bytes_text(plan->sort->name);
    return STATUS_OK;
}

/* Without an order to keep, an equality on an indexed field finds its records at once. */
static void plan_lookup(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->where.count && plan->sort == NULL; i++) {
        const struct condition *condition = &plan->where.conditions[i];
        struct wire_reader value = wire_read(condition->value);
        if (condition->op == OP_EQUAL && condition->def != NULL &&
            (condition->def->flags & (FIELD_INDEXED | FIELD_UNIQUE)) != 0 &&
            wire_peek(&value) != WIRE_NIL) {
            plan->field = condition->field;
            schema_index_key(condition->def->kind, condition->value, &plan->exact);
            return;
        }
    }
}

static enum status plan_read(const struct msg_query *request, struct plan *plan,
                             struct fault *fault)
{
    const struct entity_def *entity = schema_entity(request->entity);
    plan->entity = request->entity;
    plan->descending = request->descending;
    enum status status = conditions_read(request->entity, request->where, &plan->where, fault);
    if (status == STATUS_OK) {
        status = plan_sort(entity, request, plan, fault);
    }
    if (status == STATUS_OK) {
        plan_lookup(plan);
    }
    return status == STATUS_OK && plan->exact.failed ? STATUS_NO_MEMORY : status;
}

/* Whether a record found in this pass belongs to it and to the answer. */
static bool belongs(const struct plan *plan, enum pass pass, const struct principal *who,
                    const struct record *record, size_t *scanned)
{
    if (pass == PASS_MISSING && where_value(who, record, bytes_text(plan->sort->name)).size > 0) {
        return false;
    }
    return where_meets(&plan->where, who, record, scanned);
}

/* Where a walk stands, and the last place in it that the viewer may know: that of a record they
 * see. A place travels to them and holds the id and the value of its record. */
struct walk {
    struct buffer place, known;
    enum pass pass, known_pass;
    uint32_t examined;
    size_t scanned; /* bytes that conditions looked through */
};

static bool goes_on(const struct walk *walk, const struct page *page, uint32_t limit)
{
    uint32_t budget = walk->known.size > 0 ? PAGE_BUDGET : HIDDEN_BUDGET;
    return !is_full(page, limit) && walk->examined < budget && walk->scanned < QUERY_SCAN_BYTES;
}

static void know_place(struct walk *walk)
{
    buffer_clear(&walk->known);
    buffer_append(&walk->known, walk->place.data, walk->place.size);
    walk->known_pass = walk->pass;
}

static enum status walk_index(const struct state *state, const struct principal *who,
                              const struct plan *plan, uint32_t limit, struct walk *walk,
                              struct record *scratch, struct page *page)
{
    for (; goes_on(walk, page, limit); walk->examined++) {
        struct id id;
        bool indexed = walk->pass == PASS_INDEX;
        enum status status = state->ops->index_next(
            state->self, plan->entity, indexed ? plan->field : bytes_of(NULL, 0),
            indexed ? buffer_bytes(&plan->exact) : bytes_of(NULL, 0), plan->descending,
            &walk->place, &id);
        if (status == STATUS_NOT_FOUND && indexed && plan->sort != NULL) {
            walk->pass = PASS_MISSING;
            buffer_clear(&walk->place);
            continue;
        }
        if (status != STATUS_OK) {
            return status;
        }
        status = view_load(state, who, id, scratch);
        if (status == STATUS_OK) {
            know_place(walk);
            if (belongs(plan, walk->pass, who, scratch, &walk->scanned)) {
                take(page, who, scratch);
            }
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status run_for_staff(const struct state *state, const struct principal *who,
                                 const struct plan *plan, const struct msg_query *request,
                                 struct record *scratch, struct page *page)
{
    struct walk walk = {.pass = PASS_INDEX};
    if (request->after.size > 0) {
        walk.pass = (enum pass)request->after.data[0];
        if (walk.pass != PASS_INDEX && (walk.pass != PASS_MISSING || plan->sort == NULL)) {
            return STATUS_INVALID_VALUE;
        }
        buffer_append(&walk.place, request->after.data + 1, request->after.size - 1);
    }
    enum status status =
        walk_index(state, who, plan, page_limit(request->limit), &walk, scratch, page);
    if (status == STATUS_OK) {
        bool known = walk.known.size > 0;
        const struct buffer *place = known ? &walk.known : &walk.place;
        buffer_append_byte(&page->next, (uint8_t)(known ? walk.known_pass : walk.pass));
        buffer_append(&page->next, place->data, place->size);
    } else if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    }
    if (walk.place.failed || walk.known.failed) {
        status = STATUS_NO_MEMORY;
    }
    buffer_release(&walk.place);
    buffer_release(&walk.known);
    return status;
}

struct outsider_query {
    const struct plan *plan;
    const struct principal *who;
    size_t *scanned;
};

static bool take_for_outsider(const void *context, const struct record *record, struct buffer *key)
{
    const struct outsider_query *query = context;
    const struct plan *plan = query->plan;
    if (!bytes_equal(record->entity, plan->entity) ||
        !where_meets(&plan->where, query->who, record, query->scanned)) {
        return false;
    }
    if (plan->sort != NULL) {
        struct bytes value = where_value(query->who, record, bytes_text(plan->sort->name));
        /* What has no value comes last in either direction. */
        bool first = (value.size > 0) != plan->descending;
        buffer_append_byte(key, first ? PASS_INDEX : PASS_MISSING);
        condition_key(plan->sort, value, key);
    }
    return true;
}

/* The account that a condition names, if one does: then only its lanes need reading. */
static bool named_account(const struct plan *plan, struct scope *scope)
{
    for (uint32_t i = 0; i < plan->where.count; i++) {
        const struct condition *condition = &plan->where.conditions[i];
        struct wire_reader value = wire_read(condition->value);
        scope->kind = SCOPE_ACCOUNT;
        if (condition->op == OP_EQUAL && bytes_is(condition->field, "account") &&
            wire_get_id(&value, &scope->id)) {
            return true;
        }
    }
    return false;
}

/* Of what is in people's inboxes the index has everybody's, and one's own few are in a lane. */
static bool is_of_inboxes(const struct plan *plan)
{
    const struct entity_def *entity = schema_entity(plan->entity);
    return entity != NULL && entity->home == HOME_USER;
}

/* The one scope that has all of the answer, when there is one. */
static bool only_scope(const struct plan *plan, const struct principal *who, struct scope *scope)
{
    if (!is_of_inboxes(plan)) {
        return named_account(plan, scope);
    }
    *scope = (struct scope){SCOPE_USER, who->user};
    return true;
}

static enum status run_by_lanes(const struct state *state, const struct principal *who,
                                const struct plan *plan, const struct msg_query *request,
                                struct record *scratch, struct page *page)
{
    size_t scanned = 0;
    struct outsider_query query = {plan, who, &scanned};
    struct gather gather = {state,
                            who,
                            scratch,
                            take_for_outsider,
                            &query,
                            request->descending,
                            page_limit(request->limit),
                            request->after,
                            &scanned};
    struct scope scope;
    bool named = only_scope(plan, who, &scope);
    return gather_page(&gather, named ? &scope : NULL, named ? 1 : 0, page);
}

enum status query_run(const struct state *state, const struct principal *who,
                      const struct msg_query *request, struct record *scratch, struct page *page,
                      struct fault *fault)
{
    struct plan plan = {0};
    enum status status = plan_read(request, &plan, fault);
    if (status == STATUS_OK) {
        status = query_names_check(state, who, request->entity, &plan.where, scratch, fault);
    }
    if (status == STATUS_OK && (who->partner || is_of_inboxes(&plan))) {
        status = run_by_lanes(state, who, &plan, request, scratch, page);
    } else if (status == STATUS_OK) {
        status = run_for_staff(state, who, &plan, request, scratch, page);
    }
    if (status == STATUS_INVALID_VALUE && fault != NULL && fault->status == STATUS_OK) {
        fault_set(fault, status, bytes_text("after"), "this is no place of this query");
    }
    buffer_release(&plan.exact);
    return status == STATUS_OK ? finish(page) : status;
}

/* Milliseconds at which the record stands in the timeline of the scope `context`, as bytes that
 * sort. The lanes of a scope also name what has left it. */
static bool take_for_timeline(const void *context, const struct record *record, struct buffer *key)
{
    const struct scope *scope = context;
    const struct entity_def *entity = schema_entity(record->entity);
    if (entity == NULL || entity->timeline_field == NULL || !scope_equal(record->scope, *scope)) {
        return false;
    }
    int64_t at = (int64_t)record->created.at_ms, days;
    const struct record_field *field = record_field(record, entity->timeline_field);
    struct bytes text;
    if (field != NULL) {
        struct wire_reader reader = wire_read(field->value);
        if (!wire_get_int(&reader, &at) && wire_get_str(&reader, &text) &&
            schema_date_from_text(text, &days)) {
            at = days * 86400000;
        }
    }
    uint8_t octets[8];
    put_u64(octets, (uint64_t)at ^ (UINT64_C(1) << 63));
    buffer_append(key, octets, sizeof octets);
    return true;
}

static enum status timeline_for_staff(const struct state *state, const struct principal *who,
                                      struct scope scope, const struct msg_timeline *request,
                                      struct record *scratch, struct page *page)
{
    uint32_t limit = page_limit(request->limit);
    buffer_append(&page->next, request->after.data, request->after.size);
    for (uint32_t examined = 0; !is_full(page, limit) && examined < PAGE_BUDGET; examined++) {
        struct id id;
        enum status status = state->ops->timeline_next(state->self, scope, &page->next, &id);
        if (status == STATUS_NOT_FOUND) {
            buffer_clear(&page->next);
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return status;
        }
        status = view_load(state, who, id, scratch);
        if (status == STATUS_OK) {
            take(page, who, scratch);
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status query_timeline(const struct state *state, const struct principal *who,
                           const struct msg_timeline *request, struct record *scratch,
                           struct page *page, struct fault *fault)
{
    enum status status = view_load(state, who, request->account, scratch);
    if (status != STATUS_OK) {
        return status;
    }
    struct scope scope = {SCOPE_ACCOUNT, request->account};
    if (who->partner) {
        struct gather gather = {
            state,          who, scratch, take_for_timeline, &scope, true,
            page_limit(request->limit), request->after, NULL};
        status = gather_page(&gather, &scope, 1, page);
    } else {
        status = timeline_for_staff(state, who, scope, request, scratch, page);
    }
    if (status == STATUS_INVALID_VALUE) {
        return fault_set(fault, status, bytes_text("after"), "this is no place of this timeline");
    }
    return status == STATUS_OK ? finish(page) : status;
}

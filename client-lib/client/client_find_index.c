/* Which index a query reads, if any.
 *
 * A condition with one of = < <= > >= says that what meets the query is in one range of an index of
 * its field, and a sort by a field is the order of one. Of those that are there the shortest range
 * is read, and among long ones that which is in the order asked for. Only a query that wants a few
 * records in order of their ids does better without: it walks, and soon has enough, unless the
 * range is short. Whatever is read, each record is looked at as in a walk, but for the conditions
 * that make the range. */
#include "client-lib/client/client_find.h"

#include <string.h>

#include "client-lib/client/client.h"

/* Entries that are counted of a range of which a few records are wanted. */
#define COUNTED 1024u

struct candidate {
    struct replica_index_range range;
    uint8_t from[SCHEMA_KEY_MAX], to[SCHEMA_KEY_MAX];
    uint32_t met;  /* conditions that all in it meet, a bit for each */
    bool equal;    /* all have the same key */
    bool in_order; /* it is in the order asked for */
    enum replica_index_state state;
    size_t count; /* up to a bound */
};

#define CANDIDATES (CONDITIONS_MAX + 1)
_Static_assert(CONDITIONS_MAX <= 32, "there is a bit for each");

struct candidates {
    struct candidate list[CANDIDATES];
    size_t count;
};

/* ---- Conditions as ranges ---- */

static uint8_t kind_of(const struct field_def *def)
{
    return def != NULL ? (uint8_t)def->kind : REPLICA_INDEX_BY_SHAPE;
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL;
}

/* The one of the field, else a new one with nothing in it. */
static struct candidate *candidate_of(struct candidates *candidates, struct bytes entity,
                                      struct bytes field, uint8_t kind)
{
    for (size_t i = 0; i < candidates->count; i++) {
        const struct replica_index_name *name = &candidates->list[i].range.name;
        if (name->kind == kind && bytes_equal(name->field, field))
            return &candidates->list[i];
    }
    struct candidate *made = &candidates->list[candidates->count++];
    memset(made, 0, sizeof *made);
    made->range.name = (struct replica_index_name){entity, field, kind};
    return made;
}

/* A lower bound takes the place of a lower one, an upper bound that of an upper one. */
static void raise(struct candidate *candidate, struct bytes key, bool behind)
{
    struct replica_index_range *range = &candidate->range;
    int order = range->from.size > 0 ? bytes_compare(key, range->from) : 1;
    if (order < 0 || (order == 0 && !behind))
        return;
    memcpy(candidate->from, key.data, key.size);
    range->from = bytes_of(candidate->from, key.size);
    range->behind_from = behind;
}

static void lower(struct candidate *candidate, struct bytes key, bool before)
{
    struct replica_index_range *range = &candidate->range;
    int order = range->to.size > 0 ? bytes_compare(key, range->to) : -1;
    if (order > 0 || (order == 0 && !before))
        return;
    memcpy(candidate->to, key.data, key.size);
    range->to = bytes_of(candidate->to, key.size);
    range->before_to = before;
}

/* Long values share a key with others, on both sides of them: of these each is to be looked at. */
static void narrow(struct candidate *candidate, uint32_t i, enum condition_op op, struct bytes key)
{
    bool cut = key.size >= SCHEMA_KEY_MAX;
    const struct bytes bound = bytes_of(key.data, cut ? SCHEMA_KEY_MAX : key.size);
    if (op == OP_EQUAL || op == OP_MORE || op == OP_AT_LEAST)
        raise(candidate, bound, op == OP_MORE && !cut);
    if (op == OP_EQUAL || op == OP_LESS || op == OP_AT_MOST)
        lower(candidate, bound, op == OP_LESS && !cut);
    if (!cut)
        candidate->met |= UINT32_C(1) << i;
    candidate->range.values = true;
    candidate->equal = candidate->equal || op == OP_EQUAL;
}

static bool has_range(enum condition_op op)
{
    return op != OP_UNEQUAL && op != OP_CONTAINS;
}

static enum status add_condition(struct candidates *candidates, const struct find_plan *plan,
                                 uint32_t i)
{
    const struct condition *condition = &plan->conditions.conditions[i];
    struct buffer key = {0};
    if (!has_range(condition->op) || condition->field.size > RECORD_NAME_MAX)
        return STATUS_OK;
    bool nil = is_nil(condition->value);
    if (!nil)
        condition_key(condition->def, condition->value, &key);
    enum status status = key.failed ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK && (key.size > 0 || (nil && condition->op == OP_EQUAL))) {
        struct candidate *candidate =
            candidate_of(candidates, plan->entity, condition->field, kind_of(condition->def));
        if (nil)
            candidate->range.none = candidate->equal = true;
        else
            narrow(candidate, i, condition->op, buffer_bytes(&key));
    }
    buffer_release(&key);
    return status;
}

/* ---- Sorting ---- */

static void add_sort(struct candidates *candidates, const struct find_plan *plan)
{
    size_t before = candidates->count;
    struct candidate *candidate =
        candidate_of(candidates, plan->entity, bytes_text(plan->sort.name), kind_of(&plan->sort));
    candidate->in_order = true;
    if (candidates->count > before)
        candidate->range.values = candidate->range.none = true;
}

static enum status find_candidates(tandem_client *client, const struct find_plan *plan,
                                   struct candidates *out)
{
    enum status status = STATUS_OK;
    out->count = 0;
    for (uint32_t i = 0; i < plan->conditions.count && status == STATUS_OK; i++)
        status = add_condition(out, plan, i);
    if (status == STATUS_OK && plan->order == FIND_BY_FIELD)
        add_sort(out, plan);
    for (size_t i = 0; i < out->count && status == STATUS_OK; i++) {
        struct candidate *candidate = &out->list[i];
        candidate->range.backwards = plan->descending;
        /* What has one key stands in order of the ids. */
        if (plan->order == FIND_BY_ID)
            candidate->in_order = candidate->equal;
        status = replica_index_look(client->replica, &candidate->range.name, &candidate->state);
    }
    return status;
}

/* ---- Choosing ---- */

static enum status count_range(tandem_client *client, const struct find_plan *plan,
                               struct candidate *candidate)
{
    return replica_index_count(client->replica, &candidate->range,
                               plan->limit > 0 ? COUNTED : SIZE_MAX, &candidate->count);
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
    return b == NULL || a->count < b->count || (a->count == b->count && a->in_order);
}

static bool is_worth_it(const struct find_plan *plan, const struct candidate *best)
{
    return best->in_order || best->count < COUNTED || plan->limit == 0 ||
           plan->order == FIND_BY_FIELD;
}

static void take(const struct candidate *candidate, struct find_access *out)
{
    out->index = true;
    out->in_order = candidate->in_order;
    /* What has no key may still have a value. */
    out->met = candidate->range.none ? 0 : candidate->met;
    out->range = candidate->range;
    memcpy(out->from, candidate->from, sizeof out->from);
    memcpy(out->to, candidate->to, sizeof out->to);
    if (out->range.from.size > 0)
        out->range.from.data = out->from;
    if (out->range.to.size > 0)
        out->range.to.data = out->to;
}

/* Notes which indexes the query could have used and are not there: of a condition that names one
 * value, else of one that names a range, and of the sort. */
static void note_missing(const struct candidates *candidates, const struct find_plan *plan,
                         struct find_access *out)
{
    const struct candidate *condition = NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];
        bool sorts = plan->order == FIND_BY_FIELD && candidate->in_order;
        if (candidate->state != REPLICA_INDEX_NONE)
            continue;
        if (sorts)
            out->missing[out->missing_count++] = candidate->range.name;
        else if (condition == NULL || (candidate->equal && !condition->equal))
            condition = candidate;
    }
    if (condition != NULL)
        out->missing[out->missing_count++] = condition->range.name;
}

static enum status choose(tandem_client *client, const struct find_plan *plan,
                          struct candidates *candidates, struct find_access *out)
{
    struct candidate *best = NULL;
    size_t whole = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        if (candidates->list[i].state != REPLICA_INDEX_WHOLE)
            continue;
        best = &candidates->list[i];
        whole++;
    }
    /* The only one, if it is in order, is the best however long it is. */
    const bool only = whole == 1 && best->in_order;
    for (size_t i = 0; i < candidates->count && !only; i++) {
        struct candidate *candidate = &candidates->list[i];
        best = i == 0 ? NULL : best;
        if (candidate->state != REPLICA_INDEX_WHOLE)
            continue;
        enum status status = count_range(client, plan, candidate);
        if (status == STATUS_OK && is_better(candidate, best))
            best = candidate;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    if (best != NULL && (only || is_worth_it(plan, best)))
        take(best, out);
    return STATUS_OK;
}

enum status find_choose(tandem_client *client, const struct find_plan *plan,
                        struct find_access *out)
{
    struct candidates candidates;
    memset(out, 0, sizeof *out);
    if (plan->entity.size == 0 || plan->in_account ||
        (plan->conditions.count == 0 && plan->order != FIND_BY_FIELD))
        return STATUS_OK;
    enum status status = find_candidates(client, plan, &candidates);
    if (status != STATUS_OK)
        return status;
    note_missing(&candidates, plan, out);
    return choose(client, plan, &candidates, out);
}

void find_walked(tandem_client *client, const struct find_access *access, size_t count)
{
    if (count <= REPLICA_INDEX_FROM || access->missing_count == 0)
        return;
    if (replica_is_read_only(client->replica)) {
        find_wish(client, access);
        return;
    }
    for (size_t i = 0; i < access->missing_count; i++)
        replica_index_want(client->replica, &access->missing[i]);
}

/* ---- The loop ---- */

uint64_t find_index_due(const tandem_client *client)
{
    return client_leads(client) ? replica_index_due(client->replica) : UINT64_MAX;
}

void find_index_run(tandem_client *client)
{
    /* Queries walk until it succeeds. */
    if (client_leads(client))
        (void)replica_index_run(client->replica, client_now(client));
}

/* What the outbox must not keep: others' values whose scope is not the user's to see any more, and
 * positions in a history that the server no longer has. What the author wrote stays. */
#include "client-lib/outbox/outbox_store_tables.h"

#include <stdlib.h>

/* ---- Lists without what was taken away ---- */

void outbox_strip_seen(struct bytes list, const struct outbox_lost *lost, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_seen seen;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_seen_next(&reader, &seen); count++) {
        if (outbox_is_lost(lost, &seen)) {
            seen.lost = true;
            if (lost == NULL || !lost->keep_fields)
                seen.fields = (struct bytes){0};
        }
        outbox_seen_put(out, &seen);
    }
    wire_end(out, begin, count);
}

static int compare_ids(const void *a, const void *b)
{
    return id_compare(*(const struct id *)a, *(const struct id *)b);
}

static bool names_id(const struct outbox_lost *lost, struct id id)
{
    return lost->id_count > 0 &&
           bsearch(&id, lost->ids, lost->id_count, sizeof id, compare_ids) != NULL;
}

bool outbox_is_lost(const struct outbox_lost *lost, const struct outbox_seen *seen)
{
    if (lost == NULL)
        return seen->lost;
    if (lost->all)
        return true;
    if (lost->by_scope)
        return seen->scope.kind != 0 && scope_equal(seen->scope, lost->scope);
    return names_id(lost, seen->id);
}

/* A conflict about a record of which the scope is not known goes with any scope. */
static bool conflict_is_lost(const struct outbox_lost *lost, struct bytes seen_list, struct id id)
{
    struct outbox_seen seen;
    if (outbox_seen_find(seen_list, id, &seen) && seen.scope.kind != 0)
        return outbox_is_lost(lost, &seen);
    return lost->all || lost->by_scope || names_id(lost, id);
}

static bool strip_conflicts(const struct outbox_item *item, const struct outbox_lost *lost,
                            struct buffer *out)
{
    struct wire_reader reader = outbox_list(item->conflicts);
    struct outbox_conflict conflict;
    uint32_t count = 0;
    bool any = false;
    size_t begin = wire_begin_array(out);
    for (; outbox_conflict_next(&reader, &conflict); count++) {
        if (conflict_is_lost(lost, item->seen, conflict.id)) {
            any = any || conflict.theirs.size > 0 || conflict.by.size > 0;
            conflict.theirs = (struct bytes){0};
            conflict.by = (struct bytes){0};
        }
        outbox_conflict_put(out, &conflict);
    }
    wire_end(out, begin, count);
    return any;
}

static bool any_seen_lost(const struct outbox_item *item, const struct outbox_lost *lost)
{
    struct wire_reader reader = outbox_list(item->seen);
    struct outbox_seen seen;
    while (outbox_seen_next(&reader, &seen))
        if (outbox_is_lost(lost, &seen) && (!seen.lost || seen.fields.size > 0))
            return true;
    return false;
}

/* ---- Taking away ---- */

static bool is_quarantined(const struct outbox_item *item)
{
    return item->state == TANDEM_ENTRY_CONFLICT || item->state == TANDEM_ENTRY_REFUSED;
}

static enum status strip(struct outbox_writing *writing, struct outbox_item *item,
                         struct bytes before, const struct outbox_lost *lost, bool *changed)
{
    struct buffer seen = {0}, conflicts = {0};
    bool lost_seen = any_seen_lost(item, lost);
    bool lost_conflicts = strip_conflicts(item, lost, &conflicts);
    enum status status = STATUS_OK;
    if (lost_seen) {
        outbox_strip_seen(item->seen, lost, &seen);
        item->seen = buffer_bytes(&seen);
        if (item->state == TANDEM_ENTRY_REFUSED &&
            (item->status == STATUS_NOT_FOUND || item->status == STATUS_DENIED))
            item->access_ended = true;
    }
    if (lost_conflicts)
        item->conflicts = buffer_bytes(&conflicts);
    if (seen.failed || conflicts.failed)
        status = STATUS_NO_MEMORY;
    else if (lost_seen || lost_conflicts)
        status = outbox_rewrite(writing, item, item->state, before);
    *changed = *changed || lost_seen || lost_conflicts;
    buffer_release(&seen);
    buffer_release(&conflicts);
    return status;
}

/* Strips these entries. The server's answer to what is under way tells whether a record that was
 * removed had been deleted or hidden: until then its values are kept. */
static enum status strip_all(struct outbox_writing *writing, const struct buffer *orders,
                             const struct outbox_lost *lost, bool *changed)
{
    const uint64_t *order = (const void *)orders->data;
    struct buffer copy = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < orders->size / sizeof *order && status == STATUS_OK; i++) {
        struct outbox_item item;
        struct outbox_lost now = *lost;
        status = outbox_load_copy(writing, order[i], &copy, &item);
        if (status != STATUS_OK)
            break;
        now.keep_fields = !lost->all && !lost->by_scope && !is_quarantined(&item);
        status = strip(writing, &item, buffer_bytes(&copy), &now, changed);
    }
    buffer_release(&copy);
    return status;
}

static enum status forget(struct outbox_store *store, const struct outbox_lost *lost)
{
    struct outbox_writing writing;
    struct buffer orders = {0};
    bool changed = false;
    /* Another process may have queued something. */
    enum status status = outbox_store_refresh(store);
    if (status != STATUS_OK || outbox_store_count(store, 0) == 0)
        return status;
    status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = lost->touched_only ? outbox_orders_over(store, writing.txn, lost->ids[0], &orders)
                                : outbox_orders(store, writing.txn, &orders);
    if (status == STATUS_OK)
        status = strip_all(&writing, &orders, lost, &changed);
    buffer_release(&orders);
    if (status == STATUS_OK && !changed)
        status = STATUS_CANCELLED; /* nothing to take away: no commit */
    writing.counters.purges++;
    status = outbox_end(&writing, status);
    return status == STATUS_CANCELLED ? STATUS_OK : status;
}

enum status outbox_store_forget_scope(struct outbox_store *store, struct scope scope)
{
    const struct outbox_lost lost = {.by_scope = true, .scope = scope};
    return forget(store, &lost);
}

enum status outbox_store_forget_all(struct outbox_store *store)
{
    const struct outbox_lost lost = {.all = true};
    return forget(store, &lost);
}

enum status outbox_store_forget_record(struct outbox_store *store, struct id id)
{
    const struct outbox_lost lost = {.touched_only = true, .ids = &id, .id_count = 1};
    return forget(store, &lost);
}

enum status outbox_store_forget_records(struct outbox_store *store, struct id *ids, size_t count)
{
    if (count == 0)
        return STATUS_OK;
    qsort(ids, count, sizeof *ids, compare_ids);
    const struct outbox_lost lost = {.ids = ids, .id_count = count};
    return forget(store, &lost);
}

/* ---- Another history ---- */

enum status outbox_store_set_epoch(struct outbox_store *store, struct id epoch)
{
    struct outbox_writing writing;
    if (id_equal(epoch, store->epoch))
        return STATUS_OK;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    bool another = !id_is_zero(writing.epoch);
    writing.epoch = epoch;
    if (another) {
        status = outbox_sweep(&writing, UINT64_MAX);
        writing.rebasing = true;
        store->shown = 0;
    }
    return outbox_end(&writing, status);
}

/* The conflicts without their seqs. */
static void put_conflicts(struct bytes list, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_conflict conflict;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_conflict_next(&reader, &conflict); count++) {
        conflict.seq = 0;
        outbox_conflict_put(out, &conflict);
    }
    wire_end(out, begin, count);
}

static void put_change(struct bytes change, struct buffer *out)
{
    struct wire_reader reader = wire_read(change);
    struct bytes key, value;
    uint32_t count = 0, kept = 0;
    size_t begin = wire_begin_map(out);
    (void)wire_get_map(&reader, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, &value))
            break;
        if (bytes_is(key, "base"))
            continue;
        wire_put_str(out, key);
        wire_put_raw(out, value);
        kept++;
    }
    wire_end(out, begin, kept);
}

/* The changes without bases of their own. */
static void put_changes(struct bytes list, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_change change;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_change_next(&reader, &change); count++)
        put_change(change.encoded, out);
    wire_end(out, begin, count);
}

/* What stays in the entry of positions in the former history would let it win over whatever has
 * come since, up to the same seq. `parts` holds what is put in their place. */
static void forget_positions(struct outbox_item *item, struct buffer parts[2])
{
    put_changes(item->changes, &parts[0]);
    item->changes = buffer_bytes(&parts[0]);
    if (item->conflicts.size == 0)
        return;
    put_conflicts(item->conflicts, &parts[1]);
    item->conflicts = buffer_bytes(&parts[1]);
}

/* One entry is judged anew: its base, or that it is in conflict, or with what. */
static enum status rebase_one(struct outbox_writing *writing, uint64_t order, struct buffer *copy,
                              outbox_rebase_fn *judge, void *context, struct buffer *told)
{
    struct outbox_item item;
    struct buffer conflicts = {0}, parts[2] = {{0}, {0}};
    uint64_t base = 0;
    enum status status = outbox_load_copy(writing, order, copy, &item);
    if (status != STATUS_OK)
        return status;
    tandem_entry_state from = item.state;
    bool stands = judge(context, &item, &base, &conflicts);
    item.base = base;
    forget_positions(&item, parts);
    if (!stands && from == TANDEM_ENTRY_CONFLICT)
        item.conflicts = buffer_bytes(&conflicts);
    if (!stands && from == TANDEM_ENTRY_WAITING && item.behind == 0) {
        item.state = TANDEM_ENTRY_CONFLICT;
        item.status = STATUS_CONFLICT;
        item.conflicts = buffer_bytes(&conflicts);
        item.detail = bytes_text("the server has another history, in which this has other values");
        buffer_append(told, &order, sizeof order);
    }
    status = conflicts.failed || parts[0].failed || parts[1].failed || told->failed
                 ? STATUS_NO_MEMORY
                 : outbox_rewrite(writing, &item, from, buffer_bytes(copy));
    buffer_release(&parts[0]);
    buffer_release(&parts[1]);
    buffer_release(&conflicts);
    return status;
}

static enum status rebase_all(struct outbox_writing *writing, outbox_rebase_fn *judge,
                              void *context, struct buffer *told)
{
    static const tandem_entry_state states[] = {TANDEM_ENTRY_WAITING, TANDEM_ENTRY_REFUSED,
                                                TANDEM_ENTRY_CONFLICT};
    struct buffer places = {0}, copy = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof states / sizeof *states && status == STATUS_OK; i++)
        status = outbox_places(writing->store, writing->txn, states[i], &places);
    const struct outbox_place *place = (const void *)places.data;
    for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK; i++)
        status = rebase_one(writing, place[i].order, &copy, judge, context, told);
    buffer_release(&copy);
    buffer_release(&places);
    return status;
}

enum status outbox_store_rebase(struct outbox_store *store, outbox_rebase_fn *judge,
                                outbox_item_fn *each, void *context)
{
    struct outbox_writing writing;
    struct buffer told = {0};
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = rebase_all(&writing, judge, context, &told);
    writing.rebasing = false;
    status = outbox_end(&writing, status);
    if (status == STATUS_OK)
        status = outbox_tell(store, &told, each, context);
    buffer_release(&told);
    return status;
}

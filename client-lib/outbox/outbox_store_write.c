/* Writing entries: queueing, dropping and replacing them. */
#include "client-lib/outbox/outbox_store_tables.h"

#include "protocol/message.h"

/* Bytes of a mutate message besides its changes: names, numbers, mode. */
#define OVERHEAD 128u

/* ---- One entry ---- */

static void state_key(tandem_entry_state state, uint64_t order, uint8_t out[OUTBOX_STATE_KEY])
{
    out[0] = (uint8_t)state;
    put_u64(out + 1, order);
}

/* Puts the entry and its place. */
static enum status put_entry(struct outbox_writing *writing, const struct outbox_item *item,
                             struct bytes before)
{
    const MDB_dbi *table = writing->store->environment.table;
    const struct id nothing = {{0}};
    uint8_t order[OUTBOX_ORDER_SIZE], key[OUTBOX_STATE_KEY], value[OUTBOX_STATE_VALUE];
    buffer_clear(&writing->encoded);
    outbox_entry_encode(&writing->encoded, item, before);
    if (writing->encoded.failed)
        return STATUS_NO_MEMORY;
    put_u64(order, item->order);
    state_key(item->state, item->order, key);
    put_u64(value, item->number);
    put_u64(value + 8, item->behind);
    outbox_trace_put(&writing->written, item->order, nothing, item->state);
    enum status status =
        environment_put(writing->txn, table[OUTBOX_ENTRIES], bytes_of(order, sizeof order),
                        buffer_bytes(&writing->encoded), 0);
    if (status == STATUS_OK)
        status = environment_put(writing->txn, table[OUTBOX_STATES], bytes_of(key, sizeof key),
                                 bytes_of(value, sizeof value), 0);
    return status;
}

/* Puts or deletes the marks that the entry lies over its records. */
static enum status mark(struct outbox_writing *writing, const struct outbox_item *item, bool put)
{
    const MDB_dbi table = writing->store->environment.table[OUTBOX_TOUCHED];
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && outbox_change_next(&reader, &change)) {
        uint8_t key[OUTBOX_TOUCHED_KEY];
        for (size_t i = 0; i < ID_SIZE; i++)
            key[i] = change.id.octet[i];
        put_u64(key + ID_SIZE, item->order);
        if (put)
            outbox_trace_put(&writing->written, item->order, change.id, item->state);
        if (put)
            status = environment_put(writing->txn, table, bytes_of(key, sizeof key),
                                     (struct bytes){0}, 0);
        else
            status = environment_del(writing->txn, table, bytes_of(key, sizeof key));
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK; /* several changes to one record */
    }
    return status;
}

enum status outbox_insert(struct outbox_writing *writing, struct outbox_item *item)
{
    if (item->order == 0)
        item->order = writing->counters.next_order++;
    writing->counters.counts[item->state]++;
    enum status status = put_entry(writing, item, (struct bytes){0});
    return status == STATUS_OK ? mark(writing, item, true) : status;
}

/* One entry less in a state. Whoever wrote the file last need not have counted right. */
static bool count_out(struct outbox_writing *writing, tandem_entry_state state)
{
    if (writing->counters.counts[state] == 0)
        return false;
    writing->counters.counts[state]--;
    return true;
}

enum status outbox_rewrite(struct outbox_writing *writing, const struct outbox_item *item,
                           tandem_entry_state from, struct bytes before)
{
    uint8_t key[OUTBOX_STATE_KEY];
    enum status status = STATUS_OK;
    writing->stale = true;
    /* The state of an entry is in the file. */
    if (!outbox_state_may((int)from, (int)item->state))
        return STATUS_CORRUPT;
    if (from != item->state) {
        state_key(from, item->order, key);
        if (!count_out(writing, from))
            return STATUS_CORRUPT;
        writing->counters.counts[item->state]++;
        status = environment_del(writing->txn, writing->store->environment.table[OUTBOX_STATES],
                                 bytes_of(key, sizeof key));
    }
    return status == STATUS_OK ? put_entry(writing, item, before) : status;
}

enum status outbox_delete(struct outbox_writing *writing, const struct outbox_item *item)
{
    const MDB_dbi *table = writing->store->environment.table;
    const struct id nothing = {{0}};
    uint8_t order[OUTBOX_ORDER_SIZE], key[OUTBOX_STATE_KEY];
    if (!outbox_state_may((int)item->state, OUTBOX_GONE) || !count_out(writing, item->state))
        return STATUS_CORRUPT;
    writing->stale = true;
    put_u64(order, item->order);
    state_key(item->state, item->order, key);
    enum status status = mark(writing, item, false);
    outbox_trace_put(&writing->written, item->order, nothing, OUTBOX_GONE);
    if (status == STATUS_OK)
        status = environment_del(writing->txn, table[OUTBOX_STATES], bytes_of(key, sizeof key));
    if (status == STATUS_OK)
        status =
            environment_del(writing->txn, table[OUTBOX_ENTRIES], bytes_of(order, sizeof order));
    return status;
}

enum status outbox_change(struct outbox_writing *writing, const struct outbox_item *from,
                          const struct outbox_item *to, struct bytes before)
{
    enum status status = mark(writing, from, false);
    if (status == STATUS_OK)
        status = outbox_rewrite(writing, to, from->state, before);
    return status == STATUS_OK ? mark(writing, to, true) : status;
}

/* ---- What depends on an entry in quarantine ---- */

struct search {
    struct outbox_writing *writing;
    struct bytes changes;
    uint64_t order, found;
    struct buffer orders;
    enum status status;
};

/* Looks for an entry before ours that creates the record and does not get anywhere. */
static bool look_for_creator(void *context, struct id id)
{
    struct search *search = context;
    const struct outbox_store *store = search->writing->store;
    buffer_clear(&search->orders);
    search->status = outbox_orders_over(store, search->writing->txn, id, &search->orders);
    const uint64_t *order = (const void *)search->orders.data;
    for (size_t i = 0; i < search->orders.size / sizeof *order && search->status == STATUS_OK;
         i++) {
        struct outbox_item item;
        if (order[i] >= search->order)
            break;
        search->status = outbox_load(store, search->writing->txn, order[i], &item, NULL);
        if (search->status != STATUS_OK || !outbox_creates(item.changes, id))
            continue;
        if (item.state == TANDEM_ENTRY_CONFLICT || item.state == TANDEM_ENTRY_REFUSED)
            search->found = item.order;
        else if (item.state == TANDEM_ENTRY_WAITING)
            search->found = item.behind;
    }
    return search->status == STATUS_OK && search->found == 0;
}

enum status outbox_blocker(struct outbox_writing *writing, struct bytes changes, uint64_t order,
                           uint64_t *out)
{
    struct search search = {.writing = writing, .order = order};
    *out = 0;
    if (writing->counters.counts[TANDEM_ENTRY_CONFLICT] +
            writing->counters.counts[TANDEM_ENTRY_REFUSED] ==
        0)
        return STATUS_OK;
    outbox_ids(changes, look_for_creator, &search);
    buffer_release(&search.orders);
    *out = search.found;
    return search.status == STATUS_NOT_FOUND ? STATUS_CORRUPT : search.status;
}

/* ---- Queueing ---- */

static enum status check_room(const struct outbox_writing *writing, size_t more)
{
    uint64_t held = 0;
    for (int state = 0; state < TANDEM_ENTRY_STATES; state++)
        held += writing->counters.counts[state];
    return held + more > OUTBOX_ENTRIES_MOST ? STATUS_LIMIT : STATUS_OK;
}

/* Whether the new entry may have its number at once: nothing goes before it. */
static bool numbers_at_once(const struct outbox_writing *writing, const struct outbox_item *item)
{
    return item->state == TANDEM_ENTRY_SENT && item->behind == 0 &&
           writing->counters.next_number != 0 && !writing->rebasing &&
           writing->counters.counts[TANDEM_ENTRY_WAITING] == 0 &&
           writing->counters.counts[TANDEM_ENTRY_SENT] < LIMIT_IN_FLIGHT;
}

/* Inserts a copy of the item as a new one: with the order `at`, which is free, or behind all when
 * that is 0. */
static enum status queue(struct outbox_writing *writing, const struct outbox_item *from,
                         uint64_t at, uint64_t *order)
{
    struct outbox_item item = {.order = at,
                               .state = from->state,
                               .base = from->base,
                               .typed = from->order != 0 ? outbox_typed(from) : from->typed,
                               .overwrite = from->overwrite,
                               .at_ms = from->at_ms,
                               .changes = from->changes,
                               .seen = from->seen,
                               .change = -1};
    if (at != 0 && item.typed == at)
        item.typed = 0;
    if (item.changes.size > LIMIT_MESSAGE_BYTES - OVERHEAD)
        return STATUS_TOO_LARGE;
    enum status status = outbox_blocker(writing, item.changes,
                                        at != 0 ? at : writing->counters.next_order, &item.behind);
    if (status != STATUS_OK)
        return status;
    if (at == 0 && numbers_at_once(writing, &item))
        item.number = writing->counters.next_number++;
    else
        item.state = TANDEM_ENTRY_WAITING;
    status = outbox_insert(writing, &item);
    if (status == STATUS_OK && order != NULL)
        *order = item.order;
    return status;
}

enum status outbox_store_add(struct outbox_store *store, const struct outbox_item *item,
                             uint64_t *order)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = outbox_sweep(&writing, store->shown);
    if (status == STATUS_OK)
        status = check_room(&writing, 1);
    if (status == STATUS_OK)
        status = queue(&writing, item, 0, order);
    return outbox_end(&writing, status);
}

/* ---- Ending ---- */

enum status outbox_sweep(struct outbox_writing *writing, uint64_t shown)
{
    struct buffer places = {0};
    enum status status = STATUS_OK;
    if (shown == 0 || writing->counters.counts[TANDEM_ENTRY_ACCEPTED] == 0)
        return STATUS_OK;
    status = outbox_places(writing->store, writing->txn, TANDEM_ENTRY_ACCEPTED, &places);
    const struct outbox_place *place = (const void *)places.data;
    struct buffer copy = {0};
    for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK; i++) {
        struct outbox_item item;
        status = outbox_load_copy(writing, place[i].order, &copy, &item);
        if (status == STATUS_OK && item.seq <= shown)
            status = outbox_delete(writing, &item);
    }
    buffer_release(&copy);
    buffer_release(&places);
    return status;
}

enum status outbox_store_shown(struct outbox_store *store, uint64_t seq)
{
    struct outbox_writing writing;
    if (seq > store->shown)
        store->shown = seq;
    /* While others are under way, their next commit takes these along. */
    if (store->counters.counts[TANDEM_ENTRY_ACCEPTED] == 0 ||
        store->counters.counts[TANDEM_ENTRY_SENT] > 0)
        return STATUS_OK;
    enum status status = outbox_begin(store, &writing);
    return status == STATUS_OK ? outbox_end(&writing, outbox_sweep(&writing, store->shown))
                               : status;
}

/* The entries that wait for this one: in their places, for nothing or what else holds them up, or,
 * when `requeue`, behind everything that is queued, in their order. */
static enum status let_followers(struct outbox_writing *writing, uint64_t order, bool requeue)
{
    struct buffer places = {0}, copy = {0};
    enum status status = outbox_places(writing->store, writing->txn, TANDEM_ENTRY_WAITING, &places);
    const struct outbox_place *place = (const void *)places.data;
    for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK; i++) {
        struct outbox_item item;
        if (place[i].behind != order)
            continue;
        status = outbox_load_copy(writing, place[i].order, &copy, &item);
        if (status != STATUS_OK)
            break;
        if (!requeue) {
            status = outbox_blocker(writing, item.changes, item.order, &item.behind);
            if (status == STATUS_OK)
                status = outbox_rewrite(writing, &item, item.state, buffer_bytes(&copy));
            continue;
        }
        status = outbox_delete(writing, &item);
        if (status == STATUS_OK)
            status = queue(writing, &item, 0, NULL);
    }
    buffer_release(&copy);
    buffer_release(&places);
    return status;
}

/* Deletes an entry that is not under way. */
static enum status take_out(struct outbox_writing *writing, uint64_t order)
{
    struct buffer copy = {0};
    struct outbox_item item;
    enum status status = outbox_load_copy(writing, order, &copy, &item);
    if (status == STATUS_OK &&
        (item.state == TANDEM_ENTRY_SENT || item.state == TANDEM_ENTRY_ACCEPTED))
        status = STATUS_BUSY;
    if (status == STATUS_OK)
        status = outbox_delete(writing, &item);
    buffer_release(&copy);
    return status;
}

enum status outbox_store_reconflict(struct outbox_store *store, uint64_t order,
                                    struct bytes conflicts)
{
    struct outbox_writing writing;
    struct buffer copy = {0};
    struct outbox_item item = {.order = 0};
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = outbox_load_copy(&writing, order, &copy, &item);
    const tandem_entry_state from = item.state;
    if (status == STATUS_OK && from != TANDEM_ENTRY_CONFLICT && from != TANDEM_ENTRY_REFUSED)
        status = STATUS_NOT_FOUND;
    item.conflicts = conflicts;
    if (status == STATUS_OK && from == TANDEM_ENTRY_REFUSED) {
        item.state = TANDEM_ENTRY_CONFLICT;
        item.status = STATUS_CONFLICT;
        item.field = (struct bytes){0};
        item.detail = bytes_text(status_text(STATUS_CONFLICT));
        item.change = -1;
    }
    if (status == STATUS_OK)
        status = outbox_rewrite(&writing, &item, from, buffer_bytes(&copy));
    buffer_release(&copy);
    return outbox_end(&writing, status);
}

enum status outbox_store_drop(struct outbox_store *store, uint64_t order)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = take_out(&writing, order);
    if (status == STATUS_OK)
        status = let_followers(&writing, order, false);
    return outbox_end(&writing, status);
}

enum status outbox_store_replace(struct outbox_store *store, uint64_t order,
                                 const struct outbox_item *items, size_t count, uint64_t *orders)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = take_out(&writing, order);
    if (status == STATUS_OK)
        status = check_room(&writing, count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = queue(&writing, &items[i], 0, orders != NULL ? &orders[i] : NULL);
    if (status == STATUS_OK)
        status = let_followers(&writing, order, count > 0);
    return outbox_end(&writing, status);
}

enum status outbox_store_replace_all(struct outbox_store *store, const uint64_t *before,
                                     const struct outbox_item *items, size_t count, uint64_t *now)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = take_out(&writing, before[i]);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = queue(&writing, &items[i], 0, &now[i]);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = let_followers(&writing, before[i], true);
    return outbox_end(&writing, status);
}

enum status outbox_again(struct outbox_writing *writing, uint64_t order,
                         const struct outbox_item *item)
{
    enum status status = take_out(writing, order);
    if (status == STATUS_OK)
        status = queue(writing, item, order, NULL);
    return status == STATUS_OK ? let_followers(writing, order, false) : status;
}

enum status outbox_store_again(struct outbox_store *store, uint64_t order,
                               const struct outbox_item *item)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    return outbox_end(&writing, outbox_again(&writing, order, item));
}

/* Reading the outbox: places, entries, walks. */
#include "client-lib/outbox/outbox_store_tables.h"

#include <stdlib.h>
#include <string.h>

enum status outbox_load(const struct outbox_store *store, MDB_txn *txn, uint64_t order,
                        struct outbox_item *out, struct bytes *value)
{
    uint8_t key[OUTBOX_ORDER_SIZE];
    struct bytes stored;
    put_u64(key, order);
    enum status status = environment_get(txn, store->environment.table[OUTBOX_ENTRIES],
                                         bytes_of(key, sizeof key), &stored);
    if (status != STATUS_OK)
        return status;
    if (value != NULL)
        *value = stored;
    return outbox_entry_decode(stored, order, out) ? STATUS_OK : STATUS_CORRUPT;
}

enum status outbox_load_copy(struct outbox_writing *writing, uint64_t order, struct buffer *copy,
                             struct outbox_item *out)
{
    struct bytes value = {0};
    enum status status = outbox_load(writing->store, writing->txn, order, out, &value);
    buffer_clear(copy);
    if (status != STATUS_OK)
        return status;
    buffer_append(copy, value.data, value.size);
    if (copy->failed)
        return STATUS_NO_MEMORY;
    return outbox_entry_decode(buffer_bytes(copy), order, out) ? STATUS_OK : STATUS_CORRUPT;
}

/* Calls `take` for each entry of a table whose key begins with `prefix`, until it returns anything
 * but OK, which is passed on. */
typedef enum status take_fn(struct bytes key, struct bytes value, struct buffer *out);

static enum status scan(const struct outbox_store *store, MDB_txn *txn, enum outbox_table table,
                        struct bytes prefix, take_fn *take, struct buffer *out)
{
    MDB_cursor *cursor = NULL;
    MDB_val key = environment_val(prefix.data, prefix.size);
    MDB_val data;
    enum status status = STATUS_OK;
    int code = mdb_cursor_open(txn, store->environment.table[table], &cursor);
    if (code != 0)
        return environment_status(code);
    code = mdb_cursor_get(cursor, &key, &data, prefix.size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    while (code == 0 && status == STATUS_OK) {
        if (key.mv_size < prefix.size ||
            (prefix.size > 0 && memcmp(key.mv_data, prefix.data, prefix.size) != 0))
            break;
        status =
            take(bytes_of(key.mv_data, key.mv_size), bytes_of(data.mv_data, data.mv_size), out);
        code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && code != 0 && code != MDB_NOTFOUND)
        status = environment_status(code);
    return status == STATUS_OK && out->failed ? STATUS_NO_MEMORY : status;
}

static enum status take_place(struct bytes key, struct bytes value, struct buffer *out)
{
    if (key.size != OUTBOX_STATE_KEY || value.size != OUTBOX_STATE_VALUE)
        return STATUS_CORRUPT;
    const struct outbox_place place = {get_u64(key.data + 1), get_u64(value.data),
                                       get_u64(value.data + 8)};
    if (place.number == 0 && key.data[0] == TANDEM_ENTRY_SENT)
        return STATUS_CORRUPT;
    buffer_append(out, &place, sizeof place);
    return STATUS_OK;
}

enum status outbox_places(const struct outbox_store *store, MDB_txn *txn, tandem_entry_state state,
                          struct buffer *out)
{
    const uint8_t prefix = (uint8_t)state;
    return scan(store, txn, OUTBOX_STATES, bytes_of(&prefix, 1), take_place, out);
}

/* A full list ends the scan like a failure, which it is not. */
struct ready {
    struct buffer list;
    size_t most;
};

static enum status take_ready(struct bytes key, struct bytes value, struct buffer *out)
{
    struct ready *ready = (struct ready *)(void *)out;
    if (ready->list.size / sizeof(struct outbox_place) >= ready->most)
        return STATUS_LIMIT;
    if (value.size == OUTBOX_STATE_VALUE && get_u64(value.data + 8) != 0)
        return STATUS_OK;
    return take_place(key, value, out);
}

enum status outbox_ready(const struct outbox_store *store, MDB_txn *txn, size_t most,
                         struct buffer *out)
{
    const uint8_t prefix = TANDEM_ENTRY_WAITING;
    struct ready ready = {.list = *out, .most = most};
    enum status status =
        scan(store, txn, OUTBOX_STATES, bytes_of(&prefix, 1), take_ready, &ready.list);
    *out = ready.list;
    return status == STATUS_LIMIT ? STATUS_OK : status;
}

static enum status take_order(struct bytes key, struct bytes value, struct buffer *out)
{
    (void)value;
    if (key.size != OUTBOX_TOUCHED_KEY)
        return STATUS_CORRUPT;
    const uint64_t order = get_u64(key.data + ID_SIZE);
    buffer_append(out, &order, sizeof order);
    return STATUS_OK;
}

enum status outbox_orders_over(const struct outbox_store *store, MDB_txn *txn, struct id id,
                               struct buffer *out)
{
    return scan(store, txn, OUTBOX_TOUCHED, bytes_of(id.octet, ID_SIZE), take_order, out);
}

static enum status take_touch(struct bytes key, struct bytes value, struct buffer *out)
{
    struct id id;
    (void)value;
    if (key.size != OUTBOX_TOUCHED_KEY)
        return STATUS_CORRUPT;
    memcpy(id.octet, key.data, ID_SIZE);
    outbox_trace_put(out, get_u64(key.data + ID_SIZE), id, 0);
    return STATUS_OK;
}

enum status outbox_touches(const struct outbox_store *store, MDB_txn *txn, struct buffer *out)
{
    return scan(store, txn, OUTBOX_TOUCHED, (struct bytes){0}, take_touch, out);
}

static enum status take_entry(struct bytes key, struct bytes value, struct buffer *out)
{
    (void)value;
    if (key.size != OUTBOX_ORDER_SIZE)
        return STATUS_CORRUPT;
    const uint64_t order = get_u64(key.data);
    buffer_append(out, &order, sizeof order);
    return STATUS_OK;
}

/* The orders of all entries. */
enum status outbox_orders(const struct outbox_store *store, MDB_txn *txn, struct buffer *out)
{
    return scan(store, txn, OUTBOX_ENTRIES, (struct bytes){0}, take_entry, out);
}

/* ---- Walks: the orders first, so that a callback may do anything meanwhile. ---- */

/* Hands over these entries, as they are in the state held. */
static enum status hand_over(struct outbox_store *store, const struct buffer *orders,
                             unsigned states, outbox_item_fn *each, void *context)
{
    const uint64_t *order = (const void *)orders->data;
    enum status status = STATUS_OK;
    bool more = true;
    for (size_t i = 0; i < orders->size / sizeof *order && status == STATUS_OK && more; i++) {
        struct outbox_item item;
        status = outbox_load(store, store->held.txn, order[i], &item, NULL);
        if (status == STATUS_OK && (states == 0 || (states & 1u << item.state) != 0))
            more = each(context, &item);
    }
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

enum status outbox_store_each(struct outbox_store *store, unsigned states, outbox_item_fn *each,
                              void *context)
{
    struct buffer orders = {0};
    enum status status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    status = outbox_orders(store, store->held.txn, &orders);
    if (status == STATUS_OK)
        status = hand_over(store, &orders, states, each, context);
    outbox_store_release(store);
    buffer_release(&orders);
    return status;
}

enum status outbox_store_get(struct outbox_store *store, uint64_t order, outbox_item_fn *each,
                             void *context)
{
    struct outbox_item item;
    enum status status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    status = outbox_load(store, store->held.txn, order, &item, NULL);
    if (status == STATUS_OK)
        (void)each(context, &item);
    outbox_store_release(store);
    return status;
}

enum status outbox_store_unanswered(struct outbox_store *store, const uint64_t *numbers,
                                    size_t count, size_t *among, size_t *others)
{
    struct buffer places = {0};
    enum status status = outbox_store_hold(store);
    *among = *others = 0;
    if (status != STATUS_OK)
        return status;
    status = outbox_places(store, store->held.txn, TANDEM_ENTRY_SENT, &places);
    outbox_store_release(store);
    const struct outbox_place *place = (const void *)places.data;
    for (size_t i = 0; i < places.size / sizeof *place; i++) {
        bool found = false;
        for (size_t at = 0; at < count && !found; at++)
            found = numbers[at] == place[i].number;
        ++*(found ? among : others);
    }
    buffer_release(&places);
    return status;
}

/* When an entry takes effect on the server: what was taken, what is under way, what waits. */
struct turn {
    unsigned rank;
    uint64_t within, order;
};

static int by_turn(const void *a, const void *b)
{
    const struct turn *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->within > right->within) - (left->within < right->within);
}

/* Sorts the orders by when each takes its turn, which is how they are already unless one that had
 * been refused was queued again in its place before others that went ahead of it. */
static enum status sort_by_turn(struct outbox_store *store, struct buffer *orders)
{
    struct buffer turns = {0};
    uint64_t *order = (void *)orders->data;
    size_t count = orders->size / sizeof *order;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct outbox_item item;
        status = outbox_load(store, store->held.txn, order[i], &item, NULL);
        struct turn turn = {.rank = 2, .within = order[i], .order = order[i]};
        if (status == STATUS_OK && item.state == TANDEM_ENTRY_ACCEPTED)
            turn = (struct turn){.rank = 0, .within = item.seq, .order = order[i]};
        else if (status == STATUS_OK && item.state == TANDEM_ENTRY_SENT)
            turn = (struct turn){.rank = 1, .within = item.number, .order = order[i]};
        buffer_append(&turns, &turn, sizeof turn);
    }
    if (status == STATUS_OK && turns.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        struct turn *turn = (void *)turns.data;
        qsort(turn, count, sizeof *turn, by_turn);
        for (size_t i = 0; i < count; i++)
            order[i] = turn[i].order;
    }
    buffer_release(&turns);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

enum status outbox_store_over(struct outbox_store *store, struct id id, outbox_item_fn *each,
                              void *context)
{
    struct buffer orders = {0};
    enum status status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    status = outbox_orders_over(store, store->held.txn, id, &orders);
    if (status == STATUS_OK && orders.size > sizeof(uint64_t))
        status = sort_by_turn(store, &orders);
    if (status == STATUS_OK)
        status = hand_over(store, &orders, 0, each, context);
    outbox_store_release(store);
    buffer_release(&orders);
    return status;
}

static enum status take_id(struct bytes key, struct bytes value, struct buffer *out)
{
    (void)value;
    if (key.size != OUTBOX_TOUCHED_KEY)
        return STATUS_CORRUPT;
    if (out->size < ID_SIZE || memcmp(out->data + out->size - ID_SIZE, key.data, ID_SIZE) != 0)
        buffer_append(out, key.data, ID_SIZE);
    return STATUS_OK;
}

enum status outbox_store_touched(struct outbox_store *store, outbox_id_fn *each, void *context)
{
    struct buffer ids = {0};
    enum status status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    status = scan(store, store->held.txn, OUTBOX_TOUCHED, (struct bytes){0}, take_id, &ids);
    bool more = status == STATUS_OK;
    for (size_t at = 0; at < ids.size && more; at += ID_SIZE) {
        struct id id;
        memcpy(id.octet, ids.data + at, ID_SIZE);
        more = each(context, id);
    }
    outbox_store_release(store);
    buffer_release(&ids);
    return status;
}

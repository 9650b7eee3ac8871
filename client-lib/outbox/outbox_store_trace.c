/* What the entries are about and how they stand, all at once: for those who follow them. */
#include "client-lib/outbox/outbox_store_tables.h"

#include <stdlib.h>
#include <string.h>

/* How each entry stands, sorted by order. */
static enum status get_states(struct outbox_store *store, struct buffer *out)
{
    const struct id nothing = {{0}};
    struct buffer places = {0};
    enum status status = STATUS_OK;
    for (int state = 0; state < TANDEM_ENTRY_STATES && status == STATUS_OK; state++) {
        buffer_clear(&places);
        status = outbox_places(store, store->held.txn, (tandem_entry_state)state, &places);
        const struct outbox_place *place = (const void *)places.data;
        for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK; i++)
            outbox_trace_put(out, place[i].order, nothing, (unsigned)state);
    }
    buffer_release(&places);
    return status == STATUS_OK && out->failed ? STATUS_NO_MEMORY : status;
}

int outbox_trace_compare(const void *a, const void *b)
{
    const struct outbox_trace *left = a, *right = b;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return memcmp(left->id.octet, right->id.octet, ID_SIZE);
}

/* The seq with which it was accepted. */
static enum status find_seq(struct outbox_store *store, struct outbox_trace *trace)
{
    struct outbox_item item;
    enum status status = outbox_load(store, store->held.txn, trace->order, &item, NULL);
    if (status == STATUS_OK)
        trace->seq = item.seq;
    return status;
}

static enum status find_states(struct outbox_store *store, struct buffer *traces,
                               const struct buffer *states)
{
    struct outbox_trace *trace = (void *)traces->data;
    size_t count = states->size / sizeof(struct outbox_trace);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < traces->size / sizeof *trace && status == STATUS_OK; i++) {
        const struct outbox_trace wanted = {.order = trace[i].order};
        const struct outbox_trace *found =
            count > 0 ? bsearch(&wanted, states->data, count, sizeof wanted, outbox_trace_compare) : NULL;
        if (found == NULL)
            return STATUS_CORRUPT;
        trace[i].state = found->state;
        if (found->state == TANDEM_ENTRY_ACCEPTED)
            status = find_seq(store, &trace[i]);
    }
    return status;
}

enum status outbox_store_traces(struct outbox_store *store, struct buffer *out, bool *alone)
{
    struct buffer states = {0};
    enum status status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    *alone = !store->others_wrote && mdb_txn_id(store->held.txn) == store->txn;
    status = get_states(store, &states);
    if (status == STATUS_OK)
        status = outbox_touches(store, store->held.txn, out);
    if (states.size > 0)
        qsort(states.data, states.size / sizeof(struct outbox_trace),
              sizeof(struct outbox_trace), outbox_trace_compare);
    if (out->size > 0)
        qsort(out->data, out->size / sizeof(struct outbox_trace), sizeof(struct outbox_trace),
              outbox_trace_compare);
    if (status == STATUS_OK)
        status = find_states(store, out, &states);
    outbox_store_release(store);
    buffer_release(&states);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

/* ---- What this handle wrote ---- */

void outbox_trace_put(struct buffer *out, uint64_t order, struct id id, unsigned state)
{
    struct outbox_trace trace;
    memset(&trace, 0, sizeof trace);
    trace.order = order;
    trace.id = id;
    trace.state = state;
    buffer_append(out, &trace, sizeof trace);
}

size_t outbox_store_written(const struct outbox_store *store)
{
    return store->written.size / sizeof(struct outbox_trace);
}

void outbox_store_take_written(struct outbox_store *store, struct buffer *out)
{
    *out = store->written;
    out->failed = false;
    store->written = (struct buffer){0};
}

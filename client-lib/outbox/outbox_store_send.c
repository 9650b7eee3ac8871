/* Numbers, frames and answers: the outbox's side of exactly once.
 *
 * A number is stored before it is sent, and an answer before the server is told that it may forget
 * it: `answered` in a message speaks only of numbers whose answers are in the file. So a process
 * that dies at any moment sends, when it comes back, the same contents under the same number. */
#include "client-lib/outbox/outbox_store_tables.h"

#include <stdlib.h>

#include "client-lib/outbox/resolve.h"
#include "protocol/message.h"

/* ---- Numbers ---- */

enum status outbox_free_numbers(struct outbox_writing *writing, uint64_t number)
{
    struct buffer places = {0}, copy = {0};
    enum status status = outbox_places(writing->store, writing->txn, TANDEM_ENTRY_SENT, &places);
    const struct outbox_place *place = (const void *)places.data;
    writing->counters.next_number = number;
    for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK; i++) {
        struct outbox_item item;
        if (place[i].number < number)
            continue;
        status = outbox_load_copy(writing, place[i].order, &copy, &item);
        if (status != STATUS_OK)
            break;
        item.state = TANDEM_ENTRY_WAITING;
        item.number = 0;
        status = outbox_rewrite(writing, &item, TANDEM_ENTRY_SENT, buffer_bytes(&copy));
        if (status == STATUS_OK && item.renames.size > 0)
            status = outbox_rename_late(writing, item.order);
    }
    buffer_release(&copy);
    buffer_release(&places);
    return status;
}

/* The lowest number in use, 0 when none is. */
static enum status first_number(const struct outbox_store *store, MDB_txn *txn, uint64_t *out)
{
    struct buffer places = {0};
    enum status status = outbox_places(store, txn, TANDEM_ENTRY_SENT, &places);
    const struct outbox_place *place = (const void *)places.data;
    *out = 0;
    for (size_t i = 0; i < places.size / sizeof *place; i++)
        if (*out == 0 || place[i].number < *out)
            *out = place[i].number;
    buffer_release(&places);
    return status;
}

enum status outbox_store_start(struct outbox_store *store, uint64_t last_number)
{
    struct outbox_writing writing;
    uint64_t first = 0;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = first_number(store, writing.txn, &first);
    uint64_t next = last_number + 1;
    if (status == STATUS_OK && first != 0 && next < first)
        status = outbox_free_numbers(&writing, next);
    else if (status == STATUS_OK && writing.rebasing)
        status = outbox_free_numbers(&writing, next > first ? next : first);
    else if (first == 0 || writing.counters.next_number < next)
        writing.counters.next_number = next;
    if (status == STATUS_OK && writing.counters.next_number == store->counters.next_number) {
        (void)outbox_end(&writing, STATUS_CANCELLED); /* all as it was: no commit */
        return STATUS_OK;
    }
    return outbox_end(&writing, status);
}

void outbox_store_set_gate(struct outbox_store *store, outbox_gate_fn *gate, void *context)
{
    store->gate = gate;
    store->gate_context = context;
}

/* Gives numbers to up to `room` of those that wait. */
static enum status number_waiting(struct outbox_store *store, size_t room)
{
    struct outbox_writing writing;
    size_t held_back = 0;
    struct buffer places = {0}, copy = {0};
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    if (writing.counters.next_number == 0) /* the file says so: we have signed in */
        status = STATUS_CORRUPT;
    if (status == STATUS_OK)
        status = outbox_sweep(&writing, store->shown);
    if (status == STATUS_OK)
        status = outbox_ready(store, writing.txn, room, &places);
    const struct outbox_place *place = (const void *)places.data;
    for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK; i++) {
        struct outbox_item item;
        status = outbox_load_copy(&writing, place[i].order, &copy, &item);
        if (status != STATUS_OK)
            break;
        if (store->gate != NULL && !store->gate(store->gate_context, &item)) {
            held_back++;
            continue;
        }
        item.state = TANDEM_ENTRY_SENT;
        item.number = writing.counters.next_number++;
        item.status = STATUS_OK;
        item.field = item.detail = item.conflicts = (struct bytes){0};
        item.change = -1;
        status = outbox_rewrite(&writing, &item, TANDEM_ENTRY_WAITING, buffer_bytes(&copy));
    }
    const bool none =
        status == STATUS_OK && held_back > 0 && held_back == places.size / sizeof *place;
    buffer_release(&copy);
    buffer_release(&places);
    if (none) {
        (void)outbox_end(&writing, STATUS_CANCELLED); /* all as it was: no commit */
        return STATUS_OK;
    }
    return outbox_end(&writing, status);
}

/* ---- Frames ---- */

static void encode_frame(const struct outbox_item *item, uint64_t answered, struct buffer *out)
{
    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = item->number;
    message.as.mutate.answered = answered;
    message_mark(&message, "answered");
    message.as.mutate.changes = item->changes;
    if (item->base != 0) {
        message.as.mutate.base = item->base;
        message_mark(&message, "base");
    }
    if (item->overwrite) {
        message.as.mutate.mode = bytes_text("overwrite");
        message_mark(&message, "mode");
    }
    buffer_clear(out);
    message_encode(out, &message);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t left = ((const struct outbox_place *)a)->number;
    const uint64_t right = ((const struct outbox_place *)b)->number;
    return (left > right) - (left < right);
}

/* In the order of their numbers, which is not that of their places when one that had been refused
 * was sent again. */
static enum status give_frames(struct outbox_store *store, uint64_t from, outbox_frame_fn *each,
                               void *context)
{
    struct buffer places = {0}, frame = {0};
    uint64_t first = 0;
    enum status status = first_number(store, store->held.txn, &first);
    if (status == STATUS_OK)
        status = outbox_places(store, store->held.txn, TANDEM_ENTRY_SENT, &places);
    if (places.size > 0)
        qsort(places.data, places.size / sizeof(struct outbox_place), sizeof(struct outbox_place),
              by_number);
    const struct outbox_place *place = (const void *)places.data;
    bool more = true;
    for (size_t i = 0; i < places.size / sizeof *place && status == STATUS_OK && more; i++) {
        struct outbox_item item;
        if (place[i].number < from)
            continue;
        status = outbox_load(store, store->held.txn, place[i].order, &item, NULL);
        if (status != STATUS_OK)
            break;
        encode_frame(&item, first - 1, &frame);
        if (frame.failed)
            status = STATUS_NO_MEMORY;
        else
            more = each(context, item.number, buffer_bytes(&frame));
    }
    buffer_release(&frame);
    buffer_release(&places);
    return status;
}

/* Whether one waits for nothing but its turn. */
static enum status find_ready(struct outbox_store *store, bool *any)
{
    struct buffer places = {0};
    struct environment_reading reading;
    *any = false;
    if (store->counters.counts[TANDEM_ENTRY_WAITING] == 0)
        return STATUS_OK;
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    status = outbox_ready(store, reading.txn, 1, &places);
    *any = places.size > 0;
    outbox_read_end(store, &reading);
    buffer_release(&places);
    return status;
}

enum status outbox_store_send(struct outbox_store *store, uint64_t from, size_t most,
                              outbox_frame_fn *each, void *context)
{
    size_t sent = outbox_store_count(store, 1u << TANDEM_ENTRY_SENT);
    bool ready = false;
    if (store->counters.counts[TANDEM_ENTRY_WAITING] == 0 && from >= store->counters.next_number)
        return STATUS_OK;
    enum status status = sent < most ? find_ready(store, &ready) : STATUS_OK;
    if (status == STATUS_OK && ready)
        status = number_waiting(store, most - sent);
    if (status == STATUS_OK)
        status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    status = give_frames(store, from, each, context);
    outbox_store_release(store);
    return status;
}

/* ---- Answers ---- */

struct recording {
    struct outbox_writing writing;
    struct buffer sent; /* places of what was sent, when the recording began */
    struct buffer copy;
    struct buffer concerned; /* orders */
    int64_t now_ms;
};

static void concern(struct recording *recording, uint64_t order)
{
    buffer_append(&recording->concerned, &order, sizeof order);
}

static const struct outbox_place *find_sent(const struct recording *recording, uint64_t number)
{
    const struct outbox_place *place = (const void *)recording->sent.data;
    for (size_t i = 0; i < recording->sent.size / sizeof *place; i++)
        if (place[i].number == number)
            return &place[i];
    return NULL;
}

/* Makes those that wait and touch this record wait for `root`; the records that they create in turn
 * are appended to `ids`. */
static enum status hold_over(struct recording *recording, struct id id, uint64_t root,
                             struct buffer *ids)
{
    struct outbox_writing *writing = &recording->writing;
    struct buffer orders = {0}, copy = {0};
    enum status status = outbox_orders_over(writing->store, writing->txn, id, &orders);
    const uint64_t *order = (const void *)orders.data;
    for (size_t i = 0; i < orders.size / sizeof *order && status == STATUS_OK; i++) {
        struct outbox_item item;
        if (order[i] <= root)
            continue;
        status = outbox_load_copy(writing, order[i], &copy, &item);
        if (status != STATUS_OK || item.state != TANDEM_ENTRY_WAITING || item.behind != 0)
            continue;
        item.behind = root;
        status = outbox_rewrite(writing, &item, item.state, buffer_bytes(&copy));
        concern(recording, item.order);
        struct wire_reader reader = outbox_list(item.changes);
        struct outbox_change change;
        while (outbox_change_next(&reader, &change))
            if (bytes_is(change.op, "create"))
                buffer_append(ids, change.id.octet, ID_SIZE);
    }
    buffer_release(&copy);
    buffer_release(&orders);
    return status == STATUS_OK && ids->failed ? STATUS_NO_MEMORY : status;
}

/* What waits and needs a record that this refused entry was to create waits for `root`. */
static enum status hold_followers(struct recording *recording, const struct outbox_item *refused,
                                  uint64_t root)
{
    struct buffer ids = {0};
    struct wire_reader reader = outbox_list(refused->changes);
    struct outbox_change change;
    enum status status = STATUS_OK;
    while (outbox_change_next(&reader, &change))
        if (bytes_is(change.op, "create"))
            buffer_append(&ids, change.id.octet, ID_SIZE);
    for (size_t at = 0; at < ids.size && status == STATUS_OK; at += ID_SIZE) {
        struct id id;
        (void)id_from_bytes(bytes_of(ids.data + at, ID_SIZE), &id);
        status = hold_over(recording, id, root, &ids);
    }
    if (ids.failed)
        status = STATUS_NO_MEMORY;
    buffer_release(&ids);
    return status;
}

/* Whether it speaks of a record that its author may not see any more. */
static bool speaks_of_lost(const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->seen);
    struct outbox_seen seen;
    while (outbox_seen_next(&reader, &seen))
        if (seen.lost)
            return true;
    return false;
}

/* What the server said is in conflict. The record's scope may have been purged since the server
 * judged: then others' values in it are not kept, and *hidden tells so. */
static void take_conflicts(struct bytes told, struct bytes seen_list, struct buffer *out,
                           bool *hidden)
{
    struct buffer copied = {0};
    outbox_conflicts_copy(told, &copied);
    struct wire_reader reader = outbox_list(buffer_bytes(&copied));
    struct outbox_conflict conflict;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_conflict_next(&reader, &conflict); count++) {
        struct outbox_seen seen;
        if (outbox_seen_find(seen_list, conflict.id, &seen) && seen.lost && seen.fields.size == 0) {
            conflict.theirs = conflict.by = (struct bytes){0};
            *hidden = true;
        }
        outbox_conflict_put(out, &conflict);
    }
    wire_end(out, begin, count);
    out->failed = out->failed || copied.failed;
    buffer_release(&copied);
}

/* Records that were to be removed are gone already: that is what the author wanted. What else was to
 * be removed with them is sent again without them. */
static enum status take_removals(struct recording *recording, const struct outbox_answer *answer,
                                 const struct outbox_item *sent, bool *taken)
{
    struct outbox_writing *writing = &recording->writing;
    struct outbox_item item = *sent;
    struct buffer rest = {0};
    uint32_t left = 0;
    enum status status = STATUS_OK;
    *taken = answer->status == STATUS_CONFLICT &&
             resolve_removals(sent->changes, answer->conflicts, &rest, &left);
    if (rest.failed) {
        status = STATUS_NO_MEMORY;
    } else if (*taken && left == 0) {
        uint64_t seq = resolve_newest(answer->conflicts);
        item.state = TANDEM_ENTRY_ACCEPTED;
        item.seq = seq > 0 ? seq : 1;
        status = outbox_rewrite(writing, &item, sent->state, buffer_bytes(&recording->copy));
    } else if (*taken) {
        item.state = TANDEM_ENTRY_WAITING;
        item.number = 0;
        item.changes = buffer_bytes(&rest);
        status = outbox_change(writing, sent, &item, buffer_bytes(&recording->copy));
    }
    buffer_release(&rest);
    return status;
}

/* The refusal goes into the entry, which waits for another when that is the reason of it. */
static enum status refuse(struct recording *recording, const struct outbox_answer *answer,
                          struct outbox_item *item)
{
    struct outbox_writing *writing = &recording->writing;
    struct buffer seen = {0}, conflicts = {0};
    bool hidden = false, taken = false;
    enum status status = take_removals(recording, answer, item, &taken);
    if (status != STATUS_OK || taken)
        return status;
    item->number = 0;
    if (answer->status == STATUS_NOT_FOUND)
        status = outbox_blocker(writing, item->changes, item->order, &item->behind);
    if (status == STATUS_OK && item->behind != 0) {
        item->state = TANDEM_ENTRY_WAITING;
        status = outbox_rewrite(writing, item, TANDEM_ENTRY_SENT, buffer_bytes(&recording->copy));
        return status == STATUS_OK ? hold_followers(recording, item, item->behind) : status;
    }
    item->status = answer->status;
    item->change = answer->change;
    item->field = answer->field;
    item->detail = answer->detail;
    take_conflicts(answer->conflicts, item->seen, &conflicts, &hidden);
    item->conflicts = buffer_bytes(&conflicts);
    item->answered_ms = recording->now_ms;
    item->state = outbox_state_answered(answer->status);
    if (hidden || ((answer->status == STATUS_NOT_FOUND || answer->status == STATUS_DENIED) &&
                   speaks_of_lost(item))) {
        item->access_ended = true;
        outbox_strip_seen(item->seen, NULL, &seen);
        item->seen = buffer_bytes(&seen);
    }
    if (seen.failed || conflicts.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = outbox_rewrite(writing, item, TANDEM_ENTRY_SENT, buffer_bytes(&recording->copy));
    buffer_release(&seen);
    buffer_release(&conflicts);
    return status == STATUS_OK ? hold_followers(recording, item, item->order) : status;
}

/* The server did not take it for now, and has not noted its number. */
static enum status put_back(struct recording *recording, const struct outbox_answer *answer,
                            uint64_t order)
{
    struct outbox_writing *writing = &recording->writing;
    struct outbox_item item;
    enum status status = outbox_free_numbers(writing, answer->number);
    if (status == STATUS_OK)
        status = outbox_load_copy(writing, order, &recording->copy, &item);
    if (status != STATUS_OK)
        return status;
    item.status = answer->status;
    item.field = answer->field;
    item.detail = answer->detail;
    item.answered_ms = recording->now_ms;
    return outbox_rewrite(writing, &item, TANDEM_ENTRY_WAITING, buffer_bytes(&recording->copy));
}

static enum status record_one(struct recording *recording, const struct outbox_answer *answer)
{
    struct outbox_writing *writing = &recording->writing;
    const struct outbox_place *place = find_sent(recording, answer->number);
    struct outbox_item item;
    if (place == NULL || answer->number == 0)
        return STATUS_OK; /* recorded before: an answer comes twice after sending twice */
    enum status status = outbox_load_copy(writing, place->order, &recording->copy, &item);
    if (status != STATUS_OK)
        return status;
    if (item.state != TANDEM_ENTRY_SENT || item.number != answer->number)
        return STATUS_OK; /* answered, or its number freed, by an answer of this turn */
    concern(recording, item.order);
    if (!outbox_state_remembered(answer->status))
        return put_back(recording, answer, item.order);
    if (answer->status != STATUS_OK) {
        bool renamed = item.renames.size > 0;
        status = refuse(recording, answer, &item);
        return status == STATUS_OK && renamed ? outbox_rename_late(writing, place->order) : status;
    }
    item.renames = (struct bytes){0};
    item.state = TANDEM_ENTRY_ACCEPTED;
    item.seq = answer->seq > 0 ? answer->seq : 1;
    status = outbox_rewrite(writing, &item, TANDEM_ENTRY_SENT, buffer_bytes(&recording->copy));
    return status == STATUS_OK ? outbox_supersede(writing, &item, &recording->concerned) : status;
}

/* Tells of every entry concerned, once and in the order of the answers. */
enum status outbox_tell(struct outbox_store *store, const struct buffer *concerned,
                        outbox_item_fn *each, void *context)
{
    const uint64_t *order = (const void *)concerned->data;
    bool more = true;
    enum status status = outbox_store_hold(store);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < concerned->size / sizeof *order && status == STATUS_OK && more; i++) {
        struct outbox_item item;
        status = outbox_load(store, store->held.txn, order[i], &item, NULL);
        if (status == STATUS_OK)
            more = each(context, &item);
    }
    outbox_store_release(store);
    return status;
}

enum status outbox_store_record(struct outbox_store *store, const struct outbox_answer *answers,
                                size_t count, int64_t now_ms, outbox_item_fn *each, void *context)
{
    struct recording recording = {.now_ms = now_ms};
    enum status status = outbox_begin(store, &recording.writing);
    if (status != STATUS_OK)
        return status;
    status = outbox_sweep(&recording.writing, store->shown);
    if (status == STATUS_OK)
        status = outbox_places(store, recording.writing.txn, TANDEM_ENTRY_SENT, &recording.sent);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = record_one(&recording, &answers[i]);
    if (status == STATUS_OK && recording.concerned.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && recording.concerned.size == 0)
        status = STATUS_CANCELLED; /* nothing new: no commit */
    status = outbox_end(&recording.writing, status);
    buffer_release(&recording.sent);
    buffer_release(&recording.copy);
    if (status == STATUS_OK)
        status = outbox_tell(store, &recording.concerned, each, context);
    buffer_release(&recording.concerned);
    return status == STATUS_CANCELLED ? STATUS_OK : status;
}

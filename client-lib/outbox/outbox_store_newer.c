/* An author's own value that was taken, against others of theirs that are in conflict about the same
 * field, or were refused. Those that were typed before it would replace it, so the conflict is with
 * it from then on, also where nobody else has changed the field; of one that was refused it is noted,
 * for when it is tried again. Of those typed after it it is what they replace. */
#include "client-lib/outbox/outbox_store_tables.h"

uint64_t outbox_typed(const struct outbox_item *item)
{
    return item->typed != 0 ? item->typed : item->order;
}

/* The accepted value of a field of the record, of the change that sets it last. */
static bool accepted_value(const struct outbox_item *accepted, struct id id, struct bytes field,
                           struct bytes *out)
{
    struct wire_reader reader = outbox_list(accepted->changes);
    struct outbox_change change;
    char name[RECORD_NAME_MAX + 1];
    bool found = false;
    if (field.size > RECORD_NAME_MAX)
        return false;
    bytes_to_text(field, name, sizeof name);
    while (outbox_change_next(&reader, &change))
        if (id_equal(change.id, id) && change.fields.size > 0 &&
            wire_map_find(change.fields, name, out))
            found = true;
    return found;
}

/* The conflicts with those about this field replaced by one with the accepted value. */
static void put_conflicts(struct bytes list, const struct outbox_conflict *own, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_conflict conflict;
    uint32_t count = 1;
    size_t begin = wire_begin_array(out);
    while (outbox_conflict_next(&reader, &conflict)) {
        if (id_equal(conflict.id, own->id) && bytes_equal(conflict.field, own->field))
            continue;
        outbox_conflict_put(out, &conflict);
        count++;
    }
    outbox_conflict_put(out, own);
    wire_end(out, begin, count);
}

/* One change of the other entry; *conflicts, replaced where something is added, is what it has. Of a
 * newer one only what is in conflict already has another opposite. */
static bool supersede_change(const struct outbox_change *change, const struct outbox_item *accepted,
                             bool newer, struct bytes by, struct buffer *conflicts)
{
    struct outbox_conflict known;
    struct wire_reader reader = wire_read(change->fields);
    struct bytes name, mine, theirs;
    uint32_t count = 0;
    bool any = false;
    if (change->fields.size == 0 || !wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct buffer with = {0};
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &mine))
            break;
        if (!accepted_value(accepted, change->id, name, &theirs) || bytes_equal(mine, theirs))
            continue;
        if (newer && !outbox_conflict_find(buffer_bytes(conflicts), change->id, name, &known))
            continue;
        const struct outbox_conflict own = {.id = change->id,
                                            .field = name,
                                            .theirs = theirs,
                                            .by = by,
                                            .at_ms = accepted->at_ms,
                                            .seq = accepted->seq};
        put_conflicts(buffer_bytes(conflicts), &own, &with);
        buffer_release(conflicts);
        *conflicts = with;
        any = true;
    }
    return any;
}

/* The fields of a record as its author saw them, with the accepted values in their places. */
static void put_fields(const struct outbox_seen *seen, const struct outbox_item *accepted,
                       struct buffer *out)
{
    struct wire_reader reader = wire_read(seen->fields);
    struct bytes name, value;
    uint32_t count = 0, written = 0;
    size_t begin = wire_begin_map(out);
    (void)wire_get_map(&reader, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            break;
        (void)accepted_value(accepted, seen->id, name, &value);
        wire_put_str(out, name);
        wire_put_raw(out, value);
        written++;
    }
    wire_end(out, begin, written);
}

/* Who typed a newer value has seen the older one, which they typed themselves. */
static void put_seen(struct bytes list, const struct outbox_item *accepted, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_seen seen;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_seen_next(&reader, &seen); count++) {
        struct buffer fields = {0};
        if (seen.fields.size > 0) {
            put_fields(&seen, accepted, &fields);
            seen.fields = buffer_bytes(&fields);
        }
        outbox_seen_put(out, &seen);
        out->failed = out->failed || fields.failed;
        buffer_release(&fields);
    }
    wire_end(out, begin, count);
}

static enum status supersede_one(struct outbox_writing *writing, uint64_t order, struct bytes by,
                                 const struct outbox_item *accepted, struct buffer *concerned)
{
    struct buffer copy = {0}, conflicts = {0}, seen = {0};
    struct outbox_item other;
    struct outbox_change change;
    bool any = false, newer = false;
    enum status status = outbox_load_copy(writing, order, &copy, &other);
    if (status == STATUS_OK &&
        (other.state == TANDEM_ENTRY_CONFLICT || other.state == TANDEM_ENTRY_REFUSED)) {
        struct wire_reader reader = outbox_list(other.changes);
        newer = outbox_typed(&other) > outbox_typed(accepted);
        buffer_append(&conflicts, other.conflicts.data, other.conflicts.size);
        while (outbox_change_next(&reader, &change))
            any = supersede_change(&change, accepted, newer, by, &conflicts) || any;
        if (newer)
            put_seen(other.seen, accepted, &seen);
    }
    if (conflicts.failed || seen.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && (any || newer)) {
        other.conflicts = buffer_bytes(&conflicts);
        if (newer)
            other.seen = buffer_bytes(&seen);
        status = outbox_rewrite(writing, &other, other.state, buffer_bytes(&copy));
        buffer_append(concerned, &order, sizeof order);
    }
    buffer_release(&conflicts);
    buffer_release(&copy);
    buffer_release(&seen);
    return status;
}

enum status outbox_supersede(struct outbox_writing *writing, const struct outbox_item *accepted,
                             struct buffer *concerned)
{
    struct wire_reader reader = outbox_list(accepted->changes);
    struct outbox_change change;
    struct buffer orders = {0}, name = {0};
    enum status status = STATUS_OK;
    if (writing->counters.counts[TANDEM_ENTRY_CONFLICT] +
            writing->counters.counts[TANDEM_ENTRY_REFUSED] ==
        0)
        return STATUS_OK;
    status = outbox_own_name(writing, &name);
    while (status == STATUS_OK && outbox_change_next(&reader, &change)) {
        buffer_clear(&orders);
        status = outbox_orders_over(writing->store, writing->txn, change.id, &orders);
        const uint64_t *order = (const void *)orders.data;
        for (size_t i = 0; i < orders.size / sizeof *order && status == STATUS_OK; i++)
            if (order[i] != accepted->order)
                status = supersede_one(writing, order[i], buffer_bytes(&name), accepted, concerned);
    }
    buffer_release(&orders);
    buffer_release(&name);
    return status;
}

/* A record that was deleted is made again under a new id: what else in the outbox speaks of it
 * speaks of the new one from then on, in the same commit. */
#include "client-lib/outbox/outbox_store_tables.h"

struct outbox_rename {
    struct id from, to;
    bool found;              /* in the last value */
    struct buffer concerned; /* orders of entries that were changed */
};

/* ---- Values ---- */

static void put_scope(struct bytes value, struct outbox_rename *rename, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    struct bytes encoded;
    struct scope scope;
    uint8_t renamed[SCOPE_SIZE];
    if (!wire_get_bin(&reader, &encoded) || !scope_from_bytes(encoded, &scope) ||
        scope.kind != SCOPE_ACCOUNT || !id_equal(scope.id, rename->from)) {
        wire_put_raw(out, value);
        return;
    }
    scope.id = rename->to;
    scope_put(scope, renamed);
    wire_put_bin(out, bytes_of(renamed, sizeof renamed));
    rename->found = true;
}

/* One value with the id replaced wherever it stands. Values nest no deeper than wire_validate()
 * allows. */
static bool put_value(struct wire_reader *reader, struct outbox_rename *rename, struct buffer *out)
{
    struct id id;
    struct bytes value, key;
    uint32_t count = 0;
    if (wire_get_id(reader, &id)) {
        bool found = id_equal(id, rename->from);
        wire_put_id(out, found ? rename->to : id);
        rename->found = rename->found || found;
        return true;
    }
    bool is_map = wire_get_map(reader, &count);
    if (!is_map && !wire_get_array(reader, &count)) {
        if (!wire_skip(reader, &value))
            return false;
        wire_put_raw(out, value);
        return true;
    }
    if (is_map)
        wire_put_map(out, count);
    else
        wire_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bool is_scope = false;
        if (is_map) {
            struct wire_reader name = *reader;
            is_scope = wire_get_str(&name, &key) && bytes_is(key, "scope");
            if (!wire_skip(reader, &key))
                return false;
            wire_put_raw(out, key);
        }
        if (is_scope) {
            if (!wire_skip(reader, &value))
                return false;
            put_scope(value, rename, out);
        } else if (!put_value(reader, rename, out))
            return false;
    }
    return true;
}

/* What was seen of the old record was seen of this one; it is not lost any more. */
static void put_seen(struct bytes list, const struct outbox_rename *rename, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_seen seen;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    for (; outbox_seen_next(&reader, &seen); count++) {
        bool of_scope = seen.scope.kind == SCOPE_ACCOUNT && id_equal(seen.scope.id, rename->from);
        bool of_record = id_equal(seen.id, rename->from);
        if (of_scope)
            seen.scope.id = rename->to;
        if (of_record)
            seen.id = rename->to;
        seen.lost = seen.lost && !of_scope && !of_record;
        outbox_seen_put(out, &seen);
    }
    wire_end(out, begin, count);
}

/* That the old record was deleted is settled. */
static void put_conflicts(struct bytes list, const struct outbox_rename *rename, struct buffer *out)
{
    struct wire_reader reader = outbox_list(list);
    struct outbox_conflict conflict;
    uint32_t count = 0;
    size_t begin = wire_begin_array(out);
    while (outbox_conflict_next(&reader, &conflict)) {
        bool of_record = id_equal(conflict.id, rename->from);
        if (of_record && conflict.field.size == 0)
            continue;
        if (of_record)
            conflict.id = rename->to;
        outbox_conflict_put(out, &conflict);
        count++;
    }
    wire_end(out, begin, count);
}

/* ---- Entries ---- */

/* An entry that was refused because the record was gone is tried again, when it was typed after the
 * one that makes the record. */
static bool is_to_be_tried(const struct outbox_item *item, uint64_t maker)
{
    return item->state == TANDEM_ENTRY_REFUSED && item->status == STATUS_NOT_FOUND &&
           item->order > maker;
}

/* What is under way is sent again as it was, until it is answered. */
static enum status rename_later(struct outbox_writing *writing, const struct outbox_item *item,
                                uint64_t maker, const struct outbox_rename *rename,
                                struct bytes before)
{
    struct wire_reader reader = wire_read(item->renames);
    struct outbox_item later = *item;
    struct buffer renames = {0};
    struct bytes value;
    uint32_t count = 0;
    if (item->renames.size > 0)
        (void)wire_get_array(&reader, &count);
    wire_put_array(&renames, count + 3);
    for (uint32_t i = 0; i < count && wire_skip(&reader, &value); i++)
        wire_put_raw(&renames, value);
    wire_put_id(&renames, rename->from);
    wire_put_id(&renames, rename->to);
    wire_put_uint(&renames, maker);
    later.renames = buffer_bytes(&renames);
    enum status status = renames.failed ? STATUS_NO_MEMORY
                                        : outbox_rewrite(writing, &later, item->state, before);
    buffer_release(&renames);
    return status;
}

static enum status rename_one(struct outbox_writing *writing, uint64_t order, uint64_t maker,
                              struct outbox_rename *rename, struct buffer *copy)
{
    struct outbox_item item;
    struct buffer changes = {0}, seen = {0}, conflicts = {0};
    enum status status = outbox_load_copy(writing, order, copy, &item);
    if (status != STATUS_OK || item.state == TANDEM_ENTRY_ACCEPTED)
        return status;
    struct wire_reader reader = wire_read(item.changes);
    rename->found = false;
    if (!put_value(&reader, rename, &changes))
        status = STATUS_CORRUPT;
    put_seen(item.seen, rename, &seen);
    put_conflicts(item.conflicts, rename, &conflicts);
    if (changes.failed || seen.failed || conflicts.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && rename->found && item.state == TANDEM_ENTRY_SENT) {
        status = rename_later(writing, &item, maker, rename, buffer_bytes(copy));
    } else if (status == STATUS_OK && rename->found) {
        struct outbox_item renamed = item;
        renamed.changes = buffer_bytes(&changes);
        renamed.seen = buffer_bytes(&seen);
        if (item.conflicts.size > 0)
            renamed.conflicts = buffer_bytes(&conflicts);
        buffer_append(&rename->concerned, &order, sizeof order);
        status = is_to_be_tried(&item, maker)
                     ? outbox_again(writing, order, &renamed)
                     : outbox_change(writing, &item, &renamed, buffer_bytes(copy));
    }
    buffer_release(&changes);
    buffer_release(&seen);
    buffer_release(&conflicts);
    return status;
}

static enum status rename_all(struct outbox_writing *writing, uint64_t maker,
                              struct outbox_rename *rename)
{
    struct buffer orders = {0}, copy = {0};
    enum status status = outbox_orders(writing->store, writing->txn, &orders);
    const uint64_t *order = (const void *)orders.data;
    for (size_t i = 0; i < orders.size / sizeof *order && status == STATUS_OK; i++)
        status = rename_one(writing, order[i], maker, rename, &copy);
    if (status == STATUS_OK && rename->concerned.failed)
        status = STATUS_NO_MEMORY;
    buffer_release(&copy);
    buffer_release(&orders);
    return status;
}

enum status outbox_rename_late(struct outbox_writing *writing, uint64_t order)
{
    struct buffer copy = {0}, renames = {0};
    struct outbox_rename rename = {.found = false};
    struct outbox_item item;
    uint64_t maker = 0;
    uint32_t count = 0;
    enum status status = outbox_load_copy(writing, order, &copy, &item);
    if (status == STATUS_OK && item.renames.size > 0) {
        buffer_append(&renames, item.renames.data, item.renames.size);
        item.renames = (struct bytes){0};
        status = renames.failed
                     ? STATUS_NO_MEMORY
                     : outbox_rewrite(writing, &item, item.state, buffer_bytes(&copy));
    }
    struct wire_reader reader = wire_read(buffer_bytes(&renames));
    if (renames.size > 0)
        (void)wire_get_array(&reader, &count);
    for (uint32_t i = 0; i + 2 < count && status == STATUS_OK; i += 3) {
        if (!wire_get_id(&reader, &rename.from) || !wire_get_id(&reader, &rename.to) ||
            !wire_get_uint(&reader, &maker))
            break; /* whatever wrote that, the entry itself is good */
        status = rename_one(writing, order, maker, &rename, &copy);
    }
    if (status == STATUS_OK && rename.concerned.failed)
        status = STATUS_NO_MEMORY;
    buffer_release(&rename.concerned);
    buffer_release(&renames);
    buffer_release(&copy);
    return status;
}

enum status outbox_store_remake(struct outbox_store *store, uint64_t order,
                                const struct outbox_item *item, struct id from, struct id to,
                                outbox_item_fn *each, void *context)
{
    struct outbox_writing writing;
    struct outbox_rename rename = {.from = from, .to = to};
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    status = outbox_again(&writing, order, item);
    if (status == STATUS_OK)
        status = rename_all(&writing, order, &rename);
    status = outbox_end(&writing, status);
    if (status == STATUS_OK)
        (void)outbox_tell(store, &rename.concerned, each, context);
    buffer_release(&rename.concerned);
    return status;
}

/* What a conflict is against by now, and what would be replaced by values that were refused. */
#include "client-lib/client/client_resolve.h"

#include "client-lib/base/fault.h"

/* The conflicts of an entry, brought up to what the replica holds by now. */
struct renewing {
    const struct outbox_item *item;
    struct outbox_conflict conflict;
    struct buffer conflicts;
    uint32_t count;
    bool later;              /* one was told of earlier than what is held, which is the same */
    struct buffer field, by; /* of the first that is another now; empty: none is */
};

/* The value that the author gave the field. */
static bool is_mine(const struct renewing *renewing, const char *name, struct bytes value)
{
    struct wire_reader reader = outbox_list(renewing->item->changes);
    struct outbox_change change;
    struct bytes mine;
    bool same = false;
    while (outbox_change_next(&reader, &change))
        if (id_equal(change.id, renewing->conflict.id) && change.fields.size > 0 &&
            wire_map_find(change.fields, name, &mine))
            same = bytes_equal(mine, value);
    return same;
}

/* Whether the record's other fields are compared with what the author saw of them, so that all the
 * replica holds is known to be what they decide about. */
static bool only_sets_fields(const struct outbox_item *item, struct id id)
{
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    struct outbox_seen seen;
    while (outbox_change_next(&reader, &change))
        if (id_equal(change.id, id) && !bytes_is(change.op, "update"))
            return false;
    return outbox_seen_find(item->seen, id, &seen) && seen.seq != 0 && seen.fields.size > 0;
}

static void note_other(struct renewing *renewing, struct bytes field, struct bytes by)
{
    if (renewing->field.size > 0)
        return;
    buffer_append(&renewing->field, field.data, field.size);
    buffer_append(&renewing->by, by.data, by.size);
}

static bool renew(void *context, struct bytes encoded)
{
    struct renewing *renewing = context;
    struct outbox_conflict *conflict = &renewing->conflict;
    struct record_view view;
    struct bytes value = {0};
    char name[RECORD_NAME_MAX + 1];
    if (!record_view_read(encoded, &view) || view.seq <= conflict->seq ||
        conflict->field.size > RECORD_NAME_MAX)
        return false;
    bytes_to_text(conflict->field, name, sizeof name);
    (void)wire_map_find(view.fields, name, &value);
    bool as_told = bytes_equal(value, conflict->theirs);
    if (as_told && only_sets_fields(renewing->item, conflict->id)) {
        /* What was typed in a note is told of before its record has it, at a seq of its own. */
        conflict->seq = view.seq;
        renewing->later = true;
    }
    if (as_told || is_mine(renewing, name, value))
        return false;
    note_other(renewing, conflict->field, view.modified_by);
    conflict->theirs = value;
    conflict->by = view.modified_by;
    conflict->at_ms = view.modified_at;
    conflict->seq = view.seq;
    outbox_conflict_put(&renewing->conflicts, conflict);
    renewing->count++;
    conflict->id = (struct id){{0}}; /* it is put */
    return false;
}

/* One change of the entry, and what its author saw of the record. */
struct unnamed {
    struct renewing *renewing;
    struct outbox_change change;
    struct outbox_seen seen;
};

static struct bytes value_in(struct bytes fields, struct bytes field)
{
    char name[RECORD_NAME_MAX + 1];
    struct bytes value = {0};
    if (field.size <= RECORD_NAME_MAX)
        (void)wire_map_find(fields, bytes_to_text(field, name, sizeof name), &value);
    return value;
}

/* Fields that the server told no conflict about, and that are others by now than the author saw. */
static bool find_unnamed(void *context, struct bytes encoded)
{
    struct unnamed *unnamed = context;
    struct renewing *renewing = unnamed->renewing;
    struct wire_reader reader = wire_read(unnamed->change.fields);
    struct outbox_conflict conflict;
    struct record_view view;
    struct bytes field, mine;
    uint32_t count = 0;
    if (!record_view_read(encoded, &view) || view.seq <= unnamed->seen.seq ||
        !wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &field) || !wire_skip(&reader, &mine))
            break;
        struct bytes now = value_in(view.fields, field);
        if (bytes_equal(now, mine) || bytes_equal(now, value_in(unnamed->seen.fields, field)) ||
            outbox_conflict_find(renewing->item->conflicts, view.id, field, &conflict))
            continue;
        conflict = (struct outbox_conflict){.id = view.id,
                                            .field = field,
                                            .theirs = now,
                                            .by = view.modified_by,
                                            .at_ms = view.modified_at,
                                            .seq = view.seq};
        note_other(renewing, field, view.modified_by);
        outbox_conflict_put(&renewing->conflicts, &conflict);
        renewing->count++;
    }
    return false;
}

static enum status add_unnamed(tandem_client *client, struct renewing *renewing)
{
    struct unnamed unnamed = {.renewing = renewing};
    struct wire_reader reader = outbox_list(renewing->item->changes);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && outbox_change_next(&reader, &unnamed.change)) {
        if (!bytes_is(unnamed.change.op, "update") || unnamed.change.fields.size == 0 ||
            !outbox_seen_find(renewing->item->seen, unnamed.change.id, &unnamed.seen) ||
            unnamed.seen.seq == 0 || unnamed.seen.fields.size == 0)
            continue;
        status = replica_get(client->replica, unnamed.change.id, find_unnamed, &unnamed);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    return status;
}

static enum status renew_all(tandem_client *client, struct renewing *renewing)
{
    struct wire_reader reader = outbox_list(renewing->item->conflicts);
    enum status status = STATUS_OK;
    size_t begin = wire_begin_array(&renewing->conflicts);
    while (status == STATUS_OK && outbox_conflict_next(&reader, &renewing->conflict)) {
        if (renewing->conflict.field.size > 0)
            status = replica_get(client->replica, renewing->conflict.id, renew, renewing);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
        if (status != STATUS_OK || id_is_zero(renewing->conflict.id))
            continue;
        outbox_conflict_put(&renewing->conflicts, &renewing->conflict);
        renewing->count++;
    }
    if (status == STATUS_OK)
        status = add_unnamed(client, renewing);
    wire_end(&renewing->conflicts, begin, renewing->count);
    if (renewing->conflicts.failed || renewing->field.failed || renewing->by.failed)
        status = STATUS_NO_MEMORY;
    return status;
}

static enum status copy_again(tandem_client *client, uint64_t order, struct queue_copy *copy)
{
    queue_copy_release(copy);
    *copy = (struct queue_copy){.bytes = {0}};
    const enum status status = queue_copy(client, order, copy);
    return status == STATUS_OK ? status : resolve_refuse(client, status);
}

enum status resolve_renew(tandem_client *client, struct queue_copy *copy, bool *other)
{
    struct renewing renewing = {.item = &copy->from};
    char field[65], by[RECORD_NAME_MAX + 1];
    enum status status = renew_all(client, &renewing);
    uint64_t order = copy->from.order;
    *other = status == STATUS_OK && renewing.field.size > 0;
    bool renewed = *other || renewing.later;
    if (status == STATUS_OK && renewed)
        status = outbox_store_reconflict(client->store, order, buffer_bytes(&renewing.conflicts));
    if (status != STATUS_OK)
        status = resolve_refuse(client, status);
    else if (renewed)
        status = copy_again(client, order, copy);
    if (status == STATUS_OK && *other) {
        bytes_to_text(buffer_bytes(&renewing.field), field, sizeof field);
        bytes_to_text(buffer_bytes(&renewing.by), by, sizeof by);
        trouble(&client->fault, STATUS_CONFLICT, field,
                "%s has changed it once more meanwhile: look at both values again", by);
        queue_tell(client, order);
    }
    buffer_release(&renewing.conflicts);
    buffer_release(&renewing.field);
    buffer_release(&renewing.by);
    return status;
}

enum status resolve_contest(tandem_client *client, const struct queue_copy *copy)
{
    struct renewing renewing = {.item = &copy->from};
    enum status status =
        resolve_check_newest(client, &copy->from, copy->from.changes, 1u << TANDEM_ENTRY_SENT);
    if (status != STATUS_OK)
        return status;
    status = renew_all(client, &renewing);
    if (status == STATUS_OK && renewing.count > 0)
        status = outbox_store_reconflict(client->store, copy->from.order,
                                         buffer_bytes(&renewing.conflicts));
    if (status != STATUS_OK) {
        status = resolve_refuse(client, status);
    } else if (renewing.count > 0) {
        status = trouble(&client->fault, STATUS_CONFLICT, "",
                         "another value was given to the same field since, which this would "
                         "replace: settle entry %llu as a conflict",
                         (unsigned long long)copy->from.order);
        queue_tell(client, copy->from.order);
    }
    buffer_release(&renewing.conflicts);
    buffer_release(&renewing.field);
    buffer_release(&renewing.by);
    return status;
}

/* Settling conflicts. */
#include "client-lib/client/client.h"

#include "client-lib/base/fault.h"
#include "client-lib/base/mutation.h"
#include "client-lib/client/client_queue.h"
#include "client-lib/outbox/resolve.h"

static enum status refuse(tandem_client *client, enum status status)
{
    if (status == STATUS_NOT_FOUND)
        return trouble(&client->fault, status, "", "there is no such entry in the outbox");
    return trouble(&client->fault, status, "", "%s", status_text(status));
}

/* ---- Oldest first ---- */

struct earlier {
    const struct outbox_item *than;
    const struct outbox_change *change;
    uint64_t found;
};

/* Whether the maps have a key in common. */
static bool shares_key(struct bytes one, struct bytes other)
{
    struct wire_reader reader = wire_read(one);
    struct bytes key;
    char name[RECORD_NAME_MAX + 1];
    uint32_t count = 0;
    if (one.size == 0 || other.size == 0 || !wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes value;
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, NULL))
            return false;
        if (key.size <= RECORD_NAME_MAX &&
            wire_map_find(other, bytes_to_text(key, name, sizeof name), &value))
            return true;
    }
    return false;
}

static bool look_for_earlier(void *context, const struct outbox_item *item)
{
    struct earlier *earlier = context;
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    if (outbox_typed(item) >= outbox_typed(earlier->than) || item->state != TANDEM_ENTRY_CONFLICT)
        return true;
    while (earlier->found == 0 && outbox_change_next(&reader, &change))
        if (id_equal(change.id, earlier->change->id) &&
            shares_key(change.fields, earlier->change->fields))
            earlier->found = item->order;
    return earlier->found == 0;
}

static bool look_for_later(void *context, const struct outbox_item *item)
{
    struct earlier *later = context;
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    bool open = item->state == TANDEM_ENTRY_WAITING || item->state == TANDEM_ENTRY_SENT;
    if (!open || outbox_typed(item) <= outbox_typed(later->than))
        return true;
    while (later->found == 0 && outbox_change_next(&reader, &change))
        if (id_equal(change.id, later->change->id) &&
            shares_key(change.fields, later->change->fields))
            later->found = item->order;
    return later->found == 0;
}

/* What was typed for the same field since, and is not answered, would be sent before these values
 * of the conflict and be replaced by them. */
static enum status check_is_newest(tandem_client *client, const struct outbox_item *item,
                                   struct bytes changes)
{
    struct wire_reader reader = outbox_list(changes);
    struct outbox_change change;
    struct earlier later = {.than = item, .change = &change};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && later.found == 0 && outbox_change_next(&reader, &change))
        status = outbox_store_over(client->store, change.id, look_for_later, &later);
    if (status != STATUS_OK)
        return refuse(client, status);
    if (later.found != 0)
        return trouble(&client->fault, STATUS_USAGE, "",
                       "entry %llu has a newer value of yours for the same field and is not "
                       "answered yet: wait for that, or drop it first",
                       (unsigned long long)later.found);
    return STATUS_OK;
}

/* Of two conflicts about one field the one that was typed first is settled first: settled last, it
 * would put the older value back, when nothing is left that tells of the newer. */
static enum status check_is_oldest(tandem_client *client, const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    struct earlier earlier = {.than = item, .change = &change};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && earlier.found == 0 && outbox_change_next(&reader, &change))
        status = outbox_store_over(client->store, change.id, look_for_earlier, &earlier);
    if (status != STATUS_OK)
        return refuse(client, status);
    if (earlier.found != 0)
        return trouble(&client->fault, STATUS_USAGE, "",
                       "settle entry %llu first: it is an older value for the same field",
                       (unsigned long long)earlier.found);
    return STATUS_OK;
}

/* The entry, which must be in conflict or, when `any_refusal`, refused for another reason; `copy`
 * is to be released in any case. */
static enum status get_conflict(tandem_client *client, uint64_t entry, bool any_refusal,
                                struct queue_copy *copy)
{
    client->last_entry = 0;
    if (client->store == NULL)
        return trouble(&client->fault, STATUS_USAGE, "", "the client was opened without a folder");
    if (client->foreign)
        return (enum status)client_not_theirs(client);
    enum status status = queue_copy(client, entry, copy);
    if (status != STATUS_OK)
        return refuse(client, status);
    if (copy->from.state != TANDEM_ENTRY_CONFLICT &&
        !(any_refusal && copy->from.state == TANDEM_ENTRY_REFUSED))
        return trouble(&client->fault, STATUS_USAGE, "", "this entry is not in conflict");
    return copy->from.state == TANDEM_ENTRY_CONFLICT ? check_is_oldest(client, &copy->from)
                                                     : STATUS_OK;
}

static bool tell_changed(void *context, const struct outbox_item *item)
{
    client_outbox_changed(context, item);
    return true;
}

/* Puts the changes in the place of the entry, or only takes it out when there are none. `made` is
 * NULL when no record is made again. */
static enum status settle(tandem_client *client, const struct queue_copy *copy,
                          struct outbox_item *item, size_t count, const struct resolve *made)
{
    uint64_t order = 0, old = copy->from.order;
    enum status status;
    item->at_ms = (int64_t)client->port->wall_ms(client->port->context);
    if (made != NULL) {
        order = old;
        status = outbox_store_remake(client->store, old, item, made->old_id, made->new_id,
                                     tell_changed, client);
    } else {
        client_share_drop(client, &copy->from);
        status = outbox_store_replace(client->store, old, item, count, &order);
    }
    if (status != STATUS_OK)
        return refuse(client, status);
    client_outbox_changed(client, &copy->from);
    if (order != 0)
        queue_tell(client, order);
    settle_send(client);
    client->last_entry = order;
    return STATUS_OK;
}

struct newest {
    uint64_t seq;
};

static bool take_seq(void *context, struct bytes encoded)
{
    struct newest *newest = context;
    struct record_view view;
    if (record_view_read(encoded, &view))
        newest->seq = view.seq;
    return false;
}

static uint64_t seen_now(void *context, struct id id)
{
    tandem_client *client = context;
    struct newest newest = {0};
    uint64_t cursor = replica_cursor(client->replica);
    if (replica_get(client->replica, id, take_seq, &newest) != STATUS_OK)
        return 0;
    return newest.seq > cursor ? newest.seq : cursor;
}

/* ---- What it is against ---- */

/* The conflicts of an entry, brought up to what the replica holds by now. */
struct renewing {
    const struct outbox_item *item;
    struct outbox_conflict conflict;
    struct buffer conflicts;
    uint32_t count;
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
    if (bytes_equal(value, conflict->theirs) || is_mine(renewing, name, value))
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

/* Somebody who chooses their own values has looked at what they replace. Where that is another by
 * now, also by a change of their own on another device, which the server would take without a word,
 * the conflict shows that from now on. *other: it does. */
static enum status renew_conflicts(tandem_client *client, struct queue_copy *copy, bool *other)
{
    struct renewing renewing = {.item = &copy->from};
    char field[65], by[RECORD_NAME_MAX + 1];
    enum status status = renew_all(client, &renewing);
    uint64_t order = copy->from.order;
    *other = status == STATUS_OK && renewing.field.size > 0;
    if (*other)
        status = outbox_store_reconflict(client->store, copy->from.order,
                                         buffer_bytes(&renewing.conflicts));
    if (status != STATUS_OK) {
        status = refuse(client, status);
    } else if (*other) {
        bytes_to_text(buffer_bytes(&renewing.field), field, sizeof field);
        bytes_to_text(buffer_bytes(&renewing.by), by, sizeof by);
        trouble(&client->fault, STATUS_CONFLICT, field,
                "%s has changed it once more meanwhile: look at both values again", by);
        queue_copy_release(copy);
        *copy = (struct queue_copy){.bytes = {0}};
        status = queue_copy(client, order, copy);
        queue_tell(client, order);
    }
    buffer_release(&renewing.conflicts);
    buffer_release(&renewing.field);
    buffer_release(&renewing.by);
    return status;
}

/* What was seen of what is left, now that somebody has looked at both. */
static enum status settle_changes(tandem_client *client, const struct queue_copy *copy,
                                  const struct resolve *resolve, struct bytes changes)
{
    struct buffer seen = {0};
    uint64_t base = 0;
    enum status status = check_is_newest(client, &copy->from, changes);
    if (status != STATUS_OK)
        return status;
    status = queue_look(client, changes, &seen, &base);
    /* A base of 1 says that it is of another history of the server. */
    struct outbox_item item = {.base = copy->from.base > 1 ? copy->from.base : base,
                               .typed = outbox_typed(&copy->from),
                               .overwrite = copy->from.overwrite,
                               .changes = changes,
                               .seen = buffer_bytes(&seen)};
    status = status == STATUS_OK ? settle(client, copy, &item, resolve->count > 0 ? 1 : 0,
                                          resolve->made ? resolve : NULL)
                                 : refuse(client, status);
    buffer_release(&seen);
    return status;
}

tandem_code tandem_resolve_mine(tandem_client *client, uint64_t entry, char made[TANDEM_ID_TEXT])
{
    struct queue_copy copy = {.bytes = {0}};
    struct buffer changes = {0}, own = {0};
    struct resolve resolve = {.item = &copy.from, .seen_now = seen_now, .context = client};
    if (made != NULL)
        made[0] = '\0';
    enum status status = get_conflict(client, entry, false, &copy);
    bool other = false;
    if (status == STATUS_OK)
        status = renew_conflicts(client, &copy, &other);
    if (status == STATUS_OK && other)
        status = STATUS_CONFLICT; /* to be looked at once more */
    if (status == STATUS_OK && outbox_store_user_name(client->store, &own) == STATUS_NO_MEMORY)
        status = refuse(client, STATUS_NO_MEMORY);
    resolve.own = buffer_bytes(&own);
    if (status == STATUS_OK && !port_id(client->port, &resolve.new_id))
        status = trouble(&client->fault, STATUS_INTERNAL, "", "the system gives no random numbers");
    if (status == STATUS_OK) {
        status = resolve_mine(&resolve, &changes);
        if (status == STATUS_NOT_FOUND)
            trouble(&client->fault, status, "",
                    "the record was deleted, and too little of it is known to make it again");
        else if (status != STATUS_OK)
            refuse(client, status);
    }
    if (status == STATUS_OK)
        status = settle_changes(client, &copy, &resolve, buffer_bytes(&changes));
    if (status == STATUS_OK && resolve.made && made != NULL)
        id_to_text(resolve.new_id, made);
    buffer_release(&changes);
    buffer_release(&own);
    queue_copy_release(&copy);
    return (tandem_code)status;
}

tandem_code tandem_resolve_theirs(tandem_client *client, uint64_t entry)
{
    struct queue_copy copy = {.bytes = {0}};
    struct buffer changes = {0};
    struct resolve resolve = {.item = &copy.from};
    bool other = false;
    enum status status = get_conflict(client, entry, false, &copy);
    if (status == STATUS_OK)
        status = renew_conflicts(client, &copy, &other);
    if (status == STATUS_OK) {
        trouble_clear(&client->fault);
        status = resolve_theirs(&resolve, &changes);
        status = status == STATUS_OK
                     ? settle_changes(client, &copy, &resolve, buffer_bytes(&changes))
                     : refuse(client, status);
    }
    buffer_release(&changes);
    queue_copy_release(&copy);
    return (tandem_code)status;
}

/* The base of new values: what the conflict told was seen as well. */
static uint64_t base_of(const struct queue_copy *copy, const tandem_mutation *values,
                        uint64_t known)
{
    uint64_t told = resolve_newest(copy->from.conflicts);
    if (mutation_base(values) != 0)
        return mutation_base(values);
    return told > known ? told : known;
}

tandem_code tandem_resolve_with(tandem_client *client, uint64_t entry,
                                const tandem_mutation *values)
{
    struct queue_copy copy = {.bytes = {0}};
    struct buffer changes = {0}, seen = {0};
    uint64_t known = 0;
    enum status status = get_conflict(client, entry, true, &copy);
    if (status == STATUS_OK)
        status = mutation_encode(values, &client->source, &changes, &client->fault);
    if (status == STATUS_OK) {
        status = queue_look(client, buffer_bytes(&changes), &seen, &known);
        struct outbox_item item = {.base = base_of(&copy, values, known),
                                   .overwrite = mutation_overwrites(values),
                                   .changes = buffer_bytes(&changes),
                                   .seen = buffer_bytes(&seen)};
        status =
            status == STATUS_OK ? settle(client, &copy, &item, 1, NULL) : refuse(client, status);
    }
    buffer_release(&changes);
    buffer_release(&seen);
    queue_copy_release(&copy);
    return (tandem_code)status;
}

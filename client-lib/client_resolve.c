/* Settling conflicts. */
#include "client-lib/client.h"

#include "client-lib/client_queue.h"
#include "client-lib/fault.h"
#include "client-lib/mutation.h"
#include "client-lib/resolve.h"

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
    if (item->order >= earlier->than->order || item->state != TANDEM_ENTRY_CONFLICT)
        return true;
    while (earlier->found == 0 && outbox_change_next(&reader, &change))
        if (id_equal(change.id, earlier->change->id) &&
            shares_key(change.fields, earlier->change->fields))
            earlier->found = item->order;
    return earlier->found == 0;
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

/* What was seen of what is left, now that somebody has looked at both. */
static enum status settle_changes(tandem_client *client, const struct queue_copy *copy,
                                  const struct resolve *resolve, struct bytes changes)
{
    struct buffer seen = {0};
    uint64_t base = 0;
    enum status status = queue_look(client, changes, &seen, &base);
    /* A base of 1 says that it is of another history of the server. */
    struct outbox_item item = {.base = copy->from.base > 1 ? copy->from.base : base,
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
    struct buffer changes = {0};
    struct resolve resolve = {.item = &copy.from, .seen_now = seen_now, .context = client};
    if (made != NULL)
        made[0] = '\0';
    enum status status = get_conflict(client, entry, false, &copy);
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
    queue_copy_release(&copy);
    return (tandem_code)status;
}

tandem_code tandem_resolve_theirs(tandem_client *client, uint64_t entry)
{
    struct queue_copy copy = {.bytes = {0}};
    struct buffer changes = {0};
    struct resolve resolve = {.item = &copy.from};
    enum status status = get_conflict(client, entry, false, &copy);
    if (status == STATUS_OK) {
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

/* Settling conflicts. */
#include "client-lib/client/client_resolve.h"

#include "client-lib/base/fault.h"
#include "client-lib/base/mutation.h"
#include "client-lib/client/client_check.h"

#define OPEN_STATES (1u << TANDEM_ENTRY_WAITING | 1u << TANDEM_ENTRY_SENT)

enum status resolve_refuse(tandem_client *client, enum status status)
{
    if (status == STATUS_NOT_FOUND)
        return trouble(&client->fault, status, "", "there is no such entry in the outbox");
    return trouble(&client->fault, status, "", "%s", status_text(status));
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
        return resolve_refuse(client, status);
    if (copy->from.state != TANDEM_ENTRY_CONFLICT &&
        !(any_refusal && copy->from.state == TANDEM_ENTRY_REFUSED))
        return trouble(&client->fault, STATUS_USAGE, "", "this entry is not in conflict");
    return STATUS_OK;
}

/* As get_conflict(), of an entry that is settled on its own: of several conflicts about one field
 * the oldest first. */
static enum status get_single(tandem_client *client, uint64_t entry, bool any_refusal,
                              struct queue_copy *copy)
{
    enum status status = get_conflict(client, entry, any_refusal, copy);
    return status == STATUS_OK && copy->from.state == TANDEM_ENTRY_CONFLICT
               ? resolve_check_oldest(client, &copy->from)
               : status;
}

static bool tell_changed(void *context, const struct outbox_item *item)
{
    client_outbox_changed(context, item);
    return true;
}

/* Puts the changes in the place of the entry, or only takes it out when there are none. `made` is
 * NULL when no record is made again. */
static enum status settle(tandem_client *client, const struct queue_copy *copy,
                          const struct outbox_item *item, size_t count, const struct resolve *made)
{
    uint64_t order = 0, old = copy->from.order;
    enum status status;
    if (made != NULL) {
        order = old;
        status = outbox_store_remake(client->store, old, item, made->old_id, made->new_id,
                                     tell_changed, client);
    } else {
        client_share_drop(client, &copy->from);
        status = outbox_store_replace(client->store, old, item, count, &order);
    }
    if (status != STATUS_OK)
        return resolve_refuse(client, status);
    settle_follow(client);
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

uint64_t resolve_seen_now(void *context, struct id id)
{
    tandem_client *client = context;
    struct newest newest = {0};
    uint64_t cursor = replica_cursor(client->replica);
    if (replica_get(client->replica, id, take_seq, &newest) != STATUS_OK)
        return 0;
    return newest.seq > cursor ? newest.seq : cursor;
}

struct creation {
    const struct outbox_item *item;
    struct id id;
    bool found;
};

static bool look_for_creation(void *context, const struct outbox_item *item)
{
    struct creation *creation = context;
    creation->found = item->order < creation->item->order &&
                      item->state != TANDEM_ENTRY_ACCEPTED &&
                      outbox_creates(item->changes, creation->id);
    return !creation->found;
}

bool resolve_is_created(void *context, const struct outbox_item *item, struct id id)
{
    tandem_client *client = context;
    struct creation creation = {.item = item, .id = id};
    (void)outbox_store_over(client->store, id, look_for_creation, &creation);
    return creation.found;
}

enum status resolve_item(tandem_client *client, const struct queue_copy *copy, struct bytes changes,
                         struct buffer *seen, struct outbox_item *out)
{
    uint64_t base = 0;
    enum status status = resolve_check_newest(client, &copy->from, changes, OPEN_STATES);
    if (status != STATUS_OK)
        return status;
    status = queue_look(client, changes, seen, &base);
    /* A base of 1 says that it is of another history of the server. */
    *out = (struct outbox_item){.base = copy->from.base > 1 ? copy->from.base : base,
                                .typed = outbox_typed(&copy->from),
                                .overwrite = copy->from.overwrite,
                                .at_ms = (int64_t)client->port->wall_ms(client->port->context),
                                .changes = changes,
                                .seen = buffer_bytes(seen)};
    return status == STATUS_OK ? STATUS_OK : resolve_refuse(client, status);
}

/* What was seen of what is left, now that somebody has looked at both. */
static enum status settle_changes(tandem_client *client, const struct queue_copy *copy,
                                  const struct resolve *resolve, struct bytes changes)
{
    struct buffer seen = {0};
    struct outbox_item item;
    enum status status = resolve_item(client, copy, changes, &seen, &item);
    if (status == STATUS_OK)
        status =
            settle(client, copy, &item, resolve->count > 0 ? 1 : 0, resolve->made ? resolve : NULL);
    buffer_release(&seen);
    return status;
}

/* One alone; a record that was deleted is made again. */
static enum status settle_mine(tandem_client *client, struct queue_copy *copy,
                               char made[TANDEM_ID_TEXT])
{
    struct buffer changes = {0}, own = {0};
    struct resolve resolve = {.item = &copy->from,
                              .seen_now = resolve_seen_now,
                              .is_created = resolve_is_created,
                              .context = client};
    bool other = false;
    enum status status = resolve_renew(client, copy, &other);
    if (status == STATUS_OK && other)
        status = STATUS_CONFLICT; /* to be looked at once more */
    if (status == STATUS_OK && outbox_store_user_name(client->store, &own) == STATUS_NO_MEMORY)
        status = resolve_refuse(client, STATUS_NO_MEMORY);
    resolve.own = buffer_bytes(&own);
    if (status == STATUS_OK && !port_id(client->port, &resolve.new_id))
        status = trouble(&client->fault, STATUS_INTERNAL, "", "the system gives no random numbers");
    if (status == STATUS_OK) {
        status = resolve_mine(&resolve, &changes);
        if (status == STATUS_NOT_FOUND)
            trouble(&client->fault, status, "",
                    "the record was deleted, and too little of it is known to make it again");
        else if (status != STATUS_OK)
            resolve_refuse(client, status);
    }
    if (status == STATUS_OK)
        status = settle_changes(client, copy, &resolve, buffer_bytes(&changes));
    if (status == STATUS_OK && resolve.made && made != NULL)
        id_to_text(resolve.new_id, made);
    buffer_release(&changes);
    buffer_release(&own);
    return status;
}

tandem_code tandem_resolve_mine(tandem_client *client, uint64_t entry, char made[TANDEM_ID_TEXT])
{
    struct queue_copy copy = {.bytes = {0}};
    struct buffer group = {0};
    if (made != NULL)
        made[0] = '\0';
    enum status status = get_conflict(client, entry, false, &copy);
    if (status == STATUS_OK)
        status = resolve_group(client, &copy.from, &group);
    size_t count = group.size / sizeof(struct resolve_one);
    if (status == STATUS_OK && count > 1)
        status = resolve_together(client, (const void *)group.data, count, entry);
    else if (status == STATUS_OK)
        status = settle_mine(client, &copy, made);
    buffer_release(&group);
    queue_copy_release(&copy);
    return (tandem_code)status;
}

tandem_code tandem_resolve_theirs(tandem_client *client, uint64_t entry)
{
    struct queue_copy copy = {.bytes = {0}};
    struct buffer changes = {0};
    struct resolve resolve = {.item = &copy.from};
    bool other = false;
    enum status status = get_single(client, entry, false, &copy);
    if (status == STATUS_OK)
        status = resolve_renew(client, &copy, &other);
    if (status == STATUS_OK) {
        trouble_clear(&client->fault);
        status = resolve_theirs(&resolve, &changes);
        status = status == STATUS_OK
                     ? settle_changes(client, &copy, &resolve, buffer_bytes(&changes))
                     : resolve_refuse(client, status);
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
    enum status status = get_single(client, entry, true, &copy);
    if (status == STATUS_OK)
        status = mutation_encode(values, &client->source, &changes, &client->fault);
    if (status == STATUS_OK)
        status = client_check(client, buffer_bytes(&changes));
    if (status == STATUS_OK) {
        status = queue_look(client, buffer_bytes(&changes), &seen, &known);
        struct outbox_item item = {.base = base_of(&copy, values, known),
                                   .overwrite = mutation_overwrites(values),
                                   .at_ms = (int64_t)client->port->wall_ms(client->port->context),
                                   .changes = buffer_bytes(&changes),
                                   .seen = buffer_bytes(&seen)};
        status = status == STATUS_OK ? settle(client, &copy, &item, 1, NULL)
                                     : resolve_refuse(client, status);
    }
    buffer_release(&changes);
    buffer_release(&seen);
    queue_copy_release(&copy);
    return (tandem_code)status;
}

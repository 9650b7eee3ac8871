#include "client-lib/client/client_queue.h"

#include <string.h>

#include "client-lib/client/client.h"
#include "client-lib/outbox/outbox_entry.h"

struct look {
    tandem_client *client;
    struct outbox_change change;
    struct buffer *seen;
    uint32_t count;
    struct buffer named; /* ids that were looked at */
    size_t bytes;        /* of fields, so far */
    uint64_t base;
    bool held;
};

/* The fields of the record that the change names. */
static void put_touched(const struct look *look, const struct record_view *view, struct buffer *out)
{
    struct wire_reader reader = wire_read(look->change.fields);
    uint32_t count = 0, kept = 0;
    size_t begin = wire_begin_map(out);
    if (look->change.fields.size > 0 && !wire_get_map(&reader, &count))
        count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, value;
        char key[RECORD_NAME_MAX + 1];
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, NULL))
            break;
        if (name.size > RECORD_NAME_MAX)
            continue;
        if (!wire_map_find(view->fields, bytes_to_text(name, key, sizeof key), &value))
            continue;
        wire_put_str(out, name);
        wire_put_raw(out, value);
        kept++;
    }
    wire_end(out, begin, kept);
}

static bool look_at_held(void *context, struct bytes encoded)
{
    struct look *look = context;
    struct record_view view;
    struct buffer touched = {0};
    if (!record_view_read(encoded, &view))
        return false;
    struct outbox_seen seen = {
        .id = view.id, .entity = view.entity, .scope = view.scope, .seq = view.seq};
    seen.fields = view.fields;
    if (look->bytes + seen.fields.size > QUEUE_WHOLE_BYTES) {
        put_touched(look, &view, &touched);
        seen.fields = touched.failed ? (struct bytes){0} : buffer_bytes(&touched);
    }
    if (look->bytes + seen.fields.size > QUEUE_FIELD_BYTES)
        seen.fields = (struct bytes){0};
    look->bytes += seen.fields.size;
    outbox_seen_put(look->seen, &seen);
    buffer_release(&touched);
    uint64_t known = replica_cursor(look->client->replica);
    if (view.seq > known)
        known = view.seq;
    if (!look->held || known < look->base)
        look->base = known;
    look->held = true;
    return false;
}

/* Whether it was looked at before; from now on it was. */
static bool was_looked_at(struct look *look, struct id id)
{
    for (size_t at = 0; at < look->named.size; at += ID_SIZE)
        if (memcmp(look->named.data + at, id.octet, ID_SIZE) == 0)
            return true;
    buffer_append(&look->named, id.octet, ID_SIZE);
    return false;
}

static enum status look_at(struct look *look)
{
    const struct outbox_seen nothing = {.id = look->change.id};
    if (bytes_is(look->change.op, "create") || was_looked_at(look, look->change.id))
        return STATUS_OK;
    look->count++;
    enum status status = replica_get(look->client->replica, look->change.id, look_at_held, look);
    if (status != STATUS_NOT_FOUND)
        return status;
    outbox_seen_put(look->seen, &nothing);
    return STATUS_OK;
}

/* ---- Where records are put ---- */

static bool find_place(const struct outbox_change *change, struct scope *out)
{
    struct bytes scope;
    *out = (struct scope){.kind = SCOPE_ACCOUNT};
    if (change->fields.size > 0 && wire_map_id(change->fields, "account", &out->id))
        return true;
    return wire_map_bin(change->encoded, "scope", &scope) && scope_from_bytes(scope, out) &&
           out->kind != SCOPE_LIBRARY;
}

static bool take_seq(void *context, struct bytes encoded)
{
    uint64_t *seq = context;
    struct record_view view;
    if (record_view_read(encoded, &view))
        *seq = view.seq;
    return false;
}

/* The account or scope that a change puts its record into was the author's to see: when that ends,
 * it is why the server does not take the change. Of what is in it nothing is kept. */
static enum status look_at_place(struct look *look)
{
    struct outbox_seen place = {.seq = 0};
    if (!find_place(&look->change, &place.scope) || was_looked_at(look, place.scope.id))
        return STATUS_OK;
    place.id = place.scope.id;
    enum status status = replica_get(look->client->replica, place.id, take_seq, &place.seq);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (place.seq == 0 && place.scope.kind == SCOPE_ACCOUNT)
        return STATUS_OK;
    outbox_seen_put(look->seen, &place);
    look->count++;
    return STATUS_OK;
}

enum status queue_look(tandem_client *client, struct bytes changes, struct buffer *seen,
                       uint64_t *base)
{
    struct look look = {.client = client, .seen = seen};
    struct wire_reader reader = outbox_list(changes);
    enum status status = STATUS_OK;
    size_t begin = wire_begin_array(seen);
    while (status == STATUS_OK && outbox_change_next(&reader, &look.change))
        status = look_at(&look);
    reader = outbox_list(changes);
    while (status == STATUS_OK && outbox_change_next(&reader, &look.change))
        status = look_at_place(&look);
    wire_end(seen, begin, look.count);
    *base = look.base;
    if (status == STATUS_OK && (seen->failed || look.named.failed))
        status = STATUS_NO_MEMORY;
    buffer_release(&look.named);
    return status;
}

static bool tell_changed(void *context, const struct outbox_item *item)
{
    client_outbox_changed(context, item);
    return false;
}

void queue_tell(tandem_client *client, uint64_t order)
{
    if (!client_leads(client))
        settle_queued(client, order);
    /* It may be gone already: then whoever took it out has told. */
    (void)outbox_store_get(client->store, order, tell_changed, client);
}

/* ---- Records that are not taken yet ---- */

struct making {
    struct id id;
    bool found;
};

static bool look_for_creation(void *context, const struct outbox_item *item)
{
    struct making *making = context;
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    while (!making->found && outbox_change_next(&reader, &change))
        making->found = bytes_is(change.op, "create") && id_equal(change.id, making->id);
    return !making->found;
}

/* A record that an entry of this outbox makes may have been taken and be changed by others before
 * this device hears of it: its author has seen nothing of that, so all of it is newer. */
static enum status base_of_made(tandem_client *client, struct bytes seen_list, uint64_t *base)
{
    uint64_t cursor = replica_cursor(client->replica);
    struct wire_reader reader = outbox_list(seen_list);
    struct making making = {.found = false};
    struct outbox_seen seen;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !making.found && outbox_seen_next(&reader, &seen)) {
        making.id = seen.id;
        if (seen.seq == 0)
            status = outbox_store_over(client->store, seen.id, look_for_creation, &making);
    }
    if (making.found && (*base == 0 || *base > cursor))
        *base = cursor > 0 ? cursor : 1;
    return status;
}

enum status queue_add(tandem_client *client, struct bytes changes, uint64_t base, bool overwrite,
                      uint64_t *order)
{
    struct buffer seen = {0};
    uint64_t known = 0;
    enum status status = queue_look(client, changes, &seen, &known);
    if (status == STATUS_OK && base == 0)
        status = base_of_made(client, buffer_bytes(&seen), &known);
    const struct outbox_item item = {.state = settle_may_send(client) ? TANDEM_ENTRY_SENT
                                                                      : TANDEM_ENTRY_WAITING,
                                     .base = base != 0 ? base : known,
                                     .overwrite = overwrite,
                                     .at_ms = (int64_t)client->port->wall_ms(client->port->context),
                                     .changes = changes,
                                     .seen = buffer_bytes(&seen)};
    if (status == STATUS_OK)
        status = outbox_store_add(client->store, &item, order);
    buffer_release(&seen);
    return status;
}

/* ---- Copies ---- */

static bool copy_entry(void *context, const struct outbox_item *item)
{
    struct queue_copy *copy = context;
    outbox_entry_encode(&copy->bytes, item, (struct bytes){0});
    copy->from.order = item->order;
    return false;
}

enum status queue_copy(tandem_client *client, uint64_t order, struct queue_copy *out)
{
    enum status status = outbox_store_get(client->store, order, copy_entry, out);
    if (status != STATUS_OK)
        return status;
    if (out->bytes.failed)
        return STATUS_NO_MEMORY;
    return outbox_entry_decode(buffer_bytes(&out->bytes), order, &out->from) ? STATUS_OK
                                                                             : STATUS_CORRUPT;
}

void queue_copy_release(struct queue_copy *copy)
{
    buffer_release(&copy->bytes);
}

#include "client-lib/client_queue.h"

#include "client-lib/client.h"
#include "client-lib/outbox_entry.h"

struct look {
    tandem_client *client;
    struct bytes changes;
    struct outbox_change change;
    struct buffer *seen;
    uint32_t count;
    size_t bytes; /* of fields, so far */
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

/* Whether an earlier change of the mutation is about the same record. */
static bool is_looked_at(const struct look *look)
{
    struct wire_reader reader = outbox_list(look->changes);
    struct outbox_change change;
    while (outbox_change_next(&reader, &change) && change.encoded.data != look->change.encoded.data)
        if (id_equal(change.id, look->change.id))
            return true;
    return false;
}

static enum status look_at(struct look *look)
{
    const struct outbox_seen nothing = {.id = look->change.id};
    if (bytes_is(look->change.op, "create") || is_looked_at(look))
        return STATUS_OK;
    look->count++;
    enum status status = replica_get(look->client->replica, look->change.id, look_at_held, look);
    if (status != STATUS_NOT_FOUND)
        return status;
    outbox_seen_put(look->seen, &nothing);
    return STATUS_OK;
}

enum status queue_look(tandem_client *client, struct bytes changes, struct buffer *seen,
                       uint64_t *base)
{
    struct look look = {.client = client, .changes = changes, .seen = seen};
    struct wire_reader reader = outbox_list(changes);
    enum status status = STATUS_OK;
    size_t begin = wire_begin_array(seen);
    while (status == STATUS_OK && outbox_change_next(&reader, &look.change))
        status = look_at(&look);
    wire_end(seen, begin, look.count);
    *base = look.base;
    return status == STATUS_OK && seen->failed ? STATUS_NO_MEMORY : status;
}

static bool tell_changed(void *context, const struct outbox_item *item)
{
    client_outbox_changed(context, item);
    return false;
}

void queue_tell(tandem_client *client, uint64_t order)
{
    /* It may be gone already: then whoever took it out has told. */
    (void)outbox_store_get(client->store, order, tell_changed, client);
}

enum status queue_add(tandem_client *client, struct bytes changes, uint64_t base, bool overwrite,
                      uint64_t *order)
{
    struct buffer seen = {0};
    uint64_t known = 0;
    enum status status = queue_look(client, changes, &seen, &known);
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

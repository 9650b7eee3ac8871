/* Telling of what changed, as reads show it from then on. */
#include "client-lib/client.h"
#include "client-lib/client_find.h"
#include "client-lib/client_laid.h"
#include "client-lib/client_observe.h"

void client_event(tandem_client *client, const tandem_event *event)
{
    if (client->on_event != NULL && !client->closing)
        client->on_event(client->context, event);
}

static bool has_listeners(const tandem_client *client)
{
    return !client->closing && (client->on_event != NULL || client->observers != NULL);
}

static void tell(tandem_client *client, struct id id, const tandem_event *event)
{
    client_event(client, event);
    observers_tell(client, id, event);
}

static void tell_many(tandem_client *client, const struct scope *scope, const tandem_event *event)
{
    client_event(client, event);
    observers_tell_many(client, scope, event);
}

/* ---- One record ---- */

struct telling {
    tandem_client *client;
    struct id id;
    char id_text[ID_TEXT_SIZE];
    tandem_event event;
};

static void begin(struct telling *telling, tandem_client *client, struct id id, uint64_t entry)
{
    *telling = (struct telling){.client = client, .id = id};
    id_to_text(id, telling->id_text);
    telling->event =
        (tandem_event){.id = telling->id_text, .scope = "", .detail = "", .entry = entry};
}

static bool tell_changed(void *context, const struct tandem_record *record)
{
    struct telling *telling = context;
    telling->event.kind = TANDEM_EVENT_CHANGED;
    telling->event.seq = record->view.seq;
    telling->event.record = record;
    tell(telling->client, telling->id, &telling->event);
    telling->event.record = NULL;
    return false;
}

/* `was`: the record as it was held, or none. */
static void tell_removed(struct telling *telling, struct bytes was)
{
    struct tandem_record record;
    telling->event.kind = TANDEM_EVENT_REMOVED;
    if (was.size == 0 || !record_init(&record, was, &telling->client->source)) {
        tell(telling->client, telling->id, &telling->event);
        return;
    }
    telling->event.record = &record;
    tell(telling->client, telling->id, &telling->event);
    telling->event.record = NULL;
    record_release(&record);
}

/* What cannot be read cannot be told either: the program is to read again when it can. */
static void tell_reload(tandem_client *client)
{
    const tandem_event event = {.kind = TANDEM_EVENT_RELOAD, .id = "", .scope = "", .detail = ""};
    tell_many(client, NULL, &event);
}

/* ---- What the server changed ---- */

static void tell_as_it_came(struct telling *telling, const struct sync_event *from)
{
    struct tandem_record record;
    if (from->kind == TANDEM_EVENT_REMOVED) {
        tell_removed(telling, from->record);
    } else if (record_init(&record, from->record, &telling->client->source)) {
        (void)tell_changed(telling, &record);
        record_release(&record);
    }
}

/* With what waits laid over it: it may still be there although the server removed it, and is not
 * when its author did. */
static void tell_record(tandem_client *client, const struct sync_event *from)
{
    struct telling telling;
    begin(&telling, client, from->id, 0);
    telling.event.seq = from->seq;
    if (!laid_any(client)) {
        tell_as_it_came(&telling, from);
        return;
    }
    enum status status = find_one(client, from->id, tell_changed, &telling);
    if (status == STATUS_NOT_FOUND && from->kind == TANDEM_EVENT_REMOVED)
        tell_removed(&telling, from->record);
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        tell_as_it_came(&telling, from);
}

void client_sync_event(void *context, const struct sync_event *from)
{
    tandem_client *client = context;
    char scope[SCOPE_TEXT_SIZE] = "";
    const tandem_event event = {.kind = from->kind,
                                .seq = from->seq,
                                .id = "",
                                .scope = scope,
                                .detail = from->detail,
                                .done = from->done,
                                .total = from->total};
    if (!has_listeners(client))
        return;
    if (from->kind == TANDEM_EVENT_CHANGED || from->kind == TANDEM_EVENT_REMOVED) {
        tell_record(client, from);
        return;
    }
    if (from->kind == TANDEM_EVENT_PURGED || from->kind == TANDEM_EVENT_ENTERED ||
        from->kind == TANDEM_EVENT_REPAIRED)
        scope_to_text(from->scope, scope);
    tell_many(client, scope[0] != '\0' ? &from->scope : NULL, &event);
}

/* ---- What its author changed ---- */

/* What is not there any more. What was not there before either is not told. */
static void tell_gone(struct telling *telling, const struct outbox_item *item)
{
    struct overlay overlay = {0};
    enum status status = laid_before(telling->client, telling->id, item, &overlay);
    if (status != STATUS_OK)
        tell_reload(telling->client);
    else if (overlay.record.size > 0)
        tell_removed(telling, buffer_bytes(&overlay.record));
    overlay_release(&overlay);
}

/* Whether a change before this one is about the same record. */
static bool is_told(const struct outbox_item *item, size_t index, struct id id)
{
    struct overlay_ids ids = overlay_ids(item->changes);
    struct id other;
    for (size_t i = 0; i < index && overlay_ids_next(&ids, &other); i++)
        if (id_equal(other, id))
            return true;
    return false;
}

void client_outbox_changed(tandem_client *client, const struct outbox_item *item)
{
    if (!has_listeners(client) || client->replica == NULL)
        return;
    if (item == NULL) {
        tell_reload(client);
        return;
    }
    bool waits = item->state == TANDEM_ENTRY_WAITING || item->state == TANDEM_ENTRY_SENT;
    struct overlay_ids ids = overlay_ids(item->changes);
    struct id id;
    for (size_t i = 0; overlay_ids_next(&ids, &id); i++) {
        struct telling telling;
        if (is_told(item, i, id))
            continue;
        begin(&telling, client, id, waits ? item->order : 0);
        enum status status = find_one(client, id, tell_changed, &telling);
        if (status == STATUS_NOT_FOUND)
            tell_gone(&telling, item);
        else if (status != STATUS_OK)
            tell_reload(client);
    }
}

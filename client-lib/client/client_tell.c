/* Telling of what changed, as reads show it from then on. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/client/client_find.h"
#include "client-lib/client/client_laid.h"
#include "client-lib/client/client_observe.h"

void client_event(tandem_client *client, const tandem_event *event)
{
    if (client->on_event != NULL && !client->closing)
        client->on_event(client->context, event);
}

static bool has_listeners(const tandem_client *client)
{
    return !client->closing && !client->foreign &&
           (client->on_event != NULL || client->observers != NULL);
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

/* ---- What the server took and did not send ---- */

/* A record with an accepted change. As a rule the server sends it with that seq. Where the change
 * made no difference, or took the record out of sight, nothing comes, and what reads show is
 * different all the same once the replica is behind that seq. */
struct unseen {
    struct id id;
    uint64_t seq;
};

static void note_unseen(tandem_client *client, struct id id, uint64_t seq)
{
    struct unseen unseen;
    if (!client->sync.wanted)
        return; /* the replica will never be behind it */
    memset(&unseen, 0, sizeof unseen);
    unseen.id = id;
    unseen.seq = seq;
    buffer_append(&client->unseen, &unseen, sizeof unseen);
}

static bool copy_seq(void *context, struct bytes encoded)
{
    struct record_view view;
    if (record_view_read(encoded, &view))
        *(uint64_t *)context = view.seq;
    return false;
}

static void tell_if_not_sent(tandem_client *client, const struct unseen *unseen)
{
    struct telling telling;
    uint64_t held = 0;
    enum status status = replica_get(client->replica, unseen->id, copy_seq, &held);
    if (status == STATUS_OK && held >= unseen->seq)
        return;
    begin(&telling, client, unseen->id, 0);
    status = find_one(client, unseen->id, tell_changed, &telling);
    if (status == STATUS_NOT_FOUND)
        tell_removed(&telling, (struct bytes){0});
    else if (status != STATUS_OK)
        tell_reload(client);
}

static void tell_unseen(tandem_client *client)
{
    struct buffer list = client->unseen;
    const struct unseen *unseen = (const void *)list.data;
    uint64_t cursor = replica_cursor(client->replica);
    client->unseen = (struct buffer){0};
    for (size_t i = 0; i < list.size / sizeof *unseen; i++) {
        if (unseen[i].seq > cursor)
            note_unseen(client, unseen[i].id, unseen[i].seq);
        else
            tell_if_not_sent(client, &unseen[i]);
    }
    if (list.failed)
        tell_reload(client);
    buffer_release(&list);
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
    if (from->kind == TANDEM_EVENT_CAUGHT_UP)
        tell_unseen(client);
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

void client_laid_changed(tandem_client *client, struct id id, uint64_t entry)
{
    struct telling telling;
    if (!has_listeners(client))
        return;
    begin(&telling, client, id, entry);
    enum status status = find_one(client, id, tell_changed, &telling);
    if (status == STATUS_NOT_FOUND)
        tell_removed(&telling, (struct bytes){0});
    else if (status != STATUS_OK)
        tell_reload(client);
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
        if (item->state == TANDEM_ENTRY_ACCEPTED && item->seq > replica_cursor(client->replica))
            note_unseen(client, id, item->seq);
        begin(&telling, client, id, waits ? item->order : 0);
        enum status status = find_one(client, id, tell_changed, &telling);
        if (status == STATUS_NOT_FOUND)
            tell_gone(&telling, item);
        else if (status != STATUS_OK)
            tell_reload(client);
    }
}

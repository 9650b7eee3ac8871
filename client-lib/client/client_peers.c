/* Other processes that share the folder: which of us keeps the replica up to date, and hearing of
 * each other.
 *
 * The one that leads connects with the folder's client id, subscribes, writes the replica and sends
 * what is in the outbox. The others connect, if they do, under an id of their own, to ask; they
 * read the replica, queue into the outbox, and wait for their turn to lead. Their wish what to
 * subscribe to is kept until then.
 *
 * Each tells the others what it has done after it was committed, and at the end of a turn what was
 * done in it, so that whoever hears of something can read it. */
#include "client-lib/client/client.h"

#include "client-lib/base/fault.h"
#include "client-lib/client/client_find.h"
#include "client-lib/client/client_loop.h"
#include "protocol/memory.h"

/* ---- Files that are not the same any more ---- */

bool client_lost_files(tandem_client *client)
{
    const char *file = NULL;
    tandem_fault fault;
    if (client->store != NULL && outbox_store_is_replaced(client->store))
        file = "outbox.mdb";
    else if (client->replica != NULL && replica_is_replaced(client->replica))
        file = "data.mdb";
    if (file == NULL)
        return false;
    trouble(&fault, STATUS_CORRUPT, "",
            "%s was replaced or cut short while it was open: end all programs that use its folder, "
            "then start them again",
            file);
    trouble_clear(&client->parting);
    if (client->state == CLIENT_IDLE || client->state == CLIENT_FAILED)
        client->fault = fault;
    else
        client_lost(client, 0, &fault);
    return true;
}

bool client_leads(const tandem_client *client)
{
    return client->peers == NULL || peers_is_leader(client->peers);
}

/* ---- Telling ---- */

void client_share(tandem_client *client)
{
    client->tells = true;
    if (!client->in_service)
        client_share_turn(client);
}

void client_committed(void *context)
{
    client_entries_committed(context);
    client_share(context);
}

void client_share_turn(tandem_client *client)
{
    if (client->peers != NULL && client->tells)
        peers_tell(client->peers);
    client->tells = false;
}

static void note(tandem_client *client, const struct sync_event *event, enum peers_kind kind)
{
    const struct peers_news news = {.kind = kind, .seq = event->seq, .id = event->id};
    peers_note(client->peers, &news);
}

/* The scope's name is no secret: what is subscribed to may name it still. */
static void note_purged(tandem_client *client, const struct sync_event *event)
{
    const struct peers_news news = {.kind = PEERS_PURGED,
                                    .seq = event->seq,
                                    .id = event->scope.id,
                                    .scope = event->scope.kind};
    peers_purged(client->peers, &news);
}

void client_shared_sync_event(void *context, const struct sync_event *event)
{
    tandem_client *client = context;
    if (client->peers != NULL) {
        switch (event->kind) {
        case TANDEM_EVENT_CHANGED:
            note(client, event, PEERS_CHANGED);
            break;
        case TANDEM_EVENT_REMOVED:
            note(client, event, PEERS_REMOVED);
            break;
        case TANDEM_EVENT_CAUGHT_UP:
            note(client, event, PEERS_CAUGHT_UP);
            break;
        case TANDEM_EVENT_PURGED:
            note_purged(client, event);
            break;
        case TANDEM_EVENT_PROGRESS:
            break;
        default:
            /* What was told of a scope that is no longer ours to see goes as well. */
            peers_forget(client->peers);
        }
        client_share(client);
    }
    settle_sync_event(client, event);
}

void client_share_drop(tandem_client *client, const struct outbox_item *entry)
{
    const struct peers_news news = {.kind = PEERS_DROPPED, .seq = entry->order};
    if (client->peers == NULL || entry->state == TANDEM_ENTRY_SENT ||
        entry->state == TANDEM_ENTRY_ACCEPTED)
        return;
    peers_note(client->peers, &news);
    peers_tell(client->peers);
}

/* ---- Hearing ---- */

static bool copy_record(void *context, struct bytes encoded)
{
    buffer_append(context, encoded.data, encoded.size);
    return false;
}

/* A record as it is by now, copied so that no callback keeps the state that was read. */
static void on_changed(tandem_client *client, const struct peers_news *news)
{
    struct buffer record = {0};
    enum status status = replica_get(client->replica, news->id, copy_record, &record);
    if (status == STATUS_OK && !record.failed) {
        const struct sync_event event = {.kind = TANDEM_EVENT_CHANGED,
                                         .seq = news->seq,
                                         .id = news->id,
                                         .record = buffer_bytes(&record),
                                         .detail = ""};
        client_sync_event(client, &event);
    }
    buffer_release(&record);
}

static void tell(tandem_client *client, tandem_event_kind kind, const struct peers_news *news)
{
    const struct sync_event event = {.kind = kind, .seq = news->seq, .id = news->id, .detail = ""};
    client_sync_event(client, &event);
}

static void tell_purged(tandem_client *client, const struct peers_news *news)
{
    struct sync_event event = {.kind = TANDEM_EVENT_PURGED, .seq = news->seq, .detail = ""};
    uint8_t octets[SCOPE_SIZE];
    scope_put((struct scope){news->scope, news->id}, octets);
    if (!scope_from_bytes(bytes_of(octets, sizeof octets), &event.scope))
        event.kind = TANDEM_EVENT_RELOAD;
    client_sync_event(client, &event);
}

/* Somebody came who has not heard that the replica shows all there is. */
static void tell_caught_up(tandem_client *client)
{
    const struct peers_news news = {.kind = PEERS_CAUGHT_UP,
                                    .seq = replica_cursor(client->replica)};
    if (!client_leads(client) || client->sync.state != SYNC_LIVE || !client->sync.caught_up)
        return;
    peers_note(client->peers, &news);
    client_share(client);
}

static void on_news(void *context, const struct peers_news *news)
{
    static const struct peers_news nothing;
    tandem_client *client = context;
    (void)replica_look(client->replica);
    (void)outbox_store_refresh(client->store); /* what lies over records is as new as they are */
    switch (news->kind) {
    case PEERS_CHANGED:
        on_changed(client, news);
        break;
    case PEERS_REMOVED:
        tell(client, TANDEM_EVENT_REMOVED, news);
        break;
    case PEERS_CAUGHT_UP:
        tell(client, TANDEM_EVENT_CAUGHT_UP, news);
        break;
    case PEERS_PURGED:
        tell_purged(client, news);
        break;
    case PEERS_DROPPED:
        settle_expect_drop(client, news->seq);
        client_entries_expect_drop(client, news->seq);
        break;
    case PEERS_WAITS:
        tell_caught_up(client);
        break;
    default:
        tell(client, TANDEM_EVENT_RELOAD, &nothing);
    }
}

static void on_lost(void *context)
{
    static const struct peers_news nothing;
    tandem_client *client = context;
    (void)replica_look(client->replica);
    tell(client, TANDEM_EVENT_RELOAD, &nothing);
}

static void on_look(void *context)
{
    tandem_client *client = context;
    bool changed = false;
    (void)replica_look(client->replica);
    enum status status = outbox_store_look(client->store, &changed);
    if (status == STATUS_OK && changed) {
        settle_follow(client);
        client_entries_look(client);
        settle_look(client);
        client_notes_look(client);
        if (client_leads(client))
            (void)client_look_preferred(client);
        find_look_wishes(client);
    }
    client_follow_pause(client);
}

/* ---- Leading ---- */

enum status client_want(tandem_client *client, const struct scope *scopes, size_t count,
                        const char *const *entities, size_t entity_count)
{
    struct buffer wish = {0};
    enum status status = sync_wish_make(scopes, count, entities, entity_count, &wish);
    if (status == STATUS_OK && client_leads(client)) {
        status = sync_want_kept(&client->sync, buffer_bytes(&wish));
    } else if (status == STATUS_OK) {
        struct buffer former = client->wish;
        client->wish = wish;
        wish = former;
        const struct peers_news news = {.kind = PEERS_WAITS};
        peers_note(client->peers, &news);
        client_share(client);
    }
    buffer_release(&wish);
    return status;
}

/* What is to be subscribed to: what was wished for meanwhile, or as before; the one that led until
 * now may have subscribed to something else. */
static enum status renew_wish(tandem_client *client)
{
    struct buffer wish = client->wish;
    enum status status = STATUS_OK;
    client->wish = (struct buffer){0};
    if (wish.size == 0 && client->sync.wanted)
        status = sync_wish_keep(&client->sync, &wish);
    if (status == STATUS_OK && wish.size > 0)
        status = sync_want_kept(&client->sync, buffer_bytes(&wish));
    buffer_release(&wish);
    return status;
}

/* From now on this process writes the replica, and the folder's client is this one. */
static enum status take_over(tandem_client *client)
{
    replica_set_read_only(client->replica, false);
    client->id = outbox_store_client(client->store);
    enum status status = replica_look(client->replica);
    if (status == STATUS_OK)
        find_look_wishes(client);
    return status == STATUS_OK ? renew_wish(client) : status;
}

void client_follow(tandem_client *client)
{
    if (client->peers == NULL)
        return;
    peers_yield(client->peers);
    replica_set_read_only(client->replica, true);
}

enum status client_lead_or_follow(tandem_client *client, bool once)
{
    if (client_leads(client))
        return STATUS_OK;
    if (peers_lead(client->peers) == STATUS_OK) {
        enum status status = take_over(client);
        if (status != STATUS_OK)
            client_follow(client);
        return status;
    }
    /* A program that does one thing and ends leaves the rest to those that stay. */
    if (once)
        peers_yield(client->peers);
    return port_id(client->port, &client->id) ? STATUS_OK : STATUS_INTERNAL;
}

static void on_leads(void *context)
{
    tandem_client *client = context;
    enum status status = take_over(client);
    if (status != STATUS_OK) {
        trouble(&client->fault, status, "", "the replica cannot be kept up to date: %s",
                status_text(status));
        client_follow(client);
        return;
    }
    client->moves = client->link != NULL;
}

void client_move_connection(tandem_client *client)
{
    if (!client->moves || client->requests != NULL)
        return;
    client->moves = false;
    if (client->link == NULL || !client_leads(client))
        return;
    if (client->state == CLIENT_ONLINE)
        client_say_goodbye(client, true);
    client_drop_link(client);
    client->retry_at = client_now(client);
    client_move(client, CLIENT_WAITING);
}

/* ---- Joining ---- */

/* A replica that cannot be read is begun anew by whoever leads, which then must not have it open
 * itself; so this one leads meanwhile, or refuses. */
static enum status open_replica(tandem_client *client, const tandem_options *options,
                                tandem_fault *fault)
{
    const char *folder = options->replica;
    size_t most = options->replica_map_bytes;
    enum status status = replica_join(folder, most, client->port, &client->replica, fault);
    if (status != STATUS_FORMAT_VERSION && status != STATUS_CORRUPT)
        return status;
    if (peers_has_others(client->peers) || peers_lead(client->peers) != STATUS_OK)
        return trouble(fault, STATUS_LOCKED, "",
                       "the replica in %s is to be made anew, and others have it open", folder);
    trouble_clear(fault);
    status = replica_open(folder, most, client->port, &client->replica, fault);
    peers_yield(client->peers);
    return status;
}

enum status client_join(tandem_client *client, const tandem_options *options, tandem_fault *fault)
{
    const struct peers_port port = {client, on_look, on_news, on_lost, on_leads};
    enum status status = peers_open(options->replica, client->port, &port, &client->peers, fault);
    if (status != STATUS_OK)
        return status;
    status = client_loop_add(client, peers_fd(client->peers));
    if (status != STATUS_OK)
        trouble(fault, status, "", "%s", status_text(status));
    else
        status = open_replica(client, options, fault);
    if (status == STATUS_OK)
        replica_set_read_only(client->replica, true);
    return status;
}

/* Before the program is told that something is gone: the outbox keeps what authors saw of records,
 * and its file what was ever in it. The replica was scrubbed already.
 *
 * What leaves the outbox otherwise, since it was settled or what was seen of it was removed, leaves
 * its file when nothing has come or gone for a while, and when the handle is closed. */
#include "client-lib/client/client.h"

#include <string.h>

/* A change of another process makes a scrub start over. */
#define TRIES 8
/* How soon to try again when the outbox could not be brought to rest. */
#define AGAIN_MS 1000u

/* False when it is to be tried again. What cannot be scrubbed at all does not hold up the rest. */
static bool scrub_outbox(struct outbox_store *store)
{
    enum status status = STATUS_OK;
    bool done = false;
    outbox_store_doubt(store);
    for (int i = 0; i < TRIES && status == STATUS_OK && !done; i++)
        status = outbox_store_scrub(store, SIZE_MAX, &done);
    return done || status == STATUS_CORRUPT;
}

bool settle_purge(void *context, const struct sync_event *event)
{
    tandem_client *client = context;
    if (client->store == NULL)
        return true;
    switch (event->kind) {
    case TANDEM_EVENT_PURGED:
        /* Once more: another process may have queued something since, with what it saw before.
         * When it fails it is tried again, as part of what comes before the event. */
        if (client_notes_losing(client, event) != STATUS_OK ||
            outbox_store_forget_scope(client->store, event->scope) != STATUS_OK)
            return false;
        return scrub_outbox(client->store);
    case TANDEM_EVENT_RESET:
        /* After any other reset the values are needed, to compare them with what comes. */
        if (strcmp(event->detail, "access") == 0 &&
            (client_notes_losing(client, event) != STATUS_OK ||
             outbox_store_forget_all(client->store) != STATUS_OK))
            return false;
        return scrub_outbox(client->store);
    case TANDEM_EVENT_ENTERED:
    case TANDEM_EVENT_RELOAD: /* in the place of others, for which there was no memory */
        return scrub_outbox(client->store);
    default:
        return true;
    }
}

void settle_purge_lost(tandem_client *client)
{
    (void)scrub_outbox(client->store);
}

/* ---- At rest ---- */

uint64_t settle_rest_due(const tandem_client *client)
{
    if (client->store == NULL || !outbox_store_is_stale(client->store))
        return UINT64_MAX;
    if (outbox_store_commit(client->store) != client->settling.rest_commit)
        return client_now(client) + SYNC_IDLE_MS;
    return client->settling.rest_at;
}

void settle_rest(tandem_client *client)
{
    uint64_t now = client_now(client);
    if (client->store == NULL || !outbox_store_is_stale(client->store))
        return;
    if (outbox_store_commit(client->store) != client->settling.rest_commit) {
        client->settling.rest_commit = outbox_store_commit(client->store);
        client->settling.rest_at = now + SYNC_IDLE_MS;
    } else if (now >= client->settling.rest_at) {
        (void)outbox_store_rest(client->store);
        client->settling.rest_at = now + AGAIN_MS;
    }
}

void settle_rest_close(tandem_client *client)
{
    if (client->store != NULL && outbox_store_is_stale(client->store))
        (void)outbox_store_rest(client->store);
}

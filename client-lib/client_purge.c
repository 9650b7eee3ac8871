/* Before the program is told that something is gone: the outbox keeps what authors saw of records,
 * and its file what was ever in it. The replica was scrubbed already. */
#include "client-lib/client.h"

#include <string.h>

/* A change of another process makes a scrub start over. */
#define TRIES 8

/* False when it is to be tried again. What cannot be scrubbed at all does not hold up the rest. */
static bool scrub_outbox(struct outbox_store *store)
{
    enum status status = STATUS_OK;
    bool done = false;
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
        /* When it fails it is tried again, as part of what comes before the event. */
        if (outbox_store_count(client->store, 0) > 0 &&
            outbox_store_forget_scope(client->store, event->scope) != STATUS_OK)
            return false;
        return scrub_outbox(client->store);
    case TANDEM_EVENT_RESET:
        /* After any other reset the values are needed, to compare them with what comes. */
        if (strcmp(event->detail, "access") == 0 &&
            outbox_store_forget_all(client->store) != STATUS_OK)
            return false;
        return scrub_outbox(client->store);
    case TANDEM_EVENT_ENTERED:
        return scrub_outbox(client->store);
    default:
        return true;
    }
}

void settle_purge_lost(tandem_client *client)
{
    (void)scrub_outbox(client->store);
}

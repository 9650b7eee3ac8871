/* What programs see of the outbox. */
#include "client-lib/client/client.h"

#include "client-lib/base/fault.h"
#include "client-lib/client/client_queue.h"
#include "client-lib/client/client_resolve.h"
#include "client-lib/client/entry_view.h"
#include "client-lib/outbox/outbox_entry.h"

static bool has_outbox(const tandem_client *client)
{
    return client->store != NULL && !client->foreign;
}

static tandem_code without_outbox(tandem_client *client)
{
    if (client->store != NULL)
        return client_not_theirs(client);
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                "the client was opened without a folder");
}

static tandem_code outcome(tandem_client *client, enum status status)
{
    if (status == STATUS_NOT_FOUND)
        trouble(&client->fault, status, "", "there is no such entry in the outbox");
    else if (status == STATUS_BUSY)
        trouble(&client->fault, status, "", "it is under way: the server may have it");
    else if (status != STATUS_OK)
        trouble(&client->fault, status, "", "%s", status_text(status));
    return (tandem_code)status;
}

/* ---- Looking ---- */

struct walk {
    tandem_client *client;
    tandem_entry_fn *each;
    void *context;
    enum status status;
};

static bool hand_over(void *context, const struct outbox_item *item)
{
    struct walk *walk = context;
    struct entry_view view = {.failed = false};
    bool more = false;
    walk->status = entry_view_make(walk->client, item, &view);
    if (walk->status == STATUS_OK)
        more = walk->each(walk->context, &view.entry);
    entry_view_release(&view);
    return more;
}

tandem_code tandem_outbox_each(tandem_client *client, unsigned states, tandem_entry_fn *each,
                               void *context)
{
    struct walk walk = {client, each, context, STATUS_OK};
    if (!has_outbox(client))
        return without_outbox(client);
    enum status status = outbox_store_each(client->store, states, hand_over, &walk);
    return outcome(client, status == STATUS_OK ? walk.status : status);
}

tandem_code tandem_outbox_get(tandem_client *client, uint64_t entry, tandem_entry_fn *each,
                              void *context)
{
    struct walk walk = {client, each, context, STATUS_OK};
    if (!has_outbox(client))
        return without_outbox(client);
    enum status status = outbox_store_get(client->store, entry, hand_over, &walk);
    return outcome(client, status == STATUS_OK ? walk.status : status);
}

size_t tandem_outbox_count(const tandem_client *client, unsigned states)
{
    if (client->store == NULL)
        return 0;
    /* Another process may have written; what is known is told when that cannot be found out. */
    (void)outbox_store_refresh(client->store);
    return outbox_store_count(client->store, states);
}

/* ---- Changing ---- */

tandem_code tandem_outbox_retry(tandem_client *client, uint64_t entry)
{
    struct queue_copy copy = {.from = {.order = 0}};
    client->last_entry = 0;
    if (!has_outbox(client))
        return without_outbox(client);
    enum status status = queue_copy(client, entry, &copy);
    if (status == STATUS_OK && copy.from.state != TANDEM_ENTRY_REFUSED) {
        queue_copy_release(&copy);
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                    "only what was refused can be sent again");
    }
    if (status == STATUS_OK) {
        enum status contested = resolve_contest(client, &copy);
        if (contested != STATUS_OK) {
            queue_copy_release(&copy);
            return (tandem_code)contested;
        }
        status = outbox_store_again(client->store, entry, &copy.from);
    }
    if (status == STATUS_OK) {
        client_outbox_changed(client, &copy.from);
        queue_tell(client, entry);
        settle_send(client);
        client->last_entry = entry;
    }
    queue_copy_release(&copy);
    return outcome(client, status);
}

tandem_code tandem_outbox_drop(tandem_client *client, uint64_t entry)
{
    struct queue_copy copy = {.from = {.order = 0}};
    if (!has_outbox(client))
        return without_outbox(client);
    enum status status = queue_copy(client, entry, &copy);
    if (status == STATUS_OK)
        client_share_drop(client, &copy.from);
    if (status == STATUS_OK)
        status = outbox_store_drop(client->store, entry);
    if (status == STATUS_OK) {
        settle_forget(client, entry);
        client_outbox_changed(client, &copy.from);
        settle_send(client); /* what waited for it is tried on its own */
    }
    queue_copy_release(&copy);
    return outcome(client, status);
}

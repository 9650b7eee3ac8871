/* Callbacks for what a query finds, one record, or everything. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_observe(tandem_client *client, const tandem_find *find, const char *id,
                           tandem_event_fn *on_event, void *context, tandem_observer **out)
{
    (void)find;
    (void)id;
    (void)on_event;
    (void)context;
    (void)out;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

void tandem_unobserve(tandem_observer *observer)
{
    (void)observer;
}

void client_outbox_changed(tandem_client *client, const struct outbox_item *item)
{
    (void)client;
    (void)item;
}

/* What programs see of the outbox. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_outbox_each(tandem_client *client, unsigned states, tandem_entry_fn *each,
                               void *context)
{
    (void)states;
    (void)each;
    (void)context;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

tandem_code tandem_outbox_get(tandem_client *client, uint64_t entry, tandem_entry_fn *each,
                              void *context)
{
    (void)entry;
    (void)each;
    (void)context;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

size_t tandem_outbox_count(const tandem_client *client, unsigned states)
{
    (void)client;
    (void)states;
    return 0;
}

tandem_code tandem_outbox_retry(tandem_client *client, uint64_t entry)
{
    (void)entry;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

tandem_code tandem_outbox_drop(tandem_client *client, uint64_t entry)
{
    (void)entry;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

/* Settling conflicts. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_resolve_mine(tandem_client *client, uint64_t entry, char made[TANDEM_ID_TEXT])
{
    (void)entry;
    (void)made;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

tandem_code tandem_resolve_theirs(tandem_client *client, uint64_t entry)
{
    (void)entry;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

tandem_code tandem_resolve_with(tandem_client *client, uint64_t entry,
                                const tandem_mutation *values)
{
    (void)entry;
    (void)values;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

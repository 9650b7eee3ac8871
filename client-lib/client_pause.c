/* Offline on purpose. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_pause(tandem_client *client, bool paused)
{
    (void)paused;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

bool tandem_paused(const tandem_client *client)
{
    (void)client;
    return false;
}

void tandem_disconnect(tandem_client *client)
{
    (void)client;
}

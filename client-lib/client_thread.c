/* A thread that runs the loop. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_thread_start(tandem_client *client)
{
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

void tandem_thread_stop(tandem_client *client)
{
    (void)client;
}

void tandem_lock(tandem_client *client)
{
    (void)client;
}

void tandem_unlock(tandem_client *client)
{
    (void)client;
}

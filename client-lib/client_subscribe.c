/* What is subscribed to, what comes first, and whether it is as the server has it. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_subscribe_to(tandem_client *client, const tandem_subscription *wanted)
{
    (void)wanted;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

tandem_code tandem_prefer(tandem_client *client, const char *account)
{
    (void)account;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

tandem_code tandem_check(tandem_client *client, const char *scope, tandem_answer_fn *done,
                         void *context)
{
    (void)scope;
    (void)done;
    (void)context;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

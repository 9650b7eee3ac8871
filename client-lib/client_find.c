/* Local queries. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_find_each(tandem_client *client, const tandem_find *find, tandem_record_fn *each,
                             void *context)
{
    (void)find;
    (void)each;
    (void)context;
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "not in this version");
}

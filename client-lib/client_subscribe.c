/* What is subscribed to, what comes first, and whether it is as the server has it. */
#include "client-lib/client.h"

#include "client-lib/fault.h"

tandem_code tandem_subscribe(tandem_client *client, const char *const *scopes, size_t count)
{
    struct buffer list = {0};
    enum status status = STATUS_OK;
    if (client->replica == NULL)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                    "the client was opened without a replica");
    for (size_t i = 0; i < count; i++) {
        struct scope scope;
        if (!scope_from_text(bytes_text(scopes[i]), &scope)) {
            buffer_release(&list);
            return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "scope",
                                        "a scope is account:ID, party:ID, user:ID or library");
        }
        buffer_append(&list, &scope, sizeof scope);
    }
    if (list.failed)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = client_want(client, (const struct scope *)(const void *)list.data, count, NULL, 0);
    buffer_release(&list);
    if (status != STATUS_OK)
        trouble(&client->fault, status, "", "%s", status_text(status));
    return (tandem_code)status;
}

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

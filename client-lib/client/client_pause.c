/* Offline on purpose: this handle alone, or everybody who shares its folder. */
#include "client-lib/client/client.h"

#include "client-lib/base/fault.h"

/* Leaves the connection, tells whoever waits for answers why, and stays without one. */
static void leave(tandem_client *client, const char *why)
{
    bool was_online = client->state == CLIENT_ONLINE;
    if (client->state == CLIENT_IDLE)
        return;
    if (was_online)
        client_say_goodbye(client, false);
    client_drop_link(client);
    trouble_clear(&client->parting);
    client->failures = client->broken = 0;
    client->resend_at = 0;
    client->generation++;
    client_move(client, CLIENT_IDLE);

    unsigned generation = client->generation;
    tandem_fault unanswered;
    trouble(&unanswered, STATUS_CANCELLED, "", "%s", why);
    client_fail_requests(client, &unanswered);
    if (!was_online || generation != client->generation)
        return;
    const tandem_event event = {.kind = TANDEM_EVENT_DISCONNECTED,
                                .id = "",
                                .scope = "",
                                .code = (tandem_code)STATUS_CANCELLED,
                                .detail = why};
    client_event(client, &event);
}

void client_follow_pause(tandem_client *client)
{
    if (client->closing)
        return;
    if (tandem_paused(client)) {
        leave(client, "paused");
    } else if (client->state == CLIENT_IDLE && client->connects) {
        client->retry_at = client_now(client);
        client_move(client, CLIENT_WAITING);
    }
}

tandem_code tandem_pause(tandem_client *client, bool paused)
{
    if (client->store == NULL)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                    "the client was opened without a folder");
    if (client->foreign)
        return client_not_theirs(client);
    enum status status = outbox_store_set_paused(client->store, paused);
    if (status != STATUS_OK)
        return (tandem_code)trouble(&client->fault, status, "", "%s", status_text(status));
    client_follow_pause(client);
    return TANDEM_OK;
}

bool tandem_paused(const tandem_client *client)
{
    return client->store != NULL && outbox_store_paused(client->store);
}

void tandem_disconnect(tandem_client *client)
{
    client->connects = false;
    leave(client, "disconnected");
    client_follow(client);
}

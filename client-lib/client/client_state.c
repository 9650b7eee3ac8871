#include "client-lib/client/client.h"

#include <assert.h>

#include "client-lib/base/fault.h"

/* Rows: from; columns: to. A new tandem_connect() may come at any time, hence the second column,
 * and so may tandem_disconnect(), hence the first. */
static const bool allowed[CLIENT_STATES][CLIENT_STATES] = {
    [CLIENT_IDLE] = {[CLIENT_IDLE] = true, [CLIENT_WAITING] = true},
    [CLIENT_WAITING] = {[CLIENT_IDLE] = true,
                        [CLIENT_WAITING] = true,
                        [CLIENT_CONNECTING] = true,
                        [CLIENT_FAILED] = true},
    [CLIENT_CONNECTING] = {[CLIENT_IDLE] = true,
                           [CLIENT_WAITING] = true,
                           [CLIENT_SIGNING_IN] = true,
                           [CLIENT_FAILED] = true},
    [CLIENT_SIGNING_IN] = {[CLIENT_IDLE] = true,
                           [CLIENT_WAITING] = true,
                           [CLIENT_ONLINE] = true,
                           [CLIENT_FAILED] = true},
    [CLIENT_ONLINE] = {[CLIENT_IDLE] = true, [CLIENT_WAITING] = true, [CLIENT_FAILED] = true},
    [CLIENT_FAILED] = {[CLIENT_IDLE] = true, [CLIENT_WAITING] = true},
};

void client_move(tandem_client *client, enum client_state to)
{
    assert(allowed[client->state][to]);
    client->state = to;
    /* There is a link exactly in the states that have one. */
    bool linked = to == CLIENT_CONNECTING || to == CLIENT_SIGNING_IN || to == CLIENT_ONLINE;
    assert(linked == (client->link != NULL));
}

void client_drop_link(tandem_client *client)
{
    if (client->replica != NULL)
        sync_stop(&client->sync);
    client->moves = false;
    if (client->link == NULL)
        return;
    /* One link at most is set aside: the next is opened by a later service call at the earliest. */
    assert(client->set_aside == NULL);
    client->set_aside = client->link;
    client->link = NULL;
    client->generation++;
    if (!client->in_service) {
        client->ops->free(client->set_aside);
        client->set_aside = NULL;
    }
}

/* ---- Trying again ---- */

uint64_t client_pause(const tandem_client *client, unsigned failures)
{
    uint64_t most = CLIENT_RETRY_MOST;
    uint32_t chance = 0;
    if (failures < 7)
        most = (uint64_t)CLIENT_RETRY_FIRST << failures;
    if (most > CLIENT_RETRY_MOST)
        most = CLIENT_RETRY_MOST;
    if (!client->port->random(client->port->context, &chance, sizeof chance))
        return most;
    return chance % (most + 1);
}

/* Whether another attempt could go otherwise; PROTOCOL.md's table of close codes. */
static bool may_heal(unsigned close_code, const tandem_fault *fault, bool signed_in)
{
    enum status status = (enum status)fault->code;
    switch (close_code) {
    case 4000:
    case 4002:
    case 4006:
        return false;
    case 4001:
        return status_retry(status);
    case 4003:
    case 4004:
    case 4005:
    case 4007:
        return true;
    default:
        break;
    }
    if (status == STATUS_UNTRUSTED || status == STATUS_USAGE || status == STATUS_CORRUPT)
        return false;
    /* A refusal to sign in that came without its close code. */
    return signed_in || status_retry(status);
}

static enum status close_status(unsigned close_code)
{
    switch (close_code) {
    case 4000:
        return STATUS_UNEXPECTED;
    case 4001:
        return STATUS_SIGN_IN_FAILED;
    case 4002:
        return STATUS_NOT_SIGNED_IN;
    case 4003:
        return STATUS_SHUTTING_DOWN;
    case 4005:
        return STATUS_RATE_LIMITED;
    case 4006:
        return STATUS_UNSUPPORTED_VERSION;
    case 4007:
        return STATUS_INTERNAL;
    default:
        return STATUS_UNREACHABLE;
    }
}

/* What to tell: the server's last words, else what its close code means, else the link's. */
static void reason_of(const tandem_client *client, unsigned close_code, const tandem_fault *fault,
                      tandem_fault *out)
{
    if (client->parting.code != TANDEM_OK) {
        *out = client->parting;
    } else if (close_code >= 4000) {
        enum status status = close_status(close_code);
        trouble(out, status, "", "the server closed the connection: %s", status_text(status));
    } else {
        *out = *fault;
        if (out->code == TANDEM_OK)
            trouble(out, STATUS_UNREACHABLE, "", "the connection was closed");
    }
}

/* Once for each connection, as it ends. */
static void forgive_broken(tandem_client *client)
{
    uint64_t now = client_now(client);
    if (client->state != CLIENT_ONLINE || now - client->online_at < CLIENT_LASTED)
        return;
    client->broken = 0;
    client->online_at = now;
}

void client_lost(tandem_client *client, unsigned close_code, const tandem_fault *fault)
{
    tandem_fault told;
    bool signed_in = client->state == CLIENT_ONLINE;
    forgive_broken(client);
    reason_of(client, close_code, fault, &told);
    bool final = client->server.server.once || !may_heal(close_code, &told, signed_in);
    uint64_t pause = client_pause(client, client->failures);
    if (close_code == 4005)
        pause += CLIENT_RETRY_LIMITED;
    if (told.retry_after > pause)
        pause = told.retry_after + pause % 1000;
    client->failures++;
    client->fault = told;
    client->retry_at = client_now(client) + pause;
    trouble_clear(&client->parting);
    client_drop_link(client);
    client_move(client, final ? CLIENT_FAILED : CLIENT_WAITING);
    /* Others who share the folder may have a way in. */
    if (final)
        client_follow(client);

    unsigned generation = client->generation;
    tandem_fault unanswered;
    trouble(&unanswered, STATUS_UNREACHABLE, "", "%s", told.detail);
    client_fail_requests(client, &unanswered);
    if (generation != client->generation)
        return;
    const tandem_event event = {.kind = TANDEM_EVENT_DISCONNECTED,
                                .id = "",
                                .scope = "",
                                .code = told.code,
                                .final = final,
                                .detail = told.detail};
    client_event(client, &event);
}

/* Over what the server said, or what we could not do with it: it may welcome us each time, which is
 * no success then. */
static void count_broken(tandem_client *client)
{
    forgive_broken(client);
    if (client->failures < client->broken)
        client->failures = client->broken;
    client->broken++;
}

void client_break(tandem_client *client, unsigned close_code, enum status status, const char *words)
{
    tandem_fault fault;
    trouble(&fault, status, "", "%s", words);
    if (client->link == NULL)
        return;
    if (close_code != 1000)
        count_broken(client);
    client->ops->close(client->link, close_code);
    client_lost(client, 0, &fault);
}

/* ---- The link's events ---- */

static void on_opened(void *context)
{
    tandem_client *client = context;
    assert(client->magic == CLIENT_MAGIC);
    uint64_t now = client_now(client);
    if (client->state != CLIENT_CONNECTING)
        return;
    client->deadline = now + CLIENT_ATTEMPT;
    client->last_received = now;
    client_move(client, CLIENT_SIGNING_IN);
    client_send_hello(client);
}

static void on_message(void *context, struct bytes frame)
{
    tandem_client *client = context;
    assert(client->magic == CLIENT_MAGIC);
    /* A link that was set aside may still have messages. */
    if (client->state != CLIENT_SIGNING_IN && client->state != CLIENT_ONLINE)
        return;
    client->last_received = client_now(client);
    client_receive(client, frame);
}

static void on_closed(void *context, unsigned close_code, const tandem_fault *fault)
{
    tandem_client *client = context;
    assert(client->magic == CLIENT_MAGIC);
    if (client->link != NULL)
        client_lost(client, close_code, fault);
}

void client_begin(tandem_client *client)
{
    const struct tandem_server *server = &client->server.server;
    const struct link_config config = {server->url, server->ca, server->certificate, server->key};
    const struct link_events events = {client, on_opened, on_message, on_closed};
    struct link *link = NULL;
    tandem_fault fault;
    trouble_clear(&fault);
    trouble_clear(&client->parting);
    enum status status = client->ops->open(&config, client->port, &events, &link, &fault);
    if (status != STATUS_OK) {
        client_lost(client, 0, &fault);
        return;
    }
    client->link = link;
    client->deadline = client_now(client) + CLIENT_ATTEMPT;
    client_move(client, CLIENT_CONNECTING);
}

#include "client-lib/client/client.h"

#include <assert.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client_loop.h"
#include "client-lib/client/client_observe.h"
#include "client-lib/link/url.h"
#include "protocol/memory.h"

uint64_t client_now(const tandem_client *client)
{
    return client->port->now_ms(client->port->context);
}

static enum status sync_send(void *context, const struct message *message)
{
    return client_send_message(context, message);
}

/* A damaged outbox is set aside by whoever leads, while nobody else has it open: they would go on
 * queueing into what nobody sends any more. */
static enum status replace_outbox(tandem_client *client, const char *folder, tandem_fault *fault)
{
    if (peers_has_others(client->peers) || peers_lead(client->peers) != STATUS_OK)
        return trouble(fault, STATUS_LOCKED, "",
                       "the outbox in %s is damaged, and others have it open", folder);
    trouble_clear(fault);
    enum status status =
        outbox_store_open(folder, client->port, &client->store, &client->settling.damaged, fault);
    peers_yield(client->peers);
    return status;
}

static enum status open_outbox(tandem_client *client, const char *folder, tandem_fault *fault)
{
    enum status status = outbox_store_open(folder, client->port, &client->store, NULL, fault);
    if (status == STATUS_CORRUPT)
        status = replace_outbox(client, folder, fault);
    if (status == STATUS_OK)
        client->id = outbox_store_client(client->store);
    return status;
}

static tandem_code set_up(tandem_client *client, const tandem_options *options, tandem_fault *fault)
{
    const struct sync_port port = {client, sync_send, client_shared_sync_event};
    client->source = (struct field_source){client, client_find_field};
    if (options->replica == NULL) {
        if (!port_id(client->port, &client->id))
            return (tandem_code)trouble(fault, STATUS_INTERNAL, "",
                                        "the system gives no random numbers");
        return TANDEM_OK;
    }
    enum status status = client_join(client, options, fault);
    if (status == STATUS_OK)
        status = open_outbox(client, options->replica, fault);
    if (status != STATUS_OK) {
        replica_close(client->replica);
        peers_close(client->peers);
        return (tandem_code)status;
    }
    outbox_store_on_commit(client->store, client_committed, client);
    outbox_store_set_gate(client->store, client_notes_may_go, client);
    client_entries_begin(client);
    sync_init(&client->sync, sync_store_replica(), client->replica, &port);
    sync_settle_prepare(&client->sync, settle_purge);
    sync_on_losing(&client->sync, settle_losing);
    return TANDEM_OK;
}

tandem_code client_open(const tandem_options *options, const struct port *port,
                        const struct link_ops *ops, tandem_client **out, tandem_fault *fault)
{
    tandem_client *client = memory_new(sizeof *client);
    trouble_clear(fault);
    *out = NULL;
    if (client == NULL)
        return (tandem_code)trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    client->magic = CLIENT_MAGIC;
    client->on_event = options->on_event;
    client->context = options->context;
    client->port = port;
    client->ops = ops;
    trouble_clear(&client->fault);
    trouble_clear(&client->parting);
    client_forget_welcome(client);
    tandem_code code = (tandem_code)client_loop_open(client, fault);
    if (code == TANDEM_OK)
        code = set_up(client, options, fault);
    if (code != TANDEM_OK) {
        client_loop_close(client);
        settle_release(&client->settling);
        memory_free(client);
        return code;
    }
    *out = client;
    return TANDEM_OK;
}

tandem_code tandem_open(const tandem_options *options, tandem_client **out, tandem_fault *fault)
{
    static const tandem_options none;
    return client_open(options != NULL ? options : &none, port_system(), link_tls(), out, fault);
}

void client_say_goodbye(tandem_client *client, bool forget)
{
    struct message goodbye = {.type = MESSAGE_GOODBYE};
    struct buffer frame = {0};
    if (forget) {
        goodbye.as.goodbye.forget = true;
        message_mark(&goodbye, "forget");
    }
    message_encode(&frame, &goodbye);
    if (!frame.failed)
        (void)client->ops->send(client->link, buffer_bytes(&frame));
    client->ops->close(client->link, 1000);
    buffer_release(&frame);
}

void client_free_set_aside(tandem_client *client)
{
    if (client->set_aside != NULL)
        client->ops->free(client->set_aside);
    client->set_aside = NULL;
}

/* Whether the server need not remember the client id of this connection, since no mutation was or
 * will be sent under it. */
static bool may_be_forgotten(const tandem_client *client)
{
    if (client->store == NULL)
        return client->outbox.count == 0;
    return !client_leads(client) || client->moves;
}

static void release(tandem_client *client)
{
    if (client->replica != NULL) {
        sync_release(&client->sync);
        replica_close(client->replica);
    }
    client_notes_close(client);
    outbox_store_close(client->store);
    client_entries_release(&client->entries);
    settle_release(&client->settling);
    buffer_release(&client->wish);
    observers_release(client);
    buffer_release(&client->unseen);
    client_forget_welcome(client);
    texts_release(&client->server.texts);
    client_loop_close(client);
    client->magic = 0;
    memory_free(client);
}

void tandem_close(tandem_client *client)
{
    tandem_fault cancelled;
    if (client == NULL)
        return;
    client_thread_close(client);
    assert(client->magic == CLIENT_MAGIC && !client->in_service);
    client->closing = true;
    if (client->link != NULL && client->state == CLIENT_ONLINE)
        client_say_goodbye(client, may_be_forgotten(client));
    client_drop_link(client);
    client_free_set_aside(client);
    client_move(client, CLIENT_WAITING); /* callbacks find a handle that is not connected */
    client_cancel_outbox(client, STATUS_CANCELLED);
    trouble(&cancelled, STATUS_CANCELLED, "", "the client was closed");
    client_fail_requests(client, &cancelled);
    struct peers *peers = client->peers;
    if (client->replica != NULL)
        sync_close(&client->sync);
    settle_rest_close(client);
    release(client);
    peers_close(peers); /* last: whoever comes next finds the files closed */
}

void client_abandon(tandem_client *client)
{
    struct outbox_entry *entry;
    client_thread_close(client);
    client->closing = true;
    client_drop_link(client);
    client_free_set_aside(client);
    while ((entry = outbox_take(&client->outbox)) != NULL)
        outbox_entry_free(entry);
    client_forget_requests(client);
    struct peers *peers = client->peers;
    release(client);
    peers_abandon(peers);
}

/* ---- Connecting ---- */

static bool copy_text(struct texts *texts, const char **text)
{
    if (*text == NULL)
        return true;
    *text = texts_keep(texts, bytes_text(*text));
    return *text != NULL;
}

static bool copy_server(const tandem_server *from, struct server_copy *out)
{
    out->server = *from;
    out->texts = (struct texts){0};
    struct tandem_server *to = &out->server;
    const char **const strings[] = {&to->url,  &to->ca,     &to->certificate, &to->key,
                                    &to->user, &to->secret, &to->new_secret,  &to->agent};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (!copy_text(&out->texts, strings[i])) {
            texts_release(&out->texts);
            return false;
        }
    return true;
}

static tandem_code check_server(const tandem_server *server, tandem_fault *fault)
{
    struct url url;
    const char *missing = NULL;
    enum status status = url_parse(server->url, &url, fault);
    if (status != STATUS_OK)
        return (tandem_code)status;
    if (server->method == TANDEM_SIGN_IN_PASSWORD || server->method == TANDEM_SIGN_IN_CODE)
        missing = server->user == NULL ? "user" : server->secret == NULL ? "secret" : NULL;
    if (server->method == TANDEM_SIGN_IN_CODE && missing == NULL && server->new_secret == NULL)
        missing = "new_secret";
    if (server->method == TANDEM_SIGN_IN_TOKEN && server->secret == NULL)
        missing = "secret";
    if (server->method == TANDEM_SIGN_IN_CERTIFICATE && server->certificate == NULL)
        missing = "certificate";
    if (missing == NULL)
        return TANDEM_OK;
    return (tandem_code)trouble(fault, STATUS_USAGE, missing, "this way to sign in needs a %s",
                                missing);
}

tandem_code tandem_connect(tandem_client *client, const tandem_server *server, tandem_fault *fault)
{
    struct server_copy copy;
    trouble_clear(fault);
    tandem_code code = check_server(server, fault);
    if (code != TANDEM_OK)
        return code;
    if (client->closing)
        return (tandem_code)trouble(fault, STATUS_CANCELLED, "", "the client is being closed");
    if (!copy_server(server, &copy))
        return (tandem_code)trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    bool forget = client->store != NULL && may_be_forgotten(client);
    enum status status = client_lead_or_follow(client, server->once);
    if (status != STATUS_OK) {
        texts_release(&copy.texts);
        return (tandem_code)trouble(fault, status, "", "the replica cannot be kept up to date: %s",
                                    status_text(status));
    }
    if (client->link != NULL && client->state == CLIENT_ONLINE)
        client_say_goodbye(client, forget);
    tandem_fault dropped;
    trouble(&dropped, STATUS_UNREACHABLE, "", "the connection was dropped for another");
    client_drop_link(client);
    texts_release(&client->server.texts);
    client->server = copy;
    client->generation++;
    client->failures = client->broken = 0;
    client->retry_at = client_now(client);
    trouble_clear(&client->fault);
    client_expect_user(client);
    client->connects = true;
    client_move(client, tandem_paused(client) ? CLIENT_IDLE : CLIENT_WAITING);
    /* Last, since those who are told may ask, send or connect again. */
    client_fail_requests(client, &dropped);
    return TANDEM_OK;
}

/* ---- Accessors ---- */

void tandem_last_fault(const tandem_client *client, tandem_fault *out)
{
    *out = client->fault;
}

bool tandem_connected(const tandem_client *client)
{
    return client->state == CLIENT_ONLINE;
}

const char *tandem_user_name(const tandem_client *client)
{
    return client->user_name;
}

const char *tandem_user_role(const tandem_client *client)
{
    return client->user_role;
}

const char *tandem_user_id(const tandem_client *client)
{
    return client->user_id;
}

size_t tandem_party_count(const tandem_client *client)
{
    return client->party_count;
}

const char *tandem_party_name(const tandem_client *client, size_t index)
{
    return index < client->party_count ? client->parties[index].name : NULL;
}

const char *tandem_party_id(const tandem_client *client, size_t index)
{
    return index < client->party_count ? client->parties[index].id : NULL;
}

const char *tandem_token(const tandem_client *client)
{
    return client->token;
}

/* What the server says, from its welcome to its last error. */
#include "client-lib/client/client.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "protocol/memory.h"
#include "protocol/wire.h"

enum status client_send_message(tandem_client *client, const struct message *message)
{
    struct buffer frame = {0};
    enum status status = STATUS_UNREACHABLE;
    message_encode(&frame, message);
    if (frame.failed)
        status = STATUS_NO_MEMORY;
    else if (client->link != NULL)
        status = client->ops->send(client->link, buffer_bytes(&frame));
    if (status == STATUS_OK)
        client->last_sent = client_now(client);
    else if (status == STATUS_NO_MEMORY)
        client_break(client, 1011, status, "out of memory while sending");
    buffer_release(&frame);
    return status;
}

/* ---- Signing in ---- */

static struct bytes optional_text(struct message *hello, const char *name, const char *text)
{
    if (text != NULL)
        message_mark(hello, name);
    return bytes_text(text);
}

void client_send_hello(tandem_client *client)
{
    static const char *const methods[] = {"password", "token", "code", "certificate"};
    const struct tandem_server *server = &client->server.server;
    struct message hello = {.type = MESSAGE_HELLO};
    struct buffer versions = {0};
    bool named = server->method == TANDEM_SIGN_IN_PASSWORD || server->method == TANDEM_SIGN_IN_CODE;
    bool secret = server->method != TANDEM_SIGN_IN_CERTIFICATE;
    wire_put_array(&versions, 1);
    wire_put_uint(&versions, PROTOCOL_VERSION);
    if (versions.failed) {
        buffer_release(&versions);
        client_break(client, 1011, STATUS_NO_MEMORY, "out of memory while signing in");
        return;
    }
    hello.as.hello.versions = buffer_bytes(&versions);
    hello.as.hello.client = client->id;
    hello.as.hello.method = bytes_text(methods[server->method]);
    hello.as.hello.agent = optional_text(&hello, "agent", server->agent);
    hello.as.hello.user = optional_text(&hello, "user", named ? server->user : NULL);
    hello.as.hello.secret = optional_text(&hello, "secret", secret ? server->secret : NULL);
    if (server->method == TANDEM_SIGN_IN_CODE)
        hello.as.hello.new_secret = optional_text(&hello, "newSecret", server->new_secret);
    if (server->remember) {
        hello.as.hello.remember = true;
        message_mark(&hello, "remember");
    }
    (void)client_send_message(client, &hello);
    buffer_release(&versions);
}

void client_forget_welcome(tandem_client *client)
{
    texts_release(&client->welcome_texts);
    memory_free(client->parties);
    client->parties = NULL;
    client->party_count = 0;
    client->user_name = client->user_role = "";
    client->user_id[0] = 0;
    client->token = NULL;
}

/* A str of a map, kept; "" when it is missing. NULL when out of memory. */
static const char *keep_part(tandem_client *client, struct bytes map, const char *key)
{
    struct bytes value = {0}, text = {0};
    if (wire_map_find(map, key, &value)) {
        struct wire_reader reader = wire_read(value);
        (void)wire_get_str(&reader, &text);
    }
    return texts_keep(&client->welcome_texts, text);
}

static bool read_party(tandem_client *client, struct bytes map, struct party *out)
{
    struct bytes value;
    struct id id;
    char text[ID_TEXT_SIZE];
    if (!wire_map_find(map, "id", &value))
        return false;
    struct wire_reader reader = wire_read(value);
    if (!wire_get_id(&reader, &id))
        return false;
    out->id = texts_keep(&client->welcome_texts, bytes_text(id_to_text(id, text)));
    out->name = keep_part(client, map, "name");
    return out->id != NULL && out->name != NULL;
}

static bool read_parties(tandem_client *client, struct bytes array)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    if (array.size == 0)
        return true;
    if (!wire_get_array(&reader, &count))
        return false;
    client->parties = memory_new(count * sizeof *client->parties);
    if (client->parties == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes map;
        if (!wire_skip(&reader, &map) || !read_party(client, map, &client->parties[i]))
            return false;
        client->party_count = i + 1;
    }
    return true;
}

static bool read_welcome(tandem_client *client, const struct message *message)
{
    const struct msg_welcome *welcome = &message->as.welcome;
    client_forget_welcome(client);
    const char *name = texts_keep(&client->welcome_texts, welcome->name);
    const char *role = texts_keep(&client->welcome_texts, welcome->role);
    if (name == NULL || role == NULL || !read_parties(client, welcome->parties))
        return false;
    client->user_name = name;
    client->user_role = role;
    id_to_text(welcome->user, client->user_id);
    if (message_has(message, "token")) {
        client->token = texts_keep(&client->welcome_texts, welcome->token);
        return client->token != NULL;
    }
    return true;
}

/* How to sign in after a lost connection: a one-time code is used up, and a token spares the server
 * the work of checking a password. False when out of memory. */
static bool prepare_next_sign_in(tandem_client *client)
{
    struct tandem_server *server = &client->server.server;
    if (client->token != NULL) {
        const char *token = texts_keep(&client->server.texts, bytes_text(client->token));
        if (token == NULL)
            return false;
        server->method = TANDEM_SIGN_IN_TOKEN;
        server->secret = token;
        server->remember = false;
    } else if (server->method == TANDEM_SIGN_IN_CODE) {
        server->method = TANDEM_SIGN_IN_PASSWORD;
        server->secret = server->new_secret;
    }
    return true;
}

static void on_welcome(tandem_client *client, const struct message *message)
{
    const tandem_event event = {
        .kind = TANDEM_EVENT_CONNECTED, .id = "", .scope = "", .detail = ""};
    unsigned generation = client->generation;
    const char *old_token = client->token;
    char kept[129];
    if (old_token != NULL)
        snprintf(kept, sizeof kept, "%s", old_token);
    if (client->state != CLIENT_SIGNING_IN) {
        client_break(client, 1002, STATUS_UNEXPECTED, "the server welcomed twice");
        return;
    }
    /* Numbers count up from there, and must not turn over. */
    if (message->as.welcome.last_number > INT64_MAX || !read_welcome(client, message) ||
        !prepare_next_sign_in(client)) {
        client_break(client, 1002, STATUS_MALFORMED, "the server's welcome cannot be read");
        return;
    }
    /* Signing in by a token again does not make a new one; the old one is still good. */
    if (client->token == NULL && old_token != NULL)
        client->token = texts_keep(&client->welcome_texts, bytes_text(kept));
    client->failures = 0;
    client->online_at = client_now(client);
    trouble_clear(&client->fault);
    client_move(client, CLIENT_ONLINE);
    if (client->store == NULL)
        outbox_start(&client->outbox, message->as.welcome.last_number);
    else if (!settle_welcome(client, &message->as.welcome))
        return;
    struct id epoch = message->as.welcome.epoch;
    uint64_t window = 0;
    (void)wire_map_uint(message->as.welcome.limits, "window", &window);
    client_notes_welcome(client, &message->as.welcome);
    client_event(client, &event);
    if (generation != client->generation)
        return;
    client_send_outbox(client);
    if (generation != client->generation || client->replica == NULL || !client_leads(client))
        return;
    enum status status = client_resume_wish(client, message->as.welcome.limits);
    if (status == STATUS_OK)
        status = sync_start(&client->sync, epoch, window);
    if (status != STATUS_OK && generation == client->generation)
        client_break(client, 1011, status, status_text(status));
}

/* ---- The rest ---- */

/* An error without a request is the last thing said before the connection closes. */
static void on_error(tandem_client *client, const struct message *message)
{
    unsigned generation = client->generation;
    enum status status = STATUS_OK;
    if (client_notes_error(client, message) ||
        (message_has(message, "request") && client_answer(client, message)))
        return;
    if (client_sync_error(client, message, &status)) {
        if (status != STATUS_OK && generation == client->generation)
            client_break(client, 1011, status, status_text(status));
        return;
    }
    client_error_fault(&message->as.error, &client->parting);
}

static void on_pong(tandem_client *client, const struct message *message)
{
    unsigned generation = client->generation;
    enum status status = STATUS_OK;
    if (client->replica == NULL || !message_has(message, "request") ||
        !sync_pong(&client->sync, message->as.pong.request, &status))
        return;
    if (status != STATUS_OK && generation == client->generation)
        client_break(client, 1011, status, status_text(status));
}

static void on_data(tandem_client *client, const struct message *message)
{
    unsigned generation = client->generation;
    enum status status =
        client->replica != NULL ? client_sync_message(client, message) : STATUS_UNEXPECTED;
    if (status == STATUS_OK)
        settle_shown(client);
    if (status == STATUS_OK || generation != client->generation)
        return;
    char words[160];
    bool theirs = status == STATUS_MALFORMED || status == STATUS_UNEXPECTED;
    snprintf(words, sizeof words, "%s: %s (%s)",
             theirs ? "the server's message does not follow the protocol"
                    : "the replica cannot be written",
             status_text(status), message_name(message->type));
    client_break(client, theirs ? 1002 : 1011, status, words);
}

void client_receive(tandem_client *client, struct bytes frame)
{
    struct message message;
    struct fault fault;
    fault_clear(&fault);
    enum status status = message_decode(frame, &message, &fault);
    if (status == STATUS_UNKNOWN_MESSAGE)
        return; /* of a later version of the protocol */
    if (status != STATUS_OK) {
        char words[288];
        snprintf(words, sizeof words, "the server sent a malformed message: %s %s", fault.field,
                 fault.detail);
        client_break(client, 1002, STATUS_MALFORMED, words);
        return;
    }
    if (client->state == CLIENT_SIGNING_IN && message.type != MESSAGE_WELCOME &&
        message.type != MESSAGE_ERROR) {
        client_break(client, 1002, STATUS_UNEXPECTED, "the server did not begin with a welcome");
        return;
    }
    switch (message.type) {
    case MESSAGE_WELCOME:
        on_welcome(client, &message);
        break;
    case MESSAGE_ERROR:
        on_error(client, &message);
        break;
    case MESSAGE_RESULT:
        client_result(client, &message);
        break;
    case MESSAGE_ANSWER:
        (void)client_answer(client, &message);
        break;
    case MESSAGE_NOTE:
        if (!client_notes_message(client, &message))
            (void)client_answer(client, &message);
        break;
    case MESSAGE_NOTE_CHANGES:
    case MESSAGE_NOTE_RESULT:
    case MESSAGE_NOTE_ENDED:
    case MESSAGE_PRESENCE:
        (void)client_notes_message(client, &message);
        break;
    case MESSAGE_PONG:
        on_pong(client, &message);
        break;
    case MESSAGE_SUMS:
        if (client->replica != NULL)
            on_data(client, &message);
        break;
    default:
        on_data(client, &message);
    }
}

/* What is said over an open connection, as PROTOCOL.md asks. Messages that come are walked once,
 * in place, and only as far as counting needs. */
#include "tests/load/load_internal.h"

#include <string.h>

/* ---- Out ---- */

static bool say(struct load_client *client, const struct message *message)
{
    struct buffer *out = &client->load->message;
    buffer_clear(out);
    message_encode(out, message);
    return !out->failed && load_send_frame(client, 2, buffer_bytes(out));
}

bool load_send(struct load_client *client, struct bytes message)
{
    return client->step == STEP_OPEN && load_send_frame(client, 2, message);
}

static void say_hello(struct load_client *client)
{
    static const uint8_t versions[] = {0x91, PROTOCOL_VERSION};
    struct message message = {.type = MESSAGE_HELLO};
    struct msg_hello *hello = &message.as.hello;
    bool token = client->token != NULL;
    hello->versions = bytes_of(versions, sizeof versions);
    hello->client = client->client_id;
    hello->method = bytes_text(token ? "token" : "password");
    hello->secret = bytes_text(token ? client->token : client->password);
    message_mark(&message, "secret");
    if (!token) {
        hello->user = bytes_text(client->user);
        hello->remember = true;
        message_mark(&message, "user");
        message_mark(&message, "remember");
    }
    load_set_phase(client, LOAD_SIGNING_IN);
    (void)say(client, &message);
}

void load_opened(struct load_client *client)
{
    if (!client->load->raw) {
        say_hello(client);
        return;
    }
    load_handshake_over(client);
    load_set_phase(client, LOAD_LIVE);
}

static void say_subscribe(struct load_client *client)
{
    struct message message = {.type = MESSAGE_SUBSCRIBE};
    struct buffer scopes = {0};
    message.as.subscribe.cursor = client->cursor;
    message.as.subscribe.epoch = client->epoch;
    if (client->scope_count > 0) {
        wire_put_array(&scopes, (uint32_t)client->scope_count);
        for (size_t i = 0; i < client->scope_count; i++) {
            uint8_t scope[SCOPE_SIZE];
            scope_put(client->scopes[i], scope);
            wire_put_bin(&scopes, bytes_of(scope, sizeof scope));
        }
        message.as.subscribe.scopes = buffer_bytes(&scopes);
        message_mark(&message, "scopes");
    }
    client->received = client->acknowledged = 0;
    load_set_phase(client, LOAD_CATCHING_UP);
    if (scopes.failed)
        load_fail(client, "no memory to subscribe");
    else
        (void)say(client, &message);
    buffer_release(&scopes);
}

static void acknowledge(struct load_client *client)
{
    struct message message = {.type = MESSAGE_ACK};
    if (client->received == client->acknowledged)
        return;
    message.as.ack.frames = client->acknowledged = client->received;
    (void)say(client, &message);
}

void load_ping(struct load_client *client)
{
    const struct message message = {.type = MESSAGE_PING};
    (void)say(client, &message);
}

uint64_t load_mutate(struct load_client *client, struct bytes changes)
{
    struct message message = {.type = MESSAGE_MUTATE};
    if (client->phase != LOAD_LIVE && client->phase != LOAD_CATCHING_UP)
        return 0;
    message.as.mutate.number = client->number + 1;
    message.as.mutate.changes = changes;
    if (client->answered > 0) {
        message.as.mutate.answered = client->answered;
        message_mark(&message, "answered");
    }
    if (!say(client, &message))
        return 0;
    return ++client->number;
}

/* ---- In ---- */

/* What counting needs of a message. Slices point into it. */
struct glance {
    struct bytes type, records, removed, epoch, status, name, reason;
    uint64_t to, seq, number, last_number;
};

static bool glance_at(struct bytes message, struct glance *out)
{
    struct wire_reader reader = wire_read(message);
    uint32_t keys;
    *out = (struct glance){.to = 0};
    if (!wire_get_map(&reader, &keys))
        return false;
    const struct {
        const char *key;
        struct bytes *text;
        uint64_t *number;
    } wanted[] = {
        {"type", &out->type, NULL},
        {"to", NULL, &out->to},
        {"records", &out->records, NULL},
        {"removed", &out->removed, NULL},
        {"epoch", &out->epoch, NULL},
        {"seq", NULL, &out->seq},
        {"number", NULL, &out->number},
        {"status", &out->status, NULL},
        {"name", &out->name, NULL},
        {"reason", &out->reason, NULL},
        {"lastNumber", NULL, &out->last_number},
    };
    while (keys-- > 0) {
        struct bytes key, value;
        if (!wire_get_str(&reader, &key))
            return false;
        struct wire_reader at = reader;
        if (!wire_skip(&reader, &value))
            return false;
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (!bytes_is(key, wanted[i].key))
                continue;
            if (wanted[i].number != NULL)
                (void)wire_get_uint(&at, wanted[i].number);
            else if (!wire_get_str(&at, wanted[i].text))
                *wanted[i].text = value;
            break;
        }
    }
    return out->type.size > 0;
}

static void on_data(struct load_client *client, const struct glance *glance, struct bytes message,
                    bool changes)
{
    struct load *load = client->load;
    unsigned records = message_count(glance->records) + message_count(glance->removed);
    client->received++;
    client->counts.frames++;
    client->counts.records += records;
    load->total.frames++;
    load->total.records += records;
    if (changes)
        client->cursor = glance->to;
    if (client->received - client->acknowledged >= LOAD_ACK_EVERY)
        acknowledge(client);
    if (load->hooks.changes != NULL)
        load->hooks.changes(load->hooks.context, client, glance->to, records, message);
}

static void on_result(struct load_client *client, const struct glance *glance)
{
    struct load *load = client->load;
    enum status status =
        bytes_is(glance->status, "ok") ? STATUS_OK : status_from_name(glance->status);
    if (glance->number > client->answered)
        client->answered = glance->number;
    client->counts.results++;
    load->total.results++;
    if (load->hooks.result != NULL)
        load->hooks.result(load->hooks.context, client, glance->number, status, glance->seq);
}

/* Data of another epoch is of no use: the cursor of an empty replica belongs to any. */
static void on_welcome(struct load_client *client, const struct glance *glance)
{
    load_handshake_over(client);
    client->number = glance->last_number;
    if (id_is_zero(client->epoch)) {
        struct wire_reader reader = wire_read(glance->epoch);
        (void)wire_get_id(&reader, &client->epoch);
    }
    if (client->subscribe)
        say_subscribe(client);
    else
        load_set_phase(client, LOAD_LIVE);
}

static void on_reset(struct load_client *client, const struct glance *glance)
{
    struct wire_reader reader = wire_read(glance->epoch);
    (void)wire_get_id(&reader, &client->epoch);
    client->cursor = 0;
    say_subscribe(client);
}

static void on_other(struct load_client *client, const struct glance *glance, struct bytes message)
{
    struct load *load = client->load;
    uint32_t connection = client->connection;
    if (bytes_is(glance->type, "welcome")) {
        on_welcome(client, glance);
    } else if (bytes_is(glance->type, "caught-up")) {
        client->cursor = glance->seq;
        acknowledge(client);
        load_set_phase(client, LOAD_LIVE);
    } else if (bytes_is(glance->type, "reset")) {
        on_reset(client, glance);
    }
    if (client->connection == connection && load->hooks.other != NULL)
        load->hooks.other(load->hooks.context, client, message);
    if (client->connection == connection && client->phase == LOAD_SIGNING_IN &&
        bytes_is(glance->type, "error"))
        load_fail(client, "refused: %.*s", (int)glance->name.size, (const char *)glance->name.data);
}

void load_received(struct load_client *client, struct bytes message)
{
    struct load *load = client->load;
    struct glance glance;
    if (load->raw) {
        client->counts.frames++;
        client->counts.records++;
        load->total.frames++;
        load->total.records++;
        return;
    }
    if (!glance_at(message, &glance)) {
        load_fail(client, "a message that is no map with a type");
        return;
    }
    if (bytes_is(glance.type, "changes"))
        on_data(client, &glance, message, true);
    else if (bytes_is(glance.type, "backfill"))
        on_data(client, &glance, message, false);
    else if (bytes_is(glance.type, "result"))
        on_result(client, &glance);
    else
        on_other(client, &glance, message);
}

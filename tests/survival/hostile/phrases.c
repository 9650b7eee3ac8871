/* The valid words that mutations begin from. */
#include "tests/survival/hostile/mutation.h"

#include "protocol/message.h"

void mutation_upgrade(struct buffer *out)
{
    static const char request[] = "GET / HTTP/1.1\r\n"
                                  "Host: localhost\r\n"
                                  "Connection: Upgrade\r\n"
                                  "Upgrade: websocket\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Protocol: " PROTOCOL_SUBPROTOCOL "\r\n\r\n";
    buffer_append(out, request, sizeof request - 1);
}

static struct id fresh_id(struct chance *chance)
{
    uint8_t random[10];
    for (size_t i = 0; i < sizeof random; i++) {
        random[i] = (uint8_t)chance_next(chance);
    }
    return id_make(chance_next(chance) >> 20, random);
}

static struct id known_id(const struct material *material, struct chance *chance)
{
    return material->ids[chance_below(chance, (uint32_t)material->id_count)];
}

void mutation_hello(struct buffer *out, const struct material *material, struct chance *chance)
{
    struct message message = {.type = MESSAGE_HELLO};
    struct buffer versions = {0};
    wire_put_array(&versions, 1);
    wire_put_uint(&versions, PROTOCOL_VERSION);
    message.as.hello.versions = buffer_bytes(&versions);
    message.as.hello.client = fresh_id(chance);
    message.as.hello.method = bytes_text("token");
    message.as.hello.secret = bytes_text(material->token);
    message.as.hello.agent = bytes_text("stranger");
    message_mark(&message, "secret");
    message_mark(&message, "agent");
    message_encode(out, &message);
    out->failed = out->failed || versions.failed;
    buffer_release(&versions);
}

void mutation_ping(struct buffer *out, uint64_t request)
{
    struct message message = {.type = MESSAGE_PING, .as.ping.request = request};
    message_mark(&message, "request");
    message_encode(out, &message);
}

static void put_change(struct buffer *out, const struct material *material, struct chance *chance)
{
    static const char *const ops[] = {"create", "update", "remove", "share"};
    uint32_t op = chance_below(chance, 4);
    struct id id = op == 0 ? fresh_id(chance) : known_id(material, chance);
    wire_put_map(out, op == 0 ? 4 : op == 2 ? 2 : 3);
    wire_put_text(out, "op");
    wire_put_text(out, ops[op]);
    wire_put_text(out, "id");
    wire_put_id(out, id);
    if (op == 0) {
        wire_put_text(out, "entity");
        wire_put_text(out, chance_below(chance, 2) ? "interaction" : "note");
    }
    if (op <= 1) {
        wire_put_text(out, "fields");
        wire_put_map(out, 2);
        wire_put_text(out, chance_below(chance, 2) ? "channel" : "text");
        wire_put_text(out, "Call");
        wire_put_text(out, "account");
        wire_put_id(out, known_id(material, chance));
    }
    if (op == 3) {
        static const uint8_t partners[TAG_SIZE] = {TAG_PARTNERS};
        wire_put_text(out, chance_below(chance, 2) ? "add" : "remove");
        wire_put_array(out, 1);
        wire_put_bin(out, bytes_of(partners, sizeof partners));
    }
}

static void put_ids(struct buffer *out, const struct material *material, struct chance *chance)
{
    uint32_t count = 1 + chance_below(chance, 4);
    wire_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_id(out, known_id(material, chance));
    }
}

static void put_where(struct buffer *out)
{
    wire_put_array(out, 1);
    wire_put_array(out, 3);
    wire_put_text(out, "subject");
    wire_put_text(out, "contains");
    wire_put_text(out, "call");
}

static void put_scopes(struct buffer *out, const struct material *material, struct chance *chance)
{
    uint8_t scope[SCOPE_SIZE];
    scope_put((struct scope){.kind = SCOPE_ACCOUNT, .id = known_id(material, chance)}, scope);
    wire_put_array(out, 1);
    wire_put_bin(out, bytes_of(scope, sizeof scope));
}

static void fill_writing(struct message *message, struct buffer *part,
                         const struct material *material, struct chance *chance)
{
    wire_put_array(part, 1);
    put_change(part, material, chance);
    message->as.mutate.number = 1 + chance_below(chance, 3);
    message->as.mutate.changes = buffer_bytes(part);
    message->as.mutate.base = chance_below(chance, 2);
    message_mark(message, "base");
}

static void fill_query(struct message *message, struct buffer *part, struct chance *chance)
{
    put_where(part);
    message->as.query.request = 7;
    message->as.query.entity = bytes_text("interaction");
    message->as.query.where = buffer_bytes(part);
    message->as.query.limit = 1 + chance_below(chance, 20);
    message_mark(message, "where");
    message_mark(message, "limit");
}

static void fill_subscribe(struct message *message, struct buffer *part,
                           const struct material *material, struct chance *chance)
{
    put_scopes(part, material, chance);
    message->as.subscribe.epoch = fresh_id(chance);
    message->as.subscribe.scopes = buffer_bytes(part);
    message_mark(message, "scopes");
}

void mutation_message(struct buffer *out, const struct material *material, struct chance *chance)
{
    static const enum message_type kinds[] = {
        MESSAGE_MUTATE,   MESSAGE_MUTATE,  MESSAGE_MUTATE,      MESSAGE_FETCH,  MESSAGE_QUERY,
        MESSAGE_TIMELINE, MESSAGE_HISTORY, MESSAGE_SUBSCRIBE,   MESSAGE_ACK,    MESSAGE_STATUS,
        MESSAGE_INVITE,   MESSAGE_PING,    MESSAGE_UNSUBSCRIBE, MESSAGE_GOODBYE};
    struct buffer part = {0};
    struct message message = {.type = kinds[chance_below(chance, sizeof kinds / sizeof *kinds)]};
    switch (message.type) {
    case MESSAGE_MUTATE:
        fill_writing(&message, &part, material, chance);
        break;
    case MESSAGE_FETCH:
        put_ids(&part, material, chance);
        message.as.fetch.request = 7;
        message.as.fetch.ids = buffer_bytes(&part);
        break;
    case MESSAGE_QUERY:
        fill_query(&message, &part, chance);
        break;
    case MESSAGE_TIMELINE:
        message.as.timeline.account = known_id(material, chance);
        break;
    case MESSAGE_HISTORY:
        message.as.history.id = known_id(material, chance);
        break;
    case MESSAGE_SUBSCRIBE:
        fill_subscribe(&message, &part, material, chance);
        break;
    case MESSAGE_ACK:
        message.as.ack.frames = 1;
        break;
    case MESSAGE_INVITE:
        message.as.invite.user = material->user;
        break;
    default:
        break;
    }
    message_encode(out, &message);
    out->failed = out->failed || part.failed;
    buffer_release(&part);
}

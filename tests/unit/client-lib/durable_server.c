#include "durable_server.h"

#include <stdio.h>

void durable_server_init(struct durable_server *shop)
{
    memset(shop, 0, sizeof *shop);
    shop->user = id_of(500);
    shop->name = "kari";
    shop->epoch = id_of(900);
    shop->seq = 100;
}

void durable_server_release(struct durable_server *shop)
{
    buffer_release(&shop->conflicts);
}

static struct durable_client *client_of(struct durable_server *shop, struct id id)
{
    for (size_t i = 0; i < shop->client_count; i++)
        if (id_equal(shop->clients[i].id, id))
            return &shop->clients[i];
    assert_true(shop->client_count < CLIENTS_MOST);
    shop->clients[shop->client_count].id = id;
    return &shop->clients[shop->client_count++];
}

static void welcome(struct durable_server *shop, const struct msg_hello *hello)
{
    struct message message = {.type = MESSAGE_WELCOME};
    shop->now = client_of(shop, hello->client);
    message.as.welcome.version = 1;
    message.as.welcome.user = shop->user;
    message.as.welcome.name = bytes_text(shop->name);
    message.as.welcome.role = bytes_text("Member");
    message.as.welcome.epoch = shop->epoch;
    message.as.welcome.last_number = shop->now->last;
    say(&message);
}

/* FNV-1a over what number_hash() of the server looks at. */
static uint64_t hash_of(const struct msg_mutate *mutate)
{
    uint64_t hash = 1469598103934665603u ^ mutate->base;
    for (size_t i = 0; i < mutate->changes.size; i++)
        hash = (hash ^ mutate->changes.data[i]) * 1099511628211u;
    return hash;
}

static void apply(struct durable_server *shop, const struct msg_mutate *mutate)
{
    struct wire_reader reader = wire_read(mutate->changes);
    struct bytes change, fields, text;
    uint32_t count = 0;
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i < count; i++) {
        assert_true(wire_skip(&reader, &change));
        if (wire_map_find(change, "fields", &fields) && wire_map_str(fields, "text", &text)) {
            assert_true(shop->text_count < ANSWERS_MOST);
            bytes_to_text(text, shop->texts[shop->text_count++], TEXT_MOST);
        }
    }
}

static void answer(struct durable_server *shop, uint64_t number, const char *status, uint64_t seq)
{
    struct message result = {.type = MESSAGE_RESULT};
    result.as.result.number = number;
    result.as.result.status = bytes_text(status);
    result.as.result.seq = seq;
    if (seq != 0)
        message_mark(&result, "seq");
    if (strcmp(status, "conflict") == 0) {
        result.as.result.conflicts = buffer_bytes(&shop->conflicts);
        message_mark(&result, "conflicts");
    }
    if (strcmp(status, "ok") != 0) {
        result.as.result.detail = bytes_text("words of the server");
        message_mark(&result, "detail");
    }
    say(&result);
}

static bool is_noted(const char *status)
{
    return !status_retry(status_from_name(bytes_text(status)));
}

static void take_new(struct durable_server *shop, const struct msg_mutate *mutate, uint64_t hash)
{
    const char *status = shop->refuse != NULL ? shop->refuse : "ok";
    if (!shop->refuse_always)
        shop->refuse = NULL;
    if (!is_noted(status)) {
        answer(shop, mutate->number, status, 0);
        return;
    }
    struct durable_answer *noted = &shop->now->answers[mutate->number];
    shop->now->last = mutate->number;
    *noted = (struct durable_answer){.hash = hash};
    snprintf(noted->status, sizeof noted->status, "%s", status);
    if (strcmp(status, "ok") == 0) {
        noted->seq = ++shop->seq;
        apply(shop, mutate);
    }
    answer(shop, mutate->number, noted->status, noted->seq);
}

static void mutate_once(struct durable_server *shop, const struct msg_mutate *mutate)
{
    struct durable_client *client = shop->now;
    uint64_t hash = hash_of(mutate);
    assert_non_null(client);
    assert_true(mutate->number < ANSWERS_MOST);
    assert_true(mutate->answered < mutate->number);
    for (uint64_t i = 1; i <= mutate->answered && i <= client->last; i++)
        client->answers[i].forgotten = true;
    if (mutate->number > client->last + 1) {
        answer(shop, mutate->number, "number-gap", 0);
    } else if (mutate->number == client->last + 1) {
        take_new(shop, mutate, hash);
    } else {
        const struct durable_answer *noted = &client->answers[mutate->number];
        assert_false(noted->forgotten); /* it was told that this one is recorded */
        if (noted->hash != hash)
            answer(shop, mutate->number, "number-reused", 0);
        else
            answer(shop, mutate->number, noted->status, noted->seq);
    }
}

void durable_serve(struct durable_server *shop)
{
    while (server.sent_seen < server.sent_count && server.inbox_count < 60) {
        const struct message *message = &server.sent[server.sent_seen++].message;
        if (message->type == MESSAGE_HELLO)
            welcome(shop, &message->as.hello);
        else if (message->type == MESSAGE_MUTATE)
            mutate_once(shop, &message->as.mutate);
    }
}

void durable_forget_frames(void)
{
    if (server.sent_seen == server.sent_count) {
        for (size_t i = 0; i < server.sent_count; i++)
            buffer_release(&server.sent[i].frame);
        server.sent_count = server.sent_seen = 0;
    }
    if (server.inbox_used == server.inbox_count) {
        for (size_t i = 0; i < server.inbox_count; i++)
            buffer_release(&server.inbox[i]);
        server.inbox_count = server.inbox_used = 0;
    }
}

void durable_settle(struct world *world, struct durable_server *shop)
{
    for (int turn = 0; turn < 400; turn++) {
        int due = tandem_timeout(world->client);
        if (server.link == NULL && due > 0)
            world->port.now += (uint64_t)due;
        assert_ok(tandem_service(world->client));
        bool quiet = server.sent_seen == server.sent_count &&
                     server.inbox_used == server.inbox_count && server.link != NULL;
        durable_forget_frames();
        durable_serve(shop);
        if (quiet && server.inbox_used == server.inbox_count)
            return;
    }
    fail_msg("it does not come to rest");
}

void durable_crash(struct world *world)
{
    client_abandon(world->client);
    world->client = NULL;
    server.sent_seen = server.sent_count;
    server.inbox_used = server.inbox_count;
    server.closing = false;
    durable_forget_frames();
}

void durable_start(struct world *world)
{
    open_client(world, true);
    assert_ok(tandem_connect(world->client, &usual, NULL));
}

unsigned durable_count(const struct durable_server *shop, const char *text)
{
    unsigned count = 0;
    for (size_t i = 0; i < shop->text_count; i++)
        count += strcmp(shop->texts[i], text) == 0;
    return count;
}

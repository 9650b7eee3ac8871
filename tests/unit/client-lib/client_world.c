#include "client_world.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- The link ---- */

struct link {
    struct link_events events;
    bool told_open;
};

struct server server;

static enum status fake_open(const struct link_config *config, const struct port *port,
                             const struct link_events *events, struct link **out,
                             tandem_fault *fault)
{
    (void)config;
    (void)port;
    (void)fault;
    if (server.refuse) {
        fault->code = STATUS_UNREACHABLE;
        snprintf(fault->detail, sizeof fault->detail, "refused");
        return STATUS_UNREACHABLE;
    }
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->events = *events;
    server.link = *out;
    server.opened++;
    return STATUS_OK;
}

static void fake_free(struct link *link)
{
    if (server.link == link)
        server.link = NULL;
    server.freed++;
    free(link);
}

static int fake_fd(const struct link *link)
{
    (void)link;
    return server.fd;
}

static int fake_want(const struct link *link)
{
    (void)link;
    return server.want;
}

static bool fake_more(const struct link *link)
{
    (void)link;
    return false;
}

static void fake_run(struct link *link)
{
    if (server.slow)
        return;
    if (!link->told_open) {
        link->told_open = true;
        link->events.opened(link->events.context);
    }
    while (server.inbox_used < server.inbox_count) {
        const struct buffer *frame = &server.inbox[server.inbox_used++];
        link->events.message(link->events.context, buffer_bytes(frame));
    }
    if (server.closing) {
        tandem_fault fault = {.code = STATUS_UNREACHABLE, .change = -1, .detail = "gone"};
        server.closing = false;
        link->events.closed(link->events.context, server.close_code, &fault);
    }
}

static enum status fake_send(struct link *link, struct bytes frame)
{
    (void)link;
    assert_true(server.sent_count < SENT_MAX);
    struct sent *sent = &server.sent[server.sent_count];
    buffer_append(&sent->frame, frame.data, frame.size);
    if (sent->frame.failed) {
        buffer_release(&sent->frame);
        return STATUS_NO_MEMORY;
    }
    server.sent_count++;
    return message_decode(buffer_bytes(&sent->frame), &sent->message, NULL);
}

static void fake_close(struct link *link, unsigned close_code)
{
    (void)link;
    server.client_close = close_code;
}

static const struct link_ops fake_ops = {fake_open, fake_free, fake_fd,   fake_want,
                                         fake_more, fake_run,  fake_send, fake_close};

/* ---- The script's words ---- */

static const struct id epoch = {{0xee, 1}};

static void take_event(void *context, const tandem_event *event)
{
    struct world *world = context;
    if (world->watch != NULL)
        world->watch(world, event);
    assert_true(world->told_count < TOLD_MAX);
    struct told *told = &world->told[world->told_count++];
    *told = (struct told){.kind = event->kind,
                          .code = event->code,
                          .final = event->final,
                          .seq = event->seq,
                          .entry = event->entry};
    snprintf(told->id, sizeof told->id, "%s", event->id);
    snprintf(told->scope, sizeof told->scope, "%s", event->scope);
    snprintf(told->detail, sizeof told->detail, "%s", event->detail);
    if (event->record != NULL)
        snprintf(told->title, sizeof told->title, "%s", tandem_record_title(event->record));
}

void open_client(struct world *world, bool with_replica)
{
    const tandem_options options = {
        .replica = with_replica ? world->folder : NULL, .on_event = take_event, .context = world};
    assert_ok(client_open(&options, &world->port.port, &fake_ops, &world->client, NULL));
}

int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    memset(&server, 0, sizeof server);
    server.fd = -1;
    server.want = TANDEM_WANT_READ;
    fake_port_init(&world.port);
    world.folder = folder_new();
    *state = &world;
    return 0;
}

int tear_down(void **state)
{
    struct world *world = *state;
    tandem_close(world->client);
    assert_int_equal(server.opened, server.freed);
    for (size_t i = 0; i < server.sent_count; i++)
        buffer_release(&server.sent[i].frame);
    for (size_t i = 0; i < server.inbox_count; i++)
        buffer_release(&server.inbox[i]);
    folder_remove(world->folder);
    return 0;
}

const struct message *expect_sent(enum message_type type)
{
    assert_true(server.sent_seen < server.sent_count);
    const struct message *message = &server.sent[server.sent_seen++].message;
    assert_string_equal(message_name(message->type), message_name(type));
    return message;
}

void expect_nothing_sent(void)
{
    assert_int_equal(server.sent_seen, server.sent_count);
}

void say(const struct message *message)
{
    assert_true(server.inbox_count < sizeof server.inbox / sizeof *server.inbox);
    struct buffer *frame = &server.inbox[server.inbox_count++];
    message_encode(frame, message);
    assert_false(frame->failed);
}

void say_welcome(uint64_t last_number, const char *token)
{
    struct message welcome = {.type = MESSAGE_WELCOME};
    static struct buffer parties;
    buffer_clear(&parties);
    wire_put_array(&parties, 1);
    wire_put_map(&parties, 3);
    wire_put_text(&parties, "id");
    wire_put_id(&parties, id_of(77));
    wire_put_text(&parties, "name");
    wire_put_text(&parties, "Sales");
    wire_put_text(&parties, "kind");
    wire_put_text(&parties, "department");
    welcome.as.welcome.version = 1;
    welcome.as.welcome.user = id_of(500);
    welcome.as.welcome.name = bytes_text("kari");
    welcome.as.welcome.role = bytes_text("Member");
    welcome.as.welcome.parties = buffer_bytes(&parties);
    message_mark(&welcome, "parties");
    welcome.as.welcome.epoch = epoch;
    welcome.as.welcome.last_number = last_number;
    if (token != NULL) {
        welcome.as.welcome.token = bytes_text(token);
        message_mark(&welcome, "token");
    }
    say(&welcome);
}

void say_error(const char *name, uint64_t request, uint64_t retry_after)
{
    struct message error = {.type = MESSAGE_ERROR};
    error.as.error.name = bytes_text(name);
    error.as.error.text = bytes_text("words of the server");
    if (request != 0) {
        error.as.error.request = request;
        message_mark(&error, "request");
    }
    error.as.error.retry_after = retry_after;
    if (retry_after != 0)
        message_mark(&error, "retryAfter");
    say(&error);
}

void say_result(uint64_t number, const char *status, uint64_t seq)
{
    struct message result = {.type = MESSAGE_RESULT};
    result.as.result.number = number;
    result.as.result.status = bytes_text(status);
    result.as.result.seq = seq;
    if (seq != 0)
        message_mark(&result, "seq");
    say(&result);
}

void say_changes(uint64_t from, uint64_t to, unsigned id)
{
    static struct buffer list;
    const struct made made = {.id = id, .seq = to, .name = "Ring"};
    struct message changes = {.type = MESSAGE_CHANGES};
    changes.as.changes.from = from;
    changes.as.changes.to = to;
    changes.as.changes.records = records_of(&list, &made, 1);
    message_mark(&changes, "records");
    say(&changes);
}

void hang_up(unsigned close_code)
{
    server.closing = true;
    server.close_code = close_code;
}

const tandem_server usual = {.url = "wss://localhost", .user = "kari", .secret = "secret"};

void connect_with(struct world *world, const tandem_server *to)
{
    assert_ok(tandem_connect(world->client, to, NULL));
    assert_ok(tandem_service(world->client)); /* connects and says hello */
    (void)expect_sent(MESSAGE_HELLO);
}

void sign_in(struct world *world, uint64_t last_number)
{
    connect_with(world, &usual);
    say_welcome(last_number, NULL);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

void reconnect(struct world *world, uint64_t last_number)
{
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_HELLO);
    say_welcome(last_number, NULL);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

const struct told *last_told(const struct world *world)
{
    assert_true(world->told_count > 0);
    return &world->told[world->told_count - 1];
}

void take_result(void *context, const tandem_result *result)
{
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->code = result->code;
    outcome->seq = result->seq;
    outcome->fault = *result->fault;
    outcome->conflicts = result->conflict_count;
    if (result->conflict_count > 0)
        snprintf(outcome->theirs, sizeof outcome->theirs, "%s by %s", result->conflicts[0].theirs,
                 result->conflicts[0].by);
}

tandem_code send_note(struct world *world, const char *text, struct outcome *outcome)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_ok(tandem_set_text(mutation, "text", text));
    tandem_code code = tandem_send(world->client, mutation, take_result, outcome);
    tandem_mutation_free(mutation);
    return code;
}

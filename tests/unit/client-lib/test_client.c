/* A client handle against a server that is the script of each test, at the end of a link without a
 * network; time stands still until the test moves it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/client.h"
#include "client-lib/json.h"

#define SENT_MAX 256
#define TOLD_MAX 64

/* ---- The link ---- */

struct sent {
    struct buffer frame;
    struct message message;
};

struct server {
    struct link *link; /* the open one */
    unsigned opened, freed;
    bool refuse; /* connections cannot be opened */
    struct sent sent[SENT_MAX];
    size_t sent_count, sent_seen;
    struct buffer inbox[64]; /* frames for the client */
    size_t inbox_count, inbox_used;
    bool closing;
    unsigned close_code, client_close;
};

struct link {
    struct link_events events;
    bool told_open;
};

static struct server server;

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
    return -1;
}

static int fake_want(const struct link *link)
{
    (void)link;
    return TANDEM_WANT_READ;
}

static bool fake_more(const struct link *link)
{
    (void)link;
    return false;
}

static void fake_run(struct link *link)
{
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
    struct sent *sent = &server.sent[server.sent_count++];
    buffer_append(&sent->frame, frame.data, frame.size);
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

struct told {
    tandem_event_kind kind;
    tandem_code code;
    bool final;
    uint64_t seq;
    char id[ID_TEXT_SIZE];
    char detail[256];
    char title[64];
};

struct world {
    struct fake_port port;
    tandem_client *client;
    char *folder;
    struct told told[TOLD_MAX];
    size_t told_count;
};

static const struct id epoch = {{0xee, 1}};

static void take_event(void *context, const tandem_event *event)
{
    struct world *world = context;
    assert_true(world->told_count < TOLD_MAX);
    struct told *told = &world->told[world->told_count++];
    *told = (struct told){event->kind, event->code, event->final, event->seq, "", "", ""};
    snprintf(told->id, sizeof told->id, "%s", event->id);
    snprintf(told->detail, sizeof told->detail, "%s", event->detail);
    if (event->record != NULL)
        snprintf(told->title, sizeof told->title, "%s", tandem_record_title(event->record));
}

static void open_client(struct world *world, bool with_replica)
{
    const tandem_options options = {
        .replica = with_replica ? world->folder : NULL, .on_event = take_event, .context = world};
    assert_ok(client_open(&options, &world->port.port, &fake_ops, &world->client, NULL));
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    memset(&server, 0, sizeof server);
    fake_port_init(&world.port);
    world.folder = folder_new();
    *state = &world;
    return 0;
}

static int tear_down(void **state)
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

static const struct message *expect_sent(enum message_type type)
{
    assert_true(server.sent_seen < server.sent_count);
    const struct message *message = &server.sent[server.sent_seen++].message;
    assert_string_equal(message_name(message->type), message_name(type));
    return message;
}

static void expect_nothing_sent(void)
{
    assert_int_equal(server.sent_seen, server.sent_count);
}

/* Puts a message into the client's inbox; it arrives with the next service call. */
static void say(const struct message *message)
{
    assert_true(server.inbox_count < sizeof server.inbox / sizeof *server.inbox);
    struct buffer *frame = &server.inbox[server.inbox_count++];
    message_encode(frame, message);
    assert_false(frame->failed);
}

static void say_welcome(uint64_t last_number, const char *token)
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

static void say_error(const char *name, uint64_t request, uint64_t retry_after)
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

static void say_result(uint64_t number, const char *status, uint64_t seq)
{
    struct message result = {.type = MESSAGE_RESULT};
    result.as.result.number = number;
    result.as.result.status = bytes_text(status);
    result.as.result.seq = seq;
    if (seq != 0)
        message_mark(&result, "seq");
    say(&result);
}

static void hang_up(unsigned close_code)
{
    server.closing = true;
    server.close_code = close_code;
}

static const tandem_server usual = {.url = "wss://localhost", .user = "kari", .secret = "secret"};

static void connect_with(struct world *world, const tandem_server *to)
{
    assert_ok(tandem_connect(world->client, to, NULL));
    assert_ok(tandem_service(world->client)); /* connects and says hello */
    (void)expect_sent(MESSAGE_HELLO);
}

static void sign_in(struct world *world, uint64_t last_number)
{
    connect_with(world, &usual);
    say_welcome(last_number, NULL);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

/* Waits as long as the client says and lets it connect again. */
static void reconnect(struct world *world, uint64_t last_number)
{
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_HELLO);
    say_welcome(last_number, NULL);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

static const struct told *last_told(const struct world *world)
{
    assert_true(world->told_count > 0);
    return &world->told[world->told_count - 1];
}

struct outcome {
    unsigned calls;
    tandem_code code;
    uint64_t seq;
    tandem_fault fault;
    size_t conflicts;
    char theirs[64];
};

static void take_result(void *context, const tandem_result *result)
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

static tandem_code send_note(struct world *world, const char *text, struct outcome *outcome)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_ok(tandem_set_text(mutation, "text", text));
    tandem_code code = tandem_send(world->client, mutation, take_result, outcome);
    tandem_mutation_free(mutation);
    return code;
}

/* Outcomes outlive their test: closing the client in tear_down answers what is left. */
#define OUTCOMES(count)                                                                            \
    static struct outcome outcomes[count];                                                         \
    memset(outcomes, 0, sizeof outcomes)

/* ---- Signing in ---- */

static void hello_carries_what_the_caller_said(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_int_equal(tandem_timeout(world->client), 0);
    assert_ok(tandem_service(world->client));
    const struct message *hello = expect_sent(MESSAGE_HELLO);
    assert_true(bytes_is(hello->as.hello.method, "password"));
    assert_true(bytes_is(hello->as.hello.user, "kari"));
    assert_true(bytes_is(hello->as.hello.secret, "secret"));
    assert_false(message_has(hello, "newSecret"));
    assert_false(message_has(hello, "remember"));
    assert_false(id_is_zero(hello->as.hello.client));
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_CONNECTED);
    assert_string_equal(tandem_user_name(world->client), "kari");
    assert_string_equal(tandem_user_role(world->client), "Member");
    assert_string_equal(tandem_user_id(world->client), id_text(500));
    assert_int_equal(tandem_party_count(world->client), 1);
    assert_string_equal(tandem_party_name(world->client, 0), "Sales");
    assert_string_equal(tandem_party_id(world->client, 0), id_text(77));
    assert_null(tandem_party_name(world->client, 1));
    assert_null(tandem_token(world->client));
}

static void what_cannot_work_is_refused_before_connecting(void **state)
{
    struct world *world = *state;
    tandem_fault fault;
    tandem_server wrong = usual;
    open_client(world, false);
    wrong.url = "http://localhost";
    assert_int_equal(tandem_connect(world->client, &wrong, &fault), STATUS_USAGE);
    assert_string_equal(fault.field, "url");
    wrong = usual;
    wrong.secret = NULL;
    assert_int_equal(tandem_connect(world->client, &wrong, &fault), STATUS_USAGE);
    assert_string_equal(fault.field, "secret");
    assert_int_equal(tandem_fd(world->client), -1);
    assert_int_equal(tandem_wait(world->client, 0), STATUS_USAGE);
}

static void a_replica_keeps_the_clients_id_and_a_handle_without_one_has_its_own(void **state)
{
    struct world *world = *state;
    struct id ids[4];
    for (int i = 0; i < 4; i++) {
        open_client(world, i < 2);
        assert_ok(tandem_connect(world->client, &usual, NULL));
        assert_ok(tandem_service(world->client));
        ids[i] = expect_sent(MESSAGE_HELLO)->as.hello.client;
        tandem_close(world->client);
        world->client = NULL;
    }
    assert_true(id_equal(ids[0], ids[1]));
    assert_false(id_equal(ids[1], ids[2]));
    assert_false(id_equal(ids[2], ids[3]));
}

static void a_token_is_kept_and_used_from_then_on(void **state)
{
    struct world *world = *state;
    tandem_server remember = usual;
    remember.remember = true;
    open_client(world, false);
    connect_with(world, &remember);
    say_welcome(0, "tok-1");
    assert_ok(tandem_service(world->client));
    assert_string_equal(tandem_token(world->client), "tok-1");
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client));
    const struct message *hello = expect_sent(MESSAGE_HELLO);
    assert_true(bytes_is(hello->as.hello.method, "token"));
    assert_true(bytes_is(hello->as.hello.secret, "tok-1"));
    assert_false(message_has(hello, "user"));
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    assert_string_equal(tandem_token(world->client), "tok-1");
}

static void after_a_one_time_code_the_new_password_signs_in(void **state)
{
    struct world *world = *state;
    tandem_server code = usual;
    code.method = TANDEM_SIGN_IN_CODE;
    code.new_secret = "long enough";
    open_client(world, false);
    assert_ok(tandem_connect(world->client, &code, NULL));
    assert_ok(tandem_service(world->client));
    const struct message *hello = expect_sent(MESSAGE_HELLO);
    assert_true(bytes_is(hello->as.hello.method, "code"));
    assert_true(bytes_is(hello->as.hello.new_secret, "long enough"));
    say_welcome(0, NULL);
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client));
    hello = expect_sent(MESSAGE_HELLO);
    assert_true(bytes_is(hello->as.hello.method, "password"));
    assert_true(bytes_is(hello->as.hello.secret, "long enough"));
}

/* ---- Losing the connection ---- */

static void a_refused_sign_in_is_final(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    connect_with(world, &usual);
    say_error("sign-in-failed", 0, 0);
    hang_up(4001);
    assert_int_equal(tandem_service(world->client), STATUS_SIGN_IN_FAILED);
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_DISCONNECTED);
    assert_int_equal(last_told(world)->code, STATUS_SIGN_IN_FAILED);
    assert_true(last_told(world)->final);
    assert_string_equal(last_told(world)->detail, "words of the server");
    assert_int_equal(tandem_timeout(world->client), -1);
    assert_int_equal(tandem_wait(world->client, 0), STATUS_SIGN_IN_FAILED);
    /* The same without the close code. */
    connect_with(world, &usual);
    say_error("sign-in-failed", 0, 0);
    hang_up(0);
    assert_int_equal(tandem_service(world->client), STATUS_SIGN_IN_FAILED);
}

static void too_many_attempts_waits_as_long_as_told(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    connect_with(world, &usual);
    say_error("too-many-attempts", 0, 90000);
    hang_up(4001);
    assert_ok(tandem_service(world->client));
    assert_false(last_told(world)->final);
    assert_in_range(tandem_timeout(world->client), 90000, 91000);
}

static void close_codes_decide_whether_to_come_back(void **state)
{
    static const struct {
        unsigned close_code;
        enum status status;
        bool final;
        int least, most;
    } cases[] = {
        {1000, STATUS_UNREACHABLE, false, 0, 250},
        {1005, STATUS_UNREACHABLE, false, 0, 250},
        {4000, STATUS_UNEXPECTED, true, -1, -1},
        {4001, STATUS_SIGN_IN_FAILED, true, -1, -1},
        {4002, STATUS_NOT_SIGNED_IN, true, -1, -1},
        {4003, STATUS_SHUTTING_DOWN, false, 0, 250},
        {4004, STATUS_UNREACHABLE, false, 0, 250},
        {4005, STATUS_RATE_LIMITED, false, 60000, 60250},
        {4006, STATUS_UNSUPPORTED_VERSION, true, -1, -1},
        {4007, STATUS_INTERNAL, false, 0, 250},
        {4999, STATUS_UNREACHABLE, false, 0, 250},
    };
    struct world *world = *state;
    open_client(world, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sign_in(world, 0);
        hang_up(cases[i].close_code);
        tandem_code code = tandem_service(world->client);
        assert_int_equal(code, cases[i].final ? cases[i].status : STATUS_OK);
        assert_int_equal(last_told(world)->code, cases[i].status);
        assert_int_equal(last_told(world)->final, cases[i].final);
        int timeout = tandem_timeout(world->client);
        assert_true(timeout >= cases[i].least && timeout <= cases[i].most);
    }
}

static void pauses_grow_with_failures_up_to_their_bound(void **state)
{
    struct world *world = *state;
    uint64_t longest = 0, total = 0;
    open_client(world, false);
    server.refuse = true;
    assert_ok(tandem_connect(world->client, &usual, NULL));
    for (unsigned failures = 0; failures < 60; failures++) {
        uint64_t most = failures < 7 ? 250u << failures : 30000;
        assert_ok(tandem_service(world->client));
        assert_int_equal(last_told(world)->code, STATUS_UNREACHABLE);
        world->told_count = 0;
        uint64_t pause = (uint64_t)tandem_timeout(world->client);
        assert_true(pause <= most);
        longest = pause > longest ? pause : longest;
        total += pause;
        world->port.now += pause;
    }
    assert_true(longest > 20000);    /* they do grow ... */
    assert_true(total < 60 * 25000); /* ... and are spread over their range */
    server.refuse = false;
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_HELLO);
    say_welcome(0, NULL);
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_timeout(world->client) <= 250); /* a success starts the count anew */
}

static void once_makes_the_first_failure_final(void **state)
{
    struct world *world = *state;
    tandem_server once = usual;
    once.once = true;
    open_client(world, false);
    server.refuse = true;
    assert_ok(tandem_connect(world->client, &once, NULL));
    assert_int_equal(tandem_service(world->client), STATUS_UNREACHABLE);
    assert_true(last_told(world)->final);
}

static void a_silent_client_pings_and_a_silent_server_is_left(void **state)
{
    struct world *world = *state;
    struct message pong = {.type = MESSAGE_PONG};
    open_client(world, false);
    sign_in(world, 0);
    assert_int_equal(tandem_timeout(world->client), 25000);
    world->port.now += 24999;
    assert_ok(tandem_service(world->client));
    expect_nothing_sent();
    world->port.now += 1;
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_PING);
    say(&pong);
    assert_ok(tandem_service(world->client));
    for (int i = 0; i < 2; i++) {
        world->port.now += 25000;
        assert_ok(tandem_service(world->client));
        (void)expect_sent(MESSAGE_PING);
    }
    assert_int_equal(tandem_timeout(world->client), 10000);
    world->port.now += 10000;
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_DISCONNECTED);
    assert_false(tandem_connected(world->client));
}

static void a_server_that_does_not_answer_is_left(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    connect_with(world, &usual);
    world->port.now += CLIENT_ATTEMPT;
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->code, STATUS_UNREACHABLE);
}

static void a_malformed_frame_breaks_the_connection_off(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    sign_in(world, 0);
    buffer_append(&server.inbox[server.inbox_count++], "\x81\xa4type", 6);
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->code, STATUS_MALFORMED);
    assert_int_equal(server.client_close, 1002);
    /* A message of a later version is passed over. */
    reconnect(world, 0);
    buffer_append(&server.inbox[server.inbox_count++], "\x81\xa4type\xa5novel", 12);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

/* ---- Mutations ---- */

static void mutations_are_numbered_from_where_the_server_stands(void **state)
{
    struct world *world = *state;
    OUTCOMES(3);
    open_client(world, false);
    assert_ok(send_note(world, "before connecting", &outcomes[0]));
    sign_in(world, 41);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 42);
    assert_ok(send_note(world, "after", &outcomes[1]));
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 43);
    assert_int_equal(tandem_unanswered(world->client), 2);
    say_result(42, "ok", 1001);
    say_result(43, "invalid-value", 0);
    say_result(43, "invalid-value", 0); /* again: nobody is told twice */
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].calls, 1);
    assert_int_equal(outcomes[0].code, STATUS_OK);
    assert_int_equal(outcomes[0].seq, 1001);
    assert_int_equal(outcomes[1].calls, 1);
    assert_int_equal(outcomes[1].code, STATUS_INVALID_VALUE);
    assert_int_equal(tandem_unanswered(world->client), 0);
    assert_ok(send_note(world, "third", &outcomes[2]));
    const struct message *mutate = expect_sent(MESSAGE_MUTATE);
    assert_int_equal(mutate->as.mutate.number, 44);
    assert_int_equal(mutate->as.mutate.answered, 43);
}

static void what_was_not_answered_is_sent_again_unchanged(void **state)
{
    struct world *world = *state;
    OUTCOMES(3);
    open_client(world, false);
    sign_in(world, 0);
    for (int i = 0; i < 3; i++)
        assert_ok(send_note(world, "note", &outcomes[i]));
    size_t first = server.sent_seen;
    server.sent_seen += 3;
    say_result(1, "ok", 5);
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    assert_int_equal(tandem_unanswered(world->client), 2);
    reconnect(world, 2); /* the server had taken the second, but its answer was lost */
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, i + 1);
        assert_true(bytes_equal(buffer_bytes(&server.sent[first + i].frame),
                                buffer_bytes(&server.sent[server.sent_seen - 1].frame)));
    }
    expect_nothing_sent();
    say_result(2, "ok", 6);
    say_result(3, "ok", 7);
    assert_ok(tandem_service(world->client));
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].calls, 1);
}

static void a_server_that_lost_numbers_gets_new_ones(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    open_client(world, false);
    sign_in(world, 10);
    assert_ok(send_note(world, "note", &outcomes[0]));
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 11);
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    reconnect(world, 4); /* restored from a backup */
    const struct message *mutate = expect_sent(MESSAGE_MUTATE);
    assert_int_equal(mutate->as.mutate.number, 5);
    assert_int_equal(mutate->as.mutate.answered, 4);
}

static void what_the_server_could_not_take_is_sent_again_in_order(void **state)
{
    struct world *world = *state;
    OUTCOMES(4);
    open_client(world, false);
    sign_in(world, 0);
    for (int i = 0; i < 3; i++)
        assert_ok(send_note(world, "note", &outcomes[i]));
    server.sent_seen += 3;
    say_result(1, "ok", 5);
    say_result(2, "busy", 0);
    say_result(3, "number-gap", 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].calls, 1);
    assert_int_equal(tandem_unanswered(world->client), 2);
    /* Another one must not overtake them. */
    assert_ok(send_note(world, "note", &outcomes[3]));
    expect_nothing_sent();
    assert_in_range(tandem_timeout(world->client), 1, 251);
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client));
    for (uint64_t number = 2; number <= 4; number++) {
        assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, number);
        say_result(number, "ok", number);
    }
    assert_ok(tandem_service(world->client));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, STATUS_OK);
    }
}

static void a_program_that_does_not_reconnect_is_told_that_the_server_is_read_only(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    tandem_server once = usual;
    once.once = true;
    open_client(world, false);
    connect_with(world, &once);
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    for (int i = 0; i < 2; i++)
        assert_ok(send_note(world, "note", &outcomes[i]));
    server.sent_seen += 2;
    say_result(1, "read-only", 0);
    say_result(2, "number-gap", 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].code, STATUS_READ_ONLY);
    assert_int_equal(outcomes[1].calls, 0);
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client));
    /* The second has taken over the number that is free. */
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 1);
    say_result(1, "ok", 9);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[1].seq, 9);
}

static void a_real_gap_asks_the_server_where_it_stands(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    open_client(world, false);
    sign_in(world, 7);
    assert_ok(send_note(world, "note", &outcomes[0]));
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 8);
    say_result(8, "number-gap", 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].calls, 0);
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_DISCONNECTED);
    reconnect(world, 2);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 3);
}

static void at_most_64_mutations_wait(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    open_client(world, false);
    for (int i = 0; i < 64; i++)
        assert_ok(send_note(world, "note", &outcomes[0]));
    assert_int_equal(send_note(world, "note", &outcomes[0]), STATUS_LIMIT);
    tandem_close(world->client);
    world->client = NULL;
    assert_int_equal(outcomes[0].calls, 64);
    assert_int_equal(outcomes[0].code, STATUS_CANCELLED);
}

static void conflicts_are_told_with_both_sides(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    struct message result = {.type = MESSAGE_RESULT};
    struct buffer conflicts = {0};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(send_note(world, "note", &outcomes[0]));
    wire_put_array(&conflicts, 1);
    wire_put_map(&conflicts, 6);
    wire_put_text(&conflicts, "id");
    wire_put_id(&conflicts, id_of(3));
    wire_put_text(&conflicts, "field");
    wire_put_text(&conflicts, "amount");
    wire_put_text(&conflicts, "theirs");
    wire_put_map(&conflicts, 2);
    wire_put_text(&conflicts, "amount");
    wire_put_int(&conflicts, 125050);
    wire_put_text(&conflicts, "currency");
    wire_put_text(&conflicts, "NOK");
    wire_put_text(&conflicts, "by");
    wire_put_text(&conflicts, "nils");
    wire_put_text(&conflicts, "at");
    wire_put_int(&conflicts, 5);
    wire_put_text(&conflicts, "seq");
    wire_put_uint(&conflicts, 9);
    result.as.result.number = 1;
    result.as.result.status = bytes_text("conflict");
    result.as.result.conflicts = buffer_bytes(&conflicts);
    message_mark(&result, "conflicts");
    result.as.result.change = 0;
    message_mark(&result, "change");
    result.as.result.field = bytes_text("amount");
    message_mark(&result, "field");
    say(&result);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].code, STATUS_CONFLICT);
    assert_int_equal(outcomes[0].fault.change, 0);
    assert_string_equal(outcomes[0].fault.field, "amount");
    assert_int_equal(outcomes[0].conflicts, 1);
    assert_string_equal(outcomes[0].theirs, "1250.50 NOK by nils");
    buffer_release(&conflicts);
}

static void goodbye_ends_the_numbers_only_of_a_handle_that_is_done(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    for (int i = 0; i < 3; i++) {
        open_client(world, i == 2);
        sign_in(world, 0);
        if (i == 1) {
            assert_ok(send_note(world, "note", &outcomes[0]));
            (void)expect_sent(MESSAGE_MUTATE);
        }
        tandem_close(world->client);
        world->client = NULL;
        assert_int_equal(expect_sent(MESSAGE_GOODBYE)->as.goodbye.forget, i == 0);
        assert_int_equal(server.client_close, 1000);
    }
}

/* ---- The subscription ---- */

static void events_of_the_subscription_reach_the_caller(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 8, .seq = 3, .name = "Ring before nine\nand bring cake"};
    const unsigned removed[] = {8};
    struct message changes = {.type = MESSAGE_CHANGES};
    struct buffer list = {0};
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    sign_in(world, 0);
    (void)expect_sent(MESSAGE_SUBSCRIBE);
    changes.as.changes.to = 3;
    changes.as.changes.records = records_of(&list, &made, 1);
    message_mark(&changes, "records");
    say(&changes);
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_CHANGED);
    assert_string_equal(last_told(world)->title, "Ring before nine");
    assert_int_equal(tandem_cursor(world->client), 3);
    changes = (struct message){.type = MESSAGE_CHANGES};
    changes.as.changes.from = 3;
    changes.as.changes.to = 4;
    changes.as.changes.removed = ids_of(&list, removed, 1);
    message_mark(&changes, "removed");
    say(&changes);
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_REMOVED);
    assert_string_equal(last_told(world)->id, id_text(8));
    assert_string_equal(last_told(world)->title, "Ring before nine");
    buffer_release(&list);
}

static void a_lost_connection_subscribes_again_from_the_cursor(void **state)
{
    struct world *world = *state;
    struct message changes = {.type = MESSAGE_CHANGES};
    open_client(world, true);
    sign_in(world, 0);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    (void)expect_sent(MESSAGE_SUBSCRIBE);
    changes.as.changes.to = 12;
    say(&changes);
    hang_up(4004);
    assert_ok(tandem_service(world->client));
    reconnect(world, 0);
    assert_int_equal(expect_sent(MESSAGE_SUBSCRIBE)->as.subscribe.cursor, 12);
}

static void without_a_replica_there_is_no_subscription(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    assert_int_equal(tandem_subscribe(world->client, NULL, 0), STATUS_USAGE);
    assert_int_equal(tandem_get(world->client, id_text(1), NULL, NULL), STATUS_USAGE);
}

/* ---- Requests ---- */

struct pages {
    struct world *world;
    unsigned calls, last, failed;
    size_t records;
    tandem_code code;
    bool drop; /* connect anew from inside the callback */
};

static bool count_record(void *context, const tandem_record *record)
{
    struct pages *pages = context;
    assert_non_null(tandem_record_id(record));
    pages->records++;
    return true;
}

static void take_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct pages *pages = context;
    pages->calls++;
    pages->code = fault->code;
    if (answer == NULL) {
        pages->failed++;
        return;
    }
    if (tandem_answer_last(answer))
        pages->last++;
    assert_ok(tandem_answer_records(answer, count_record, pages));
    if (pages->drop)
        assert_ok(tandem_connect(pages->world->client, &usual, NULL));
}

static void say_page(uint64_t request, const struct made *made, size_t count, const char *next)
{
    struct message answer = {.type = MESSAGE_ANSWER};
    static struct buffer list;
    answer.as.answer.request = request;
    answer.as.answer.records = records_of(&list, made, count);
    message_mark(&answer, "records");
    if (next != NULL) {
        answer.as.answer.next = bytes_text(next);
        message_mark(&answer, "next");
    }
    say(&answer);
}

static const struct made two[] = {{.id = 1, .entity = "account", .seq = 1, .name = "A"},
                                  {.id = 2, .entity = "account", .seq = 2, .name = "B"}};

static void a_query_asks_for_page_after_page(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world};
    const tandem_condition where[] = {{.field = "industry", .op = "=", .text = "Forestry"}};
    const tandem_query query = {
        .entity = "account", .where = where, .where_count = 1, .sort = "name", .limit = 3};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_query(world->client, &query, take_answer, &pages, NULL));
    const struct message *first = expect_sent(MESSAGE_QUERY);
    assert_true(bytes_is(first->as.query.entity, "account"));
    assert_true(bytes_is(first->as.query.sort, "name"));
    assert_int_equal(first->as.query.limit, 3);
    assert_int_equal(message_count(first->as.query.where), 1);
    say_page(first->as.query.request, two, 2, "here");
    assert_ok(tandem_service(world->client));
    const struct message *second = expect_sent(MESSAGE_QUERY);
    assert_true(bytes_is(second->as.query.after, "here"));
    assert_int_equal(second->as.query.limit, 1);
    assert_true(bytes_equal(first->as.query.where, second->as.query.where));
    say_page(second->as.query.request, two, 1, "there");
    assert_ok(tandem_service(world->client));
    expect_nothing_sent(); /* three are had */
    assert_int_equal(pages.calls, 2);
    assert_int_equal(pages.last, 1);
    assert_int_equal(pages.records, 3);
}

static void an_error_answers_its_request_and_leaves_the_connection(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world}, other = {.world = world};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_fetch(world->client, id_text(1), take_answer, &pages));
    assert_ok(tandem_ask_status(world->client, take_answer, &other));
    say_error("not-found", expect_sent(MESSAGE_FETCH)->as.fetch.request, 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(pages.failed, 1);
    assert_int_equal(pages.code, STATUS_NOT_FOUND);
    assert_int_equal(other.calls, 0);
    assert_true(tandem_connected(world->client));
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    assert_int_equal(other.failed, 1);
    assert_int_equal(other.code, STATUS_UNREACHABLE);
    assert_int_equal(tandem_ask_status(world->client, take_answer, &other), STATUS_NOT_SIGNED_IN);
}

static void a_callback_may_drop_the_connection(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world, .drop = true};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_timeline(world->client, id_text(1), 0, take_answer, &pages));
    say_page(expect_sent(MESSAGE_TIMELINE)->as.timeline.request, two, 2, "here");
    assert_ok(tandem_service(world->client));
    assert_int_equal(pages.calls, 2); /* the page, and that there will be no more */
    assert_int_equal(pages.failed, 1);
    (void)expect_sent(MESSAGE_GOODBYE);
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_HELLO);
}

static void a_query_of_an_unknown_field_hints_at_near_ones(void **state)
{
    struct world *world = *state;
    const tandem_condition where[] = {{.field = "phonNumber", .op = "=", .text = "1"}};
    const tandem_query query = {.entity = "account", .where = where, .where_count = 1};
    tandem_fault fault;
    open_client(world, false);
    sign_in(world, 0);
    assert_int_equal(tandem_ask_query(world->client, &query, take_answer, NULL, &fault),
                     STATUS_UNKNOWN_FIELD);
    assert_non_null(strstr(fault.detail, "did you mean phoneNumber?"));
}

static void conditions_are_read_by_the_kind_of_their_field(void **state)
{
    struct world *world = *state;
    static const tandem_condition where[] = {
        {.field = "name", .op = "contains", .text = "bruk"},
        {.field = "tags", .op = "contains", .text = "vip"},
        {.field = "numberOfEmployees", .op = ">=", .text = "50"},
        {.field = "shoeSize", .op = "<", .text = "44", .kind = "integer"},
        {.field = "colour", .op = "=", .text = "red", .kind = "enum"},
    };
    const tandem_query query = {.entity = "account", .where = where, .where_count = 5};
    struct buffer json = {0};
    tandem_condition wrong = {.field = "shoeSize", .op = "=", .text = "1", .kind = "length"};
    const tandem_query refused = {.entity = "account", .where = &wrong, .where_count = 1};
    tandem_fault fault;
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_query(world->client, &query, NULL, NULL, NULL));
    json_value(&json, expect_sent(MESSAGE_QUERY)->as.query.where, false);
    buffer_append_byte(&json, 0);
    assert_string_equal((const char *)json.data,
                        "[[\"name\",\"contains\",\"bruk\"],[\"tags\",\"contains\",\"vip\"],"
                        "[\"numberOfEmployees\",\">=\",50],[\"shoeSize\",\"<\",44],"
                        "[\"colour\",\"=\",\"red\"]]");
    buffer_release(&json);
    assert_int_equal(tandem_ask_query(world->client, &refused, NULL, NULL, &fault),
                     STATUS_WRONG_KIND);
    wrong.op = "like";
    assert_int_equal(tandem_ask_query(world->client, &refused, NULL, NULL, &fault), STATUS_USAGE);
}

struct entries {
    unsigned count;
    char text[256];
    char json[512];
};

static bool take_entry(void *context, const tandem_history_entry *entry)
{
    struct entries *entries = context;
    entries->count++;
    snprintf(entries->text, sizeof entries->text, "%llu %s %s %s: %s -> %s",
             (unsigned long long)entry->seq, entry->by, entry->op, entry->fields[0], entry->from[0],
             entry->to[0]);
    snprintf(entries->json, sizeof entries->json, "%s", entry->json);
    return true;
}

static void take_history(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    assert_ok(fault->code);
    assert_ok(tandem_answer_history(answer, take_entry, context));
}

static void a_history_is_told_in_words(void **state)
{
    struct world *world = *state;
    struct entries entries = {0};
    struct message answer = {.type = MESSAGE_ANSWER};
    struct buffer list = {0};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_history(world->client, id_text(1), 10, take_history, &entries));
    wire_put_array(&list, 1);
    wire_put_map(&list, 5);
    wire_put_text(&list, "seq");
    wire_put_uint(&list, 12);
    wire_put_text(&list, "at");
    wire_put_int(&list, 1000);
    wire_put_text(&list, "by");
    wire_put_text(&list, "kari");
    wire_put_text(&list, "op");
    wire_put_text(&list, "update");
    wire_put_text(&list, "changes");
    wire_put_array(&list, 1);
    wire_put_map(&list, 3);
    wire_put_text(&list, "field");
    wire_put_text(&list, "assignedUser");
    wire_put_text(&list, "from");
    wire_put_nil(&list);
    wire_put_text(&list, "to");
    wire_put_id(&list, id_of(9));
    answer.as.answer.request = expect_sent(MESSAGE_HISTORY)->as.history.request;
    answer.as.answer.entries = buffer_bytes(&list);
    message_mark(&answer, "entries");
    say(&answer);
    assert_ok(tandem_service(world->client));
    char expected[256];
    snprintf(expected, sizeof expected, "12 kari update assignedUser:  -> %s", id_text(9));
    assert_int_equal(entries.count, 1);
    assert_string_equal(entries.text, expected);
    snprintf(expected, sizeof expected,
             "{\"seq\":12,\"at\":1000,\"by\":\"kari\",\"op\":\"update\",\"changes\":["
             "{\"field\":\"assignedUser\",\"from\":null,\"to\":\"%s\"}]}",
             id_text(9));
    assert_string_equal(entries.json, expected);
    buffer_release(&list);
}

static void take_invite(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    assert_ok(fault->code);
    assert_true(tandem_answer_last(answer));
    assert_int_equal(tandem_answer_expires(answer), 123456);
    assert_null(tandem_answer_info(answer));
    snprintf(context, 32, "%s", tandem_answer_code(answer));
}

static void an_invitation_gives_a_code(void **state)
{
    struct world *world = *state;
    char code[32] = "";
    struct message answer = {.type = MESSAGE_ANSWER};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_invite(world->client, id_text(4), take_invite, code));
    const struct message *invite = expect_sent(MESSAGE_INVITE);
    assert_true(id_equal(invite->as.invite.user, id_of(4)));
    answer.as.answer.request = invite->as.invite.request;
    answer.as.answer.code = bytes_text("abcd-efgh");
    message_mark(&answer, "code");
    answer.as.answer.expires = 123456;
    message_mark(&answer, "expires");
    say(&answer);
    assert_ok(tandem_service(world->client));
    assert_string_equal(code, "abcd-efgh");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(hello_carries_what_the_caller_said),
        TEST(what_cannot_work_is_refused_before_connecting),
        TEST(a_replica_keeps_the_clients_id_and_a_handle_without_one_has_its_own),
        TEST(a_token_is_kept_and_used_from_then_on),
        TEST(after_a_one_time_code_the_new_password_signs_in),
        TEST(a_refused_sign_in_is_final),
        TEST(too_many_attempts_waits_as_long_as_told),
        TEST(close_codes_decide_whether_to_come_back),
        TEST(pauses_grow_with_failures_up_to_their_bound),
        TEST(once_makes_the_first_failure_final),
        TEST(a_silent_client_pings_and_a_silent_server_is_left),
        TEST(a_server_that_does_not_answer_is_left),
        TEST(a_malformed_frame_breaks_the_connection_off),
        TEST(mutations_are_numbered_from_where_the_server_stands),
        TEST(what_was_not_answered_is_sent_again_unchanged),
        TEST(a_server_that_lost_numbers_gets_new_ones),
        TEST(what_the_server_could_not_take_is_sent_again_in_order),
        TEST(a_program_that_does_not_reconnect_is_told_that_the_server_is_read_only),
        TEST(a_real_gap_asks_the_server_where_it_stands),
        TEST(at_most_64_mutations_wait),
        TEST(conflicts_are_told_with_both_sides),
        TEST(goodbye_ends_the_numbers_only_of_a_handle_that_is_done),
        TEST(events_of_the_subscription_reach_the_caller),
        TEST(a_lost_connection_subscribes_again_from_the_cursor),
        TEST(without_a_replica_there_is_no_subscription),
        TEST(a_query_asks_for_page_after_page),
        TEST(an_error_answers_its_request_and_leaves_the_connection),
        TEST(a_callback_may_drop_the_connection),
        TEST(a_query_of_an_unknown_field_hints_at_near_ones),
        TEST(conditions_are_read_by_the_kind_of_their_field),
        TEST(a_history_is_told_in_words),
        TEST(an_invitation_gives_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

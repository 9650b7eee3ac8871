/* Connections from the outside: requests, messages, limits, closing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"
#include "tests/unit/net/net_fixture.h"

static struct net_fixture fixture;

static int start(void **state)
{
    (void)state;
    net_fixture_init(&fixture);
    net_fixture_start(&fixture);
    return 0;
}

/* The server is not started: the test changes the options first. */
static int prepare(void **state)
{
    (void)state;
    net_fixture_init(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    net_fixture_release(&fixture);
    return 0;
}

static void test_echo(void **state)
{
    (void)state;
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_text(&client, "e hello"));
    assert_true(net_client_expect(&client, "e hello"));
    assert_true(net_client_send(&client, "", 0));
    assert_true(net_client_receive(&client));
    assert_int_equal(client.size, 0);
    net_client_close(&client);
}

/* Only who has signed in may send large messages. */
static void connect_signed_in(struct net_client *client)
{
    net_fixture_connect(&fixture, client);
    assert_true(net_client_send_text(client, "n"));
    assert_true(net_client_expect(client, "n"));
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 125, 126, 2047, 2048, 2049, 16383, 16384, 16385, 65535, 65536,
                                   300000, LIMIT_MESSAGE_BYTES};
    struct net_client client;
    connect_signed_in(&client);
    uint8_t *message = malloc(LIMIT_MESSAGE_BYTES);
    for (size_t i = 0; i < LIMIT_MESSAGE_BYTES; i++)
        message[i] = (uint8_t)(i * 31 + i / 251);
    message[0] = 'e';
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_true(net_client_send(&client, message, sizes[i]));
        assert_true(net_client_receive(&client));
        assert_int_equal(client.size, sizes[i]);
        assert_memory_equal(client.payload, message, sizes[i]);
    }
    free(message);
    net_client_close(&client);
}

static void test_fragments(void **state)
{
    (void)state;
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_frame(&client, WS_BINARY, "e fra", 5));
    assert_true(net_client_send_frame(&client, 0x80 | WS_PING, "between", 7));
    assert_true(net_client_send_frame(&client, WS_CONTINUATION, "", 0));
    assert_true(net_client_send_frame(&client, WS_CONTINUATION, "gmen", 4));
    assert_true(net_client_send_frame(&client, 0x80 | WS_CONTINUATION, "ts", 2));
    assert_true(net_client_receive(&client));
    assert_int_equal(client.opcode, WS_PONG);
    assert_string_equal(client.payload, "between");
    assert_true(net_client_expect(&client, "e fragments"));
    /* And nothing is left of it for the next. */
    assert_true(net_client_send_text(&client, "e next"));
    assert_true(net_client_expect(&client, "e next"));
    net_client_close(&client);
}

static void expect_error(struct net_client *client, const char *name, int code)
{
    struct message message;
    assert_true(net_client_receive(client));
    assert_int_equal(client->opcode, WS_BINARY);
    assert_int_equal(message_decode(bytes_of(client->payload, client->size), &message, NULL),
                     STATUS_OK);
    assert_int_equal(message.type, MESSAGE_ERROR);
    assert_true(bytes_is(message.as.error.name, name));
    assert_int_equal(net_client_close_code(client), code);
}

static void test_refused_messages(void **state)
{
    (void)state;
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_frame(&client, 0x80 | WS_TEXT, "e text", 6));
    expect_error(&client, "malformed", CLOSE_PROTOCOL);
    net_client_close(&client);

    /* Too large as announced: refused before the rest comes. */
    connect_signed_in(&client);
    static uint8_t big[LIMIT_MESSAGE_BYTES + 1] = {'e'};
    uint8_t head[14] = {0x80 | WS_BINARY, 0x80 | 127};
    put_u64(head + 2, sizeof big);
    assert_true(net_client_write(&client, head, sizeof head));
    assert_true(net_client_write(&client, big, 4096));
    expect_error(&client, "too-large", CLOSE_PROTOCOL);
    net_client_close(&client);

    /* Too large in all, though no fragment is. */
    connect_signed_in(&client);
    assert_true(net_client_send_frame(&client, WS_BINARY, big, sizeof big - 1));
    assert_true(net_client_send_frame(&client, WS_CONTINUATION, "x", 1));
    expect_error(&client, "too-large", CLOSE_PROTOCOL);
    net_client_close(&client);

    /* Too large for a stranger, in one piece and in several. */
    net_fixture_connect(&fixture, &client);
    put_u64(head + 2, 16 * 1024 + 1);
    assert_true(net_client_write(&client, head, sizeof head));
    assert_true(net_client_write(&client, big, 1));
    expect_error(&client, "too-large", CLOSE_PROTOCOL);
    net_client_close(&client);
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_frame(&client, WS_BINARY, big, 16 * 1024));
    assert_true(net_client_send_frame(&client, WS_CONTINUATION, "x", 1));
    expect_error(&client, "too-large", CLOSE_PROTOCOL);
    net_client_close(&client);
}

static int request(const char *line, const char *headers, char *head, size_t size)
{
    struct net_client client;
    struct net_client_options options = {.authority = fixture.authority};
    assert_true(net_client_tcp(&client, server_address(fixture.server), 0));
    assert_true(net_client_tls(&client, &options));
    int status = net_client_request(&client, line, headers, head, size);
    net_client_close(&client);
    return status;
}

#define UPGRADE                                                                                   \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
    "Sec-WebSocket-Version: 13\r\n"
#define OURS "Sec-WebSocket-Protocol: tandem.v1\r\n"

static void test_requests(void **state)
{
    (void)state;
    fixture.options.origins = "https://crm.example.com https://app.example.com:8443";
    net_fixture_start(&fixture);
    static const struct {
        const char *line, *headers;
        int status;
    } cases[] = {
        {"GET /healthz", "", 200},
        {"GET /", "", 404},
        {"GET /healthz/../etc/passwd", "", 404},
        {"POST /healthz", "Content-Length: 2\r\n", 405},
        {"DELETE /healthz", "", 405},
        {"GET /", UPGRADE OURS, 101},
        {"GET /", UPGRADE "Sec-WebSocket-Protocol: mqtt, tandem.v1\r\n", 101},
        {"GET /", UPGRADE, 400},
        {"GET /", UPGRADE "Sec-WebSocket-Protocol: mqtt\r\n", 400},
        {"GET /", UPGRADE "Sec-WebSocket-Protocol: tandem.v12\r\n", 400},
        {"POST /", UPGRADE OURS, 405},
        {"GET /", UPGRADE OURS "Origin: https://localhost\r\n", 101},
        {"GET /", UPGRADE OURS "Origin: https://crm.example.com\r\n", 101},
        {"GET /", UPGRADE OURS "Origin: https://app.example.com:8443\r\n", 101},
        {"GET /", UPGRADE OURS "Origin: https://evil.example.com\r\n", 403},
        {"GET /", UPGRADE OURS "Origin: https://crm.example.com.evil.com\r\n", 403},
        {"GET /", UPGRADE OURS "Origin: http://localhost\r\n", 403},
        {"GET /", UPGRADE OURS "Origin: null\r\n", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char head[1024];
        int status = request(cases[i].line, cases[i].headers, head, sizeof head);
        if (status != cases[i].status)
            print_error("%s %s: %d\n", cases[i].line, cases[i].headers, status);
        assert_int_equal(status, cases[i].status);
    }
    char head[1024];
    assert_int_equal(request("GET /", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                      "HTTP2-Settings: AAMAAABkAAQAAP__\r\n",
                             head, sizeof head),
                     0);
    assert_int_not_equal(request("GET /", "Connection: Upgrade\r\nUpgrade: foo\r\n", head,
                                 sizeof head),
                         101);
}

static void test_health(void **state)
{
    (void)state;
    char head[1024];
    assert_int_equal(request("GET /healthz", "", head, sizeof head), 200);
    assert_non_null(strstr(head, "cache-control: no-store"));
    fixture.healthy = false;
    assert_int_equal(request("GET /healthz", "", head, sizeof head), 503);
}

static void test_a_browser_is_told_to_come_by_tls_only(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool told;
    } cases[] = {{"Host: crm.example.com:7443\r\n", true},
                 {"Host: local\r\n", true},
                 {"Host: localhost.example.com\r\n", true},
                 {"Host: localhost\r\n", false},
                 {"Host: LOCALHOST:7443\r\n", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char head[1024];
        assert_int_equal(request("GET /healthz", cases[i].host, head, sizeof head), 200);
        bool told = strstr(head, "\r\nstrict-transport-security: max-age=31536000\r\n") != NULL;
        assert_int_equal(told, cases[i].told);
    }
}

static void test_close_codes(void **state)
{
    (void)state;
    static const uint16_t codes[] = {1000, 4000, 4001, 4002, 4006, 4007};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct net_client client;
        uint8_t order[3] = {'c'};
        put_u16(order + 1, codes[i]);
        net_fixture_connect(&fixture, &client);
        assert_true(net_client_send(&client, order, sizeof order));
        assert_true(net_client_expect(&client, "bye"));
        assert_int_equal(net_client_close_code(&client), codes[i]);
        net_client_close(&client);
    }
}

/* A stream far larger than the socket holds, with an order to close behind it: all of it comes,
 * then the close with its code. */
static void test_close_after_stream(void **state)
{
    (void)state;
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    uint8_t order[9] = {'s'};
    put_u32(order + 1, 100);
    put_u32(order + 5, 20000);
    assert_true(net_client_send(&client, order, sizeof order));
    uint8_t close[3] = {'c'};
    put_u16(close + 1, 4003);
    assert_true(net_client_send(&client, close, sizeof close));
    unsigned frames = 0, byes = 0, code = 0;
    while (!code && net_client_receive(&client)) {
        if (client.opcode == WS_CLOSE)
            code = get_u16(client.payload);
        else if (client.size == 3)
            byes++;
        else
            assert_int_equal(get_u32(client.payload), frames++);
    }
    assert_int_equal(frames, 100);
    assert_int_equal(byes, 1);
    assert_int_equal(code, 4003);
    net_client_close(&client);
}

static void test_answers(void **state)
{
    (void)state;
    struct net_client client;
    struct fake_submission taken;
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_text(&client, "m one"));
    assert_true(fake_committer_take(&taken));
    server_answered(fixture.server, taken.origin, STATUS_OK, bytes_of(taken.body, taken.size));
    assert_true(net_client_expect(&client, "m one"));
    assert_true(net_client_send_text(&client, "m two"));
    assert_true(fake_committer_take(&taken));
    server_answered(fixture.server, taken.origin, STATUS_READ_ONLY, bytes_of(NULL, 0));
    assert_true(net_client_expect(&client, "read-only"));
    atomic_store(&fake_committer_full, true);
    assert_true(net_client_send_text(&client, "m three"));
    assert_true(net_client_expect(&client, "full"));
    atomic_store(&fake_committer_full, false);
    net_client_close(&client);
}

/* An answer for a connection that is gone must not reach the one that took its place. */
static void test_answer_for_the_gone(void **state)
{
    (void)state;
    fixture.options.threads = 1;
    net_fixture_start(&fixture);
    struct net_client first, second;
    struct fake_submission taken;
    net_fixture_connect(&fixture, &first);
    assert_true(net_client_send_text(&first, "m one"));
    assert_true(fake_committer_take(&taken));
    assert_true(net_client_send_frame(&first, 0x80 | WS_CLOSE, "\x03\xe8", 2));
    assert_int_equal(net_client_close_code(&first), 1000);
    assert_false(net_client_receive(&first)); /* the server has closed */
    net_client_close(&first);
    net_fixture_connect(&fixture, &second);
    server_answered(fixture.server, taken.origin, STATUS_OK, bytes_text("for the first"));
    assert_true(net_client_send_text(&second, "e second"));
    assert_true(net_client_expect(&second, "e second"));
    net_client_close(&second);
}

static void test_hashing(void **state)
{
    (void)state;
    fixture.options.sign_in_failures = 2;
    net_fixture_start(&fixture);
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_text(&client, "hright"));
    assert_true(net_client_expect(&client, "matched"));
    assert_true(net_client_send_text(&client, "hbusy"));
    assert_true(net_client_expect(&client, "busy"));
    assert_true(net_client_send_text(&client, "hwrong"));
    assert_true(net_client_expect(&client, "different"));
    assert_true(net_client_send_text(&client, "hwrong"));
    assert_true(net_client_expect(&client, "different"));
    assert_true(net_client_send_text(&client, "hright"));
    assert_true(net_client_expect(&client, "throttled"));
    net_client_close(&client);
}

static void announce(uint64_t seq)
{
    struct touched_lane lane = {.scope = {.kind = SCOPE_LIBRARY}, .tag = {.kind = TAG_INTERNAL}};
    struct effects effects = {.seq = seq, .lanes = &lane, .lane_count = 1};
    struct notice *notice = notice_new(&effects);
    assert_non_null(notice);
    server_announce(fixture.server, notice);
    notice_drop(notice);
}

static void test_notices(void **state)
{
    (void)state;
    struct net_client clients[6];
    for (size_t i = 0; i < 6; i++) {
        net_fixture_connect(&fixture, &clients[i]);
        /* An echo shows that the session is there to be told. */
        assert_true(net_client_send_text(&clients[i], "e here"));
        assert_true(net_client_expect(&clients[i], "e here"));
    }
    announce(1);
    for (size_t i = 0; i < 6; i++) {
        assert_true(net_client_expect(&clients[i], "notice 1"));
        net_client_close(&clients[i]);
    }
}

/* A session that wants nothing read leaves the messages in the socket; when it is ready again they
 * come, though no new byte arrives to wake anybody. */
/* Every thread's turn has surely come when another connection was served on each. */
static void let_turns_pass(void)
{
    struct net_client others[2];
    for (size_t i = 0; i < 2; i++) {
        net_fixture_connect(&fixture, &others[i]);
        assert_true(net_client_send_text(&others[i], "e"));
        assert_true(net_client_expect(&others[i], "e"));
        net_client_close(&others[i]);
    }
}

/* Messages as frames of one write. */
static void send_burst(struct net_client *client, const char *const *messages, size_t count)
{
    uint8_t burst[400];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(messages[i]);
        burst[size++] = 0x80 | WS_BINARY;
        burst[size++] = (uint8_t)(0x80 | length);
        memset(burst + size, 0, 4);
        memcpy(burst + size + 4, messages[i], length);
        size += 4 + length;
    }
    assert_true(net_client_write(client, burst, size));
}

static void test_receive_flow_control(void **state)
{
    (void)state;
    static const char *const blocking[] = {"b"};
    static const char *const more[] = {"e 1", "e 2", "e 3"};
    struct net_client client;
    struct fake_submission taken;
    net_fixture_connect(&fixture, &client);
    unsigned before = atomic_load(&fake_messages_received);
    send_burst(&client, blocking, 1);
    assert_true(fake_committer_take(&taken));
    let_turns_pass();
    send_burst(&client, more, 3);
    let_turns_pass();
    assert_int_equal(atomic_load(&fake_messages_received) - before, 1 + 2 + 2);
    server_answered(fixture.server, taken.origin, STATUS_OK, bytes_text("ready"));
    assert_true(net_client_expect(&client, "ready"));
    assert_true(net_client_expect(&client, "e 1"));
    assert_true(net_client_expect(&client, "e 2"));
    assert_true(net_client_expect(&client, "e 3"));
    net_client_close(&client);
}

/* What was read together with the message that stops the reading is handed over, once. */
static void test_reading_stops_between_turns(void **state)
{
    (void)state;
    static const char *const burst[] = {"b", "e 1", "e 2"};
    struct net_client client;
    struct fake_submission taken;
    net_fixture_connect(&fixture, &client);
    unsigned before = atomic_load(&fake_messages_received);
    send_burst(&client, burst, 3);
    assert_true(fake_committer_take(&taken));
    let_turns_pass();
    assert_int_equal(atomic_load(&fake_messages_received) - before, 3 + 2);
    server_answered(fixture.server, taken.origin, STATUS_OK, bytes_text("ready"));
    assert_true(net_client_expect(&client, "e 1"));
    assert_true(net_client_expect(&client, "e 2"));
    assert_true(net_client_expect(&client, "ready"));
    net_client_close(&client);
}

static void test_stop_drains(void **state)
{
    (void)state;
    fixture.options.tick_ms = 20;
    fixture.options.goodbye_ms = 200;
    net_fixture_start(&fixture);
    struct net_client clients[4];
    for (size_t i = 0; i < 4; i++) {
        net_fixture_connect(&fixture, &clients[i]);
        assert_true(net_client_send_text(&clients[i], "e"));
        assert_true(net_client_expect(&clients[i], "e"));
    }
    char address[96];
    memcpy(address, server_address(fixture.server), sizeof address);
    server_stop_accepting(fixture.server);
    struct net_client late;
    assert_false(net_client_tcp(&late, address, 0));
    net_client_close(&late);
    server_stop(fixture.server, 3000);
    for (size_t i = 0; i < 4; i++) {
        assert_true(net_client_expect(&clients[i], "stopping"));
        assert_int_equal(net_client_close_code(&clients[i]), CLOSE_STOPPING);
        net_client_close(&clients[i]);
    }
    assert_int_equal(atomic_load(&fake_sessions_alive), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echo, start, stop),
        cmocka_unit_test_setup_teardown(test_sizes, start, stop),
        cmocka_unit_test_setup_teardown(test_fragments, start, stop),
        cmocka_unit_test_setup_teardown(test_refused_messages, start, stop),
        cmocka_unit_test_setup_teardown(test_requests, prepare, stop),
        cmocka_unit_test_setup_teardown(test_health, start, stop),
        cmocka_unit_test_setup_teardown(test_a_browser_is_told_to_come_by_tls_only, start, stop),
        cmocka_unit_test_setup_teardown(test_close_codes, start, stop),
        cmocka_unit_test_setup_teardown(test_close_after_stream, start, stop),
        cmocka_unit_test_setup_teardown(test_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_answer_for_the_gone, prepare, stop),
        cmocka_unit_test_setup_teardown(test_hashing, prepare, stop),
        cmocka_unit_test_setup_teardown(test_notices, start, stop),
        cmocka_unit_test_setup_teardown(test_receive_flow_control, start, stop),
        cmocka_unit_test_setup_teardown(test_reading_stops_between_turns, start, stop),
        cmocka_unit_test_setup_teardown(test_stop_drains, prepare, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

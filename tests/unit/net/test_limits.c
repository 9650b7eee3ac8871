/* Peers that are slow, silent, too many, or do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "server/net/chaff.h"
#include "tests/unit/net/net_fixture.h"

static struct net_fixture fixture;

static int prepare(void **state)
{
    (void)state;
    net_fixture_init(&fixture);
    fixture.options.threads = 1;
    fixture.options.tick_ms = 20;
    fixture.options.goodbye_ms = 200;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    net_fixture_release(&fixture);
    return 0;
}

/* Pings go into a stream that the socket cannot hold: every frame must come whole and in order,
 * and pongs between frames, never inside one (the client refuses a broken stream). */
static void test_pings_into_a_stream(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    static const struct {
        uint32_t count, size;
    } streams[] = {{20000, 300}, {2000, 16000}, {400, 70000}, {30, 1000000}};
    for (size_t s = 0; s < sizeof streams / sizeof *streams; s++) {
        struct net_client client;
        struct net_client_options options = {.authority = fixture.authority,
                                             .receive_buffer = 8192};
        assert_true(net_client_open(&client, server_address(fixture.server), &options));
        uint8_t order[9] = {'s'};
        put_u32(order + 1, streams[s].count);
        put_u32(order + 5, streams[s].size);
        assert_true(net_client_send(&client, order, sizeof order));
        uint32_t frames = 0, pongs = 0, every = streams[s].count / 20;
        while (frames < streams[s].count) {
            assert_true(net_client_receive(&client));
            if (client.opcode == WS_PONG) {
                assert_string_equal(client.payload, "are you there");
                pongs++;
                continue;
            }
            assert_int_equal(client.opcode, WS_BINARY);
            assert_int_equal(client.size, streams[s].size);
            assert_int_equal(get_u32(client.payload), frames);
            assert_int_equal(client.payload[client.size - 1], 's');
            if (++frames % (every ? every : 1) == 0)
                assert_true(net_client_send_frame(&client, 0x80 | WS_PING, "are you there", 13));
        }
        /* The library drops a ping while one is pending, so not every one is answered. */
        assert_true(pongs > 0);
        assert_true(net_client_send_text(&client, "e over"));
        do
            assert_true(net_client_receive(&client));
        while (client.opcode == WS_PONG);
        assert_string_equal(client.payload, "e over");
        net_client_close(&client);
    }
}

static void await_sessions(unsigned count)
{
    time_t begin = time(NULL);
    while (atomic_load(&fake_sessions_alive) != count) {
        assert_true(time(NULL) < begin + 10);
        sched_yield();
    }
}

static void await_connections(uint32_t count)
{
    struct server_figures figures;
    time_t begin = time(NULL);
    do {
        assert_true(time(NULL) < begin + 10);
        sched_yield();
        server_figures(fixture.server, &figures);
    } while (figures.connections != count);
}

/* One stream must not keep the others waiting. */
static void test_fairness(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct net_client greedy, modest;
    net_fixture_connect(&fixture, &greedy);
    net_fixture_connect(&fixture, &modest);
    uint8_t order[9] = {'s'};
    put_u32(order + 1, 4000000);
    put_u32(order + 5, 1000);
    assert_true(net_client_send(&greedy, order, sizeof order));
    assert_true(net_client_receive(&greedy));
    assert_true(net_client_send_text(&modest, "e me too"));
    assert_true(net_client_expect(&modest, "e me too"));
    net_client_close(&greedy);
    net_client_close(&modest);
}

/* The peer sees the end of the connection; what it says meanwhile does not matter. */
static bool is_cut_off(int fd)
{
    uint8_t bytes[512];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        continue;
    return got == 0 || errno == ECONNRESET;
}

static void test_half_open(void **state)
{
    (void)state;
    fixture.options.handshake_ms = 50;
    net_fixture_start(&fixture);
    struct net_client silent, dribbling, encrypted;
    struct net_client_options options = {.authority = fixture.authority};
    assert_true(net_client_tcp(&silent, server_address(fixture.server), 0));
    assert_true(net_client_tcp(&dribbling, server_address(fixture.server), 0));
    /* The beginning of a TLS handshake, and no more. */
    assert_int_equal(send(dribbling.fd, "\x16\x03\x01\x02\x00", 5, MSG_NOSIGNAL), 5);
    assert_true(net_client_tcp(&encrypted, server_address(fixture.server), 0));
    assert_true(net_client_tls(&encrypted, &options));
    assert_true(net_client_write(&encrypted, "GET / HTTP/1.1\r\nHo", 18));
    assert_true(is_cut_off(silent.fd));
    assert_true(is_cut_off(dribbling.fd));
    uint8_t byte;
    assert_false(net_client_read(&encrypted, &byte, 1));
    net_client_close(&silent);
    net_client_close(&dribbling);
    net_client_close(&encrypted);
}

/* Once TLS is done the request has a part of the time only: who greets late has all of it. */
static void test_no_request(void **state)
{
    (void)state;
    fixture.options.handshake_ms = 8000;
    net_fixture_start(&fixture);
    struct net_client silent, encrypted;
    struct net_client_options options = {.authority = fixture.authority};
    assert_true(net_client_tcp(&silent, server_address(fixture.server), 0));
    assert_true(net_client_tcp(&encrypted, server_address(fixture.server), 0));
    assert_true(net_client_tls(&encrypted, &options));
    uint8_t byte;
    assert_false(net_client_read(&encrypted, &byte, 1));
    assert_int_equal(recv(silent.fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    net_client_close(&silent);
    net_client_close(&encrypted);
}

static void test_idle(void **state)
{
    (void)state;
    fixture.options.session.idle_ms = 60;
    net_fixture_start(&fixture);
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    assert_int_equal(net_client_close_code(&client), CLOSE_IDLE);
    net_client_close(&client);
}

/* A message that begins and does not go on. */
static void test_dribbled_message(void **state)
{
    (void)state;
    fixture.options.message_ms = 60;
    net_fixture_start(&fixture);
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_frame(&client, WS_BINARY, "e beg", 5));
    assert_int_equal(net_client_close_code(&client), CLOSE_IDLE);
    net_client_close(&client);
    /* One that is whole leaves nothing behind that runs out. */
    net_fixture_connect(&fixture, &client);
    assert_true(net_client_send_frame(&client, WS_BINARY, "e beg", 5));
    assert_true(net_client_send_frame(&client, 0x80 | WS_CONTINUATION, "in", 2));
    assert_true(net_client_expect(&client, "e begin"));
    struct net_client other;
    net_fixture_connect(&fixture, &other);
    assert_true(net_client_send_frame(&other, WS_BINARY, "e beg", 5));
    assert_int_equal(net_client_close_code(&other), CLOSE_IDLE);
    net_client_close(&other);
    assert_true(net_client_send_text(&client, "e still here"));
    assert_true(net_client_expect(&client, "e still here"));
    net_client_close(&client);
}

/* A peer that takes no bytes is cut off, and its session with it. */
static void test_stalled_reader(void **state)
{
    (void)state;
    fixture.options.stall_ms = 100;
    net_fixture_start(&fixture);
    struct net_client client;
    struct net_client_options options = {.authority = fixture.authority, .receive_buffer = 4096};
    assert_true(net_client_open(&client, server_address(fixture.server), &options));
    uint8_t order[9] = {'s'};
    put_u32(order + 1, 1000000);
    put_u32(order + 5, 10000);
    assert_true(net_client_send(&client, order, sizeof order));
    assert_true(net_client_receive(&client));
    await_sessions(0);
    /* What was under way still comes, and then the end, far from that of the stream. */
    uint32_t frames = 1;
    while (net_client_receive(&client))
        frames++;
    assert_true(frames < 1000000);
    net_client_close(&client);
}

/* The same for one that is told to leave and does not answer. */
static void test_close_without_answer(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct net_client client;
    net_fixture_connect(&fixture, &client);
    uint8_t order[3] = {'c'};
    put_u16(order + 1, 4001);
    assert_true(net_client_send(&client, order, sizeof order));
    assert_int_equal(net_client_close_code(&client), 4001);
    assert_true(is_cut_off(client.fd));
    net_client_close(&client);
}

static void connect_waiting(struct net_client *client)
{
    assert_true(net_client_tcp(client, server_address(fixture.server), 0));
}

/* Refused before a byte of TLS. */
static bool is_refused(void)
{
    struct net_client client;
    struct net_client_options options = {.authority = fixture.authority};
    assert_true(net_client_tcp(&client, server_address(fixture.server), 0));
    bool refused = !net_client_tls(&client, &options);
    net_client_close(&client);
    return refused;
}

static void test_unauthenticated_per_address(void **state)
{
    (void)state;
    fixture.options.unauthenticated_per_address = 3;
    net_fixture_start(&fixture);
    struct net_client signed_in, waiting[3];
    net_fixture_connect(&fixture, &signed_in);
    assert_true(net_client_send_text(&signed_in, "n"));
    assert_true(net_client_expect(&signed_in, "n"));
    for (size_t i = 0; i < 3; i++)
        net_fixture_connect(&fixture, &waiting[i]);
    assert_true(is_refused());
    assert_true(net_fixture_logged(&fixture, "have not signed in"));
    /* Signing in makes room. */
    assert_true(net_client_send_text(&waiting[0], "n"));
    assert_true(net_client_expect(&waiting[0], "n"));
    struct net_client next;
    net_fixture_connect(&fixture, &next);
    net_client_close(&next);
    net_client_close(&signed_in);
    for (size_t i = 0; i < 3; i++)
        net_client_close(&waiting[i]);
}

static void test_connections_in_all(void **state)
{
    (void)state;
    fixture.options.connections = 2;
    net_fixture_start(&fixture);
    struct net_client first, second;
    connect_waiting(&first);
    net_fixture_connect(&fixture, &second);
    assert_true(is_refused());
    /* Leaving makes room. */
    assert_true(net_client_send_frame(&second, 0x80 | WS_CLOSE, "\x03\xe8", 2));
    assert_int_equal(net_client_close_code(&second), 1000);
    assert_true(is_cut_off(second.fd));
    net_client_close(&second);
    await_connections(1);
    net_fixture_connect(&fixture, &second);
    net_client_close(&second);
    net_client_close(&first);
}

static void await_ticks(unsigned count)
{
    time_t begin = time(NULL);
    unsigned before = atomic_load(&fake_ticks);
    while (atomic_load(&fake_ticks) - before < count) {
        assert_true(time(NULL) < begin + 10);
        sched_yield();
    }
}

static void sign_in(struct net_client *client)
{
    net_fixture_connect(&fixture, client);
    assert_true(net_client_send_text(client, "n"));
    assert_true(net_client_expect(client, "n"));
    atomic_store(&fake_charged, 0);
}

static bool send_pings(struct net_client *client, unsigned count)
{
    static const uint8_t text[100] = {'p'};
    for (unsigned i = 0; i < count; i++) {
        if (!net_client_send_frame(client, 0x80 | WS_PING, text, sizeof text))
            return false;
    }
    return true;
}

/* What comes and is no message is charged: the library answers pings by itself, and says nothing.
 * Messages are not, however short they are and however many. */
static void test_flood_of_pings(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct net_client client;
    sign_in(&client);
    for (int i = 0; i < 5000; i++) {
        assert_true(net_client_send(&client, "x", 1));
        assert_true(net_client_expect(&client, "x"));
    }
    assert_true(send_pings(&client, 10));
    await_ticks(3);
    assert_int_equal(atomic_load(&fake_charged), 0);
    time_t begin = time(NULL);
    while (atomic_load(&fake_charged) < 100) {
        assert_true(time(NULL) < begin + 10);
        assert_true(send_pings(&client, 200));
    }
    net_client_close(&client);
}

/* Without a tick: who waits for the next one to look has let the flood in. Nothing that came was
 * worn off then, so every byte is charged. */
static void test_flood_is_charged_at_once(void **state)
{
    (void)state;
    fixture.options.tick_ms = 3600 * 1000;
    net_fixture_start(&fixture);
    struct net_client client;
    sign_in(&client);
    assert_true(send_pings(&client, 2000));
    /* What is answered has been read, and all that was sent before it. */
    assert_true(net_client_send_text(&client, "e done"));
    do
        assert_true(net_client_receive(&client));
    while (client.opcode == WS_PONG);
    assert_string_equal(client.payload, "e done");
    unsigned frames = 2000 * (100 + 6);
    assert_true(atomic_load(&fake_charged) >= (frames - CHAFF_ROOM) / CHAFF_POINT_BYTES);
    net_client_close(&client);
}

/* Strangers have nothing to pay with. */
static void test_flood_of_a_stranger(void **state)
{
    (void)state;
    fixture.options.goodbye_ms = 3600 * 1000;
    net_fixture_start(&fixture);
    struct net_client client;
    atomic_store(&fake_charged, 0);
    net_fixture_connect(&fixture, &client);
    /* A little more than may come: the end is said. */
    assert_true(send_pings(&client, CHAFF_ROOM / 106 + 10));
    assert_int_equal(net_client_close_code(&client), CLOSE_TOO_MANY);
    net_client_close(&client);
    /* Much more: cut off, though there is an hour to say goodbye. */
    net_fixture_connect(&fixture, &client);
    unsigned sent = 0;
    while (send_pings(&client, 100))
        assert_true(++sent < 20000);
    net_client_close(&client);
    await_sessions(0);
    assert_int_equal(atomic_load(&fake_charged), 0);
}

/* What was under way when the server said goodbye is no flood, however much. */
static void test_messages_after_goodbye(void **state)
{
    (void)state;
    fixture.options.goodbye_ms = 3600 * 1000;
    net_fixture_start(&fixture);
    struct net_client client;
    uint8_t order[3] = {'c'}, *message = calloc(1, 16000);
    sign_in(&client);
    put_u16(order + 1, CLOSE_SERVER_ERROR);
    assert_true(net_client_send(&client, order, sizeof order));
    assert_int_equal(net_client_close_code(&client), CLOSE_SERVER_ERROR);
    for (int i = 0; i < 100; i++)
        assert_true(net_client_send(&client, message, 16000));
    free(message);
    /* All of it was read: this is answered, and then the goodbye. */
    assert_true(net_client_send_frame(&client, 0x80 | WS_PING, "still there", 11));
    assert_true(net_client_receive(&client));
    assert_int_equal(client.opcode, WS_PONG);
    assert_true(net_client_send_frame(&client, 0x80 | WS_CLOSE, "\x03\xe8", 2));
    await_sessions(0);
    net_client_close(&client);
}

/* Comes in, signs in if asked to, and goes. */
static void visit(bool signs_in, uint16_t code)
{
    struct net_client client;
    uint8_t order[3] = {'c'};
    net_fixture_connect(&fixture, &client);
    if (signs_in) {
        assert_true(net_client_send_text(&client, "n"));
        assert_true(net_client_expect(&client, "n"));
    }
    put_u16(order + 1, code);
    if (code == 0) {
        assert_true(net_client_send_frame(&client, 0x80 | WS_CLOSE, "\x03\xe8", 2));
        assert_int_equal(net_client_close_code(&client), 1000);
    } else {
        assert_true(net_client_send(&client, order, sizeof order));
        assert_int_equal(net_client_close_code(&client), code);
    }
    net_client_close(&client);
    await_connections(0);
}

static uint64_t delayed(void)
{
    struct server_figures figures;
    server_figures(fixture.server, &figures);
    return figures.delayed;
}

/* Connections that came to something cost an address nothing; others make it suspect, and then its
 * newcomers wait, and come in. */
static void test_suspect_address(void **state)
{
    (void)state;
    fixture.options.failed_connections = 3; /* two at once */
    net_fixture_start(&fixture);
    for (int i = 0; i < 5; i++) {
        visit(true, 0);
        visit(true, CLOSE_GOODBYE);
        visit(false, CLOSE_SERVER_ERROR);
    }
    assert_int_equal(delayed(), 0);
    visit(false, 0); /* nobody signed in */
    visit(true, CLOSE_PROTOCOL);
    assert_int_equal(delayed(), 0);
    assert_true(net_fixture_logged(&fixture, "newcomers from 127.0.0.1 have to wait: 2 "));
    visit(true, 0);
    assert_int_equal(delayed(), 1);
}

/* A monitor's requests are a tenth of a failure each. */
static void test_monitor(void **state)
{
    (void)state;
    fixture.options.failed_connections = 3;
    net_fixture_start(&fixture);
    struct net_client client;
    struct net_client_options options = {.authority = fixture.authority};
    char head[512];
    for (int i = 0; i < 20; i++) {
        assert_int_equal(delayed(), 0);
        assert_true(net_client_tcp(&client, server_address(fixture.server), 0));
        assert_true(net_client_tls(&client, &options));
        assert_int_equal(net_client_request(&client, "GET /healthz", "", head, sizeof head), 200);
        net_client_close(&client);
        await_connections(0);
    }
    visit(true, 0);
    assert_int_equal(delayed(), 1);
}

/* Stopping does not wait for ever for those who do not listen. */
static void test_stop_with_deaf_peers(void **state)
{
    (void)state;
    net_fixture_start(&fixture);
    struct net_client deaf, half;
    struct net_client_options options = {.authority = fixture.authority, .receive_buffer = 4096};
    assert_true(net_client_open(&deaf, server_address(fixture.server), &options));
    uint8_t order[9] = {'s'};
    put_u32(order + 1, 1000000);
    put_u32(order + 5, 10000);
    assert_true(net_client_send(&deaf, order, sizeof order));
    connect_waiting(&half);
    server_stop(fixture.server, 100);
    server_free(fixture.server);
    fixture.server = NULL;
    assert_int_equal(atomic_load(&fake_sessions_alive), 0);
    net_client_close(&deaf);
    net_client_close(&half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pings_into_a_stream, prepare, stop),
        cmocka_unit_test_setup_teardown(test_fairness, prepare, stop),
        cmocka_unit_test_setup_teardown(test_half_open, prepare, stop),
        cmocka_unit_test_setup_teardown(test_no_request, prepare, stop),
        cmocka_unit_test_setup_teardown(test_idle, prepare, stop),
        cmocka_unit_test_setup_teardown(test_dribbled_message, prepare, stop),
        cmocka_unit_test_setup_teardown(test_stalled_reader, prepare, stop),
        cmocka_unit_test_setup_teardown(test_close_without_answer, prepare, stop),
        cmocka_unit_test_setup_teardown(test_unauthenticated_per_address, prepare, stop),
        cmocka_unit_test_setup_teardown(test_connections_in_all, prepare, stop),
        cmocka_unit_test_setup_teardown(test_flood_of_pings, prepare, stop),
        cmocka_unit_test_setup_teardown(test_flood_is_charged_at_once, prepare, stop),
        cmocka_unit_test_setup_teardown(test_flood_of_a_stranger, prepare, stop),
        cmocka_unit_test_setup_teardown(test_messages_after_goodbye, prepare, stop),
        cmocka_unit_test_setup_teardown(test_suspect_address, prepare, stop),
        cmocka_unit_test_setup_teardown(test_monitor, prepare, stop),
        cmocka_unit_test_setup_teardown(test_stop_with_deaf_peers, prepare, stop),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* a connection that was cut off is what is looked for */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

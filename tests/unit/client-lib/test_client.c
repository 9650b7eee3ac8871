/* Signing in, losing the connection and coming back, and the subscription of a handle. */
#include "client_world.h"

#include <stdio.h>

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
    /* So is the answer to a check that was not asked for. */
    struct message sums = {.type = MESSAGE_SUMS};
    sums.as.sums.sums = bytes_of("\x90", 1);
    say(&sums);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
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

/* Numbers must not turn over, whatever the server says it has answered. */
static void a_welcome_beyond_all_numbers_is_none(void **state)
{
    static const uint64_t beyond[] = {UINT64_MAX, UINT64_MAX - 1, (uint64_t)INT64_MAX + 1};
    struct world *world = *state;
    OUTCOMES(2);
    open_client(world, true);
    assert_ok(send_note(world, "typed", &outcomes[0]));
    assert_ok(send_note(world, "and more", &outcomes[1]));
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        connect_with(world, &usual);
        say_welcome(beyond[i], NULL);
        assert_int_equal(tandem_service(world->client), STATUS_MALFORMED);
        assert_false(tandem_connected(world->client));
        expect_nothing_sent();
    }
    sign_in(world, 0);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 1);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 2);
}

static void without_a_replica_there_is_no_subscription(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    assert_int_equal(tandem_subscribe(world->client, NULL, 0), STATUS_USAGE);
    assert_int_equal(tandem_get(world->client, id_text(1), NULL, NULL), STATUS_USAGE);
}

int main(void)
{
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
        TEST(events_of_the_subscription_reach_the_caller),
        TEST(a_lost_connection_subscribes_again_from_the_cursor),
        TEST(a_welcome_beyond_all_numbers_is_none),
        TEST(without_a_replica_there_is_no_subscription),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Offline on purpose, and a folder that one handle of the process has. */
#include "client_world.h"

#include <stdio.h>

#define NEVER (-1)

/* ---- Pausing ---- */

static void pausing_ends_the_connection_and_lasts_until_it_is_resumed(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    assert_false(tandem_paused(world->client));
    sign_in(world, 0);
    assert_ok(tandem_pause(world->client, true));
    assert_true(tandem_paused(world->client));
    (void)expect_sent(MESSAGE_GOODBYE);
    assert_int_equal(server.client_close, 1000);
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_DISCONNECTED);
    assert_int_equal(last_told(world)->code, STATUS_CANCELLED);
    assert_false(last_told(world)->final);
    assert_false(tandem_connected(world->client));
    assert_int_equal(tandem_timeout(world->client), NEVER);
    /* In another process, later. */
    tandem_close(world->client);
    open_client(world, true);
    assert_true(tandem_paused(world->client));
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_int_equal(tandem_timeout(world->client), NEVER);
    assert_ok(tandem_service(world->client));
    expect_nothing_sent();
    assert_ok(tandem_pause(world->client, false));
    assert_int_equal(tandem_timeout(world->client), 0);
    reconnect(world, 0);
    assert_ok(tandem_pause(world->client, false)); /* again is nothing */
    assert_true(tandem_connected(world->client));
}

static void a_handle_that_was_not_to_connect_does_not_when_resumed(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    assert_ok(tandem_pause(world->client, true));
    assert_ok(tandem_pause(world->client, false));
    assert_ok(tandem_service(world->client));
    assert_int_equal(server.opened, 0);
}

static void without_a_folder_there_is_nothing_to_pause(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    assert_int_equal(tandem_pause(world->client, true), STATUS_USAGE);
    assert_false(tandem_paused(world->client));
}

/* ---- Disconnecting ---- */

static void disconnected_it_stays_so_and_what_is_queued_goes_with_the_next(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    for (unsigned folder = 0; folder < 2; folder++) {
        memset(outcomes, 0, sizeof outcomes);
        open_client(world, folder == 1);
        tandem_disconnect(world->client); /* before anything */
        sign_in(world, 0);
        tandem_disconnect(world->client);
        (void)expect_sent(MESSAGE_GOODBYE);
        assert_ok(send_note(world, "later", &outcomes[0]));
        assert_int_equal(tandem_timeout(world->client), NEVER);
        assert_ok(tandem_service(world->client));
        expect_nothing_sent();
        assert_int_equal(outcomes[0].calls, 0);
        assert_ok(tandem_connect(world->client, &usual, NULL));
        assert_ok(tandem_service(world->client));
        (void)expect_sent(MESSAGE_HELLO);
        say_welcome(0, NULL);
        assert_ok(tandem_service(world->client));
        assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 1);
        say_result(1, "ok", 7);
        assert_ok(tandem_service(world->client));
        assert_int_equal(outcomes[0].calls, 1);
        assert_ok(outcomes[0].code);
        tandem_close(world->client);
        world->client = NULL;
        (void)expect_sent(MESSAGE_GOODBYE);
    }
}

struct leaving {
    tandem_client *client;
    unsigned calls;
    tandem_code last;
};

static void leave_from_inside(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct leaving *leaving = context;
    (void)answer;
    leaving->calls++;
    leaving->last = fault->code;
    tandem_disconnect(leaving->client);
}

static void leaving_from_inside_a_callback_answers_everybody_once(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    sign_in(world, 0);
    struct leaving leaving[2] = {{.client = world->client}, {.client = world->client}};
    assert_ok(tandem_ask_status(world->client, leave_from_inside, &leaving[0]));
    assert_ok(tandem_ask_status(world->client, leave_from_inside, &leaving[1]));
    say_error("not-found", expect_sent(MESSAGE_STATUS)->as.status.request, 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(leaving[0].calls, 1);
    assert_int_equal(leaving[0].last, STATUS_NOT_FOUND);
    assert_int_equal(leaving[1].calls, 1);
    assert_int_equal(leaving[1].last, STATUS_CANCELLED);
    assert_int_equal(tandem_timeout(world->client), NEVER);
}

/* ---- The folder ---- */

static void a_second_handle_of_the_process_finds_the_folder_locked(void **state)
{
    struct world *world = *state;
    const tandem_options options = {.replica = world->folder};
    tandem_client *second = NULL;
    tandem_fault fault;
    open_client(world, true);
    assert_int_equal(tandem_open(&options, &second, &fault), STATUS_LOCKED);
    assert_null(second);
    assert_non_null(strstr(fault.detail, world->folder));
    tandem_close(world->client);
    open_client(world, true);
}

static void a_subscription_made_before_connecting_is_made_when_it_leads(void **state)
{
    struct world *world = *state;
    const char *const some[] = {"library"};
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    assert_ok(tandem_subscribe(world->client, some, 1)); /* the last word counts */
    sign_in(world, 0);
    const struct message *subscribe = expect_sent(MESSAGE_SUBSCRIBE);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 1);
    tandem_disconnect(world->client);
    (void)expect_sent(MESSAGE_GOODBYE);
    sign_in(world, 0);
    subscribe = expect_sent(MESSAGE_SUBSCRIBE);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pausing_ends_the_connection_and_lasts_until_it_is_resumed),
        TEST(a_handle_that_was_not_to_connect_does_not_when_resumed),
        TEST(without_a_folder_there_is_nothing_to_pause),
        TEST(disconnected_it_stays_so_and_what_is_queued_goes_with_the_next),
        TEST(leaving_from_inside_a_callback_answers_everybody_once),
        TEST(a_second_handle_of_the_process_finds_the_folder_locked),
        TEST(a_subscription_made_before_connecting_is_made_when_it_leads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Mutations: their numbers, their answers, and what becomes of them when something breaks. */
#include "client_world.h"

#include <stdio.h>

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
    assert_int_equal(tandem_last_entry(world->client), 0); /* there is no outbox */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mutations_are_numbered_from_where_the_server_stands),
        TEST(what_was_not_answered_is_sent_again_unchanged),
        TEST(a_server_that_lost_numbers_gets_new_ones),
        TEST(what_the_server_could_not_take_is_sent_again_in_order),
        TEST(a_program_that_does_not_reconnect_is_told_that_the_server_is_read_only),
        TEST(a_real_gap_asks_the_server_where_it_stands),
        TEST(at_most_64_mutations_wait),
        TEST(conflicts_are_told_with_both_sides),
        TEST(goodbye_ends_the_numbers_only_of_a_handle_that_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

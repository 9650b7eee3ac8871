/* What live notes cost the server is charged to those who ask for it, and who has used up what they
 * may is not heard for a while, though nothing is lost or refused. */
#include "tests/unit/session/note_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/work.h"

#define WAIT_MS 500u

static void test_a_push_is_paid_for_with_the_most_it_can_be(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    const int64_t before = world_charged(f->world);
    client_type(kari, note, 0, 0, "x");
    /* Who may not see how long the note is cannot tell it from what they pay. */
    assert_true(world_charged(f->world) - before >= 2 * work_of(LIMIT_NOTE_TEXT));
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_OK);
    assert_int_equal(world_charged(f->world), before);
}

static void push_sets(struct world_client *client, struct id note, uint32_t sets)
{
    struct buffer changes = {0};
    wire_put_array(&changes, sets);
    for (uint32_t i = 0; i < sets; i++) {
        wire_put_array(&changes, 0);
    }
    client_push(client, note, 0, buffer_bytes(&changes));
    buffer_release(&changes);
}

static int64_t price(struct fixture *f, struct world_client *client, struct id note, uint32_t sets)
{
    const int64_t before = world_charged(f->world);
    push_sets(client, note, sets);
    const int64_t charged = world_charged(f->world) - before;
    settle_all(f);
    return charged;
}

static void test_the_price_goes_by_the_sets(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    const int64_t one = price(f, kari, note, 1), two = price(f, kari, note, 2);
    assert_true(two - one >= work_of(LIMIT_NOTE_TEXT));
    assert_int_equal(price(f, kari, note, 5) - one, 4 * (two - one));
    /* Of more than may be there is nobody who looks at them. */
    assert_int_equal(price(f, kari, note, LIMIT_NOTE_PUSH + 1),
                     price(f, kari, note, LIMIT_NOTE_PUSH));
}

/* Clients that were made for more send fewer at a time, or one that is composed of all. */
static void test_a_welcome_says_how_many_sets_a_push_may_have(void **state)
{
    struct fixture *f = *state;
    struct message welcome;
    uint64_t most = 0;
    struct world_client *kari = watcher(f, f->kari);
    assert_int_equal(message_decode(client_last(kari, MESSAGE_WELCOME), &welcome, NULL), STATUS_OK);
    assert_true(wire_map_uint(welcome.as.welcome.limits, "notePush", &most));
    assert_int_equal(most, LIMIT_NOTE_PUSH);
}

/* It is worked on, and costs nobody else anything. */
static void test_who_is_exhausted_waits(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    world_exhaust(f->world, WAIT_MS);
    client_type(kari, note, 0, 0, "x");
    settle_all(f);
    assert_string_equal(client_note_text(ola, note), "abc");
    client_tick(kari);
    settle_all(f);
    assert_string_equal(client_note_text(ola, note), "abc");
    /* When it is over the allowance is asked again, and there may still be none. */
    world_pass_time(f->world, WAIT_MS);
    client_tick(kari);
    settle_all(f);
    assert_string_equal(client_note_text(ola, note), "abc");
    world_exhaust(f->world, 0);
    world_pass_time(f->world, WAIT_MS);
    client_tick(kari);
    settle_all(f);
    assert_string_equal(client_note_text(ola, note), "xabc");
    assert_int_equal(client_push_status(kari), STATUS_OK);
    assert_int_equal(client_received(kari, MESSAGE_ERROR), 0);
}

static void say_status(struct world_client *client)
{
    struct message message = {.type = MESSAGE_STATUS};
    message.as.status.request = 4711;
    client_say(client, &message);
    client_settle(client);
}

/* What is no such work is not weighed, and waits only behind what is. */
static void test_other_messages_go_on(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    world_exhaust(f->world, WAIT_MS);
    say_status(kari);
    assert_int_equal(client_received(kari, MESSAGE_ANSWER), 1);
    client_read_note(kari, note, NULL);
    say_status(kari);
    assert_int_equal(client_received(kari, MESSAGE_NOTE), 1);
    assert_int_equal(client_received(kari, MESSAGE_ANSWER), 1);
    world_exhaust(f->world, 0);
    world_pass_time(f->world, WAIT_MS);
    client_tick(kari);
    client_settle(kari);
    assert_int_equal(client_received(kari, MESSAGE_NOTE), 2);
    assert_int_equal(client_received(kari, MESSAGE_ANSWER), 2);
}

static int64_t reading(struct fixture *f, struct world_client *client, struct id note,
                       const uint64_t *version)
{
    const int64_t before = world_charged(f->world);
    client_read_note(client, note, version);
    client_settle(client);
    return world_charged(f->world) - before;
}

/* By how long it is, and by how many versions have to be gone through. */
static void test_reading_is_paid_for(void **state)
{
    enum { LONGER = 8 * WORK_BYTES, TYPED = 60 };
    static char words[LONGER + 1];
    struct fixture *f = *state;
    const uint64_t oldest = 0, middle = TYPED / 2, late = TYPED - 1;
    struct id note = make_note(f, f->fjord, "", NULL), other = make_note(f, f->fjord, "x", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    const int64_t empty = reading(f, kari, note, NULL);
    assert_true(empty >= 1);
    for (unsigned i = 0; i < TYPED; i++) {
        client_type(kari, note, 0, 0, "x");
        settle_all(f);
    }
    const int64_t few = reading(f, kari, note, &oldest);
    assert_true(reading(f, kari, note, &middle) > few);
    assert_true(reading(f, kari, note, &late) > reading(f, kari, note, &middle));
    memset(words, 'w', LONGER);
    client_open_note(kari, other, false);
    settle_all(f);
    client_type(kari, other, 0, 0, words);
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_OK);
    assert_int_equal(reading(f, kari, other, NULL), empty + LONGER / WORK_BYTES);
    /* And opening it, which sends the same. */
    const int64_t before = world_charged(f->world);
    client_open_note(kari, other, false);
    settle_all(f);
    assert_int_equal(world_charged(f->world) - before, empty + LONGER / WORK_BYTES);
    assert_int_equal(client_received(kari, MESSAGE_ERROR), 0);
}

static void test_listing_is_paid_for(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    for (unsigned i = 0; i < 100; i++) {
        client_type(kari, note, 0, 0, "x");
        settle_all(f);
    }
    int64_t before = world_charged(f->world);
    client_list_versions(kari, note, 2, 100);
    client_settle(kari);
    const int64_t few = world_charged(f->world) - before;
    before = world_charged(f->world);
    client_list_versions(kari, note, 1000, 100);
    client_settle(kari);
    assert_true(world_charged(f->world) - before > few + 2);
}

/* Pushes that no client makes of the text it holds are errors; that others were first, that the
 * note is full or not to be written in, are none. */
static void test_nonsense_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    push_sets(kari, note, 1); /* changes nothing, of no text */
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_INVALID_VALUE);
    assert_int_equal(world_errors(f->world), 1);
    push_sets(kari, note, LIMIT_NOTE_PUSH + 1);
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_LIMIT);
    assert_int_equal(world_errors(f->world), 2);
    client_push(kari, note, 7, bytes_of("\x91\x90", 2));
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_BEHIND);
    client_push(kari, world_id(f->world), 0, bytes_of("\x91\x90", 2));
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_NOT_FOUND);
    type_at_end(f, kari, note, "d");
    assert_int_equal(world_errors(f->world), 2);
}

static void test_a_full_note_is_nobodys_error(void **state)
{
    static char words[LIMIT_NOTE_TEXT + 1];
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    memset(words, 'w', LIMIT_NOTE_TEXT);
    client_type(kari, note, 3, 0, words);
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_TOO_LARGE);
    assert_int_equal(world_errors(f->world), 0);
}

#define NOTE_TEST(function) cmocka_unit_test_setup_teardown(function, feed_set_up, feed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(test_a_push_is_paid_for_with_the_most_it_can_be),
        NOTE_TEST(test_the_price_goes_by_the_sets),
        NOTE_TEST(test_a_welcome_says_how_many_sets_a_push_may_have),
        NOTE_TEST(test_who_is_exhausted_waits),
        NOTE_TEST(test_other_messages_go_on),
        NOTE_TEST(test_reading_is_paid_for),
        NOTE_TEST(test_listing_is_paid_for),
        NOTE_TEST(test_nonsense_is_an_error),
        NOTE_TEST(test_a_full_note_is_nobodys_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

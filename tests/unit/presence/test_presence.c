/* Sessions that are present, in a whole server in memory: what the gate lets them announce and
 * hear, and that what is lost is lost at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "tests/unit/session/feed_fixture.h"

static void say_present(struct world_client *client, struct id about, bool typing)
{
    struct message message = {.type = MESSAGE_PRESENT};
    message.as.present.about = about;
    message.as.present.typing = typing;
    message_mark(&message, "typing");
    client_say(client, &message);
}

static void say_gone(struct world_client *client, struct id about)
{
    struct message message = {.type = MESSAGE_PRESENT};
    message.as.present.about = about;
    message.as.present.gone = true;
    message_mark(&message, "gone");
    client_say(client, &message);
}

static size_t lists(const struct world_client *client)
{
    return client_received(client, MESSAGE_PRESENCE);
}

/* The newest list of people the client was sent: as "ola/Ola Nordmann kari/kari!" in `out`. */
static const char *newest(struct world_client *client, struct id about, char out[256])
{
    struct message message;
    assert_int_equal(message_decode(client_last(client, MESSAGE_PRESENCE), &message, NULL),
                     STATUS_OK);
    assert_true(id_equal(message.as.presence.about, about));
    struct wire_reader reader = wire_read(message.as.presence.people);
    uint32_t count = 0, parts = 0;
    size_t at = 0;
    assert_true(wire_get_array(&reader, &count));
    out[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        struct bytes user, name;
        bool typing;
        assert_true(wire_get_array(&reader, &parts) && wire_skip(&reader, NULL) &&
                    wire_get_str(&reader, &user) && wire_get_str(&reader, &name) &&
                    wire_get_bool(&reader, &typing));
        while (parts-- > 4)
            assert_true(wire_skip(&reader, NULL));
        at +=
            (size_t)snprintf(out + at, 256 - at, "%s%.*s/%.*s%s", i > 0 ? " " : "", (int)user.size,
                             user.data, (int)name.size, name.data, typing ? "!" : "");
        assert_true(at < 256);
    }
    return out;
}

/* Settles and expects just one list more, which is this. */
static void hears(struct world_client *client, struct id about, const char *expected)
{
    char out[256];
    const size_t before = lists(client);
    client_settle(client);
    assert_int_equal(lists(client), before + 1);
    assert_string_equal(newest(client, about, out), expected);
}

static void hears_nothing(struct world_client *client)
{
    const size_t before = lists(client);
    client_settle(client);
    assert_int_equal(lists(client), before);
    assert_false(client_due(client));
}

static void is_refused(struct world_client *client, const char *name)
{
    struct message message;
    const size_t before = client_received(client, MESSAGE_ERROR);
    client_settle(client);
    assert_int_equal(client_received(client, MESSAGE_ERROR), before + 1);
    assert_int_equal(message_decode(client_last(client, MESSAGE_ERROR), &message, NULL), STATUS_OK);
    assert_true(bytes_is(message.as.error.name, name));
}

static void test_colleagues_see_each_other(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    must(world_update(f->world, f->admin, "user", f->ola, "fullName", "Ola Nordmann", NULL));
    client_settle(kari);
    client_settle(ola);
    say_present(kari, f->fjord, false);
    hears(kari, f->fjord, "");
    say_present(ola, f->fjord, true);
    hears(ola, f->fjord, "kari/kari");
    hears(kari, f->fjord, "ola/Ola Nordmann!");
    say_present(ola, f->fjord, true);
    hears_nothing(kari);
    say_present(ola, f->fjord, false);
    hears(kari, f->fjord, "ola/Ola Nordmann");
    say_present(ola, f->hytte, false);
    hears(ola, f->hytte, "");
    hears_nothing(kari);
    say_gone(ola, f->fjord);
    hears(kari, f->fjord, "");
    say_present(kari, f->fjord, true);
    hears_nothing(ola);
    say_present(ola, f->fjord, false);
    hears(ola, f->fjord, "kari/kari!");
    hears(kari, f->fjord, "ola/Ola Nordmann");
    client_disconnect(ola);
    hears(kari, f->fjord, "");
}

/* One message to each of the others is what being present comes to: those who know of one. */
static void test_it_is_paid_for_by_those_who_are_told(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    struct world_client *admin = watcher(f, f->admin);
    int64_t before = world_charged(f->world);
    say_present(ola, f->fjord, false);
    const int64_t alone = world_charged(f->world) - before;
    assert_true(alone > 0);
    say_present(kari, f->fjord, false);
    say_present(admin, f->fjord, false);
    hears(kari, f->fjord, "admin/admin ola/ola");
    hears(admin, f->fjord, "kari/kari ola/ola");
    before = world_charged(f->world);
    say_present(ola, f->fjord, true);
    assert_int_equal(world_charged(f->world) - before, alone + 2);
    hears(kari, f->fjord, "admin/admin ola/ola!");
    hears(admin, f->fjord, "kari/kari ola/ola!");
    before = world_charged(f->world);
    say_present(ola, f->fjord, true); /* nothing new */
    say_gone(ola, f->fjord);
    assert_int_equal(world_charged(f->world) - before, 2 * alone + 2);
    before = world_charged(f->world);
    say_present(ola, world_id(f->world), false); /* there is no such thing */
    assert_int_equal(world_charged(f->world) - before, alone);
    is_refused(ola, "not-found");
}

static void test_cursors_and_windows_are_told(void **state)
{
    struct fixture *f = *state;
    struct world_client *first = watcher(f, f->kari), *second = watcher(f, f->kari);
    struct id note = make_note(f, f->fjord, "words", NULL);
    struct message message = {.type = MESSAGE_PRESENT}, heard;
    uint64_t session = 0, other = 0, anchor = 0, head = 0, version = 0;
    uint32_t count;
    struct wire_reader reader;
    message.as.present.about = note;
    message.as.present.head = 4;
    message.as.present.version = 2;
    message_mark(&message, "head");
    message_mark(&message, "version");
    client_say(first, &message);
    say_present(second, note, false);
    client_settle(second);
    assert_int_equal(message_decode(client_last(second, MESSAGE_PRESENCE), &heard, NULL),
                     STATUS_OK);
    reader = wire_read(heard.as.presence.people);
    assert_true(wire_get_array(&reader, &count) && count == 1 && wire_get_array(&reader, &count));
    assert_true(wire_get_uint(&reader, &session) && wire_skip(&reader, NULL) &&
                wire_skip(&reader, NULL) && wire_skip(&reader, NULL));
    assert_true(wire_get_uint(&reader, &anchor) && wire_get_uint(&reader, &head) &&
                wire_get_uint(&reader, &version));
    assert_int_equal(anchor, 4); /* nothing is selected */
    assert_int_equal(head, 4);
    assert_int_equal(version, 2);
    client_settle(first);
    assert_int_equal(message_decode(client_last(first, MESSAGE_PRESENCE), &heard, NULL), STATUS_OK);
    reader = wire_read(heard.as.presence.people);
    assert_true(wire_get_array(&reader, &count) && count == 1 && wire_get_array(&reader, &count));
    assert_true(wire_get_uint(&reader, &other) && other != session);
    message.as.present.anchor = 3;
    message_mark(&message, "anchor");
    message.as.present.head = LIMIT_NOTE_TEXT + 1;
    client_say(first, &message);
    is_refused(first, "invalid-value");
    struct message half = {.type = MESSAGE_PRESENT};
    half.as.present.about = note;
    message_mark(&half, "anchor");
    client_say(first, &half);
    is_refused(first, "invalid-value");
    hears_nothing(second);
}

static void test_partners_never_hear_of_each_other(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    assign(f, f->other, f->fjord);
    must(world_update(f->world, f->admin, "user", f->kari, "fullName", "Kari Nord", NULL));
    must(world_update(f->world, f->admin, "user", f->eva, "fullName", "Eva Berg", NULL));
    struct world_client *kari = watcher(f, f->kari), *eva = watcher(f, f->eva);
    struct world_client *fred = watcher(f, f->fred), *eva_too = watcher(f, f->eva);
    say_present(eva, f->fjord, false);
    hears(eva, f->fjord, "");
    say_present(fred, f->fjord, true);
    hears(fred, f->fjord, "");
    hears_nothing(eva);
    say_present(kari, f->fjord, false);
    hears(kari, f->fjord, "fred/fred! eva/Eva Berg");
    hears(eva, f->fjord, "kari/kari"); /* whose full name is in a record that is not theirs */
    hears(fred, f->fjord, "kari/kari");
    say_present(fred, f->fjord, false);
    say_gone(fred, f->fjord);
    hears_nothing(eva);
    hears(kari, f->fjord, "eva/Eva Berg");
    say_present(eva_too, f->fjord, false);
    hears(eva_too, f->fjord, "kari/kari eva/Eva Berg");
    client_disconnect(kari);
    hears(eva, f->fjord, "eva/Eva Berg");
    hears_nothing(fred);
}

/* The whole error is the same, so that nothing in it tells. */
static struct buffer refusal(struct world_client *client, struct id about)
{
    struct buffer copy = {0};
    say_present(client, about, true);
    is_refused(client, "not-found");
    struct bytes error = client_last(client, MESSAGE_ERROR);
    buffer_append(&copy, error.data, error.size);
    return copy;
}

static void test_what_is_not_theirs_is_as_what_is_not(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    struct id internal = make_note(f, f->fjord, "for us", NULL);
    struct id shared = make_note(f, f->fjord, "for all", "partners");
    struct id contact = world_id(f->world);
    must(world_create(f->world, f->admin, "contact", contact, "lastName", "Hansen", "account",
                      text(f, f->fjord), NULL));
    struct world_client *kari = watcher(f, f->kari), *eva = watcher(f, f->eva);
    say_present(kari, internal, true);
    say_present(kari, shared, false);
    say_present(kari, f->hytte, false);
    client_settle(kari);
    struct buffer unknown = refusal(eva, world_id(f->world));
    const struct id hidden[] = {internal, f->hytte, f->ola};
    for (unsigned i = 0; i < 3; i++) {
        struct buffer same = refusal(eva, hidden[i]);
        assert_true(bytes_equal(buffer_bytes(&unknown), buffer_bytes(&same)));
        buffer_release(&same);
    }
    buffer_release(&unknown);
    say_present(kari, internal, false);
    hears_nothing(eva);
    hears_nothing(kari);
    say_present(eva, shared, false);
    hears(eva, shared, "kari/kari");
    say_present(kari, contact, false); /* neither an account nor a note */
    is_refused(kari, "invalid-value");
}

/* What ends the supplier's access, and what leaves the others theirs. */
static void ends_at_once(struct fixture *f, struct id about, struct id assignment,
                         void (*take)(struct fixture *, struct id about, struct id assignment))
{
    struct world_client *kari = watcher(f, f->kari), *eva = watcher(f, f->eva);
    say_present(kari, about, false);
    say_present(eva, about, false);
    client_settle(kari);
    client_settle(eva);
    take(f, about, assignment);
    world_deliver(f->world, 64);
    hears(kari, about, ""); /* though nothing of hers could be sent meanwhile */
    say_present(kari, about, true);
    hears_nothing(eva);
    say_present(eva, about, false);
    is_refused(eva, "not-found");
    hears_nothing(kari);
}

static void unassign(struct fixture *f, struct id about, struct id assignment)
{
    (void)about;
    must(world_remove(f->world, f->admin, assignment));
}

static void unshare(struct fixture *f, struct id about, struct id assignment)
{
    (void)assignment;
    must(world_share(f->world, f->admin, about, NULL, "partners"));
}

static void to_another_partner(struct fixture *f, struct id about, struct id assignment)
{
    (void)about;
    (void)assignment;
    must(world_update(f->world, f->admin, "user", f->eva, "partner", text(f, f->other), NULL));
}

static void move_note(struct fixture *f, struct id about, struct id assignment)
{
    (void)assignment;
    must(world_update(f->world, f->admin, "note", about, "account", text(f, f->hytte), NULL));
}

static void test_an_account_that_is_not_assigned_any_more(void **state)
{
    struct fixture *f = *state;
    ends_at_once(f, f->fjord, assign(f, f->supplier, f->fjord), unassign);
}

static void test_a_note_in_an_account_that_is_not_assigned_any_more(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    ends_at_once(f, make_note(f, f->fjord, "for all", "partners"), assignment, unassign);
}

static void test_a_note_that_is_not_shared_any_more(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    ends_at_once(f, make_note(f, f->fjord, "for all", "partners"), assignment, unshare);
}

static void test_a_note_that_moves_away(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    ends_at_once(f, make_note(f, f->fjord, "for all", "partners"), assignment, move_note);
}

static void test_a_user_who_moves_to_another_partner(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    ends_at_once(f, f->fjord, assignment, to_another_partner);
}

static void test_a_note_that_has_moved_is_lost_with_where_it_is(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    struct id there = assign(f, f->supplier, f->hytte);
    struct id note = make_note(f, f->fjord, "for all", "partners");
    struct world_client *kari = watcher(f, f->kari), *eva = watcher(f, f->eva);
    (void)assignment;
    say_present(kari, note, false);
    say_present(eva, note, false);
    client_settle(kari);
    client_settle(eva);
    move_note(f, note, assignment);
    hears_nothing(kari);
    hears_nothing(eva);
    must(world_remove(f->world, f->admin, there));
    hears(kari, note, "");
}

static void test_a_note_that_is_removed(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    struct id note = make_note(f, f->fjord, "words", NULL);
    say_present(kari, note, false);
    say_present(ola, note, false);
    client_settle(kari);
    client_settle(ola);
    must(world_remove(f->world, f->admin, note));
    say_present(ola, note, true);
    is_refused(ola, "not-found");
    hears_nothing(kari);
    client_disconnect(ola);
    hears_nothing(kari);
}

static void test_an_account_that_becomes_restricted(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    say_present(kari, f->fjord, false);
    say_present(ola, f->fjord, false);
    client_settle(kari);
    client_settle(ola);
    must(world_update(f->world, f->admin, "account", f->fjord, "restricted", "true", "assignedUser",
                      text(f, f->kari), NULL));
    hears(kari, f->fjord, "");
    say_present(kari, f->fjord, true);
    hears_nothing(ola);
}

static void test_a_user_who_is_disabled(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    say_present(kari, f->fjord, false);
    say_present(ola, f->fjord, false);
    client_settle(kari);
    client_settle(ola);
    must(world_update(f->world, f->admin, "user", f->ola, "disabled", "true", NULL));
    hears(kari, f->fjord, "");
    assert_int_equal(client_closed(ola), CLOSE_ACCESS_ENDED);
}

/* The session of who was moved has not been told yet, and would speak for their old partner. */
static void test_who_was_moved_hears_as_who_they_are(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    assign(f, f->other, f->fjord);
    struct id old_colleague = make_user(f, "egil", "Partner", "partner", f->supplier);
    struct world_client *eva = watcher(f, f->eva), *fred = watcher(f, f->fred);
    struct world_client *egil = watcher(f, old_colleague);
    say_present(fred, f->fjord, false);
    say_present(egil, f->fjord, false);
    say_present(eva, f->fjord, false);
    client_settle(fred);
    client_settle(egil);
    to_another_partner(f, f->fjord, f->fjord);
    assert_int_equal(client_pump(eva, 1, true), 1); /* the list that eva was owed, made now */
    for (unsigned i = 0; lists(eva) == 0 && i < 10; i++)
        client_pump(eva, 1, true);
    char out[256];
    assert_string_equal(newest(eva, f->fjord, out), "fred/fred");
    client_settle(eva);
    hears(egil, f->fjord, "");
    hears(fred, f->fjord, "eva/eva");
}

/* What was owed before is not made after, whether or not the session has been told. */
static void test_what_is_owed_is_judged_when_it_is_made(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    struct world_client *kari = watcher(f, f->kari), *eva = watcher(f, f->eva);
    say_present(kari, f->fjord, false);
    say_present(eva, f->fjord, false);
    unassign(f, f->fjord, assignment);
    client_pump(eva, 100, true);
    assert_int_equal(lists(eva), 0);
    hears(kari, f->fjord, "");
    hears_nothing(eva);
}

static void test_a_connection_is_at_so_many_things(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    for (unsigned i = 0; i < LIMIT_PRESENT; i++)
        say_present(kari, make_note(f, f->fjord, "words", NULL), false);
    client_settle(kari);
    assert_int_equal(lists(kari), LIMIT_PRESENT);
    assert_int_equal(client_received(kari, MESSAGE_ERROR), 0);
    say_present(kari, f->fjord, false);
    is_refused(kari, "limit");
}

/* Changes of other records cost no list, and a full socket costs only the newest one. */
static void test_lists_are_made_when_they_can_be_sent(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    say_present(kari, f->fjord, false);
    client_settle(kari);
    for (unsigned i = 0; i < 5; i++) {
        say_present(ola, f->fjord, true);
        say_gone(ola, f->fjord);
    }
    world_deliver(f->world, 64);
    hears_nothing(kari);
    say_present(ola, f->fjord, true);
    say_present(ola, f->fjord, false);
    hears(kari, f->fjord, "ola/ola");
    make_note(f, f->fjord, "words", NULL);
    hears_nothing(kari);
}

/* Whoever moves at every frame that a slow connection takes does not keep back what was changed. */
static void test_lists_take_turns_with_what_was_changed(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    say_present(kari, f->fjord, false);
    say_present(ola, f->fjord, false);
    client_settle(kari);
    const size_t changes = client_received(kari, MESSAGE_CHANGES), before = lists(kari);
    make_note(f, f->fjord, "words", NULL);
    world_deliver(f->world, 64);
    for (unsigned i = 0; i < 4; i++) {
        say_present(ola, f->fjord, i % 2 == 0);
        client_pump(kari, 1, true);
    }
    assert_true(client_received(kari, MESSAGE_CHANGES) > changes);
    assert_true(lists(kari) > before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_colleagues_see_each_other),
        TEST(test_it_is_paid_for_by_those_who_are_told),
        TEST(test_cursors_and_windows_are_told),
        TEST(test_partners_never_hear_of_each_other),
        TEST(test_what_is_not_theirs_is_as_what_is_not),
        TEST(test_an_account_that_is_not_assigned_any_more),
        TEST(test_a_note_in_an_account_that_is_not_assigned_any_more),
        TEST(test_a_note_that_is_not_shared_any_more),
        TEST(test_a_note_that_moves_away),
        TEST(test_a_user_who_moves_to_another_partner),
        TEST(test_a_note_that_has_moved_is_lost_with_where_it_is),
        TEST(test_a_note_that_is_removed),
        TEST(test_an_account_that_becomes_restricted),
        TEST(test_a_user_who_is_disabled),
        TEST(test_who_was_moved_hears_as_who_they_are),
        TEST(test_what_is_owed_is_judged_when_it_is_made),
        TEST(test_a_connection_is_at_so_many_things),
        TEST(test_lists_are_made_when_they_can_be_sent),
        TEST(test_lists_take_turns_with_what_was_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Live notes as one connection sees them: opening, what comes while it is open, how it ends, and
 * who hears nothing. */
#include "tests/unit/session/note_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"

static void test_a_note_opens_with_its_text(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "first words", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    assert_string_equal(client_note_text(kari, note), "first words");
    assert_int_equal(client_note(kari, note)->version, 0);
    assert_int_equal(client_note(kari, note)->oldest, 0);
    assert_int_equal(client_received(kari, MESSAGE_NOTE_CHANGES), 0);
}

static void test_what_one_types_all_have_who_opened_it(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "one", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    struct world_client *admin = watcher(f, f->admin);
    client_type(kari, note, 3, 0, " two");
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_OK);
    assert_int_equal(client_push_version(kari), 1);
    assert_string_equal(client_note_text(kari, note), "one two");
    assert_string_equal(client_note_text(ola, note), "one two");
    client_type(ola, note, 0, 3, "1");
    client_type(ola, note, 0, 0, "never");
    settle_all(f);
    assert_int_equal(client_push_status(ola), STATUS_BEHIND);
    assert_int_equal(client_push_version(ola), 2);
    assert_string_equal(client_note_text(kari, note), "1 two");
    assert_string_equal(client_note_text(ola, note), "1 two");
    assert_int_equal(client_note(kari, note)->own, 1);
    assert_int_equal(client_note(ola, note)->own, 1);
    assert_int_equal(client_note(ola, note)->entries, 2);
    assert_int_equal(client_received(admin, MESSAGE_NOTE_CHANGES), 0);
}

static void test_a_push_of_several_is_as_many_versions(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    /* [[3, [0, "d"]], [[1], 3]] */
    client_push(kari, note, 0,
                bytes_of("\x92\x92\x03\x92\x00\xa1"
                         "d\x92\x91\x01\x03",
                         11));
    settle_all(f);
    assert_int_equal(client_push_version(kari), 2);
    assert_string_equal(client_note_text(ola, note), "bcd");
    assert_int_equal(client_note(ola, note)->version, 2);
    assert_int_equal(client_received(ola, MESSAGE_NOTE_CHANGES), 1);
}

static void test_one_goes_on_from_the_version_one_has(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    type_at_end(f, kari, note, "a");
    client_disconnect(ola);
    type_at_end(f, kari, note, "b");
    type_at_end(f, kari, note, "c");
    client_connect(ola);
    client_open_note(ola, note, true);
    settle_all(f);
    struct message opened;
    assert_int_equal(message_decode(client_last(ola, MESSAGE_NOTE), &opened, NULL), STATUS_OK);
    assert_false(message_has(&opened, "text"));
    assert_int_equal(opened.as.note.version, 1);
    assert_int_equal(opened.as.note.newest, 3);
    assert_string_equal(client_note_text(ola, note), "abc");
    assert_int_equal(client_note(ola, note)->entries, 3);
    /* Also at the newest version, and in a note that is open already. */
    client_open_note(ola, note, true);
    settle_all(f);
    assert_int_equal(client_note(ola, note)->opened, 3);
    type_at_end(f, kari, note, "d");
    assert_string_equal(client_note_text(ola, note), "abcd");
}

static void test_what_cannot_be_gone_on_with_comes_as_text(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    struct message opened;
    type_at_end(f, kari, note, "a");
    client_open_note_at(ola, note, 2); /* there is no such version */
    settle_all(f);
    assert_int_equal(message_decode(client_last(ola, MESSAGE_NOTE), &opened, NULL), STATUS_OK);
    assert_true(message_has(&opened, "text"));
    assert_string_equal(client_note_text(ola, note), "a");
    /* More than is worth replaying. */
    char words[4001];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    client_disconnect(ola);
    for (unsigned i = 0; i < 17; i++) {
        client_type(kari, note, 0, i == 0 ? 1 : sizeof words - 1, words);
        settle_all(f);
        assert_int_equal(client_push_status(kari), STATUS_OK);
    }
    client_connect(ola);
    client_open_note(ola, note, true);
    settle_all(f);
    assert_int_equal(message_decode(client_last(ola, MESSAGE_NOTE), &opened, NULL), STATUS_OK);
    assert_true(message_has(&opened, "text"));
    assert_int_equal(client_note(ola, note)->version, 18);
    assert_string_equal(client_note_text(ola, note), words);
}

static void test_a_closed_note_tells_nothing_and_can_be_written(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    client_close_note(ola, note);
    client_close_note(ola, f->fjord); /* never was open */
    type_at_end(f, kari, note, "a");
    assert_int_equal(client_received(ola, MESSAGE_NOTE_CHANGES), 0);
    assert_int_equal(client_received(ola, MESSAGE_ERROR), 0);
    client_push(ola, note, 1,
                bytes_of("\x91\x92\x01\x92\x00\xa1"
                         "b",
                         7));
    settle_all(f);
    assert_int_equal(client_push_status(ola), STATUS_OK);
    assert_string_equal(client_note_text(kari, note), "ab");
    assert_int_equal(client_received(ola, MESSAGE_NOTE_CHANGES), 0);
}

static void test_only_so_many_are_open(void **state)
{
    struct fixture *f = *state;
    struct id notes[LIMIT_NOTES_OPEN + 1];
    struct world_client *kari = watcher(f, f->kari);
    for (unsigned i = 0; i <= LIMIT_NOTES_OPEN; i++) {
        notes[i] = make_note(f, f->fjord, "", NULL);
        client_open_note(kari, notes[i], false);
        settle_all(f);
    }
    assert_int_equal(client_received(kari, MESSAGE_NOTE), LIMIT_NOTES_OPEN);
    assert_string_equal(error_name(kari), "limit");
    client_open_note(kari, notes[0], false); /* is open */
    client_close_note(kari, notes[1]);
    client_open_note(kari, notes[LIMIT_NOTES_OPEN], false);
    settle_all(f);
    assert_int_equal(client_received(kari, MESSAGE_NOTE), LIMIT_NOTES_OPEN + 2);
    struct world_client *ola = watcher(f, f->ola);
    for (unsigned i = 0; i <= LIMIT_NOTES_OPEN; i++) {
        client_push(ola, notes[i], 0,
                    bytes_of("\x91\x91\x92\x00\xa1"
                             "x",
                             6));
    }
    settle_all(f);
    for (unsigned i = 0; i <= LIMIT_NOTES_OPEN; i++) {
        assert_string_equal(client_note_text(kari, notes[i]), i == 1 ? "" : "x");
    }
}

static void test_it_ends_when_it_is_removed(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "words", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    must(world_remove(f->world, f->admin, note));
    settle_all(f);
    assert_false(client_has_note(kari, note));
    assert_int_equal(client_note(kari, note)->end, STATUS_NOT_FOUND);
    assert_int_equal(client_received(kari, MESSAGE_NOTE_ENDED), 1);
    client_type(kari, note, 0, 0, "x");
    client_open_note(kari, note, true);
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_NOT_FOUND);
    assert_string_equal(error_name(kari), "not-found");
}

static void test_it_ends_when_sharing_does(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign_at(f, f->supplier, f->fjord, "comment");
    struct id note = make_note(f, f->fjord, "words", "partners");
    struct world_client *kari = opener(f, f->kari, note), *eva = opener(f, f->eva, note);
    must(world_share(f->world, f->admin, note, NULL, "partners"));
    type_at_end(f, kari, note, " secret");
    assert_int_equal(client_note(eva, note)->end, STATUS_NOT_FOUND);
    assert_string_equal(client_note_text(eva, note), "words");

    must(world_share(f->world, f->admin, note, "partners", NULL));
    client_open_note(eva, note, false);
    settle_all(f);
    assert_string_equal(client_note_text(eva, note), "words secret");
    must(world_remove(f->world, f->admin, assignment));
    settle_all(f); /* at once, not with what is typed next */
    assert_int_equal(client_note(eva, note)->ended, 2);
    type_at_end(f, kari, note, " more");
    assert_string_equal(client_note_text(eva, note), "words secret");
}

static void test_it_ends_without_a_subscription_too(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign_at(f, f->supplier, f->fjord, "comment");
    struct id note = make_note(f, f->fjord, "words", "partners");
    struct world_client *eva = opener(f, f->eva, note), *kari = opener(f, f->kari, note);
    struct message message = {.type = MESSAGE_UNSUBSCRIBE};
    client_say(eva, &message);
    type_at_end(f, kari, note, "!");
    assert_string_equal(client_note_text(eva, note), "words!");
    must(world_remove(f->world, f->admin, assignment));
    settle_all(f);
    assert_int_equal(client_note(eva, note)->end, STATUS_NOT_FOUND);
}

static void test_it_ends_when_the_department_changes(void **state)
{
    struct fixture *f = *state;
    struct id sales = world_department(f->world, "sales");
    struct id note = world_id(f->world);
    char tag[TAG_TEXT_SIZE];
    snprintf(tag, sizeof tag, "dept:%s", text(f, world_department(f->world, "support")));
    must(world_create(f->world, f->admin, "note", note, "text", "words", "account",
                      text(f, f->fjord), "@audience", tag, NULL));
    struct world_client *kari = opener(f, f->kari, note);
    must(world_update(f->world, f->admin, "user", f->kari, "departments", text(f, sales), NULL));
    settle_all(f);
    assert_int_equal(client_note(kari, note)->end, STATUS_NOT_FOUND);
}

/* Nobody gets what was typed while they could not see the note, also where they never heard of
 * that while. */
static void test_what_was_typed_meanwhile_is_not_sent(void **state)
{
    struct fixture *f = *state;
    assign_at(f, f->supplier, f->fjord, "comment");
    struct id note = make_note(f, f->fjord, "words", "partners");
    struct world_client *kari = opener(f, f->kari, note), *eva = opener(f, f->eva, note);
    type_at_end(f, kari, note, "!");
    must(world_share(f->world, f->admin, note, NULL, "partners"));
    client_type(kari, note, 5, 1, " secret");
    client_settle(kari);
    client_type(kari, note, 5, 7, "?");
    client_settle(kari);
    must(world_share(f->world, f->admin, note, "partners", NULL));
    uint64_t entries = client_note(eva, note)->entries;
    settle_all(f);
    assert_int_equal(client_note(eva, note)->end, STATUS_RESET_REQUIRED);
    assert_int_equal(client_note(eva, note)->entries, entries);
    client_open_note(eva, note, true);
    settle_all(f);
    assert_string_equal(client_note_text(eva, note), "words?");
    assert_int_equal(client_note(eva, note)->entries, entries);
    assert_int_equal(client_note(eva, note)->oldest, 3);
    type_at_end(f, kari, note, "!");
    assert_string_equal(client_note_text(eva, note), "words?!");
}

static void test_more_sharing_interrupts_nothing(void **state)
{
    struct fixture *f = *state;
    assign_at(f, f->supplier, f->fjord, "comment");
    struct id note = make_note(f, f->fjord, "words", "partners");
    struct world_client *kari = opener(f, f->kari, note), *eva = opener(f, f->eva, note);
    must(world_share(f->world, f->admin, note, "suppliers", NULL));
    settle_all(f);
    must(world_share(f->world, f->admin, note, NULL, "partners"));
    type_at_end(f, kari, note, "!");
    assert_string_equal(client_note_text(eva, note), "words!");
    must(world_share(f->world, f->admin, note, "partners", NULL));
    type_at_end(f, kari, note, "!");
    assert_string_equal(client_note_text(eva, note), "words!!");
    assert_int_equal(client_note(eva, note)->ended, 0);
}

static void test_a_lot_comes_in_several_frames_and_the_feed_between_them(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    char words[1501], expected[60 * 1500 + 1] = "";
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    for (unsigned i = 0; i < 60; i++) {
        client_type(kari, note, 0, 0, words);
        client_settle(kari);
        strcat(expected, words);
    }
    make_account(f, "Another");
    world_deliver(f->world, 1000);
    size_t frames = 0, feed_at = 0;
    while (client_pump(ola, 1, true) > 0) {
        frames++;
        if (client_received(ola, MESSAGE_NOTE_CHANGES) == 1 && feed_at == 0) {
            size_t before = client_received(ola, MESSAGE_CHANGES);
            client_pump(ola, 1, true);
            feed_at = client_received(ola, MESSAGE_CHANGES) > before ? 1 : 0;
            assert_int_equal(feed_at, 1);
        }
        assert_true(client_last(ola, MESSAGE_NOTE_CHANGES).size <= 16 * 1024);
    }
    assert_true(client_received(ola, MESSAGE_NOTE_CHANGES) >= 6);
    assert_string_equal(client_note_text(ola, note), expected);
}

static void test_interests_outlive_a_new_subscription(void **state)
{
    struct fixture *f = *state;
    assign_at(f, f->supplier, f->fjord, "comment");
    struct id note = make_note(f, f->fjord, "", "partners");
    struct world_client *kari = opener(f, f->kari, note), *eva = opener(f, f->eva, note);
    assign_at(f, f->supplier, f->hytte, "comment"); /* lists the lanes anew */
    settle_all(f);
    type_at_end(f, kari, note, "a");
    assert_string_equal(client_note_text(eva, note), "a");
    struct message subscribe = {.type = MESSAGE_SUBSCRIBE};
    subscribe.as.subscribe.cursor = 0;
    client_say(eva, &subscribe);
    client_say(eva, &(struct message){.type = MESSAGE_UNSUBSCRIBE});
    type_at_end(f, kari, note, "b");
    assert_string_equal(client_note_text(eva, note), "ab");
}

static void test_frames_are_made_once_for_all(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    struct world_client *others[20];
    for (size_t i = 0; i < 20; i++) {
        others[i] = opener(f, i % 2 ? f->ola : f->admin, note);
    }
    world_forget_frames(f->world);
    for (unsigned i = 0; i < 100; i++) {
        type_at_end(f, kari, note, "a");
    }
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(client_note(others[i], note)->version, 100);
    }
    client_type(kari, note, 0, 0, "b");
    world_deliver(f->world, 1000);
    client_pump(others[0], 10, true);
    unsigned long before = world_reads(f->world);
    client_pump(others[1], 10, true);
    unsigned long each = world_reads(f->world) - before;
    client_pump(others[2], 10, true);
    assert_int_equal(world_reads(f->world) - before, 2 * each);
    assert_true(each <= 4);
    assert_int_equal(client_note(others[2], note)->version, 101);
}

/* The answer is lost with the connection. */
static void test_a_push_sent_again_is_taken_once(void **state)
{
    static const struct bytes changes = {(const uint8_t *)"\x91\x91\x92\x00\xa1x", 6};
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    client_push(kari, note, 0, changes);
    client_disconnect(kari);
    settle_all(f);
    type_at_end(f, ola, note, "y");
    client_connect(kari);
    client_push(kari, note, 0, changes);
    client_open_note(kari, note, true);
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_OK);
    assert_int_equal(client_push_version(kari), 1);
    assert_int_equal(client_note(kari, note)->own, 1);
    assert_string_equal(client_note_text(kari, note), "xy");
    assert_string_equal(client_note_text(ola, note), "xy");
}

static void test_trouble_of_the_committer_is_told(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    world_trouble(f->world, false, STATUS_READ_ONLY);
    client_type(kari, note, 0, 0, "a");
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_READ_ONLY);
    world_trouble(f->world, true, STATUS_OK);
    client_type(kari, note, 0, 0, "b"); /* waits in the session */
    settle_all(f);
    assert_int_equal(client_pushes(kari), 1);
    world_trouble(f->world, false, STATUS_OK);
    settle_all(f);
    assert_int_equal(client_pushes(kari), 0);
    assert_int_equal(client_push_status(kari), STATUS_OK);
    assert_string_equal(client_note_text(kari, note), "b");
}

static void test_what_is_no_note_cannot_be_opened(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    client_open_note(kari, f->fjord, false);
    client_settle(kari);
    assert_string_equal(error_name(kari), "not-found");
}

/* What a stranger is told of a note that exists, byte for byte as of one that does not. */
static void assert_same_answer(struct fixture *f, struct world_client *client,
                               enum message_type ask, enum message_type answer, struct id hidden)
{
    struct buffer answers[2] = {{0}};
    struct id nothing = world_id(f->world);
    for (unsigned i = 0; i < 2; i++) {
        struct message message = {.type = ask};
        struct id id = i == 0 ? hidden : nothing;
        switch (ask) {
        case MESSAGE_NOTE_OPEN:
            message.as.note_open = (struct msg_note_open){.request = 9, .note = id};
            break;
        case MESSAGE_NOTE_READ:
            message.as.note_read = (struct msg_note_read){.request = 9, .note = id};
            break;
        case MESSAGE_NOTE_VERSIONS:
            message.as.note_versions = (struct msg_note_versions){.request = 9, .note = id};
            break;
        default:
            message.as.note_push =
                (struct msg_note_push){.request = 9,
                                       .note = id, /* repeated in the answer: see below */
                                       .changes = bytes_of("\x91\x91\x92\x00\xa1x", 6)};
        }
        client_say(client, &message);
        client_settle(client);
        struct bytes came = client_last(client, answer);
        buffer_append(&answers[i], came.data, came.size);
        uint8_t *repeated = memmem(answers[i].data, answers[i].size, id.octet, ID_SIZE);
        if (repeated != NULL) {
            memset(repeated, 0, ID_SIZE);
        }
    }
    assert_true(answers[0].size > 0);
    assert_true(bytes_equal(buffer_bytes(&answers[0]), buffer_bytes(&answers[1])));
    buffer_release(&answers[0]);
    buffer_release(&answers[1]);
}

static void test_a_stranger_learns_nothing(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "secret", "partners");
    struct world_client *kari = opener(f, f->kari, note);
    type_at_end(f, kari, note, "!");
    struct world_client *fred = watcher(f, f->fred);
    assert_same_answer(f, fred, MESSAGE_NOTE_OPEN, MESSAGE_ERROR, note);
    assert_same_answer(f, fred, MESSAGE_NOTE_READ, MESSAGE_ERROR, note);
    assert_same_answer(f, fred, MESSAGE_NOTE_VERSIONS, MESSAGE_ERROR, note);
    assert_same_answer(f, fred, MESSAGE_NOTE_PUSH, MESSAGE_NOTE_RESULT, note);
    assert_int_equal(client_push_status(fred), STATUS_NOT_FOUND);
    assert_int_equal(client_push_version(fred), 0);
    type_at_end(f, kari, note, "!");
    client_settle(fred);
    assert_int_equal(client_received(fred, MESSAGE_NOTE), 0);
    assert_int_equal(client_received(fred, MESSAGE_NOTE_CHANGES), 0);
    assert_int_equal(client_received(fred, MESSAGE_NOTE_ENDED), 0);
    assert_string_equal(client_note_text(kari, note), "secret!!");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        T(test_a_note_opens_with_its_text),
        T(test_what_one_types_all_have_who_opened_it),
        T(test_a_push_of_several_is_as_many_versions),
        T(test_one_goes_on_from_the_version_one_has),
        T(test_what_cannot_be_gone_on_with_comes_as_text),
        T(test_a_closed_note_tells_nothing_and_can_be_written),
        T(test_only_so_many_are_open),
        T(test_it_ends_when_it_is_removed),
        T(test_it_ends_when_sharing_does),
        T(test_it_ends_without_a_subscription_too),
        T(test_it_ends_when_the_department_changes),
        T(test_what_was_typed_meanwhile_is_not_sent),
        T(test_more_sharing_interrupts_nothing),
        T(test_a_lot_comes_in_several_frames_and_the_feed_between_them),
        T(test_interests_outlive_a_new_subscription),
        T(test_frames_are_made_once_for_all),
        T(test_a_push_sent_again_is_taken_once),
        T(test_trouble_of_the_committer_is_told),
        T(test_what_is_no_note_cannot_be_opened),
        T(test_a_stranger_learns_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

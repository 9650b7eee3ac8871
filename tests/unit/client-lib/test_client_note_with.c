/* Who else is at a note or an account, versions of a note, and a thread that runs the loop. */
#include "note_server.h"

#include <stdio.h>
#include <unistd.h>

static struct note_server shop;
static struct mirror mirror;
static tandem_note *note;

static int set_up_with(void **state)
{
    note = NULL;
    memset(&mirror, 0, sizeof mirror);
    note_server_init(&shop, "Four weeks.");
    return set_up(state);
}

static int tear_down_with(void **state)
{
    note_server_release(&shop);
    mirror_release(&mirror);
    return tear_down(state);
}

#define WITH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_with, tear_down_with)

static void begin(struct world *world)
{
    note_start(world);
    note_settle(world, &shop);
    mirror_open(&mirror, world, &note);
    note_settle(world, &shop);
    assert_text(&mirror, note, "Four weeks.");
}

/* ---- People ---- */

static void put_person(struct buffer *out, uint64_t session, const char *user, bool typing,
                       const uint64_t *place)
{
    wire_put_array(out, 7);
    wire_put_uint(out, session);
    wire_put_text(out, user);
    wire_put_text(out, "Name");
    wire_put_bool(out, typing);
    for (int i = 0; i < 3; i++)
        if (place != NULL)
            wire_put_uint(out, place[i]);
        else
            wire_put_nil(out);
}

static void say_people(struct id about, struct bytes people)
{
    struct message message = {.type = MESSAGE_PRESENCE};
    message.as.presence.about = about;
    message.as.presence.people = people;
    say(&message);
}

struct people {
    unsigned count, ends;
    tandem_person person[4];
    char user[4][16];
};

static bool take_person(void *context, const tandem_person *person)
{
    struct people *people = context;
    snprintf(people->user[people->count], 16, "%s", person->user);
    people->person[people->count++] = *person;
    return true;
}

static struct people people_now(void)
{
    struct people people = {0};
    assert_ok(tandem_note_each_person(note, take_person, &people));
    return people;
}

static void others_and_their_cursors_are_where_they_are_in_our_text(void **state)
{
    struct world *world = *state;
    struct buffer list = {0};
    const uint64_t place[] = {5, 10, 0};
    begin(world);
    wire_put_array(&list, 2);
    put_person(&list, 7, "ola", true, place);
    put_person(&list, 8, "eva", false, NULL);
    say_people(id_of(NOTE_NUMBER), buffer_bytes(&list));
    note_settle(world, &shop);
    assert_int_equal(mirror.people, 1);
    struct people people = people_now();
    assert_int_equal(people.count, 2);
    assert_string_equal(people.user[0], "ola");
    assert_true(people.person[0].typing && people.person[0].has_cursor);
    assert_int_equal(people.person[0].session, 7);
    assert_int_equal(people.person[0].anchor, 5);
    assert_int_equal(people.person[0].at, 10);
    assert_false(people.person[1].has_cursor);
    /* It moves with what we type, before and after the server has that. */
    mirror_type(&mirror, note, 0, "\xf0\x9f\x99\x82 ");
    assert_int_equal(people_now().person[0].at, 15);
    note_settle(world, &shop);
    assert_int_equal(people_now().person[0].at, 15);
    note_hang_up(world, &shop);
    assert_int_equal(people_now().count, 0);
    assert_int_equal(mirror.people, 2);
    buffer_release(&list);
}

static void ones_own_cursor_is_told_in_the_servers_units(void **state)
{
    struct world *world = *state;
    begin(world);
    assert_int_equal(shop.presents, 1);
    mirror_type(&mirror, note, 0, "\xf0\x9f\x99\x82");
    note_settle(world, &shop);
    assert_ok(tandem_note_cursor(note, 4, 6, true));
    note_settle(world, &shop);
    assert_int_equal(shop.presents, 2);
    assert_int_equal(shop.present.anchor, 2);
    assert_int_equal(shop.present.head, 4);
    assert_int_equal(shop.present.version, 1);
    assert_true(shop.present.typing);
    assert_ok(tandem_note_cursor(note, 4, 6, true)); /* nothing new */
    note_settle(world, &shop);
    assert_int_equal(shop.presents, 2);
    assert_int_equal(tandem_note_cursor(note, 1, 4, false), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_note_cursor(note, 0, 99, false), STATUS_INVALID_VALUE);
    tandem_note_close(note);
    note_settle(world, &shop);
    assert_int_equal(shop.gone, 1);
    assert_false(shop.open);
}

/* However fast it moves. */
static void a_cursor_is_told_ten_times_a_second_at_most(void **state)
{
    struct world *world = *state;
    begin(world);
    for (size_t i = 0; i < 11; i++) {
        assert_ok(tandem_note_cursor(note, i, i, false));
        assert_ok(tandem_service(world->client));
        note_serve(&shop);
    }
    assert_true(shop.presents <= 2);
    note_settle(world, &shop);
    assert_int_equal(shop.present.head, 10);
}

/* Said of `present`, which names no request: the connection stays, and ends for its own reason. */
static void a_presence_that_is_refused_ends_nothing(void **state)
{
    struct world *world = *state;
    begin(world);
    say_error("not-found", 0, 0);
    note_settle(world, &shop);
    assert_true(tandem_connected(world->client));
    note_hang_up(world, &shop);
    assert_int_equal(last_told(world)->code, STATUS_UNREACHABLE);
}

static void take_watched(void *context, const tandem_person *person)
{
    struct people *people = context;
    if (person == NULL) {
        people->ends++;
    } else {
        snprintf(people->user[people->count % 4], 16, "%s", person->user);
        people->count++;
    }
}

static void who_looks_at_an_account_is_told(void **state)
{
    struct world *world = *state;
    struct buffer list = {0};
    struct people people = {0};
    note_start(world);
    assert_ok(tandem_watch_people(world->client, id_text(1), take_watched, &people));
    note_settle(world, &shop);
    assert_int_equal(shop.presents, 1);
    assert_true(id_equal(shop.present.about, id_of(1)));
    wire_put_array(&list, 1);
    put_person(&list, 7, "ola", false, NULL);
    say_people(id_of(1), buffer_bytes(&list));
    note_settle(world, &shop);
    assert_int_equal(people.count, 1);
    assert_int_equal(people.ends, 1);
    assert_string_equal(people.user[0], "ola");
    note_hang_up(world, &shop);
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_int_equal(people.count, 1);
    assert_int_equal(people.ends, 2); /* nobody is known to be there */
    assert_int_equal(shop.presents, 2);
    assert_ok(tandem_watch_people(world->client, id_text(1), NULL, NULL));
    note_settle(world, &shop);
    assert_int_equal(shop.gone, 1);
    buffer_release(&list);
}

/* ---- Versions ---- */

struct read {
    unsigned calls;
    tandem_code code;
    tandem_note_version_text text;
    char seen[256];
    unsigned versions;
    tandem_note_version_info newest;
};

static bool take_passage(void *context, const tandem_note_passage *passage)
{
    struct read *read = context;
    size_t used = strlen(read->seen);
    snprintf(read->seen + used, sizeof read->seen - used, "%s:%.*s|", passage->by,
             (int)passage->size, read->text.text + passage->from);
    return true;
}

static bool take_version(void *context, const tandem_note_version_info *version)
{
    struct read *read = context;
    if (read->versions++ == 0)
        read->newest = *version;
    return true;
}

static void take_read(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct read *read = context;
    read->calls++;
    read->code = fault->code;
    if (answer == NULL)
        return;
    if (tandem_answer_note(answer, &read->text, NULL, NULL) == TANDEM_OK) {
        assert_ok(tandem_answer_note(answer, NULL, take_passage, read));
        assert_null(tandem_answer_info(answer));
        assert_null(tandem_answer_code(answer));
        assert_int_equal(tandem_answer_note_versions(answer, take_version, read), STATUS_USAGE);
    } else {
        assert_ok(tandem_answer_note_versions(answer, take_version, read));
        read->newest.by = "";
    }
}

static void put_run(struct buffer *out, uint64_t units, const char *by)
{
    wire_put_array(out, 3);
    wire_put_uint(out, units);
    wire_put_text(out, by);
    wire_put_uint(out, 1700000000000);
}

static void a_version_says_who_wrote_which_passage(void **state)
{
    struct world *world = *state;
    struct message message = {.type = MESSAGE_NOTE};
    struct buffer authors = {0};
    struct read read = {0};
    begin(world);
    assert_ok(tandem_ask_note(world->client, id_text(NOTE_NUMBER), 3, take_read, &read));
    const struct msg_note_read *asked = &expect_sent(MESSAGE_NOTE_READ)->as.note_read;
    assert_int_equal(asked->version, 3);
    wire_put_array(&authors, 2);
    put_run(&authors, 3, "kari");
    put_run(&authors, 2, "ola");
    message.as.note.request = asked->request;
    message.as.note.note = asked->note;
    message.as.note.version = 3;
    message.as.note.newest = 5;
    message.as.note.oldest = 1;
    message.as.note.text = bytes_text("\xf0\x9f\x99\x82"
                                      "a\xc3\xa5"
                                      "b");
    message.as.note.authors = buffer_bytes(&authors);
    message_mark(&message, "text");
    message_mark(&message, "authors");
    say(&message);
    assert_ok(tandem_service(world->client));
    assert_int_equal(read.calls, 1);
    assert_int_equal(read.text.newest, 5);
    assert_int_equal(read.text.oldest, 1);
    assert_string_equal(read.seen, "kari:\xf0\x9f\x99\x82"
                                   "a|ola:\xc3\xa5"
                                   "b|");
    buffer_release(&authors);
}

static void versions_are_listed(void **state)
{
    struct world *world = *state;
    struct message message = {.type = MESSAGE_ANSWER};
    struct buffer entries = {0};
    struct read read = {0};
    begin(world);
    assert_ok(
        tandem_ask_note_versions(world->client, id_text(NOTE_NUMBER), 9, 2, take_read, &read));
    const struct msg_note_versions *asked = &expect_sent(MESSAGE_NOTE_VERSIONS)->as.note_versions;
    assert_int_equal(asked->before, 9);
    assert_int_equal(asked->limit, 2);
    wire_put_array(&entries, 1);
    wire_put_map(&entries, 5);
    wire_put_text(&entries, "version");
    wire_put_uint(&entries, 8);
    wire_put_text(&entries, "by");
    wire_put_text(&entries, "ola");
    wire_put_text(&entries, "at");
    wire_put_uint(&entries, 1700000000000);
    wire_put_text(&entries, "removed");
    wire_put_uint(&entries, 4);
    wire_put_text(&entries, "inserted");
    wire_put_uint(&entries, 6);
    message.as.answer.request = asked->request;
    message.as.answer.entries = buffer_bytes(&entries);
    message_mark(&message, "entries");
    say(&message);
    assert_ok(tandem_service(world->client));
    assert_int_equal(read.calls, 1);
    assert_int_equal(read.versions, 1);
    assert_int_equal(read.newest.version, 8);
    assert_int_equal(read.newest.removed, 4);
    assert_int_equal(read.newest.inserted, 6);
    assert_ok(tandem_ask_note(world->client, id_text(NOTE_NUMBER), 1, take_read, &read));
    say_error("not-found", expect_sent(MESSAGE_NOTE_READ)->as.note_read.request, 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(read.calls, 2);
    assert_int_equal(read.code, STATUS_NOT_FOUND);
    buffer_release(&entries);
}

/* ---- A thread ---- */

/* Time stands still and nothing comes from the server: only an edit can have woken the thread. */
static void an_edit_wakes_the_thread_that_sends_it(void **state)
{
    struct world *world = *state;
    begin(world);
    assert_ok(tandem_thread_start(world->client));
    tandem_lock(world->client);
    assert_ok(tandem_note_insert(note, 0, "x", 1));
    tandem_unlock(world->client);
    bool sent = false;
    for (int i = 0; i < 30000 && !sent; i++) {
        tandem_lock(world->client);
        for (size_t at = server.sent_seen; at < server.sent_count; at++)
            sent = sent || server.sent[at].message.type == MESSAGE_NOTE_PUSH;
        tandem_unlock(world->client);
        (void)usleep(1000);
    }
    tandem_thread_stop(world->client);
    assert_true(sent);
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "xFour weeks.");
}

/* ---- Callbacks ---- */

static void close_itself(void *context, tandem_note *closed, const tandem_note_event *event)
{
    unsigned *calls = context;
    ++*calls;
    assert_int_equal(event->kind, TANDEM_NOTE_CHANGED);
    assert_int_equal(tandem_note_insert(closed, 0, "x", 1), STATUS_USAGE);
    tandem_note_close(closed);
}

static void a_callback_may_close_its_note_and_not_edit_it(void **state)
{
    struct world *world = *state;
    unsigned calls = 0;
    tandem_note *own = NULL;
    note_start(world);
    note_settle(world, &shop);
    assert_ok(tandem_note_open(world->client, id_text(NOTE_NUMBER), close_itself, &calls, &own));
    note_settle(world, &shop);
    assert_int_equal(calls, 1);
    assert_false(shop.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TEST(others_and_their_cursors_are_where_they_are_in_our_text),
        WITH_TEST(ones_own_cursor_is_told_in_the_servers_units),
        WITH_TEST(a_cursor_is_told_ten_times_a_second_at_most),
        WITH_TEST(a_presence_that_is_refused_ends_nothing),
        WITH_TEST(who_looks_at_an_account_is_told),
        WITH_TEST(a_version_says_who_wrote_which_passage),
        WITH_TEST(versions_are_listed),
        WITH_TEST(an_edit_wakes_the_thread_that_sends_it),
        WITH_TEST(a_callback_may_close_its_note_and_not_edit_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who may read a note and not write in it, and for how long somebody is said to type; and giving a
 * note another text as a whole. */
#include "note_server.h"

#include <stdio.h>

static struct note_server shop;
static struct mirror mirror;
static tandem_note *note;

#define TEXT "Lead time is four weeks."

static int set_up_note(void **state)
{
    note = NULL;
    memset(&mirror, 0, sizeof mirror);
    note_server_init(&shop, TEXT);
    return set_up(state);
}

static int tear_down_note(void **state)
{
    note_server_release(&shop);
    mirror_release(&mirror);
    return tear_down(state);
}

#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_note, tear_down_note)

static void begin_open(struct world *world)
{
    note_start(world);
    note_settle(world, &shop);
    mirror_open(&mirror, world, &note);
    note_settle(world, &shop);
    assert_text(&mirror, note, TEXT);
}

/* ---- Reading only ---- */

/* The server has them open the note again, since they may write in it by now, or not any more. */
static void change_rights(struct world *world, bool read_only)
{
    shop.read_only = read_only;
    note_say_ended(&shop, "reset-required");
    note_settle(world, &shop);
}

static void who_may_only_read_is_told_at_once(void **state)
{
    struct world *world = *state;
    shop.read_only = true;
    begin_open(world);
    assert_true(tandem_note_read_only(note));
    assert_int_equal(mirror.rights, 1);
    assert_int_equal(mirror.ended, 0);
    assert_int_equal(tandem_note_code(note), TANDEM_OK);
    assert_int_equal(tandem_note_insert(note, 0, "x", 1), STATUS_DENIED);
    note_other(&shop, "ola", 0, 0, "New. ");
    note_settle(world, &shop);
    assert_text(&mirror, note, "New. " TEXT);
    change_rights(world, false);
    assert_int_equal(mirror.rights, 2);
    assert_false(tandem_note_read_only(note));
    mirror_type(&mirror, note, 0, "Mine. ");
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "Mine. New. " TEXT);
}

/* What was typed as the right was taken away is sent when it comes back. */
static void what_was_denied_is_sent_with_the_right(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "denied";
    shop.refuse_always = true;
    mirror_type(&mirror, note, 0, "Mine. ");
    note_settle(world, &shop);
    assert_int_equal(mirror.ended, 1);
    change_rights(world, true);
    assert_int_equal(mirror.ended, 1); /* as was told */
    assert_int_equal(mirror.rights, 1);
    assert_int_equal(tandem_note_code(note), STATUS_DENIED);
    assert_true(tandem_note_waiting(note) > 0);
    assert_int_equal(shop.pushes, 1); /* nothing is sent in vain */
    shop.refuse = NULL;
    change_rights(world, false);
    assert_int_equal(mirror.rights, 2);
    assert_int_equal(tandem_note_code(note), TANDEM_OK);
    assert_string_equal(note_server_text(&shop), "Mine. " TEXT);
    mirror_type(&mirror, note, 0, "And more. ");
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "And more. Mine. " TEXT);
}

/* Without a word of the server's about it, the next connection tries again. */
static void what_was_denied_is_tried_with_the_next_connection(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "denied";
    mirror_type(&mirror, note, 0, "Mine. ");
    note_settle(world, &shop);
    assert_int_equal(mirror.ended, 1);
    note_hang_up(world, &shop);
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_int_equal(mirror.rights, 1);
    assert_int_equal(tandem_note_code(note), TANDEM_OK);
    assert_string_equal(note_server_text(&shop), "Mine. " TEXT);
}

static void what_waits_is_not_sent_where_they_may_only_read(void **state)
{
    struct world *world = *state;
    begin_open(world);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 0, "Typed on a train. ");
    shop.read_only = true;
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_int_equal(shop.pushes, 0);
    assert_int_equal(mirror.ended, 1);
    assert_int_equal(mirror.code, STATUS_DENIED);
    assert_text(&mirror, note, "Typed on a train. " TEXT);
}

/* ---- What the records say ---- */

#define PARTY 600u

static void put_text(struct buffer *fields, const char *name, const char *text)
{
    wire_put_text(fields, name);
    wire_put_text(fields, text);
}

static void put_party(struct buffer *fields, const char *name, unsigned number)
{
    wire_put_text(fields, name);
    wire_put_id(fields, id_of(number));
}

/* The user, of a partner, and its assignment to the account of the note. */
static void say_assignment(uint64_t from, uint64_t to, const char *level, const char *status)
{
    struct buffer user = {0}, assignment = {0}, list = {0};
    struct message changes = {.type = MESSAGE_CHANGES};
    wire_put_map(&user, 2);
    put_text(&user, "name", "kari");
    put_party(&user, "partner", PARTY);
    wire_put_map(&assignment, 4);
    put_party(&assignment, "party", PARTY);
    put_party(&assignment, "account", 1);
    put_text(&assignment, "level", level);
    put_text(&assignment, "status", status);
    const struct made made[] = {
        {.id = NOTE_NUMBER, .seq = to, .name = TEXT},
        {.id = 500, .entity = "user", .seq = to, .fields = buffer_bytes(&user)},
        {.id = 70, .entity = "assignment", .seq = to, .fields = buffer_bytes(&assignment)}};
    changes.as.changes.from = from;
    changes.as.changes.to = to;
    changes.as.changes.records = records_of(&list, made, sizeof made / sizeof *made);
    message_mark(&changes, "records");
    say(&changes);
    buffer_release(&user);
    buffer_release(&assignment);
    buffer_release(&list);
}

static void open_and_look(struct world *world, bool read_only)
{
    assert_ok(tandem_note_open(world->client, id_text(NOTE_NUMBER), NULL, NULL, &note));
    assert_int_equal(tandem_note_read_only(note), read_only);
    assert_int_equal(tandem_note_insert(note, 0, "x", 1), read_only ? STATUS_DENIED : STATUS_OK);
    tandem_note_close(note);
}

static void without_a_server_the_records_tell(void **state)
{
    struct world *world = *state;
    note_start(world);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    note_settle(world, &shop);
    say_assignment(0, 50, "view", "Active");
    note_settle(world, &shop);
    note_crash(world, &shop);
    open_client(world, true);
    open_and_look(world, true);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    note_settle(world, &shop);
    say_assignment(50, 60, "view", "Ended"); /* of which the server knows more */
    note_settle(world, &shop);
    note_crash(world, &shop);
    open_client(world, true);
    open_and_look(world, false);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    note_settle(world, &shop);
    say_assignment(60, 70, "comment", "Active");
    note_settle(world, &shop);
    note_crash(world, &shop);
    open_client(world, true);
    open_and_look(world, false);
}

/* ---- Typing ---- */

static void say_typing(uint64_t head)
{
    struct message message = {.type = MESSAGE_PRESENCE};
    struct buffer people = {0};
    wire_put_array(&people, 1);
    wire_put_array(&people, 7);
    wire_put_uint(&people, 5);
    wire_put_text(&people, "ola");
    wire_put_text(&people, "Ola Nordmann");
    wire_put_bool(&people, true);
    wire_put_nil(&people);
    wire_put_uint(&people, head);
    wire_put_uint(&people, 0);
    message.as.presence.about = id_of(NOTE_NUMBER);
    message.as.presence.people = buffer_bytes(&people);
    say(&message);
    buffer_release(&people);
}

static bool take_typing(void *context, const tandem_person *person)
{
    *(bool *)context = person->typing;
    return true;
}

static bool somebody_types(void)
{
    bool typing = false;
    assert_ok(tandem_note_each_person(note, take_typing, &typing));
    return typing;
}

static void who_does_nothing_for_long_is_not_said_to_type(void **state)
{
    struct world *world = *state;
    begin_open(world);
    say_typing(3);
    note_settle(world, &shop);
    assert_true(somebody_types());
    world->port.now += 4000;
    say_typing(3); /* somebody else moved, say */
    note_settle(world, &shop);
    assert_true(somebody_types());
    unsigned told = mirror.people;
    assert_true(tandem_timeout(world->client) <= 2000);
    world->port.now += 2000;
    note_settle(world, &shop);
    assert_false(somebody_types());
    assert_int_equal(mirror.people, told + 1);
    say_typing(3);
    note_settle(world, &shop);
    assert_false(somebody_types());
    say_typing(4);
    note_settle(world, &shop);
    assert_true(somebody_types());
}

static void whose_typing_was_denied_is_not_said_to_type(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "denied";
    shop.refuse_always = true;
    mirror_type(&mirror, note, 0, "x");
    assert_ok(tandem_note_cursor(note, 1, 1, true));
    note_settle(world, &shop);
    world->port.now += 200;
    note_settle(world, &shop);
    assert_int_equal(mirror.ended, 1);
    assert_false(shop.present.typing);
    assert_ok(tandem_note_cursor(note, 0, 0, true));
    world->port.now += 200;
    note_settle(world, &shop);
    assert_int_equal(shop.present.head, 0);
    assert_false(shop.present.typing);
}

/* ---- The text as a whole ---- */

static void another_text_is_sent_as_the_difference(void **state)
{
    struct world *world = *state;
    static const char text[] = "The lead time is five weeks!";
    begin_open(world);
    assert_ok(tandem_note_set_text(note, text, strlen(text)));
    mirror_look(&mirror, note);
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), text);
    assert_int_equal(shop.pushes, 1);
    struct change_set set = {0};
    assert_ok(change_set_read(buffer_bytes(&shop.log[1].changes), &set, NULL));
    size_t kept = 0;
    for (size_t i = 0; i < set.count; i++)
        kept += set.parts[i].kept ? set.parts[i].length : 0;
    assert_true(kept >= strlen("ead time is  weeks"));
    change_set_release(&set);
    assert_ok(tandem_note_set_text(note, text, strlen(text)));
    note_settle(world, &shop);
    assert_int_equal(shop.pushes, 1);
    assert_ok(tandem_note_undo(note));
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), TEXT);
    assert_int_equal(tandem_note_set_text(note, "a\r\nb", 4), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_note_set_text(note, "\xff", 1), STATUS_INVALID_VALUE);
}

static bool put_difference(void *context, const tandem_note_difference *difference)
{
    char *out = context;
    snprintf(out + strlen(out), 64, "%zu,%zu,%.*s|", difference->from, difference->removed,
             (int)difference->inserted_size, difference->inserted);
    return strlen(out) < 64;
}

static void assert_differences(const char *before, const char *after, const char *wanted)
{
    char told[200] = "";
    assert_ok(tandem_note_differences(before, strlen(before), after, strlen(after), put_difference,
                                      told));
    assert_string_equal(told, wanted);
}

static void differences_are_told_in_bytes_of_the_text_before(void **state)
{
    (void)state;
    assert_differences("same", "same", "");
    assert_differences("", "new", "0,0,new|");
    assert_differences("gone", "", "0,4,|");
    assert_differences("\xf0\x9f\x91\x8d one\nmiddle\nlast one\n",
                       "\xf0\x9f\x91\x8d two\nmiddle\nlast\n", "5,3,two|20,4,|");
    assert_int_equal(tandem_note_differences("\xff", 1, "", 0, put_difference, NULL),
                     STATUS_INVALID_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(who_may_only_read_is_told_at_once),
        NOTE_TEST(what_was_denied_is_sent_with_the_right),
        NOTE_TEST(what_was_denied_is_tried_with_the_next_connection),
        NOTE_TEST(what_waits_is_not_sent_where_they_may_only_read),
        NOTE_TEST(without_a_server_the_records_tell),
        NOTE_TEST(who_does_nothing_for_long_is_not_said_to_type),
        NOTE_TEST(whose_typing_was_denied_is_not_said_to_type),
        NOTE_TEST(another_text_is_sent_as_the_difference),
        cmocka_unit_test(differences_are_told_in_bytes_of_the_text_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

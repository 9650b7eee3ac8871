/* Live notes of one device where a server does what none should, or there is very much of
 * everything: what is kept of it has its bounds, and nothing typed is lost over it. */
#include "note_server.h"

#include <stdio.h>
#include <stdlib.h>

static struct note_server shop;
static struct mirror mirror;
static tandem_note *note;

static int set_up_note(void **state)
{
    note = NULL;
    memset(&mirror, 0, sizeof mirror);
    note_server_init(&shop, "Four weeks.");
    return set_up(state);
}

static int tear_down_note(void **state)
{
    note_server_release(&shop);
    mirror_release(&mirror);
    return tear_down(state);
}

#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_note, tear_down_note)

static void begin(struct world *world)
{
    note_start(world);
    note_settle(world, &shop);
    mirror_open(&mirror, world, &note);
    note_settle(world, &shop);
    assert_int_equal(mirror.opened, 1);
}

static void begin_dots(struct world *world, size_t size)
{
    buffer_clear(&shop.text);
    memset(buffer_extend(&shop.text, size), '.', size);
    begin(world);
}

/* Others put an x behind every `step` of `units`. */
static uint32_t scatter(uint32_t units, uint32_t step)
{
    struct change_set set = {0};
    for (uint32_t at = 0; at + step <= units; at += step) {
        change_set_keep(&set, step);
        change_set_replace(&set, 0, bytes_text("x"), false);
    }
    change_set_keep(&set, units % step);
    note_other_set(&shop, "ola", &set);
    const uint32_t after = set.after;
    change_set_release(&set);
    return after;
}

static void assert_all_is_there(struct world *world)
{
    assert_text(&mirror, note, note_server_text(&shop));
    assert_int_equal(tandem_note_waiting(note), 0);
    assert_true(tandem_connected(world->client));
}

/* ---- Very much ---- */

static void of_too_many_changes_the_text_is_asked_for(void **state)
{
    static const uint32_t steps[] = {4, 7, 9, 8, 10}; /* ever new places */
    struct world *world = *state;
    uint32_t units = 100000;
    begin_dots(world, units);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 50000, " mine ");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        units = scatter(units, steps[i]);
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_int_equal(shop.asked_version, UINT64_MAX);
    assert_all_is_there(world);
    assert_non_null(strstr(note_server_text(&shop), " mine "));
    assert_int_equal(mirror.opened, 2);
}

/* What is on its way when others divide it into more than a push may have goes all the same. */
static void what_others_divide_on_its_way_is_sent(void **state)
{
    struct world *world = *state;
    uint32_t units = 131072;
    begin_dots(world, units);
    mirror_delete(&mirror, note, 0, units);
    assert_ok(tandem_service(world->client)); /* on its way */
    mirror_type(&mirror, note, 0, "mine");
    for (uint32_t i = 0; i < 3; i++)
        units = scatter(units, i < 2 ? 5 : 6);
    note_settle(world, &shop);
    assert_int_equal(mirror.refused, 0);
    assert_true(shop.taken > 2);
    assert_all_is_there(world);
    assert_int_equal(mirror.saved, 1);
    assert_non_null(strstr(note_server_text(&shop), "mine"));
    assert_null(strchr(note_server_text(&shop), '.'));
}

/* Pasted and taken away again, all of it without a connection. */
static void what_was_pasted_offline_reaches_the_server(void **state)
{
    const size_t large = 10u << 20, piece = 180u << 10;
    struct world *world = *state;
    char *text = malloc(large);
    assert_non_null(text);
    memset(text, 'p', large);
    begin(world);
    note_hang_up(world, &shop);
    assert_int_equal(tandem_note_insert(note, 0, text, large), STATUS_TOO_LARGE);
    assert_text(&mirror, note, "Four weeks.");
    for (size_t pasted = 0; pasted < large; pasted += piece) {
        assert_ok(tandem_note_insert(note, 0, text, piece));
        assert_ok(tandem_note_delete(note, 1, piece - 1));
    }
    assert_ok(tandem_note_insert(note, 0, text, piece));
    mirror_look(&mirror, note);
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_all_is_there(world);
    assert_int_equal(mirror.text.size, piece + large / piece + 1 + strlen("Four weeks."));
    assert_int_equal(mirror.refused, 0);
    free(text);
}

/* ---- Very much to tell ---- */

static void a_million_replacements_are_one(void **state)
{
    struct world *world = *state;
    uint32_t units = 60000;
    begin_dots(world, units);
    mirror.changed = 0;
    units = scatter(units, 2);
    note_settle(world, &shop);
    assert_int_equal(mirror.changed, 1);
    assert_all_is_there(world);
    mirror_type(&mirror, note, 3, "typed"); /* and all is as it was from there on */
    note_other(&shop, "ola", 0, 1, "!");
    note_settle(world, &shop);
    assert_int_equal(mirror.changed, 2);
    assert_int_equal(mirror.saved, 1);
    assert_all_is_there(world);
}

static void put_people(struct buffer *out, uint32_t count)
{
    wire_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_array(out, 7);
        wire_put_uint(out, i);
        wire_put_text(out, "ola");
        wire_put_text(out, "Ola");
        wire_put_bool(out, false);
        for (int place = 0; place < 3; place++)
            wire_put_nil(out);
    }
}

static bool count_person(void *context, const tandem_person *person)
{
    (void)person;
    ++*(unsigned *)context;
    return true;
}

static void of_a_crowd_so_many_are_known(void **state)
{
    struct world *world = *state;
    struct message message = {.type = MESSAGE_PRESENCE};
    struct buffer people = {0};
    unsigned count = 0;
    begin(world);
    put_people(&people, 100000);
    message.as.presence.about = id_of(NOTE_NUMBER);
    message.as.presence.people = buffer_bytes(&people);
    say(&message);
    note_settle(world, &shop);
    assert_int_equal(mirror.people, 1);
    assert_ok(tandem_note_each_person(note, count_person, &count));
    assert_int_equal(count, NOTE_PEOPLE_MOST);
    buffer_release(&people);
}

/* ---- What no server may say ---- */

static void say_nonsense(void)
{
    struct message message = {.type = MESSAGE_NOTE_CHANGES};
    struct buffer entries = {0};
    wire_put_array(&entries, 1);
    wire_put_text(&entries, "no entry");
    message.as.note_changes.note = id_of(NOTE_NUMBER);
    message.as.note_changes.from = shop.version;
    message.as.note_changes.entries = buffer_bytes(&entries);
    say(&message);
    buffer_release(&entries);
}

/* Lets time pass until so many seconds are over, and a server that says nonsense as soon as it has
 * the note open; returns how often it was connected to. */
static unsigned pass(struct world *world, unsigned seconds, bool nonsense)
{
    const unsigned opened = server.opened;
    const uint64_t until = world->port.now + (uint64_t)seconds * 1000;
    while (world->port.now < until) {
        const int due = tandem_timeout(world->client);
        world->port.now += due < 0 || due > 1000 ? 1000 : (uint64_t)due;
        assert_ok(tandem_service(world->client));
        note_forget_frames();
        note_serve(&shop);
        if (shop.open && nonsense)
            say_nonsense();
        if (server.link == NULL) {
            shop.open = false;
            server.inbox_used = server.inbox_count;
        }
    }
    return server.opened - opened;
}

static void a_server_that_says_nonsense_is_left_alone_for_longer_and_longer(void **state)
{
    struct world *world = *state;
    begin(world);
    mirror_type(&mirror, note, 0, "Mine. ");
    say_nonsense();
    const unsigned tries = pass(world, 600, true);
    assert_true(tries > 5 && tries < 60);
    const struct told *told = NULL;
    for (size_t i = 0; i < world->told_count; i++)
        if (world->told[i].kind == TANDEM_EVENT_DISCONNECTED)
            told = &world->told[i];
    assert_non_null(told);
    assert_int_equal(told->code, STATUS_UNEXPECTED);
    assert_non_null(strstr(told->detail, "note"));
    assert_false(told->final);
    /* It came to reason: all is sent, and a loss after a while is like the first. */
    assert_in_range(pass(world, 120, false), 1, 2);
    assert_string_equal(note_server_text(&shop), "Mine. Four weeks.");
    assert_int_equal(mirror.saved, 1);
    say_nonsense();
    assert_int_equal(pass(world, 2, false), 1);
    assert_true(tandem_connected(world->client));
}

/* One that lasted makes good for those before, also when it ended otherwise. */
static void a_connection_that_lasted_makes_good_for_those_before(void **state)
{
    struct world *world = *state;
    begin(world);
    say_nonsense();
    assert_true(pass(world, 120, true) > 5);
    (void)pass(world, 120, false);
    note_hang_up(world, &shop);
    assert_int_equal(pass(world, 2, false), 1);
    say_nonsense();
    assert_int_equal(pass(world, 2, false), 1);
    assert_true(tandem_connected(world->client));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(of_too_many_changes_the_text_is_asked_for),
        NOTE_TEST(what_others_divide_on_its_way_is_sent),
        NOTE_TEST(what_was_pasted_offline_reaches_the_server),
        NOTE_TEST(a_million_replacements_are_one),
        NOTE_TEST(of_a_crowd_so_many_are_known),
        NOTE_TEST(a_server_that_says_nonsense_is_left_alone_for_longer_and_longer),
        NOTE_TEST(a_connection_that_lasted_makes_good_for_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Mentions and typing that wait for a connection side by side: who is mentioned is told once their
 * name is there. */
#include "note_server.h"

static struct note_server shop;
static struct mirror mirror;
static tandem_note *note;

static int set_up_note(void **state)
{
    note = NULL;
    memset(&mirror, 0, sizeof mirror);
    note_server_init(&shop, "Call back.");
    return set_up(state);
}

static int tear_down_note(void **state)
{
    note_server_release(&shop);
    mirror_release(&mirror);
    return tear_down(state);
}

#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_note, tear_down_note)

static void send_mention(struct world *world, unsigned about)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_mention(mutation, id_text(about), "kari"));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
}

/* Without a connection: a name is typed, and mentioned. */
static void begin_offline(struct world *world)
{
    note_start(world);
    note_settle(world, &shop);
    mirror_open(&mirror, world, &note);
    note_settle(world, &shop);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 0, "@kari: ");
    send_mention(world, NOTE_NUMBER);
    world->port.now += 60000;
}

static void a_mention_waits_for_what_was_typed(void **state)
{
    struct world *world = *state;
    begin_offline(world);
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "@kari: Call back.");
    assert_int_equal(shop.mutations, 1);
    assert_int_equal(shop.taken_before, 1);
    assert_int_equal(tandem_unanswered(world->client), 0);
}

/* The program that typed it has ended. */
static void also_where_nobody_has_the_note_open(void **state)
{
    struct world *world = *state;
    begin_offline(world);
    note_crash(world, &shop);
    note_start(world);
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "@kari: Call back.");
    assert_int_equal(shop.mutations, 1);
    assert_int_equal(shop.taken_before, 1);
}

static void what_else_waits_is_sent_at_once(void **state)
{
    struct world *world = *state;
    begin_offline(world);
    send_mention(world, NOTE_NUMBER + 1);
    note_settle(world, &shop);
    assert_int_equal(shop.mutations, 2);
    assert_int_equal(shop.taken_first, 0);
    assert_int_equal(shop.taken_before, 1);
}

static void what_is_not_taken_holds_no_mention_back(void **state)
{
    struct world *world = *state;
    begin_offline(world);
    shop.refuse = "too-large";
    shop.refuse_always = true;
    note_settle(world, &shop);
    assert_int_equal(mirror.refused, 1);
    assert_int_equal(shop.mutations, 1);
    assert_int_equal(tandem_unanswered(world->client), 0);
}

/* A server that says nothing of the note does not keep the mention for ever. */
static void a_mention_waits_for_a_while_only(void **state)
{
    struct world *world = *state;
    begin_offline(world);
    shop.mute = true;
    note_settle(world, &shop);
    assert_int_equal(shop.pushes, 1);
    assert_int_equal(shop.mutations, 0);
    int due = tandem_timeout(world->client);
    assert_true(due > 0 && due <= 10000);
    world->port.now += 10000;
    note_settle(world, &shop);
    assert_int_equal(shop.mutations, 1);
}

static void without_a_connection_nothing_is_tried(void **state)
{
    struct world *world = *state;
    begin_offline(world);
    shop.mute = true;
    note_settle(world, &shop);
    note_hang_up(world, &shop);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_timeout(world->client) > 0);
    assert_int_equal(shop.mutations, 0);
    shop.mute = false;
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_int_equal(shop.mutations, 1);
    assert_int_equal(shop.taken_before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(a_mention_waits_for_what_was_typed),
        NOTE_TEST(also_where_nobody_has_the_note_open),
        NOTE_TEST(what_else_waits_is_sent_at_once),
        NOTE_TEST(what_is_not_taken_holds_no_mention_back),
        NOTE_TEST(a_mention_waits_for_a_while_only),
        NOTE_TEST(without_a_connection_nothing_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

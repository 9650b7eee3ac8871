/* What another process of the folder does to the outbox, as the program is told of it. */
#include "client_world.h"
#include "shared_world.h"

#include <poll.h>
#include <signal.h>

static const struct told *find_told(const struct world *world, tandem_event_kind kind)
{
    for (size_t i = 0; i < world->told_count; i++)
        if (world->told[i].kind == kind)
            return &world->told[i];
    return NULL;
}

/* Turns until another process has done the same, and this one heard of whatever went before. */
static void hear_all(struct world *world)
{
    peer_say(&peer, "remove 99 1\ntell");
    (void)wait_for(world, TANDEM_EVENT_REMOVED);
}

/* Record 8 is held, and another process has the folder. */
static void begin_beside_another(struct world *world)
{
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    sign_in(world, 0);
    say_changes(0, 3, 8);
    assert_ok(tandem_service(world->client));
    tandem_disconnect(world->client);
    peer_start(&peer, world->folder, NULL);
    world->told_count = 0;
}

static void what_another_types_is_told_of_the_record_it_is_about(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    begin_beside_another(world);
    assert_ok(send_note(world, "mine", &outcomes[0]));
    world->told_count = 0; /* told already */
    peer_say(&peer, "edit 8 Song");
    peer_expect(&peer, "entry 2");
    const struct told *told = wait_for(world, TANDEM_EVENT_CHANGED);
    assert_string_equal(told->id, id_text(8));
    assert_string_equal(told->title, "Song");
    assert_int_equal(told->entry, 2);
    assert_int_equal(world->told_count, 1);
    /* Given up again, it is as it was. */
    world->told_count = 0;
    peer_say(&peer, "drop 2");
    peer_expect(&peer, "dropped");
    assert_int_equal(wait_for(world, TANDEM_EVENT_DROPPED)->entry, 2);
    told = find_told(world, TANDEM_EVENT_CHANGED);
    assert_non_null(told);
    assert_string_equal(told->title, "Ring");
    assert_int_equal(told->entry, 0);
    assert_int_equal(world->told_count, 2);
    /* One's own is not told again. */
    world->told_count = 0;
    hear_all(world);
    assert_int_equal(world->told_count, 1);
}

static void an_entry_of_ones_own_that_another_gives_up_is_told_as_dropped(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    begin_beside_another(world);
    assert_ok(send_note(world, "mine", &outcomes[0]));
    world->told_count = 0;
    peer_say(&peer, "drop 1");
    peer_expect(&peer, "dropped");
    assert_int_equal(wait_for(world, TANDEM_EVENT_DROPPED)->entry, 1);
    assert_non_null(find_told(world, TANDEM_EVENT_REMOVED));
    hear_all(world);
    assert_null(find_told(world, TANDEM_EVENT_SETTLED));
    assert_int_equal(outcomes[0].calls, 1);
    assert_int_equal(outcomes[0].code, STATUS_CANCELLED);
}

static tandem_code edit_note(struct world *world, const char *id, struct outcome *outcome)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_update(mutation, "note", id));
    assert_ok(tandem_set_text(mutation, "text", "edited"));
    const tandem_code code = tandem_send(world->client, mutation, take_result, outcome);
    tandem_mutation_free(mutation);
    return code;
}

/* Entry 1 makes a note, and was refused; entry 2 changes the note, and waits behind it. */
static void begin_with_an_edit_behind(struct world *world, struct outcome outcomes[2])
{
    char id[TANDEM_ID_TEXT];
    open_client(world, true);
    sign_in(world, 0);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "note", id));
    assert_ok(tandem_set_text(mutation, "text", "made"));
    assert_ok(tandem_send(world->client, mutation, take_result, &outcomes[0]));
    tandem_mutation_free(mutation);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 1);
    say_result(1, "denied", 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].code, STATUS_DENIED);
    assert_ok(edit_note(world, id, &outcomes[1]));
    peer_start(&peer, world->folder, NULL);
}

/* It is the same entry under another number, and nobody has answered it yet. */
static void what_another_settles_takes_along_who_waits_behind_it(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    begin_with_an_edit_behind(world, outcomes);
    tandem_disconnect(world->client);
    (void)expect_sent(MESSAGE_GOODBYE);
    world->told_count = 0;
    peer_say(&peer, "replace 1");
    peer_expect(&peer, "entry 3");
    hear_all(world);
    assert_null(find_told(world, TANDEM_EVENT_SETTLED));
    assert_int_equal(outcomes[1].calls, 0);
    peer_end(&peer, SIGKILL);
    sign_in(world, 1);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 2);
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 3);
    say_result(2, "ok", 5);
    say_result(3, "invalid-value", 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[1].calls, 1);
    assert_int_equal(outcomes[1].code, STATUS_INVALID_VALUE);
    assert_int_equal(find_told(world, TANDEM_EVENT_REFUSED)->entry, 4);
}

static void where_nothing_differs_nothing_is_told(void **state)
{
    struct world *world = *state;
    begin_beside_another(world);
    assert_false(tandem_paused(world->client));
    peer_say(&peer, "pause");
    peer_expect(&peer, "paused");
    hear_all(world);
    assert_true(tandem_paused(world->client));
    assert_int_equal(world->told_count, 1);
    peer_say(&peer, "resume");
    peer_expect(&peer, "resumed");
    world->told_count = 0;
    hear_all(world);
    assert_false(tandem_paused(world->client));
    assert_int_equal(world->told_count, 1);
}

#define SHARED(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down_shared)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARED(what_another_types_is_told_of_the_record_it_is_about),
        SHARED(an_entry_of_ones_own_that_another_gives_up_is_told_as_dropped),
        SHARED(what_another_settles_takes_along_who_waits_behind_it),
        SHARED(where_nothing_differs_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

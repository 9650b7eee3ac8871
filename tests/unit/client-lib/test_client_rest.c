/* A client that has nothing to do leaves nothing of what was settled in the outbox's file, and
 * neither does one that is closed. */
#include "durable_server.h"

#include <stdlib.h>
#include <string.h>

#include "traces.h"

#define TEXT "settled text"

static struct durable_server shop;

static int set_up_shop(void **state)
{
    durable_server_init(&shop);
    return set_up(state);
}

static int tear_down_shop(void **state)
{
    durable_server_release(&shop);
    return tear_down(state);
}

/* Sends a note, and has it accepted. */
static void settle_one(struct world *world, struct outcome *outcome)
{
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, TEXT, outcome));
    assert_true(traces_left(world->folder, "settled ") > 0);
    durable_settle(world, &shop);
    assert_int_equal(outcome->code, STATUS_OK);
    assert_int_equal(durable_count(&shop, TEXT), 1);
}

/* Until nothing more comes of it by itself within a minute. */
static void let_it_rest(struct world *world)
{
    uint64_t end = world->port.now + 60000;
    for (int turn = 0; turn < 1000 && world->port.now < end; turn++) {
        int due = tandem_timeout(world->client);
        if (due < 0)
            return;
        world->port.now += (uint64_t)due;
        assert_ok(tandem_service(world->client));
        durable_forget_frames();
        durable_serve(&shop);
    }
}

static void what_was_settled_leaves_the_file_while_nothing_comes(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    settle_one(world, &outcomes[0]);
    let_it_rest(world);
    assert_int_equal(traces_left(world->folder, "settled "), 0);
}

static void what_was_settled_leaves_the_file_when_it_is_closed(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    settle_one(world, &outcomes[0]);
    tandem_close(world->client);
    world->client = NULL;
    assert_int_equal(traces_left(world->folder, "settled "), 0);
}

static void what_waits_stays(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    open_client(world, true);
    assert_ok(send_note(world, TEXT, &outcomes[0]));
    tandem_close(world->client);
    world->client = NULL;
    assert_true(traces_left(world->folder, "settled ") > 0);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_shop, tear_down_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_settled_leaves_the_file_while_nothing_comes),
        TEST(what_was_settled_leaves_the_file_when_it_is_closed),
        TEST(what_waits_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

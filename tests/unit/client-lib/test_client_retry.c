/* Trying again what was refused: never so that an older value of one's own silently replaces a
 * newer one. */
#include "conflict_world.h"

static struct view refused(struct world *world)
{
    return shop_only(world, STATE(TANDEM_ENTRY_REFUSED));
}

/* Phone "222" was refused. */
static uint64_t begin(struct world *world)
{
    shop_begin(world);
    shop.refuse = "denied";
    assert_ok(shop_edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    return refused(world).entry;
}

static void it_is_sent_again_where_nothing_else_was_typed(void **state)
{
    struct world *world = *state;
    uint64_t entry = begin(world);
    assert_ok(shop_edit(world, NULL, "new.example", NULL));
    durable_settle(world, &shop);
    assert_ok(tandem_outbox_retry(world->client, entry));
    assert_string_equal(shop_last_sent().text, "222");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_REFUSED)), 0);
}

static void expect_contest(struct world *world, uint64_t entry, const char *theirs, const char *by)
{
    size_t before = server.sent_count;
    assert_int_equal(tandem_outbox_retry(world->client, entry), STATUS_CONFLICT);
    assert_int_equal(server.sent_count, before);
    assert_int_equal(tandem_last_entry(world->client), 0);
    for (int again = 0; again < 2; again++) {
        struct view view = shop_conflict(world);
        assert_int_equal(view.entry, entry);
        assert_int_equal(view.code, STATUS_CONFLICT);
        assert_true(view.line[0].conflict);
        assert_string_equal(view.line[0].mine, "222");
        assert_string_equal(view.line[0].theirs, theirs);
        assert_string_equal(view.line[0].by, by);
        durable_crash(world);
        durable_start(world);
        durable_settle(world, &shop);
    }
}

/* Whether or not the replica shows it by now. */
static void a_newer_value_that_was_taken_stands_against_it(void **state)
{
    struct world *world = *state;
    uint64_t entry = begin(world);
    assert_ok(shop_edit(world, "444", NULL, NULL));
    durable_settle(world, &shop);
    assert_string_equal(refused(world).line[0].mine, "222");
    expect_contest(world, entry, "444", "kari");
    assert_ok(tandem_resolve_theirs(world->client, entry));
    assert_int_equal(tandem_last_entry(world->client), 0); /* nothing is left to be sent */
}

static void so_does_one_from_another_device(void **state)
{
    struct world *world = *state;
    uint64_t entry = begin(world);
    shop_say_account(40, 85, "777", "old.example");
    durable_settle(world, &shop);
    struct view view = refused(world);
    assert_false(view.line[0].conflict);
    assert_int_equal(tandem_outbox_retry(world->client, entry), STATUS_CONFLICT);
    view = shop_conflict(world);
    assert_string_equal(view.line[0].theirs, "777");
    assert_int_equal(view.line[0].seq, 85);
    assert_ok(tandem_resolve_mine(world->client, entry, NULL));
    assert_string_equal(shop_last_sent().text, "222");
}

static void one_that_is_under_way_is_waited_for(void **state)
{
    struct world *world = *state;
    uint64_t entry = begin(world);
    assert_ok(shop_edit(world, "444", NULL, NULL));
    uint64_t newer = tandem_last_entry(world->client);
    assert_int_equal(tandem_outbox_retry(world->client, entry), STATUS_USAGE);
    assert_int_equal(refused(world).entry, entry);
    durable_settle(world, &shop);
    assert_true(newer > entry);
    assert_int_equal(tandem_outbox_retry(world->client, entry), STATUS_CONFLICT);
}

/* One that waits is sent behind it. */
static void one_that_waits_comes_after_it(void **state)
{
    struct world *world = *state;
    uint64_t entry = begin(world);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_edit(world, "444", NULL, NULL));
    assert_ok(tandem_outbox_retry(world->client, entry));
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 2);
    world->port.now += (uint64_t)tandem_timeout(world->client);
    assert_ok(tandem_service(world->client)); /* connects */
    durable_serve(&shop);
    assert_ok(tandem_service(world->client)); /* signed in, and sends both */
    assert_string_equal(shop_last_sent().text, "444");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_REFUSED)), 0);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, shop_set_up, shop_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP(it_is_sent_again_where_nothing_else_was_typed),
        SHOP(a_newer_value_that_was_taken_stands_against_it), SHOP(so_does_one_from_another_device),
        SHOP(one_that_is_under_way_is_waited_for), SHOP(one_that_waits_comes_after_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The sync logic over a real replica, against a server that is the script of each test. */
#include "sync_world.h"

/* ---- The stories ---- */

static void an_empty_replica_subscribes_at_zero_in_the_servers_epoch(void **state)
{
    struct world *world = *state;
    const struct message *subscribe = connect_all(world);
    assert_int_equal(subscribe->as.subscribe.cursor, 0);
    assert_true(id_equal(subscribe->as.subscribe.epoch, epoch));
    assert_false(message_has(subscribe, "scopes"));
    assert_false(message_has(subscribe, "resume"));
}

static void records_are_stored_with_the_cursor_and_then_told(void **state)
{
    struct world *world = *state;
    const struct made made[] = {{.id = 1, .seq = 4}, {.id = 2, .seq = 5}};
    connect_all(world);
    assert_ok(receive_records(world, 0, 5, made, 2));
    expect_held(world, 2);
    assert_int_equal(replica_cursor(world->replica), 5);
    assert_int_equal(world->told_count, 2);
    const struct told *told = expect_told(world, 1, TANDEM_EVENT_CHANGED);
    assert_int_equal(told->event.seq, 5);
    assert_int_equal(told->cursor, 5); /* told after the commit */
    sync_world_close(world);
    sync_world_open(world);
    assert_int_equal(replica_cursor(world->replica), 5);
    expect_held(world, 2);
    const struct message *again = connect_all(world);
    assert_int_equal(again->as.subscribe.cursor, 5);
}

static void a_removed_record_is_told_as_it_was_held(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 7, .seq = 3};
    connect_all(world);
    assert_ok(receive_records(world, 0, 3, &made, 1));
    assert_ok(receive_removed(world, 3, 4, 7));
    assert_ok(receive_removed(world, 4, 5, 99)); /* not held: ignored */
    expect_held(world, 0);
    assert_int_equal(world->told_count, 2);
    const struct told *told = expect_told(world, 1, TANDEM_EVENT_REMOVED);
    assert_true(id_equal(told->event.id, id_of(7)));
    assert_int_equal(told->event.seq, 4);
    assert_int_equal(replica_cursor(world->replica), 5);
}

static void a_purge_takes_its_scope_and_nothing_else(void **state)
{
    struct world *world = *state;
    const struct made made[] = {{.id = 1, .seq = 1, .scope = account_of(1)},
                                {.id = 2, .seq = 2, .scope = account_of(1)},
                                {.id = 3, .seq = 3, .scope = account_of(2)}};
    connect_all(world);
    assert_ok(receive_records(world, 0, 3, made, 3));
    assert_ok(receive_purged(world, 3, 4, account_of(1)));
    expect_held(world, 1);
    assert_int_equal(held_seq(world, 3), 3);
    const struct told *told = expect_told(world, 3, TANDEM_EVENT_PURGED);
    assert_true(scope_equal(told->event.scope, account_of(1)));
}

/* purged, entered, removed, records: a record may leave with its scope and come back in one
 * message. */
/* What is kept elsewhere of a scope goes before the scope does. */
static struct losing {
    const struct world *world;
    enum status status;
    unsigned calls;
    bool held;
} losing;

static enum status lose(void *context, const struct sync_event *event)
{
    (void)context;
    losing.calls++;
    losing.held = held_seq(losing.world, 8) != 0; /* by whoever else looks */
    assert_true(event->kind != TANDEM_EVENT_PURGED || scope_equal(event->scope, account_of(1)));
    return losing.status;
}

static void nothing_is_purged_that_something_is_kept_of_elsewhere(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 8, .seq = 3};
    const struct scope other = account_of(2);
    losing = (struct losing){.world = world, .status = STATUS_NO_MEMORY};
    sync_on_losing(&world->sync, lose);
    connect_all(world);
    assert_ok(receive_records(world, 0, 3, &made, 1));
    world->told_count = 0;
    assert_int_equal(receive_purged(world, 3, 4, account_of(1)), STATUS_NO_MEMORY);
    assert_int_equal(replica_cursor(world->replica), 3);
    assert_int_equal(held_seq(world, 8), 3);
    assert_int_equal(world->told_count, 0);
    losing.status = STATUS_OK;
    assert_ok(receive_purged(world, 3, 4, account_of(1)));
    assert_int_equal(losing.calls, 2);
    assert_true(losing.held);
    assert_int_equal(held_seq(world, 8), 0);
    (void)expect_told(world, 0, TANDEM_EVENT_PURGED);

    /* The same for what is not wanted any more. */
    const struct made again = {.id = 8, .seq = 5};
    assert_ok(receive_records(world, 4, 5, &again, 1));
    assert_ok(sync_want(&world->sync, (const struct scope[]){account_of(1), other}, 2));
    losing = (struct losing){.world = world, .status = STATUS_IO};
    assert_int_equal(sync_want(&world->sync, &other, 1), STATUS_IO);
    assert_int_equal(losing.calls, 1);
    assert_int_equal(held_seq(world, 8), 5);
}

static void the_parts_of_one_message_are_applied_in_their_order(void **state)
{
    struct world *world = *state;
    const struct made first[] = {{.id = 1, .seq = 1}, {.id = 2, .seq = 2}};
    const struct made second[] = {{.id = 2, .seq = 9}};
    const struct scope scope = account_of(1);
    const unsigned removed[] = {2};
    struct message message = changes(2, 9);
    connect_all(world);
    assert_ok(receive_records(world, 0, 2, first, 2));
    mark(&message, "purged", &message.as.changes.purged, scopes_of(&world->lists[0], &scope, 1));
    mark(&message, "entered", &message.as.changes.entered, scopes_of(&world->lists[1], &scope, 1));
    mark(&message, "removed", &message.as.changes.removed, ids_of(&world->lists[2], removed, 1));
    mark(&message, "records", &message.as.changes.records, records_of(&world->lists[3], second, 1));
    assert_ok(receive(world, &message));
    expect_held(world, 1);
    assert_int_equal(held_seq(world, 2), 9);
    struct replica_backfill backfill;
    assert_ok(replica_find_backfill(world->replica, scope, &backfill));
    assert_int_equal(backfill.from, 0);
    assert_int_equal(backfill.until, 2);
    expect_told(world, 2, TANDEM_EVENT_PURGED);
    expect_told(world, 3, TANDEM_EVENT_ENTERED);
    expect_told(world, 4, TANDEM_EVENT_CHANGED);
    assert_int_equal(world->told_count, 5);
}

static void a_scope_that_enters_at_the_start_needs_no_backfill(void **state)
{
    struct world *world = *state;
    struct replica_backfill backfill;
    connect_all(world);
    assert_ok(receive_entered(world, 0, 5, account_of(1)));
    assert_int_equal(replica_find_backfill(world->replica, account_of(1), &backfill),
                     STATUS_NOT_FOUND);
}

static void a_backfill_is_resumed_where_it_was_interrupted(void **state)
{
    struct world *world = *state;
    const struct made old = {.id = 1, .seq = 10, .scope = account_of(4)};
    const struct made older = {.id = 2, .seq = 60, .scope = account_of(4)};
    struct replica_backfill noted;
    connect_all(world);
    assert_ok(receive_records(world, 0, 100, NULL, 0));
    assert_ok(receive_entered(world, 100, 101, account_of(4)));
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(4), 0, 50, 100, false}, &old, 1));
    assert_ok(replica_find_backfill(world->replica, account_of(4), &noted));
    assert_int_equal(noted.from, 50);

    sync_stop(&world->sync);
    sync_world_close(world);
    sync_world_open(world);
    const struct message *subscribe = connect_all(world);
    assert_true(message_has(subscribe, "resume"));
    assert_int_equal(message_count(subscribe->as.subscribe.resume), 1);
    struct wire_reader reader = wire_read(subscribe->as.subscribe.resume);
    struct bytes map, value;
    uint32_t count;
    uint64_t number;
    assert_true(wire_get_array(&reader, &count));
    assert_true(wire_skip(&reader, &map));
    assert_true(wire_map_find(map, "from", &value));
    reader = wire_read(value);
    assert_true(wire_get_uint(&reader, &number));
    assert_int_equal(number, 50);
    assert_true(wire_map_find(map, "until", &value));
    reader = wire_read(value);
    assert_true(wire_get_uint(&reader, &number));
    assert_int_equal(number, 100);

    assert_ok(receive_backfill(world, (struct said_backfill){account_of(4), 50, 100, 100, true},
                               &older, 1));
    assert_int_equal(replica_find_backfill(world->replica, account_of(4), &noted),
                     STATUS_NOT_FOUND);
    expect_held(world, 2);
}

static void a_backfill_never_replaces_what_is_as_new(void **state)
{
    struct world *world = *state;
    const struct made new = {.id = 1, .seq = 120, .scope = account_of(4)};
    const struct made stale[] = {{.id = 1, .seq = 20, .scope = account_of(4)},
                                 {.id = 2, .seq = 21, .scope = account_of(4)}};
    connect_all(world);
    assert_ok(receive_records(world, 0, 100, NULL, 0));
    assert_ok(receive_entered(world, 100, 110, account_of(4)));
    assert_ok(receive_records(world, 110, 120, &new, 1));
    size_t told = world->told_count;
    assert_ok(receive_backfill(world, (struct said_backfill){account_of(4), 0, 100, 100, true},
                               stale, 2));
    assert_int_equal(held_seq(world, 1), 120);
    assert_int_equal(held_seq(world, 2), 21);
    assert_int_equal(world->told_count, told + 1); /* nothing is told of the stale one */
}

/* What was on its way when the scope was purged must not come back. */
static void a_backfill_of_a_purged_scope_is_dropped(void **state)
{
    struct world *world = *state;
    const struct made old = {.id = 1, .seq = 10, .scope = account_of(4)};
    connect_all(world);
    assert_ok(receive_records(world, 0, 100, NULL, 0));
    assert_ok(receive_entered(world, 100, 101, account_of(4)));
    assert_ok(receive_purged(world, 101, 102, account_of(4)));
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(4), 0, 50, 100, false}, &old, 1));
    expect_held(world, 0);
    assert_ok(receive_caught_up(world, 102));
    /* It counts as received all the same. */
    assert_int_equal(expect_sent(world, MESSAGE_ACK)->as.ack.frames, 4);
}

/* Two backfills whose messages alternate, the later scope first. */
static void backfills_of_several_scopes_may_alternate(void **state)
{
    struct world *world = *state;
    const struct made in4 = {.id = 1, .seq = 10, .scope = account_of(4)};
    const struct made in5 = {.id = 2, .seq = 11, .scope = account_of(5)};
    const struct made more4 = {.id = 3, .seq = 70, .scope = account_of(4)};
    connect_all(world);
    assert_ok(receive_records(world, 0, 100, NULL, 0));
    assert_ok(receive_entered(world, 100, 101, account_of(4)));
    assert_ok(receive_entered(world, 101, 102, account_of(5)));
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(5), 0, 40, 101, false}, &in5, 1));
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(4), 0, 60, 100, false}, &in4, 1));
    assert_ok(receive_backfill(world, (struct said_backfill){account_of(5), 40, 101, 101, true},
                               NULL, 0));
    assert_ok(receive_backfill(world, (struct said_backfill){account_of(4), 60, 100, 100, true},
                               &more4, 1));
    expect_held(world, 3);
    expect_nothing_sent(world);
}

static void half_a_window_is_acknowledged_and_what_caught_up(void **state)
{
    struct world *world = *state;
    connect_all(world);
    for (uint64_t i = 0; i < 7; i++)
        assert_ok(receive_records(world, i, i + 1, NULL, 0));
    expect_nothing_sent(world);
    assert_ok(receive_records(world, 7, 8, NULL, 0));
    assert_int_equal(expect_sent(world, MESSAGE_ACK)->as.ack.frames, 8);
    assert_ok(receive_records(world, 8, 9, NULL, 0));
    expect_nothing_sent(world);
    assert_ok(receive_caught_up(world, 9));
    assert_int_equal(expect_sent(world, MESSAGE_ACK)->as.ack.frames, 9);
    assert_ok(receive_caught_up(world, 9));
    expect_nothing_sent(world); /* nothing new to acknowledge */
    expect_told(world, world->told_count - 1, TANDEM_EVENT_CAUGHT_UP);
}

static void once_caught_up_each_burst_says_so(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 1};
    struct message more = changes(2, 3);
    connect_all(world);
    assert_ok(receive_records(world, 0, 1, &made, 1));
    assert_int_equal(count_told(world, TANDEM_EVENT_CAUGHT_UP), 0); /* not told yet */
    assert_ok(receive_caught_up(world, 1));
    assert_ok(receive_records(world, 1, 2, &made, 1));
    assert_int_equal(count_told(world, TANDEM_EVENT_CAUGHT_UP), 2);
    assert_int_equal(expect_told(world, world->told_count - 1, TANDEM_EVENT_CAUGHT_UP)->event.seq,
                     2);
    more.as.changes.more = true;
    message_mark(&more, "more");
    assert_ok(receive(world, &more));
    assert_int_equal(count_told(world, TANDEM_EVENT_CAUGHT_UP), 2);
    /* Behind a scope that entered, its backfill comes first. */
    assert_ok(receive_entered(world, 3, 4, account_of(4)));
    assert_ok(receive_records(world, 4, 5, &made, 1));
    assert_int_equal(count_told(world, TANDEM_EVENT_CAUGHT_UP), 2);
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(4), 0, 3, 3, true}, NULL, 0));
    assert_ok(receive_caught_up(world, 5));
    assert_int_equal(count_told(world, TANDEM_EVENT_CAUGHT_UP), 3);
}

static void a_reset_empties_tells_and_subscribes_from_zero(void **state)
{
    struct world *world = *state;
    const struct id other = {{0xdd, 2}};
    const struct made made[] = {{.id = 1, .seq = 1, .scope = account_of(1)},
                                {.id = 2, .seq = 2, .scope = account_of(2)},
                                {.id = 3, .seq = 3, .scope = {SCOPE_LIBRARY, {{0}}}}};
    struct message reset = {.type = MESSAGE_RESET};
    connect_all(world);
    assert_ok(receive_records(world, 0, 3, made, 3));
    world->told_count = 0;
    reset.as.reset.reason = bytes_text("epoch");
    reset.as.reset.epoch = other;
    assert_ok(receive(world, &reset));
    expect_held(world, 0);
    assert_int_equal(replica_cursor(world->replica), 0);
    assert_true(id_equal(replica_epoch(world->replica), other));
    const struct message *subscribe = expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_int_equal(subscribe->as.subscribe.cursor, 0);
    assert_true(id_equal(subscribe->as.subscribe.epoch, other));
    assert_int_equal(world->told_count, 1); /* that says all: no scope is told of by itself */
    expect_told(world, 0, TANDEM_EVENT_RESET);
    /* Acknowledgements count from the new subscription on. */
    assert_ok(receive_records(world, 0, 9, made, 1));
    assert_ok(receive_caught_up(world, 9));
    assert_int_equal(expect_sent(world, MESSAGE_ACK)->as.ack.frames, 1);
}

static void a_message_that_does_not_follow_leads_to_a_fenced_subscription(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 20};
    connect_all(world);
    assert_ok(receive_records(world, 0, 10, NULL, 0));
    assert_ok(receive_records(world, 15, 20, &made, 1)); /* 11 to 15 are missing */
    assert_int_equal(replica_cursor(world->replica), 10);
    expect_held(world, 0);
    (void)expect_sent(world, MESSAGE_UNSUBSCRIBE);
    uint64_t fence = expect_sent(world, MESSAGE_PING)->as.ping.request;
    expect_nothing_sent(world);
    /* Of the old subscription, and although it would fit: ignored. */
    assert_ok(receive_records(world, 10, 20, &made, 1));
    expect_held(world, 0);
    enum status status = STATUS_INTERNAL;
    assert_true(sync_pong(&world->sync, fence, &status));
    assert_ok(status);
    assert_int_equal(expect_sent(world, MESSAGE_SUBSCRIBE)->as.subscribe.cursor, 10);
    assert_ok(receive_records(world, 10, 20, &made, 1));
    expect_held(world, 1);
}

static void a_server_that_never_follows_is_given_up(void **state)
{
    struct world *world = *state;
    enum status status = STATUS_OK;
    connect_all(world);
    for (unsigned i = 0; i < SYNC_MISMATCHES; i++) {
        assert_ok(receive_records(world, 5, 6, NULL, 0));
        (void)expect_sent(world, MESSAGE_UNSUBSCRIBE);
        uint64_t fence = expect_sent(world, MESSAGE_PING)->as.ping.request;
        assert_true(sync_pong(&world->sync, fence, &status));
        (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    }
    assert_int_equal(receive_records(world, 5, 6, NULL, 0), STATUS_UNEXPECTED);
}

static void a_message_with_one_bad_record_changes_nothing(void **state)
{
    struct world *world = *state;
    const struct made good[] = {{.id = 1, .seq = 1}};
    struct message message = changes(1, 3);
    struct buffer *list = &world->lists[1];
    connect_all(world);
    assert_ok(receive_records(world, 0, 1, good, 1));
    world->told_count = 0;
    wire_put_array(list, 2);
    put_record(list, &(struct made){.id = 2, .seq = 2});
    wire_put_map(list, 1); /* no record at all */
    wire_put_text(list, "id");
    wire_put_id(list, id_of(3));
    mark(&message, "records", &message.as.changes.records, buffer_bytes(list));
    const unsigned removed[] = {1};
    mark(&message, "removed", &message.as.changes.removed, ids_of(&world->lists[2], removed, 1));
    assert_int_equal(receive(world, &message), STATUS_MALFORMED);
    assert_int_equal(replica_cursor(world->replica), 1);
    expect_held(world, 1);
    assert_int_equal(held_seq(world, 1), 1);
    assert_int_equal(world->told_count, 0);
}

static enum status failing_commit(struct replica *replica)
{
    replica_abort(replica);
    return STATUS_IO;
}

static void a_commit_that_fails_tells_nothing_and_leaves_the_cursor(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 1};
    connect_all(world);
    world->store.commit = failing_commit;
    assert_int_equal(receive_records(world, 0, 1, &made, 1), STATUS_IO);
    assert_int_equal(world->told_count, 0);
    assert_int_equal(replica_cursor(world->replica), 0);
    expect_held(world, 0);
    world->store.commit = replica_commit;
    assert_ok(receive_records(world, 0, 1, &made, 1));
    expect_held(world, 1);
}

static void data_without_a_subscription_is_refused(void **state)
{
    struct world *world = *state;
    assert_int_equal(receive_records(world, 0, 1, NULL, 0), STATUS_UNEXPECTED);
    assert_ok(sync_start(&world->sync, epoch, 16)); /* signed in, but nothing wanted */
    assert_int_equal(receive_records(world, 0, 1, NULL, 0), STATUS_UNEXPECTED);
    assert_ok(sync_want(&world->sync, NULL, 0));
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_ok(receive_records(world, 0, 1, NULL, 0));
}

static void bounds_that_make_no_sense_are_refused(void **state)
{
    struct world *world = *state;
    connect_all(world);
    assert_ok(receive_records(world, 0, 100, NULL, 0));
    assert_int_equal(receive_records(world, 100, 99, NULL, 0), STATUS_MALFORMED);
    assert_ok(receive_entered(world, 100, 101, account_of(4)));
    assert_int_equal(
        receive_backfill(world, (struct said_backfill){account_of(4), 0, 101, 100, false}, NULL, 0),
        STATUS_MALFORMED);
    assert_int_equal(
        receive_backfill(world, (struct said_backfill){account_of(4), 9, 8, 100, false}, NULL, 0),
        STATUS_MALFORMED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, sync_world_set_up, sync_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_replica_subscribes_at_zero_in_the_servers_epoch),
        TEST(records_are_stored_with_the_cursor_and_then_told),
        TEST(a_removed_record_is_told_as_it_was_held),
        TEST(a_purge_takes_its_scope_and_nothing_else),
        TEST(nothing_is_purged_that_something_is_kept_of_elsewhere),
        TEST(the_parts_of_one_message_are_applied_in_their_order),
        TEST(a_scope_that_enters_at_the_start_needs_no_backfill),
        TEST(a_backfill_is_resumed_where_it_was_interrupted),
        TEST(a_backfill_never_replaces_what_is_as_new),
        TEST(a_backfill_of_a_purged_scope_is_dropped),
        TEST(backfills_of_several_scopes_may_alternate),
        TEST(half_a_window_is_acknowledged_and_what_caught_up),
        TEST(once_caught_up_each_burst_says_so),
        TEST(a_reset_empties_tells_and_subscribes_from_zero),
        TEST(a_message_that_does_not_follow_leads_to_a_fenced_subscription),
        TEST(a_server_that_never_follows_is_given_up),
        TEST(a_message_with_one_bad_record_changes_nothing),
        TEST(a_commit_that_fails_tells_nothing_and_leaves_the_cursor),
        TEST(data_without_a_subscription_is_refused),
        TEST(bounds_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

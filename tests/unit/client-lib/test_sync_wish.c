/* What is wanted: growing, shrinking, starting over; what comes first, and how far it has come. */
#include "sync_world.h"

#include "protocol/wire.h"

static const struct scope *scopes_of_three(void)
{
    static struct scope scopes[3];
    for (unsigned i = 0; i < 3; i++)
        scopes[i] = account_of(i + 1);
    return scopes;
}

/* Wants accounts `first` to `first + count - 1`. */
static enum status want(struct world *world, unsigned first, size_t count)
{
    return sync_want(&world->sync, scopes_of_three() + first - 1, count);
}

static const struct message *connect_wanting(struct world *world, unsigned first, size_t count)
{
    assert_ok(want(world, first, count));
    assert_ok(sync_start(&world->sync, epoch, 16));
    return expect_sent(world, MESSAGE_SUBSCRIBE);
}

/* The subscription that follows on the fence which the client has just put up. */
static const struct message *pass_fence(struct world *world)
{
    enum status status = STATUS_INTERNAL;
    (void)expect_sent(world, MESSAGE_UNSUBSCRIBE);
    uint64_t fence = expect_sent(world, MESSAGE_PING)->as.ping.request;
    expect_nothing_sent(world);
    assert_true(sync_pong(&world->sync, fence, &status));
    assert_ok(status);
    return expect_sent(world, MESSAGE_SUBSCRIBE);
}

static void expect_resume(const struct message *subscribe, size_t index, struct scope scope,
                          uint64_t from, uint64_t until)
{
    struct wire_reader reader = wire_read(subscribe->as.subscribe.resume);
    struct bytes entry, octets;
    struct scope named;
    uint64_t number;
    uint32_t count;
    assert_true(wire_get_array(&reader, &count));
    assert_true(index < count);
    for (size_t i = 0; i <= index; i++)
        assert_true(wire_skip(&reader, &entry));
    assert_true(wire_map_bin(entry, "scope", &octets) && scope_from_bytes(octets, &named));
    assert_true(scope_equal(named, scope));
    assert_true(wire_map_uint(entry, "from", &number));
    assert_int_equal(number, from);
    assert_true(wire_map_uint(entry, "until", &number));
    assert_int_equal(number, until);
}

static const struct made in_1 = {.id = 1, .seq = 5, .scope = {SCOPE_ACCOUNT, {{0}}}};

/* One record in each of the accounts 1 to 3, at cursor 10. */
static void fill(struct world *world)
{
    struct made made[3] = {in_1, in_1, in_1};
    for (unsigned i = 0; i < 3; i++) {
        made[i].id = i + 1;
        made[i].scope = account_of(i + 1);
    }
    assert_ok(receive_records(world, 0, 10, made, 3));
    assert_ok(receive_caught_up(world, 10));
    (void)expect_sent(world, MESSAGE_ACK);
    world->told_count = 0;
}

static void scopes_that_are_added_are_filled_in(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 5, .scope = account_of(1)};
    const struct made added = {.id = 2, .seq = 4, .scope = account_of(2)};
    connect_wanting(world, 1, 1);
    assert_ok(receive_records(world, 0, 10, &made, 1));
    world->told_count = 0;
    assert_ok(want(world, 1, 2));
    expect_held(world, 1);
    assert_int_equal(world->told_count, 0);
    const struct message *subscribe = pass_fence(world);
    assert_int_equal(subscribe->as.subscribe.cursor, 10);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 2);
    assert_int_equal(message_count(subscribe->as.subscribe.resume), 1);
    expect_resume(subscribe, 0, account_of(2), 0, 10);
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(2), 0, 10, 10, true}, &added, 1));
    expect_held(world, 2);
    assert_int_equal(replica_cursor(world->replica), 10);
}

static void scopes_that_are_dropped_are_purged_and_the_rest_stays(void **state)
{
    struct world *world = *state;
    connect_wanting(world, 1, 3);
    fill(world);
    assert_ok(want(world, 2, 1));
    expect_held(world, 1);
    assert_int_equal(held_seq(world, 2), 5);
    assert_int_equal(world->told_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct told *told = expect_told(world, i, TANDEM_EVENT_PURGED);
        assert_true(scope_equal(told->event.scope, account_of(i == 0 ? 1 : 3)));
    }
    const struct message *subscribe = pass_fence(world);
    assert_int_equal(subscribe->as.subscribe.cursor, 10);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 1);
    assert_false(message_has(subscribe, "resume"));
}

static void a_backfill_that_is_under_way_goes_with_its_scope(void **state)
{
    struct world *world = *state;
    struct replica_backfill noted;
    connect_wanting(world, 1, 1);
    assert_ok(receive_records(world, 0, 10, NULL, 0));
    assert_ok(want(world, 1, 2));
    assert_ok(replica_find_backfill(world->replica, account_of(2), &noted));
    assert_ok(want(world, 1, 1));
    assert_int_equal(replica_find_backfill(world->replica, account_of(2), &noted),
                     STATUS_NOT_FOUND);
}

static void of_everything_some_scopes_may_stay(void **state)
{
    struct world *world = *state;
    connect_all(world);
    fill(world);
    assert_ok(want(world, 1, 2));
    expect_held(world, 2);
    assert_false(message_has(pass_fence(world), "resume"));
    assert_int_equal(count_told(world, TANDEM_EVENT_RESET), 0);
}

static void everything_after_some_scopes_starts_over(void **state)
{
    struct world *world = *state;
    connect_wanting(world, 1, 3);
    fill(world);
    assert_ok(sync_want(&world->sync, NULL, 0));
    expect_held(world, 0);
    assert_int_equal(world->told_count, 1);
    assert_string_equal(expect_told(world, 0, TANDEM_EVENT_RESET)->event.detail, "subscription");
    const struct message *subscribe = pass_fence(world);
    assert_int_equal(subscribe->as.subscribe.cursor, 0);
    assert_false(message_has(subscribe, "scopes"));
}

static void the_same_scopes_in_another_order_change_nothing(void **state)
{
    struct world *world = *state;
    const struct scope twice[] = {account_of(2), account_of(1), account_of(2)};
    connect_wanting(world, 1, 2);
    assert_ok(receive_records(world, 0, 10, &in_1, 1));
    assert_ok(sync_want(&world->sync, twice, 3));
    expect_nothing_sent(world);
    sync_world_close(world);
    sync_world_open(world);
    assert_ok(sync_want(&world->sync, twice, 3));
    assert_int_equal(replica_cursor(world->replica), 10);
}

static void other_entities_start_over(void **state)
{
    struct world *world = *state;
    const char *const some[] = {"note", "contact", "note"}, *const same[] = {"contact", "note"};
    const char *const other[] = {"note"};
    assert_ok(sync_want_only(&world->sync, NULL, 0, some, 3));
    assert_ok(sync_start(&world->sync, epoch, 16));
    const struct message *subscribe = expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_int_equal(message_count(subscribe->as.subscribe.entities), 2); /* each once */
    fill(world);
    assert_ok(sync_want_only(&world->sync, NULL, 0, same, 2));
    expect_nothing_sent(world);
    assert_ok(sync_want_only(&world->sync, NULL, 0, other, 1));
    expect_held(world, 0);
    expect_told(world, 0, TANDEM_EVENT_RESET);
    assert_int_equal(message_count(pass_fence(world)->as.subscribe.entities), 1);
    /* And with scopes besides. */
    assert_ok(receive_records(world, 0, 10, &in_1, 1));
    assert_ok(sync_want_only(&world->sync, scopes_of_three(), 2, other, 1));
    assert_int_equal(replica_cursor(world->replica), 10);
    assert_ok(sync_want_only(&world->sync, scopes_of_three(), 2, NULL, 0));
    assert_int_equal(replica_cursor(world->replica), 0);
}

static enum status failing_purge(struct replica *replica, struct scope scope, size_t *count)
{
    (void)replica;
    (void)scope;
    *count = 0;
    return STATUS_IO;
}

/* As when the process dies between recording the wish and purging. */
static void what_was_not_purged_in_time_is_purged_later(void **state)
{
    struct world *world = *state;
    connect_wanting(world, 1, 3);
    fill(world);
    sync_stop(&world->sync);
    world->store.purge = failing_purge;
    assert_int_equal(want(world, 2, 1), STATUS_IO);
    sync_world_close(world);
    sync_world_open(world);
    expect_held(world, 3);
    assert_ok(want(world, 2, 1));
    expect_held(world, 1);
    assert_int_equal(connect_wanting(world, 2, 1)->as.subscribe.cursor, 10);
}

static enum status failing_set(struct replica *replica, struct bytes subscription)
{
    (void)replica;
    (void)subscription;
    return STATUS_IO;
}

static void a_wish_that_cannot_be_recorded_changes_nothing(void **state)
{
    struct world *world = *state;
    connect_wanting(world, 1, 2);
    fill(world);
    world->store.set_subscription = failing_set;
    assert_int_equal(want(world, 3, 1), STATUS_IO);
    expect_held(world, 3);
    expect_nothing_sent(world);
    world->store.set_subscription = replica_set_subscription;
    assert_ok(want(world, 1, 2)); /* still the same */
    expect_nothing_sent(world);
    struct scope many[1] = {account_of(1)};
    assert_int_equal(sync_want(&world->sync, many, LIMIT_SCOPES + 1), STATUS_LIMIT);
}

/* The server sends nothing of a scope that is not open. When it opens, it enters. */
static void a_scope_that_is_not_open_is_not_named_again(void **state)
{
    struct world *world = *state;
    struct replica_backfill noted;
    connect_wanting(world, 1, 1);
    assert_ok(receive_records(world, 0, 10, NULL, 0));
    assert_ok(want(world, 1, 2));
    assert_int_equal(message_count(pass_fence(world)->as.subscribe.resume), 1);
    assert_ok(receive_caught_up(world, 10));
    assert_int_equal(replica_next_backfill(world->replica, NULL, &noted), STATUS_NOT_FOUND);
    sync_stop(&world->sync);
    assert_ok(sync_start(&world->sync, epoch, 16));
    assert_false(message_has(expect_sent(world, MESSAGE_SUBSCRIBE), "resume"));
}

static void a_wish_is_kept_as_bytes(void **state)
{
    struct world *world = *state;
    const char *const entities[] = {"note"};
    struct buffer kept = {0};
    assert_ok(sync_want_only(&world->sync, scopes_of_three(), 2, entities, 1));
    assert_ok(sync_start(&world->sync, epoch, 16));
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_ok(receive_records(world, 0, 10, &in_1, 1));
    assert_ok(sync_wish_keep(&world->sync, &kept));
    sync_world_close(world);
    sync_world_open(world);
    for (size_t size = 0; size < kept.size; size++)
        if (sync_want_kept(&world->sync, bytes_of(kept.data, size)) == STATUS_OK)
            /* Cut between two scopes, it is another wish. */
            assert_int_equal((kept.size - size) % SCOPE_SIZE, 0);
    assert_ok(sync_want_kept(&world->sync, buffer_bytes(&kept)));
    assert_ok(sync_start(&world->sync, epoch, 16));
    const struct message *subscribe = expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 2);
    assert_int_equal(message_count(subscribe->as.subscribe.entities), 1);
    buffer_release(&kept);
}

/* ---- What comes first ---- */

static void offer(struct world *world, uint64_t prefer, uint64_t check)
{
    struct buffer limits = {0};
    wire_put_map(&limits, 3);
    wire_put_text(&limits, "window");
    wire_put_uint(&limits, 16);
    wire_put_text(&limits, "prefer");
    wire_put_uint(&limits, prefer);
    wire_put_text(&limits, "check");
    wire_put_uint(&limits, check);
    sync_offered(&world->sync, buffer_bytes(&limits));
    buffer_release(&limits);
}

static struct scope first_of(struct bytes array)
{
    struct wire_reader reader = wire_read(array);
    struct bytes octets;
    struct scope scope = {0};
    uint32_t count;
    assert_true(wire_get_array(&reader, &count));
    assert_true(wire_get_bin(&reader, &octets) && scope_from_bytes(octets, &scope));
    return scope;
}

static void what_is_preferred_is_said_before_subscribing_and_while_it_matters(void **state)
{
    struct world *world = *state;
    offer(world, 16, 0);
    assert_ok(sync_prefer(&world->sync, account_of(1)));
    assert_ok(sync_want(&world->sync, NULL, 0));
    assert_ok(sync_start(&world->sync, epoch, 16));
    assert_int_equal(message_count(expect_sent(world, MESSAGE_PREFER)->as.prefer.scopes), 1);
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_ok(sync_prefer(&world->sync, account_of(2)));
    assert_ok(sync_prefer(&world->sync, account_of(1)));
    (void)expect_sent(world, MESSAGE_PREFER);
    const struct message *prefer = expect_sent(world, MESSAGE_PREFER);
    assert_int_equal(message_count(prefer->as.prefer.scopes), 2); /* each once */
    assert_true(scope_equal(first_of(prefer->as.prefer.scopes), account_of(1)));
    /* A new connection knows nothing of it. */
    sync_stop(&world->sync);
    offer(world, 16, 0);
    assert_ok(sync_start(&world->sync, epoch, 16));
    (void)expect_sent(world, MESSAGE_PREFER);
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    /* Once all is there, nothing comes before anything. */
    assert_ok(receive_caught_up(world, 0));
    assert_ok(sync_prefer(&world->sync, account_of(3)));
    sync_stop(&world->sync);
    offer(world, 16, 0);
    assert_ok(sync_start(&world->sync, epoch, 16));
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    expect_nothing_sent(world);
}

static void no_more_is_preferred_than_the_server_takes(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= LIMIT_PREFER + 5; i++)
        assert_ok(sync_prefer(&world->sync, account_of(i)));
    offer(world, 4, 0);
    assert_ok(sync_want(&world->sync, NULL, 0));
    assert_ok(sync_start(&world->sync, epoch, 16));
    const struct message *prefer = expect_sent(world, MESSAGE_PREFER);
    assert_int_equal(message_count(prefer->as.prefer.scopes), 4);
    assert_true(scope_equal(first_of(prefer->as.prefer.scopes), account_of(LIMIT_PREFER + 5)));
}

static void an_older_server_hears_nothing_of_it(void **state)
{
    struct world *world = *state;
    assert_ok(sync_prefer(&world->sync, account_of(1)));
    connect_all(world);
    assert_ok(sync_prefer(&world->sync, account_of(2)));
    expect_nothing_sent(world);
}

static enum status receive_ahead(struct world *world, struct said_backfill backfill,
                                 const struct made *made, size_t count)
{
    struct message message = {.type = MESSAGE_BACKFILL};
    message.as.backfill = (struct msg_backfill){.scope = backfill.scope,
                                                .from = backfill.from,
                                                .to = backfill.to,
                                                .until = backfill.until,
                                                .done = backfill.done,
                                                .ahead = true};
    message_mark(&message, "ahead");
    message.as.backfill.records = records_of(&world->lists[0], made, count);
    return receive(world, &message);
}

static void records_ahead_of_their_turn_are_stored_and_nothing_is_noted(void **state)
{
    struct world *world = *state;
    const struct made held = {.id = 1, .seq = 8, .scope = account_of(1)};
    const struct made ahead[] = {{.id = 1, .seq = 7, .scope = account_of(1)},
                                 {.id = 2, .seq = 90, .scope = account_of(1)}};
    struct replica_backfill noted;
    connect_all(world);
    assert_ok(receive_records(world, 0, 10, &held, 1));
    world->told_count = 0;
    assert_ok(
        receive_ahead(world, (struct said_backfill){account_of(1), 10, 95, 100, false}, ahead, 2));
    assert_int_equal(held_seq(world, 1), 8); /* what is as new stays */
    assert_int_equal(held_seq(world, 2), 90);
    assert_int_equal(world->told_count, 1);
    assert_int_equal(expect_told(world, 0, TANDEM_EVENT_CHANGED)->event.seq, 90);
    assert_int_equal(replica_cursor(world->replica), 10);
    assert_int_equal(replica_next_backfill(world->replica, NULL, &noted), STATUS_NOT_FOUND);
    assert_ok(
        receive_ahead(world, (struct said_backfill){account_of(1), 95, 100, 100, true}, NULL, 0));
    /* They count as data, and `changes` go on from the cursor. */
    assert_ok(receive_records(world, 10, 95, &ahead[1], 1));
    assert_ok(receive_removed(world, 95, 100, 2));
    expect_held(world, 1);
    assert_ok(receive_caught_up(world, 100));
    assert_int_equal(expect_sent(world, MESSAGE_ACK)->as.ack.frames, 5);
}

static void records_ahead_of_everything_are_refused(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 7, .scope = account_of(1)};
    connect_wanting(world, 1, 1);
    assert_int_equal(
        receive_ahead(world, (struct said_backfill){account_of(1), 0, 9, 9, true}, &made, 1),
        STATUS_UNEXPECTED);
    assert_ok(receive_records(world, 0, 10, NULL, 0));
    assert_int_equal(
        receive_ahead(world, (struct said_backfill){account_of(2), 10, 19, 19, true}, &made, 1),
        STATUS_UNEXPECTED);
    expect_held(world, 0);
}

/* ---- How far it has come ---- */

static enum status receive_part(struct world *world, uint64_t from, uint64_t to, uint64_t head,
                                size_t count)
{
    struct message message = changes(from, to);
    struct made made[8] = {{0}};
    for (unsigned i = 0; i < count; i++)
        made[i] = (struct made){.id = (unsigned)from * 8u + i + 1, .seq = to};
    mark(&message, "records", &message.as.changes.records,
         records_of(&world->lists[0], made, count));
    if (head > to) {
        message.as.changes.more = true;
        message.as.changes.head = head;
        message_mark(&message, "more");
        message_mark(&message, "head");
    }
    return receive(world, &message);
}

static void expect_progress(const struct world *world, uint64_t done, uint64_t total)
{
    const struct told *told = expect_told(world, world->told_count - 1, TANDEM_EVENT_PROGRESS);
    assert_int_equal(told->event.done, done);
    assert_int_equal(told->event.total, total);
}

static void progress_is_told_of_a_long_catch_up_now_and_then(void **state)
{
    struct world *world = *state;
    sync_clock(&world->sync, 1000);
    connect_all(world);
    assert_ok(receive_part(world, 0, 10, 100, 4));
    expect_progress(world, 4, 40);
    assert_ok(receive_part(world, 10, 20, 100, 4));
    assert_int_equal(count_told(world, TANDEM_EVENT_PROGRESS), 1); /* not that soon */
    sync_clock(&world->sync, 1000 + SYNC_PROGRESS_MS);
    assert_ok(receive_part(world, 20, 40, 100, 2));
    expect_progress(world, 10, 25);
    assert_ok(receive_part(world, 40, 100, 0, 8));
    assert_ok(receive_caught_up(world, 100));
    assert_int_equal(count_told(world, TANDEM_EVENT_PROGRESS), 3);
    const struct told *last = expect_told(world, world->told_count - 2, TANDEM_EVENT_PROGRESS);
    assert_int_equal(last->event.done, 18);
    assert_int_equal(last->event.total, 18);
    /* What comes in one message is no catch-up. */
    assert_ok(receive_part(world, 100, 101, 0, 1));
    assert_int_equal(count_told(world, TANDEM_EVENT_PROGRESS), 3);
}

static void progress_counts_backfills(void **state)
{
    struct world *world = *state;
    const struct made made[] = {{.id = 1, .seq = 1, .scope = account_of(2)},
                                {.id = 2, .seq = 2, .scope = account_of(2)}};
    connect_wanting(world, 1, 1);
    assert_ok(receive_records(world, 0, 100, NULL, 0));
    assert_ok(want(world, 1, 3));
    (void)pass_fence(world);
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(2), 0, 20, 100, false}, made, 2));
    /* Ten of this one, and of account 3 nothing is known but that it waits, too. */
    expect_progress(world, 2, 20);
    assert_ok(receive_backfill(world, (struct said_backfill){account_of(2), 20, 100, 100, true},
                               NULL, 0));
    assert_ok(
        receive_backfill(world, (struct said_backfill){account_of(3), 0, 100, 100, true}, NULL, 0));
    assert_ok(receive_caught_up(world, 100));
    const struct told *last = expect_told(world, world->told_count - 2, TANDEM_EVENT_PROGRESS);
    assert_int_equal(last->event.done, 2);
    assert_int_equal(last->event.total, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, sync_world_set_up, sync_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(scopes_that_are_added_are_filled_in),
        TEST(scopes_that_are_dropped_are_purged_and_the_rest_stays),
        TEST(a_backfill_that_is_under_way_goes_with_its_scope),
        TEST(of_everything_some_scopes_may_stay),
        TEST(everything_after_some_scopes_starts_over),
        TEST(the_same_scopes_in_another_order_change_nothing),
        TEST(other_entities_start_over),
        TEST(what_was_not_purged_in_time_is_purged_later),
        TEST(a_wish_that_cannot_be_recorded_changes_nothing),
        TEST(a_scope_that_is_not_open_is_not_named_again),
        TEST(a_wish_is_kept_as_bytes),
        TEST(what_is_preferred_is_said_before_subscribing_and_while_it_matters),
        TEST(no_more_is_preferred_than_the_server_takes),
        TEST(an_older_server_hears_nothing_of_it),
        TEST(records_ahead_of_their_turn_are_stored_and_nothing_is_noted),
        TEST(records_ahead_of_everything_are_refused),
        TEST(progress_is_told_of_a_long_catch_up_now_and_then),
        TEST(progress_counts_backfills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

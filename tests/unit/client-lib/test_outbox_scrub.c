/* What was taken out of the outbox is not in its file any more once that has come to rest, however
 * many handles and crashes lie in between; and what was not costs nothing. */
#include "outbox_world.h"

#define MINE "the text that an author typed"
#define SEEN "what was there" /* as queue() puts it */

static bool file_keeps(struct world *world, const char *text)
{
    return file_has(world, "outbox.mdb", text);
}

static void expect_rest(struct world *world)
{
    assert_true(outbox_store_is_stale(world->store));
    assert_ok(outbox_store_rest(world->store));
    assert_false(outbox_store_is_stale(world->store));
}

/* Accepted, and shown by the replica. */
static void settle(struct world *world)
{
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_OK, 5);
    assert_ok(outbox_store_shown(world->store, 5));
    assert_int_equal(outbox_store_count(world->store, 0), 0);
}

static void an_accepted_text_leaves_the_file(void **state)
{
    struct world *world = *state;
    (void)queue(world, "update", 1, MINE);
    settle(world);
    assert_true(file_keeps(world, MINE));
    assert_true(file_keeps(world, SEEN));
    expect_rest(world);
    assert_false(file_keeps(world, MINE));
    assert_false(file_keeps(world, SEEN));
    open_again(world);
    assert_false(outbox_store_is_stale(world->store));
}

static void a_dropped_text_leaves_the_file(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "create", 1, MINE);
    (void)queue(world, "create", 2, "a text that stays");
    assert_false(outbox_store_is_stale(world->store));
    assert_ok(outbox_store_drop(world->store, order));
    expect_rest(world);
    assert_false(file_keeps(world, MINE));
    assert_true(file_keeps(world, "a text that stays"));
}

static void what_was_seen_of_a_removed_record_leaves_the_file(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "update", 1, MINE);
    (void)queue(world, "update", 2, "of another");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    (void)answer(world, 1, STATUS_NOT_FOUND, 0);
    (void)answer(world, 2, STATUS_CONFLICT, 0);
    struct id ids[] = {id_of(1), id_of(2)};
    assert_ok(outbox_store_forget_records(world->store, ids, 2));
    assert_int_equal(entry(world, order).seen.fields.size, 0);
    expect_rest(world);
    assert_false(file_keeps(world, SEEN));
    assert_true(file_keeps(world, MINE));
}

static void a_note_that_was_replaced_leaves_the_file(void **state)
{
    struct world *world = *state;
    assert_ok(outbox_store_set_note(world->store, "wish", bytes_text("the former wish")));
    assert_false(outbox_store_is_stale(world->store));
    assert_ok(outbox_store_set_note(world->store, "wish", bytes_text("another")));
    expect_rest(world);
    assert_false(file_keeps(world, "the former wish"));
}

static void it_is_not_forgotten_with_the_handle(void **state)
{
    struct world *world = *state;
    (void)queue(world, "create", 1, MINE);
    settle(world);
    open_again(world);
    (void)queue(world, "create", 2, "something after that");
    open_again(world);
    expect_rest(world);
    assert_false(file_keeps(world, MINE));
    assert_true(file_keeps(world, "something after that"));
}

/* The scrub that comes before a purge is told leaves the note to whoever writes next. */
static void what_is_written_after_a_scrub_takes_the_note_back(void **state)
{
    struct world *world = *state;
    bool done = false;
    (void)queue(world, "create", 1, MINE);
    settle(world);
    assert_ok(outbox_store_scrub(world->store, SIZE_MAX, &done));
    assert_true(done);
    assert_false(file_keeps(world, MINE));
    (void)queue(world, "create", 2, "something after that");
    assert_false(outbox_store_is_stale(world->store));
    open_again(world);
    assert_false(outbox_store_is_stale(world->store));
}

static void what_only_grows_is_not_scrubbed(void **state)
{
    struct world *world = *state;
    bool done = false;
    (void)queue(world, "create", 1, "first");
    (void)queue(world, "create", 2, "second");
    uint64_t commit = outbox_store_commit(world->store);
    assert_ok(outbox_store_scrub(world->store, SIZE_MAX, &done));
    assert_true(done);
    assert_ok(outbox_store_rest(world->store));
    assert_int_equal(outbox_store_commit(world->store), commit);
}

static void a_reader_puts_it_off(void **state)
{
    struct world *world = *state;
    (void)queue(world, "create", 1, MINE);
    settle(world);
    assert_ok(outbox_store_hold(world->store));
    assert_int_equal(outbox_store_rest(world->store), STATUS_BUSY);
    assert_true(outbox_store_is_stale(world->store));
    outbox_store_release(world->store);
    expect_rest(world);
    assert_false(file_keeps(world, MINE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accepted_text_leaves_the_file),
        TEST(a_dropped_text_leaves_the_file),
        TEST(what_was_seen_of_a_removed_record_leaves_the_file),
        TEST(a_note_that_was_replaced_leaves_the_file),
        TEST(it_is_not_forgotten_with_the_handle),
        TEST(what_is_written_after_a_scrub_takes_the_note_back),
        TEST(what_only_grows_is_not_scrubbed),
        TEST(a_reader_puts_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

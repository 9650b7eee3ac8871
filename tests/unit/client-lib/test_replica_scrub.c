/* How much of a replica's file a scrub looks at: all of it once, then what has changed, also when
 * another process goes on where one has left off in good order. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client-lib/replica/replica.h"

#define ACCOUNTS 30
#define EACH 150

struct world {
    char *folder;
    struct fake_port port;
    struct replica *replica;
    unsigned next; /* id */
};

static void open_it(struct world *world)
{
    assert_ok(replica_open(world->folder, 0, &world->port.port, &world->replica, NULL));
}

static void open_again(struct world *world)
{
    replica_close(world->replica);
    open_it(world);
}

static void put(struct world *world, unsigned account)
{
    struct buffer encoded = {0};
    struct record_view view;
    const struct made made = {.id = ++world->next,
                              .scope = account_of(account),
                              .name = "a text that makes it somewhat longer than it has to be, so "
                                      "that there are pages enough for that to matter"};
    put_record(&encoded, &made);
    assert_true(record_view_read(buffer_bytes(&encoded), &view));
    assert_ok(replica_put(world->replica, &view, buffer_bytes(&encoded)));
    buffer_release(&encoded);
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    fake_port_init(&world.port);
    world.folder = folder_new();
    open_it(&world);
    assert_ok(replica_begin(world.replica));
    for (unsigned i = 0; i < ACCOUNTS * EACH; i++)
        put(&world, i / EACH + 1);
    assert_ok(replica_set_cursor(world.replica, 1));
    assert_ok(replica_commit(world.replica));
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    replica_close(world->replica);
    folder_remove(world->folder);
    return 0;
}

static void purge(struct world *world, unsigned account)
{
    size_t count = 0;
    assert_ok(replica_begin(world->replica));
    assert_ok(replica_purge(world->replica, account_of(account), &count));
    assert_int_equal(count, EACH);
    assert_ok(replica_commit(world->replica));
    assert_int_equal(replica_remains(world->replica), REPLICA_PURGED);
}

static void scrub(struct world *world)
{
    bool done = false;
    assert_ok(replica_scrub(world->replica, SIZE_MAX, &done));
    assert_true(done);
    assert_int_equal(replica_remains(world->replica), REPLICA_CLEAN);
}

static uint64_t file_bytes(struct world *world)
{
    char path[512];
    struct stat file;
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    assert_int_equal(stat(path, &file), 0);
    return (uint64_t)file.st_size;
}

static void expect_whole(struct world *world)
{
    assert_int_equal(replica_scrub_bytes(world->replica), file_bytes(world));
}

static void expect_part(struct world *world)
{
    assert_true(replica_scrub_bytes(world->replica) > 0);
    assert_true(replica_scrub_bytes(world->replica) < file_bytes(world) / 2);
}

static void the_first_scrub_looks_at_all_and_the_next_at_what_changed(void **state)
{
    struct world *world = *state;
    purge(world, 1);
    expect_whole(world);
    scrub(world);
    purge(world, 2);
    expect_part(world);
    scrub(world);
    purge(world, 3);
    expect_part(world);
}

static void what_was_left_in_good_order_is_built_on(void **state)
{
    struct world *world = *state;
    purge(world, 1);
    scrub(world);
    for (unsigned account = 2; account < 5; account++) {
        assert_ok(replica_begin(world->replica));
        put(world, 1);
        assert_ok(replica_set_mark(world->replica, "mark", bytes_text("left well")));
        assert_ok(replica_commit(world->replica));
        replica_leave(world->replica);
        replica_leave(world->replica); /* has nothing to add */
        open_again(world);
        purge(world, account);
        expect_part(world);
        scrub(world);
    }
}

static void what_was_not_is_not(void **state)
{
    struct world *world = *state;
    purge(world, 1);
    scrub(world);
    replica_leave(world->replica);
    assert_ok(replica_begin(world->replica));
    put(world, 1);
    assert_ok(replica_commit(world->replica));
    open_again(world);
    purge(world, 2);
    expect_whole(world);
    scrub(world);
}

/* One that has never been scrubbed is not for the sake of the next process. */
static void leaving_scrubs_no_whole_file_unless_it_is_small(void **state)
{
    struct world *world = *state;
    replica_leave(world->replica);
    open_again(world);
    purge(world, 1);
    expect_part(world);
}

static void who_only_reads_notes_nothing(void **state)
{
    struct world *world = *state;
    replica_set_read_only(world->replica, true);
    replica_leave(world->replica);
    open_again(world);
    purge(world, 1);
    expect_whole(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_scrub_looks_at_all_and_the_next_at_what_changed),
        TEST(what_was_left_in_good_order_is_built_on),
        TEST(what_was_not_is_not),
        TEST(leaving_scrubs_no_whole_file_unless_it_is_small),
        TEST(who_only_reads_notes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

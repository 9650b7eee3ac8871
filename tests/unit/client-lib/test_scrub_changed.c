/* A scrub that looks only at what may have changed leaves behind what a whole one would: after
 * each, a look at every page finds nothing to clear. And what it does not know makes it a whole
 * one. */
#include "scrub_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/survival/faults/failing_memory.h"

#define PAGE 4096
#define ROUNDS 36

/* How it went. */
static struct scrub scrub(struct world *world, size_t budget)
{
    struct scrub scrub = {0};
    bool done = false;
    for (unsigned turns = 0; !done; turns++) {
        assert_true(turns < 100000);
        assert_ok(environment_scrub(&world->environment, &scrub, budget, &done));
    }
    return scrub;
}

static void expect_nothing_left(struct world *world)
{
    struct scrub scrub = {.whole = true};
    bool done = false;
    assert_ok(environment_scrub(&world->environment, &scrub, SIZE_MAX, &done));
    assert_true(done && !scrub.partial);
    assert_int_equal(scrub.cleared, 0);
    world_expect_clean(world);
}

static uint64_t last_commit(struct world *world)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(world->environment.env, &info), 0);
    return info.me_last_txnid;
}

/* A commit that changes one table only. */
static uint64_t commit_a_note(struct world *world, size_t table)
{
    MDB_txn *txn;
    const struct bytes name = bytes_text("a note of what was done");
    assert_ok(environment_write(&world->environment, &txn));
    assert_ok(environment_put(txn, world->environment.table[table], name, bytes_text("done"), 0));
    assert_ok(environment_commit(txn));
    assert_ok(environment_write(&world->environment, &txn));
    assert_ok(environment_del(txn, world->environment.table[table], name));
    assert_ok(environment_commit(txn));
    return last_commit(world);
}

static int open_file(struct world *world)
{
    char path[512];
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    return file;
}

/* ---- What is looked at ---- */

static void only_what_changed_is_looked_at(void **state)
{
    struct world *world = *state;
    world_add(world, 1000);
    scrub(world, SIZE_MAX);
    world_transactions(world, 3);
    uint64_t bytes = environment_scrub_bytes(&world->environment);
    struct scrub second = scrub(world, SIZE_MAX);
    assert_true(second.partial);
    assert_true(second.looked > 0 && second.looked <= bytes / PAGE);
    assert_true(second.looked < world_last_page(world) / 2);
    expect_nothing_left(world);
    world_expect_model(world);
}

/* One of the things that happen between two scrubs. */
static void change_something(struct world *world)
{
    switch (world_pick(world, 12)) {
    case 0:
    case 1:
        world_remove_scope(world, world_pick(world, WORLD_SCOPES));
        break;
    case 2:
        world_add(world, 1 + world_pick(world, 400));
        break;
    case 3:
        world_abort(world, 1 + world_pick(world, 300));
        break;
    case 4:
        assert_ok(environment_reopen(&world->environment));
        break;
    default:
        world_transactions(world, 1 + world_pick(world, 4));
    }
}

static void nothing_is_left_that_a_whole_one_would_find(void **state)
{
    struct world *world = *state;
    unsigned partial = 0;
    world_add(world, 1500);
    scrub(world, SIZE_MAX);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned n = 1 + world_pick(world, 5); n > 0; n--)
            change_something(world);
        struct scrub how = scrub(world, world_pick(world, 2) == 0 ? 30 * PAGE : SIZE_MAX);
        assert_true(how.partial || how.looked == 0); /* nothing was committed */
        partial += how.partial;
        if (world_pick(world, 3) > 0)
            expect_nothing_left(world);
    }
    expect_nothing_left(world);
    assert_true(partial > ROUNDS / 2);
    world_expect_model(world);
}

/* One of the pages on the list of those that are free. */
static uint64_t free_page(struct world *world)
{
    struct environment_reading reading;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t entry[2];
    assert_ok(environment_read(&world->environment, &reading));
    assert_int_equal(mdb_cursor_open(reading.txn, 0, &cursor), 0);
    do {
        assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_NEXT), 0);
        assert_true(value.mv_size >= 8);
        memcpy(entry, value.mv_data, value.mv_size < sizeof entry ? 8 : sizeof entry);
    } while (entry[0] == 0);
    mdb_cursor_close(cursor);
    environment_read_end(&world->environment, &reading);
    return entry[1];
}

/* What transactions leave that were never committed lies on free pages and behind the last. */
static void what_was_never_committed_is_found(void **state)
{
    struct world *world = *state;
    uint8_t page[PAGE];
    world_transactions(world, 60);
    world_remove_scope(world, 1);
    scrub(world, SIZE_MAX);
    uint64_t count = world_last_page(world) + 1;
    int file = open_file(world);
    memset(page, 'x', PAGE);
    assert_int_equal(pwrite(file, page, PAGE, (off_t)(free_page(world) * PAGE)), PAGE);
    assert_int_equal(pwrite(file, page, PAGE, (off_t)(count * PAGE)), PAGE);
    assert_int_equal(pwrite(file, page, 100, (off_t)((count + 1) * PAGE)), 100);
    close(file);
    traces_add(&world->gone, "xxxxxxxx");
    world_add(world, 1);
    assert_true(scrub(world, SIZE_MAX).partial);
    expect_nothing_left(world);
}

/* A long value that the same transaction puts and deletes leaves page numbers that are free, and
 * were never written. */
static void a_file_that_is_shorter_than_its_list_is_scrubbed(void **state)
{
    struct world *world = *state;
    struct stat file;
    MDB_txn *txn;
    int fd = -1;
    const struct bytes key = bytes_text("long");
    uint8_t *value = calloc(1, 600 * PAGE);
    assert_non_null(value);
    world_transactions(world, 20);
    assert_ok(environment_write(&world->environment, &txn));
    assert_ok(
        environment_put(txn, world->environment.table[0], key, bytes_of(value, 600 * PAGE), 0));
    assert_ok(environment_del(txn, world->environment.table[0], key));
    assert_ok(environment_commit(txn));
    free(value);
    assert_int_equal(mdb_env_get_fd(world->environment.env, &fd), 0);
    assert_int_equal(fstat(fd, &file), 0);
    assert_true((uint64_t)file.st_size / PAGE < world_last_page(world) + 1);
    scrub(world, SIZE_MAX);
    world_add(world, 50);
    assert_true(scrub(world, SIZE_MAX).partial);
    expect_nothing_left(world);
    world_expect_model(world);
}

/* ---- What is not known ---- */

/* Commits something in another process, which does not touch what it has of this one's. */
static void commit_elsewhere(struct world *world)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct environment environment;
        MDB_txn *txn;
        enum status made = environment_open(world->folder, &world_layout, &environment);
        if (made == STATUS_OK)
            made = environment_write(&environment, &txn);
        if (made == STATUS_OK)
            made = environment_put(txn, environment.table[1], bytes_text("elsewhere"),
                                   bytes_text("elsewhere"), 0);
        if (made == STATUS_OK)
            made = environment_del(txn, environment.table[1], bytes_text("elsewhere"));
        if (made == STATUS_OK)
            made = environment_commit(txn);
        _exit(made == STATUS_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void what_another_process_commits_makes_it_a_whole_one(void **state)
{
    struct world *world = *state;
    traces_add(&world->gone, "elsewher");
    world_transactions(world, 40);
    scrub(world, SIZE_MAX);
    commit_elsewhere(world);
    assert_false(scrub(world, SIZE_MAX).partial);
    expect_nothing_left(world);
    world_transactions(world, 2);
    commit_elsewhere(world);
    world_transactions(world, 2);
    assert_false(scrub(world, SIZE_MAX).partial);
    expect_nothing_left(world);
    world_add(world, 1);
    assert_true(scrub(world, SIZE_MAX).partial);
}

/* More than the map has room for, in values that LMDB does not begin to write early for. */
static void overfill(struct world *world, MDB_txn *txn)
{
    int code = 0;
    for (uint32_t i = 0; i < 10 && code == 0; i++) {
        MDB_val key = environment_val(&i, sizeof i), value = {.mv_size = (size_t)200 << 20};
        code = mdb_put(txn, world->environment.table[0], &key, &value, MDB_RESERVE);
    }
    assert_int_equal(code, MDB_MAP_FULL);
}

static void a_commit_that_failed_makes_it_a_whole_one(void **state)
{
    struct world *world = *state;
    MDB_txn *txn;
    world_transactions(world, 40);
    scrub(world, SIZE_MAX);
    assert_ok(environment_write(&world->environment, &txn));
    overfill(world, txn);
    assert_int_not_equal(environment_commit(txn), STATUS_OK);
    assert_false(environment_is_clean(&world->environment));
    assert_false(scrub(world, SIZE_MAX).partial);
}

static void one_that_was_closed_is_scrubbed_whole(void **state)
{
    struct world *world = *state;
    world_transactions(world, 40);
    scrub(world, SIZE_MAX);
    environment_close(&world->environment);
    assert_ok(environment_open(world->folder, &world_layout, &world->environment));
    world_add(world, 1);
    assert_false(scrub(world, SIZE_MAX).partial);
    expect_nothing_left(world);
}

static bool scrub_with_luck(void *context)
{
    struct world *world = context;
    struct scrub scrub = {0};
    bool done = false;
    return environment_scrub(&world->environment, &scrub, SIZE_MAX, &done) == STATUS_OK && done;
}

static void a_lack_of_memory_loses_nothing(void **state)
{
    struct world *world = *state;
    world_transactions(world, 40);
    scrub(world, SIZE_MAX);
    for (unsigned i = 0; i < 2; i++) {
        world_transactions(world, 2);
        world_remove_scope(world, i);
        failing_memory_each(scrub_with_luck, world);
        expect_nothing_left(world);
    }
    world_expect_model(world);
}

/* ---- What an earlier process knew ---- */

static void open_again(struct world *world, uint64_t trusted)
{
    environment_close(&world->environment);
    assert_ok(environment_open(world->folder, &world_layout, &world->environment));
    environment_trust(&world->environment, trusted, 1);
}

static void an_earlier_scrub_is_built_on(void **state)
{
    struct world *world = *state;
    world_add(world, 2000);
    for (unsigned round = 0; round < 6; round++) {
        world_transactions(world, 3);
        scrub(world, SIZE_MAX);
        uint64_t commit = commit_a_note(world, 1);
        open_again(world, commit);
        if (round % 2 == 0)
            world_add(world, 1); /* hardly touches what the note was in */
        else
            world_remove_scope(world, round);
        assert_true(scrub(world, SIZE_MAX).partial);
        expect_nothing_left(world);
    }
    world_expect_model(world);
}

static void an_earlier_scrub_of_another_state_is_not(void **state)
{
    struct world *world = *state;
    world_transactions(world, 40);
    scrub(world, SIZE_MAX);
    uint64_t commit = commit_a_note(world, 1);
    world_remove_scope(world, 1);
    open_again(world, commit);
    world_add(world, 1);
    assert_false(scrub(world, SIZE_MAX).partial);
    expect_nothing_left(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_changed_is_looked_at),
        TEST(nothing_is_left_that_a_whole_one_would_find),
        TEST(what_was_never_committed_is_found),
        TEST(a_file_that_is_shorter_than_its_list_is_scrubbed),
        TEST(what_another_process_commits_makes_it_a_whole_one),
        TEST(a_commit_that_failed_makes_it_a_whole_one),
        TEST(one_that_was_closed_is_scrubbed_whole),
        TEST(a_lack_of_memory_loses_nothing),
        TEST(an_earlier_scrub_is_built_on),
        TEST(an_earlier_scrub_of_another_state_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

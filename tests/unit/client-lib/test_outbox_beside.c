/* What was taken out of the outbox stays out of its file, whatever other processes of the folder
 * read and write meanwhile, and costs no more of the file than it did before. */
#include "outbox_world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SEEN "what was there" /* as queue() puts it */
#define TRIES 50

/* Another process. It does what each byte says, and answers with the same byte. */
struct other {
    pid_t process;
    int tell, hear;
};

#define OPENS 'o'
#define PURGES 'p' /* account 1, and leaves nothing of it */
#define READS 'r'
#define READS_ON 'n' /* what is there by now */

static bool purge(struct world *world)
{
    return outbox_store_forget_scope(world->store, account_of(1)) == STATUS_OK &&
           outbox_store_rest(world->store) == STATUS_OK;
}

static bool act(struct world *world, char what)
{
    switch (what) {
    case OPENS:
        return try_open(world, NULL) == STATUS_OK;
    case PURGES:
        return purge(world);
    case READS_ON:
        outbox_store_release(world->store);
        return outbox_store_hold(world->store) == STATUS_OK;
    default:
        return what == READS && outbox_store_hold(world->store) == STATUS_OK;
    }
}

static void act_until_told(struct world *world, int told, int ready)
{
    char byte;
    ssize_t count;
    world->store = NULL;
    while ((count = read(told, &byte, 1)) == 1)
        if (!act(world, byte) || write(ready, &byte, 1) != 1)
            _exit(1);
    outbox_store_close(world->store);
    _exit(count == 0 ? 0 : 1);
}

/* The store is closed meanwhile: a process may not take one over from its parent. */
static void start(struct world *world, struct other *other)
{
    int tell[2], hear[2];
    assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
    assert_int_equal(pipe2(hear, O_CLOEXEC), 0);
    outbox_store_close(world->store);
    other->process = fork();
    assert_true(other->process >= 0);
    if (other->process == 0) {
        close(tell[1]);
        close(hear[0]);
        act_until_told(world, tell[0], hear[1]);
    }
    close(tell[0]);
    close(hear[1]);
    other->tell = tell[1];
    other->hear = hear[0];
    assert_ok(try_open(world, NULL));
}

static void have_it(struct other *other, char what)
{
    char answer = 0;
    assert_int_equal(write(other->tell, &what, 1), 1);
    assert_int_equal(read(other->hear, &answer, 1), 1);
    assert_int_equal(answer, what);
}

static void end(struct other *other)
{
    int status;
    close(other->tell);
    assert_int_equal(waitpid(other->process, &status, 0), other->process);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(other->hear);
}

static bool file_keeps(struct world *world, const char *text)
{
    return file_has(world, "outbox.mdb", text);
}

/* ---- Writing inside a read ---- */

static bool queue_one(void *context, const struct outbox_item *item)
{
    (void)item;
    (void)queue(context, "create", 1000, "typed inside");
    return false;
}

/* The buffers in which this process writes may hold what another has had scrubbed, and cannot be
 * dropped inside a read: the file says so, whoever opens it next. */
static void what_is_written_inside_a_read_brings_nothing_back_for_good(void **state)
{
    struct world *world = *state;
    struct other other;
    start(world, &other);
    for (unsigned id = 1; id < 60; id++)
        (void)queue(world, "update", id, "mine");
    have_it(&other, OPENS);
    have_it(&other, PURGES);
    end(&other);
    assert_false(file_keeps(world, SEEN));
    assert_ok(outbox_store_each(world->store, 0, queue_one, world));
    assert_true(outbox_store_is_stale(world->store));
    open_again(world);
    assert_true(outbox_store_is_stale(world->store));
    assert_ok(outbox_store_rest(world->store));
    assert_false(outbox_store_is_stale(world->store));
    assert_false(file_keeps(world, SEEN));
    assert_true(file_keeps(world, "typed inside"));
}

static void the_same_handle_makes_it_good_when_it_rests(void **state)
{
    struct world *world = *state;
    struct other other;
    start(world, &other);
    for (unsigned id = 1; id < 60; id++)
        (void)queue(world, "update", id, "mine");
    have_it(&other, OPENS);
    have_it(&other, PURGES);
    end(&other);
    assert_ok(outbox_store_each(world->store, 0, queue_one, world));
    (void)queue(world, "create", 1001, "typed afterwards");
    assert_true(outbox_store_is_stale(world->store));
    assert_ok(outbox_store_rest(world->store));
    assert_false(file_keeps(world, SEEN));
    assert_true(file_keeps(world, "typed afterwards"));
}

/* ---- Waiting for a reader ---- */

static off_t file_size(struct world *world)
{
    char path[512];
    struct stat found;
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    assert_int_equal(stat(path, &found), 0);
    return found.st_size;
}

/* Tries, of which none but the first may leave anything behind. */
static void try_in_vain(struct world *world)
{
    bool done = true;
    assert_int_equal(outbox_store_rest(world->store), STATUS_BUSY);
    const off_t size = file_size(world);
    const uint64_t commit = outbox_store_commit(world->store);
    for (unsigned i = 0; i < TRIES; i++) {
        assert_int_equal(outbox_store_rest(world->store), STATUS_BUSY);
        assert_int_equal(outbox_store_scrub(world->store, SIZE_MAX, &done), STATUS_BUSY);
        assert_false(done);
    }
    assert_int_equal(outbox_store_commit(world->store), commit);
    assert_int_equal(file_size(world), size);
}

static void expect_rest(struct world *world)
{
    assert_ok(outbox_store_rest(world->store));
    assert_false(outbox_store_is_stale(world->store));
    assert_false(file_keeps(world, SEEN));
}

static void tries_beside_a_reader_who_sees_it_take_nothing_of_the_file(void **state)
{
    struct world *world = *state;
    struct other other;
    start(world, &other);
    (void)queue(world, "update", 1, "mine");
    have_it(&other, OPENS);
    have_it(&other, READS);
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    try_in_vain(world);
    (void)queue(world, "create", 2, "typed meanwhile");
    try_in_vain(world);
    end(&other);
    expect_rest(world);
    assert_true(file_keeps(world, "typed meanwhile"));
}

static void tries_beside_a_reader_of_the_last_state_take_nothing_either(void **state)
{
    struct world *world = *state;
    struct other other;
    start(world, &other);
    (void)queue(world, "update", 1, "mine");
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    have_it(&other, OPENS);
    have_it(&other, READS);
    try_in_vain(world);
    end(&other);
    expect_rest(world);
}

/* Who reads again and again does not see it for ever. */
static void a_reader_who_has_moved_on_is_not_waited_for(void **state)
{
    struct world *world = *state;
    struct other other;
    start(world, &other);
    (void)queue(world, "update", 1, "mine");
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    have_it(&other, OPENS);
    have_it(&other, READS);
    assert_int_equal(outbox_store_rest(world->store), STATUS_BUSY);
    have_it(&other, READS_ON);
    expect_rest(world);
    end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_inside_a_read_brings_nothing_back_for_good),
        TEST(the_same_handle_makes_it_good_when_it_rests),
        TEST(tries_beside_a_reader_who_sees_it_take_nothing_of_the_file),
        TEST(tries_beside_a_reader_of_the_last_state_take_nothing_either),
        TEST(a_reader_who_has_moved_on_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

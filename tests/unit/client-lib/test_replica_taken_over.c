/* What another process has deleted and scrubbed does not come back into the file with what this one
 * writes next, out of buffers that LMDB has kept since this one wrote before. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client-lib/replica/replica.h"
#include "client-lib/storage/environment.h"

#define STAYS 1u
#define GOES 7u
#define TRACE "GONETEXT"
#define TRACE_SIZE (sizeof TRACE - 1)

struct world {
    char *folder;
    struct fake_port port;
    struct replica *replica;
    unsigned next; /* id */
    uint64_t cursor;
    pid_t other; /* a process that waits to be told what to do, until it has done it */
    int tell;
};

static struct {
    unsigned count;
    bool fails; /* the next one */
} reopened;

enum status __real_environment_reopen(struct environment *environment);
enum status __wrap_environment_reopen(struct environment *environment);
enum status __wrap_environment_reopen(struct environment *environment)
{
    reopened.count++;
    if (!reopened.fails)
        return __real_environment_reopen(environment);
    reopened.fails = false;
    return STATUS_IO;
}

static void put(struct world *world, unsigned account, const char *name)
{
    struct buffer encoded = {0};
    struct record_view view;
    const struct made made = {.id = ++world->next, .scope = account_of(account), .name = name};
    put_record(&encoded, &made);
    assert_true(record_view_read(buffer_bytes(&encoded), &view));
    assert_ok(replica_put(world->replica, &view, buffer_bytes(&encoded)));
    buffer_release(&encoded);
}

static void commit(struct world *world, unsigned account, const char *name, unsigned count)
{
    assert_ok(replica_begin(world->replica));
    for (unsigned i = 0; i < count; i++)
        put(world, account, name);
    assert_ok(replica_set_cursor(world->replica, ++world->cursor));
    assert_ok(replica_commit(world->replica));
}

/* The data file alone: whoever closes the lock file lets go of the locks that LMDB has on it. */
static bool is_gone(const struct world *world)
{
    char path[512];
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, size, file), size);
    (void)fclose(file);
    bool found = false;
    for (size_t i = 0; i + TRACE_SIZE <= size && !found; i++)
        found = memcmp(bytes + i, TRACE, TRACE_SIZE) == 0;
    free(bytes);
    return !found;
}

/* ---- The other process ---- */

/* LMDB forbids to take an open environment into a child: it is there before there is one. */
static int live(const struct world *world, int listen)
{
    struct replica *replica = NULL;
    size_t count = 0;
    bool done = false;
    char what;
    if (read(listen, &what, 1) != 1 ||
        replica_join(world->folder, 0, &world->port.port, &replica, NULL) != STATUS_OK)
        return 1;
    if (what == 'p' && (replica_begin(replica) != STATUS_OK ||
                        replica_purge(replica, account_of(GOES), &count) != STATUS_OK ||
                        replica_commit(replica) != STATUS_OK ||
                        replica_scrub(replica, SIZE_MAX, &done) || !done || count == 0))
        return 2;
    bool clean = replica_remains(replica) == REPLICA_CLEAN;
    replica_close(replica);
    return clean ? 0 : 3;
}

static void begin_other(struct world *world)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    world->other = fork();
    assert_true(world->other >= 0);
    if (world->other == 0) {
        (void)close(ends[1]);
        _exit(live(world, ends[0]));
    }
    (void)close(ends[0]);
    world->tell = ends[1];
}

/* What it is told to do is done when this returns: to open the replica, or to purge as well. */
static void end_other(struct world *world, char what)
{
    int status = 0;
    assert_int_equal(write(world->tell, &what, 1), 1);
    assert_int_equal(waitpid(world->other, &status, 0), world->other);
    world->other = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- A replica that holds both accounts, written last with what is to go ---- */

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    memset(&reopened, 0, sizeof reopened);
    fake_port_init(&world.port);
    world.folder = folder_new();
    begin_other(&world);
    assert_ok(replica_open(world.folder, 0, &world.port.port, &world.replica, NULL));
    commit(&world, STAYS, "a plain text of somebody who stays where he is", 200);
    commit(&world, GOES, TRACE ", " TRACE ", and again " TRACE, 300);
    assert_false(is_gone(&world));
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    (void)close(world->tell); /* one that was told nothing ends with this */
    if (world->other > 0)
        (void)waitpid(world->other, NULL, 0);
    replica_close(world->replica);
    folder_remove(world->folder);
    return 0;
}

/* Another process leads meanwhile and purges; then this one does again. */
static void lead_again(struct world *world)
{
    replica_set_read_only(world->replica, true);
    end_other(world, 'p');
    assert_true(is_gone(world));
    replica_set_read_only(world->replica, false);
    assert_ok(replica_look(world->replica));
    reopened.count = 0;
}

static void what_another_process_purged_stays_away(void **state)
{
    struct world *world = *state;
    lead_again(world);
    for (int i = 0; i < 6; i++) {
        commit(world, STAYS, "new text", 20);
        assert_true(is_gone(world));
        assert_int_equal(replica_remains(world->replica), REPLICA_CLEAN);
    }
    assert_int_equal(reopened.count, 1);
}

/* It may be the first of several transactions that is given up. */
static void what_is_aborted_first_changes_nothing(void **state)
{
    struct world *world = *state;
    lead_again(world);
    assert_ok(replica_begin(world->replica));
    put(world, STAYS, "new text");
    replica_abort(world->replica);
    commit(world, STAYS, "new text", 20);
    assert_true(is_gone(world));
    assert_int_equal(reopened.count, 1);
}

static void a_buffer_that_cannot_be_dropped_is_not_written_from(void **state)
{
    struct world *world = *state;
    lead_again(world);
    reopened.fails = true;
    assert_int_equal(replica_begin(world->replica), STATUS_IO);
    commit(world, STAYS, "new text", 20);
    assert_true(is_gone(world));
    assert_int_equal(reopened.count, 2);
}

static bool commit_meanwhile(void *context, struct bytes encoded)
{
    (void)encoded;
    commit(context, STAYS, "new text", 20);
    return false;
}

/* A walk of this process holds the environment open: then the file is scrubbed behind it. */
static void what_is_written_during_a_walk_is_scrubbed(void **state)
{
    struct world *world = *state;
    bool done = false;
    lead_again(world);
    assert_ok(replica_each(world->replica, bytes_text(""), commit_meanwhile, world));
    assert_int_equal(reopened.count, 0);
    assert_int_equal(replica_remains(world->replica), REPLICA_PURGED);
    assert_ok(replica_scrub(world->replica, SIZE_MAX, &done));
    assert_true(done);
    assert_true(is_gone(world));
    commit(world, STAYS, "new text", 20);
    assert_true(is_gone(world));
}

/* Whoever opens a replica scrubs what was left, also while another process leads. */
static void what_another_process_scrubbed_stays_away(void **state)
{
    struct world *world = *state;
    size_t count = 0;
    assert_ok(replica_begin(world->replica));
    assert_ok(replica_purge(world->replica, account_of(GOES), &count));
    assert_ok(replica_commit(world->replica));
    end_other(world, 'o');
    assert_true(is_gone(world));
    reopened.count = 0;
    commit(world, STAYS, "new text", 20);
    assert_true(is_gone(world));
    assert_int_equal(replica_remains(world->replica), REPLICA_CLEAN);
    assert_int_equal(reopened.count, 1);
}

static void who_is_alone_opens_it_once(void **state)
{
    struct world *world = *state;
    reopened.count = 0;
    for (int i = 0; i < 3; i++) {
        commit(world, STAYS, "new text", 20);
        assert_ok(replica_begin(world->replica)); /* without a change */
        assert_ok(replica_commit(world->replica));
        assert_ok(replica_begin(world->replica));
        put(world, STAYS, "text that is given up");
        replica_abort(world->replica);
    }
    assert_int_equal(reopened.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_another_process_purged_stays_away),
        TEST(what_is_aborted_first_changes_nothing),
        TEST(a_buffer_that_cannot_be_dropped_is_not_written_from),
        TEST(what_is_written_during_a_walk_is_scrubbed),
        TEST(what_another_process_scrubbed_stays_away),
        TEST(who_is_alone_opens_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

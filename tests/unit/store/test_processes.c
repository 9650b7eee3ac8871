/* Threads that read while one writes, and a process that is killed while it writes. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READERS 3
#define COMMITS 1000

/* One commit: record 1 moves to `seq`, and so does the head. */
static enum status move_to(struct store *store, struct made *made, uint64_t seq)
{
    struct state write;
    struct made *old = made_copy(made);
    const struct meta meta = {.epoch = id_number(999), .seq = seq};
    made_seq(made, seq);
    enum status status = store_write_begin(store, &write);
    if (status == STATUS_OK)
        status = write.ops->put_record(write.self, seq > 1 ? &old->record : NULL, &made->record);
    if (status == STATUS_OK)
        status = write.ops->put_meta(write.self, &meta);
    if (status == STATUS_OK)
        status = store_write_commit(store);
    made_free(old);
    return status;
}

struct watcher {
    struct store *store;
    atomic_bool *stop;
    uint64_t snapshots;
    bool agreed;
};

/* Whether everything in one snapshot tells the same seq, no smaller than `least`. */
static bool agrees(struct state state, uint64_t *least)
{
    struct meta meta;
    struct bytes stored;
    uint64_t seq = 0;
    struct id id = {{0}};
    if (state.ops->meta(state.self, &meta) != STATUS_OK || meta.seq < *least)
        return false;
    *least = meta.seq;
    return state.ops->feed_next(state.self, &seq, &id) == STATUS_OK && seq == meta.seq &&
           state.ops->feed_next(state.self, &seq, &id) == STATUS_NOT_FOUND &&
           state.ops->record(state.self, id_number(1), &stored) == STATUS_OK;
}

static void *watch(void *context)
{
    struct watcher *watcher = context;
    struct store_reader *reader;
    uint64_t least = 1;
    watcher->agreed = store_reader_new(watcher->store, &reader) == STATUS_OK;
    do {
        struct state state;
        watcher->agreed = watcher->agreed && store_read_begin(reader, &state) == STATUS_OK;
        if (!watcher->agreed)
            break;
        watcher->agreed = agrees(state, &least);
        store_read_end(reader);
        watcher->snapshots++;
    } while (!atomic_load(watcher->stop));
    store_reader_free(reader);
    return NULL;
}

static void readers_see_whole_commits(void **state)
{
    struct fixture *fixture = *state;
    struct made *made = made_new(1, "account", account_scope(1), 0);
    atomic_bool stop = false;
    struct watcher watchers[READERS];
    pthread_t threads[READERS];
    assert_ok(move_to(fixture->store, made, 1));
    for (int i = 0; i < READERS; i++) {
        watchers[i] = (struct watcher){.store = fixture->store, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, watch, &watchers[i]), 0);
    }
    enum status status = STATUS_OK;
    for (uint64_t seq = 2; seq < COMMITS && status == STATUS_OK; seq++)
        status = move_to(fixture->store, made, seq);
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_ok(status);
    for (int i = 0; i < READERS; i++) {
        assert_true(watchers[i].agreed);
        assert_true(watchers[i].snapshots > 0);
    }
    made_free(made);
}

/* Writes for ever, and tells each seq once it is committed. */
static _Noreturn void write_until_killed(const struct store_options *options, int tell)
{
    struct store *store;
    struct made *made = made_new(1, "account", account_scope(1), 0);
    made_text(made, "name", "Fjord Bruk");
    if (store_open(options, &store, NULL) != STATUS_OK)
        _exit(1);
    for (uint64_t seq = 1; move_to(store, made, seq) == STATUS_OK; seq++)
        if (write(tell, &seq, sizeof seq) != sizeof seq)
            break;
    _exit(2);
}

static void what_was_told_survives_a_kill(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct store_options options = fixture_options(fixture);
    int ends[2], ended;
    uint64_t told = 0, heard;
    options.create = true;
    options.no_sync = false;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(&options, ends[1]);
    close(ends[1]);
    while (told < 40 && read(ends[0], &heard, sizeof heard) == sizeof heard)
        told = heard;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended));
    while (read(ends[0], &heard, sizeof heard) == sizeof heard)
        told = heard;
    close(ends[0]);

    fixture_open(fixture, false);
    fixture_look(fixture);
    uint64_t least = told;
    assert_true(agrees(fixture->read, &least));
    assert_in_range(least, told, told + 1);
    fixture_done(fixture);
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(readers_see_whole_commits, fixture_setup, fixture_teardown),
        cmocka_unit_test(what_was_told_survives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static enum status open_as(const struct fixture *fixture, bool create, struct fault *fault)
{
    struct store_options options = fixture_options(fixture);
    struct store *store;
    options.create = create;
    const enum status status = store_open(&options, &store, fault);
    assert_true((status == STATUS_OK) == (store != NULL));
    store_close(store);
    return status;
}

static void nothing_is_opened_where_no_store_is(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct fault fault;
    char file[128];
    assert_status(open_as(fixture, false, &fault), NOT_FOUND);
    assert_non_null(strstr(fault.detail, fixture->path));
    snprintf(file, sizeof file, "%s/data.mdb", fixture->path);
    assert_int_not_equal(access(file, F_OK), 0);

    struct store_options options = fixture_options(fixture);
    struct store *store;
    options.path = "/tmp/tandem-no-such-directory";
    options.create = true;
    assert_status(store_open(&options, &store, &fault), NOT_FOUND);
    assert_null(store);
    fixture_free(fixture);
}

static void a_store_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    fixture_close(fixture);
    assert_status(open_as(fixture, true, &fault), EXISTS);
    assert_ok(open_as(fixture, false, &fault));
    assert_ok(open_as(fixture, false, NULL));
}

static void a_file_that_is_no_store_is_corrupt(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct fault fault;
    char file[128], noise[8192];
    snprintf(file, sizeof file, "%s/data.mdb", fixture->path);
    memset(noise, 'x', sizeof noise);
    FILE *out = fopen(file, "w");
    assert_int_equal(fwrite(noise, 1, sizeof noise, out), sizeof noise);
    fclose(out);
    assert_status(open_as(fixture, false, &fault), CORRUPT);
    assert_true(fault.detail[0] != 0);
    fixture_free(fixture);
}

static void next_version(uint8_t *value, size_t size)
{
    assert_true(size > 12);
    value[11]++;
}

static void spoil_last(uint8_t *value, size_t size)
{
    value[size - 1] ^= 1;
}

static void another_format_is_refused_in_words(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    fixture_close(fixture);
    fixture_tamper(fixture, "meta", "store", 5, next_version);
    assert_status(open_as(fixture, false, &fault), FORMAT_VERSION);
    assert_non_null(strstr(fault.detail, "format 4"));
    assert_non_null(strstr(fault.detail, "format 3"));
}

static void spoilt_meta_is_corrupt(void **state)
{
    struct fixture *fixture = *state;
    struct meta meta;
    fixture_close(fixture);
    fixture_tamper(fixture, "meta", "store", 5, spoil_last);
    fixture_open(fixture, false);
    fixture_look(fixture);
    assert_status(fixture->read.ops->meta(fixture->read.self, &meta), CORRUPT);
    fixture_done(fixture);
}

static void another_process_is_locked_out(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct store_options options = fixture_options(fixture);
        struct store *store;
        _exit((int)store_open(&options, &store, NULL));
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), STATUS_LOCKED);
    /* And a second time in this one, which LMDB itself would not notice. */
    assert_status(open_as(fixture, false, &fault), LOCKED);
    fixture_close(fixture);
    assert_ok(open_as(fixture, false, &fault));
}

static void reopening_keeps_everything(void **state)
{
    struct fixture *fixture = *state;
    const struct meta written = {.epoch = id_number(7),
                                 .seq = 11,
                                 .horizon = 3,
                                 .people_seq = 5,
                                 .access_seq = 6,
                                 .log_epoch = 8,
                                 .log_position = 9};
    struct made *made = made_new(1, "account", account_scope(1), 11);
    made_text(made, "name", "Fjord Bruk");
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    assert_ok(fixture->write.ops->put_meta(fixture->write.self, &written));
    fixture_commit(fixture);
    fixture_close(fixture);
    fixture_open(fixture, false);

    struct bytes stored;
    struct record *read = calloc(1, sizeof *read);
    struct meta meta;
    fixture_look(fixture);
    assert_ok(fixture->read.ops->meta(fixture->read.self, &meta));
    assert_memory_equal(&meta, &written, sizeof meta);
    assert_ok(fixture->read.ops->record(fixture->read.self, id_number(1), &stored));
    assert_ok(record_decode(stored, read));
    assert_true(bytes_is(record_text(read, "name"), "Fjord Bruk"));
    fixture_done(fixture);
    free(read);
    made_free(made);
}

static void a_new_store_has_its_epoch(void **state)
{
    struct fixture *fixture = *state;
    struct meta meta;
    fixture_look(fixture);
    assert_ok(fixture->read.ops->meta(fixture->read.self, &meta));
    assert_id(meta.epoch, 999);
    assert_int_equal(meta.seq, 0);
    fixture_done(fixture);
}

static void an_aborted_write_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct made *made = made_new(1, "account", account_scope(1), 1);
    struct bytes stored;
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    fixture_abort(fixture);
    fixture_look(fixture);
    assert_status(fixture->read.ops->record(fixture->read.self, id_number(1), &stored), NOT_FOUND);
    fixture_done(fixture);
    made_free(made);
}

static void a_snapshot_does_not_see_later_writes(void **state)
{
    struct fixture *fixture = *state;
    struct made *first = made_new(1, "account", account_scope(1), 1);
    struct made *second = made_new(2, "account", account_scope(2), 2);
    struct bytes stored;
    uint64_t seq = 0;
    struct id id = {{0}};
    fixture_begin(fixture);
    put(fixture->write, NULL, first);
    fixture_commit(fixture);

    fixture_look(fixture);
    assert_ok(fixture->read.ops->feed_next(fixture->read.self, &seq, &id));
    fixture_begin(fixture);
    put(fixture->write, NULL, second);
    fixture_commit(fixture);
    assert_status(fixture->read.ops->feed_next(fixture->read.self, &seq, &id), NOT_FOUND);
    assert_status(fixture->read.ops->record(fixture->read.self, id_number(2), &stored), NOT_FOUND);
    fixture_done(fixture);

    fixture_look(fixture);
    assert_ok(fixture->read.ops->feed_next(fixture->read.self, &seq, &id));
    assert_id(id, 2);
    fixture_done(fixture);
    made_free(first);
    made_free(second);
}

static void a_nearly_full_disk_turns_it_read_only(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct statvfs disk;
    fixture_open(fixture, true);
    fixture_close(fixture);
    assert_int_equal(statvfs(fixture->path, &disk), 0);
    struct store_options options = fixture_options(fixture);
    options.reserve_bytes = (uint64_t)disk.f_blocks * disk.f_frsize + 1;
    assert_ok(store_open(&options, &fixture->store, NULL));
    assert_ok(store_reader_new(fixture->store, &fixture->reader));
    struct meta meta;
    assert_false(store_has_room(fixture->store, 5000));
    assert_status(store_write_begin(fixture->store, &fixture->write), READ_ONLY);
    fixture_look(fixture);
    assert_ok(fixture->read.ops->meta(fixture->read.self, &meta));
    fixture_done(fixture);
    fixture_free(fixture);
}

static void room_is_asked_for_once_a_second(void **state)
{
    struct fixture *fixture = *state;
    char moved[80];
    assert_true(store_has_room(fixture->store, 5500));
    /* A file system that cannot be asked has no room; for a second nobody asks. */
    snprintf(moved, sizeof moved, "%s-moved", fixture->path);
    assert_int_equal(rename(fixture->path, moved), 0);
    assert_true(store_has_room(fixture->store, 6499));
    assert_false(store_has_room(fixture->store, 6500));
    assert_int_equal(rename(moved, fixture->path), 0);
    assert_true(store_has_room(fixture->store, 6501));
    assert_true(store_has_room(fixture->store, 10)); /* a clock that was set back */
}

static void room_is_asked_for_before_each_write(void **state)
{
    struct fixture *fixture = *state;
    char moved[80];
    assert_ok(store_write_begin(fixture->store, &fixture->write));
    store_write_abort(fixture->store);
    snprintf(moved, sizeof moved, "%s-moved", fixture->path);
    assert_int_equal(rename(fixture->path, moved), 0);
    assert_status(store_write_begin(fixture->store, &fixture->write), IO);
    assert_int_equal(rename(moved, fixture->path), 0);
    assert_ok(store_write_begin(fixture->store, &fixture->write));
    store_write_abort(fixture->store);
}

static struct made *made_large(unsigned number, uint64_t seq)
{
    static char text[60001];
    memset(text, 'x', sizeof text - 1);
    struct made *made = made_new(number, "account", account_scope(number), seq);
    made_text(made, "description", text);
    return made;
}

static void a_full_map_is_read_only_and_not_the_end(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct store_options options = fixture_options(fixture);
    options.create = true;
    options.map_bytes = 1 << 20;
    assert_ok(store_open(&options, &fixture->store, NULL));
    enum status status = STATUS_OK;
    fixture_begin(fixture);
    for (unsigned i = 0; i < 100 && status == STATUS_OK; i++) {
        struct made *made = made_large(i, i + 1);
        status = fixture->write.ops->put_record(fixture->write.self, NULL, &made->record);
        made_free(made);
    }
    assert_int_equal(status, STATUS_READ_ONLY);
    fixture_commit_fails(fixture, STATUS_READ_ONLY);

    struct made *small = made_new(1, "account", account_scope(1), 1);
    fixture_begin(fixture);
    put(fixture->write, NULL, small);
    fixture_commit(fixture);
    made_free(small);
    fixture_free(fixture);
}

/* Fills the map in transactions of `size` small rows, until a put or a commit fails. */
static enum status fill(struct store *store, unsigned size, bool *at_commit)
{
    for (unsigned i = 0; i < 100000; i++) {
        struct state write;
        enum status status = store_write_begin(store, &write);
        assert_int_equal(status, STATUS_OK);
        for (unsigned k = 0; k < size && status == STATUS_OK; k++) {
            const unsigned number = (i * size + k) * 2654435761u;
            status = write.ops->put_client(write.self, bytes_of(&number, sizeof number),
                                           bytes_text("some answer to some mutation"));
        }
        *at_commit = status == STATUS_OK;
        if (*at_commit)
            status = store_write_commit(store);
        else
            store_write_abort(store);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* A map can turn out to be full as late as in the commit, for the list of free pages. */
static void a_map_full_at_the_commit_is_not_the_end(void **state)
{
    (void)state;
    unsigned commits = 0;
    for (unsigned size = 1; size <= 24; size++) {
        struct fixture *fixture = fixture_new();
        struct store_options options = fixture_options(fixture);
        bool at_commit;
        options.create = true;
        options.map_bytes = 256 << 10;
        assert_ok(store_open(&options, &fixture->store, NULL));
        assert_status(fill(fixture->store, size, &at_commit), READ_ONLY);
        commits += at_commit;
        fixture_begin(fixture);
        fixture_abort(fixture);
        fixture_free(fixture);
    }
    assert_true(commits > 0);
}

/* The file may not grow: what a disk does that fails while the transaction is written. */
static void a_failed_commit_is_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before;
    struct stat file;
    char name[128];
    snprintf(name, sizeof name, "%s/data.mdb", fixture->path);
    assert_int_equal(stat(name, &file), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct made *made = made_large(1, 1);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = (rlim_t)file.st_size, .rlim_max = before.rlim_max};

    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fixture->writing = false;
    const enum status status = store_write_commit(fixture->store);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, STATUS_IO);
    assert_status(store_write_begin(fixture->store, &fixture->write), IO);

    struct bytes stored;
    fixture_close(fixture);
    fixture_open(fixture, false);
    fixture_look(fixture);
    assert_status(fixture->read.ops->record(fixture->read.self, id_number(1), &stored), NOT_FOUND);
    fixture_done(fixture);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    fixture_commit(fixture);
    made_free(made);
}

static void readers_are_limited(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct store_options options = fixture_options(fixture);
    struct store_reader *one, *two, *three;
    options.create = true;
    options.max_readers = 2;
    assert_ok(store_open(&options, &fixture->store, NULL));
    assert_ok(store_reader_new(fixture->store, &one));
    assert_ok(store_reader_new(fixture->store, &two));
    assert_status(store_reader_new(fixture->store, &three), BUSY);
    assert_null(three);
    store_reader_free(one);
    assert_ok(store_reader_new(fixture->store, &three));
    store_reader_free(two);
    store_reader_free(three);
    fixture_free(fixture);
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
#define CAN_LIMIT_ADDRESS_SPACE 1
#else
#define CAN_LIMIT_ADDRESS_SPACE 0
#endif

static void less_address_space_is_enough(void **state)
{
    (void)state;
    if (!CAN_LIMIT_ADDRESS_SPACE)
        skip();
    struct fixture *fixture = fixture_new();
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    const struct rlimit small = {.rlim_cur = (rlim_t)4 << 30, .rlim_max = before.rlim_max};
    struct store_options options = fixture_options(fixture);
    options.create = true;
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    const enum status status = store_open(&options, &fixture->store, NULL);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, STATUS_OK);
    fixture_free(fixture);
}

static void a_backup_is_a_store(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = fixture_new();
    struct fault fault;
    struct bytes stored;
    uint64_t records;
    struct made *made = made_new(1, "account", account_scope(1), 0);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    fixture_commit(fixture);
    assert_ok(store_backup(fixture->store, copy->path, &fault));
    assert_status(store_backup(fixture->store, copy->path, &fault), EXISTS);
    assert_non_null(strstr(fault.detail, copy->path));
    assert_status(store_backup(fixture->store, "/tmp/tandem-no-such-directory", &fault), NOT_FOUND);

    fixture_open(copy, false);
    fixture_look(copy);
    assert_ok(copy->read.ops->record(copy->read.self, id_number(1), &stored));
    fixture_done(copy);
    assert_ok(store_check(copy->store, NULL, NULL, &records));
    assert_int_equal(records, 1);
    fixture_free(copy);
    made_free(made);
}

/* What a copy leaves that was killed: nobody takes it for a store, or makes another one there. */
static void an_unfinished_copy_is_called_so(void **state)
{
    struct fixture *fixture = *state;
    struct fixture *copy = fixture_new();
    struct fault fault;
    char unfinished[128];
    snprintf(unfinished, sizeof unfinished, "%s/unfinished", copy->path);
    assert_int_equal(mkdir(unfinished, 0700), 0);
    assert_status(open_as(copy, false, &fault), NOT_FOUND);
    assert_non_null(strstr(fault.detail, "not finished"));
    assert_status(open_as(copy, true, &fault), EXISTS);
    assert_non_null(strstr(fault.detail, "not finished"));
    assert_status(store_backup(fixture->store, copy->path, &fault), EXISTS);
    assert_non_null(strstr(fault.detail, "not finished"));
    assert_int_equal(rmdir(unfinished), 0);
    assert_ok(store_backup(fixture->store, copy->path, &fault));
    assert_int_not_equal(access(unfinished, F_OK), 0);
    fixture_free(copy);
}

static void a_restored_store_has_its_own_epoch(void **state)
{
    static const struct id epoch = {{0xab, 1}};
    struct fixture *fixture = *state;
    struct fixture *copy = fixture_new();
    struct fault fault;
    struct meta meta;
    assert_ok(store_restore(fixture->store, copy->path, epoch, &fault));
    fixture_open(copy, false);
    fixture_look(copy);
    assert_ok(copy->read.ops->meta(copy->read.self, &meta));
    assert_true(id_equal(meta.epoch, epoch));
    fixture_done(copy);
    fixture_free(copy);
}

static void figures_count(void **state)
{
    struct fixture *fixture = *state;
    struct store_figures before, after;
    struct made *made = made_large(1, 1);
    assert_ok(store_figures(fixture->store, &before));
    assert_int_equal(before.records, 0);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    fixture_commit(fixture);
    assert_ok(store_figures(fixture->store, &after));
    assert_int_equal(after.records, 1);
    assert_true(after.bytes_used >= before.bytes_used + 60000);
    assert_true(after.bytes_free_on_disk > 0);
    made_free(made);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_opened_where_no_store_is),
        WITH_STORE(a_store_is_made_once),
        cmocka_unit_test(a_file_that_is_no_store_is_corrupt),
        WITH_STORE(another_format_is_refused_in_words),
        WITH_STORE(spoilt_meta_is_corrupt),
        WITH_STORE(another_process_is_locked_out),
        WITH_STORE(reopening_keeps_everything),
        WITH_STORE(a_new_store_has_its_epoch),
        WITH_STORE(an_aborted_write_leaves_nothing),
        WITH_STORE(a_snapshot_does_not_see_later_writes),
        cmocka_unit_test(a_nearly_full_disk_turns_it_read_only),
        WITH_STORE(room_is_asked_for_once_a_second),
        WITH_STORE(room_is_asked_for_before_each_write),
        cmocka_unit_test(a_full_map_is_read_only_and_not_the_end),
        cmocka_unit_test(a_map_full_at_the_commit_is_not_the_end),
        WITH_STORE(a_failed_commit_is_the_end),
        cmocka_unit_test(readers_are_limited),
        cmocka_unit_test(less_address_space_is_enough),
        WITH_STORE(a_backup_is_a_store),
        WITH_STORE(an_unfinished_copy_is_called_so),
        WITH_STORE(a_restored_store_has_its_own_epoch),
        WITH_STORE(figures_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

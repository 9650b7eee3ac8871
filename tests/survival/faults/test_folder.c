/* The name of an outbox, when flushes fail: a file that is flushed can lose its name all the same
 * when the power goes, unless the folder it stands in was flushed since, and those above it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli_profile.h"
#include "client-lib/outbox/outbox_store.h"
#include "client-lib/storage/folder.h"
#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/client-lib/support.h"

#define FLUSHED_MOST 256

/* Folders that were flushed, in order. */
static struct {
    ino_t inode[FLUSHED_MOST];
    size_t count;
} flushed;

void failing_after_sync(int fd, bool done)
{
    struct stat found;
    if (done && fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) {
        assert_true(flushed.count < FLUSHED_MOST);
        flushed.inode[flushed.count++] = found.st_ino;
    }
}

static bool was_flushed(const char *path, size_t since)
{
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    for (size_t i = since; i < flushed.count; i++)
        if (flushed.inode[i] == found.st_ino)
            return true;
    return false;
}

struct place {
    char *top;
    char one[256], two[512]; /* folders in it, each in the other */
    struct fake_port port;
};

static void place_make(struct place *place)
{
    memset(place, 0, sizeof *place);
    place->top = folder_new();
    snprintf(place->one, sizeof place->one, "%s/one", place->top);
    snprintf(place->two, sizeof place->two, "%s/two", place->one);
    fake_port_init(&place->port);
    flushed.count = 0;
}

static void place_release(struct place *place)
{
    folder_remove(strdup(place->two));
    (void)rmdir(place->one);
    folder_remove(place->top);
}

static enum status open_in(struct place *place)
{
    struct outbox_store *store = NULL;
    struct buffer damaged = {0};
    enum status status = folder_make(place->two, NULL);
    if (status == STATUS_OK)
        status = outbox_store_open(place->two, &place->port.port, &store, &damaged, NULL);
    outbox_store_close(store);
    buffer_release(&damaged);
    return status;
}

static void expect_all_flushed(const struct place *place, size_t since)
{
    assert_true(was_flushed(place->two, since));
    assert_true(was_flushed(place->one, since));
    assert_true(was_flushed(place->top, since));
}

/* Whatever fails, an outbox that was opened has its name, and one that has is opened at no cost. */
static bool open_until_it_is(void *context, uint64_t n, bool onwards)
{
    struct failing_plan *plan = failing_plan();
    struct place place;
    (void)context;
    place_make(&place);
    *plan = (struct failing_plan){
        .calls = CALL_SYNC, .error = EIO, .nth = n, .onwards = onwards, .skip_flush = 1};
    failing_calls_arm(plan);
    enum status status = open_in(&place);
    const bool met = failing_calls_disarm(plan) > 0;
    assert_true(status == STATUS_OK || (met && status == STATUS_IO));
    if (status == STATUS_OK)
        expect_all_flushed(&place, 0);
    else
        assert_ok(open_in(&place));
    expect_all_flushed(&place, 0);
    const size_t before = flushed.count;
    assert_ok(open_in(&place));
    assert_int_equal(flushed.count, before);
    place_release(&place);
    return met;
}

static void each_flush(void **state)
{
    (void)state;
    sweep("flush, name of the outbox", 1, open_until_it_is, NULL);
}

/* Nothing more can be done: an outbox is opened all the same, and it is not tried again. */
static void what_a_file_system_cannot_flush_is_passed_over(void **state)
{
    static const int errors[] = {EINVAL, ENOTSUP, ENOSYS, EROFS};
    struct failing_plan *plan = failing_plan();
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof errors / sizeof *errors); i++) {
        struct place place;
        place_make(&place);
        *plan = (struct failing_plan){.calls = CALL_SYNC_FOLDER,
                                      .error = errors[i / 2],
                                      .nth = 1 + i % 2, /* of all of them, or but the first */
                                      .onwards = 1,
                                      .skip_flush = 1};
        failing_calls_arm(plan);
        assert_ok(open_in(&place));
        assert_true(failing_calls_disarm(plan) > 1);
        failing_calls_arm(plan);
        assert_ok(open_in(&place));
        assert_int_equal(failing_calls_disarm(plan), 0);
        place_release(&place);
    }
}

/* A new file stands under the name of one that was set aside. */
static void the_one_that_takes_the_place_of_a_damaged_one(void **state)
{
    struct place place;
    char path[1024];
    (void)state;
    place_make(&place);
    assert_ok(open_in(&place));
    snprintf(path, sizeof path, "%s/outbox.mdb", place.two);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0);
    for (int page = 0; page < 2; page++)
        assert_int_equal(pwrite(file, "damaged, damaged, damaged", 25, page * 4096), 25);
    assert_int_equal(close(file), 0);
    const size_t before = flushed.count;
    assert_ok(open_in(&place));
    assert_true(was_flushed(place.two, before));
    place_release(&place);
}

/* The command line's session, which is told to be signed in. */
static bool save_session(void *context, uint64_t n, bool onwards)
{
    struct failing_plan *plan = failing_plan();
    struct profile profile, found;
    struct place place;
    char problem[256];
    (void)context;
    place_make(&place);
    assert_int_equal(setenv("TANDEM_PROFILE", place.one, 1), 0);
    assert_true(profile_load(&profile, problem));
    (void)snprintf(profile.session.url, sizeof profile.session.url, "wss://localhost:7443");
    (void)snprintf(profile.session.user, sizeof profile.session.user, "kari");
    (void)snprintf(profile.session.token, sizeof profile.session.token, "secret");
    *plan = (struct failing_plan){
        .calls = CALL_SYNC, .error = EIO, .nth = n, .onwards = onwards, .skip_flush = 1};
    failing_calls_arm(plan);
    const bool saved = profile_save(&profile, problem);
    const bool met = failing_calls_disarm(plan) > 0;
    assert_int_equal(saved, !met);
    if (saved) {
        assert_true(was_flushed(place.one, 0));
        assert_true(profile_load(&found, problem) && found.signed_in);
    }
    folder_remove(strdup(place.one));
    folder_remove(place.top);
    return met;
}

static void each_flush_of_a_session(void **state)
{
    (void)state;
    sweep("flush, name of a session", 1, save_session, NULL);
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flush),
        cmocka_unit_test(what_a_file_system_cannot_flush_is_passed_over),
        cmocka_unit_test(the_one_that_takes_the_place_of_a_damaged_one),
        cmocka_unit_test(each_flush_of_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

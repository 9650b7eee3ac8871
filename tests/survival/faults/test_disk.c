/* The committer over a real store whose n-th write or flush fails, for every n.
 *
 * When a commit fails, LMDB may have written pages that no meta page refers to, or a meta page that
 * is in the page cache and not on the disk; after a failed flush the system takes the pages that it
 * could not write for clean, and a later flush reports success without them. So nobody may be
 * answered, and the store must be read anew. What the new reading finds is one of two states, the
 * one before the batch or the one behind it: the meta page is written by itself, through a
 * descriptor that flushes, when all it refers to is on the disk. Building on a meta page that only
 * the page cache has is safe as well: the next commit writes the other meta page, and everything
 * that one refers to has been flushed by then.
 *
 * The test starts the store again from each of the files that such a failure can leave
 * (lost_writes.h), has the client send again what was not answered, and compares all answers and
 * the whole state with a history without faults. */
#include <errno.h>

#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/service.h"
#include "tests/survival/faults/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct trial {
    struct history history;
    struct service right;
    struct buffer final;
    size_t window;
    int error;
    enum failing_way way;
    enum lost_writes lost;
};

static void begin(struct trial *trial)
{
    service_rehearse(&trial->right, &trial->history, &trial->final);
}

static void end(struct trial *trial)
{
    service_remove(&trial->right);
    buffer_release(&trial->final);
    history_release(&trial->history);
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    struct service service;
    failing_plan()->skip_flush = 1;
    service_make(&service, &trial->history, false);
    lost_writes_watch(service.folder);
    failing_calls_arm_disk(trial->way, trial->error, n, onwards);
    if (service_open(&service))
        service_play(&service, trial->window, 100);
    const bool met = failing_calls_disarm(failing_plan()) > 0;
    /* Nobody who is told of a failure goes on as if it were none. */
    assert_true(!met || service.gave_up || service.store == NULL);
    service_close(&service);
    lost_writes_take(trial->lost, n + sweep_seed());
    service_settle(&service, &trial->right, &trial->final);
    service_remove(&service);
    return met;
}

static void each_disk(struct trial *trial, const char *what, uint64_t stride)
{
    static const char *const names[] = {"restart", "power lost", "power lost halfway"};
    char kind[96];
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        trial->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "write and flush, %s, %s", what, names[lost]);
        sweep(kind, stride, attempt, trial);
    }
}

static void a_whole_history(void **state)
{
    struct trial trial = {.window = 1};
    (void)state;
    history_make(&trial.history);
    begin(&trial);
    trial.error = EIO;
    each_disk(&trial, "EIO", 7);
    trial.way = FAILING_ALL_DONE;
    each_disk(&trial, "EIO with the data in the cache", 7);
    end(&trial);
}

static void several_at_a_time(void **state)
{
    struct trial trial = {.window = 4};
    (void)state;
    history_make_line(&trial.history);
    begin(&trial);
    trial.error = ENOSPC;
    each_disk(&trial, "ENOSPC", 3);
    trial.way = FAILING_HALF_DONE;
    each_disk(&trial, "half written", 3);
    end(&trial);
}

/* What these tests take for lost would be missed: a store that is told not to flush loses all. */
static void without_flushing_all_is_lost(void **state)
{
    struct history history;
    struct service service;
    (void)state;
    history_make(&history);
    service_make(&service, &history, true);
    lost_writes_watch(service.folder);
    assert_true(service_open(&service));
    service_play(&service, 1, 100);
    assert_int_equal(service.answered, history.count);
    service_close(&service);
    lost_writes_take(LOST_ALL, 0);
    assert_true(service_open(&service));
    service.answered = 1;
    service_play(&service, 1, 1);
    assert_int_equal(service.answered, 2);
    assert_non_null(memmem(service.answers[1].data, service.answers[1].size, "denied", 6));
    service_remove(&service);
    history_release(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_flushing_all_is_lost),
        cmocka_unit_test(a_whole_history),
        cmocka_unit_test(several_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A backup that a running server is asked for, with the n-th call of the server failing: to open,
 * write, flush or truncate a file, to accept and to answer who asks, or to get memory.
 *
 * The server goes on. The backup is whole when the command says so; else it says why not, what is
 * there is no store, and the next backup succeeds. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/store/store.h"
#include "tests/support/child.h"
#include "tests/support/server_process.h"
#include "tests/survival/faults/meta_of.h"
#include "tests/survival/faults/shared_plan.h"
#include "tests/survival/faults/sweep.h"

/* Made until one has what the server stores when it starts. */
#define COPIES_MOST 1000u

struct trial {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct failing_plan *plan;
    char plan_path[SCRATCH_PATH + 16], words[SCRATCH_PATH + 16];
    char data[SCRATCH_PATH + 16], target[SCRATCH_PATH + 16];
};

static void name(const struct trial *trial, const char *last, char out[SCRATCH_PATH + 16])
{
    (void)snprintf(out, SCRATCH_PATH + 16, "%s/%s", trial->folder, last);
}

static void serve(struct trial *trial)
{
    static const char *const arguments[] = {"--threads", "1", NULL};
    const char *options = getenv("ASAN_OPTIONS");
    char sanitizer[256], before[200];
    (void)snprintf(before, sizeof before, "%s", options != NULL ? options : "");
    (void)snprintf(sanitizer, sizeof sanitizer, "verify_asan_link_order=0:%s", before);
    (void)setenv("ASAN_OPTIONS", sanitizer, 1);
    (void)setenv("TANDEM_TEST_FAILING", trial->plan_path, 1);
    (void)setenv("LD_PRELOAD", FAILING_LIBRARY, 1);
    const bool started = server_process_start(&trial->server, arguments, 0);
    (void)unsetenv("LD_PRELOAD");
    (void)unsetenv("TANDEM_TEST_FAILING");
    (void)setenv("ASAN_OPTIONS", before, 1);
    assert_true(started);
}

static int run(const struct trial *trial, const char *const *arguments)
{
    const int words = open(trial->words, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const struct child_streams streams = {-1, -1, words};
    const pid_t pid = child_start(arguments, NULL, &streams, CHILD_SECONDS);
    const int status = pid > 0 ? child_wait(pid) : 127;
    (void)close(words);
    return status;
}

static bool said(const struct trial *trial, const char *what)
{
    size_t size = 0;
    char *text = scratch_read(trial->words, &size);
    const bool found = text != NULL && size > 12 && strstr(text, what) != NULL;
    if (!found)
        print_error("it said: %s\n", text);
    free(text);
    return found;
}

static int back_up(const struct trial *trial)
{
    const char *const arguments[] = {TANDEMD_PROGRAM, "backup",      "--data", trial->data,
                                     "--to",          trial->target, NULL};
    return run(trial, arguments);
}

static int check(const struct trial *trial)
{
    const char *const arguments[] = {TANDEMD_PROGRAM, "check", "--data", trial->target, NULL};
    return run(trial, arguments);
}

static void remove_target(const struct trial *trial)
{
    if (access(trial->target, F_OK) == 0)
        scratch_remove(trial->target);
}

/* A server that has just started prunes, which is not to meet a fault. */
static void await_first_commit(const struct trial *trial, uint64_t before)
{
    uint64_t position = before;
    for (unsigned i = 0; i < COPIES_MOST && position == before; i++) {
        remove_target(trial);
        assert_int_equal(back_up(trial), 0);
        position = meta_of(trial->target).log_position;
    }
    assert_true(position > before);
}

/* A server that cannot send its answer has made the copy, and the command cannot know it. */
static void expect_no_copy(const struct trial *trial)
{
    const int found = check(trial);
    assert_true(found == 1 || (found == 0 && (trial->plan->calls & CALL_SEND) != 0));
    assert_true(found == 0 || said(trial, "tandemd: check: "));
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    struct trial *trial = context;
    remove_target(trial);
    trial->plan->nth = n;
    trial->plan->onwards = onwards;
    failing_calls_arm(trial->plan);
    const int status = back_up(trial);
    const bool met = failing_calls_disarm(trial->plan) > 0;
    if (status != 0) {
        assert_true(met);
        assert_int_equal(status, 1);
        assert_true(said(trial, "tandemd: backup: "));
        expect_no_copy(trial);
        remove_target(trial);
        assert_int_equal(back_up(trial), 0);
    }
    assert_int_equal(check(trial), 0);
    return met;
}

/* Who asks waits for as long as it cannot be accepted. */
static bool attempt_once(void *context, uint64_t n, bool onwards)
{
    return !onwards && attempt(context, n, false);
}

static void try_each(struct trial *trial, const char *kind, uint32_t calls, int error,
                     enum failing_way way)
{
    trial->plan->calls = calls;
    trial->plan->error = error;
    trial->plan->way = way;
    sweep(kind, 1, (calls & CALL_ACCEPT) != 0 ? attempt_once : attempt, trial);
}

static void files(void **state)
{
    try_each(*state, "online backup, EIO", CALL_DISK | CALL_OPEN, EIO, FAILING_NOTHING_DONE);
    try_each(*state, "online backup, half written", CALL_DISK, ENOSPC, FAILING_HALF_DONE);
}

static void sockets(void **state)
{
    try_each(*state, "online backup, EMFILE", CALL_ACCEPT | CALL_SEND | CALL_RECEIVE, EMFILE,
             FAILING_NOTHING_DONE);
}

static void allocations(void **state)
{
#ifdef TANDEM_SANITIZED
    (void)state;
    skip();
#else
    try_each(*state, "online backup, malloc", CALL_MALLOC, ENOMEM, FAILING_NOTHING_DONE);
#endif
}

static int set_up(void **state)
{
    static struct trial trial;
    if (!scratch_make(trial.folder) ||
        !server_process_make(&trial.server, trial.folder, "admin", "a long password"))
        return -1;
    name(&trial, "plan", trial.plan_path);
    name(&trial, "words", trial.words);
    name(&trial, "data", trial.data);
    name(&trial, "target", trial.target);
    trial.plan = shared_plan_make(trial.plan_path, true);
    const uint64_t before = meta_of(trial.data).log_position;
    serve(&trial);
    await_first_commit(&trial, before);
    *state = &trial;
    return 0;
}

/* The same server has answered all that was asked. */
static int tear_down(void **state)
{
    struct trial *trial = *state;
    const bool ended_well = server_process_stop(&trial->server);
    const bool checks = server_process_check(&trial->server);
    shared_plan_release(trial->plan);
    scratch_remove(trial->folder);
    return ended_well && checks ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),
        cmocka_unit_test(sockets),
        cmocka_unit_test(allocations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* tandemd init, backup, restore and check, with the n-th open, write, flush or truncation failing:
 * a command either has done what it is for, or says in words why not, and then nothing is left that
 * passes for its result, and the same command succeeds afterwards.
 *
 * Killed at the n-th of these calls, or of those that move and remove files, it leaves its result,
 * or no store: above all none that was to be restored and still has the backup's epoch. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/store/store.h"
#include "tests/support/child.h"
#include "tests/support/scratch.h"
#include "tests/survival/faults/meta_of.h"
#include "tests/survival/faults/shared_plan.h"
#include "tests/survival/faults/sweep.h"

#define ENVIRONMENT_MOST 5

struct trial {
    char folder[SCRATCH_PATH];
    char source[SCRATCH_PATH + 16]; /* a store */
    char copy[SCRATCH_PATH + 16];   /* its backup */
    char result[SCRATCH_PATH + 16];
    char words[SCRATCH_PATH + 16]; /* what was said on standard error */
    char plan_path[SCRATCH_PATH + 16];
    struct failing_plan *plan;
    const char *arguments[10];
    bool makes;  /* a store in `result` */
    bool copies; /* another store's backup there */
    bool hashes; /* by OpenSSL, which does not survive that it gets no memory when it begins */
};

static void name(const struct trial *trial, const char *last, char out[SCRATCH_PATH + 16])
{
    (void)snprintf(out, SCRATCH_PATH + 16, "%s/%s", trial->folder, last);
}

/* Runs tandemd; with the failing calls when `plan`. Its exit status. */
static int run(const struct trial *trial, const char *const *arguments, bool plan)
{
    char shared[SCRATCH_PATH + 64], sanitizer[256];
    const char *options = getenv("ASAN_OPTIONS");
    (void)snprintf(shared, sizeof shared, "TANDEM_TEST_FAILING=%s", trial->plan_path);
    (void)snprintf(sanitizer, sizeof sanitizer, "ASAN_OPTIONS=verify_asan_link_order=0:%s",
                   options != NULL ? options : "");
    const char *const environment[ENVIRONMENT_MOST] = {"TANDEM_PASSWORD=a long password", shared,
                                                       sanitizer, "LD_PRELOAD=" FAILING_LIBRARY};
    const int words = open(trial->words, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const struct child_streams streams = {-1, -1, words};
    if (plan)
        failing_calls_arm(trial->plan);
    const pid_t pid = child_start(arguments, environment, &streams, CHILD_SECONDS);
    const int status = pid > 0 ? child_wait(pid) : 127;
    (void)close(words);
    return status;
}

static int check_store(const struct trial *trial, const char *store)
{
    const char *const check[] = {TANDEMD_PROGRAM, "check", "--data", store, NULL};
    return run(trial, check, false);
}

static bool passes(const struct trial *trial, const char *store)
{
    return check_store(trial, store) == 0;
}

static bool said_why(const struct trial *trial)
{
    size_t size = 0;
    char *text = scratch_read(trial->words, &size);
    const bool said = text != NULL && strncmp(text, "tandemd: ", 9) == 0 && size > 12;
    if (!said)
        print_error("it said: %s\n", text);
    free(text);
    return said;
}

/* The result is what it claims to be: founded, and of an epoch of its own unless it is a backup. */
static void expect_whole(const struct trial *trial)
{
    if (!trial->makes && !trial->copies)
        return;
    assert_true(passes(trial, trial->result));
    const struct meta made = meta_of(trial->result), source = meta_of(trial->source);
    assert_true(made.seq > 0);
    assert_true(id_equal(made.epoch, source.epoch) == trial->copies);
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    trial->plan->nth = n;
    trial->plan->onwards = onwards;
    if (access(trial->result, F_OK) == 0)
        scratch_remove(trial->result);
    const int status = run(trial, trial->arguments, true);
    const bool met = failing_calls_disarm(trial->plan) > 0;
    if (status == 0) {
        expect_whole(trial);
        return met;
    }
    assert_true(met);
    if (status != 1)
        print_message("at call %lu%s it ended with %d\n", (unsigned long)n,
                      onwards ? " and on" : "", status);
    assert_int_equal(status, 1);
    assert_true(said_why(trial));
    if (trial->makes || trial->copies)
        assert_false(passes(trial, trial->result));
    assert_int_equal(run(trial, trial->arguments, false), 0);
    expect_whole(trial);
    return met;
}

/* Once killed, a program makes no more calls. */
static bool killed(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    if (onwards)
        return false;
    trial->plan->nth = n;
    trial->plan->onwards = false;
    if (access(trial->result, F_OK) == 0)
        scratch_remove(trial->result);
    const int status = run(trial, trial->arguments, true);
    const bool met = failing_calls_disarm(trial->plan) > 0;
    assert_int_equal(status, met ? 128 + SIGKILL : 0);
    const int found = check_store(trial, trial->result);
    if (found == 0 && meta_of(trial->result).seq > 0) {
        expect_whole(trial);
        return met;
    }
    assert_true(met);
    assert_true(found == 0 || (found == 1 && said_why(trial)));
    if (run(trial, trial->arguments, false) != 0) {
        assert_true(found != 0 && said_why(trial));
        scratch_remove(trial->result);
        assert_int_equal(run(trial, trial->arguments, false), 0);
    }
    expect_whole(trial);
    return met;
}

static const struct {
    const char *name;
    int error;
    enum failing_way way;
    uint32_t calls;
} troubles[] = {
    {"EIO", EIO, FAILING_NOTHING_DONE, CALL_DISK},
    {"ENOSPC half written", ENOSPC, FAILING_HALF_DONE, CALL_DISK},
    {"EMFILE", EMFILE, FAILING_NOTHING_DONE, CALL_OPEN},
    {"killed", 0, FAILING_KILLED, CALL_DISK | CALL_OPEN | CALL_REMOVE},
#ifndef TANDEM_SANITIZED
    {"ENOMEM", ENOMEM, FAILING_NOTHING_DONE, CALL_MALLOC},
#endif
};

static void try_each(struct trial *trial, uint64_t stride)
{
    char kind[96];
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        const bool kills = troubles[i].way == FAILING_KILLED;
        if (kills && !trial->makes && !trial->copies)
            continue;
        if (trial->hashes && troubles[i].calls == CALL_MALLOC)
            continue;
        trial->plan->calls = troubles[i].calls;
        trial->plan->error = troubles[i].error;
        trial->plan->way = troubles[i].way;
        trial->plan->skip_flush = 1;
        (void)snprintf(kind, sizeof kind, "tandemd %s, %s", trial->arguments[1], troubles[i].name);
        const uint64_t points = sweep_quietly(stride, kills ? killed : attempt, trial);
        sweep_tell(kind, points);
        all += points;
    }
    assert_true(all > 0); /* a check writes nothing */
}

static void init(void **state)
{
    struct trial *trial = *state;
    const char *const arguments[] = {TANDEMD_PROGRAM, "init",  "--data", trial->result,
                                     "--admin",       "admin", NULL};
    memcpy(trial->arguments, arguments, sizeof arguments);
    trial->makes = trial->hashes = true;
    trial->copies = false;
    try_each(trial, 13);
}

static void backup(void **state)
{
    struct trial *trial = *state;
    const char *const arguments[] = {TANDEMD_PROGRAM, "backup",      "--data", trial->source,
                                     "--to",          trial->result, NULL};
    memcpy(trial->arguments, arguments, sizeof arguments);
    trial->makes = false;
    trial->copies = true;
    try_each(trial, 7);
}

static void restore(void **state)
{
    struct trial *trial = *state;
    const char *const arguments[] = {TANDEMD_PROGRAM, "restore",     "--from", trial->copy,
                                     "--data",        trial->result, NULL};
    memcpy(trial->arguments, arguments, sizeof arguments);
    trial->makes = true;
    trial->copies = false;
    try_each(trial, 9);
}

static void check(void **state)
{
    struct trial *trial = *state;
    const char *const arguments[] = {TANDEMD_PROGRAM, "check", "--data", trial->source, NULL};
    memcpy(trial->arguments, arguments, sizeof arguments);
    trial->makes = trial->copies = false;
    trial->hashes = true;
    try_each(trial, 2);
}

static int set_up(void **state)
{
    static struct trial trial;
    const char *const init_it[] = {TANDEMD_PROGRAM, "init",  "--data", trial.source,
                                   "--admin",       "admin", NULL};
    const char *const back_up[] = {TANDEMD_PROGRAM, "backup",   "--data", trial.source,
                                   "--to",          trial.copy, NULL};
    if (!scratch_make(trial.folder))
        return -1;
    name(&trial, "source", trial.source);
    name(&trial, "copy", trial.copy);
    name(&trial, "result", trial.result);
    name(&trial, "words", trial.words);
    name(&trial, "plan", trial.plan_path);
    trial.plan = shared_plan_make(trial.plan_path, true);
    *state = &trial;
    return run(&trial, init_it, false) == 0 && run(&trial, back_up, false) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct trial *trial = *state;
    shared_plan_release(trial->plan);
    scratch_remove(trial->folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backup),
        cmocka_unit_test(restore),
        cmocka_unit_test(check),
        cmocka_unit_test(init),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

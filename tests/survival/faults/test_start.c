/* A server that starts while the n-th call fails, for every n: it serves, or it says in words why
 * it does not and ends with status 1; and the next start, without faults, serves. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/support/server_process.h"
#include "tests/survival/faults/shared_plan.h"
#include "tests/survival/faults/sweep.h"

struct trial {
    char folder[SCRATCH_PATH];
    struct server_process server; /* made, never started: it lends its store and certificates */
    char plan_path[SCRATCH_PATH + 16], words[SCRATCH_PATH + 16];
    char data[SCRATCH_PATH + 16], cert[SCRATCH_PATH + 32], key[SCRATCH_PATH + 32];
    struct failing_plan *plan;
    bool may_die; /* of what its libraries do without memory */
};

static void name(const struct trial *trial, const char *last, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", trial->folder, last);
}

static pid_t start(const struct trial *trial, int out)
{
    char shared[SCRATCH_PATH + 64], sanitizer[256];
    const char *options = getenv("ASAN_OPTIONS");
    (void)snprintf(shared, sizeof shared, "TANDEM_TEST_FAILING=%s", trial->plan_path);
    (void)snprintf(sanitizer, sizeof sanitizer, "ASAN_OPTIONS=verify_asan_link_order=0:%s",
                   options != NULL ? options : "");
    const char *const environment[] = {shared, sanitizer, "LD_PRELOAD=" FAILING_LIBRARY, NULL};
    const char *const arguments[] = {
        TANDEMD_PROGRAM, "run",   "--data",   trial->data, "--listen", "127.0.0.1:0", "--cert",
        trial->cert,     "--key", trial->key, "--threads", "1",        "--json",      NULL};
    const int words = open(trial->words, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const struct child_streams streams = {-1, out, words};
    const pid_t pid = child_start(arguments, environment, &streams, CHILD_SECONDS);
    (void)close(words);
    return pid;
}

/* Starts it, and stops it when it says that it serves. Its exit status; `served` tells. */
static int run(const struct trial *trial, bool *served)
{
    int ends[2];
    char line[1024];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = start(trial, ends[1]);
    (void)close(ends[1]);
    FILE *stream = fdopen(ends[0], "re");
    assert_true(pid > 0 && stream != NULL);
    *served = fgets(line, sizeof line, stream) != NULL && strstr(line, "\"ready\"") != NULL;
    (void)failing_calls_disarm(trial->plan);
    if (*served)
        (void)kill(pid, SIGTERM);
    const int status = child_wait(pid);
    (void)fclose(stream);
    return status;
}

static bool said_why(const struct trial *trial)
{
    size_t size = 0;
    char *text = scratch_read(trial->words, &size);
    const bool said = text != NULL && size > 12;
    free(text);
    return said;
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    bool served;
    trial->plan->nth = n;
    trial->plan->onwards = onwards;
    failing_calls_arm(trial->plan);
    const int status = run(trial, &served);
    const bool met = atomic_load(&trial->plan->failed) > 0;
    if (served) {
        /* A server that stops by itself takes our signal for the second one, which ends it. */
        assert_true(status == 0 || (met && (status == 1 || status == 128 + SIGTERM)));
        return met;
    }
    assert_true(met);
    if (status != 1 || !said_why(trial))
        print_message("at call %lu%s it ended with %d\n", (unsigned long)n,
                      onwards ? " and on" : "", status);
    assert_true(trial->may_die || (status == 1 && said_why(trial)));
    assert_int_equal(run(trial, &served), 0);
    assert_true(served);
    return met;
}

static void files_and_sockets(void **state)
{
    struct trial *trial = *state;
    trial->plan->calls =
        CALL_OPEN | CALL_WRITE | CALL_SYNC | CALL_TRUNCATE | CALL_CONNECT | CALL_OPTION | CALL_PEER;
    trial->plan->error = EMFILE;
    sweep("start, files and sockets", 5, attempt, trial);
}

static void allocations(void **state)
{
    struct trial *trial = *state;
    trial->plan->calls = CALL_MALLOC;
    trial->plan->error = ENOMEM;
    trial->may_die = true;
#ifdef TANDEM_SANITIZED
    skip();
#endif
    sweep_sampled("start, malloc", 1999, 31, attempt, trial);
}

static int set_up(void **state)
{
    static struct trial trial;
    if (!scratch_make(trial.folder) ||
        !server_process_make(&trial.server, trial.folder, "admin", "a long password"))
        return -1;
    name(&trial, "plan", trial.plan_path, sizeof trial.plan_path);
    name(&trial, "words", trial.words, sizeof trial.words);
    name(&trial, "data", trial.data, sizeof trial.data);
    name(&trial, "certs/server.pem", trial.cert, sizeof trial.cert);
    name(&trial, "certs/server.key", trial.key, sizeof trial.key);
    trial.plan = shared_plan_make(trial.plan_path, true);
    *state = &trial;
    return 0;
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
        cmocka_unit_test(files_and_sockets),
        cmocka_unit_test(allocations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

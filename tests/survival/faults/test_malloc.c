/* A real server in which the n-th allocation fails, of whatever it is made of: LMDB, libwebsockets,
 * OpenSSL, libuv, the C library and our own. It may end, in whatever way those libraries end a
 * program; what was acknowledged stays, and when it runs again each mutation is done once and
 * everybody holds what is there. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/survival/faults/pair.h"
#include "tests/survival/faults/sweep.h"

#define TROUBLE_MS 150u

struct trial {
    struct pair pair;
    unsigned went_on, ended, died; /* of the attempts that met the fault */
};

/* With its last words, which an assertion has and a library's abort() has not. */
static void tell_death(const struct trial *trial, uint64_t n, bool onwards)
{
    char path[SCRATCH_PATH + 32];
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/server.log", trial->pair.folder);
    char *log = scratch_read(path, &size);
    const size_t from = size > 200 ? size - 200 : 0;
    print_message("allocation %lu%s: the server died of signal %d; its log ends: %s\n",
                  (unsigned long)n, onwards ? " and on" : "", trial->pair.death - 128,
                  log != NULL ? log + from : "");
    free(log);
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    struct trial *trial = context;
    struct failing_plan *plan = trial->pair.theirs;
    plan->calls = CALL_MALLOC;
    plan->nth = n;
    plan->onwards = onwards;
    failing_calls_arm(plan);
    pair_begin(&trial->pair);
    (void)pair_run(&trial->pair, onwards ? TROUBLE_MS : 10 * TROUBLE_MS);
    const bool met = failing_calls_disarm(plan) > 0;
    const int death = trial->pair.death;
    trial->went_on += met && death < 0;
    trial->ended += death >= 0 && death < 128;
    trial->died += death >= 128;
    if (death >= 128)
        tell_death(trial, n, onwards);
    pair_finish(&trial->pair);
    return met;
}

static void the_server_may_end_but_never_lies(void **state)
{
    static struct trial trial;
    (void)state;
    pair_make(&trial.pair);
    sweep_sampled("malloc, server with its libraries", 61, 3, attempt, &trial);
    pair_verify(&trial.pair);
    print_message("the server went on %u times, ended %u times, died %u times\n", trial.went_on,
                  trial.ended, trial.died);
    pair_release(&trial.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_may_end_but_never_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

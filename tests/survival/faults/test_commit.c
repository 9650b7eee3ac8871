/* The committer over a real store, with the n-th allocation failing, for every n: what was answered
 * stays, what was not is done when it is sent again, once, and the state is in the end what it is
 * without a fault. Memory that is short for good lets the client wait, never lie to it. */
#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/service.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/core/world.h"

struct trial {
    struct history history;
    struct service right; /* played without a fault */
    struct buffer final;
    size_t window;
};

static void begin(struct trial *trial, size_t window)
{
    trial->window = window;
    service_rehearse(&trial->right, &trial->history, &trial->final);
}

static void end(struct trial *trial)
{
    service_remove(&trial->right);
    buffer_release(&trial->final);
    history_release(&trial->history);
    assert_int_equal(failing_memory_held(), 0);
}

/* Opens and plays with faults, then without: what is short of memory is only so for a while. */
static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    struct service service;
    service_make(&service, &trial->history, true);
    failing_memory_arm(n, onwards);
    if (service_open(&service))
        service_play(&service, trial->window, onwards ? 40 : 100);
    const bool met = failing_memory_disarm() > 0;
    service_settle(&service, &trial->right, &trial->final);
    service_remove(&service);
    return met;
}

static void a_whole_history(void **state)
{
    struct trial trial = {0};
    (void)state;
    history_make(&trial.history);
    begin(&trial, 1);
    sweep("allocation, committer one at a time", 7, attempt, &trial);
    end(&trial);
}

static void several_at_a_time(void **state)
{
    struct trial trial = {0};
    (void)state;
    history_make_line(&trial.history);
    begin(&trial, 4);
    sweep("allocation, committer four at a time", 7, attempt, &trial);
    end(&trial);
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_history),
        cmocka_unit_test(several_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

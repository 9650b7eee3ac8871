/* A real server, and then its clients, whose n-th call on a socket fails, for every n: the server
 * goes on, the clients come back, each mutation is done once, and everybody holds
 * what is there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/survival/faults/pair.h"
#include "tests/survival/faults/sweep.h"

/* How long calls that fail for good may stay so. */
#define TROUBLE_MS 150u

struct trouble {
    const char *call;
    uint32_t calls;
    const char *name;
    int error;
    enum failing_way way;
    bool once;    /* for good it only means that nothing ever goes on */
    bool dies;    /* libuv aborts when it cannot change its epoll set, and libwebsockets goes on
                     without looking whether libuv took a socket: it ends, though not in order */
    bool lengthy; /* in the long run only */
    uint64_t stride;
};

struct trial {
    struct pair *pair;
    struct failing_plan *plan;
    const struct trouble *trouble;
};

static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    struct failing_plan *plan = trial->plan;
    if (onwards && trial->trouble->once)
        return false;
    plan->calls = trial->trouble->calls;
    plan->error = trial->trouble->error;
    plan->way = trial->trouble->way;
    plan->nth = n;
    plan->onwards = onwards;
    failing_calls_arm(plan);
    pair_begin(trial->pair);
    (void)pair_run(trial->pair, onwards ? TROUBLE_MS : 10 * TROUBLE_MS);
    const bool met = failing_calls_disarm(plan) > 0;
    assert_true(trial->pair->death == -1 || trial->trouble->dies);
    pair_finish(trial->pair);
    assert_false(trial->pair->writer.final || trial->pair->watcher.final);
    return met;
}

static void try_each(struct pair *pair, struct failing_plan *plan, const char *whose,
                     const struct trouble *troubles, size_t count)
{
    char kind[96];
    for (size_t i = 0; i < count; i++) {
        if (troubles[i].lengthy && !sweep_every())
            continue;
        struct trial trial = {pair, plan, &troubles[i]};
        (void)snprintf(kind, sizeof kind, "%s, %s %s", whose, troubles[i].call, troubles[i].name);
        sweep(kind, troubles[i].stride, attempt, &trial);
        pair_verify(pair);
    }
}

#define TROUBLE(call, calls, error, ...)                                                           \
    {                                                                                              \
        call, calls, #error, error, __VA_ARGS__                                                    \
    }

static void of_the_server(void **state)
{
    static const struct trouble troubles[] = {
        TROUBLE("accept4", CALL_ACCEPT, ECONNABORTED, .stride = 1),
        TROUBLE("accept4", CALL_ACCEPT, EMFILE, .stride = 2),
        TROUBLE("accept4", CALL_ACCEPT, EINTR, .once = true, .lengthy = true),
        TROUBLE("accept4", CALL_ACCEPT, ENOMEM, .lengthy = true),
        TROUBLE("recv", CALL_RECEIVE, ECONNRESET, .stride = 11),
        TROUBLE("recv", CALL_RECEIVE, EAGAIN, .once = true, .stride = 11),
        TROUBLE("recv", CALL_RECEIVE, EINTR, .once = true, .lengthy = true),
        TROUBLE("recv", CALL_RECEIVE, ENOMEM, .lengthy = true),
        TROUBLE("recv half of it", CALL_RECEIVE, EIO, .way = FAILING_HALF_DONE, .lengthy = true),
        TROUBLE("send", CALL_SEND, ECONNRESET, .stride = 7),
        TROUBLE("send", CALL_SEND, ENOBUFS, .lengthy = true),
        TROUBLE("send", CALL_SEND, EAGAIN, .once = true, .lengthy = true),
        TROUBLE("send", CALL_SEND, EINTR, .once = true, .lengthy = true),
        TROUBLE("send", CALL_SEND, EPIPE, .lengthy = true),
        TROUBLE("send half of it", CALL_SEND, EIO, .way = FAILING_HALF_DONE, .lengthy = true),
        TROUBLE("epoll_wait", CALL_EPOLL_WAIT, EINTR, .once = true, .stride = 4),
        TROUBLE("epoll_ctl", CALL_EPOLL_CTL, ENOMEM, .dies = true, .lengthy = true),
        TROUBLE("getsockopt, setsockopt", CALL_OPTION, ENOMEM, .stride = 4),
    };
    try_each(*state, ((struct pair *)*state)->theirs, "server", troubles,
             sizeof troubles / sizeof *troubles);
}

static void of_the_clients(void **state)
{
    static const struct trouble troubles[] = {
        TROUBLE("connect", CALL_CONNECT, ENETUNREACH, .stride = 1),
        TROUBLE("connect", CALL_CONNECT, EMFILE, .lengthy = true),
        TROUBLE("getpeername", CALL_PEER, ENOTCONN, .once = true, .stride = 1),
        TROUBLE("getsockopt, setsockopt", CALL_OPTION, ENOBUFS, .stride = 1),
        TROUBLE("recv", CALL_RECEIVE, ECONNRESET, .stride = 11),
        TROUBLE("recv", CALL_RECEIVE, EAGAIN, .once = true, .lengthy = true),
        TROUBLE("recv", CALL_RECEIVE, EINTR, .once = true, .lengthy = true),
        TROUBLE("recv", CALL_RECEIVE, ENOMEM, .lengthy = true),
        TROUBLE("recv half of it", CALL_RECEIVE, EIO, .way = FAILING_HALF_DONE, .lengthy = true),
        TROUBLE("send", CALL_SEND, EPIPE, .stride = 5),
        TROUBLE("send", CALL_SEND, EAGAIN, .once = true, .lengthy = true),
        TROUBLE("send", CALL_SEND, EINTR, .once = true, .lengthy = true),
        TROUBLE("send", CALL_SEND, ENOBUFS, .lengthy = true),
        TROUBLE("send half of it", CALL_SEND, EIO, .way = FAILING_HALF_DONE, .lengthy = true),
    };
    try_each(*state, failing_plan(), "client", troubles, sizeof troubles / sizeof *troubles);
}

static int set_up(void **state)
{
    static struct pair pair;
    pair_make(&pair);
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    pair_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_the_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_the_clients, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sockets that wait leave in the order in which they came, however the ring has grown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/net/arrivals.h"

static void add(struct arrivals *arrivals, int fd)
{
    struct arrival arrival = {.fd = fd, .peer = {.octet = {(uint8_t)fd}}};
    assert_true(arrivals_add(arrivals, arrival));
}

static void take(struct arrivals *arrivals, int fd)
{
    struct arrival arrival;
    assert_true(arrivals_take(arrivals, &arrival));
    assert_int_equal(arrival.fd, fd);
    assert_int_equal(arrival.peer.octet[0], (uint8_t)fd);
}

static void first_come_first_served(void **state)
{
    (void)state;
    struct arrivals arrivals = {.items = NULL};
    struct arrival none;
    int came = 0, went = 0;
    assert_false(arrivals_take(&arrivals, &none));
    /* Three come for each two that go: the ring turns round, and grows in every position. */
    while (came < 600) {
        for (int i = 0; i < 3; i++)
            add(&arrivals, came++);
        for (int i = 0; i < 2; i++)
            take(&arrivals, went++);
    }
    assert_int_equal(arrivals.count, came - went);
    while (went < came)
        take(&arrivals, went++);
    assert_false(arrivals_take(&arrivals, &none));
    arrivals_release(&arrivals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_come_first_served)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

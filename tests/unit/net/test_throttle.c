/* The throttle under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/net/sign_in_throttle.h"

#define MINUTE 60000u

static struct peer_address from(uint8_t n)
{
    return (struct peer_address){.octet = {10, 0, 0, n}};
}

static bool allowed(struct sign_in_throttle *throttle, const char *name, uint8_t address,
                    uint64_t now)
{
    uint64_t wait;
    bool taken = sign_in_throttle_take(throttle, bytes_text(name), from(address), now, &wait);
    if (taken)
        sign_in_throttle_give_back(throttle, bytes_text(name), from(address), now);
    return taken;
}

static uint64_t wait_for(struct sign_in_throttle *throttle, const char *name, uint8_t address,
                         uint64_t now)
{
    uint64_t wait;
    if (sign_in_throttle_take(throttle, bytes_text(name), from(address), now, &wait))
        sign_in_throttle_give_back(throttle, bytes_text(name), from(address), now);
    return wait;
}

static void fail_times(struct sign_in_throttle *throttle, const char *name, uint8_t address,
                       uint64_t now, int times)
{
    uint64_t wait;
    for (int i = 0; i < times; i++)
        sign_in_throttle_take(throttle, bytes_text(name), from(address), now, &wait);
}

static void test_name(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    uint64_t now = 5000;
    fail_times(throttle, "kari", 1, now, 9);
    assert_true(allowed(throttle, "kari", 1, now));
    fail_times(throttle, "kari", 1, now, 1);
    assert_false(allowed(throttle, "kari", 1, now));
    /* From elsewhere too; others from elsewhere are free. */
    assert_false(allowed(throttle, "kari", 2, now));
    assert_true(allowed(throttle, "nils", 2, now));
    /* A token comes back after a tenth of a minute, as was said. */
    assert_int_equal(wait_for(throttle, "kari", 2, now), MINUTE / 10);
    assert_false(allowed(throttle, "kari", 2, now + MINUTE / 10 - 1));
    assert_true(allowed(throttle, "kari", 2, now + MINUTE / 10));
    /* And one only. */
    fail_times(throttle, "kari", 2, now + MINUTE / 10, 1);
    assert_false(allowed(throttle, "kari", 2, now + MINUTE / 10));
    /* After a minute of rest, all ten. */
    now += 2 * MINUTE;
    fail_times(throttle, "kari", 3, now, 9);
    assert_true(allowed(throttle, "kari", 3, now));
    fail_times(throttle, "kari", 3, now, 1);
    assert_false(allowed(throttle, "kari", 3, now));
    sign_in_throttle_free(throttle);
}

static void test_address(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    char name[16];
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "user%d", i);
        fail_times(throttle, name, 1, 0, 1);
    }
    assert_false(allowed(throttle, "somebody else", 1, 0));
    assert_true(allowed(throttle, "somebody else", 2, 0));
    /* An address that spells like a name is not that name. */
    assert_true(allowed(throttle, "10.0.0.1", 2, 0));
    sign_in_throttle_free(throttle);
}

/* By token or certificate: a stranger's failures are nobody else's. */
static void test_no_name(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    fail_times(throttle, "", 1, 0, 10);
    assert_false(allowed(throttle, "", 1, 0));
    assert_true(allowed(throttle, "", 2, 0));
    /* Wrong passwords and tokens do not stop each other. */
    assert_true(allowed(throttle, "kari", 1, 0));
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        fail_times(throttle, name, 3, 0, 1);
    }
    assert_false(allowed(throttle, "kari", 3, 0));
    assert_true(allowed(throttle, "", 3, 0));
    sign_in_throttle_free(throttle);
}

/* The same account answers to each of these names. */
static void test_case(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    static const char *const spellings[] = {"kari", "Kari", "kAri", "KARI", "karI"};
    for (uint8_t i = 0; i < 5; i++)
        fail_times(throttle, spellings[i], (uint8_t)(10 + i), 0, 2);
    assert_false(allowed(throttle, "KaRi", 1, 0));
    assert_true(allowed(throttle, "karin", 1, 0));
    sign_in_throttle_free(throttle);
}

/* Attempts at once are as many as one after the other, and success costs nothing. */
static void test_at_once(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    uint64_t wait;
    int taken = 0;
    for (int i = 0; i < 30; i++)
        taken += sign_in_throttle_take(throttle, bytes_text("kari"), from((uint8_t)i), 0, &wait);
    assert_int_equal(taken, 10);
    assert_int_equal(wait, MINUTE / 10);
    for (int i = 0; i < 10; i++)
        sign_in_throttle_give_back(throttle, bytes_text("kari"), from((uint8_t)i), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(allowed(throttle, "kari", 1, 0));
    sign_in_throttle_free(throttle);
}

/* A flood of fresh names does not wash out the one under attack. */
static void test_flood(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    char name[32];
    fail_times(throttle, "kari", 1, 0, 10);
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "flood%d", i);
        fail_times(throttle, name, (uint8_t)(2 + i % 200), 0, 1);
    }
    assert_false(allowed(throttle, "kari", 250, 0));
    sign_in_throttle_free(throttle);
}

/* A clock that seems to step back gives nothing away and takes nothing. */
static void test_clock(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(1);
    fail_times(throttle, "kari", 1, 100000, 1);
    assert_false(allowed(throttle, "kari", 2, 50000));
    assert_true(wait_for(throttle, "kari", 2, 50000) <= MINUTE);
    assert_true(allowed(throttle, "kari", 2, 100000 + MINUTE));
    sign_in_throttle_free(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_no_name),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

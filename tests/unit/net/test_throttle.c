/* The throttle under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/net/sign_in_throttle.h"

#define MINUTE 60000u
/* A refusal may last so much longer than it must. */
#define COARSE 2000u
/* After which an attempt that was not forgiven was a wrong one. */
#define UNDECIDED 10000

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
    /* They may be right ones whose passwords are still being compared. */
    assert_in_range(wait_for(throttle, "kari", 2, now), 1, COARSE);
    /* Else they are over together, a minute later, as is said then. */
    now += UNDECIDED;
    uint64_t wait = wait_for(throttle, "kari", 2, now);
    assert_in_range(wait, MINUTE - UNDECIDED, MINUTE - UNDECIDED + COARSE);
    assert_false(allowed(throttle, "kari", 2, now + wait - 1));
    assert_true(allowed(throttle, "kari", 2, now + wait));
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
    assert_in_range(wait, 1, COARSE);
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

/* However the attempts are spread: no minute sees more than ten, and who keeps trying is not let in
 * less often than ten times in a minute and the coarseness. */
static void test_any_minute(void **state)
{
    (void)state;
    static const unsigned steps[] = {7, 100, 1000, 1999, 2000, 5999, 6000, 6001, 15000};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        struct sign_in_throttle *throttle = sign_in_throttle_new(10);
        uint64_t taken[256], wait;
        size_t count = 0;
        for (uint64_t now = 12345; now < 12345 + 10 * MINUTE; now += steps[s]) {
            if (!sign_in_throttle_take(throttle, bytes_text("kari"), from(1), now, &wait))
                continue;
            assert_true(count < sizeof taken / sizeof *taken);
            taken[count++] = now;
            assert_true(count <= 10 || now - taken[count - 11] >= MINUTE);
        }
        size_t least = steps[s] < MINUTE / 10 ? 10 * MINUTE / (MINUTE + COARSE + steps[s]) * 10
                                              : 10 * MINUTE / (steps[s] + COARSE);
        assert_true(count >= least);
        sign_in_throttle_free(throttle);
    }
}

/* What was no wrong guess leaves the others of its minute as they are. */
static void test_give_back(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(10);
    uint64_t wait;
    fail_times(throttle, "kari", 1, 0, 9);
    for (uint64_t now = 1000; now < MINUTE; now += 1000) {
        assert_true(sign_in_throttle_take(throttle, bytes_text("kari"), from(1), now, &wait));
        sign_in_throttle_give_back(throttle, bytes_text("kari"), from(1), now);
    }
    fail_times(throttle, "kari", 1, MINUTE - 1, 1);
    assert_false(allowed(throttle, "kari", 1, MINUTE - 1));
    /* The nine are over, the one is not. */
    fail_times(throttle, "kari", 1, MINUTE + COARSE, 9);
    assert_false(allowed(throttle, "kari", 1, MINUTE + COARSE));
    /* What is given back after it was forgotten, or never counted, changes nothing. */
    sign_in_throttle_give_back(throttle, bytes_text("kari"), from(1), 0);
    sign_in_throttle_give_back(throttle, bytes_text("nils"), from(2), 0);
    assert_false(allowed(throttle, "kari", 1, MINUTE + COARSE));
    sign_in_throttle_free(throttle);
}

/* A clock that seems to step back gives nothing away and takes nothing. */
static void test_clock(void **state)
{
    (void)state;
    struct sign_in_throttle *throttle = sign_in_throttle_new(1);
    fail_times(throttle, "kari", 1, 100000, 1);
    assert_false(allowed(throttle, "kari", 2, 50000));
    assert_true(wait_for(throttle, "kari", 2, 50000) <= MINUTE + COARSE);
    assert_true(allowed(throttle, "kari", 2, 100000 + MINUTE + COARSE));
    sign_in_throttle_free(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name),       cmocka_unit_test(test_address),
        cmocka_unit_test(test_no_name),    cmocka_unit_test(test_case),
        cmocka_unit_test(test_at_once),    cmocka_unit_test(test_flood),
        cmocka_unit_test(test_any_minute), cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

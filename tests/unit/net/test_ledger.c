/* Allowances, the ledger of them and the slow lane, under clocks of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net_random.h"
#include "protocol/bytes.h"
#include "server/net/lane.h"
#include "server/net/ledger.h"

#define MOST_SPENT 4000

/* Who spends a point at a time, and only while there is one, spends in any stretch of time no more
 * than the burst and what comes back in it; and who waits as long as they were told has one. */
static void spend_at_random(const struct allowance_terms *terms)
{
    static uint64_t spent_ms[MOST_SPENT];
    struct allowance allowance = {.spent = 0};
    uint64_t now_ms = draw(100000);
    size_t count = 0;
    for (int step = 0; step < 3000 && count < MOST_SPENT; step++) {
        uint64_t wait_ms = allowance_wait_ms(&allowance, terms, now_ms);
        if (wait_ms == 0) {
            allowance_spend(&allowance, terms, 1, now_ms);
            spent_ms[count++] = now_ms;
        } else if (draw(2)) {
            assert_int_not_equal(allowance_wait_ms(&allowance, terms, now_ms + wait_ms - 1), 0);
            now_ms += wait_ms;
            assert_int_equal(allowance_wait_ms(&allowance, terms, now_ms), 0);
        }
        now_ms += draw(4) ? draw(3) : draw(5000);
    }
    assert_true(count > terms->burst);
    for (size_t from = 0; from < count; from += 1 + draw(20)) {
        for (size_t to = from; to < count; to++) {
            uint64_t passed_ms = spent_ms[to] - spent_ms[from];
            uint64_t most = terms->burst + passed_ms * terms->per_minute / 60000;
            assert_true(to - from + 1 <= most);
        }
    }
}

static void test_never_more(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        const struct allowance_terms terms = {.per_minute = 1 + draw(6000), .burst = 1 + draw(100)};
        spend_at_random(&terms);
    }
}

static void test_debt_is_bounded(void **state)
{
    (void)state;
    const struct allowance_terms terms = {.per_minute = 60, .burst = 10};
    struct allowance allowance = {.spent = 0};
    allowance_spend(&allowance, &terms, UINT32_MAX, 5000);
    assert_int_equal(allowance_spent(&allowance, &terms, 5000), 20);
    /* Ten points come back, and the one that is asked for. */
    assert_int_equal(allowance_wait_ms(&allowance, &terms, 5000), 11000);
    /* A clock that was read a little earlier gives nothing back, and takes nothing. */
    allowance_spend(&allowance, &terms, 1, 4000);
    assert_int_equal(allowance_wait_ms(&allowance, &terms, 4000), 11000);
    assert_int_equal(allowance_wait_ms(&allowance, &terms, 5000), 11000);
    /* All of it is back after long enough, however long. */
    assert_int_equal(allowance_spent(&allowance, &terms, 25001), 0);
    assert_int_equal(allowance_wait_ms(&allowance, &terms, UINT64_MAX), 0);
}

/* ---- The ledger ---- */

static struct ledger_key key(uint64_t n)
{
    struct ledger_key key = {.octet = {0}};
    put_u64(key.octet + 4, n);
    return key;
}

static const struct allowance_terms ten = {.per_minute = 60, .burst = 10};

static void test_each_for_itself(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new(&ten);
    assert_non_null(ledger);
    assert_int_equal(ledger_charge(ledger, key(1), 9, 1000).wait_ms, 0);
    assert_int_equal(ledger_wait_ms(ledger, key(1), 1000), 0);
    assert_int_equal(ledger_charge(ledger, key(1), 1, 1000).wait_ms, 1000);
    assert_int_equal(ledger_wait_ms(ledger, key(1), 1000), 1000);
    assert_int_equal(ledger_wait_ms(ledger, key(1), 2000), 0);
    assert_int_equal(ledger_wait_ms(ledger, key(2), 1000), 0);
    assert_int_equal(ledger_charge(ledger, key(2), 1, 1000).wait_ms, 0);
    ledger_free(ledger);
}

/* What was charged too much does not wait to wear off, and is never more than was spent. */
static void test_given_back(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new(&ten);
    assert_int_equal(ledger_charge(ledger, key(1), 10, 1000).wait_ms, 1000);
    ledger_give_back(ledger, key(1), 4, 1000);
    assert_int_equal(ledger_charge(ledger, key(1), 3, 1000).wait_ms, 0);
    ledger_add(ledger, key(1), 2, 1000);
    assert_int_equal(ledger_wait_ms(ledger, key(1), 1000), 2000);
    ledger_give_back(ledger, key(1), UINT32_MAX, 1000);
    assert_int_equal(ledger_charge(ledger, key(1), 9, 1000).wait_ms, 0);
    assert_int_equal(ledger_charge(ledger, key(1), 1, 1000).wait_ms, 1000);
    ledger_give_back(ledger, key(2), 5, 1000); /* nobody has heard of them */
    assert_int_equal(ledger_charge(ledger, key(2), 10, 1000).wait_ms, 1000);
    ledger_free(ledger);
}

/* Charging without a word leaves it to tell to whoever charges next. */
static void test_added_without_a_word(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new(&ten);
    ledger_add(ledger, key(1), 12, 0);
    const struct ledger_verdict verdict = ledger_charge(ledger, key(1), 1, 0);
    assert_true(verdict.tell);
    assert_int_equal(verdict.points, 13);
    ledger_free(ledger);
}

/* Once a minute each, with all that came since. */
static void test_told_once_a_minute(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new(&ten);
    assert_false(ledger_charge(ledger, key(1), 5, 0).tell);
    struct ledger_verdict verdict = ledger_charge(ledger, key(1), 7, 0);
    assert_true(verdict.tell);
    assert_int_equal(verdict.points, 12);
    assert_false(ledger_charge(ledger, key(1), 20, LEDGER_TELL_MS).tell);
    assert_true(ledger_charge(ledger, key(2), 20, LEDGER_TELL_MS).tell);
    verdict = ledger_charge(ledger, key(1), 20, LEDGER_TELL_MS + 1);
    assert_true(verdict.tell);
    assert_int_equal(verdict.points, 40);
    ledger_free(ledger);
}

/* However many strangers come, who owes most is not forgotten for them. */
static void test_a_crowd_of_strangers(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_new(&ten);
    ledger_charge(ledger, key(0), 15, 1000);
    for (uint64_t n = 1; n <= 200000; n++)
        ledger_charge(ledger, key(n), 1 + draw(3), 1000);
    assert_int_equal(ledger_wait_ms(ledger, key(0), 1000), 6000);
    /* Who owes nothing any more gives way, so the newest are there. */
    uint64_t first = UINT64_C(1) << 40;
    for (uint64_t n = 0; n < 1000; n++)
        assert_true(ledger_charge(ledger, key(first + n), 12, 60000).wait_ms > 0);
    unsigned remembered = 0;
    for (uint64_t n = 0; n < 1000; n++)
        remembered += ledger_wait_ms(ledger, key(first + n), 60000) > 0;
    assert_true(remembered > 990);
    ledger_free(ledger);
}

/* ---- The slow lane ---- */

#define WAITING 64

struct waiter {
    struct lane_place place;
    uint64_t hash;
    uint32_t number;
};

static void line_up(struct lane *lane, struct waiter *waiter, uint64_t hash, uint32_t number)
{
    *waiter = (struct waiter){.hash = hash, .number = number};
    lane_enter(lane, &waiter->place, hash);
}

static void test_lane_order(void **state)
{
    (void)state;
    struct lane lane = {.terms = {.per_minute = 600, .burst = 1}};
    struct waiter crowd[WAITING], office[2];
    uint64_t now_ms = 0;
    assert_int_equal(lane_wait_ms(&lane, 0), UINT64_MAX);
    assert_null(lane_take(&lane, 0));
    for (uint32_t i = 0; i < WAITING; i++)
        line_up(&lane, &crowd[i], 7, i);
    line_up(&lane, &office[0], 8, 0);
    line_up(&lane, &office[1], 8, 1);
    /* A crowd of one queue and two of another take turns, each queue in its order. */
    static const int expected[] = {'c', 'o', 'c', 'o', 'c', 'c'};
    uint32_t next[2] = {0, 0};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(lane_wait_ms(&lane, now_ms), 0);
        const struct waiter *taken = (const struct waiter *)lane_take(&lane, now_ms);
        assert_non_null(taken);
        assert_int_equal(taken->hash, expected[i] == 'c' ? 7 : 8);
        assert_int_equal(taken->number, next[taken->hash - 7]++);
        assert_false(taken->place.taken);
        /* Ten a second, one at a time. */
        assert_null(lane_take(&lane, now_ms));
        assert_int_equal(lane_wait_ms(&lane, now_ms), 100);
        now_ms += 100;
    }
}

/* Coming, leaving and being taken at random, held to plain lists. */
static void test_lane_model(void **state)
{
    (void)state;
    struct lane lane = {.terms = {.per_minute = 60000, .burst = 3}};
    struct waiter waiters[WAITING] = {{.hash = 0}};
    uint32_t count = 0, came = 0, taken = 0;
    uint64_t now_ms = 0;
    for (int step = 0; step < 100000; step++) {
        struct waiter *waiter = &waiters[draw(WAITING)];
        uint32_t what = draw(4);
        if (what < 2 && !waiter->place.taken) {
            line_up(&lane, waiter, draw(5), came++);
            count++;
        } else if (what == 2) {
            count -= waiter->place.taken;
            lane_leave(&lane, &waiter->place);
        } else if (what == 3) {
            const struct waiter *first = (const struct waiter *)lane_take(&lane, now_ms);
            count -= first != NULL;
            taken += first != NULL;
            for (uint32_t i = 0; first && i < WAITING; i++) {
                if (waiters[i].place.taken && waiters[i].hash == first->hash)
                    assert_true(waiters[i].number > first->number);
            }
        }
        now_ms += draw(8) == 0;
        assert_int_equal(lane.count, count);
        assert_true(taken <= 3 + now_ms);
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_more),           cmocka_unit_test(test_debt_is_bounded),
        cmocka_unit_test(test_each_for_itself),      cmocka_unit_test(test_told_once_a_minute),
        cmocka_unit_test(test_given_back),           cmocka_unit_test(test_added_without_a_word),
        cmocka_unit_test(test_a_crowd_of_strangers), cmocka_unit_test(test_lane_order),
        cmocka_unit_test(test_lane_model),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}

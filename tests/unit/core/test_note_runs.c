/* Runs changed where they stand are what copying them would have made: the same authors and times,
 * over random sets of few and of many places. The seed is printed and may be given as TANDEM_SEED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "server/core/note/note_runs.h"

#define TEXTS 60u
#define CHANGES 400u
#define AUTHORS 3u
#define MOST_UNITS 3000u

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static struct bytes author(unsigned i)
{
    static const char *const names[AUTHORS] = {"kari", "nils", ""};
    return bytes_text(names[i]);
}

/* Where things meet is where mistakes are: runs that end, nothing between two changes, all of it.
 */
static uint32_t units_to_go(const struct note_runs *runs, uint32_t at, uint32_t left)
{
    uint64_t end = 0;
    if (left == 0 || pick(8) == 0)
        return pick(2) ? left : 0;
    for (size_t i = 0; i < runs->count && pick(2); i++) {
        end += runs->runs[i].length;
        if (end > at && end - at <= left && pick(2))
            return (uint32_t)(end - at);
    }
    return pick((left < 20 ? left : 20) + 1);
}

static void random_set(const struct note_runs *runs, struct change_set *set)
{
    static const char *const words[] = {"", "x", "some words", "\xf0\x9f\x98\x80"};
    const uint32_t length = (uint32_t)note_runs_length(runs);
    uint32_t at = 0;
    change_set_clear(set);
    for (unsigned places = pick(10) == 0 ? 10 + pick(30) : 1 + pick(2); places > 0; places--) {
        const uint32_t kept = units_to_go(runs, at, length - at);
        const uint32_t gone = pick(2) ? units_to_go(runs, at + kept, length - at - kept) : 0;
        const bool full = length > MOST_UNITS;
        change_set_keep(set, kept);
        change_set_replace(set, gone, bytes_text(full ? "" : words[pick(4)]), false);
        at += kept + gone;
    }
    change_set_keep(set, length - at);
}

static void changed_runs_are_as_copied_ones(void **state)
{
    (void)state;
    struct change_set set = {0};
    for (unsigned i = 0; i < TEXTS; i++) {
        struct note_runs runs = {0}, copied = {0}, spare = {0};
        for (unsigned n = pick(40); n > 0; n--)
            note_runs_add(&runs, 1 + pick(9), author(pick(AUTHORS)), pick(50));
        for (unsigned n = 0; n < CHANGES; n++) {
            const unsigned by = pick(AUTHORS);
            const uint64_t at_ms = pick(100);
            random_set(&runs, &set);
            assert_int_equal(set.state, STATUS_OK);
            note_runs_apply(&runs, &set, author(by), at_ms, &copied);
            note_runs_change(&runs, &set, author(by), at_ms, &spare);
            assert_false(runs.failed || copied.failed);
            assert_true(note_runs_equal(&runs, &copied));
            assert_int_equal(note_runs_length(&runs), set.after);
        }
        note_runs_release(&runs);
        note_runs_release(&copied);
        note_runs_release(&spare);
    }
    change_set_release(&set);
}

/* Two people take turns letter by letter, for longer than there is room for their turns. */
static void changed_runs_stay_bounded_as_copied_ones(void **state)
{
    (void)state;
    struct note_runs runs = {0}, copied = {0}, spare = {0};
    struct change_set set = {0};
    for (uint32_t i = 0; i < NOTE_RUNS_MAX + 600; i++) {
        change_set_clear(&set);
        change_set_keep(&set, i);
        change_set_replace(&set, 0, bytes_text("x"), false);
        note_runs_apply(&runs, &set, author(i % 2), i, &copied);
        note_runs_change(&runs, &set, author(i % 2), i, &spare);
        assert_true(note_runs_equal(&runs, &copied));
        assert_true(runs.count <= NOTE_RUNS_MAX);
    }
    change_set_release(&set);
    note_runs_release(&runs);
    note_runs_release(&copied);
    note_runs_release(&spare);
}

static int choose_seed(void **state)
{
    (void)state;
    const char *given = getenv("TANDEM_SEED");
    const unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("TANDEM_SEED=%u\n", seed);
    srand(seed);
    return 0;
}

/* What was made coarser beside a run without an author is one with it: read from where it is stored
 * it would be. */
static void coarser_runs_are_one_with_their_like(void **state)
{
    struct note_runs runs = {0};
    (void)state;
    note_runs_add(&runs, 10, bytes_text(""), 1);
    for (unsigned i = 0; i < NOTE_RUNS_MAX; i++)
        note_runs_add(&runs, 1, bytes_text(i % 2 == 0 ? "ada" : "kari"), 2);
    note_runs_limit(&runs);
    assert_int_equal(runs.count, 1);
    assert_int_equal(runs.runs[0].length, 10 + NOTE_RUNS_MAX);
    assert_int_equal(runs.runs[0].at_ms, 2);
    assert_int_equal(runs.runs[0].by.size, 0);
    note_runs_release(&runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_runs_are_as_copied_ones),
        cmocka_unit_test(changed_runs_stay_bounded_as_copied_ones),
        cmocka_unit_test(coarser_runs_are_one_with_their_like),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}

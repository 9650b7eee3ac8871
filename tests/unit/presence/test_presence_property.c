/* Many people of three partners and the company come, move, fall silent and leave, at few things,
 * so that these are crowded. What each hears is what a plain list of announcements says; whoever is
 * not woken has nothing to hear; and what a partner's people see does not depend, in anything or at
 * any time, on whether another partner's people are there at all.
 *
 * SEED=n repeats one history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/message.h"
#include "tests/unit/presence/board_stage.h"

#define SIDES 4u
#define PEOPLE 300u
#define THINGS 3u
#define STEPS 4000u
#define HEARD 8192u

struct announcement {
    unsigned member, thing;
    bool typing;
    uint64_t came, spoke;
};

struct history {
    struct stage *stage;
    struct announcement there[PEOPLE * THINGS]; /* in the order in which they came */
    unsigned count;
    uint64_t clock, random;
    char told[PEOPLE][THINGS][HEARD]; /* what each was told last of a thing, or: */
#define ABSENT "-"                    /* it is not there, and is owed nothing of it */
#define UNTOLD "?"                    /* it has come, and was told nothing yet */
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t below(struct history *history, uint64_t bound)
{
    uint64_t z = (history->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

/* Of the company, or of one of three partners. */
static unsigned side_of(unsigned member)
{
    return member % SIDES;
}

static struct announcement *find(struct history *history, unsigned member, unsigned thing)
{
    for (unsigned i = 0; i < history->count; i++)
        if (history->there[i].member == member && history->there[i].thing == thing)
            return &history->there[i];
    return NULL;
}

static void forget(struct history *history, unsigned member, unsigned thing)
{
    struct announcement *gone = find(history, member, thing);
    if (gone == NULL)
        return;
    const size_t behind = (size_t)(&history->there[history->count] - gone) - 1;
    memmove(gone, gone + 1, behind * sizeof *gone);
    history->count--;
}

static void note_told(struct history *history, unsigned member, unsigned thing, const char *told)
{
    (void)snprintf(history->told[member][thing], HEARD, "%s", told);
}

/* The most silent of the side goes while too many are at the thing, or on the whole board. */
static void make_room(struct history *history, unsigned side, unsigned thing)
{
    unsigned at_thing = 0, in_all = 0;
    const struct announcement *silent_here = NULL, *silent = NULL;
    for (unsigned i = 0; i < history->count; i++) {
        const struct announcement *one = &history->there[i];
        if (side_of(one->member) != side)
            continue;
        in_all++;
        if (silent == NULL || one->spoke < silent->spoke)
            silent = one;
        if (one->thing != thing)
            continue;
        at_thing++;
        if (silent_here == NULL || one->spoke < silent_here->spoke)
            silent_here = one;
    }
    if (at_thing > PRESENCE_CROWD)
        forget(history, silent_here->member, silent_here->thing);
    else if (side != 0 && in_all > PRESENCE_OUTSIDE)
        forget(history, silent->member, silent->thing);
}

static void model_come(struct history *history, unsigned member, unsigned thing, bool typing)
{
    struct announcement *one = find(history, member, thing);
    if (one != NULL) {
        one->typing = typing;
        one->spoke = ++history->clock;
        return;
    }
    history->there[history->count++] =
        (struct announcement){member, thing, typing, history->clock + 1, history->clock + 1};
    history->clock++;
    note_told(history, member, thing, UNTOLD);
    make_room(history, side_of(member), thing);
}

/* Whom the member is told of, newest first. */
static void model_list(struct history *history, unsigned member, unsigned thing, char *out)
{
    const unsigned viewer = side_of(member);
    size_t at = 0;
    out[0] = '\0';
    if (find(history, member, thing) == NULL)
        return;
    for (unsigned i = history->count; i-- > 0;) {
        const struct announcement *one = &history->there[i];
        const unsigned side = side_of(one->member);
        if (one->thing != thing || one->member == member ||
            (side != 0 && viewer != 0 && side != viewer))
            continue;
        at += (size_t)snprintf(out + at, HEARD - at, "%su%u%s", at > 0 ? "," : "", one->member + 1,
                               one->typing ? "!" : "");
        assert_true(at < HEARD);
    }
}

/* What was heard of a thing, up to the end of all; NULL: nothing. */
static const char *part_of(const char *heard, unsigned thing)
{
    char begin[16];
    (void)snprintf(begin, sizeof begin, " %u:", thing + 1);
    if (strncmp(heard, begin + 1, strlen(begin + 1)) == 0)
        return heard + strlen(begin + 1);
    const char *at = strstr(heard, begin);
    return at != NULL ? at + strlen(begin) : NULL;
}

/* The member comes, and hears what the model says. */
static void hear(struct history *history, unsigned member, char *heard)
{
    static char list[HEARD];
    stage_hear(history->stage, &history->stage->members[member], heard, HEARD);
    for (unsigned thing = 0; thing < THINGS; thing++) {
        const char *part = part_of(heard, thing), *before = history->told[member][thing];
        model_list(history, member, thing, list);
        if (strcmp(before, ABSENT) == 0 || strcmp(before, list) == 0) {
            assert_null(part);
        } else {
            assert_non_null(part);
            assert_int_equal(strncmp(part, list, strlen(list)), 0);
            assert_true(part[strlen(list)] == ' ' || part[strlen(list)] == '\0');
        }
        note_told(history, member, thing, find(history, member, thing) != NULL ? list : ABSENT);
    }
}

/* Whoever is not woken would hear what they heard last. */
static void nothing_to_hear(struct history *history, unsigned member)
{
    static char list[HEARD];
    for (unsigned thing = 0; thing < THINGS; thing++) {
        const char *told = history->told[member][thing];
        model_list(history, member, thing, list);
        if (find(history, member, thing) == NULL)
            assert_string_equal(told, ABSENT);
        else if (strcmp(told, UNTOLD) != 0)
            assert_string_equal(told, list);
    }
}

/* What somebody sees: when they are woken, and what they hear. */
struct observed {
    uint64_t hash;
    unsigned long events;
};

static void observe(struct observed *observed, unsigned step, unsigned member, const char *what)
{
    char line[64];
    (void)snprintf(line, sizeof line, "%u %u ", step, member);
    observed->events++;
    for (const char *part = line; part != NULL; part = part == line ? what : NULL)
        for (; *part != '\0'; part++)
            observed->hash = (observed->hash ^ (uint8_t)*part) * 1099511628211u;
}

static void make_people(struct history *history)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        const unsigned side = side_of(i);
        (void)stage_enter(history->stage,
                          side == 0 ? stage_company() : stage_partner((uint8_t)side));
        for (unsigned thing = 0; thing < THINGS; thing++)
            note_told(history, i, thing, ABSENT);
    }
}

/* One step of one member, whom the choice does not depend on. */
static void act(struct history *history, unsigned member, unsigned what, unsigned thing,
                char *heard)
{
    struct stage_member *self = &history->stage->members[member];
    heard[0] = '\0';
    if (what < 2) {
        stage_leave(history->stage, self, (uint8_t)(thing + 1));
        forget(history, member, thing);
        note_told(history, member, thing, ABSENT);
    } else if (what < 8) {
        const struct presence_doing doing = {.typing = what < 4};
        assert_int_equal(stage_at(history->stage, self, (uint8_t)(thing + 1), &doing), STATUS_OK);
        model_come(history, member, thing, doing.typing);
    } else {
        hear(history, member, heard);
    }
}

/* Runs a history without the people of the side `absent` (SIDES: with all), and gathers what those
 * of the side `watched` see. */
static struct observed run(uint64_t seed, unsigned absent, unsigned watched)
{
    struct observed observed = {.hash = 14695981039346656037u};
    static struct history history;
    static char heard[HEARD];
    void *state;
    memset(&history, 0, sizeof history);
    history.random = seed;
    assert_int_equal(stage_set_up(&state), 0);
    history.stage = state;
    make_people(&history);
    for (unsigned step = 0; step < STEPS; step++) {
        const unsigned member = (unsigned)below(&history, PEOPLE);
        const unsigned what = (unsigned)below(&history, 12);
        const unsigned witness = (unsigned)below(&history, PEOPLE);
        const unsigned thing = (unsigned)below(&history, THINGS);
        bool woken[PEOPLE];
        if (side_of(member) == absent)
            continue;
        for (unsigned i = 0; i < PEOPLE; i++)
            woken[i] = history.stage->members[i].woken;
        act(&history, member, what, thing, heard);
        if (side_of(member) == watched)
            observe(&observed, step, member, heard);
        for (unsigned i = watched; i < PEOPLE; i += SIDES)
            if (history.stage->members[i].woken && !woken[i])
                observe(&observed, step, i, "woken");
        if (!history.stage->members[witness].woken)
            nothing_to_hear(&history, witness);
    }
    assert_int_equal(stage_tear_down(&state), 0);
    return observed;
}

static void test_another_partner_shows_in_nothing(void **state)
{
    const char *given = getenv("SEED");
    (void)state;
    for (uint64_t round = 0; round < 2; round++) {
        const uint64_t seed = given != NULL ? strtoul(given, NULL, 10) : round + 1;
        print_message("SEED=%llu\n", (unsigned long long)seed);
        const struct observed with = run(seed, SIDES, 1), without = run(seed, 2, 1);
        assert_true(with.events > STEPS / SIDES);
        assert_int_equal(with.events, without.events);
        assert_true(with.hash == without.hash);
        /* The company's people do show. */
        assert_true(run(seed, 0, 1).hash != with.hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_another_partner_shows_in_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Access that ends while entries wait and conflicts are open, with the n-th write, flush or
 * allocation failing, for every n, and the process dying right after it.
 *
 * The server tells of the purge until it hears that it was applied. Whatever failed, in the end
 * nothing of others is kept: neither what entries show nor what is in the files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/client-lib/conflict_world.h"

#define SOME_TURNS 12

/* Whether a text is in a file of the folder. */
static bool folder_has(const struct world *world, const char *text)
{
    static const char *const names[] = {"data.mdb", "outbox.mdb", "lock"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        const size_t length = (size_t)ftell(file);
        char *contents = malloc(length);
        assert_non_null(contents);
        rewind(file);
        assert_int_equal(fread(contents, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
        found = found || memmem(contents, length, text, strlen(text)) != NULL;
        free(contents);
    }
    return found;
}

static void say_purge(uint64_t from)
{
    struct buffer scopes = {0};
    const struct scope scope = account_of(1);
    shop_say_changes(from, 70, (struct bytes){0}, (struct bytes){0}, scopes_of(&scopes, &scope, 1));
    buffer_release(&scopes);
}

static void forget_frames(void)
{
    server.sent_seen = server.sent_count;
    server.inbox_used = server.inbox_count;
    server.closing = false;
    durable_forget_frames();
}

/* A conflict about a phone number that is 333 by now, and the purge, while something fails. */
static void begin(struct world *world)
{
    struct view view = shop_phone_conflict(world);
    assert_string_equal(view.line[0].theirs, "333");
    assert_true(folder_has(world, "333"));
    assert_true(folder_has(world, "Fjord"));
}

static void go_on_failing(struct world *world)
{
    for (int turn = 0; turn < SOME_TURNS; turn++) {
        world->port.now += 5;
        (void)tandem_service(world->client);
    }
}

static void expect_nothing_shown(struct world *world)
{
    const struct view view = shop_only(world, 0);
    assert_int_equal(view.entries, 1);
    assert_string_equal(view.line[0].mine, "222");
    assert_string_equal(view.line[0].base, "(none)");
    assert_string_equal(view.line[0].theirs, "(none)");
    assert_string_equal(view.line[0].by, "");
    assert_null(strstr(view.json, "Fjord"));
}

/* The next run, in which nothing fails. Where the purge was applied, nothing is shown, although the
 * server says no more of it. */
static void finish(struct world *world)
{
    durable_crash(world);
    forget_frames();
    open_client(world, true);
    if (tandem_cursor(world->client) == 70)
        expect_nothing_shown(world);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    if (tandem_cursor(world->client) < 70)
        say_purge(tandem_cursor(world->client));
    shop_say_caught_up(70);
    durable_settle(world, &shop);
    assert_int_equal(tandem_cursor(world->client), 70);
}

static void judge(struct world *world)
{
    expect_nothing_shown(world);
    assert_false(folder_has(world, "333"));
    assert_false(folder_has(world, "Fjord"));
}

struct course {
    void *state; /* of the test's set-up, which each run makes anew */
    bool memory;
    enum failing_way way;
};

static bool purge_with_a_fault(void *context, uint64_t n, bool onwards)
{
    struct course *course = context;
    struct failing_plan *plan = failing_plan();
    assert_int_equal(shop_set_up(&course->state), 0);
    struct world *world = course->state;
    begin(world);
    say_purge(tandem_cursor(world->client));
    if (course->memory)
        failing_memory_arm(n, onwards);
    else
        failing_calls_arm_disk(course->way, EIO, n, onwards);
    go_on_failing(world);
    const bool met = (course->memory ? failing_memory_disarm() : failing_calls_disarm(plan)) > 0;
    finish(world);
    judge(world);
    assert_int_equal(shop_tear_down(&course->state), 0);
    return met;
}

static void writes_and_flushes(void **state)
{
    struct course course = {.memory = false};
    (void)state;
    sweep("write and flush, access ends", 2, purge_with_a_fault, &course);
    course.way = FAILING_ALL_DONE;
    sweep("write and flush, access ends, done all the same", 2, purge_with_a_fault, &course);
}

static void allocations(void **state)
{
    struct course course = {.memory = true};
    (void)state;
    sweep("allocation, access ends", 1, purge_with_a_fault, &course);
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_flushes),
        cmocka_unit_test(allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

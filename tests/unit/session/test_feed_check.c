/* Checksums: those of what is held when they arrive, and of nothing else. The client of the fixture
 * compares them when they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/sum.h"
#include "protocol/wire.h"
#include "tests/unit/session/feed_fixture.h"

static struct scope account(struct id id)
{
    return (struct scope){SCOPE_ACCOUNT, id};
}

/* The sums that came last, which must answer the request; how many they are. */
static uint32_t sums_of(const struct world_client *client, uint64_t request)
{
    struct message message;
    assert_int_equal(message_decode(client_last(client, MESSAGE_SUMS), &message, NULL), STATUS_OK);
    assert_int_equal(message.as.sums.request, request);
    return message_count(message.as.sums.sums);
}

static uint64_t counted(const struct world_client *client, uint32_t index)
{
    struct message message;
    struct wire_reader reader;
    struct bytes entry;
    uint32_t count;
    uint64_t records = 0;
    assert_int_equal(message_decode(client_last(client, MESSAGE_SUMS), &message, NULL), STATUS_OK);
    reader = wire_read(message.as.sums.sums);
    assert_true(wire_get_array(&reader, &count) && index < count);
    for (uint32_t i = 0; i <= index; i++) {
        assert_true(wire_skip(&reader, &entry));
    }
    assert_true(wire_map_uint(entry, "count", &records));
    return records;
}

static void expect_error(const struct world_client *client, const char *name, uint64_t request)
{
    struct message message;
    assert_int_equal(message_decode(client_last(client, MESSAGE_ERROR), &message, NULL), STATUS_OK);
    assert_true(bytes_is(message.as.error.name, name));
    assert_int_equal(message.as.error.request, request);
}

static void test_what_is_held_adds_up(void **state)
{
    struct fixture *f = *state;
    struct scope scopes[] = {account(f->fjord), account(f->hytte), {SCOPE_LIBRARY, {{0}}}};
    assign(f, f->supplier, f->fjord);
    struct id shared = make_note(f, f->fjord, "shared", "suppliers");
    make_note(f, f->fjord, "internal", NULL);
    must(world_update(f->world, f->admin, "account", f->fjord, "rating", "Hot", NULL));
    struct world_client *kari = watcher(f, f->kari), *eva = watcher(f, f->eva);
    client_check(kari, 1, scopes, 3);
    client_settle(kari);
    assert_int_equal(sums_of(kari, 1), 3);
    assert_int_equal(counted(kari, 0), 4); /* account, assignment, two notes */
    client_check(eva, 2, scopes, 3);
    client_settle(eva);
    assert_int_equal(sums_of(eva, 2), 2); /* but hytte */
    assert_int_equal(counted(eva, 0), 3);
    /* By several tags at different seqs it is still one record. */
    must(world_share(f->world, f->admin, shared, "partners", NULL));
    client_settle(eva);
    client_check(eva, 3, scopes, 1);
    client_settle(eva);
    assert_int_equal(counted(eva, 0), 3);
}

static void test_sums_come_after_what_is_owed(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct world_client *kari = watcher(f, f->kari);
    client_check(kari, 1, &fjord, 1);
    make_note(f, f->fjord, "news", NULL);
    /* Not announced yet: the sums wait for it. */
    assert_int_equal(client_pump(kari, 10, true), 0);
    world_deliver(f->world, 1);
    assert_int_equal(client_pump(kari, 1, true), 1);
    assert_int_equal(client_received(kari, MESSAGE_SUMS), 0);
    assert_int_equal(client_pump(kari, 1, true), 1);
    assert_int_equal(client_received(kari, MESSAGE_SUMS), 1);
    assert_int_equal(counted(kari, 0), 2);
}

/* What happens elsewhere does not delay them. */
static void test_news_of_other_scopes_do_not_matter(void **state)
{
    struct fixture *f = *state;
    char wanted[SCOPE_TEXT_SIZE];
    struct scope fjord = account(f->fjord);
    const char *scopes[] = {scope_to_text(fjord, wanted)};
    struct world_client *kari = world_client_new(f->world, f->kari, scopes, 1);
    client_connect(kari);
    client_settle(kari);
    make_note(f, f->hytte, "elsewhere", NULL);
    client_check(kari, 1, &fjord, 1);
    assert_int_equal(client_pump(kari, 10, true), 1);
    assert_int_equal(sums_of(kari, 1), 1);
}

/* More than one call can look at, with changes in between. */
static void test_a_long_check_begins_again_when_the_scope_changes(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct id notes[700];
    for (unsigned i = 0; i < 700; i++) {
        notes[i] = make_note(f, f->fjord, "note", NULL);
    }
    struct world_client *kari = watcher(f, f->kari);
    client_check(kari, 1, &fjord, 1);
    assert_false(client_step(kari)); /* a stretch */
    assert_true(client_due(kari));
    /* One that was looked at, one that was not, and one that goes. */
    must(world_update(f->world, f->admin, "note", notes[0], "text", "changed", NULL));
    must(world_update(f->world, f->admin, "note", notes[600], "text", "changed", NULL));
    must(world_remove(f->world, f->admin, notes[1]));
    while (client_due(kari)) {
        assert_false(client_step(kari)); /* and at its end it waits to be told of them */
    }
    client_settle(kari);
    assert_int_equal(sums_of(kari, 1), 1);
    assert_int_equal(counted(kari, 0), 700);
}

static void test_a_scope_that_closes_meanwhile_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct id assignment = assign(f, f->supplier, f->fjord);
    for (unsigned i = 0; i < 400; i++) {
        make_note(f, f->fjord, "note", "suppliers");
    }
    struct world_client *eva = watcher(f, f->eva);
    client_check(eva, 1, &fjord, 1);
    assert_false(client_step(eva));
    must(world_remove(f->world, f->admin, assignment));
    client_settle(eva);
    assert_int_equal(sums_of(eva, 1), 0);
    /* Closed and open again in between: what is held then is what was filled in anew. */
    assignment = assign(f, f->supplier, f->fjord);
    client_settle(eva);
    client_check(eva, 2, &fjord, 1);
    assert_false(client_step(eva));
    must(world_remove(f->world, f->admin, assignment));
    assign(f, f->supplier, f->fjord);
    client_settle(eva);
    assert_int_equal(sums_of(eva, 2), 1);
    world_check_view(f->world, eva);
}

static void test_a_scope_that_never_rests_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct id note = {{0}};
    for (unsigned i = 0; i < 400; i++) {
        note = make_note(f, f->fjord, "note", NULL);
    }
    struct world_client *kari = watcher(f, f->kari);
    client_check(kari, 1, &fjord, 1);
    unsigned rounds = 0;
    while (client_received(kari, MESSAGE_SUMS) == 0) {
        assert_true(rounds++ < 100);
        world_deliver(f->world, 100);
        while (client_step(kari)) {
        }
        (void)world_update(f->world, f->admin, "note", note, "text", rounds % 2 ? "one" : "two",
                           NULL);
    }
    assert_int_equal(sums_of(kari, 1), 0);
    client_settle(kari);
    world_check_view(f->world, kari);
}

/* What a check reads, which is what takes time, for a scope that is closed to the user and for one
 * that never was; and for one that is open, with more or less in it that is not theirs. */
static unsigned long cost_of(struct fixture *f, struct world_client *client, struct scope scope)
{
    unsigned long before = world_reads(f->world);
    size_t sums = client_received(client, MESSAGE_SUMS);
    client_check(client, 1, &scope, 1);
    while (client_pump(client, 1, true) == 1) {
    }
    assert_int_equal(client_received(client, MESSAGE_SUMS), sums + 1);
    return world_reads(f->world) - before;
}

static void test_nothing_is_learned_of_what_is_closed(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    make_note(f, f->fjord, "shared", "suppliers");
    for (unsigned i = 0; i < 50; i++) {
        make_note(f, f->hytte, "closed", "suppliers");
    }
    struct world_client *eva = watcher(f, f->eva);
    unsigned long closed = cost_of(f, eva, account(f->hytte));
    assert_int_equal(sums_of(eva, 1), 0);
    unsigned long nothing = cost_of(f, eva, account(world_id(f->world)));
    assert_int_equal(sums_of(eva, 1), 0);
    assert_int_equal(closed, nothing);
    assert_int_equal(cost_of(f, eva, (struct scope){SCOPE_PARTY, f->other}),
                     cost_of(f, eva, (struct scope){SCOPE_PARTY, world_id(f->world)}));
    unsigned long open = cost_of(f, eva, account(f->fjord));
    for (unsigned i = 0; i < 50; i++) {
        make_note(f, f->fjord, "internal", NULL);
    }
    client_settle(eva);
    assert_int_equal(cost_of(f, eva, account(f->fjord)), open);
    assert_int_equal(sums_of(eva, 1), 1);
}

/* Nor do staff learn which ids are those of accounts that are restricted. */
static void test_a_restricted_account_is_as_one_that_never_was(void **state)
{
    struct fixture *f = *state;
    must(world_update(f->world, f->admin, "account", f->fjord, "team", text(f, f->kari),
                      "restricted", "true", NULL));
    struct world_client *in = watcher(f, f->kari), *out = watcher(f, f->ola);
    struct scope scopes[] = {account(f->fjord), account(world_id(f->world)), account(f->hytte)};
    client_check(in, 1, scopes, 3);
    client_settle(in);
    assert_int_equal(sums_of(in, 1), 2);
    client_check(out, 2, scopes, 3);
    client_settle(out);
    assert_int_equal(sums_of(out, 2), 1);
    assert_int_equal(counted(out, 0), 1);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    struct scope scopes[LIMIT_CHECK + 1];
    struct message stop = {.type = MESSAGE_UNSUBSCRIBE};
    for (unsigned i = 0; i <= LIMIT_CHECK; i++) {
        scopes[i] = account(world_id(f->world));
    }
    struct world_client *kari = watcher(f, f->kari);
    client_check(kari, 1, scopes, LIMIT_CHECK + 1);
    client_settle(kari);
    expect_error(kari, "limit", 1);
    client_check(kari, 2, scopes, LIMIT_CHECK);
    client_check(kari, 3, scopes, 1);
    client_settle(kari);
    expect_error(kari, "unexpected-message", 3);
    assert_int_equal(sums_of(kari, 2), 0); /* there are none such */
    client_say(kari, &stop);
    client_check(kari, 4, scopes, 1);
    client_settle(kari);
    expect_error(kari, "unexpected-message", 4);
    client_prefer(kari, scopes, LIMIT_PREFER + 1);
    client_settle(kari);
    expect_error(kari, "limit", 0);
    assert_int_equal(client_closed(kari), 0);
}

static void test_a_check_ends_with_its_subscription(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct world_client *kari = watcher(f, f->kari);
    struct message stop = {.type = MESSAGE_UNSUBSCRIBE};
    client_check(kari, 1, &fjord, 1);
    client_say(kari, &stop);
    client_settle(kari);
    assert_int_equal(client_received(kari, MESSAGE_SUMS), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_held_adds_up),
        TEST(test_sums_come_after_what_is_owed),
        TEST(test_news_of_other_scopes_do_not_matter),
        TEST(test_a_long_check_begins_again_when_the_scope_changes),
        TEST(test_a_scope_that_closes_meanwhile_is_left_out),
        TEST(test_a_scope_that_never_rests_is_left_out),
        TEST(test_nothing_is_learned_of_what_is_closed),
        TEST(test_a_restricted_account_is_as_one_that_never_was),
        TEST(test_what_makes_no_sense_is_refused),
        TEST(test_a_check_ends_with_its_subscription),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is preferred comes first, and only of what is theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "tests/unit/session/feed_fixture.h"

/* Notes that fill several frames. */
#define MANY 60u

static struct scope account(struct id id)
{
    return (struct scope){SCOPE_ACCOUNT, id};
}

static struct id long_note(struct fixture *f, struct id of, const char *audience)
{
    char words[1001];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    return make_note(f, of, words, audience);
}

static void many_notes(struct fixture *f, struct id of, const char *audience)
{
    for (unsigned i = 0; i < MANY; i++) {
        long_note(f, of, audience);
    }
}

static struct message last_of(const struct world_client *client, enum message_type type)
{
    struct message message = {0};
    assert_int_equal(message_decode(client_last(client, type), &message, NULL), STATUS_OK);
    return message;
}

static bool holds_all(const struct world_client *client, const struct id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (client_find(client, ids[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static void test_the_preferred_come_before_the_rest(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    struct scope fjord = account(f->fjord);
    struct id wanted[5];
    client_disconnect(kari);
    many_notes(f, f->hytte, NULL);
    for (unsigned i = 0; i < 5; i++) {
        wanted[i] = make_note(f, f->fjord, "wanted", NULL);
    }
    many_notes(f, f->hytte, NULL);
    client_connect(kari);
    client_prefer(kari, &fjord, 1);
    assert_int_equal(client_pump(kari, 1, true), 1);
    struct message changes = last_of(kari, MESSAGE_CHANGES);
    assert_true(changes.as.changes.more);
    assert_true(changes.as.changes.head > changes.as.changes.to);
    assert_false(holds_all(kari, wanted, 5));
    uint64_t cursor = client_cursor(kari);
    assert_int_equal(client_pump(kari, 1, true), 1);
    struct message ahead = last_of(kari, MESSAGE_BACKFILL);
    assert_true(ahead.as.backfill.ahead);
    assert_int_equal(ahead.as.backfill.from, cursor);
    assert_int_equal(ahead.as.backfill.until, changes.as.changes.head);
    assert_true(holds_all(kari, wanted, 5));
    assert_int_equal(client_cursor(kari), cursor);
    client_settle(kari);
    assert_int_equal(client_received(kari, MESSAGE_BACKFILL), 1);
    assert_int_equal(last_of(kari, MESSAGE_CHANGES).as.changes.to, changes.as.changes.head);
    world_check_view(f->world, kari);
}

/* A new replica gets some of everything first: at cursor 0 it would hear of no purge. The client of
 * the fixture aborts if it comes earlier. */
static void test_nothing_comes_ahead_of_the_first_changes(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    many_notes(f, f->hytte, NULL);
    struct id wanted = make_note(f, f->fjord, "wanted", NULL);
    struct world_client *kari = world_client_new(f->world, f->kari, NULL, 0);
    client_connect(kari);
    client_prefer(kari, &fjord, 1);
    client_pump(kari, 1, true);
    assert_true(client_cursor(kari) > 0);
    assert_null(client_find(kari, wanted));
    client_pump(kari, 1, true);
    assert_non_null(client_find(kari, wanted));
    client_settle(kari);
    world_check_view(f->world, kari);
}

static void test_what_leaves_meanwhile_leaves(void **state)
{
    struct fixture *f = *state;
    struct id assignment = assign(f, f->supplier, f->fjord);
    assign(f, f->supplier, f->hytte);
    struct world_client *eva = watcher(f, f->eva);
    struct scope fjord = account(f->fjord);
    client_disconnect(eva);
    many_notes(f, f->hytte, "suppliers");
    struct id removed = make_note(f, f->fjord, "removed", "suppliers");
    struct id taken = make_note(f, f->fjord, "taken", "suppliers");
    struct id moved = make_note(f, f->fjord, "moved", "suppliers");
    struct id stays = make_note(f, f->fjord, "stays", "suppliers");
    many_notes(f, f->hytte, "suppliers");
    client_connect(eva);
    client_prefer(eva, &fjord, 1);
    client_pump(eva, 2, true);
    struct id all[] = {removed, taken, moved, stays};
    assert_true(holds_all(eva, all, 4));
    must(world_remove(f->world, f->admin, removed));
    must(world_share(f->world, f->admin, taken, NULL, "suppliers"));
    must(world_update(f->world, f->admin, "note", moved, "account", text(f, f->hytte), NULL));
    client_settle(eva);
    assert_null(client_find(eva, removed));
    assert_null(client_find(eva, taken));
    assert_true(scope_equal(client_find(eva, moved)->scope, account(f->hytte)));
    world_check_view(f->world, eva);
    /* And all of it, when the account closes in the middle. */
    client_disconnect(eva);
    many_notes(f, f->hytte, "suppliers");
    struct id later = make_note(f, f->fjord, "later", "suppliers");
    many_notes(f, f->hytte, "suppliers");
    client_connect(eva);
    client_prefer(eva, &fjord, 1);
    client_pump(eva, 2, true);
    assert_non_null(client_find(eva, later));
    must(world_remove(f->world, f->admin, assignment));
    client_settle(eva);
    assert_null(client_find(eva, later));
    assert_null(client_find(eva, stays));
    world_check_view(f->world, eva);
}

static void test_a_backfill_that_is_preferred_comes_before_others(void **state)
{
    struct fixture *f = *state;
    struct id third = make_account(f, "Third");
    struct id accounts[] = {f->fjord, f->hytte, third};
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned n = 0; n < 30; n++) {
            long_note(f, accounts[i], "suppliers");
        }
    }
    struct world_client *eva = watcher(f, f->eva);
    client_disconnect(eva);
    for (unsigned i = 0; i < 3; i++) {
        assign(f, f->supplier, accounts[i]);
    }
    client_connect(eva);
    while (client_received(eva, MESSAGE_BACKFILL) == 0) {
        assert_int_equal(client_pump(eva, 1, true), 1);
    }
    struct scope begun = last_of(eva, MESSAGE_BACKFILL).as.backfill.scope;
    struct scope last = account(id_equal(begun.id, third) ? f->fjord : third);
    client_prefer(eva, &last, 1);
    client_pump(eva, 1, true);
    assert_true(scope_equal(last_of(eva, MESSAGE_BACKFILL).as.backfill.scope, last));
    client_settle(eva);
    world_check_view(f->world, eva);
}

static void test_who_is_caught_up_hears_nothing(void **state)
{
    struct fixture *f = *state;
    struct scope scopes[] = {account(f->fjord), account(f->hytte)};
    struct world_client *kari = watcher(f, f->kari);
    client_prefer(kari, scopes, 2);
    assert_int_equal(client_pump(kari, 10, true), 0);
    make_note(f, f->fjord, "news", NULL);
    world_deliver(f->world, 100);
    assert_int_equal(client_pump(kari, 10, true), 1); /* as it comes, once */
    client_prefer(kari, NULL, 0);
    assert_int_equal(client_pump(kari, 10, true), 0);
}

/* Everything a client receives, and how much was read for it. */
struct heard {
    struct buffer frames;
    unsigned long reads;
};

static void listen(struct fixture *f, struct scope preferred, struct heard *out)
{
    struct world_client *eva = world_client_new(f->world, f->eva, NULL, 0);
    client_connect(eva);
    client_settle(eva);
    client_disconnect(eva);
    many_notes(f, f->hytte, "suppliers");
    client_connect(eva);
    world_forget_frames(f->world);
    client_prefer(eva, &preferred, 1);
    unsigned long before = world_reads(f->world);
    for (size_t changes = 0; client_pump(eva, 1, true) == 1;) {
        if (client_received(eva, MESSAGE_CHANGES) > changes) {
            changes = client_received(eva, MESSAGE_CHANGES);
            struct message message = last_of(eva, MESSAGE_CHANGES);
            uint64_t length[3] = {message_count(message.as.changes.records),
                                  message.as.changes.to - message.as.changes.from,
                                  message.as.changes.more};
            buffer_append(&out->frames, length, sizeof length);
        }
    }
    out->reads = world_reads(f->world) - before;
    assert_int_equal(client_received(eva, MESSAGE_BACKFILL), 0);
    world_check_view(f->world, eva);
}

/* A scope that is closed to them, one that is not there, one of somebody else: all the same, also
 * in what was read, which is what takes time. */
static void test_what_is_closed_is_as_what_never_was(void **state)
{
    struct fixture *f = *state;
    struct scope scopes[] = {account(f->fjord),
                             account(world_id(f->world)),
                             {SCOPE_PARTY, f->other},
                             {SCOPE_USER, f->kari}};
    struct heard heard[4] = {{{0}, 0}};
    assign(f, f->supplier, f->hytte);
    many_notes(f, f->fjord, "suppliers");
    for (unsigned i = 0; i < 4; i++) {
        listen(f, scopes[i], &heard[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_true(heard[i].frames.size > 2 * sizeof(uint64_t[3])); /* there was time for it */
        assert_int_equal(heard[i].frames.size, heard[1].frames.size);
    }
    assert_int_equal(heard[0].reads, heard[1].reads);
    assert_int_equal(heard[2].reads, heard[3].reads);
    for (unsigned i = 0; i < 4; i++) {
        buffer_release(&heard[i].frames);
    }
}

static void test_the_window_holds_for_what_comes_ahead(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct world_client *kari = watcher(f, f->kari);
    client_disconnect(kari);
    for (unsigned i = 0; i < 20; i++) {
        many_notes(f, f->fjord, NULL);
    }
    client_connect(kari);
    client_prefer(kari, &fjord, 1);
    assert_int_equal(client_pump(kari, 2 * LIMIT_WINDOW, false), LIMIT_WINDOW);
    assert_int_equal(client_pump(kari, 1, true), 0);
}

/* Frames of what is preferred until the first of `changes` among them. */
static unsigned ahead_in_a_row(struct world_client *client)
{
    size_t changes = client_received(client, MESSAGE_CHANGES);
    for (unsigned frames = 0; frames < 2 * LIMIT_WINDOW; frames++) {
        assert_int_equal(client_pump(client, 1, true), 1);
        if (client_received(client, MESSAGE_CHANGES) > changes) {
            return frames;
        }
    }
    fail_msg("changes do not go on");
    return 0;
}

/* However big it is, and however often it is asked for. */
static void test_the_rest_goes_on_beside_what_is_preferred(void **state)
{
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct world_client *kari = watcher(f, f->kari);
    client_disconnect(kari);
    struct id others[30];
    for (unsigned i = 0; i < 30; i++) {
        others[i] = long_note(f, f->hytte, NULL);
    }
    for (unsigned i = 0; i < 10; i++) {
        many_notes(f, f->fjord, NULL);
    }
    client_connect(kari);
    client_prefer(kari, &fjord, 1);
    assert_int_equal(client_pump(kari, 1, true), 1);
    assert_false(holds_all(kari, others, 30));
    for (unsigned i = 0; i < 3; i++) {
        uint64_t cursor = client_cursor(kari);
        unsigned ahead = ahead_in_a_row(kari);
        assert_true(ahead >= 1 && ahead <= 8);
        assert_true(client_cursor(kari) > cursor);
    }
    assert_true(holds_all(kari, others, 30));
    for (unsigned i = 0; i < 5; i++) {
        size_t changes = client_received(kari, MESSAGE_CHANGES);
        for (unsigned n = 0; n < 8; n++) {
            client_prefer(kari, &fjord, 1);
            assert_int_equal(client_pump(kari, 1, true), 1);
        }
        assert_true(client_received(kari, MESSAGE_CHANGES) > changes);
    }
    client_settle(kari);
    world_check_view(f->world, kari);
}

static void test_only_entities_that_are_wanted_come_ahead(void **state)
{
    static const char *const entities[] = {"contact"};
    struct fixture *f = *state;
    struct scope fjord = account(f->fjord);
    struct world_client *kari = world_client_new(f->world, f->kari, NULL, 0);
    client_want_entities(kari, entities, 1);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        char words[1001];
        memset(words, 'w', sizeof words - 1);
        words[sizeof words - 1] = '\0';
        must(world_create(f->world, f->admin, "contact", world_id(f->world), "lastName", "X",
                          "description", words, "account", text(f, f->hytte), NULL));
    }
    struct id note = make_note(f, f->fjord, "no contact", NULL), contact = world_id(f->world);
    must(world_create(f->world, f->admin, "contact", contact, "lastName", "Y", "account",
                      text(f, f->fjord), NULL));
    client_connect(kari);
    client_prefer(kari, &fjord, 1);
    client_pump(kari, 2, true);
    assert_non_null(client_find(kari, contact));
    assert_null(client_find(kari, note));
}

/* What is read until the second frame comes, when so many accounts are preferred in which nothing
 * is of what is wanted. */
static unsigned long reads_in_vain(struct fixture *f, const struct scope *scopes, size_t count)
{
    static const char *const entities[] = {"contact"};
    struct world_client *kari = world_client_new(f->world, f->kari, NULL, 0);
    client_want_entities(kari, entities, 1);
    client_connect(kari);
    client_prefer(kari, scopes, count);
    assert_int_equal(client_pump(kari, 1, true), 1);
    unsigned long before = world_reads(f->world);
    assert_int_equal(client_pump(kari, 1, true), 1);
    unsigned long reads = world_reads(f->world) - before;
    client_settle(kari);
    world_check_view(f->world, kari);
    client_disconnect(kari);
    return reads;
}

/* Others of its thread wait for one call as long as it reads. */
static void test_looking_in_vain_is_for_a_short_while(void **state)
{
    struct fixture *f = *state;
    struct scope scopes[8];
    for (unsigned i = 0; i < 2 * MANY; i++) {
        char words[1001];
        memset(words, 'w', sizeof words - 1);
        words[sizeof words - 1] = '\0';
        must(world_create(f->world, f->admin, "contact", world_id(f->world), "lastName", "X",
                          "description", words, "account", text(f, f->hytte), NULL));
    }
    for (unsigned i = 0; i < 8; i++) {
        scopes[i] = account(make_account(f, "Bare"));
        for (unsigned n = 0; n < 100; n++) {
            make_note(f, scopes[i].id, "no contact", NULL);
        }
    }
    assert_true(reads_in_vain(f, scopes, 8) < 4 * reads_in_vain(f, scopes, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_preferred_come_before_the_rest),
        TEST(test_nothing_comes_ahead_of_the_first_changes),
        TEST(test_what_leaves_meanwhile_leaves),
        TEST(test_a_backfill_that_is_preferred_comes_before_others),
        TEST(test_who_is_caught_up_hears_nothing),
        TEST(test_what_is_closed_is_as_what_never_was),
        TEST(test_the_window_holds_for_what_comes_ahead),
        TEST(test_the_rest_goes_on_beside_what_is_preferred),
        TEST(test_only_entities_that_are_wanted_come_ahead),
        TEST(test_looking_in_vain_is_for_a_short_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What goes into one frame, who shares it, and how many are sent ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/credential.h"
#include "tests/unit/session/feed_fixture.h"

static void test_a_slow_reader_is_sent_a_window_and_the_newest_version(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    for (unsigned i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "Name %u", i);
        must(world_update(f->world, f->admin, "account", f->fjord, "name", name, NULL));
        make_account(f, "Filler with a name that takes some room in a frame of changes");
        world_deliver(f->world, 64);
        client_pump(kari, 1, false);
    }
    assert_int_equal(client_received(kari, MESSAGE_CHANGES), 1 + LIMIT_WINDOW);
    assert_int_equal(client_pump(kari, 10, false), 0);
    uint64_t cursor = client_cursor(kari);
    struct message ack = {.type = MESSAGE_ACK};
    ack.as.ack.frames = 1 + LIMIT_WINDOW;
    client_say(kari, &ack);
    assert_int_equal(client_pump(kari, 1, false), 1);
    assert_true(client_cursor(kari) > cursor + 100);
    client_settle(kari);
    world_check_view(f->world, kari);
}

/* One mutation of `count` notes. */
static void make_many(struct fixture *f, uint32_t count)
{
    struct buffer changes = {0}, body = {0};
    wire_put_array(&changes, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_map(&changes, 4);
        wire_put_text(&changes, "op");
        wire_put_text(&changes, "create");
        wire_put_text(&changes, "id");
        wire_put_id(&changes, world_id(f->world));
        wire_put_text(&changes, "entity");
        wire_put_text(&changes, "note");
        wire_put_text(&changes, "fields");
        wire_put_map(&changes, 2);
        wire_put_text(&changes, "text");
        wire_put_text(&changes, "one of many notes that together fill more than a frame");
        wire_put_text(&changes, "account");
        wire_put_id(&changes, f->fjord);
    }
    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = 1;
    world_new_client_id(f->world);
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    must(world_apply(f->world, COMMAND_MUTATE, f->kari, buffer_bytes(&body)));
    buffer_release(&changes);
    buffer_release(&body);
}

static void test_a_mutation_arrives_whole(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    size_t held = client_held_count(kari);
    world_pass_time(f->world, 1000);
    make_many(f, 400);
    world_deliver(f->world, 64);
    assert_int_equal(client_pump(kari, 1, true), 1);
    assert_int_equal(client_held_count(kari), held + 400);
}

/* A TLS record has 16 KiB, and the header of a frame at most 10 bytes. */
static void test_a_frame_of_many_mutations_is_one_record(void **state)
{
    enum { ACCOUNTS = 400 };
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    size_t held = client_held_count(kari), frames = client_received(kari, MESSAGE_CHANGES);
    client_disconnect(kari);
    for (unsigned i = 0; i < ACCOUNTS; i++)
        make_account(f, "Filler with a name that takes some room in a frame of changes");
    world_deliver(f->world, 64);
    client_connect(kari);
    while (client_pump(kari, 1, true) > 0)
        assert_true(client_last(kari, MESSAGE_CHANGES).size <= 16 * 1024 - 10);
    assert_int_equal(client_held_count(kari), held + ACCOUNTS);
    /* Nor are they cut small: each account takes less than 512 bytes. */
    assert_true(client_received(kari, MESSAGE_CHANGES) - frames <= 1 + ACCOUNTS / 31);
}

/* One mutation that moves notes to another account. */
static enum status move_notes(struct fixture *f, const struct id *ids, uint32_t count)
{
    struct buffer changes = {0}, body = {0};
    wire_put_array(&changes, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_map(&changes, 3);
        wire_put_text(&changes, "op");
        wire_put_text(&changes, "update");
        wire_put_text(&changes, "id");
        wire_put_id(&changes, ids[i]);
        wire_put_text(&changes, "fields");
        wire_put_map(&changes, 1);
        wire_put_text(&changes, "account");
        wire_put_id(&changes, f->hytte);
    }
    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = 1;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    world_new_client_id(f->world);
    enum status status = world_apply(f->world, COMMAND_MUTATE, f->kari, buffer_bytes(&body));
    buffer_release(&changes);
    buffer_release(&body);
    return status;
}

/* A mutation's records reach a client in one message: a small one that touches much is refused. */
static void test_a_mutation_cannot_outgrow_a_message(void **state)
{
    enum { COUNT = 30, SIZE = 60000 };
    struct fixture *f = *state;
    static char words[SIZE + 1];
    struct id ids[COUNT];
    memset(words, 'a', SIZE);
    for (unsigned i = 0; i < COUNT; i++)
        ids[i] = make_note(f, f->fjord, words, NULL);
    struct world_client *kari = watcher(f, f->kari);
    assert_int_equal(move_notes(f, ids, COUNT), STATUS_TOO_LARGE);
    client_settle(kari);
    world_check_view(f->world, kari);
    must(move_notes(f, ids, COUNT / 2));
    world_deliver(f->world, 64);
    client_settle(kari);
    assert_true(client_last(kari, MESSAGE_CHANGES).size <= LIMIT_MUTATION_RECORDS);
    world_check_view(f->world, kari);
}

/* The progress that a new device hears of is not for those who share its frames. */
static void test_silence_is_not_broken_by_another_device(void **state)
{
    struct fixture *f = *state;
    char scope[SCOPE_TEXT_SIZE];
    const char *scopes[] = {scope_to_text((struct scope){SCOPE_ACCOUNT, f->fjord}, scope)};
    assign(f, f->supplier, f->fjord);
    struct world_client *watching = world_client_new(f->world, f->eva, scopes, 1),
                        *back = world_client_new(f->world, f->eva, scopes, 1);
    client_connect(watching);
    client_connect(back);
    client_settle(watching);
    client_settle(back);
    client_disconnect(back);
    size_t heard = client_received(watching, MESSAGE_CHANGES);
    assign(f, f->supplier, f->hytte);
    client_connect(back);
    world_forget_frames(f->world);
    client_settle(back);
    client_settle(watching);
    assert_int_equal(client_received(watching, MESSAGE_CHANGES), heard);
}

/* A tag that is taken from two leaves the record where it was in the lane of the other. */
static void test_a_frame_holds_nothing_newer_than_where_it_leads(void **state)
{
    struct fixture *f = *state;
    char words[4000];
    memset(words, 'a', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    assign(f, f->supplier, f->fjord);
    struct id first = make_note(f, f->fjord, "first", "partners");
    must(world_share(f->world, f->admin, first, "suppliers", NULL));
    for (unsigned i = 0; i < 8; i++) {
        make_note(f, f->fjord, words, "partners");
    }
    must(world_share(f->world, f->admin, first, NULL, "suppliers"));
    struct world_client *eva = world_client_new(f->world, f->eva, NULL, 0);
    client_connect(eva);
    assert_int_equal(client_pump(eva, 1, true), 1);
    for (size_t i = 0; i < client_held_count(eva); i++) {
        assert_true(client_held(eva, i)->seq <= client_cursor(eva));
    }
    assert_null(client_find(eva, first));
    client_settle(eva);
    world_check_view(f->world, eva);
    assert_int_equal(message_count(held_part(eva, first, "audience")), 1);
}

static void test_bytes_are_made_once_for_all_who_see_the_same(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari), *ola = watcher(f, f->ola);
    make_account(f, "New");
    unsigned long calls[2];
    struct world_client *clients[2] = {kari, ola};
    world_deliver(f->world, 64);
    for (unsigned i = 0; i < 2; i++) {
        unsigned long before = world_reads(f->world);
        assert_int_equal(client_pump(clients[i], 1, false), 1);
        calls[i] = world_reads(f->world) - before;
    }
    /* The second asks how far the store is, and nothing else. */
    assert_true(calls[0] > 2);
    assert_int_equal(calls[1], 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        T(test_a_slow_reader_is_sent_a_window_and_the_newest_version),
        T(test_a_mutation_arrives_whole),
        T(test_a_frame_of_many_mutations_is_one_record),
        T(test_a_mutation_cannot_outgrow_a_message),
        T(test_silence_is_not_broken_by_another_device),
        T(test_a_frame_holds_nothing_newer_than_where_it_leads),
        T(test_bytes_are_made_once_for_all_who_see_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A mention on its way: to the devices of whom it names, live, and to nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/query/query.h"
#include "tests/unit/session/feed_fixture.h"

static enum status mention(struct fixture *f, struct id actor, struct id id, struct id note,
                           const char *user)
{
    struct buffer changes = {0}, body = {0};
    struct message message = {.type = MESSAGE_MUTATE};
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 4);
    wire_put_text(&changes, "op");
    wire_put_text(&changes, "mention");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, id);
    wire_put_text(&changes, "note");
    wire_put_id(&changes, note);
    wire_put_text(&changes, "user");
    wire_put_text(&changes, user);
    message.as.mutate.number = 1;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    world_new_client_id(f->world);
    enum status status = world_apply(f->world, COMMAND_MUTATE, actor, buffer_bytes(&body));
    buffer_release(&changes);
    buffer_release(&body);
    return status;
}

static void only_the_one_who_is_named_receives_it(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    const struct id note = make_note(f, f->fjord, "ask @eva", "partners");
    struct world_client *eva = watcher(f, f->eva), *fred = watcher(f, f->fred);
    struct world_client *kari = watcher(f, f->kari), *admin = watcher(f, f->admin);
    struct world_client *others[] = {fred, kari, admin};
    const struct id id = world_id(f->world), refused = world_id(f->world);
    const size_t before = client_received(fred, MESSAGE_CHANGES);
    must(mention(f, f->kari, id, note, "eva"));
    assert_int_equal(mention(f, f->kari, refused, note, "fred"), STATUS_DENIED);
    client_settle(eva);
    assert_non_null(client_find(eva, id));
    assert_null(client_find(eva, refused));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        client_settle(others[i]);
        assert_null(client_find(others[i], id));
        world_check_view(f->world, others[i]);
    }
    assert_int_equal(client_received(fred, MESSAGE_CHANGES), before);
    struct wire_reader by = wire_read(held_part(eva, id, "createdBy"));
    struct bytes name;
    assert_true(wire_get_str(&by, &name) && bytes_is(name, "kari"));
    world_check_view(f->world, eva);
    /* Also on a device that comes later. */
    assert_non_null(client_find(watcher(f, f->eva), id));
}

/* Asks for mentions, those of `account` when it is no zero id; how many come. */
static uint32_t count_mentions(struct fixture *f, struct id user, struct id account)
{
    struct state snapshot = world_state(f->world);
    struct principal who;
    struct buffer where = {0};
    struct page page = {.count = 0};
    struct fault fault;
    struct record *scratch = calloc(1, sizeof *scratch);
    struct msg_query query = {.entity = bytes_text("mention")};
    assert_non_null(scratch);
    must(principal_load(&snapshot, user, &who));
    if (!id_is_zero(account)) {
        wire_put_array(&where, 1);
        wire_put_array(&where, 3);
        wire_put_text(&where, "account");
        wire_put_text(&where, "=");
        wire_put_id(&where, account);
        query.where = buffer_bytes(&where);
    }
    must(query_run(&snapshot, &who, &query, scratch, &page, &fault));
    const uint32_t count = page.count;
    page_release(&page);
    buffer_release(&where);
    free(scratch);
    return count;
}

static void asking_finds_ones_own_and_costs_no_more_for_those_of_others(void **state)
{
    struct fixture *f = *state;
    const struct id none = {{0}};
    assign(f, f->supplier, f->fjord);
    const struct id note = make_note(f, f->fjord, "ask @eva", "partners");
    must(mention(f, f->kari, world_id(f->world), note, "ola"));
    must(mention(f, f->kari, world_id(f->world), note, "eva"));
    assert_int_equal(count_mentions(f, f->ola, none), 1);
    assert_int_equal(count_mentions(f, f->eva, none), 1);
    assert_int_equal(count_mentions(f, f->ola, f->fjord), 1);
    assert_int_equal(count_mentions(f, f->eva, f->fjord), 1);
    assert_int_equal(count_mentions(f, f->ola, f->hytte), 0);
    assert_int_equal(count_mentions(f, f->admin, none), 0);
    unsigned long reads = world_reads(f->world);
    count_mentions(f, f->ola, none);
    const unsigned long few = world_reads(f->world) - reads;
    for (unsigned i = 0; i < 50; i++)
        must(mention(f, f->ola, world_id(f->world), note, "kari"));
    reads = world_reads(f->world);
    assert_int_equal(count_mentions(f, f->ola, none), 1);
    assert_int_equal(world_reads(f->world) - reads, few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_one_who_is_named_receives_it, feed_set_up,
                                        feed_tear_down),
        cmocka_unit_test_setup_teardown(asking_finds_ones_own_and_costs_no_more_for_those_of_others,
                                        feed_set_up, feed_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

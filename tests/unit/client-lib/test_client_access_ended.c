/* What an entry keeps of others goes when access to it ends, or their history does; what its author
 * wrote stays. */
#include "client-lib/outbox/outbox_entry.h"
#include "conflict_world.h"

/* ---- Access that ends ---- */
static void purge_account(struct world *world, uint64_t from, uint64_t to)
{
    struct buffer scopes = {0};
    const struct scope scope = account_of(1);
    shop_say_changes(from, to, (struct bytes){0}, (struct bytes){0}, scopes_of(&scopes, &scope, 1));
    durable_settle(world, &shop);
    buffer_release(&scopes);
    assert_true(shop_was_told(world, TANDEM_EVENT_PURGED));
}

static void access_that_ended_leaves_mine_and_nothing_of_theirs(void **state)
{
    struct world *world = *state;
    struct view first = shop_phone_conflict(world);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_edit(world, "666 777 888", NULL, NULL));
    shop.refuse = "not-found";
    durable_settle(world, &shop);
    purge_account(world, 40, 70);
    assert_true(shop_was_told(world, TANDEM_EVENT_REFUSED));

    struct view lost = shop_only(world, STATE(TANDEM_ENTRY_REFUSED));
    assert_true(lost.access_ended);
    assert_int_equal(lost.code, STATUS_NOT_FOUND);
    assert_string_equal(lost.line[0].mine, "666 777 888");
    assert_string_equal(lost.line[0].base, "(none)");
    assert_non_null(strstr(lost.json, "666 777 888"));
    assert_non_null(strstr(lost.json, "\"accessEnded\":true"));
    assert_null(strstr(lost.json, "Fjord"));

    struct view kept = shop_conflict(world);
    assert_int_equal(kept.entry, first.entry);
    assert_string_equal(kept.line[0].mine, "222");
    assert_string_equal(kept.line[0].base, "(none)");
    assert_string_equal(kept.line[0].theirs, "(none)");
    assert_string_equal(kept.line[0].by, "");
    assert_null(strstr(kept.json, "333"));
    assert_null(strstr(kept.json, "Fjord"));
}

/* The purge may be told before the answer or after it. */
static void a_new_record_says_that_its_account_is_lost(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    for (int purged_first = 0; purged_first < 2; purged_first++) {
        hang_up(4003);
        shop_service_only(world);
        assert_ok(shop_add_note(world, 1));
        uint64_t entry = tandem_last_entry(world->client);
        if (purged_first == 0) {
            shop.refuse = "not-found";
            durable_settle(world, &shop);
            assert_false(shop_only(world, STATE(TANDEM_ENTRY_REFUSED)).access_ended);
            purge_account(world, 40, 70);
        } else {
            shop.refuse = "busy"; /* for now */
            durable_settle(world, &shop);
            purge_account(world, 71, 80);
            world->port.now += 120000;
            shop.refuse = "not-found";
            durable_settle(world, &shop);
        }
        struct view view = shop_only(world, STATE(TANDEM_ENTRY_REFUSED));
        assert_int_equal(view.entry, entry);
        assert_int_equal(view.code, STATUS_NOT_FOUND);
        assert_true(view.access_ended);
        assert_non_null(strstr(view.json, "sixty pallets"));
        assert_null(strstr(view.json, "Fjord"));
        assert_ok(tandem_outbox_drop(world->client, entry));
        if (purged_first == 0) {
            shop_say_account(70, 71, "111", "old.example");
            durable_settle(world, &shop);
            world->told_count = 0;
        }
    }
}

/* An account that its author never saw is not found for another reason. */
static void a_new_record_in_an_unknown_account_is_just_refused(void **state)
{
    struct world *world = *state;
    struct message reset = {.type = MESSAGE_RESET};
    shop_begin(world);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_add_note(world, 9));
    shop.refuse = "not-found";
    durable_settle(world, &shop);
    reset.as.reset.reason = bytes_text("access");
    reset.as.reset.epoch = shop.epoch;
    say(&reset);
    durable_settle(world, &shop);
    assert_true(shop_was_told(world, TANDEM_EVENT_RESET));
    assert_false(shop_only(world, STATE(TANDEM_ENTRY_REFUSED)).access_ended);
}

static void another_role_leaves_nothing_of_theirs_at_once(void **state)
{
    struct world *world = *state;
    struct message reset = {.type = MESSAGE_RESET};
    shop_phone_conflict(world);
    reset.as.reset.reason = bytes_text("access");
    reset.as.reset.epoch = shop.epoch;
    say(&reset);
    durable_settle(world, &shop);
    assert_true(shop_was_told(world, TANDEM_EVENT_RESET));
    struct view kept = shop_conflict(world);
    assert_string_equal(kept.line[0].title, "(none)");
    assert_string_equal(kept.line[0].mine, "222");
    assert_string_equal(kept.line[0].base, "(none)");
    assert_string_equal(kept.line[0].theirs, "(none)");
    assert_null(strstr(kept.json, "333"));
}

/* The purge was committed, and the process died before the outbox knew of it. */
static void what_a_crash_left_is_taken_away_when_all_has_come(void **state)
{
    struct world *world = *state;
    shop_phone_conflict(world);
    durable_crash(world);
    durable_start(world);
    assert_ok(replica_begin(world->client->replica));
    size_t count = 0;
    assert_ok(replica_purge(world->client->replica, account_of(1), &count));
    assert_ok(replica_commit(world->client->replica));
    assert_int_equal(count, 1);
    assert_string_equal(shop_conflict(world).line[0].base, "111");
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    shop_say_caught_up(tandem_cursor(world->client));
    durable_settle(world, &shop);
    assert_string_equal(shop_conflict(world).line[0].base, "(none)");
    assert_string_equal(shop_conflict(world).line[0].mine, "222");
}

/* The account was lost in the same way; the new record that was to go into it is still to be sent.
 */
static void what_a_crash_left_of_an_account_is_why_a_new_record_is_refused(void **state)
{
    struct world *world = *state;
    size_t count = 0;
    shop_begin(world);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_add_note(world, 1));
    shop.refuse = "busy";
    shop.refuse_always = true;
    durable_crash(world);
    durable_start(world);
    assert_ok(replica_begin(world->client->replica));
    assert_ok(replica_purge(world->client->replica, account_of(1), &count));
    assert_ok(replica_commit(world->client->replica));
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    shop_say_caught_up(tandem_cursor(world->client));
    durable_settle(world, &shop);
    shop.refuse = "not-found";
    shop.refuse_always = false;
    world->port.now += 120000;
    durable_settle(world, &shop);
    assert_true(shop_only(world, STATE(TANDEM_ENTRY_REFUSED)).access_ended);
}

static void aim_refusal_at(unsigned account)
{
    const struct id usual_one = id_of(1), other = id_of(account);
    uint8_t *at = memmem(shop.conflicts.data, shop.conflicts.size, usual_one.octet, ID_SIZE);
    assert_non_null(at);
    memcpy(at, other.octet, ID_SIZE);
}

/* An edit of a record that the replica does not hold yet; nils has changed it too. */
static void conflict_about_unseen(struct world *world)
{
    tandem_mutation *mutation = tandem_mutation_new();
    shop_begin(world);
    assert_non_null(mutation);
    assert_ok(tandem_update(mutation, "account", id_text(2)));
    assert_ok(tandem_set_text(mutation, "phoneNumber", "222"));
    shop_refuse_for("phoneNumber", "333");
    aim_refusal_at(2);
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
}

/* The purge comes with the answer, and its scope is not one that the entry knows. */
static void what_is_told_of_a_record_that_is_lost_meanwhile_is_not_kept(void **state)
{
    struct world *world = *state;
    struct buffer scopes = {0};
    const struct scope scope = account_of(2);
    conflict_about_unseen(world);
    durable_serve(&shop);
    shop_say_changes(40, 70, (struct bytes){0}, (struct bytes){0}, scopes_of(&scopes, &scope, 1));
    buffer_release(&scopes);
    durable_settle(world, &shop);
    struct view view = shop_conflict(world);
    assert_string_equal(view.line[0].mine, "222");
    assert_string_equal(view.line[0].theirs, "(none)");
    assert_string_equal(view.line[0].by, "");
}

/* Who has chosen some accounts holds nothing of the others, and may see them all the same. */
static void what_is_told_of_an_account_that_is_not_subscribed_to_is_kept(void **state)
{
    struct world *world = *state;
    char text[SCOPE_TEXT_SIZE];
    const char *const scopes[] = {text};
    scope_to_text(account_of(1), text);
    durable_start(world);
    assert_ok(tandem_subscribe(world->client, scopes, 1));
    tandem_disconnect(world->client);
    server.sent_seen = server.sent_count;
    durable_forget_frames();
    assert_ok(tandem_connect(world->client, &usual, NULL));
    durable_settle(world, &shop);
    shop_say_account(0, 40, "111", "old.example");
    shop_say_caught_up(40);
    durable_settle(world, &shop);
    shop_refuse_for("phoneNumber", "333");
    aim_refusal_at(2);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_update(mutation, "account", id_text(2)));
    assert_ok(tandem_set_text(mutation, "phoneNumber", "222"));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
    durable_settle(world, &shop);
    shop_say_caught_up(40);
    durable_settle(world, &shop);
    assert_string_equal(shop_conflict(world).line[0].theirs, "333");
}

/* As the process that leads, between the look of this one at the record and its commit. */
static void purge_meanwhile(void *context)
{
    struct world *world = context;
    struct replica *replica = world->client->replica;
    size_t count = 0;
    outbox_store_on_commit(world->client->store, NULL, NULL);
    replica_set_read_only(replica, false);
    assert_ok(replica_begin(replica));
    assert_ok(replica_purge(replica, account_of(1), &count));
    assert_ok(replica_commit(replica));
    replica_set_read_only(replica, true);
    assert_int_equal(count, 1);
}

static bool expect_lost(void *context, const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->seen);
    struct outbox_seen seen;
    assert_true(outbox_seen_next(&reader, &seen));
    *(bool *)context = seen.lost;
    return false;
}

static void what_is_purged_while_it_is_queued_is_known_to_be_lost(void **state)
{
    struct world *world = *state;
    bool lost = false;
    shop_begin(world);
    tandem_disconnect(world->client); /* now another may lead */
    outbox_store_on_commit(world->client->store, purge_meanwhile, world);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    assert_ok(outbox_store_each(world->client->store, 0, expect_lost, &lost));
    assert_true(lost);
}

/* Whether it was deleted, or access has ended, only the answer tells. */
static void a_record_that_is_not_held_any_more_has_no_name_meanwhile(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    tandem_disconnect(world->client);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    assert_string_equal(shop_only(world, STATE(TANDEM_ENTRY_WAITING)).line[0].title, "Fjord AS");
    assert_ok(outbox_store_forget_record(world->client->store, account_of(1).id));
    assert_string_equal(shop_only(world, STATE(TANDEM_ENTRY_WAITING)).line[0].title, "(none)");
}

/* Where to go on checking names a scope. */
static void a_purged_account_is_not_named_by_where_to_go_on_checking(void **state)
{
    struct world *world = *state;
    struct replica *replica;
    struct buffer place = {0};
    uint8_t octets[SCOPE_SIZE];
    shop_begin(world);
    replica = world->client->replica;
    scope_put(account_of(1), octets);
    assert_ok(replica_begin(replica));
    assert_ok(replica_set_mark(replica, REPLICA_CHECKED, bytes_of(octets, sizeof octets)));
    assert_ok(replica_commit(replica));
    purge_account(world, 40, 70);
    assert_ok(replica_mark(replica, REPLICA_CHECKED, &place));
    assert_int_equal(place.size, 0);
    buffer_release(&place);
}

/* ---- Another history ---- */

/* Edited offline; then the server has another history, in which the phone is this. */
static void change_history(struct world *world, const char *phone_now)
{
    struct message reset = {.type = MESSAGE_RESET};
    shop_begin(world);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    shop.epoch = id_of(901);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 1);
    reset.as.reset.reason = bytes_text("epoch");
    reset.as.reset.epoch = shop.epoch;
    say(&reset);
    durable_settle(world, &shop);
    if (phone_now != NULL)
        shop_say_account(0, 12, phone_now, "old.example");
    shop_say_caught_up(12);
    shop_service_only(world);
}

static void another_history_with_the_same_values_takes_it(void **state)
{
    struct world *world = *state;
    change_history(world, "111");
    assert_int_equal(shop_last_sent().base, 12);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 0);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void another_history_with_other_values_is_a_conflict(void **state)
{
    struct world *world = *state;
    change_history(world, "000");
    durable_settle(world, &shop);
    struct view view = shop_conflict(world);
    assert_true(shop_was_told(world, TANDEM_EVENT_CONFLICT));
    assert_string_equal(view.line[0].base, "111");
    assert_string_equal(view.line[0].mine, "222");
    assert_string_equal(view.line[0].theirs, "000");
    assert_string_equal(view.line[0].by, "nils");
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    assert_int_equal(shop_last_sent().change_base, 12);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void another_history_without_the_record_is_a_conflict(void **state)
{
    struct world *world = *state;
    change_history(world, NULL);
    durable_settle(world, &shop);
    struct view view = shop_conflict(world);
    assert_int_equal(view.lines, 2);
    assert_string_equal(view.line[1].field, "");
    assert_true(view.line[1].conflict);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, shop_set_up, shop_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP(access_that_ended_leaves_mine_and_nothing_of_theirs),
        SHOP(a_record_that_is_not_held_any_more_has_no_name_meanwhile),
        SHOP(a_new_record_says_that_its_account_is_lost),
        SHOP(a_new_record_in_an_unknown_account_is_just_refused),
        SHOP(what_a_crash_left_of_an_account_is_why_a_new_record_is_refused),
        SHOP(another_role_leaves_nothing_of_theirs_at_once),
        SHOP(what_a_crash_left_is_taken_away_when_all_has_come),
        SHOP(what_is_told_of_a_record_that_is_lost_meanwhile_is_not_kept),
        SHOP(what_is_told_of_an_account_that_is_not_subscribed_to_is_kept),
        SHOP(what_is_purged_while_it_is_queued_is_known_to_be_lost),
        SHOP(a_purged_account_is_not_named_by_where_to_go_on_checking),
        SHOP(another_history_with_the_same_values_takes_it),
        SHOP(another_history_with_other_values_is_a_conflict),
        SHOP(another_history_without_the_record_is_a_conflict)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

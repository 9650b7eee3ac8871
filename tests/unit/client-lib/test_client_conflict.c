/* What the server did not take: both sides are kept until a person decides, whatever happens
 * meanwhile. */
#include "conflict_world.h"

/* ---- Tests ---- */
static void both_sides_are_kept(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    assert_true(shop_was_told(world, TANDEM_EVENT_CONFLICT));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(view.code, STATUS_CONFLICT);
        assert_int_equal(view.lines, 2);
        const struct line *phone = &view.line[0], *site = &view.line[1];
        assert_string_equal(phone->entity, "account");
        assert_string_equal(phone->field, "phoneNumber");
        assert_string_equal(phone->base, "111");
        assert_string_equal(phone->mine, "222");
        assert_string_equal(phone->theirs, "333");
        assert_string_equal(phone->by, "nils");
        assert_int_equal(phone->at_ms, 777);
        assert_int_equal(phone->seq, 60);
        assert_true(phone->conflict);
        assert_false(site->conflict);
        assert_string_equal(site->mine, "new.example");
        assert_string_equal(site->base, "old.example");
        durable_crash(world); /* another process finds the same */
        open_client(world, true);
        view = shop_conflict(world);
    }
}

static void the_base_is_what_was_held(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    assert_int_equal(shop_last_sent().base, 40);
    durable_settle(world, &shop);
    shop_say_account(40, 90, "222", "old.example");
    durable_settle(world, &shop);
    assert_ok(shop_edit(world, "444", NULL, NULL));
    assert_int_equal(shop_last_sent().base, 90);
    /* Of what is not held nothing is known. */
    durable_settle(world, &shop);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_update(mutation, "account", id_text(9)));
    assert_ok(tandem_set_text(mutation, "phoneNumber", "5"));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    assert_int_equal(shop_last_sent().base, 0);
    tandem_set_base(mutation, 7);
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    assert_int_equal(shop_last_sent().base, 7);
    tandem_mutation_free(mutation);
}

static void mine_goes_again_against_what_is_there_now(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    char made[TANDEM_ID_TEXT] = "x";
    assert_ok(tandem_resolve_mine(world->client, view.entry, made));
    assert_string_equal(made, "");
    struct sent_change sent = shop_last_sent();
    assert_string_equal(sent.op, "update");
    assert_int_equal(sent.change_base, 60);
    assert_string_equal(sent.text, "222");
    assert_int_equal(sent.fields, 2);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_ACCEPTED)), 1);
    assert_int_equal(tandem_resolve_mine(world->client, view.entry, made), STATUS_NOT_FOUND);
}

/* Also by the author on another device, which the server would not ask about. */
static void what_has_come_since_is_shown_before_it_is_replaced(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    shop_say_account(40, 85, "444", "old.example");
    durable_settle(world, &shop);
    assert_int_equal(tandem_resolve_mine(world->client, view.entry, NULL), STATUS_CONFLICT);
    struct view again = shop_conflict(world);
    assert_int_equal(again.entry, view.entry);
    assert_string_equal(again.line[0].mine, "222");
    assert_string_equal(again.line[0].theirs, "444");
    assert_int_equal(again.line[0].seq, 85);
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    assert_string_equal(shop_last_sent().text, "222");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

/* What else of it has come since was not looked at with the conflict. */
static void only_what_the_conflict_shows_is_replaced(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    shop_say_account(40, 85, "333", "theirs.example");
    durable_settle(world, &shop);
    assert_int_equal(tandem_resolve_mine(world->client, view.entry, NULL), STATUS_CONFLICT);
    view = shop_conflict(world);
    assert_true(view.line[1].conflict);
    assert_string_equal(view.line[1].mine, "new.example");
    assert_string_equal(view.line[1].theirs, "theirs.example");
    assert_ok(tandem_resolve_theirs(world->client, view.entry));
    assert_int_equal(tandem_last_entry(world->client), 0);
}

/* One's own newer value was taken: the older one in conflict does not come back by itself. */
static void a_newer_value_of_ones_own_stands_against_the_older(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    assert_ok(shop_edit(world, "444", "newest.example", NULL));
    durable_settle(world, &shop);
    for (int again = 0; again < 2; again++) {
        view = shop_conflict(world);
        assert_int_equal(view.lines, 2);
        assert_string_equal(view.line[0].mine, "222");
        assert_string_equal(view.line[0].theirs, "444");
        assert_string_equal(view.line[0].by, "kari");
        assert_true(view.line[1].conflict);
        assert_string_equal(view.line[1].mine, "new.example");
        assert_string_equal(view.line[1].theirs, "newest.example");
        durable_crash(world);
        durable_start(world);
        durable_settle(world, &shop);
    }
    /* It is the author's to say so, against what others had done until the first conflict. */
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    struct sent_change sent = shop_last_sent();
    assert_string_equal(sent.text, "222");
    assert_int_equal(sent.fields, 2);
    assert_int_equal(sent.base, 40);
    assert_int_equal(sent.change_base, 0);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void theirs_leaves_ones_own_newer_values_alone(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    assert_ok(shop_edit(world, NULL, "newest.example", NULL));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, view.entry));
    assert_int_equal(tandem_last_entry(world->client), 0); /* nothing is left to be sent */
}

static void a_newer_value_that_waits_is_not_replaced_by_an_older(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_edit(world, "444", NULL, NULL));
    uint64_t newer = tandem_last_entry(world->client);
    assert_int_equal(tandem_resolve_mine(world->client, view.entry, NULL), STATUS_USAGE);
    assert_int_equal(shop_conflict(world).entry, view.entry);
    assert_ok(tandem_outbox_drop(world->client, newer));
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
}

/* The texts of all that was sent since, "222 999". */
static const char *sent_since(size_t first, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = first; i < server.sent_count; i++) {
        struct bytes change, fields, text;
        uint32_t count = 0;
        if (server.sent[i].message.type != MESSAGE_MUTATE)
            continue;
        struct wire_reader reader = wire_read(server.sent[i].message.as.mutate.changes);
        assert_true(wire_get_array(&reader, &count) && wire_skip(&reader, &change));
        assert_true(wire_map_find(change, "fields", &fields) &&
                    wire_map_str(fields, "phoneNumber", &text));
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", used > 0 ? " " : "",
                                 (int)text.size, (const char *)text.data);
        assert_true(used < size);
    }
    return out;
}

/* Phone "222" with a site, and later phone "999", both against nils's "333". */
static struct view two_of_ones_own(struct world *world, uint64_t *newer)
{
    struct view old = shop_phone_conflict(world);
    shop_refuse_for("phoneNumber", "333");
    assert_ok(shop_edit(world, "999", NULL, NULL));
    *newer = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 2);
    return old;
}

/* Values that came into conflict once more are still as old as they were. */
static void what_was_typed_first_stays_the_older(void **state)
{
    struct world *world = *state;
    uint64_t newer = 0;
    char sent[64];
    struct view old = two_of_ones_own(world, &newer);
    shop_refuse_for("phoneNumber", "555");
    shop.refuse_always = true;
    assert_ok(tandem_resolve_mine(world->client, newer, NULL));
    uint64_t again = tandem_last_entry(world->client);
    assert_true(again > newer && again > old.entry);
    durable_settle(world, &shop);
    shop.refuse_always = false;
    shop.refuse = NULL;
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 2);
    assert_int_equal(tandem_resolve_theirs(world->client, again), STATUS_USAGE);
    size_t before = server.sent_count;
    assert_ok(tandem_resolve_mine(world->client, again, NULL));
    assert_string_equal(sent_since(before, sent, sizeof sent), "222 999");
}

static void whoever_changes_it_meanwhile_makes_a_new_conflict(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    shop_refuse_for("phoneNumber", "999");
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    durable_settle(world, &shop);
    struct view again = shop_conflict(world);
    assert_true(again.entry > view.entry);
    assert_string_equal(again.line[0].mine, "222");
    assert_string_equal(again.line[0].theirs, "999");
}

/* Whichever of them is named: the newest stands in the end, and both can be read until then. */
static void values_of_ones_own_for_one_field_are_settled_as_one(void **state)
{
    struct world *world = *state;
    for (int which = 0; which < 2; which++) {
        uint64_t newer = 0;
        char sent[64];
        struct view old = two_of_ones_own(world, &newer);
        size_t before = server.sent_count;
        assert_ok(tandem_resolve_mine(world->client, which == 0 ? old.entry : newer, NULL));
        assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
        assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_SENT)), 2);
        assert_string_equal(sent_since(before, sent, sizeof sent), "222 999");
        assert_int_equal(shop_last_sent().change_base, 60);
        durable_settle(world, &shop);
        assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_ACCEPTED)), 2);
        if (which == 0) { /* once more, in a new world */
            void *next = world;
            (void)shop_tear_down(state);
            (void)shop_set_up(&next);
            *state = world = next;
        }
    }
}

/* What was not looked at is not settled along: the newer one asks about the site as well. */
static void what_is_in_conflict_about_more_is_not_settled_along(void **state)
{
    struct world *world = *state;
    char sent[64];
    shop_begin(world);
    shop_refuse_for("phoneNumber", "333");
    assert_ok(shop_edit(world, "222", NULL, NULL));
    uint64_t old = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    shop_refuse_for("website", "theirs.example");
    assert_ok(shop_edit(world, "999", "new.example", NULL));
    uint64_t newer = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    size_t before = server.sent_count;
    assert_ok(tandem_resolve_mine(world->client, old, NULL));
    assert_string_equal(sent_since(before, sent, sizeof sent), "222");
    durable_settle(world, &shop);
    struct view view = shop_conflict(world);
    assert_int_equal(view.entry, newer);
    assert_string_equal(view.line[0].mine, "999");
}

static void giving_up_one_of_them_leaves_the_other(void **state)
{
    struct world *world = *state;
    uint64_t newer = 0;
    struct view old = two_of_ones_own(world, &newer);
    assert_int_equal(tandem_resolve_theirs(world->client, newer), STATUS_USAGE);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 2);
    assert_ok(tandem_resolve_theirs(world->client, old.entry));
    durable_settle(world, &shop);
    assert_int_equal(shop_conflict(world).entry, newer);
}

static void theirs_leaves_what_is_not_in_conflict(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    assert_ok(tandem_resolve_theirs(world->client, view.entry));
    struct sent_change sent = shop_last_sent();
    assert_int_equal(sent.fields, 1);
    assert_int_equal(shop_only(world, STATE(TANDEM_ENTRY_SENT)).entry,
                     tandem_last_entry(world->client));
    assert_string_equal(sent.field, "website");
    assert_string_equal(sent.text, "new.example");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void theirs_alone_leaves_nothing(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    shop_refuse_for("phoneNumber", "333");
    assert_ok(shop_edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, shop_conflict(world).entry));
    assert_int_equal(tandem_last_entry(world->client), 0);
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
    durable_crash(world);
    open_client(world, true);
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

static void new_values_take_its_place(void **state)
{
    struct world *world = *state;
    struct view view = shop_phone_conflict(world);
    tandem_mutation *values = tandem_mutation_new();
    assert_ok(tandem_update(values, "account", id_text(1)));
    assert_ok(tandem_set_text(values, "phoneNumber", "555"));
    assert_ok(tandem_resolve_with(world->client, view.entry, values));
    tandem_mutation_free(values);
    struct sent_change sent = shop_last_sent();
    assert_string_equal(sent.text, "555");
    assert_int_equal(sent.base, 60);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void only_conflicts_are_settled(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    shop.refuse = "invalid-value";
    assert_ok(shop_edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    struct view view = shop_only(world, STATE(TANDEM_ENTRY_REFUSED));
    assert_int_equal(tandem_resolve_mine(world->client, view.entry, NULL), STATUS_USAGE);
    assert_int_equal(tandem_resolve_theirs(world->client, view.entry), STATUS_USAGE);
    assert_int_equal(tandem_resolve_theirs(world->client, 4711), STATUS_NOT_FOUND);
}

/* ---- Deletion ---- */

static void editing_what_somebody_deleted_is_a_conflict(void **state)
{
    struct world *world = *state;
    struct buffer ids = {0};
    char made[TANDEM_ID_TEXT];
    const unsigned gone[] = {1};
    shop_begin(world);
    shop_refuse_for("", NULL);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    /* The removal may be told before the answer. */
    shop_say_changes(40, 60, (struct bytes){0}, ids_of(&ids, gone, 1), (struct bytes){0});
    shop_service_only(world);
    durable_settle(world, &shop);
    struct view view = shop_conflict(world);
    assert_int_equal(view.lines, 2);
    assert_string_equal(view.line[0].mine, "222");
    assert_string_equal(view.line[0].base, "111");
    assert_false(view.line[0].conflict);
    assert_string_equal(view.line[1].field, "");
    assert_true(view.line[1].conflict);
    assert_string_equal(view.line[1].by, "nils");
    assert_string_equal(view.line[1].theirs, "(none)");
    /* Mine: all of it again, under a new id. */
    assert_ok(tandem_resolve_mine(world->client, view.entry, made));
    struct sent_change sent = shop_last_sent();
    struct bytes name;
    char id[ID_TEXT_SIZE];
    assert_string_equal(sent.op, "create");
    assert_string_equal(sent.entity, "account");
    assert_string_equal(made, id_to_text(sent.id, id));
    assert_string_not_equal(made, id_text(1));
    assert_true(wire_map_str(sent.map, "name", &name) && bytes_is(name, "Fjord AS"));
    assert_true(wire_map_str(sent.map, "phoneNumber", &name) && bytes_is(name, "222"));
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
    buffer_release(&ids);
}

/* Two edits of an account that was deleted, and a note for it, all typed before that was known. */
static void what_hangs_on_a_deleted_record_goes_with_the_new_one(void **state)
{
    struct world *world = *state;
    struct id account;
    char made[TANDEM_ID_TEXT], id[ID_TEXT_SIZE];
    shop_begin(world);
    shop_refuse_for("", NULL);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    uint64_t first = shop_conflict(world).entry;
    shop_refuse_for("", NULL);
    assert_ok(shop_edit(world, NULL, "new.example", NULL));
    uint64_t second = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    assert_ok(shop_add_note(world, 1));
    uint64_t note = tandem_last_entry(world->client);
    shop.refuse = "not-found";
    durable_settle(world, &shop);
    hang_up(4003);
    shop_service_only(world);
    assert_ok(shop_add_note(world, 1)); /* waits */
    assert_ok(tandem_resolve_mine(world->client, first, made));
    assert_int_equal(tandem_last_entry(world->client), first);
    durable_crash(world);
    durable_start(world);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 3);
    assert_int_equal(shop_only(world, STATE(TANDEM_ENTRY_CONFLICT)).entry, second);
    assert_true(note > second);
    for (int turn = 0; turn < 50 && (shop.now == NULL || shop.now->last < 5); turn++) {
        assert_ok(tandem_service(world->client));
        durable_serve(&shop);
    }
    struct sent_change sent = shop_last_sent();
    assert_string_equal(sent.op, "create");
    assert_string_equal(sent.entity, "note");
    assert_true(wire_map_id(sent.map, "account", &account));
    assert_string_equal(id_to_text(account, id), made);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_REFUSED)), 0);
    /* The other edit changes the new account, and makes no other. */
    assert_ok(tandem_resolve_mine(world->client, second, NULL));
    sent = shop_last_sent();
    assert_string_equal(sent.op, "update");
    assert_string_equal(id_to_text(sent.id, id), made);
    assert_string_equal(sent.text, "new.example");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

/* A note for a deleted account that is under way when the account is made again. */
static void what_is_under_way_goes_with_the_new_one_when_it_was_not_taken(void **state)
{
    struct world *world = *state;
    struct id account;
    char made[TANDEM_ID_TEXT], id[ID_TEXT_SIZE];
    shop_begin(world);
    shop_refuse_for("", NULL);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    assert_ok(shop_add_note(world, 1));
    struct sent_change sent = shop_last_sent();
    assert_true(wire_map_id(sent.map, "account", &account));
    assert_ok(tandem_resolve_mine(world->client, shop_conflict(world).entry, made));
    shop.refuse = "not-found";
    durable_serve(&shop); /* the note; then the account is made */
    shop_service_only(world);
    sent = shop_last_sent();
    assert_string_equal(sent.entity, "note");
    assert_true(wire_map_id(sent.map, "account", &account));
    assert_string_equal(id_to_text(account, id), made);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_REFUSED)), 0);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_ACCEPTED)), 2);
}

static void an_edit_of_what_was_deleted_can_be_given_up(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    shop_refuse_for("", NULL);
    assert_ok(shop_edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, shop_conflict(world).entry));
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

static void deleting_what_somebody_edited_is_a_conflict(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    shop_refuse_for("phoneNumber", "333");
    assert_ok(shop_remove_account(world));
    durable_settle(world, &shop);
    struct view view = shop_conflict(world);
    assert_int_equal(view.lines, 2);
    assert_string_equal(view.line[0].op, "remove");
    assert_string_equal(view.line[0].title, "Fjord AS");
    assert_string_equal(view.line[0].field, "");
    assert_string_equal(view.line[1].title, "Fjord AS");
    assert_string_equal(view.line[1].field, "phoneNumber");
    assert_string_equal(view.line[1].base, "111");
    assert_string_equal(view.line[1].theirs, "333");
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    assert_string_equal(shop_last_sent().op, "remove");
    assert_int_equal(shop_last_sent().change_base, 60);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void a_deletion_can_be_given_up(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    shop_refuse_for("phoneNumber", "333");
    assert_ok(shop_remove_account(world));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, shop_conflict(world).entry));
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

/* Both wanted the same: there is nothing to ask. */
static void deleting_what_somebody_deleted_is_done(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    shop_begin(world);
    shop_refuse_for("", NULL);
    assert_ok(shop_remove_up_to(world, 1, &outcomes[0]));
    durable_settle(world, &shop);
    assert_int_equal(outcomes[0].calls, 1);
    assert_ok(outcomes[0].code);
    assert_true(shop_was_told(world, TANDEM_EVENT_SETTLED));
    assert_false(shop_was_told(world, TANDEM_EVENT_CONFLICT));
    assert_int_equal(shop_only(world, 0).state, TANDEM_ENTRY_ACCEPTED);
    shop_say_caught_up(60);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void what_else_was_to_be_deleted_is_deleted_without_it(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    shop_begin(world);
    shop_refuse_for("", NULL);
    assert_ok(shop_remove_up_to(world, 3, &outcomes[0]));
    durable_serve(&shop);
    shop_service_only(world);
    assert_int_equal(outcomes[0].calls, 0);
    struct sent_change sent = shop_last_sent();
    assert_string_equal(sent.op, "remove");
    assert_int_equal(sent.changes, 2);
    assert_true(id_equal(sent.id, id_of(2)));
    durable_settle(world, &shop);
    assert_int_equal(outcomes[0].calls, 1);
    assert_ok(outcomes[0].code);
    assert_int_equal(shop_only(world, 0).state, TANDEM_ENTRY_ACCEPTED);
    assert_int_equal(shop.now->last, 2);
    assert_false(shop_was_told(world, TANDEM_EVENT_CONFLICT));
}

/* A mutation with anything else in it is whole or not at all: its author is asked. */
static void a_deletion_among_other_changes_is_asked_about(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_remove(mutation, id_text(1)));
    assert_ok(tandem_update(mutation, "account", id_text(2)));
    assert_ok(tandem_set_text(mutation, "phoneNumber", "5"));
    shop_refuse_for("", NULL);
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
    durable_settle(world, &shop);
    assert_int_equal(shop_conflict(world).lines, 2);
    assert_ok(tandem_resolve_mine(world->client, shop_conflict(world).entry, NULL));
    assert_int_equal(shop_last_sent().changes, 1);
    assert_true(id_equal(shop_last_sent().id, id_of(2)));
}

/* What is not found may live on for others. */
static void a_deletion_that_finds_nothing_is_refused(void **state)
{
    struct world *world = *state;
    shop_begin(world);
    shop.refuse = "not-found";
    assert_ok(shop_remove_account(world));
    durable_settle(world, &shop);
    assert_int_equal(shop_only(world, STATE(TANDEM_ENTRY_REFUSED)).code, STATUS_NOT_FOUND);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, shop_set_up, shop_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {SHOP(both_sides_are_kept),
                                       SHOP(the_base_is_what_was_held),
                                       SHOP(mine_goes_again_against_what_is_there_now),
                                       SHOP(what_has_come_since_is_shown_before_it_is_replaced),
                                       SHOP(only_what_the_conflict_shows_is_replaced),
                                       SHOP(a_newer_value_of_ones_own_stands_against_the_older),
                                       SHOP(theirs_leaves_ones_own_newer_values_alone),
                                       SHOP(a_newer_value_that_waits_is_not_replaced_by_an_older),
                                       SHOP(what_was_typed_first_stays_the_older),
                                       SHOP(whoever_changes_it_meanwhile_makes_a_new_conflict),
                                       SHOP(values_of_ones_own_for_one_field_are_settled_as_one),
                                       SHOP(what_is_in_conflict_about_more_is_not_settled_along),
                                       SHOP(giving_up_one_of_them_leaves_the_other),
                                       SHOP(theirs_leaves_what_is_not_in_conflict),
                                       SHOP(theirs_alone_leaves_nothing),
                                       SHOP(new_values_take_its_place),
                                       SHOP(only_conflicts_are_settled),
                                       SHOP(editing_what_somebody_deleted_is_a_conflict),
                                       SHOP(what_hangs_on_a_deleted_record_goes_with_the_new_one),
                                       SHOP(what_is_under_way_goes_with_the_new_one_when_it_was_not_taken),
                                       SHOP(an_edit_of_what_was_deleted_can_be_given_up),
                                       SHOP(deleting_what_somebody_edited_is_a_conflict),
                                       SHOP(a_deletion_can_be_given_up),
                                       SHOP(deleting_what_somebody_deleted_is_done),
                                       SHOP(what_else_was_to_be_deleted_is_deleted_without_it),
                                       SHOP(a_deletion_among_other_changes_is_asked_about),
                                       SHOP(a_deletion_that_finds_nothing_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

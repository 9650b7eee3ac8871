/* What the server did not take: both sides are kept until a person decides, whatever happens
 * meanwhile, and what of it is others' goes when access to it ends. */
#include "durable_server.h"

#include <stdio.h>

#define STATE(state) (1u << (state))

static struct durable_server shop;

static int set_up_shop(void **state)
{
    durable_server_init(&shop);
    return set_up(state);
}

static int tear_down_shop(void **state)
{
    durable_server_release(&shop);
    return tear_down(state);
}

/* ---- The replica ---- */

/* An account with a phone number and a site. */
static struct bytes account_fields(struct buffer *out, const char *phone, const char *site)
{
    buffer_clear(out);
    wire_put_map(out, 3);
    wire_put_text(out, "name");
    wire_put_text(out, "Fjord AS");
    wire_put_text(out, "phoneNumber");
    wire_put_text(out, phone);
    wire_put_text(out, "website");
    wire_put_text(out, site);
    return buffer_bytes(out);
}

static void say_changes(uint64_t from, uint64_t to, struct bytes records, struct bytes removed,
                        struct bytes purged)
{
    struct message message = {.type = MESSAGE_CHANGES};
    message.as.changes.from = from;
    message.as.changes.to = to;
    const struct {
        const char *name;
        struct bytes value, *place;
    } parts[] = {{"records", records, &message.as.changes.records},
                 {"removed", removed, &message.as.changes.removed},
                 {"purged", purged, &message.as.changes.purged}};
    for (size_t i = 0; i < 3; i++)
        if (parts[i].value.size > 0) {
            *parts[i].place = parts[i].value;
            message_mark(&message, parts[i].name);
        }
    say(&message);
}

/* Account 1 comes to be held as of this seq. */
static void say_account(uint64_t from, uint64_t to, const char *phone, const char *site)
{
    struct buffer fields = {0}, list = {0};
    const struct made made = {.id = 1,
                              .entity = "account",
                              .seq = to,
                              .created_at = 5,
                              .fields = account_fields(&fields, phone, site)};
    say_changes(from, to, records_of(&list, &made, 1), (struct bytes){0}, (struct bytes){0});
    buffer_release(&fields);
    buffer_release(&list);
}

static void say_caught_up(uint64_t seq)
{
    struct message message = {.type = MESSAGE_CAUGHT_UP};
    message.as.caught_up.seq = seq;
    say(&message);
}

/* Subscribed, with account 1 held as of seq 40. */
static void begin(struct world *world)
{
    durable_start(world);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    say_account(0, 40, "111", "old.example");
    say_caught_up(40);
    durable_settle(world, &shop);
    assert_int_equal(tandem_cursor(world->client), 40);
}

/* ---- Changes ---- */

static tandem_code edit(struct world *world, const char *phone, const char *site,
                        struct outcome *outcome)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_update(mutation, "account", id_text(1)));
    if (phone != NULL)
        assert_ok(tandem_set_text(mutation, "phoneNumber", phone));
    if (site != NULL)
        assert_ok(tandem_set_text(mutation, "website", site));
    tandem_code code = tandem_send(world->client, mutation, NULL, outcome);
    tandem_mutation_free(mutation);
    return code;
}

/* A new note in account `account`. */
static tandem_code add_note(struct world *world, unsigned account)
{
    char id[TANDEM_ID_TEXT];
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_create(mutation, "note", id));
    assert_ok(tandem_set_text(mutation, "text", "sixty pallets"));
    assert_ok(tandem_set_text(mutation, "account", id_text(account)));
    tandem_code code = tandem_send(world->client, mutation, NULL, NULL);
    tandem_mutation_free(mutation);
    return code;
}

static tandem_code remove_account(struct world *world)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_remove(mutation, id_text(1)));
    tandem_code code = tandem_send(world->client, mutation, NULL, NULL);
    tandem_mutation_free(mutation);
    return code;
}

/* The server's next refusal: nils changed this field of account 1 ("": deleted it) at seq 60. */
static void refuse_for(const char *field, const char *theirs)
{
    struct buffer *out = &shop.conflicts;
    buffer_clear(out);
    wire_put_array(out, 1);
    wire_put_map(out, 6);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(1));
    wire_put_text(out, "field");
    wire_put_text(out, field);
    wire_put_text(out, "theirs");
    if (theirs != NULL)
        wire_put_text(out, theirs);
    else
        wire_put_nil(out);
    wire_put_text(out, "by");
    wire_put_text(out, "nils");
    wire_put_text(out, "at");
    wire_put_int(out, 777);
    wire_put_text(out, "seq");
    wire_put_uint(out, 60);
    shop.refuse = "conflict";
}

/* What was sent last. */
struct sent_change {
    char op[16], field[32], text[64], entity[16];
    uint64_t base, change_base;
    unsigned changes, fields;
    struct id id;
    struct bytes map;
};

static struct sent_change last_sent(void)
{
    struct sent_change sent = {.changes = 0};
    struct bytes change = {0}, fields = {0}, text = {0};
    const struct message *message = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < server.sent_count; i++)
        if (server.sent[i].message.type == MESSAGE_MUTATE)
            message = &server.sent[i].message;
    assert_non_null(message);
    sent.base = message->as.mutate.base;
    sent.changes = message_count(message->as.mutate.changes);
    struct wire_reader reader = wire_read(message->as.mutate.changes);
    assert_true(wire_get_array(&reader, &count) && wire_skip(&reader, &change));
    assert_true(wire_map_str(change, "op", &text));
    bytes_to_text(text, sent.op, sizeof sent.op);
    assert_true(wire_map_id(change, "id", &sent.id));
    (void)wire_map_uint(change, "base", &sent.change_base);
    if (wire_map_str(change, "entity", &text))
        bytes_to_text(text, sent.entity, sizeof sent.entity);
    if (wire_map_find(change, "fields", &fields)) {
        sent.map = fields;
        reader = wire_read(fields);
        assert_true(wire_get_map(&reader, &sent.fields));
        if (sent.fields > 0) {
            assert_true(wire_get_str(&reader, &text));
            bytes_to_text(text, sent.field, sizeof sent.field);
            if (wire_get_str(&reader, &text))
                bytes_to_text(text, sent.text, sizeof sent.text);
        }
    }
    return sent;
}

static void service_only(struct world *world)
{
    assert_ok(tandem_service(world->client));
}

/* ---- What the program sees ---- */

#define LINES_MOST 8

struct line {
    char op[16], entity[16], field[32], base[64], mine[64], theirs[64], by[32];
    bool conflict;
    int64_t at_ms;
    uint64_t seq;
};

struct view {
    size_t entries, lines;
    uint64_t entry;
    tandem_entry_state state;
    tandem_code code;
    bool access_ended;
    struct line line[LINES_MOST];
    char json[2048];
};

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text != NULL ? text : "(none)");
}

static bool take(void *context, const tandem_entry *entry)
{
    struct view *view = context;
    view->entries++;
    view->entry = entry->entry;
    view->state = entry->state;
    view->code = entry->fault->code;
    view->access_ended = entry->access_ended;
    view->lines = entry->change_count;
    copy_text(view->json, sizeof view->json, entry->json);
    assert_true(entry->change_count <= LINES_MOST);
    for (size_t i = 0; i < entry->change_count; i++) {
        const tandem_entry_change *from = &entry->changes[i];
        struct line *to = &view->line[i];
        copy_text(to->op, sizeof to->op, from->op);
        copy_text(to->entity, sizeof to->entity, from->entity);
        copy_text(to->field, sizeof to->field, from->field);
        copy_text(to->base, sizeof to->base, from->base);
        copy_text(to->mine, sizeof to->mine, from->mine);
        copy_text(to->theirs, sizeof to->theirs, from->theirs);
        copy_text(to->by, sizeof to->by, from->by);
        to->conflict = from->conflict;
        to->at_ms = from->at_ms;
        to->seq = from->seq;
    }
    return true;
}

/* The only entry in one of these states. */
static struct view only(struct world *world, unsigned states)
{
    struct view view = {.entries = 0};
    assert_ok(tandem_outbox_each(world->client, states, take, &view));
    assert_int_equal(view.entries, 1);
    return view;
}

static struct view conflict(struct world *world)
{
    return only(world, STATE(TANDEM_ENTRY_CONFLICT));
}

static bool was_told(const struct world *world, tandem_event_kind kind)
{
    for (size_t i = 0; i < world->told_count; i++)
        if (world->told[i].kind == kind)
            return true;
    return false;
}

/* Phone and site edited, and nils changed the phone meanwhile. */
static struct view phone_conflict(struct world *world)
{
    begin(world);
    refuse_for("phoneNumber", "333");
    assert_ok(edit(world, "222", "new.example", NULL));
    durable_settle(world, &shop);
    return conflict(world);
}

/* ---- Tests ---- */

static void both_sides_are_kept(void **state)
{
    struct world *world = *state;
    struct view view = phone_conflict(world);
    assert_true(was_told(world, TANDEM_EVENT_CONFLICT));
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
        view = conflict(world);
    }
}

static void the_base_is_what_was_held(void **state)
{
    struct world *world = *state;
    begin(world);
    assert_ok(edit(world, "222", NULL, NULL));
    assert_int_equal(last_sent().base, 40);
    durable_settle(world, &shop);
    say_account(40, 90, "222", "old.example");
    durable_settle(world, &shop);
    assert_ok(edit(world, "444", NULL, NULL));
    assert_int_equal(last_sent().base, 90);
    /* Of what is not held nothing is known. */
    durable_settle(world, &shop);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_update(mutation, "account", id_text(9)));
    assert_ok(tandem_set_text(mutation, "phoneNumber", "5"));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    assert_int_equal(last_sent().base, 0);
    tandem_set_base(mutation, 7);
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    assert_int_equal(last_sent().base, 7);
    tandem_mutation_free(mutation);
}

static void mine_goes_again_against_what_is_there_now(void **state)
{
    struct world *world = *state;
    struct view view = phone_conflict(world);
    char made[TANDEM_ID_TEXT] = "x";
    assert_ok(tandem_resolve_mine(world->client, view.entry, made));
    assert_string_equal(made, "");
    struct sent_change sent = last_sent();
    assert_string_equal(sent.op, "update");
    assert_int_equal(sent.change_base, 60);
    assert_string_equal(sent.text, "222");
    assert_int_equal(sent.fields, 2);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_ACCEPTED)), 1);
    assert_int_equal(tandem_resolve_mine(world->client, view.entry, made), STATUS_NOT_FOUND);
}

static void what_has_come_since_was_seen_as_well(void **state)
{
    struct world *world = *state;
    struct view view = phone_conflict(world);
    say_account(40, 85, "444", "old.example");
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    assert_int_equal(last_sent().change_base, 85);
}

static void whoever_changes_it_meanwhile_makes_a_new_conflict(void **state)
{
    struct world *world = *state;
    struct view view = phone_conflict(world);
    refuse_for("phoneNumber", "999");
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    durable_settle(world, &shop);
    struct view again = conflict(world);
    assert_true(again.entry > view.entry);
    assert_string_equal(again.line[0].mine, "222");
    assert_string_equal(again.line[0].theirs, "999");
}

static void conflicts_about_one_field_are_settled_oldest_first(void **state)
{
    struct world *world = *state;
    struct view old = phone_conflict(world);
    refuse_for("phoneNumber", "333");
    assert_ok(edit(world, "999", NULL, NULL));
    uint64_t newer = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 2);
    assert_int_equal(tandem_resolve_mine(world->client, newer, NULL), STATUS_USAGE);
    assert_int_equal(tandem_resolve_theirs(world->client, newer), STATUS_USAGE);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 2);
    assert_ok(tandem_resolve_mine(world->client, old.entry, NULL));
    assert_string_equal(last_sent().text, "222");
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_mine(world->client, newer, NULL));
    assert_string_equal(last_sent().text, "999");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void theirs_leaves_what_is_not_in_conflict(void **state)
{
    struct world *world = *state;
    struct view view = phone_conflict(world);
    assert_ok(tandem_resolve_theirs(world->client, view.entry));
    struct sent_change sent = last_sent();
    assert_int_equal(sent.fields, 1);
    assert_int_equal(only(world, STATE(TANDEM_ENTRY_SENT)).entry, tandem_last_entry(world->client));
    assert_string_equal(sent.field, "website");
    assert_string_equal(sent.text, "new.example");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void theirs_alone_leaves_nothing(void **state)
{
    struct world *world = *state;
    begin(world);
    refuse_for("phoneNumber", "333");
    assert_ok(edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, conflict(world).entry));
    assert_int_equal(tandem_last_entry(world->client), 0);
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
    durable_crash(world);
    open_client(world, true);
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

static void new_values_take_its_place(void **state)
{
    struct world *world = *state;
    struct view view = phone_conflict(world);
    tandem_mutation *values = tandem_mutation_new();
    assert_ok(tandem_update(values, "account", id_text(1)));
    assert_ok(tandem_set_text(values, "phoneNumber", "555"));
    assert_ok(tandem_resolve_with(world->client, view.entry, values));
    tandem_mutation_free(values);
    struct sent_change sent = last_sent();
    assert_string_equal(sent.text, "555");
    assert_int_equal(sent.base, 60);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void only_conflicts_are_settled(void **state)
{
    struct world *world = *state;
    begin(world);
    shop.refuse = "invalid-value";
    assert_ok(edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    struct view view = only(world, STATE(TANDEM_ENTRY_REFUSED));
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
    begin(world);
    refuse_for("", NULL);
    assert_ok(edit(world, "222", NULL, NULL));
    /* The removal may be told before the answer. */
    say_changes(40, 60, (struct bytes){0}, ids_of(&ids, gone, 1), (struct bytes){0});
    service_only(world);
    durable_settle(world, &shop);
    struct view view = conflict(world);
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
    struct sent_change sent = last_sent();
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
    begin(world);
    refuse_for("", NULL);
    assert_ok(edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    uint64_t first = conflict(world).entry;
    refuse_for("", NULL);
    assert_ok(edit(world, NULL, "new.example", NULL));
    uint64_t second = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    assert_ok(add_note(world, 1));
    uint64_t note = tandem_last_entry(world->client);
    shop.refuse = "not-found";
    durable_settle(world, &shop);
    hang_up(4003);
    service_only(world);
    assert_ok(add_note(world, 1)); /* waits */
    assert_ok(tandem_resolve_mine(world->client, first, made));
    assert_int_equal(tandem_last_entry(world->client), first);
    durable_crash(world);
    durable_start(world);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 3);
    assert_int_equal(only(world, STATE(TANDEM_ENTRY_CONFLICT)).entry, second);
    assert_true(note > second);
    for (int turn = 0; turn < 50 && (shop.now == NULL || shop.now->last < 5); turn++) {
        assert_ok(tandem_service(world->client));
        durable_serve(&shop);
    }
    struct sent_change sent = last_sent();
    assert_string_equal(sent.op, "create");
    assert_string_equal(sent.entity, "note");
    assert_true(wire_map_id(sent.map, "account", &account));
    assert_string_equal(id_to_text(account, id), made);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_REFUSED)), 0);
    /* The other edit changes the new account, and makes no other. */
    assert_ok(tandem_resolve_mine(world->client, second, NULL));
    sent = last_sent();
    assert_string_equal(sent.op, "update");
    assert_string_equal(id_to_text(sent.id, id), made);
    assert_string_equal(sent.text, "new.example");
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void an_edit_of_what_was_deleted_can_be_given_up(void **state)
{
    struct world *world = *state;
    begin(world);
    refuse_for("", NULL);
    assert_ok(edit(world, "222", NULL, NULL));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, conflict(world).entry));
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

static void deleting_what_somebody_edited_is_a_conflict(void **state)
{
    struct world *world = *state;
    begin(world);
    refuse_for("phoneNumber", "333");
    assert_ok(remove_account(world));
    durable_settle(world, &shop);
    struct view view = conflict(world);
    assert_int_equal(view.lines, 2);
    assert_string_equal(view.line[0].op, "remove");
    assert_string_equal(view.line[0].field, "");
    assert_string_equal(view.line[1].field, "phoneNumber");
    assert_string_equal(view.line[1].base, "111");
    assert_string_equal(view.line[1].theirs, "333");
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    assert_string_equal(last_sent().op, "remove");
    assert_int_equal(last_sent().change_base, 60);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void a_deletion_can_be_given_up(void **state)
{
    struct world *world = *state;
    begin(world);
    refuse_for("phoneNumber", "333");
    assert_ok(remove_account(world));
    durable_settle(world, &shop);
    assert_ok(tandem_resolve_theirs(world->client, conflict(world).entry));
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

/* ---- Access that ends ---- */

static void purge_account(struct world *world, uint64_t from, uint64_t to)
{
    struct buffer scopes = {0};
    const struct scope scope = account_of(1);
    say_changes(from, to, (struct bytes){0}, (struct bytes){0}, scopes_of(&scopes, &scope, 1));
    durable_settle(world, &shop);
    buffer_release(&scopes);
    assert_true(was_told(world, TANDEM_EVENT_PURGED));
}

static void access_that_ended_leaves_mine_and_nothing_of_theirs(void **state)
{
    struct world *world = *state;
    struct view first = phone_conflict(world);
    hang_up(4003);
    service_only(world);
    assert_ok(edit(world, "666 777 888", NULL, NULL));
    shop.refuse = "not-found";
    durable_settle(world, &shop);
    purge_account(world, 40, 70);
    assert_true(was_told(world, TANDEM_EVENT_REFUSED));

    struct view lost = only(world, STATE(TANDEM_ENTRY_REFUSED));
    assert_true(lost.access_ended);
    assert_int_equal(lost.code, STATUS_NOT_FOUND);
    assert_string_equal(lost.line[0].mine, "666 777 888");
    assert_string_equal(lost.line[0].base, "(none)");
    assert_non_null(strstr(lost.json, "666 777 888"));
    assert_non_null(strstr(lost.json, "\"accessEnded\":true"));
    assert_null(strstr(lost.json, "Fjord"));

    struct view kept = conflict(world);
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
    begin(world);
    for (int purged_first = 0; purged_first < 2; purged_first++) {
        hang_up(4003);
        service_only(world);
        assert_ok(add_note(world, 1));
        uint64_t entry = tandem_last_entry(world->client);
        if (purged_first == 0) {
            shop.refuse = "not-found";
            durable_settle(world, &shop);
            assert_false(only(world, STATE(TANDEM_ENTRY_REFUSED)).access_ended);
            purge_account(world, 40, 70);
        } else {
            shop.refuse = "busy"; /* for now */
            durable_settle(world, &shop);
            purge_account(world, 71, 80);
            world->port.now += 120000;
            shop.refuse = "not-found";
            durable_settle(world, &shop);
        }
        struct view view = only(world, STATE(TANDEM_ENTRY_REFUSED));
        assert_int_equal(view.entry, entry);
        assert_int_equal(view.code, STATUS_NOT_FOUND);
        assert_true(view.access_ended);
        assert_non_null(strstr(view.json, "sixty pallets"));
        assert_null(strstr(view.json, "Fjord"));
        assert_ok(tandem_outbox_drop(world->client, entry));
        if (purged_first == 0) {
            say_account(70, 71, "111", "old.example");
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
    begin(world);
    hang_up(4003);
    service_only(world);
    assert_ok(add_note(world, 9));
    shop.refuse = "not-found";
    durable_settle(world, &shop);
    reset.as.reset.reason = bytes_text("access");
    reset.as.reset.epoch = shop.epoch;
    say(&reset);
    durable_settle(world, &shop);
    assert_true(was_told(world, TANDEM_EVENT_RESET));
    assert_false(only(world, STATE(TANDEM_ENTRY_REFUSED)).access_ended);
}

static void another_role_leaves_nothing_of_theirs_at_once(void **state)
{
    struct world *world = *state;
    struct message reset = {.type = MESSAGE_RESET};
    phone_conflict(world);
    reset.as.reset.reason = bytes_text("access");
    reset.as.reset.epoch = shop.epoch;
    say(&reset);
    durable_settle(world, &shop);
    assert_true(was_told(world, TANDEM_EVENT_RESET));
    struct view kept = conflict(world);
    assert_string_equal(kept.line[0].mine, "222");
    assert_string_equal(kept.line[0].base, "(none)");
    assert_string_equal(kept.line[0].theirs, "(none)");
    assert_null(strstr(kept.json, "333"));
}

/* The purge was committed, and the process died before the outbox knew of it. */
static void what_a_crash_left_is_taken_away_when_all_has_come(void **state)
{
    struct world *world = *state;
    phone_conflict(world);
    durable_crash(world);
    durable_start(world);
    assert_ok(replica_begin(world->client->replica));
    size_t count = 0;
    assert_ok(replica_purge(world->client->replica, account_of(1), &count));
    assert_ok(replica_commit(world->client->replica));
    assert_int_equal(count, 1);
    assert_string_equal(conflict(world).line[0].base, "111");
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    say_caught_up(tandem_cursor(world->client));
    durable_settle(world, &shop);
    assert_string_equal(conflict(world).line[0].base, "(none)");
    assert_string_equal(conflict(world).line[0].mine, "222");
}

/* The account was lost in the same way; the new record that was to go into it is still to be sent.
 */
static void what_a_crash_left_of_an_account_is_why_a_new_record_is_refused(void **state)
{
    struct world *world = *state;
    size_t count = 0;
    begin(world);
    hang_up(4003);
    service_only(world);
    assert_ok(add_note(world, 1));
    shop.refuse = "busy";
    shop.refuse_always = true;
    durable_crash(world);
    durable_start(world);
    assert_ok(replica_begin(world->client->replica));
    assert_ok(replica_purge(world->client->replica, account_of(1), &count));
    assert_ok(replica_commit(world->client->replica));
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    say_caught_up(tandem_cursor(world->client));
    durable_settle(world, &shop);
    shop.refuse = "not-found";
    shop.refuse_always = false;
    world->port.now += 120000;
    durable_settle(world, &shop);
    assert_true(only(world, STATE(TANDEM_ENTRY_REFUSED)).access_ended);
}

/* ---- Another history ---- */

/* Edited offline; then the server has another history, in which the phone is this. */
static void change_history(struct world *world, const char *phone_now)
{
    struct message reset = {.type = MESSAGE_RESET};
    begin(world);
    hang_up(4003);
    service_only(world);
    assert_ok(edit(world, "222", NULL, NULL));
    shop.epoch = id_of(901);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 1);
    reset.as.reset.reason = bytes_text("epoch");
    reset.as.reset.epoch = shop.epoch;
    say(&reset);
    durable_settle(world, &shop);
    if (phone_now != NULL)
        say_account(0, 12, phone_now, "old.example");
    say_caught_up(12);
    service_only(world);
}

static void another_history_with_the_same_values_takes_it(void **state)
{
    struct world *world = *state;
    change_history(world, "111");
    assert_int_equal(last_sent().base, 12);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_WAITING)), 0);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void another_history_with_other_values_is_a_conflict(void **state)
{
    struct world *world = *state;
    change_history(world, "000");
    durable_settle(world, &shop);
    struct view view = conflict(world);
    assert_true(was_told(world, TANDEM_EVENT_CONFLICT));
    assert_string_equal(view.line[0].base, "111");
    assert_string_equal(view.line[0].mine, "222");
    assert_string_equal(view.line[0].theirs, "000");
    assert_string_equal(view.line[0].by, "nils");
    assert_ok(tandem_resolve_mine(world->client, view.entry, NULL));
    assert_int_equal(last_sent().change_base, 12);
    durable_settle(world, &shop);
    assert_int_equal(tandem_outbox_count(world->client, STATE(TANDEM_ENTRY_CONFLICT)), 0);
}

static void another_history_without_the_record_is_a_conflict(void **state)
{
    struct world *world = *state;
    change_history(world, NULL);
    durable_settle(world, &shop);
    struct view view = conflict(world);
    assert_int_equal(view.lines, 2);
    assert_string_equal(view.line[1].field, "");
    assert_true(view.line[1].conflict);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, set_up_shop, tear_down_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP(both_sides_are_kept),
        SHOP(the_base_is_what_was_held),
        SHOP(mine_goes_again_against_what_is_there_now),
        SHOP(what_has_come_since_was_seen_as_well),
        SHOP(whoever_changes_it_meanwhile_makes_a_new_conflict),
        SHOP(conflicts_about_one_field_are_settled_oldest_first),
        SHOP(theirs_leaves_what_is_not_in_conflict),
        SHOP(theirs_alone_leaves_nothing),
        SHOP(new_values_take_its_place),
        SHOP(only_conflicts_are_settled),
        SHOP(editing_what_somebody_deleted_is_a_conflict),
        SHOP(what_hangs_on_a_deleted_record_goes_with_the_new_one),
        SHOP(an_edit_of_what_was_deleted_can_be_given_up),
        SHOP(deleting_what_somebody_edited_is_a_conflict),
        SHOP(a_deletion_can_be_given_up),
        SHOP(access_that_ended_leaves_mine_and_nothing_of_theirs),
        SHOP(a_new_record_says_that_its_account_is_lost),
        SHOP(a_new_record_in_an_unknown_account_is_just_refused),
        SHOP(what_a_crash_left_of_an_account_is_why_a_new_record_is_refused),
        SHOP(another_role_leaves_nothing_of_theirs_at_once),
        SHOP(what_a_crash_left_is_taken_away_when_all_has_come),
        SHOP(another_history_with_the_same_values_takes_it),
        SHOP(another_history_with_other_values_is_a_conflict),
        SHOP(another_history_without_the_record_is_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

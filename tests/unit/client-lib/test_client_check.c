/* What the server can never take is refused before it is queued; what it may take is not. */
#include "conflict_world.h"

static void put_text(struct buffer *out, const char *key, const char *value)
{
    wire_put_text(out, key);
    wire_put_text(out, value);
}

/* A custom entity "machine" in accounts, with a whole number "hours" and an enum "state". */
static void say_definitions(void)
{
    struct buffer entity = {0}, hours = {0}, kind = {0}, list = {0};
    wire_put_map(&entity, 2);
    put_text(&entity, "name", "machine");
    put_text(&entity, "home", "account");
    wire_put_map(&hours, 3);
    put_text(&hours, "entity", "machine");
    put_text(&hours, "name", "hours");
    put_text(&hours, "kind", "integer");
    wire_put_map(&kind, 4);
    put_text(&kind, "entity", "account");
    put_text(&kind, "name", "grade");
    put_text(&kind, "kind", "enum");
    wire_put_text(&kind, "values");
    wire_put_array(&kind, 1);
    wire_put_text(&kind, "A");
    const struct made made[] = {
        {.id = 5, .entity = "customEntity", .seq = 50, .fields = buffer_bytes(&entity)},
        {.id = 6, .entity = "customField", .seq = 50, .fields = buffer_bytes(&hours)},
        {.id = 7, .entity = "customField", .seq = 50, .fields = buffer_bytes(&kind)}};
    shop_say_changes(40, 50, records_of(&list, made, 3), (struct bytes){0}, (struct bytes){0});
    buffer_release(&entity);
    buffer_release(&hours);
    buffer_release(&kind);
    buffer_release(&list);
}

/* Account 1 is held, and there is no connection. */
static void go_offline(struct world *world)
{
    shop_begin(world);
    say_definitions();
    durable_settle(world, &shop);
    hang_up(4003);
    shop_service_only(world);
}

struct pair {
    const char *field, *kind, *text; /* kind NULL: as the field has it */
};

/* Sends one change of these fields, and says how it went in "code field". */
static const char *outcome_of(struct world *world, const char *op, const char *what,
                              const struct pair *pairs, size_t count)
{
    static char words[400];
    tandem_fault fault;
    char id[TANDEM_ID_TEXT];
    size_t before = tandem_outbox_count(world->client, 0);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    if (strcmp(op, "create") == 0)
        assert_ok(tandem_create(mutation, what, id));
    else
        assert_ok(tandem_update(mutation, "", what));
    for (size_t i = 0; i < count; i++)
        assert_ok(pairs[i].kind != NULL
                      ? tandem_set_kind(mutation, pairs[i].field, pairs[i].kind, pairs[i].text)
                      : tandem_set_text(mutation, pairs[i].field, pairs[i].text));
    tandem_code code = tandem_send(world->client, mutation, NULL, NULL);
    tandem_mutation_free(mutation);
    assert_int_equal(tandem_outbox_count(world->client, 0), before + (code == TANDEM_OK ? 1 : 0));
    if (code == TANDEM_OK)
        return "ok";
    tandem_last_fault(world->client, &fault);
    assert_int_equal(fault.code, code);
    assert_int_equal(fault.change, 0);
    assert_int_not_equal(fault.detail[0], '\0');
    snprintf(words, sizeof words, "%s %s: %s", tandem_error_name(code), fault.field, fault.detail);
    return words;
}

#define TRY(op, what, ...)                                                                         \
    outcome_of(world, op, what, (const struct pair[]){__VA_ARGS__},                                \
               sizeof((const struct pair[]){__VA_ARGS__}) / sizeof(struct pair))
#define EXPECT(words, ...) assert_string_equal(TRY(__VA_ARGS__), words)

static void records_that_lack_something_are_refused(void **state)
{
    struct world *world = *state;
    const char *account = id_text(1);
    go_offline(world);
    EXPECT("missing-field name: this field is required", "create", "account",
           {"website", NULL, "x.example"});
    EXPECT("missing-field name: this field is required", "create", "account", {"name", "text", ""});
    EXPECT("missing-field account: this field is required", "create", "assignment",
           {"level", NULL, "view"});
    EXPECT("ok", "create", "account", {"name", NULL, "Fjell AS"});
    EXPECT("missing-field account: this field is required", "create", "machine",
           {"name", "text", "Saw"});
    EXPECT("missing-field name: this field is required", "create", "machine",
           {"account", "reference", account});
    EXPECT("ok", "create", "machine", {"name", "text", "Saw"}, {"account", "reference", account});
    EXPECT("missing-field name: this field is required", "update", account, {"name", "text", ""});
}

static void values_that_no_server_takes_are_refused(void **state)
{
    struct world *world = *state;
    const char *account = id_text(1);
    go_offline(world);
    EXPECT("invalid-value name: required, it cannot be empty", "create", "account",
           {"name", "text", "  "});
    EXPECT("wrong-kind website: must be of kind url", "update", account,
           {"website", "integer", "7"});
    EXPECT("invalid-value website: must not contain spaces", "update", account,
           {"website", "text", "a b"});
    EXPECT("ok", "update", account, {"website", "text", "b.example"});
    EXPECT("wrong-kind hours: must be of kind integer", "create", "machine",
           {"name", "text", "Saw"}, {"account", "reference", account}, {"hours", "text", "many"});
    EXPECT("ok", "create", "machine", {"name", "text", "Saw"}, {"account", "reference", account},
           {"hours", "integer", "12"});
}

static void definitions_that_make_no_sense_are_refused(void **state)
{
    struct world *world = *state;
    go_offline(world);
    EXPECT("invalid-value name: the entity has a field of this name", "create", "customField",
           {"key", NULL, "account.website"}, {"entity", NULL, "account"}, {"name", NULL, "website"},
           {"kind", NULL, "text"});
    EXPECT("ok", "create", "customField", {"key", NULL, "account.site2"},
           {"entity", NULL, "account"}, {"name", NULL, "site2"}, {"kind", NULL, "text"});
}

/* Somebody may have defined it since, or added to its values. */
static void what_the_server_may_know_by_now_passes(void **state)
{
    struct world *world = *state;
    const char *account = id_text(1);
    go_offline(world);
    EXPECT("ok", "create", "vessel", {"name", "text", "Fram"});
    EXPECT("ok", "update", account, {"colour", "text", "red"});
    EXPECT("ok", "update", account, {"grade", "enum", "B"});
    EXPECT("ok", "update", id_text(99), {"website", "integer", "7"});
}

static void names_that_nothing_can_have_are_refused(void **state)
{
    struct world *world = *state;
    go_offline(world);
    EXPECT("unknown-entity entity: there is no such entity", "create", "Account",
           {"name", "text", "Fjell AS"});
    EXPECT("unknown-field Colour: the entity has no such field", "update", id_text(1),
           {"Colour", "text", "red"});
}

static void what_the_server_writes_or_was_set_for_good_is_refused(void **state)
{
    struct world *world = *state;
    go_offline(world);
    EXPECT("denied status: this field is written by the server alone", "create", "assignment",
           {"party", NULL, id_text(3)}, {"account", NULL, id_text(1)}, {"level", NULL, "view"},
           {"status", NULL, "Active"});
    EXPECT("invalid-value name: this is set when the record is made and cannot be changed",
           "update", id_text(5), {"name", "text", "engine"});
    EXPECT("ok", "update", id_text(5), {"name", "text", "machine"});
}

/* The change that is wrong is named, and nothing of the mutation is queued. */
static void one_wrong_change_refuses_all_of_them(void **state)
{
    struct world *world = *state;
    tandem_fault fault;
    char id[TANDEM_ID_TEXT];
    go_offline(world);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "contact", id));
    assert_ok(tandem_set_text(mutation, "lastName", "Berg"));
    assert_ok(tandem_update(mutation, "contact", id));
    assert_ok(tandem_set_kind(mutation, "emailAddress", "text", "nobody"));
    assert_int_equal(tandem_send(world->client, mutation, NULL, NULL), STATUS_INVALID_VALUE);
    tandem_mutation_free(mutation);
    tandem_last_fault(world->client, &fault);
    assert_int_equal(fault.change, 1);
    assert_string_equal(fault.field, "emailAddress");
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

/* Also a record that is only in the outbox, and with a connection, where nothing is sent. */
static void it_is_so_for_records_of_the_outbox_and_online(void **state)
{
    struct world *world = *state;
    char id[TANDEM_ID_TEXT];
    go_offline(world);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "account", id));
    assert_ok(tandem_set_text(mutation, "name", "Fjell AS"));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
    EXPECT("missing-field name: this field is required", "update", id, {"name", "text", ""});
    world->port.now += (uint64_t)tandem_timeout(world->client);
    durable_settle(world, &shop);
    assert_true(tandem_connected(world->client));
    size_t before = server.sent_count;
    EXPECT("missing-field name: this field is required", "create", "account",
           {"website", NULL, "x.example"});
    assert_int_equal(server.sent_count, before);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, shop_set_up, shop_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {SHOP(records_that_lack_something_are_refused),
                                       SHOP(values_that_no_server_takes_are_refused),
                                       SHOP(definitions_that_make_no_sense_are_refused),
                                       SHOP(what_the_server_may_know_by_now_passes),
                                       SHOP(names_that_nothing_can_have_are_refused),
                                       SHOP(what_the_server_writes_or_was_set_for_good_is_refused),
                                       SHOP(one_wrong_change_refuses_all_of_them),
                                       SHOP(it_is_so_for_records_of_the_outbox_and_online)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

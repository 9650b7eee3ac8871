/* Building mutations: every kind of field from text, and what is refused. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/base/json.h"
#include "client-lib/base/mutation.h"

/* The mutation's changes as JSON, with the created ids as they are. */
static void expect_changes(const tandem_mutation *mutation, const struct field_source *source,
                           const char *expected)
{
    struct buffer encoded = {0}, json = {0};
    tandem_fault fault;
    assert_ok(mutation_encode(mutation, source, &encoded, &fault));
    assert_ok(wire_validate(buffer_bytes(&encoded), NULL));
    json_value(&json, buffer_bytes(&encoded), false);
    buffer_append_byte(&json, 0);
    assert_string_equal((const char *)json.data, expected);
    buffer_release(&encoded);
    buffer_release(&json);
}

static void every_kind_is_read_from_text(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *text, *json;
    } cases[] = {
        {"text", "Fjord \"Bruk\" AS", "\"Fjord \\\"Bruk\\\" AS\""},
        {"longText", "a\nb", "\"a\\nb\""},
        {"integer", "-12", "-12"},
        {"decimal", "-12.500", "\"-12.500\""},
        {"boolean", "yes", "true"},
        {"enum", "Warm", "\"Warm\""},
        {"date", "2024-02-29", "\"2024-02-29\""},
        {"time", "2026-03-01T09:30:00.250Z", "1772357400250"},
        {"money", "1250.50 NOK", "{\"amount\":125050,\"currency\":\"NOK\"}"},
        {"email", "a@b.no", "\"a@b.no\""},
        {"phone", "+47 22 33 44 55", "\"+47 22 33 44 55\""},
        {"url", "https://a.no/x", "\"https://a.no/x\""},
        {"address", "city=Bergen", "{\"city\":\"Bergen\"}"},
        {"reference", "0192f0c1-5a3e-7000-8000-000000000007",
         "\"0192f0c1-5a3e-7000-8000-000000000007\""},
        {"references", "0192f0c1-5a3e-7000-8000-000000000007,0192f0c1-5a3e-7000-8000-000000000008",
         "[\"0192f0c1-5a3e-7000-8000-000000000007\",\"0192f0c1-5a3e-7000-8000-000000000008\"]"},
        {"tags", "vip, north", "[\"vip\",\"north\"]"},
        {"text", "", "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[512];
        tandem_mutation *mutation = tandem_mutation_new();
        assert_ok(tandem_update(mutation, "account", id_text(1)));
        assert_ok(tandem_set_kind(mutation, "theField", cases[i].kind, cases[i].text));
        snprintf(expected, sizeof expected,
                 "[{\"op\":\"update\",\"id\":\"%s\",\"fields\":{\"theField\":%s}}]", id_text(1),
                 cases[i].json);
        expect_changes(mutation, NULL, expected);
        tandem_mutation_free(mutation);
    }
}

static void each_op_has_its_own_parts(void **state)
{
    (void)state;
    char id[TANDEM_ID_TEXT], expected[1024], scope[64], tag[64];
    tandem_mutation *mutation = tandem_mutation_new();
    snprintf(scope, sizeof scope, "party:%s", id_text(5));
    snprintf(tag, sizeof tag, "dept:%s", id_text(6));
    assert_ok(tandem_create(mutation, "note", id));
    assert_ok(tandem_set_text(mutation, "text", "first"));
    assert_ok(tandem_set_text(mutation, "text", "second")); /* replaces */
    assert_ok(tandem_set_scope(mutation, scope));
    assert_ok(tandem_add_audience(mutation, "internal"));
    assert_ok(tandem_add_audience(mutation, tag));
    assert_ok(tandem_update(mutation, "account", id_text(2)));
    assert_ok(tandem_set_text(mutation, "phone", "+4722334455")); /* an alias */
    assert_ok(tandem_remove(mutation, id_text(3)));
    assert_ok(tandem_share(mutation, id_text(4)));
    assert_ok(tandem_add_audience(mutation, "suppliers"));
    assert_ok(tandem_remove_audience(mutation, "partners"));
    assert_int_equal(tandem_change_count(mutation), 4);
    snprintf(expected, sizeof expected,
             "[{\"op\":\"create\",\"id\":\"%s\",\"entity\":\"note\",\"scope\":\"%s\","
             "\"audience\":[\"internal\",\"%s\"],\"fields\":{\"text\":\"second\"}},"
             "{\"op\":\"update\",\"id\":\"%s\",\"fields\":{\"phoneNumber\":\"+4722334455\"}},"
             "{\"op\":\"remove\",\"id\":\"%s\"},"
             "{\"op\":\"share\",\"id\":\"%s\",\"add\":[\"suppliers\"],\"remove\":[\"partners\"]}]",
             id, scope, tag, id_text(2), id_text(3), id_text(4));
    expect_changes(mutation, NULL, expected);
    tandem_mutation_free(mutation);
}

static void a_mention_names_a_note_and_a_user(void **state)
{
    (void)state;
    struct buffer encoded = {0};
    struct bytes map, text;
    struct id id, note, expected;
    uint32_t count;
    tandem_fault fault;
    char user[] = "kari moe";
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_mention(mutation, id_text(7), user));
    user[0] = 'x'; /* it was copied */
    assert_int_not_equal(tandem_set_text(mutation, "read", "true"), TANDEM_OK);
    tandem_mutation_free(mutation);
    mutation = tandem_mutation_new();
    user[0] = 'k';
    assert_ok(tandem_mention(mutation, id_text(7), user));
    assert_ok(mutation_encode(mutation, NULL, &encoded, &fault));
    struct wire_reader reader = wire_read(buffer_bytes(&encoded));
    assert_true(wire_get_array(&reader, &count) && count == 1 && wire_skip(&reader, &map));
    assert_true(wire_map_str(map, "op", &text) && bytes_is(text, "mention"));
    assert_true(wire_map_str(map, "user", &text) && bytes_is(text, "kari moe"));
    assert_true(id_from_text(bytes_text(id_text(7)), &expected));
    assert_true(wire_map_id(map, "note", &note) && id_equal(note, expected));
    assert_true(wire_map_id(map, "id", &id) && !id_is_zero(id) && !id_equal(id, expected));
    tandem_mutation_free(mutation);
    buffer_release(&encoded);

    static const char *const wrong[][2] = {
        {"no id", "kari"}, {NULL, ""}, {NULL, NULL}, {NULL, "\xff"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mutation = tandem_mutation_new();
        const char *about = wrong[i][0] != NULL ? wrong[i][0] : id_text(7);
        assert_int_equal(tandem_mention(mutation, about, wrong[i][1]), STATUS_INVALID_VALUE);
        tandem_mutation_fault(mutation, &fault);
        assert_string_equal(fault.field, i == 0 ? "note" : "user");
        tandem_mutation_free(mutation);
    }
}

static void created_ids_are_new_and_in_order_of_creation(void **state)
{
    (void)state;
    char first[TANDEM_ID_TEXT], second[TANDEM_ID_TEXT];
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "note", first));
    assert_ok(tandem_create(mutation, "note", second));
    assert_int_equal(strlen(first), 36);
    assert_int_equal(first[14], '7'); /* UUID version 7 */
    assert_true(strcmp(first, second) < 0);
    tandem_mutation_free(mutation);
}

/* Far more than a millisecond takes, over two mutations. */
static void created_ids_sort_as_they_were_made(void **state)
{
    (void)state;
    char last[TANDEM_ID_TEXT] = "", id[TANDEM_ID_TEXT];
    for (int round = 0; round < 20; round++) {
        tandem_mutation *mutation = tandem_mutation_new();
        if (last[0] != 0)
            assert_ok(tandem_set_after(mutation, last));
        for (int i = 0; i < 500; i++) {
            assert_ok(tandem_create(mutation, "note", id));
            assert_true(strcmp(last, id) < 0);
            memcpy(last, id, sizeof last);
        }
        tandem_mutation_free(mutation);
    }
    tandem_mutation *mutation = tandem_mutation_new();
    assert_int_equal(tandem_set_after(mutation, "no id"), STATUS_INVALID_VALUE);
    tandem_mutation_free(mutation);
}

static void ids_of_a_clock_that_stands_or_goes_back_sort(void **state)
{
    (void)state;
    struct fake_port fake;
    struct id last = {0}, id;
    fake_port_init(&fake);
    const uint64_t time = fake.port.wall_ms(fake.port.context);
    for (int i = 0; i < 10000; i++) { /* the counter carries into the time */
        assert_true(port_id_after(&fake.port, last, &id));
        assert_true(id_compare(last, id) < 0);
        assert_int_equal(id.octet[6] >> 4, 7);
        assert_int_equal(id.octet[8] >> 6, 2);
        last = id;
    }
    const uint64_t carried = (uint64_t)get_u16(last.octet) << 32 | get_u32(last.octet + 2);
    assert_in_range(carried, time + 2, time + 3);
    fake.now -= fake.now > 100 ? 100 : fake.now;
    assert_true(port_id_after(&fake.port, last, &id));
    assert_true(id_compare(last, id) < 0);
}

/* The first error stays, names its change and field, and keeps the mutation from being sent. */
static void expect_refused(tandem_mutation *mutation, enum status status, const char *field,
                           int change)
{
    struct buffer encoded = {0};
    tandem_fault fault, kept;
    assert_int_equal(mutation_encode(mutation, NULL, &encoded, &fault), status);
    tandem_mutation_fault(mutation, &kept);
    assert_int_equal(kept.code, status);
    assert_string_equal(kept.field, field);
    assert_int_equal(kept.change, change);
    assert_int_equal(fault.code, kept.code);
    assert_true(kept.detail[0] != 0);
    buffer_release(&encoded);
    tandem_mutation_free(mutation);
}

static void the_first_error_is_kept(void **state)
{
    (void)state;
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_update(mutation, "account", id_text(1)));
    assert_ok(tandem_set_text(mutation, "name", "A"));
    assert_ok(tandem_update(mutation, "opportunity", id_text(1)));
    assert_int_equal(tandem_set_text(mutation, "amount", "much"), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_set_text(mutation, "stage", "Prospecting"), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_remove(mutation, "no id"), STATUS_INVALID_VALUE);
    expect_refused(mutation, STATUS_INVALID_VALUE, "amount", 1);

    mutation = tandem_mutation_new();
    assert_int_equal(tandem_update(mutation, "account", "no id"), STATUS_INVALID_VALUE);
    expect_refused(mutation, STATUS_INVALID_VALUE, "id", 0);
    mutation = tandem_mutation_new();
    assert_int_equal(tandem_set_text(mutation, "name", "A"), STATUS_USAGE);
    expect_refused(mutation, STATUS_USAGE, "name", -1);
    mutation = tandem_mutation_new();
    assert_ok(tandem_remove(mutation, id_text(1)));
    assert_int_equal(tandem_set_text(mutation, "name", "A"), STATUS_USAGE);
    expect_refused(mutation, STATUS_USAGE, "name", 0);
    mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_int_equal(tandem_set_scope(mutation, "party:x"), STATUS_INVALID_VALUE);
    expect_refused(mutation, STATUS_INVALID_VALUE, "scope", 0);
    mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_int_equal(tandem_remove_audience(mutation, "internal"), STATUS_USAGE);
    expect_refused(mutation, STATUS_USAGE, "audience", 0);
    mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_int_equal(tandem_set_text(mutation, "text", "\xff"), STATUS_INVALID_VALUE);
    expect_refused(mutation, STATUS_INVALID_VALUE, "text", 0);
    mutation = tandem_mutation_new();
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_int_equal(tandem_set_kind(mutation, "x", "colour", "red"), STATUS_WRONG_KIND);
    expect_refused(mutation, STATUS_WRONG_KIND, "x", 0);
}

static void a_mutation_has_at_most_500_changes(void **state)
{
    (void)state;
    tandem_mutation *mutation = tandem_mutation_new();
    for (int i = 0; i < 500; i++)
        assert_ok(tandem_remove(mutation, id_text(1)));
    assert_int_equal(tandem_remove(mutation, id_text(1)), STATUS_LIMIT);
    assert_int_equal(tandem_change_count(mutation), 500);
    tandem_mutation_free(mutation);
}

/* A definition of account.shoeSize, an integer. */
static bool find_shoe_size(void *context, struct bytes entity, struct bytes name,
                           struct field_def *out, struct custom_field_storage *storage)
{
    (void)context;
    (void)storage;
    if (!bytes_is(entity, "account") || !bytes_is(name, "shoeSize"))
        return false;
    *out = (struct field_def){.name = "shoeSize", .kind = KIND_INTEGER};
    return true;
}

static void a_custom_field_waits_for_its_definition(void **state)
{
    (void)state;
    const struct field_source source = {NULL, find_shoe_size};
    struct buffer encoded = {0};
    char expected[256];
    tandem_fault fault;
    tandem_mutation *mutation = tandem_mutation_new();
    assert_ok(tandem_update(mutation, "account", id_text(1)));
    assert_ok(tandem_set_text(mutation, "shoeSize", "44"));
    snprintf(expected, sizeof expected,
             "[{\"op\":\"update\",\"id\":\"%s\",\"fields\":{\"shoeSize\":44}}]", id_text(1));
    expect_changes(mutation, &source, expected);
    /* Nobody knows it. */
    assert_int_equal(mutation_encode(mutation, NULL, &encoded, &fault), STATUS_UNKNOWN_FIELD);
    assert_string_equal(fault.field, "shoeSize");
    /* A text that its kind cannot be. */
    assert_ok(tandem_set_text(mutation, "shoeSize", "large"));
    assert_int_equal(mutation_encode(mutation, &source, &encoded, &fault), STATUS_INVALID_VALUE);
    assert_int_equal(fault.change, 0);
    buffer_release(&encoded);
    tandem_mutation_free(mutation);
}

static void near_names_are_listed(void **state)
{
    (void)state;
    char hint[160];
    field_hint(bytes_text("account"), bytes_text("Name"), hint, sizeof hint);
    assert_non_null(strstr(hint, "name"));
    field_hint(bytes_text("account"), bytes_text("billing"), hint, sizeof hint);
    assert_string_equal(hint, "; did you mean billingAddress?");
    field_hint(bytes_text("account"), bytes_text("asignedUser"), hint, sizeof hint);
    assert_string_equal(hint, "; did you mean assignedUser?");
    field_hint(bytes_text("account"), bytes_text("zzzzzz"), hint, sizeof hint);
    assert_string_equal(hint, "");
    field_hint(bytes_text("nothing"), bytes_text("name"), hint, sizeof hint);
    assert_string_equal(hint, "");
    char small[20];
    field_hint(bytes_text("account"), bytes_text("billing"), small, sizeof small);
    assert_true(strlen(small) < sizeof small);
}

static void the_schema_can_be_looked_through(void **state)
{
    (void)state;
    tandem_field_info field;
    size_t count = 0;
    bool common = false;
    assert_true(tandem_entity_count() > 10);
    assert_null(tandem_entity_name(tandem_entity_count()));
    for (; tandem_field_at("opportunity", count, &field); count++)
        common = common || (field.common && strcmp(field.name, "assignedUser") == 0);
    assert_true(common && count > 5);
    assert_true(tandem_field_find("opportunity", "stage", &field));
    assert_string_equal(field.kind, "enum");
    assert_string_equal(field.values[0], "Prospecting");
    assert_true(tandem_field_find("account", "phone", &field));
    assert_string_equal(field.name, "phoneNumber");
    assert_true(tandem_field_find("contact", "account", &field));
    assert_string_equal(field.target, "account");
    assert_false(tandem_field_find("account", "nothing", &field));
    assert_false(tandem_field_at("nothing", 0, &field));
}

static void errors_have_names_and_classes(void **state)
{
    (void)state;
    assert_string_equal(tandem_error_name(STATUS_NOT_FOUND), "not-found");
    assert_int_equal(tandem_error_class(TANDEM_OK), TANDEM_DONE);
    assert_int_equal(tandem_error_class(STATUS_CONFLICT), TANDEM_REFUSED);
    assert_int_equal(tandem_error_class(STATUS_USAGE), TANDEM_USAGE);
    assert_int_equal(tandem_error_class(STATUS_UNREACHABLE), TANDEM_UNREACHABLE);
    assert_int_equal(tandem_error_class(STATUS_UNTRUSTED), TANDEM_UNREACHABLE);
    assert_non_null(tandem_error_text(12345));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_from_text),
        cmocka_unit_test(each_op_has_its_own_parts),
        cmocka_unit_test(a_mention_names_a_note_and_a_user),
        cmocka_unit_test(created_ids_are_new_and_in_order_of_creation),
        cmocka_unit_test(created_ids_sort_as_they_were_made),
        cmocka_unit_test(ids_of_a_clock_that_stands_or_goes_back_sort),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(a_mutation_has_at_most_500_changes),
        cmocka_unit_test(a_custom_field_waits_for_its_definition),
        cmocka_unit_test(near_names_are_listed),
        cmocka_unit_test(the_schema_can_be_looked_through),
        cmocka_unit_test(errors_have_names_and_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

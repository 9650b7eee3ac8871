#include "support.h"

#include <stdio.h>
#include <string.h>

#include "notation.h"
#include "protocol/schema.h"

static enum status custom(const char *notation, struct field_def *out,
                          struct custom_field_storage *storage, struct fault *fault)
{
    struct buffer fields = {0};
    fault_clear(fault);
    memset(storage, 0xaa, sizeof *storage);
    memset(out, 0xaa, sizeof *out);
    if (!notation_parse(bytes_text(notation), &fields))
        fail_msg("the test itself is wrong: %s", notation);
    const enum status status = schema_custom_field(buffer_bytes(&fields), out, storage, fault);
    buffer_release(&fields); /* nothing of the result may point into the record */
    return status;
}

static void a_field_is_read_from_its_record(void **state)
{
    struct custom_field_storage storage;
    struct field_def field;
    struct fault fault;
    (void)state;
    assert_int_equal(custom("{\"key\": \"account.tier\", \"entity\": \"account\", \"name\": \"tier\", "
                            "\"label\": \"Tier\", \"kind\": \"enum\", \"class\": \"restricted\", "
                            "\"values\": [\"Gold\", \"Silver\"], \"departments\": [\"Sales\"], "
                            "\"required\": true}",
                            &field, &storage, &fault),
                     STATUS_OK);
    assert_string_equal(field.name, "tier");
    assert_int_equal(field.kind, KIND_ENUM);
    assert_int_equal(field.class, CLASS_RESTRICTED);
    assert_int_equal(field.flags, FIELD_REQUIRED);
    assert_string_equal(field.values[0], "Gold");
    assert_string_equal(field.values[1], "Silver");
    assert_null(field.values[2]);
    assert_string_equal(field.departments[0], "Sales");
    assert_null(field.departments[1]);
    assert_null(field.target);
    /* Its values are checked as those of a built-in field. */
    struct buffer value = {0};
    assert_int_equal(schema_parse(&field, bytes_text("gold"), &value, NULL), STATUS_OK);
    assert_bytes(buffer_bytes(&value), bytes_of("\xa4Gold", 5));
    assert_int_equal(schema_parse(&field, bytes_text("bronze"), &value, NULL), STATUS_INVALID_VALUE);
    buffer_release(&value);
}

static void silence_shares_nothing(void **state)
{
    struct custom_field_storage storage;
    struct field_def field;
    struct fault fault;
    (void)state;
    assert_int_equal(custom("{\"entity\": \"boat\", \"name\": \"owner\", \"kind\": \"reference\", "
                            "\"target\": \"contact\", \"values\": null}",
                            &field, &storage, &fault),
                     STATUS_OK);
    assert_int_equal(field.class, CLASS_INTERNAL);
    assert_int_equal(field.flags, 0);
    assert_string_equal(field.target, "contact");
    assert_null(field.values);
    assert_null(field.departments);
}

static void what_is_not_for_a_kind_is_left_out(void **state)
{
    static const char *const required[] = {"false", "1"};
    struct custom_field_storage storage;
    struct field_def field;
    struct fault fault;
    char record[200];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(record, sizeof record,
                 "{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\", "
                 "\"target\": \"contact\", \"required\": %s}",
                 required[i]);
        assert_int_equal(custom(record, &field, &storage, &fault), STATUS_OK);
        assert_null(field.target);
        assert_int_equal(field.flags, 0);
    }
    assert_int_equal(custom("{\"entity\": \"account\", \"name\": \"boats2\", \"kind\": \"references\", "
                            "\"target\": \"boat\"}",
                            &field, &storage, &fault),
                     STATUS_OK);
    assert_string_equal(field.target, "boat");
}

static void bad_definitions_are_refused(void **state)
{
    static const struct {
        const char *record;
        const char *field;
    } cases[] = {
        {"{}", "entity"},
        {"{\"entity\": \"account\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"Tier\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"a b\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"a.b\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"a:b\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"a{b\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"{b\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"1b\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"industry\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"tags\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"boat\", \"name\": \"tags\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"boat\", \"name\": \"account\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"modifiedBy\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"phone\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"A\", \"name\": \"tier\", \"kind\": \"text\"}", "entity"},
        {"{\"entity\": \"account\", \"name\": \"tier\"}", "kind"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"float\"}", "kind"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": 1}", "kind"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"enum\"}", "values"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"enum\", \"values\": [1]}", "values"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"enum\", \"values\": \"a\"}", "values"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"enum\", \"values\": [\"a\\u0000\"]}",
         "values"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\", \"class\": \"secret\"}", "class"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\", \"class\": \"restricted\"}",
         "departments"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"reference\", \"target\": \"X\"}",
         "target"},
        {"{\"key\": \"account.other\", \"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\"}",
         "key"},
        {"{\"key\": \"account-tier\", \"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\"}",
         "key"},
        {"{\"key\": \"contact.tier\", \"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\"}",
         "key"},
        {"{\"key\": \"account.size\", \"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\"}",
         "key"},
        {"{\"entity\": \"boat\", \"name\": \"name\", \"kind\": \"text\"}", "name"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"enum\", \"values\": [\"\"]}", "values"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\", \"departments\": [1]}",
         "departments"},
        {"{\"entity\": \"account\", \"name\": \"tier\", \"kind\": \"references\", \"target\": \"X\"}",
         "target"},
        {"{\"key\": \"accounttier\", \"entity\": \"account\", \"name\": \"tier\", \"kind\": \"text\"}",
         "key"},
    };
    struct custom_field_storage storage;
    struct field_def field;
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (custom(cases[i].record, &field, &storage, &fault) != STATUS_INVALID_VALUE)
            fail_msg("%s was taken", cases[i].record);
        assert_string_equal(fault.field, cases[i].field);
    }
}

static void put_pair(struct buffer *out, const char *key, const char *value)
{
    wire_put_text(out, key);
    wire_put_text(out, value);
}

/* An enum with `count` values of `size` bytes each. */
static enum status with_values(uint32_t count, size_t size)
{
    struct custom_field_storage storage;
    struct field_def field;
    struct buffer fields = {0};
    uint8_t text[2100];
    wire_put_map(&fields, 4);
    put_pair(&fields, "entity", "account");
    put_pair(&fields, "name", "tier");
    put_pair(&fields, "kind", "enum");
    wire_put_text(&fields, "values");
    wire_put_array(&fields, count);
    for (uint32_t i = 0; i < count; i++) {
        memset(text, 'a', sizeof text);
        put_u16(text, (uint16_t)(0x6161 + i));
        wire_put_str(&fields, bytes_of(text, size));
    }
    const enum status status = schema_custom_field(buffer_bytes(&fields), &field, &storage, NULL);
    if (status == STATUS_OK) {
        assert_null(field.values[count]);
        assert_int_equal(strlen(field.values[count - 1]), size);
    }
    buffer_release(&fields);
    return status;
}

static void values_stay_within_their_storage(void **state)
{
    (void)state;
    assert_int_equal(with_values(64, 31), STATUS_OK); /* 64 x 32 = 2,048 */
    assert_int_equal(with_values(64, 32), STATUS_INVALID_VALUE);
    assert_int_equal(with_values(65, 2), STATUS_INVALID_VALUE);
    assert_int_equal(with_values(31, 64), STATUS_OK);
    /* The last value that fits with its NUL, and the first that does not. */
    assert_int_equal(with_values(1, 2047), STATUS_OK);
    assert_int_equal(with_values(1, 2048), STATUS_INVALID_VALUE);
    assert_int_equal(with_values(2, 1024), STATUS_INVALID_VALUE);
}

static void names_have_64_letters_at_most(void **state)
{
    struct custom_field_storage storage;
    struct field_def field;
    struct fault fault;
    char record[300];
    (void)state;
    for (int length = 63; length <= 65; length++) {
        char name[70];
        memset(name, 'n', sizeof name);
        name[length] = '\0';
        snprintf(record, sizeof record, "{\"entity\": \"account\", \"name\": \"%s\", \"kind\": \"text\"}",
                 name);
        assert_int_equal(custom(record, &field, &storage, &fault),
                         length <= 64 ? STATUS_OK : STATUS_INVALID_VALUE);
        if (length <= 64)
            assert_string_equal(field.name, name);
    }
}

static enum status entity(const char *notation, struct entity_def *out,
                          struct custom_entity_storage *storage, struct fault *fault)
{
    struct buffer fields = {0};
    fault_clear(fault);
    assert_true(notation_parse(bytes_text(notation), &fields));
    const enum status status = schema_custom_entity(buffer_bytes(&fields), out, storage, fault);
    buffer_release(&fields);
    return status;
}

static void an_entity_is_read_from_its_record(void **state)
{
    struct custom_entity_storage storage;
    struct entity_def boat;
    struct fault fault;
    (void)state;
    assert_int_equal(entity("{\"name\": \"boat\", \"label\": \"Boat\", \"home\": \"account\", "
                            "\"audience\": \"partners\", \"titleField\": \"callSign\"}",
                            &boat, &storage, &fault),
                     STATUS_OK);
    assert_string_equal(boat.name, "boat");
    assert_string_equal(boat.title_field, "callSign");
    assert_int_equal(boat.home, HOME_ACCOUNT);
    assert_int_equal(boat.audience, AUDIENCE_PARTNERS);
    assert_null(boat.timeline_field);
    assert_int_equal(schema_field(&boat, bytes_text("name"))->flags & FIELD_REQUIRED, FIELD_REQUIRED);
    assert_string_equal(schema_field(&boat, bytes_text("account"))->target, "account");
    assert_int_equal(schema_field(&boat, bytes_text("account"))->flags & FIELD_REQUIRED, FIELD_REQUIRED);
    assert_non_null(schema_field(&boat, bytes_text("tags")));

    assert_int_equal(entity("{\"name\": \"boat\", \"home\": \"library\"}", &boat, &storage, &fault),
                     STATUS_OK);
    assert_int_equal(boat.home, HOME_LIBRARY);
    assert_int_equal(boat.audience, AUDIENCE_INTERNAL);
    assert_string_equal(boat.title_field, "name");
    assert_null(schema_field(&boat, bytes_text("account")));
}

static void bad_entities_are_refused(void **state)
{
    static const struct {
        const char *record;
        const char *field;
    } cases[] = {
        {"{\"home\": \"library\"}", "name"},
        {"{\"name\": \"Boat\", \"home\": \"library\"}", "name"},
        {"{\"name\": \"account\", \"home\": \"library\"}", "name"},
        {"{\"name\": \"boat\"}", "home"},
        {"{\"name\": \"boat\", \"home\": \"user\"}", "home"},
        {"{\"name\": \"boat\", \"home\": \"library\", \"audience\": \"all\"}", "audience"},
        {"{\"name\": \"boat\", \"home\": \"library\", \"titleField\": \"a b\"}", "titleField"},
    };
    struct custom_entity_storage storage;
    struct entity_def boat;
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (entity(cases[i].record, &boat, &storage, &fault) != STATUS_INVALID_VALUE)
            fail_msg("%s was taken", cases[i].record);
        assert_string_equal(fault.field, cases[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_read_from_its_record),
        cmocka_unit_test(silence_shares_nothing),
        cmocka_unit_test(what_is_not_for_a_kind_is_left_out),
        cmocka_unit_test(bad_definitions_are_refused),
        cmocka_unit_test(values_stay_within_their_storage),
        cmocka_unit_test(names_have_64_letters_at_most),
        cmocka_unit_test(an_entity_is_read_from_its_record),
        cmocka_unit_test(bad_entities_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "prelude.h"

#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_text.h"
#include "cli/cli_value.h"
#include "cli/cli_where.h"

static void expect(enum value_dates dates, const char *kind, const char *cell, const char *text)
{
    struct value_form form = {.dates = dates, .currency = "NOK"};
    struct buffer out = {0};
    value_from_cell(&form, kind, cell, &out);
    assert_string_equal(text_of(&out), text);
    buffer_release(&out);
}

static void dates_of_other_systems(void **state)
{
    (void)state;
    expect(DATES_US, "date", "7/4/1996", "1996-07-04");
    expect(DATES_US, "date", "12/31/2026", "2026-12-31");
    expect(DATES_EU, "date", "31.12.2026", "2026-12-31");
    expect(DATES_EU, "date", "4/7/1996", "1996-07-04");
    expect(DATES_US, "time", "7/4/1996 9:05", "1996-07-04T09:05Z");
    expect(DATES_ISO, "date", "1945-12-30 00:00:00.000", "1945-12-30");
    expect(DATES_ISO, "time", "2022-12-22 10:00:00.000", "2022-12-22T10:00:00.000Z");
    expect(DATES_ISO, "time", "2022-12-22T10:00:00+01:00", "2022-12-22T10:00:00+01:00");
    expect(DATES_ISO, "date", "2026-03-01", "2026-03-01");
    expect(DATES_US, "date", "2026-03-01", "2026-03-01");
}

static void what_is_no_date_stays_to_be_refused(void **state)
{
    (void)state;
    expect(DATES_ISO, "date", "7/4/1996", "7/4/1996");
    expect(DATES_US, "date", "7/4/96", "7/4/96");
    expect(DATES_US, "date", "soon", "soon");
    expect(DATES_US, "date", "7/4-1996", "7/4-1996");
    expect(DATES_US, "date", "7/4/19961", "7/4/19961");
    expect(DATES_ISO, "date", "2026-03-01 noonish", "2026-03-01 noonish");
}

static void amounts_get_their_currency(void **state)
{
    (void)state;
    expect(DATES_ISO, "money", "18", "18 NOK");
    expect(DATES_ISO, "money", "40000.0000", "40000 NOK");
    expect(DATES_ISO, "money", "9.80", "9.8 NOK");
    expect(DATES_ISO, "money", "100", "100 NOK");
    expect(DATES_ISO, "money", "12.50 EUR", "12.5 EUR");
    expect(DATES_ISO, "money", "free", "free");
    expect(DATES_ISO, "text", "100.00", "100.00");
}

static void address_parts_are_escaped(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct buffer normal = {0};
    value_add_part("street", "Suite 2; a=b \\ c", &out);
    value_add_part("region", "", &out);
    value_add_part("city", "Bergen", &out);
    assert_string_equal(text_of(&out), "street=Suite 2\\; a\\=b \\\\ c; city=Bergen");
    value_normal("account", "billingAddress", text_of(&out), &normal);
    buffer_clear(&out);
    value_normal("account", "billingAddress", text_of(&normal), &out);
    assert_string_equal(text_of(&out), text_of(&normal));
    assert_non_null(strstr(text_of(&normal), "Bergen"));
    buffer_release(&out);
    buffer_release(&normal);
}

static void expect_normal(const char *field, const char *text, const char *normal)
{
    struct buffer out = {0};
    value_normal("account", field, text, &out);
    assert_string_equal(text_of(&out), normal);
    buffer_release(&out);
}

static void texts_are_compared_as_the_server_writes_them(void **state)
{
    (void)state;
    expect_normal("type", "customer", "Customer");
    expect_normal("annualRevenue", "1250.5 nok", "1250.50 NOK");
    expect_normal("restricted", "yes", "true");
    expect_normal("numberOfEmployees", "007", "7");
    expect_normal("type", "Nonsense", "Nonsense");
    expect_normal("ourOwnField", "x", "x");
    expect_normal("name", "", "");
}

static void assignments_are_split_at_the_first_equals(void **state)
{
    (void)state;
    char name[FIELDS_NAME];
    const char *value = NULL;
    assert_true(fields_split("name=a=b", name, &value));
    assert_string_equal(name, "name");
    assert_string_equal(value, "a=b");
    assert_true(fields_split("name=", name, &value));
    assert_string_equal(value, "");
    assert_false(fields_split("=x", name, &value));
    assert_false(fields_split("name", name, &value));
    char long_name[200];
    memset(long_name, 'a', sizeof long_name);
    memcpy(long_name + 190, "=x", 3);
    assert_false(fields_split(long_name, name, &value));
}

static void conditions_are_split_at_their_operator(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field, *op, *value;
    } cases[] = {
        {"industry=Forestry", "industry", "=", "Forestry"}, {"a!=b", "a", "!=", "b"},
        {"a<=1", "a", "<=", "1"},   {"a>=1", "a", ">=", "1"},
        {"a<1", "a", "<", "1"},     {"a>1", "a", ">", "1"},
        {"name~berg", "name", "contains", "berg"}, {"a==b", "a", "=", "=b"},
    };
    char field[72];
    const char *op = NULL;
    const char *value = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(where_split(cases[i].text, field, sizeof field, &op, &value));
        assert_string_equal(field, cases[i].field);
        assert_string_equal(op, cases[i].op);
        assert_string_equal(value, cases[i].value);
    }
    assert_false(where_split("nothing", field, sizeof field, &op, &value));
    assert_false(where_split("=x", field, sizeof field, &op, &value));
    assert_false(where_split("a!b", field, sizeof field, &op, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_of_other_systems),
        cmocka_unit_test(what_is_no_date_stays_to_be_refused),
        cmocka_unit_test(amounts_get_their_currency),
        cmocka_unit_test(address_parts_are_escaped),
        cmocka_unit_test(texts_are_compared_as_the_server_writes_them),
        cmocka_unit_test(assignments_are_split_at_the_first_equals),
        cmocka_unit_test(conditions_are_split_at_their_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

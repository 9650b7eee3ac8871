#include "support.h"

#include <stdio.h>
#include <string.h>

#include "notation.h"
#include "protocol/condition.h"

static void encode(const char *text, struct buffer *out)
{
    buffer_clear(out);
    if (!notation_parse(bytes_text(text), out))
        fail_msg("not a value: %s", text);
}

static enum status read_where(const char *entity, const char *text, struct conditions *out,
                              struct fault *fault)
{
    static struct buffer encoded;
    encode(text, &encoded);
    fault_clear(fault);
    return conditions_read(bytes_text(entity), buffer_bytes(&encoded), out, fault);
}

/* Whether `value` ("" for none) meets [field, op, wanted] of an account. */
static bool meets(const char *field, const char *value, const char *op, const char *wanted)
{
    struct conditions where;
    struct fault fault;
    struct buffer encoded = {0};
    char text[1024];
    size_t scanned = 0;
    snprintf(text, sizeof text, "[[\"%s\", \"%s\", %s]]", field, op, wanted);
    if (read_where("account", text, &where, &fault) != STATUS_OK)
        fail_msg("%s: %s %s", text, fault.field, fault.detail);
    if (*value != '\0')
        encode(value, &encoded);
    const bool met = condition_meets(&where.conditions[0], buffer_bytes(&encoded), &scanned);
    buffer_release(&encoded);
    return met;
}

/* Which of = != < <= > >= hold, as text of 0 and 1. */
static void assert_order(const char *field, const char *value, const char *wanted, const char *held)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    char got[7] = {0};
    for (int i = 0; i < 6; i++)
        got[i] = meets(field, value, ops[i], wanted) ? '1' : '0';
    if (strcmp(got, held) != 0)
        fail_msg("%s: %s against %s: %s, not %s", field, value, wanted, got, held);
}

#define LESS "011100"
#define SAME "100101"
#define MORE "010011"
#define APART "010000" /* different, and without an order */

static void values_compare_by_their_kind(void **state)
{
    (void)state;
    assert_order("name", "\"Fjord\"", "\"Gate\"", LESS);
    assert_order("name", "\"FJORD\"", "\"fjord\"", SAME);
    assert_order("name", "\"ØYVIND\"", "\"Øyvind\"", SAME);
    assert_order("name", "\"ÅSE\"", "\"øre\"", LESS);
    assert_order("name", "\"Škoda\"", "\"skoda\"", MORE);
    assert_order("name", "\"b\"", "\"aa\"", MORE);
    assert_order("height", "9", "10", LESS);
    assert_order("height", "-1", "0", LESS);
    assert_order("height", "300", "300", SAME);
    assert_order("annualRevenue", "{\"currency\": \"NOK\", \"amount\": 9}",
                 "{\"amount\": 9, \"currency\": \"NOK\"}", SAME);
    assert_order("annualRevenue", "{\"amount\": 9, \"currency\": \"EUR\"}",
                 "{\"amount\": 1, \"currency\": \"NOK\"}", LESS);
    /* A custom field sorts by the shape of its value. */
    assert_order("height", "9", "10", LESS);
    assert_order("height", "\"Tall\"", "\"tall\"", SAME);
    assert_order("height", "true", "false", MORE);
    assert_order("height", "h'00000000000000000000000000000001'",
                 "h'00000000000000000000000000000002'", LESS);
    assert_order("height", "[1]", "[1]", "100000");
    assert_order("height", "[1]", "[2]", APART);
    assert_order("height", "[1]", "2", APART);
}

static void numbers_may_be_written_in_any_width(void **state)
{
    struct conditions where;
    struct fault fault;
    size_t scanned = 0;
    (void)state;
    assert_int_equal(read_where("account", "[[\"height\", \"=\", 5]]", &where, &fault), STATUS_OK);
    assert_true(condition_meets(&where.conditions[0], bytes_of("\xcd\x00\x05", 3), &scanned));
    assert_int_equal(scanned, 3);
}

static void what_is_not_set_meets_nil_and_differs_from_the_rest(void **state)
{
    static const char *const none[] = {"", "null"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_order("name", none[i], "null", "100000");
        assert_order("name", none[i], "\"x\"", APART);
        assert_order("height", none[i], "0", APART);
        assert_false(meets("name", none[i], "contains", "\"\""));
    }
    assert_order("name", "\"x\"", "null", APART);
    assert_false(meets("name", "\"x\"", "contains", "null"));
}

static void long_text_that_begins_alike_still_differs(void **state)
{
    char one[200], other[200], upper[200];
    (void)state;
    memset(one, 'a', sizeof one);
    one[0] = one[150] = '"';
    one[151] = '\0';
    memcpy(other, one, sizeof other);
    other[149] = 'b';
    memcpy(upper, one, sizeof upper);
    upper[1] = 'A';
    assert_order("name", one, one, SAME);
    assert_order("name", one, other, LESS);
    assert_order("name", other, one, MORE);
    assert_order("name", one, upper, SAME);
    upper[149] = 'B';
    assert_order("name", one, upper, LESS);
    assert_order("name", upper, other, SAME);
    /* Of any length: the shorter first. */
    memcpy(upper + 120, "\"", 2);
    assert_order("name", one, upper, MORE);
}

static void parts_of_text_elements_and_texts_of_maps_are_found(void **state)
{
    (void)state;
    assert_true(meets("name", "\"Fjord Bruk AS\"", "contains", "\"bruk\""));
    assert_true(meets("name", "\"Fjord Bruk AS\"", "contains", "\"AS\""));
    assert_true(meets("name", "\"Fjord Bruk AS\"", "contains", "\"\""));
    assert_false(meets("name", "\"Fjord Bruk AS\"", "contains", "\"brug\""));
    assert_true(meets("name", "\"SKIPSFØRER ÅSE\"", "contains", "\"fører å\""));
    assert_true(meets("name", "\"skipsfører åse\"", "contains", "\"FØRER ÅSE\""));
    assert_false(meets("name", "\"SKIPSFØRER\"", "contains", "\"for\""));
    assert_true(meets("name", "\"10 \u212a, ȺȾ\"", "contains", "\"0 k, ⱥⱦ\""));
    assert_true(meets("tags", "[\"urgent\", \"winter\"]", "contains", "\"winter\""));
    assert_false(meets("tags", "[\"urgent\", \"winter\"]", "contains", "\"wint\""));
    assert_true(meets("height", "{\"street\": \"Storgata 1\", \"city\": \"Oslo\"}", "contains",
                      "\"GATA\""));
    assert_false(meets("height", "{\"street\": \"Storgata 1\"}", "contains", "\"street\""));
    assert_false(meets("height", "5", "contains", "5"));
    assert_true(meets("height", "[4, 5]", "contains", "5"));
}

/* As the plain way of looking at each place does. */
static void any_part_is_found_where_it_is(void **state)
{
    struct random random = random_begin("contains");
    unsigned found = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[40], part[8], quoted[48], wanted[16];
        const size_t size = random_below(&random, sizeof text - 1);
        const size_t length = 1 + random_below(&random, sizeof part - 2);
        for (size_t i = 0; i < size; i++)
            text[i] = (char)("ab"[random_below(&random, 2)] - (random_below(&random, 3) ? 0 : 32));
        for (size_t i = 0; i < length; i++)
            part[i] = "ab"[random_below(&random, 2)];
        text[size] = part[length] = '\0';
        snprintf(quoted, sizeof quoted, "\"%s\"", text);
        snprintf(wanted, sizeof wanted, "\"%s\"", part);
        const bool there = strcasestr(text, part) != NULL;
        assert_int_equal(meets("name", quoted, "contains", wanted), there);
        found += there;
    }
    assert_true(found > 1000 && found < 19000);
}

static void conditions_are_read_with_their_fields(void **state)
{
    struct conditions where;
    struct fault fault;
    (void)state;
    assert_int_equal(conditions_read(bytes_text("account"), bytes_of(NULL, 0), &where, &fault),
                     STATUS_OK);
    assert_int_equal(where.count, 0);
    assert_int_equal(read_where("account", "[[\"name\", \">=\", \"F\"], [\"height\", \"!=\", 5]]",
                                &where, &fault),
                     STATUS_OK);
    assert_int_equal(where.count, 2);
    assert_int_equal(where.conditions[0].op, OP_AT_LEAST);
    assert_string_equal(where.conditions[0].def->name, "name");
    assert_null(where.conditions[1].def);
    assert_true(bytes_is(where.conditions[1].field, "height"));
    /* Of a custom entity no field is known. */
    assert_int_equal(read_where("boat", "[[\"name\", \"=\", 5]]", &where, &fault), STATUS_OK);
    assert_null(where.conditions[0].def);
}

static void what_is_no_condition_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum status status;
        const char *field;
    } refused[] = {
        {"5", STATUS_WRONG_KIND, "where"},
        {"[5]", STATUS_WRONG_KIND, "where"},
        {"[[\"name\", \"=\"]]", STATUS_WRONG_KIND, "where"},
        {"[[\"name\", \"=\", 1, 2]]", STATUS_WRONG_KIND, "where"},
        {"[[7, \"=\", 1]]", STATUS_WRONG_KIND, "where"},
        {"[[\"name\", 7, 1]]", STATUS_WRONG_KIND, "where"},
        {"[[\"name\", \"like\", \"x\"]]", STATUS_INVALID_VALUE, "name"},
        {"[[\"name\", \"=\", \"x\"], [\"annualRevenue\", \"<\", \"x\"]]", STATUS_WRONG_KIND,
         "annualRevenue"},
    };
    struct conditions where;
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(read_where("account", refused[i].text, &where, &fault), refused[i].status);
        assert_string_equal(fault.field, refused[i].field);
    }
    assert_int_equal(where.count, 1);
}

static void there_are_limits(void **state)
{
    struct buffer text = {0};
    struct conditions where;
    struct fault fault;
    char part[CONDITION_CONTAINS_MAX + 64];
    (void)state;
    for (uint32_t count = CONDITIONS_MAX; count <= CONDITIONS_MAX + 1; count++) {
        buffer_clear(&text);
        for (uint32_t i = 0; i < count; i++)
            buffer_append(&text, i == 0 ? "[[\"a\",\"=\",1]" : ",[\"a\",\"=\",1]", 12);
        buffer_append(&text, "]", 2);
        assert_int_equal(read_where("account", (const char *)text.data, &where, &fault),
                         count == CONDITIONS_MAX ? STATUS_OK : STATUS_LIMIT);
    }
    buffer_release(&text);
    for (int size = CONDITION_CONTAINS_MAX; size <= (int)CONDITION_CONTAINS_MAX + 1; size++) {
        snprintf(part, sizeof part, "[[\"name\",\"contains\",\"%0*d\"]]", size, 7);
        assert_int_equal(read_where("account", part, &where, &fault),
                         size == CONDITION_CONTAINS_MAX ? STATUS_OK : STATUS_LIMIT);
    }
}

static void keys_sort_as_the_values_do(void **state)
{
    static const char *const sorted[] = {"-5", "0", "7", "300", "4294967296"};
    struct buffer value = {0}, low = {0}, high = {0};
    (void)state;
    for (size_t i = 0; i + 1 < sizeof sorted / sizeof *sorted; i++) {
        buffer_clear(&low);
        buffer_clear(&high);
        encode(sorted[i], &value);
        condition_key(NULL, buffer_bytes(&value), &low);
        encode(sorted[i + 1], &value);
        condition_key(NULL, buffer_bytes(&value), &high);
        assert_true(low.size > 0 && bytes_compare(buffer_bytes(&low), buffer_bytes(&high)) < 0);
    }
    buffer_clear(&low);
    condition_key(NULL, bytes_of(NULL, 0), &low);
    condition_key(NULL, bytes_of("\xc0", 1), &low);
    condition_key(NULL, bytes_of("\x90", 1), &low);
    assert_int_equal(low.size, 0);
    /* The field's own kind goes before the shape: tags have no order. */
    encode("\"text\"", &value);
    condition_key(schema_field(schema_entity(bytes_text("account")), bytes_text("tags")),
                  buffer_bytes(&value), &low);
    assert_int_equal(low.size, 0);
    buffer_release(&value);
    buffer_release(&low);
    buffer_release(&high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_compare_by_their_kind),
        cmocka_unit_test(numbers_may_be_written_in_any_width),
        cmocka_unit_test(what_is_not_set_meets_nil_and_differs_from_the_rest),
        cmocka_unit_test(long_text_that_begins_alike_still_differs),
        cmocka_unit_test(parts_of_text_elements_and_texts_of_maps_are_found),
        cmocka_unit_test(any_part_is_found_where_it_is),
        cmocka_unit_test(conditions_are_read_with_their_fields),
        cmocka_unit_test(what_is_no_condition_is_refused),
        cmocka_unit_test(there_are_limits),
        cmocka_unit_test(keys_sort_as_the_values_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Index keys: memcmp of the keys must order as the values do. Each kind has its own idea of order
 * here, which does not look at keys. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "notation.h"
#include "protocol/schema.h"

static void key_of(enum field_kind kind, const char *notation, struct buffer *key)
{
    struct buffer value = {0};
    if (!notation_parse(bytes_text(notation), &value))
        fail_msg("the test itself is wrong: %s", notation);
    schema_index_key(kind, buffer_bytes(&value), key);
    buffer_release(&value);
}

static int sign(int64_t number)
{
    return (number > 0) - (number < 0);
}

static int key_order(enum field_kind kind, struct bytes a, struct bytes b)
{
    struct buffer first = {0}, second = {0};
    schema_index_key(kind, a, &first);
    schema_index_key(kind, b, &second);
    assert_true(first.size > 0 && first.size <= SCHEMA_KEY_MAX);
    const int order = sign(bytes_compare(buffer_bytes(&first), buffer_bytes(&second)));
    buffer_release(&first);
    buffer_release(&second);
    return order;
}

static int int_order(enum field_kind kind, int64_t a, int64_t b)
{
    struct buffer first = {0}, second = {0};
    wire_put_int(&first, a);
    wire_put_int(&second, b);
    const int order = key_order(kind, buffer_bytes(&first), buffer_bytes(&second));
    buffer_release(&first);
    buffer_release(&second);
    return order;
}

static void integers_and_times_sort_by_number(void **state)
{
    struct random random = random_begin("integers");
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const int64_t a = (int64_t)random_number(&random);
        const int64_t b = random_below(&random, 8) == 0 ? a : (int64_t)random_number(&random);
        assert_int_equal(int_order(KIND_INTEGER, a, b), (a > b) - (a < b));
        assert_int_equal(int_order(KIND_TIME, a, b), (a > b) - (a < b));
    }
    assert_int_equal(int_order(KIND_INTEGER, INT64_MIN, INT64_MAX), -1);
    assert_int_equal(int_order(KIND_INTEGER, -1, 0), -1);
}

/* A decimal as text of a number of units of 10^-9, with zeros that change nothing. */
static void decimal_text(struct random *random, __int128 units, char *out, size_t size)
{
    const __int128 one = 1000000000;
    const __int128 magnitude = units < 0 ? -units : units;
    int length = snprintf(out, size, "%s%s%llu.%09llu", units < 0 ? "-" : "",
                          random_below(random, 2) == 0 ? "00" : "",
                          (unsigned long long)(magnitude / one),
                          (unsigned long long)(magnitude % one));
    while (random_below(random, 8) != 0 && out[length - 1] == '0')
        out[--length] = '\0';
    if (out[length - 1] == '.')
        out[--length] = '\0';
}

static __int128 random_units(struct random *random)
{
    __int128 units = 1;
    for (uint64_t digits = random_below(random, 19); digits > 0; digits--)
        units = units * 10 + (random_below(random, 2) == 0 ? 0 : (int)random_below(random, 10));
    if (random_below(random, 10) == 0)
        units = 0;
    return random_below(random, 2) == 0 ? units : -units;
}

static int decimal_order(const char *a, const char *b)
{
    struct buffer first = {0}, second = {0};
    wire_put_text(&first, a);
    wire_put_text(&second, b);
    const int order = key_order(KIND_DECIMAL, buffer_bytes(&first), buffer_bytes(&second));
    buffer_release(&first);
    buffer_release(&second);
    return order;
}

static void decimals_sort_by_number(void **state)
{
    struct random random = random_begin("decimals");
    (void)state;
    for (int i = 0; i < 50000; i++) {
        const __int128 a = random_units(&random);
        const __int128 b = random_below(&random, 4) == 0
                               ? a + (__int128)random_below(&random, 3) - 1
                               : random_units(&random);
        char first[64], second[64];
        decimal_text(&random, a, first, sizeof first);
        decimal_text(&random, b, second, sizeof second);
        if (decimal_order(first, second) != (a > b) - (a < b))
            fail_msg("%s and %s", first, second);
    }
}

static void decimals_sort_at_their_edges(void **state)
{
    static const char *const ascending[] = {
        "-999999999999999999999999999999", "-100", "-99.5", "-99", "-10.01", "-10", "-1.1", "-1",
        "-0.1", "-0.09", "-0.00000000000000000000000000001", "0",
        "0.00000000000000000000000000001", "0.09", "0.1", "0.11", "1", "1.1", "9", "10", "10.01",
        "11", "99", "99.5", "100", "999999999999999999999999999999"};
    const int count = sizeof ascending / sizeof ascending[0];
    (void)state;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            assert_int_equal(decimal_order(ascending[i], ascending[j]), sign(i - j));
    assert_int_equal(decimal_order("1.50", "1.5"), 0);
    assert_int_equal(decimal_order("-0.0", "0"), 0);
    assert_int_equal(decimal_order("100", "0100.00"), 0);
}

static void money_sorts_by_currency_and_amount(void **state)
{
    static const char *const ascending[] = {
        "{\"amount\": 900, \"currency\": \"EUR\"}", "{\"amount\": -5, \"currency\": \"NOK\"}",
        "{\"amount\": 0, \"currency\": \"NOK\"}", "{\"currency\": \"NOK\", \"amount\": 300}",
        "{\"amount\": 70000, \"currency\": \"NOK\"}", "{\"amount\": 1, \"currency\": \"USD\"}"};
    const int count = sizeof ascending / sizeof ascending[0];
    (void)state;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            struct buffer a = {0}, b = {0};
            key_of(KIND_MONEY, ascending[i], &a);
            key_of(KIND_MONEY, ascending[j], &b);
            assert_int_equal(sign(bytes_compare(buffer_bytes(&a), buffer_bytes(&b))), sign(i - j));
            buffer_release(&a);
            buffer_release(&b);
        }
}

static void text_is_folded_and_cut(void **state)
{
    static const enum field_kind kinds[] = {KIND_TEXT, KIND_LONG_TEXT, KIND_ENUM, KIND_EMAIL, KIND_URL};
    char text[300];
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct buffer key = {0};
        key_of(kinds[i], "\"Fjord BRUK \u00c5S\"", &key);
        assert_bytes(buffer_bytes(&key), bytes_text("fjord bruk \u00e5s"));
        buffer_clear(&key);
        memset(text, 'Q', sizeof text);
        text[0] = text[sizeof text - 2] = '"';
        text[sizeof text - 1] = '\0';
        key_of(kinds[i], text, &key);
        assert_int_equal(key.size, SCHEMA_KEY_MAX);
        assert_int_equal(key.data[0], 'q');
        buffer_release(&key);
    }
}

/* Letters whose other case takes more bytes, or fewer: the key is how the folded text begins. */
static void text_is_cut_when_it_is_folded(void **state)
{
    char text[2 + 2 * SCHEMA_KEY_MAX + 1] = "\"";
    struct buffer key = {0};
    (void)state;
    for (size_t i = 0; i < 60; i++) /* 120 bytes, which fold to 180 */
        memcpy(text + 1 + 2 * i, "Ⱥ", 2);
    strcpy(text + 121, "\"");
    key_of(KIND_TEXT, text, &key);
    assert_int_equal(key.size, SCHEMA_KEY_MAX);
    for (size_t i = 0; i < SCHEMA_KEY_MAX; i++)
        assert_int_equal(key.data[i], (uint8_t) "ⱥ"[i % 3]);
    buffer_clear(&key);
    for (size_t i = 0; i < 40; i++) /* 120 bytes, which fold to 40 */
        memcpy(text + 1 + 3 * i, "\u212a", 3);
    key_of(KIND_TEXT, text, &key);
    assert_int_equal(key.size, 40);
    assert_int_equal(key.data[39], 'k');
    buffer_clear(&key);
    text[1] = 'x'; /* the last character is cut */
    for (size_t i = 0; i < 50; i++)
        memcpy(text + 2 + 2 * i, "Å", 2);
    strcpy(text + 102, "\"");
    key_of(KIND_TEXT, text, &key);
    assert_int_equal(key.size, SCHEMA_KEY_MAX);
    assert_int_equal(key.data[SCHEMA_KEY_MAX - 1], 0xc3);
    buffer_release(&key);
}

static void booleans_dates_and_references_sort(void **state)
{
    struct buffer a = {0}, b = {0};
    (void)state;
    key_of(KIND_BOOLEAN, "false", &a);
    key_of(KIND_BOOLEAN, "true", &b);
    assert_true(bytes_compare(buffer_bytes(&a), buffer_bytes(&b)) < 0);
    buffer_clear(&a);
    buffer_clear(&b);
    key_of(KIND_DATE, "\"1999-12-31\"", &a);
    key_of(KIND_DATE, "\"2000-01-01\"", &b);
    assert_true(bytes_compare(buffer_bytes(&a), buffer_bytes(&b)) < 0);
    buffer_clear(&a);
    key_of(KIND_REFERENCE, "h'0192f0c15a3e7c419d0e3b1f6a7c8d9e'", &a);
    assert_bytes(buffer_bytes(&a),
                 bytes_of("\x01\x92\xf0\xc1\x5a\x3e\x7c\x41\x9d\x0e\x3b\x1f\x6a\x7c\x8d\x9e", 16));
    buffer_release(&a);
    buffer_release(&b);
}

static void what_has_no_order_has_no_key(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *value;
    } cases[] = {{KIND_ADDRESS, "{\"city\": \"Oslo\"}"}, {KIND_TAGS, "[\"a\"]"},
                 {KIND_REFERENCES, "[h'0192f0c15a3e7c419d0e3b1f6a7c8d9e']"}, {KIND_BLOB, "{}"},
                 {KIND_MONEY, "{\"amount\": 1}"}, {KIND_MONEY, "{\"amount\": 1, \"currency\": \"\"}"},
                 {KIND_DECIMAL, "\"x\""}, {KIND_INTEGER, "\"1\""}, {KIND_REFERENCE, "h'00'"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer key = {0};
        key_of(cases[i].kind, cases[i].value, &key);
        assert_int_equal(key.size, 0);
        buffer_release(&key);
    }
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        struct buffer key = {0};
        key_of((enum field_kind)kind, "null", &key);
        assert_int_equal(key.size, 0);
        buffer_release(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_and_times_sort_by_number),
        cmocka_unit_test(decimals_sort_by_number),
        cmocka_unit_test(decimals_sort_at_their_edges),
        cmocka_unit_test(money_sorts_by_currency_and_amount),
        cmocka_unit_test(text_is_folded_and_cut),
        cmocka_unit_test(text_is_cut_when_it_is_folded),
        cmocka_unit_test(booleans_dates_and_references_sort),
        cmocka_unit_test(what_has_no_order_has_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Each kind with values it takes and values it refuses, as encoded and as written by people. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"
#include "protocol/schema.h"
#include "protocol/schema_value.h"

#define ID1 "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e"
#define ID2 "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9f"
#define H1 "h'0192f0c15a3e7c419d0e3b1f6a7c8d9e'"
#define H2 "h'0192f0c15a3e7c419d0e3b1f6a7c8d9f'"
#define SHA "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char *const stages[] = {"Closed Won", "Closed Lost", "closed won", NULL};

static struct field_def field_of(enum field_kind kind)
{
    return (struct field_def){.name = "it", .kind = kind, .values = kind == KIND_ENUM ? stages : NULL};
}

static enum status check(enum field_kind kind, unsigned flags, const char *notation)
{
    struct field_def field = field_of(kind);
    struct buffer value = {0};
    struct fault fault;
    field.flags = flags;
    fault_clear(&fault);
    if (!notation_parse(bytes_text(notation), &value))
        fail_msg("the test itself is wrong: %s", notation);
    const enum status status = schema_check(&field, buffer_bytes(&value), &fault);
    assert_int_equal(fault.status, status);
    if (status != STATUS_OK) {
        assert_string_equal(fault.field, "it");
        assert_true(strlen(fault.detail) > 0);
    }
    assert_int_equal(schema_check(&field, buffer_bytes(&value), NULL), status);
    buffer_release(&value);
    return status;
}

static void assert_check(enum field_kind kind, const char *notation, enum status status)
{
    const enum status got = check(kind, 0, notation);
    if (got != status)
        fail_msg("%s %s: %s, not %s", schema_kind_name(kind), notation, status_name(got),
                 status_name(status));
}

static void good_values_are_taken(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *value;
    } cases[] = {
        {KIND_TEXT, "\"a\u00a9\""}, {KIND_TEXT, "\"\u20ac \u2014 \u2027\""},
        {KIND_TEXT, "\"\""}, {KIND_TEXT, "\"Bj\u00f8rn\\tB\""}, {KIND_LONG_TEXT, "\"a\\u000ab\""},
        {KIND_INTEGER, "0"}, {KIND_INTEGER, "-9223372036854775808"},
        {KIND_INTEGER, "9223372036854775807"}, {KIND_DECIMAL, "\"0\""}, {KIND_DECIMAL, "\"-12.50\""},
        {KIND_DECIMAL, "\"007.10\""}, {KIND_DECIMAL, "\"123456789012345678901234567890\""},
        {KIND_BOOLEAN, "true"}, {KIND_BOOLEAN, "false"}, {KIND_ENUM, "\"Closed Lost\""},
        {KIND_DATE, "\"2024-02-29\""}, {KIND_TIME, "0"}, {KIND_TIME, "-62135596800000"},
        {KIND_TIME, "253402300799999"}, {KIND_MONEY, "{\"amount\": -125050, \"currency\": \"NOK\"}"},
        {KIND_MONEY, "{\"currency\": \"JPY\", \"amount\": 5}"}, {KIND_EMAIL, "\"a.b+c@example.com\""},
        {KIND_EMAIL, "\"\u00f8@\u00e5.no\""}, {KIND_PHONE, "\"+47 22 33 (44) 55-x.12/3\""},
        {KIND_URL, "\"https://example.com/a?b=c\""}, {KIND_URL, "\"www.example.com\""},
        {KIND_ADDRESS, "{}"}, {KIND_ADDRESS, "{\"street\": \"1 A\\u000aB\", \"country\": \"\"}"},
        {KIND_ADDRESS, "{\"city\": \"Oslo\", \"region\": \"x\", \"postalCode\": \"0150\"}"},
        {KIND_REFERENCE, H1}, {KIND_REFERENCES, "[]"}, {KIND_REFERENCES, "[" H1 ", " H2 "]"},
        {KIND_TAGS, "[]"}, {KIND_TAGS, "[\"a\", \"A\", \"b, c\"]"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"a b.pdf\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_check(cases[i].kind, cases[i].value, STATUS_OK);
}

static void values_that_are_not_allowed_are_refused(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *value;
    } cases[] = {
        {KIND_TEXT, "\"a\\u000ab\""}, {KIND_TEXT, "\"a\\u000db\""}, {KIND_TEXT, "\"a\\u0000b\""},
        {KIND_TEXT, "\"a\u2028b\""}, {KIND_TEXT, "\"a\u2029b\""}, {KIND_TEXT, "\"a\xc2\x85g\""},
        {KIND_TEXT, "\"a\\u001bb\""}, {KIND_TEXT, "\"a\x7f\""}, {KIND_LONG_TEXT, "\"a\\u0000b\""},
        {KIND_INTEGER, "9223372036854775808"}, {KIND_DECIMAL, "\"\""}, {KIND_DECIMAL, "\"-\""},
        {KIND_DECIMAL, "\"1.\""}, {KIND_DECIMAL, "\".5\""}, {KIND_DECIMAL, "\"1,5\""},
        {KIND_DECIMAL, "\"+1\""}, {KIND_DECIMAL, "\"1e5\""}, {KIND_DECIMAL, "\"1.2.3\""},
        {KIND_DECIMAL, "\" 1\""}, {KIND_DECIMAL, "\"1234567890123456789012345678901\""},
        {KIND_DECIMAL, "\"123456789012345678901234567890.1\""},
        {KIND_ENUM, "\"Closed\""}, {KIND_ENUM, "\"\""}, {KIND_ENUM, "\"CLOSED WON\""},
        {KIND_DATE, "\"2023-02-29\""}, {KIND_DATE, "\"2024-1-1\""}, {KIND_DATE, "\"\""},
        {KIND_DATE, "\"2024-01-01T00:00Z\""}, {KIND_TIME, "-62135596800001"},
        {KIND_TIME, "253402300800000"}, {KIND_MONEY, "{\"amount\": 1, \"currency\": \"nok\"}"},
        {KIND_MONEY, "{\"amount\": 1, \"currency\": \"\"}"},
        {KIND_MONEY, "{\"amount\": 1, \"currency\": \"QQQ\"}"}, {KIND_EMAIL, "\"\""},
        {KIND_EMAIL, "\"a\tb@c\""}, {KIND_URL, "\"a\tb\""}, {KIND_TAGS, "[\"a\\tb \"]"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"a\\u000ab\"}"},
        {KIND_EMAIL, "\"a\""}, {KIND_EMAIL, "\"@a\""}, {KIND_EMAIL, "\"a@\""},
        {KIND_EMAIL, "\"a@b@c\""}, {KIND_EMAIL, "\"a b@c\""}, {KIND_EMAIL, "\"a@b\\u000aBcc: c\""},
        {KIND_PHONE, "\"\""}, {KIND_PHONE, "\"+-\""}, {KIND_PHONE, "\"12a\""},
        {KIND_PHONE, "\"12\\u0000\""}, {KIND_PHONE, "\"12345678901234567890123456789012345678901\""},
        {KIND_URL, "\"\""}, {KIND_URL, "\"a b\""}, {KIND_URL, "\"a\\u000ab\""},
        {KIND_URL, "\"javascript:alert(1)\""}, {KIND_URL, "\"JavaScript:alert(1)\""},
        {KIND_URL, "\"data:text/html,x\""}, {KIND_URL, "\"vbscript:x\""},
        {KIND_ADDRESS, "{\"city\": \"a\\u0000\"}"},
        {KIND_REFERENCE, "h'00000000000000000000000000000000'"},
        {KIND_REFERENCES, "[" H1 ", " H2 ", " H1 "]"},
        {KIND_REFERENCES, "[h'00000000000000000000000000000000']"}, {KIND_TAGS, "[\"\"]"},
        {KIND_TAGS, "[\"a\", \"b\", \"a\"]"}, {KIND_TAGS, "[\" a\"]"}, {KIND_TAGS, "[\"a\\u000ab\"]"},
        {KIND_TAGS, "[\"12345678901234567890123456789012345678901234567890123456789012345\"]"},
        {KIND_BLOB, "{\"sha256\": h'00', \"size\": 0, \"name\": \"a\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"../a\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"c:\\\\a\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"a \"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 9223372036854775808, \"name\": \"a\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_check(cases[i].kind, cases[i].value, STATUS_INVALID_VALUE);
}

static void values_of_another_kind_are_refused(void **state)
{
    static const char *const shapes[] = {"\"x\"", "1", "true", "h'00'", "[1]", "{\"a\": 1}"};
    static const char accepts[KIND_COUNT] = {
        [KIND_TEXT] = 0,    [KIND_LONG_TEXT] = 0, [KIND_INTEGER] = 1, [KIND_DECIMAL] = 0,
        [KIND_BOOLEAN] = 2, [KIND_ENUM] = 0,      [KIND_DATE] = 0,    [KIND_TIME] = 1,
        [KIND_MONEY] = 5,   [KIND_EMAIL] = 0,     [KIND_PHONE] = 0,   [KIND_URL] = 0,
        [KIND_ADDRESS] = 5, [KIND_REFERENCE] = 3, [KIND_REFERENCES] = 4, [KIND_TAGS] = 4,
        [KIND_BLOB] = 5};
    static const struct {
        enum field_kind kind;
        const char *value;
    } parts[] = {
        {KIND_MONEY, "{\"amount\": 1}"}, {KIND_MONEY, "{\"currency\": \"NOK\"}"},
        {KIND_MONEY, "{\"amount\": \"1\", \"currency\": \"NOK\"}"},
        {KIND_MONEY, "{\"amount\": 1, \"currency\": 1}"},
        {KIND_MONEY, "{\"amount\": 1, \"currency\": \"NOK\", \"x\": 1}"},
        {KIND_MONEY, "{\"amount\": 9223372036854775808, \"currency\": \"NOK\"}"},
        {KIND_BLOB, "{\"sha256\": 1, \"size\": 1, \"name\": \"a\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 1, \"name\": 1}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 1, \"other\": \"a\"}"},
        {KIND_REFERENCES, "[" H1 ", \"a\"]"}, {KIND_TAGS, "[\"a\", h'61']"},
        {KIND_ADDRESS, "{\"street\": 1}"}, {KIND_ADDRESS, "{\"Street\": \"x\"}"},
        {KIND_REFERENCE, "\"" ID1 "\""}, {KIND_REFERENCE, "h'0102'"}, {KIND_REFERENCES, "[1]"},
        {KIND_TAGS, "[1]"}, {KIND_TAGS, "[h'61']"}, {KIND_BLOB, "{\"size\": 1, \"name\": \"a\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": -1, \"name\": \"a\"}"},
    };
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (int shape = 0; shape < 6; shape++)
            if (shape != accepts[kind])
                assert_check((enum field_kind)kind, shapes[shape], STATUS_WRONG_KIND);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_check(parts[i].kind, parts[i].value, STATUS_WRONG_KIND);
}

static void check_length(enum field_kind kind, size_t size, enum status status)
{
    const struct field_def field = field_of(kind);
    struct buffer text = {0}, value = {0};
    memset(buffer_extend(&text, size), 'a', size);
    if (kind == KIND_EMAIL)
        text.data[size / 2] = '@';
    wire_put_str(&value, buffer_bytes(&text));
    assert_int_equal(schema_check(&field, buffer_bytes(&value), NULL), status);
    buffer_release(&text);
    buffer_release(&value);
}

static void lengths_are_bounded(void **state)
{
    static const struct {
        enum field_kind kind;
        size_t most;
    } cases[] = {{KIND_TEXT, 1000}, {KIND_LONG_TEXT, 65536}, {KIND_EMAIL, 254}, {KIND_URL, 2000}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_length(cases[i].kind, cases[i].most, STATUS_OK);
        check_length(cases[i].kind, cases[i].most + 1, STATUS_INVALID_VALUE);
    }
}

static void parts_have_lengths_of_their_own(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *begin, *end;
        size_t most;
    } cases[] = {
        {KIND_ADDRESS, "{\"city\": \"", "\"}", 500},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 0, \"name\": \"", "\"}", 255},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t more = 0; more < 2; more++) {
            char notation[1000];
            snprintf(notation, sizeof notation, "%s%0*d%s", cases[i].begin,
                     (int)(cases[i].most + more), 0, cases[i].end);
            assert_check(cases[i].kind, notation, more ? STATUS_INVALID_VALUE : STATUS_OK);
        }
}

/* Whoever calls has validated the bytes; without, there is no reading beyond their end either. */
static void bytes_cut_short_are_no_value(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *value;
    } cases[] = {
        {KIND_MONEY, "{\"amount\": 1, \"currency\": \"NOK\"}"},
        {KIND_ADDRESS, "{\"street\": \"Gata 1\", \"city\": \"Oslo\"}"},
        {KIND_BLOB, "{\"sha256\": h'" SHA "', \"size\": 1, \"name\": \"a\"}"},
        {KIND_REFERENCES, "[" H1 ", " H2 "]"},
        {KIND_TAGS, "[\"a\", \"b\"]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct field_def field = field_of(cases[i].kind);
        struct buffer value = {0};
        assert_true(notation_parse(bytes_text(cases[i].value), &value));
        for (size_t size = 0; size < value.size; size++) {
            uint8_t *cut = malloc(size + 1); /* of its own, so that a sanitizer sees its end */
            assert_non_null(cut);
            memcpy(cut, value.data, size);
            uint8_t *exact = size > 0 ? realloc(cut, size) : cut;
            assert_int_equal(schema_check(&field, bytes_of(exact, size), NULL), STATUS_WRONG_KIND);
            free(exact);
        }
        buffer_release(&value);
    }
}

static void a_map_has_each_part_once(void **state)
{
    struct money money;
    struct blob blob;
    (void)state;
    /* Not to be had from validated bytes: the same key twice. */
    assert_false(schema_read_money(bytes_of("\x82\xa6" "amount\x01\xa6" "amount\x02", 17), &money));
    assert_false(schema_read_money(
        bytes_of("\x82\xa8" "currency\xa1" "a\xa8" "currency\xa1" "b", 23), &money));
    assert_false(schema_read_blob(
        bytes_of("\x83\xa4size\x01\xa4size\x01\xa4size\x01", 19), &blob));
    assert_false(schema_read_money(bytes_of("\x82\x01\x01\x02\x02", 5), &money));
    assert_false(schema_read_blob(bytes_of("\x83\x01\x01\x02\x02\x03\x03", 7), &blob));
    struct address address;
    assert_false(schema_read_address(bytes_of("\x81\x01\x01", 3), &address));
}

/* A definition that comes from elsewhere may lack its values. */
static void an_enum_without_values_takes_none(void **state)
{
    const struct field_def field = {.name = "it", .kind = KIND_ENUM};
    struct buffer value = {0};
    (void)state;
    assert_int_equal(schema_check(&field, bytes_of("\xa1" "a", 2), NULL), STATUS_INVALID_VALUE);
    assert_int_equal(schema_parse(&field, bytes_text("a"), &value, NULL), STATUS_INVALID_VALUE);
    assert_int_equal(value.size, 0);
    buffer_release(&value);
}

static void only_spaces_and_line_breaks_are_trimmed(void **state)
{
    (void)state;
    assert_bytes(schema_trim(bytes_text("\r\n\t a b \t\r\n")), bytes_text("a b"));
    assert_bytes(schema_trim(bytes_of("\0a\0", 3)), bytes_of("\0a\0", 3));
    assert_int_equal(schema_trim(bytes_text(" \n ")).size, 0);
    assert_int_equal(schema_trim(bytes_of(NULL, 0)).size, 0);
}

static void put_numbered(struct buffer *value, enum field_kind kind, uint32_t count)
{
    wire_put_array(value, count);
    for (uint32_t i = 1; i <= count; i++) {
        struct id id = {{0}};
        put_u32(id.octet, i);
        char tag[12];
        snprintf(tag, sizeof tag, "%u", i);
        if (kind == KIND_TAGS)
            wire_put_text(value, tag);
        else
            wire_put_id(value, id);
    }
}

static void counts_are_bounded(void **state)
{
    static const struct {
        enum field_kind kind;
        uint32_t most;
    } cases[] = {{KIND_REFERENCES, 256}, {KIND_TAGS, 64}};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (uint32_t more = 0; more < 2; more++) {
            const struct field_def field = field_of(cases[i].kind);
            struct buffer value = {0};
            put_numbered(&value, cases[i].kind, cases[i].most + more);
            assert_int_equal(schema_check(&field, buffer_bytes(&value), NULL),
                             more ? STATUS_INVALID_VALUE : STATUS_OK);
            buffer_release(&value);
        }
}

static void nil_clears_what_is_not_required(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        assert_int_equal(check((enum field_kind)kind, 0, "null"), STATUS_OK);
        assert_int_equal(check((enum field_kind)kind, FIELD_REQUIRED, "null"), STATUS_INVALID_VALUE);
    }
    assert_int_equal(check(KIND_TEXT, FIELD_REQUIRED, "\"  \""), STATUS_INVALID_VALUE);
    assert_int_equal(check(KIND_TEXT, FIELD_REQUIRED, "\"a\""), STATUS_OK);
}

static void two_values_are_no_value(void **state)
{
    const struct field_def field = field_of(KIND_INTEGER);
    (void)state;
    assert_int_equal(schema_check(&field, bytes_of("\x01", 1), NULL), STATUS_OK);
    assert_int_equal(schema_check(&field, bytes_of("\x01\x02", 2), NULL), STATUS_WRONG_KIND);
    assert_int_equal(schema_check(&field, bytes_of("\xc0\xc0", 2), NULL), STATUS_WRONG_KIND);
    assert_int_equal(schema_check(&field, bytes_of(NULL, 0), NULL), STATUS_WRONG_KIND);
}

/* ---- text ---- */

static enum status parse(enum field_kind kind, const char *text, struct buffer *out)
{
    const struct field_def field = field_of(kind);
    struct fault fault;
    fault_clear(&fault);
    const enum status status = schema_parse(&field, bytes_text(text), out, &fault);
    assert_int_equal(fault.status, status);
    assert_int_equal(schema_parse(&field, bytes_text(text), &(struct buffer){.failed = true}, NULL),
                     STATUS_NO_MEMORY);
    return status;
}

static void people_write_values(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *text;
        const char *value;
    } cases[] = {
        {KIND_TEXT, " a ", "\" a \""}, {KIND_TEXT, "", "null"}, {KIND_INTEGER, "  ", "null"},
        {KIND_INTEGER, " -42 ", "-42"}, {KIND_INTEGER, "-9223372036854775808", "-9223372036854775808"},
        {KIND_INTEGER, "9223372036854775807", "9223372036854775807"}, {KIND_DECIMAL, " 1.50 ", "\"1.50\""},
        {KIND_BOOLEAN, "Yes", "true"}, {KIND_BOOLEAN, "0", "false"}, {KIND_BOOLEAN, "FALSE", "false"},
        {KIND_ENUM, "Closed-Lost", "\"Closed Lost\""}, {KIND_ENUM, "closed_lost", "\"Closed Lost\""},
        {KIND_ENUM, "closed won", "\"closed won\""}, {KIND_ENUM, "CLOSED WON", "\"Closed Won\""},
        {KIND_DATE, "2026-03-01", "\"2026-03-01\""},
        {KIND_DATE, "1996-07-04 00:00:00.000", "\"1996-07-04\""},
        {KIND_TIME, "1970-01-02", "86400000"}, {KIND_TIME, "1970-01-01T01:00:00.5+01:00", "500"},
        {KIND_TIME, "1970-01-01 00:01", "60000"},
        {KIND_MONEY, "1250.50 NOK", "{\"amount\": 125050, \"currency\": \"NOK\"}"},
        {KIND_MONEY, "-0.05 eur", "{\"amount\": -5, \"currency\": \"EUR\"}"},
        {KIND_MONEY, "18.0000 USD", "{\"amount\": 1800, \"currency\": \"USD\"}"},
        {KIND_MONEY, "500 JPY", "{\"amount\": 500, \"currency\": \"JPY\"}"},
        {KIND_MONEY, "1.234 KWD", "{\"amount\": 1234, \"currency\": \"KWD\"}"},
        {KIND_MONEY, "92233720368547758.07 NOK",
         "{\"amount\": 9223372036854775807, \"currency\": \"NOK\"}"},
        {KIND_ADDRESS, "Gata 1; Oslo; ; 0150; Norway",
         "{\"street\": \"Gata 1\", \"city\": \"Oslo\", \"postalCode\": \"0150\", \"country\": \"Norway\"}"},
        {KIND_ADDRESS, "city=Oslo; Gata 1\\; b", "{\"street\": \"Gata 1; b\", \"city\": \"Oslo\"}"},
        {KIND_ADDRESS, "Suite=4", "{\"street\": \"Suite=4\"}"},
        {KIND_REFERENCE, " " ID1, H1}, {KIND_REFERENCES, ID1 "," ID2, "[" H1 ", " H2 "]"},
        {KIND_TAGS, "a, b\\, c,,d ", "[\"a\", \"b, c\", \"d\"]"},
        {KIND_TAGS, " , ,", "null"}, {KIND_REFERENCES, ",", "null"}, {KIND_ADDRESS, "; ;", "null"},
        {KIND_TAGS, "c:\\a\\\\b", "[\"c:\\\\a\\\\b\"]"},
        {KIND_BLOB, SHA " 12 a b.pdf", "{\"sha256\": h'" SHA "', \"size\": 12, \"name\": \"a b.pdf\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer value = {0}, text = {0};
        assert_int_equal(parse(cases[i].kind, cases[i].text, &value), STATUS_OK);
        assert_int_equal(wire_validate(buffer_bytes(&value), NULL), STATUS_OK);
        notation_print(buffer_bytes(&value), &text);
        buffer_append_byte(&text, '\0');
        assert_string_equal((const char *)text.data, cases[i].value);
        buffer_release(&value);
        buffer_release(&text);
    }
}

static void what_cannot_be_read_leaves_the_buffer_alone(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *text;
    } cases[] = {
        {KIND_TEXT, "a\nb"}, {KIND_TEXT, "\xff"}, {KIND_INTEGER, "1.5"}, {KIND_INTEGER, "1 2"},
        {KIND_INTEGER, "9223372036854775808"}, {KIND_INTEGER, "-9223372036854775809"},
        {KIND_INTEGER, "-"}, {KIND_INTEGER, "99999999999999999999999"}, {KIND_DECIMAL, "1,5"},
        {KIND_BOOLEAN, "maybe"}, {KIND_ENUM, "Closed"}, {KIND_DATE, "1 March 2026"},
        {KIND_DATE, "2026-02-30"}, {KIND_TIME, "09:30"}, {KIND_TIME, "2026-03-01x09:30"}, {KIND_TIME, "2026-03-01T25:00Z"},
        {KIND_MONEY, "1250.50"}, {KIND_MONEY, "NOK"}, {KIND_MONEY, "1.234 NOK"},
        {KIND_MONEY, "0.5 JPY"}, {KIND_MONEY, "1,250.50 NOK"}, {KIND_MONEY, "1 QQQ"},
        {KIND_MONEY, "92233720368547758.08 NOK"}, {KIND_MONEY, "999999999999999999999999999999 NOK"},
        {KIND_MONEY, "999999999999999999999999999999 KWD"},
        {KIND_EMAIL, "nobody"}, {KIND_PHONE, "call me"}, {KIND_URL, "a b"},
        {KIND_ADDRESS, "a; b; c; d; e; f"}, {KIND_ADDRESS, "street=a; b; street=c"},
        {KIND_REFERENCE, "x"}, {KIND_REFERENCES, ID1 ",x"}, {KIND_REFERENCES, ID1 "," ID1},
        {KIND_TAGS, "a,a"}, {KIND_BLOB, "x"}, {KIND_BLOB, SHA " x a"},
        {KIND_BLOB, SHA "-1 a bb"}, {KIND_BLOB, SHA " 123456"}, {KIND_BLOB, "x" SHA " 1 aaa"},
        {KIND_BLOB, "000102030405060708090a0b0c0d0e0x101112131415161718191a1b1c1d1e1f 1 aaa"},
        {KIND_MONEY, "1 {{{"}, {KIND_BLOB, SHA " 1"},
        {KIND_BLOB, SHA " 99999999999999999999 a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer value = {0};
        buffer_append(&value, "before", 6);
        if (parse(cases[i].kind, cases[i].text, &value) != STATUS_INVALID_VALUE)
            fail_msg("%s \"%s\" was taken", schema_kind_name(cases[i].kind), cases[i].text);
        assert_bytes(buffer_bytes(&value), bytes_text("before"));
        buffer_release(&value);
    }
}

static void print(enum field_kind kind, const char *notation, struct buffer *out)
{
    const struct field_def field = field_of(kind);
    struct buffer value = {0};
    assert_true(notation_parse(bytes_text(notation), &value));
    schema_print(&field, buffer_bytes(&value), out);
    buffer_release(&value);
}

static void values_are_printed_for_people(void **state)
{
    static const struct {
        enum field_kind kind;
        const char *value;
        const char *text;
    } cases[] = {
        {KIND_INTEGER, "-42", "-42"}, {KIND_BOOLEAN, "true", "true"},
        {KIND_TIME, "1772357400000", "2026-03-01T09:30:00.000Z"},
        {KIND_MONEY, "{\"amount\": -5, \"currency\": \"EUR\"}", "-0.05 EUR"},
        {KIND_MONEY, "{\"amount\": -9223372036854775808, \"currency\": \"NOK\"}",
         "-92233720368547758.08 NOK"},
        {KIND_MONEY, "{\"amount\": 7, \"currency\": \"KWD\"}", "0.007 KWD"},
        {KIND_MONEY, "{\"amount\": 7, \"currency\": \"JPY\"}", "7 JPY"},
        {KIND_ADDRESS, "{\"city\": \"Oslo\"}", "; Oslo"}, {KIND_ADDRESS, "{}", ""},
        {KIND_ADDRESS, "{\"street\": \"city=a; b\"}", "city\\=a\\; b"}, {KIND_REFERENCE, H1, ID1},
        {KIND_REFERENCES, "[" H1 ", " H2 "]", ID1 ", " ID2}, {KIND_TAGS, "[\"a\", \"b,c\"]", "a, b\\,c"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0};
        print(cases[i].kind, cases[i].value, &text);
        buffer_append_byte(&text, '\0');
        assert_string_equal((const char *)text.data, cases[i].text);
        buffer_release(&text);
    }
}

static void values_of_another_kind_print_nothing(void **state)
{
    static const char *const shapes[] = {"null", "h'00'", "[[1], 2]", "{\"a\": 1}"};
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            struct buffer text = {0};
            print((enum field_kind)kind, shapes[i], &text);
            for (size_t at = 0; at < text.size; at++)
                assert_true(text.data[at] == ',' || text.data[at] == ' ');
            buffer_release(&text);
        }
}

/* ---- round trips ---- */

static void random_word(struct random *random, size_t most, struct buffer *out)
{
    static const char letters[] = "aZ09;,=\\ .\xc3\xb8";
    const uint64_t size = 1 + random_below(random, most);
    buffer_append_byte(out, 'w'); /* no spaces at the ends: they do not survive */
    for (uint64_t i = 1; i < size; i++) {
        const uint64_t pick = random_below(random, 11);
        buffer_append(out, letters + pick, pick == 10 ? 2 : 1);
    }
    buffer_append_byte(out, 'w');
}

static void put_word(struct random *random, struct buffer *value)
{
    struct buffer word = {0};
    random_word(random, 8, &word);
    wire_put_str(value, buffer_bytes(&word));
    buffer_release(&word);
}

static void put_random(struct random *random, enum field_kind kind, struct buffer *value)
{
    static const char *const currencies[] = {"NOK", "JPY", "KWD", "EUR"};
    static const char *const parts[] = {"street", "city", "region", "postalCode", "country"};
    const uint64_t bits = random_below(random, 32);
    struct id id = {{1}};
    switch (kind) {
    case KIND_INTEGER:
        wire_put_int(value, (int64_t)random_number(random));
        break;
    case KIND_TIME:
        wire_put_int(value, (int64_t)random_below(random, UINT64_C(315537897600000)) -
                                INT64_C(62135596800000));
        break;
    case KIND_MONEY:
        wire_put_map(value, 2);
        wire_put_text(value, "amount");
        wire_put_int(value, (int64_t)random_number(random));
        wire_put_text(value, "currency");
        wire_put_text(value, currencies[bits % 4]);
        break;
    case KIND_ADDRESS:
        wire_put_map(value, (uint32_t)__builtin_popcountll(bits | 1));
        for (unsigned i = 0; i < 5; i++)
            if (((bits | 1) >> i & 1) != 0) {
                wire_put_text(value, parts[i]);
                put_word(random, value);
            }
        break;
    case KIND_REFERENCES:
        wire_put_array(value, (uint32_t)(1 + bits));
        for (uint64_t i = 0; i <= bits; i++) {
            put_u64(id.octet + 8, random_next(random));
            wire_put_id(value, id);
        }
        break;
    default: /* tags */
        wire_put_array(value, 1);
        put_word(random, value);
    }
}

static void what_is_printed_is_read_back(void **state)
{
    static const enum field_kind kinds[] = {KIND_INTEGER, KIND_TIME,       KIND_MONEY,
                                            KIND_ADDRESS, KIND_REFERENCES, KIND_TAGS};
    struct random random = random_begin("values");
    (void)state;
    for (int i = 0; i < 12000; i++) {
        const struct field_def field = field_of(kinds[i % 6]);
        struct buffer value = {0}, text = {0}, again = {0};
        put_random(&random, field.kind, &value);
        assert_int_equal(schema_check(&field, buffer_bytes(&value), NULL), STATUS_OK);
        schema_print(&field, buffer_bytes(&value), &text);
        assert_int_equal(schema_parse(&field, buffer_bytes(&text), &again, NULL), STATUS_OK);
        assert_bytes(buffer_bytes(&again), buffer_bytes(&value));
        buffer_release(&value);
        buffer_release(&text);
        buffer_release(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_are_taken),
        cmocka_unit_test(values_that_are_not_allowed_are_refused),
        cmocka_unit_test(values_of_another_kind_are_refused),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(only_spaces_and_line_breaks_are_trimmed),
        cmocka_unit_test(parts_have_lengths_of_their_own),
        cmocka_unit_test(bytes_cut_short_are_no_value),
        cmocka_unit_test(a_map_has_each_part_once),
        cmocka_unit_test(an_enum_without_values_takes_none),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(nil_clears_what_is_not_required),
        cmocka_unit_test(two_values_are_no_value),
        cmocka_unit_test(people_write_values),
        cmocka_unit_test(what_cannot_be_read_leaves_the_buffer_alone),
        cmocka_unit_test(values_are_printed_for_people),
        cmocka_unit_test(values_of_another_kind_print_nothing),
        cmocka_unit_test(what_is_printed_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

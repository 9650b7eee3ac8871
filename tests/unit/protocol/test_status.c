#include "support.h"

#include <string.h>

#include "protocol/status.h"

static const enum status all[] = {
#define STATUS(name, code, wire, retry, text) STATUS_##name,
#include "protocol/status.def"
#undef STATUS
};

#define COUNT (sizeof all / sizeof all[0])

static void every_name_leads_back_to_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(status_from_name(bytes_text(status_name(all[i]))), all[i]);
        assert_true(strlen(status_text(all[i])) > 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(all[i], all[j]);
    }
}

static void names_fit_the_messages_that_carry_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(strlen(status_name(all[i])) <= 32);
        assert_true(strlen(status_text(all[i])) <= 256);
    }
}

static void the_unknown_is_internal(void **state)
{
    (void)state;
    assert_int_equal(status_from_name(bytes_text("no-such-thing")), STATUS_INTERNAL);
    assert_int_equal(status_from_name(bytes_text("")), STATUS_INTERNAL);
    assert_string_equal(status_name((enum status)9999), "internal");
    assert_string_equal(status_text((enum status)9999), status_text(STATUS_INTERNAL));
}

static void only_what_can_pass_is_worth_a_retry(void **state)
{
    (void)state;
    assert_true(status_retry(STATUS_BUSY));
    assert_true(status_retry(STATUS_RATE_LIMITED));
    assert_false(status_retry(STATUS_DENIED));
    assert_false(status_retry(STATUS_CONFLICT));
    assert_false(status_retry(STATUS_OK));
}

static void a_fault_says_where_and_why(void **state)
{
    struct fault fault;
    (void)state;
    fault_clear(&fault);
    assert_int_equal(fault.status, STATUS_OK);
    assert_int_equal(fault.change, -1);
    fault.change = 3;
    assert_int_equal(fault_set(&fault, STATUS_INVALID_VALUE, bytes_text("stage"), "%s, %d", "no", 7),
                     STATUS_INVALID_VALUE);
    assert_int_equal(fault.status, STATUS_INVALID_VALUE);
    assert_int_equal(fault.change, 3);
    assert_string_equal(fault.field, "stage");
    assert_string_equal(fault.detail, "no, 7");
    assert_int_equal(fault_set(NULL, STATUS_DENIED, bytes_text("x"), "y"), STATUS_DENIED);
}

static void long_texts_are_cut_between_characters(void **state)
{
    char text[400];
    struct fault fault;
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t at = shift; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x8d\xba", 5);
        fault_clear(&fault);
        fault_set(&fault, STATUS_DENIED, bytes_text(text), "%s", text);
        assert_true(wire_utf8_valid(bytes_text(fault.detail)));
        assert_true(wire_utf8_valid(bytes_text(fault.field)));
        assert_true(strlen(fault.detail) > sizeof fault.detail - 5);
        assert_true(strlen(fault.field) > sizeof fault.field - 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_leads_back_to_its_status),
        cmocka_unit_test(names_fit_the_messages_that_carry_them),
        cmocka_unit_test(the_unknown_is_internal),
        cmocka_unit_test(only_what_can_pass_is_worth_a_retry),
        cmocka_unit_test(a_fault_says_where_and_why),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

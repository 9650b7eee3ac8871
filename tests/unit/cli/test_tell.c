/* What is said of failures. */
#include "prelude.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "protocol/status.h"

static const char *detail_of(tandem_fault *fault, const char *text)
{
    *fault = (tandem_fault){.code = STATUS_INVALID_VALUE, .change = -1};
    (void)snprintf(fault->detail, sizeof fault->detail, "%s", text);
    return cli_fault_detail(fault);
}

static void a_text_that_both_sides_give_is_said_once(void **state)
{
    (void)state;
    tandem_fault fault;
    char twice[160];
    const char *text = tandem_error_text(STATUS_INVALID_VALUE);
    assert_string_equal(detail_of(&fault, "no date"), "no date");
    assert_string_equal(detail_of(&fault, text), "");
    assert_string_equal(detail_of(&fault, ""), "");
    (void)snprintf(twice, sizeof twice, "%s: no date", text);
    assert_string_equal(detail_of(&fault, twice), "no date");
    (void)snprintf(twice, sizeof twice, "%s: %s", text, text);
    assert_string_equal(detail_of(&fault, twice), "");
    assert_string_equal(detail_of(&fault, "the value is not allowed for this fieldhand"),
                        "the value is not allowed for this fieldhand");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_both_sides_give_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

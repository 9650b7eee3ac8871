#include "prelude.h"

#include <string.h>

#include "cli/cli_arguments.h"
#include "cli/cli_prompt.h"

static const struct option_def options[] = {
    {"limit", "N", ""}, {"tag", "T", ""}, {"all", NULL, ""}, {NULL, NULL, NULL}};
static const struct command command = {.name = "try", .arguments = "A...", .options = options,
                                       .least = 1, .most = 2};

static bool read_words(struct arguments *out, char problem[256], int count, ...)
{
    char *words[16];
    va_list list;
    va_start(list, count);
    for (int i = 0; i < count; i++) {
        words[i] = va_arg(list, char *);
    }
    va_end(list);
    return arguments_read(&command, count, words, out, problem);
}

static void options_stand_anywhere(void **state)
{
    (void)state;
    struct arguments got;
    char problem[256];
    assert_true(read_words(&got, problem, 7, "one", "--limit", "5", "two", "--tag=a", "--tag", "b"));
    assert_int_equal(got.count, 2);
    assert_string_equal(got.positional[0], "one");
    assert_string_equal(got.positional[1], "two");
    assert_string_equal(arguments_value(&got, "limit"), "5");
    assert_int_equal(arguments_repeats(&got, "tag"), 2);
    assert_string_equal(arguments_nth(&got, "tag", 0), "a");
    assert_string_equal(arguments_nth(&got, "tag", 1), "b");
    assert_null(arguments_nth(&got, "tag", 2));
    assert_string_equal(arguments_value(&got, "tag"), "b");
    assert_false(arguments_has(&got, "all"));
    arguments_release(&got);
}

static void two_dashes_end_them(void **state)
{
    (void)state;
    struct arguments got;
    char problem[256];
    assert_true(read_words(&got, problem, 4, "--json", "--", "one", "- a list"));
    assert_true(arguments_has(&got, "json"));
    assert_string_equal(got.positional[1], "- a list");
    arguments_release(&got);
}

static void expect_problem(const char *part, struct arguments *got, const char *problem, bool read)
{
    assert_false(read);
    assert_non_null(strstr(problem, part));
    arguments_release(got);
}

static void wrong_use_is_named(void **state)
{
    (void)state;
    struct arguments got;
    char problem[256];
    expect_problem("--nope", &got, problem, read_words(&got, problem, 2, "one", "--nope"));
    expect_problem("-x", &got, problem, read_words(&got, problem, 2, "one", "-x"));
    expect_problem("needs a value", &got, problem, read_words(&got, problem, 2, "one", "--limit"));
    expect_problem("needs arguments", &got, problem, read_words(&got, problem, 1, "--all"));
    expect_problem("too many", &got, problem, read_words(&got, problem, 3, "1", "2", "3"));
    expect_problem("UTF-8", &got, problem, read_words(&got, problem, 1, "Troms\xF8"));
    expect_problem("--all", &got, problem, read_words(&got, problem, 2, "one", "--all=5"));
}

static void help_needs_no_arguments(void **state)
{
    (void)state;
    struct arguments got;
    char problem[256];
    assert_true(read_words(&got, problem, 1, "--help"));
    arguments_release(&got);
    assert_true(read_words(&got, problem, 1, "-h"));
    assert_true(arguments_has(&got, "help"));
    arguments_release(&got);
}

static void numbers_are_whole(void **state)
{
    (void)state;
    unsigned long number = 0;
    assert_true(arguments_number("20", 1, 100, &number));
    assert_int_equal(number, 20);
    assert_false(arguments_number("0", 1, 100, &number));
    assert_false(arguments_number("101", 1, 100, &number));
    assert_false(arguments_number("-1", 0, 100, &number));
    assert_false(arguments_number("", 0, 100, &number));
    assert_false(arguments_number("5x", 0, 100, &number));
    assert_false(arguments_number(" 5", 0, 100, &number));
    assert_false(arguments_number("99999999999999999999999", 0, (unsigned long)-1, &number));
}

static void codes_have_a_form(void **state)
{
    (void)state;
    assert_true(prompt_is_code("7QK2-M9XD-0000-ZZZZ-ABCD"));
    assert_false(prompt_is_code("7qk2-m9xd-0000-zzzz-abcd"));
    assert_false(prompt_is_code("7QK2-M9XD-0000-ZZZZ-ABC"));
    assert_false(prompt_is_code("7QK2-M9XD-0000-ZZZZ-ABCU"));
    assert_false(prompt_is_code("7QK2M-9XD-0000-ZZZZ-ABCD"));
    assert_false(prompt_is_code("correct horse battery st"));
    assert_false(prompt_is_code(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere), cmocka_unit_test(two_dashes_end_them),
        cmocka_unit_test(wrong_use_is_named),     cmocka_unit_test(help_needs_no_arguments),
        cmocka_unit_test(numbers_are_whole),      cmocka_unit_test(codes_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

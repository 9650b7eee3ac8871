/* What is said of failures. */
#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
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

static void expect_words(tandem_code code, const char *field, const char *detail,
                         const char *wanted)
{
    struct buffer words = {0};
    tandem_fault fault = {.code = code, .change = -1};
    (void)snprintf(fault.detail, sizeof fault.detail, "%s", detail);
    (void)snprintf(fault.field, sizeof fault.field, "%s", field);
    cli_fault_words(&fault, &words);
    buffer_append_byte(&words, 0);
    assert_string_equal((const char *)words.data, wanted);
    buffer_release(&words);
}

static void what_a_detail_says_more_exactly_is_not_said_before(void **state)
{
    (void)state;
    expect_words(STATUS_REFERENCED, "", "other records still belong to this account: remove them",
                 "other records still belong to this account: remove them");
    expect_words(STATUS_REFERENCED, "", "people still belong to this party",
                 "other records still belong to this one: people still belong to this party");
    expect_words(STATUS_REFERENCED, "", "other",
                 "other records still belong to this one: other");
    expect_words(STATUS_REFERENCED, "party", "", "other records still belong to this one (party)");
}

static void expect_next_step(struct cli *cli, tandem_code code, const char *step)
{
    char *said = NULL;
    size_t size = 0;
    tandem_fault fault = {.code = code, .change = -1};
    cli->err = open_memstream(&said, &size);
    assert_non_null(cli->err);
    (void)cli_fault(cli, "not signed in", &fault);
    (void)fclose(cli->err);
    if (strstr(said, step) == NULL) {
        print_error("%s\n", said);
    }
    assert_non_null(strstr(said, step));
    free(said);
}

static void the_next_step_is_of_the_sign_in_that_failed(void **state)
{
    (void)state;
    struct cli cli = {.profile.signed_in = true};
    tandem_server server = {.url = "wss://new", .user = "eva", .ca = "/a b/o'hara.pem"};
    (void)snprintf(cli.profile.session.url, sizeof cli.profile.session.url, "wss://old");
    (void)snprintf(cli.profile.session.user, sizeof cli.profile.session.user, "kari");
    (void)snprintf(cli.profile.session.ca, sizeof cli.profile.session.ca, "/ca.pem");
    expect_next_step(&cli, STATUS_SIGN_IN_FAILED,
                     " Sign in again: tandem login wss://old --user kari --ca /ca.pem\n");
    expect_next_step(&cli, STATUS_NOT_SIGNED_IN,
                     "not signed in: either an administrator disabled the account kari, or you were "
                     "signed out elsewhere, or this sign-in is too old. If signing in is refused too, "
                     "the account is disabled: ask an administrator. Sign in again: ");
    cli.attempt = &server;
    expect_next_step(&cli, STATUS_SIGN_IN_FAILED,
                     ". If the password is right, the account may be disabled: ask an administrator. "
                     "Try again: tandem login wss://new --user eva --ca '/a b/o'\\''hara.pem'\n");
    server.ca = NULL;
    expect_next_step(&cli, STATUS_UNTRUSTED, ": tandem login wss://new --user eva --ca FILE\n");
}

static void expect_sentence(const struct command *command, const char *detail, const char *wanted)
{
    struct cli cli = {.command = command};
    tandem_fault fault = {.code = STATUS_CONFLICT, .change = -1};
    char *said = NULL;
    size_t size = 0;
    (void)snprintf(fault.detail, sizeof fault.detail, "%s", detail);
    cli.err = open_memstream(&said, &size);
    assert_non_null(cli.err);
    (void)cli_fault(&cli, "nothing was done", &fault);
    (void)fclose(cli.err);
    assert_string_equal(said, wanted);
    free(said);
}

static void only_what_can_insist_is_told_to(void **state)
{
    (void)state;
    static const struct option_def options[] = {
        {"base", "SEQ", ""}, {"overwrite", NULL, ""}, {NULL}};
    static const struct command edit = {.name = "edit", .options = options};
    static const struct command removal = {.name = "remove"};
    static const struct command resolve = {.name = "resolve"};
    static const struct command retry = {.name = "outbox retry"};
    expect_sentence(
        &edit, "",
        "tandem: nothing was done: someone else changed this after you saw it. Look at it "
        "with tandem show and try again, or win with --overwrite.\n");
    expect_sentence(
        &removal, "",
        "tandem: nothing was done: someone else changed this after you saw it. Look at it "
        "with tandem show, then remove it again.\n");
    expect_sentence(&resolve, "nils has changed it once more",
                    "tandem: nothing was done: nils has changed it once more. See: tandem "
                    "conflicts\n");
    expect_sentence(&retry, "it would replace another value",
                    "tandem: nothing was done: it would replace another value. See: tandem "
                    "conflicts\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_step_is_of_the_sign_in_that_failed),
        cmocka_unit_test(what_a_detail_says_more_exactly_is_not_said_before),
        cmocka_unit_test(only_what_can_insist_is_told_to),
        cmocka_unit_test(a_text_that_both_sides_give_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

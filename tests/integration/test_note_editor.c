/* tandem note --edit in terminals of its own, against a real server. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "tests/integration/company.h"
#include "tests/integration/terminal.h"

#define HELD(letter) ((char[]){(letter)&0x1F, '\0'}) /* with Control */

static struct company company;

/* A new note with this text, about a new account. */
static void make_note(const char *account, const char *text, char note[COMPANY_ID])
{
    char words[256], id[COMPANY_ID];
    (void)snprintf(words, sizeof words, "add|account|name=%s", account);
    company_add(&company, "kari", words, id);
    (void)snprintf(words, sizeof words, "note|%s|%s", id, text);
    company_add(&company, "kari", words, note);
}

static void start(struct terminal *terminal, const char *user, const char *const *arguments)
{
    char profile[SCRATCH_PATH + 64];
    (void)snprintf(profile, sizeof profile, "TANDEM_PROFILE=%s/profile-%s", company.folder, user);
    const char *const environment[] = {profile, "TERM=vt100", NULL};
    terminal_start(terminal, arguments, environment);
}

static void edit(struct terminal *terminal, const char *user, const char *note)
{
    const char *const arguments[] = {TANDEM_PROGRAM, "note", note, "--edit", NULL};
    start(terminal, user, arguments);
}

/* What `user` gets of it. */
static void note_is(const char *user, const char *note, const char *text)
{
    char words[128], got[4096];
    (void)snprintf(words, sizeof words, "note|%s|--print|--json", note);
    struct tandem_output output = company_run(&company, user, words);
    tandem_output_text(&output, "text", got, sizeof got);
    assert_string_equal(got, text);
    tandem_output_release(&output);
}

static void two_people_type_in_one_note(void **state)
{
    (void)state;
    struct terminal kari, nils;
    char note[COMPANY_ID];
    make_note("Two", "Call back", note);
    edit(&kari, "kari", note);
    terminal_shows(&kari, "Call back");
    edit(&nils, "nils", note);
    terminal_shows(&nils, "Call back");
    terminal_shows(&kari, "nils");
    terminal_shows(&nils, "saved");

    terminal_type(&kari, HELD('E'));
    terminal_type(&kari, " before nine");
    terminal_shows(&nils, "Call back before nine  kari"); /* the name is where the cursor is */
    terminal_shows(&nils, "kari types");
    terminal_type(&nils, "Please: ");
    terminal_shows(&kari, "Please: Call back before nine");
    terminal_type(&kari, HELD('Z')); /* only one's own, and what came at once at once */
    terminal_shows(&kari, "Please: Call back  nils");
    terminal_lacks(&nils, "before nine");
    terminal_shows(&nils, "Please: Call back  kari");
    terminal_type(&kari, HELD('Y'));
    terminal_shows(&nils, "Please: Call back before nine");

    terminal_type(&nils, HELD('F'));
    terminal_type(&nils, "NINE");
    terminal_shows(&nils, "Find: NINE");
    terminal_type(&nils, "\r");
    terminal_type(&nils, "10 to ");
    terminal_shows(&kari, "before 10 to nine");
    terminal_type(&nils, HELD('Q'));
    assert_int_equal(terminal_end(&nils), 0);
    terminal_lacks(&kari, "nils");
    terminal_type(&kari, HELD('Q'));
    assert_int_equal(terminal_end(&kari), 0);
    note_is("kari", note, "Please: Call back before 10 to nine");
    note_is("nils", note, "Please: Call back before 10 to nine");
}

static void what_a_terminal_would_obey_never_reaches_it(void **state)
{
    (void)state;
    struct terminal kari;
    char note[COMPANY_ID];
    make_note("Control", "bell\a and \033[2Jclear", note);
    edit(&kari, "kari", note);
    terminal_shows(&kari, "bell^G and ^[[2Jclear"); /* the terminal here refuses any other */
    terminal_type(&kari, "\033[200~one\r\ntwo\033[31m\a\033[201~");
    terminal_shows(&kari, "two[31mbell^G");
    terminal_shows(&kari, "saved");
    terminal_type(&kari, HELD('Q'));
    assert_int_equal(terminal_end(&kari), 0);
    note_is("nils", note, "one\\ntwo[31mbell\\u0007 and \\u001B[2Jclear"); /* as JSON */
}

static void without_the_server_it_goes_on_and_sends_later(void **state)
{
    (void)state;
    struct terminal kari;
    char note[COMPANY_ID];
    make_note("Away", "Here.", note);
    edit(&kari, "kari", note);
    terminal_shows(&kari, "Here.");
    assert_true(server_process_stop(&company.server));
    terminal_shows(&kari, "offline");
    terminal_type(&kari, "And ");
    terminal_shows(&kari, "offline, 4 waiting");
    terminal_type(&kari, HELD('Q'));
    terminal_shows(&kari, "4 characters of this note wait on this machine");
    assert_int_equal(terminal_end(&kari), 0);

    edit(&kari, "kari", note); /* from what is on this machine */
    terminal_shows(&kari, "And Here.");
    terminal_shows(&kari, "offline, 4 waiting");
    terminal_type(&kari, "not ");
    terminal_shows(&kari, "not And Here.");
    assert_true(server_process_start(&company.server, NULL, 0));
    terminal_shows(&kari, "saved");
    note_is("nils", note, "not And Here.");
    terminal_type(&kari, HELD('Q'));
    assert_int_equal(terminal_end(&kari), 0);
}

static void nothing_is_lost_with_the_terminal(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGKILL};
    struct terminal kari;
    char note[COMPANY_ID];
    make_note("Lost", ".", note);
    assert_true(server_process_stop(&company.server));
    edit(&kari, "kari", note);
    terminal_shows(&kari, "cannot be reached"); /* nothing of it is here, and nobody to ask */
    assert_int_equal(terminal_end(&kari), 3);
    assert_true(server_process_start(&company.server, NULL, 0));
    edit(&kari, "kari", note);
    terminal_shows(&kari, "saved");
    terminal_type(&kari, "+");
    terminal_shows(&kari, "+.");
    terminal_type(&kari, HELD('Q'));
    assert_int_equal(terminal_end(&kari), 0);
    assert_true(server_process_stop(&company.server));
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        char typed[16], there[32];
        (void)snprintf(typed, sizeof typed, "%zu", i);
        (void)snprintf(there, sizeof there, i == 0 ? "offline" : "offline, %zu waiting", i);
        edit(&kari, "kari", note);
        terminal_shows(&kari, there);
        terminal_type(&kari, typed);
        (void)snprintf(there, sizeof there, "offline, %zu waiting", i + 1);
        terminal_shows(&kari, there);
        assert_int_equal(kill(kari.pid, signals[i]), 0);
        if (signals[i] == SIGKILL) { /* which leaves nobody to put the terminal right */
            assert_int_equal(terminal_hang_up(&kari), 128 + SIGKILL);
        } else {
            assert_int_equal(terminal_end(&kari), 0);
        }
    }
    edit(&kari, "kari", note);
    terminal_shows(&kari, "offline, 4 waiting");
    terminal_type(&kari, "4");
    terminal_shows(&kari, "offline, 5 waiting");
    (void)terminal_hang_up(&kari);
    assert_true(server_process_start(&company.server, NULL, 0));
    company_do(&company, "kari", "online");
    note_is("nils", note, "43210+.");
    note_is("kari", note, "43210+.");
}

/* Another process of the profile leads then: what is typed goes through its hands, and what others
 * type comes that way. */
static void beside_a_watch_of_the_same_profile(void **state)
{
    (void)state;
    static const char *const arguments[] = {TANDEM_PROGRAM, "watch", NULL};
    struct terminal watch, kari, again;
    char note[COMPANY_ID], words[128];
    make_note("Beside", "text", note);
    start(&watch, "kari", arguments);
    terminal_shows(&watch, "watching");
    edit(&kari, "kari", note);
    terminal_shows(&kari, "text");
    edit(&again, "kari", note); /* and one more */
    terminal_shows(&again, "text");
    terminal_type(&kari, "my ");
    terminal_shows(&again, "my text");
    terminal_shows(&kari, "saved");
    note_is("nils", note, "my text");
    (void)snprintf(words, sizeof words, "note|%s|theirs", note);
    company_do(&company, "nils", words);
    terminal_shows(&kari, "theirs");
    terminal_shows(&again, "theirs");
    assert_int_equal(kill(watch.pid, SIGTERM), 0);
    assert_int_equal(terminal_end(&watch), 0);
    terminal_type(&again, "all ");
    terminal_shows(&kari, "all my text");
    terminal_shows(&kari, "saved"); /* one of the two leads now */
    terminal_type(&again, HELD('Q'));
    assert_int_equal(terminal_end(&again), 0);
    terminal_type(&kari, HELD('Q'));
    assert_int_equal(terminal_end(&kari), 0);
    note_is("nils", note, "all my text\\ntheirs");
}

static void a_fault_of_its_own_gives_the_terminal_back(void **state)
{
    (void)state;
    struct terminal kari;
    char note[COMPANY_ID];
    make_note("Fault", "text", note);
    edit(&kari, "kari", note);
    terminal_shows(&kari, "saved");
    assert_int_equal(kill(kari.pid, SIGABRT), 0);
    assert_int_equal(terminal_end(&kari), 128 + SIGABRT);
}

static void another_size_is_taken_at_once(void **state)
{
    (void)state;
    struct terminal kari;
    char note[COMPANY_ID];
    const struct winsize narrow = {.ws_row = 6, .ws_col = 12};
    make_note("Narrow", "Some words to break", note);
    edit(&kari, "kari", note);
    terminal_shows(&kari, "Some words to break");
    assert_int_equal(ioctl(kari.slave, TIOCSWINSZ, &narrow), 0);
    assert_int_equal(kill(kari.pid, SIGWINCH), 0);
    terminal_row_is(&kari, 0, "Some words");
    terminal_row_is(&kari, 1, "to break");
    terminal_type(&kari, HELD('Q'));
    assert_int_equal(terminal_end(&kari), 0);
}

static void access_that_ends_is_told_and_ones_words_stay(void **state)
{
    (void)state;
    struct terminal eva;
    char account[COMPANY_ID], note[COMPANY_ID], words[256];
    company_add(&company, "kari", "add|account|name=Ends", account);
    (void)snprintf(words, sizeof words, "note|%s|Shared text|--share|suppliers", account);
    company_add(&company, "kari", words, note);
    (void)snprintf(words, sizeof words, "assign|Nordic Paper|%s|--level|comment", account);
    company_do(&company, "admin", words);
    edit(&eva, "eva", note);
    terminal_shows(&eva, "Shared text");
    terminal_shows(&eva, "saved");
    terminal_type(&eva, "mine ");
    terminal_shows(&eva, "saved");
    (void)snprintf(words, sizeof words, "revoke|Nordic Paper|%s", account);
    company_do(&company, "admin", words);
    terminal_shows(&eva, "no longer yours to see");
    terminal_shows(&eva, "not editable");
    terminal_type(&eva, "x");
    terminal_shows(&eva, "cannot be edited any more");
    terminal_lacks(&eva, "Shared text");
    terminal_type(&eva, HELD('Q'));
    assert_int_equal(terminal_end(&eva), 1);
}

static void assign(const char *account, const char *level)
{
    char words[256];
    (void)snprintf(words, sizeof words, "assign|Nordic Paper|%s|--level|%s", account, level);
    company_do(&company, "admin", words);
}

static void who_may_only_read_hears_so_and_writes_once_they_may(void **state)
{
    (void)state;
    struct terminal eva;
    char account[COMPANY_ID], note[COMPANY_ID], words[256];
    company_add(&company, "kari", "add|account|name=Looks", account);
    (void)snprintf(words, sizeof words, "note|%s|Shared text|--share|suppliers", account);
    company_add(&company, "kari", words, note);
    assign(account, "view");
    edit(&eva, "eva", note);
    terminal_shows(&eva, "Shared text");
    terminal_shows(&eva, "You may read this note, but not change it.");
    terminal_shows(&eva, "read only");
    terminal_type(&eva, "x");
    terminal_lacks(&eva, "xShared");
    assign(account, "comment");
    terminal_shows(&eva, "You may write in this note again.");
    terminal_type(&eva, "mine ");
    terminal_shows(&eva, "mine Shared text");
    terminal_shows(&eva, "saved");
    assign(account, "view");
    terminal_shows(&eva, "read only");
    note_is("kari", note, "mine Shared text");
    terminal_type(&eva, HELD('Q'));
    terminal_lacks(&eva, "not taken");
    assert_int_equal(terminal_end(&eva), 0);
}

static void inbox_has(const char *user, const char *text)
{
    char got[4096];
    struct tandem_output output = company_run(&company, user, "inbox|--json");
    tandem_output_text(&output, "text", got, sizeof got);
    assert_string_equal(got, text);
    tandem_output_release(&output);
}

/* Each tells of the names that they typed themselves. */
static void who_is_named_is_told_when_the_editor_is_left(void **state)
{
    (void)state;
    struct terminal kari, nils;
    char note[COMPANY_ID];
    make_note("Named", "Old", note);
    edit(&kari, "kari", note);
    terminal_shows(&kari, "Old");
    edit(&nils, "nils", note);
    terminal_shows(&nils, "saved");
    terminal_type(&kari, HELD('E'));
    terminal_type(&kari, " for @ni");
    terminal_shows(&nils, "Old for @ni");
    terminal_type(&nils, "For @kari: ");
    terminal_shows(&kari, "For @kari: Old for @ni");
    terminal_type(&kari, "ls, @eva, @nobody");
    terminal_shows(&nils, "@eva, @nobody");
    terminal_shows(&kari, "saved");
    terminal_type(&kari, HELD('Q'));
    terminal_shows(&kari, "eva may not see this note");
    terminal_shows(&kari, "Or leave the name as text");
    terminal_shows(&kari, "no user called nobody");
    terminal_shows(&kari, "nils: in their inbox");
    assert_int_equal(terminal_end(&kari), 0);
    inbox_has("nils", "For @kari: Old for @nils, @eva, @nobody");
    inbox_has("kari", "");
    assert_true(server_process_stop(&company.server));
    terminal_shows(&nils, "offline");
    terminal_type(&nils, "@admin ");
    terminal_shows(&nils, "7 waiting");
    terminal_type(&nils, HELD('Q'));
    terminal_shows(&nils, "told once this is sent");
    assert_int_equal(terminal_end(&nils), 0);
    assert_true(server_process_start(&company.server, NULL, 0));
    company_do(&company, "nils", "online");
    inbox_has("kari", "For @kari: @admin Old for @nils, @eva, @nobody");
}

static int make(void **state)
{
    (void)state;
    return company_make(&company);
}

static int end(void **state)
{
    (void)state;
    company_end(&company);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_people_type_in_one_note),
        cmocka_unit_test(what_a_terminal_would_obey_never_reaches_it),
        cmocka_unit_test(without_the_server_it_goes_on_and_sends_later),
        cmocka_unit_test(nothing_is_lost_with_the_terminal),
        cmocka_unit_test(beside_a_watch_of_the_same_profile),
        cmocka_unit_test(a_fault_of_its_own_gives_the_terminal_back),
        cmocka_unit_test(another_size_is_taken_at_once),
        cmocka_unit_test(access_that_ends_is_told_and_ones_words_stay),
        cmocka_unit_test(who_may_only_read_hears_so_and_writes_once_they_may),
        cmocka_unit_test(who_is_named_is_told_when_the_editor_is_left),
    };
    return cmocka_run_group_tests(tests, make, end);
}

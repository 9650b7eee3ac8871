/* The live view, in a terminal: what it shows, and what its keys do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/integration/program.h"
#include "tests/integration/programs.h"

static void press(struct program *view, const char *keys)
{
    program_feed(view, keys, strlen(keys));
}

/* The newest picture, or what there is of it; drawing begins in the upper left corner. */
static const char *picture(const struct program *view, bool *whole)
{
    const char *last = view->said;
    unsigned lines = 0;
    for (const char *at = last; (at = strstr(at, "\033[H")) != NULL; at++) {
        last = at;
    }
    for (const char *at = last; (at = strstr(at, "\033[K")) != NULL; at++) {
        lines++;
    }
    *whole = lines == PROGRAM_ROWS;
    return last;
}

/* Waits until what is to be seen has this text, or has it no more. */
static void shows(struct program *view, const char *text, bool wanted)
{
    for (;;) {
        bool whole = false;
        bool there = strstr(picture(view, &whole), text) != NULL;
        if (wanted ? there : whole && !there) {
            return;
        }
        if (!program_hear(view)) {
            print_error("the view ended without %s '%s', but:\n%s\n", wanted ? "showing" : "hiding",
                        text, view->said);
            fail();
        }
    }
}

static void start(struct program *view, const struct company *company, const char *user)
{
    program_start_in_terminal(view, company, "live-view", user);
    shows(view, "connected", true);
}

/* Chooses the account, which is the first by name; another may have come before it. */
static void choose_first(struct program *view, const char *name)
{
    char text[64];
    shows(view, name, true);
    press(view, "kkkkkkkk");
    (void)snprintf(text, sizeof text, "\033[7m  %s", name);
    shows(view, text, true);
}

static void quit(struct program *view)
{
    press(view, "q");
    assert_int_equal(program_end(view), 0);
    program_release(view);
}

static bool listed(const struct company *company, const char *words, const char *text)
{
    struct tandem_output output = company_run(company, "nils", words);
    bool found = strstr(output.out, text) != NULL;
    tandem_output_release(&output);
    return found;
}

void view_shows_what_others_do(void **state)
{
    const struct company *company = *state;
    struct program view;
    char aker[COMPANY_ID], text[128], words[256];
    company_add(company, "admin", "add|account|name=Aker Trykk", aker);
    start(&view, company, "kari");
    choose_first(&view, "Aker Trykk");

    (void)snprintf(words, sizeof words, "edit|%s|phoneNumber=+4722000001", aker);
    company_do(company, "admin", words);
    shows(&view, "+4722000001", true);
    (void)snprintf(words, sizeof words, "note|%s|Asks for \033[31mred\033[m paper", aker);
    company_do(company, "admin", words);
    shows(&view, "Asks for  [31mred [m paper", true); /* what is typed commands no terminal */

    /* One that sorts before it does not take its place as the chosen one. */
    company_do(company, "admin", "add|account|name=Aas Bok");
    shows(&view, "  Aas Bok", true);
    shows(&view, "\033[7m  Aker Trykk", true);
    press(&view, "\033[A");
    shows(&view, "\033[7m  Aas Bok", true);
    shows(&view, "Asks for", false);
    press(&view, "j");
    shows(&view, "Asks for", true);

    press(&view, "nSaid no\177\177yes\r");
    shows(&view, "Said yes", true);
    shows(&view, "0 waiting", true);
    (void)snprintf(text, sizeof text, "timeline|%s", aker);
    assert_true(listed(company, text, "Said yes"));
    quit(&view);
}

void view_works_offline_and_settles_a_conflict(void **state)
{
    const struct company *company = *state;
    struct program view;
    char first[COMPANY_ID], words[256];
    company_add(company, "admin", "add|account|name=A First One", first);
    start(&view, company, "kari");
    choose_first(&view, "A First One");
    press(&view, "o");
    shows(&view, "offline", true);
    press(&view, "p+4711111111\r");
    shows(&view, "\033[7m* A First One", true);
    shows(&view, "1 waiting", true);
    program_kill(&view);
    program_release(&view);

    (void)snprintf(words, sizeof words, "edit|%s|phoneNumber=+4722222222", first);
    company_do(company, "nils", words);

    /* Both the change and being offline have survived. */
    program_start_in_terminal(&view, company, "live-view", "kari");
    shows(&view, "offline, 1 waiting", true);
    shows(&view, "\033[7m* A First One", true);
    press(&view, "o");
    shows(&view, "conflict: phoneNumber is +4711111111, and nils says +4722222222", true);
    shows(&view, "\033[7m! A First One", true);
    press(&view, "m");
    shows(&view, "conflict:", false);
    shows(&view, "0 waiting", true);
    shows(&view, "\033[7m  A First One", true);
    (void)snprintf(words, sizeof words, "show|%s", first);
    assert_true(listed(company, words, "+4711111111"));

    press(&view, "op+4733333333\r");
    shows(&view, "offline, 1 waiting", true);
    (void)snprintf(words, sizeof words, "edit|%s|phoneNumber=+4744444444", first);
    company_do(company, "nils", words);
    press(&view, "o");
    shows(&view, "and nils says +4744444444", true);
    press(&view, "t");
    shows(&view, "\033[7m  A First One", true);
    shows(&view, "+4744444444", true);
    (void)snprintf(words, sizeof words, "show|%s", first);
    assert_true(listed(company, words, "+4744444444"));
    quit(&view);
}

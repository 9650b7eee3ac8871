/* The program for one note: several people and several processes write at once, it is killed, and
 * access ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/integration/program.h"
#include "tests/integration/programs.h"

#define LINES 40
#define LISTENS_MOST 30000 /* of a millisecond or more */

/* A note with this text at a new account, which Nordic Paper may write in. */
static void begin(const struct company *company, const char *name, const char *text,
                  char note[COMPANY_ID])
{
    char words[512], account[COMPANY_ID];
    (void)snprintf(words, sizeof words, "add|account|name=%s", name);
    company_add(company, "admin", words, account);
    (void)snprintf(words, sizeof words, "assign|Nordic Paper|%s|--level|comment", account);
    company_do(company, "admin", words);
    (void)snprintf(words, sizeof words, "note|%s|%s", account, text);
    company_add(company, "admin", words, note);
    (void)snprintf(words, sizeof words, "share|%s|--with|suppliers", note);
    company_do(company, "admin", words);
}

static void start(struct program *program, const struct company *company, const char *user,
                  const char *note)
{
    program_start(program, company, "note-together", user, note);
}

static void type(struct program *program, const char *line)
{
    program_feed(program, line, strlen(line));
    program_feed(program, "\n", 1);
}

/* The note as it was printed last; empty when none was. */
static const char *last_note(const struct program *program)
{
    const char *last = "";
    for (const char *at = program->said; (at = strstr(at, "----\n")) != NULL; at += 5) {
        if ((at == program->said || at[-1] == '\n') && strstr(at, "\n---- ") != NULL) {
            last = at;
        }
    }
    return last;
}

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) {
        found++;
    }
    return found;
}

/* Whether it has printed the note with all of this, as the server has it. */
static bool is_saved_with(const struct program *program, const char *const *parts,
                          size_t part_count)
{
    const char *note = last_note(program);
    size_t found = 0;
    while (found < part_count && strstr(note, parts[found]) != NULL) {
        found++;
    }
    return found == part_count && strstr(note, "\n---- saved") != NULL;
}

static void until_saved_with(struct program *program, const char *const *parts, size_t part_count)
{
    while (!is_saved_with(program, parts, part_count)) {
        assert_true(program_hear(program));
    }
}

/* None is left unheard for long: who says much and is not heard stands still. */
static void until_all_saved_with(struct program *programs, size_t count, const char *const *parts,
                                 size_t part_count)
{
    size_t done = 0;
    for (int i = 0; i < LISTENS_MOST && done < count; i++) {
        done = 0;
        for (size_t at = 0; at < count; at++) {
            assert_true(program_hear_soon(&programs[at]));
            done += is_saved_with(&programs[at], parts, part_count);
        }
    }
    assert_int_equal(done, count);
}

static void until_saved(struct program *program, const char *part)
{
    until_saved_with(program, &part, 1);
}

static void until_waiting(struct program *program, const char *part)
{
    while (strstr(last_note(program), part) == NULL ||
           strstr(last_note(program), "\n---- waiting") == NULL) {
        assert_true(program_hear(program));
    }
}

static void start_server(struct company *company)
{
    static const char *const quickly[] = {"--drain", "1", NULL};
    assert_true(server_process_start(&company->server, quickly, 0));
}

void note_has_what_all_write_at_once(void **state)
{
    static const char *const all[] = {"kari-39\n", "nils-39\n", "eva-39\n"};
    static const char *const users[] = {"kari", "nils", "eva"};
    enum { USERS = 3 };
    struct program program[USERS];
    char note[COMPANY_ID], text[64];
    begin(*state, "Live AS", "Agenda", note);
    for (size_t i = 0; i < USERS; i++) {
        start(&program[i], *state, users[i], note);
        until_saved(&program[i], "Agenda\n");
    }
    for (int line = 0; line < LINES; line++) {
        for (size_t i = 0; i < USERS; i++) {
            (void)snprintf(text, sizeof text, "%s-%d", users[i], line);
            type(&program[i], text);
            assert_true(program_hear_soon(&program[i]));
        }
    }
    until_all_saved_with(program, USERS, all, USERS);
    /* The same everywhere, and every line once. */
    assert_string_equal(last_note(&program[0]), last_note(&program[1]));
    assert_string_equal(last_note(&program[0]), last_note(&program[2]));
    for (int line = 0; line < LINES; line++) {
        for (size_t i = 0; i < USERS; i++) {
            (void)snprintf(text, sizeof text, "\n%s-%d\n", users[i], line);
            assert_int_equal(count(last_note(&program[0]), text), 1);
        }
    }
    for (size_t i = 0; i < USERS; i++) {
        program_close_input(&program[i]);
        assert_int_equal(program_end(&program[i]), 0);
        program_release(&program[i]);
    }
}

void note_keeps_what_was_typed_offline_when_it_is_killed(void **state)
{
    struct company *company = *state;
    struct program kari, nils;
    char note[COMPANY_ID];
    begin(company, "Train AS", "Packing list", note);
    start(&kari, company, "kari", note);
    until_saved(&kari, "Packing list");

    /* What it pushed may reach the server, and the answer reaches nobody. */
    assert_int_equal(kill(company->server.pid, SIGSTOP), 0);
    type(&kari, "pushed");
    until_waiting(&kari, "pushed");
    program_kill(&kari);
    program_release(&kari);
    assert_int_equal(kill(company->server.pid, SIGCONT), 0);
    server_process_kill(&company->server);

    start(&kari, company, "kari", note);
    type(&kari, "offline");
    until_waiting(&kari, "offline");
    assert_non_null(strstr(last_note(&kari), "pushed"));
    program_kill(&kari);
    program_release(&kari);

    start_server(company);
    start(&nils, company, "nils", note);
    type(&nils, "meanwhile");
    until_saved(&nils, "meanwhile");
    start(&kari, company, "kari", note);
    until_saved(&kari, "meanwhile");
    until_saved(&nils, "offline");
    const char *text = last_note(&nils);
    assert_int_equal(count(text, "pushed"), 1);
    assert_int_equal(count(text, "offline"), 1);
    assert_int_equal(count(text, "meanwhile"), 1);
    assert_int_equal(count(text, "Packing list"), 1);
    program_kill(&nils);
    program_kill(&kari);
    program_release(&nils);
    program_release(&kari);
}

void note_is_written_by_processes_that_share_a_folder(void **state)
{
    static const char *const all[] = {"first", "second", "nils"};
    struct program first, second, nils;
    char note[COMPANY_ID];
    begin(*state, "Shared AS", "Minutes", note);
    start(&first, *state, "kari", note);
    until_saved(&first, "Minutes");
    start(&second, *state, "kari", note);
    start(&nils, *state, "nils", note);
    until_saved(&second, "Minutes");
    type(&second, "second");
    type(&first, "first");
    type(&nils, "nils");
    until_saved_with(&first, all, 3);
    until_saved_with(&second, all, 3);
    until_saved_with(&nils, all, 3);
    /* The one that sent is gone: the other does it. */
    program_kill(&first);
    type(&second, "alone");
    until_saved(&nils, "alone");
    program_close_input(&second);
    assert_int_equal(program_end(&second), 0);
    program_kill(&nils);
    program_release(&first);
    program_release(&second);
    program_release(&nils);
}

void note_leaves_ones_own_words_when_access_ends(void **state)
{
    struct company *company = *state;
    struct program eva;
    char note[COMPANY_ID];
    begin(company, "Ended AS", "Their secret plan", note);
    start(&eva, company, "eva", note);
    until_saved(&eva, "Their secret plan");
    program_kill(&eva);
    program_release(&eva);
    server_process_kill(&company->server);
    start(&eva, company, "eva", note);
    type(&eva, "my own words");
    until_waiting(&eva, "my own words");
    program_kill(&eva);
    program_release(&eva);

    start_server(company);
    company_do(company, "admin", "revoke|Nordic Paper|Ended AS");
    start(&eva, company, "eva", note);
    program_says(&eva, "ended: ");
    while (strstr(last_note(&eva), "my own words") == NULL ||
           strstr(last_note(&eva), "Their secret") != NULL) {
        assert_true(program_hear(&eva));
    }
    assert_int_equal(program_end(&eva), 1);
    program_release(&eva);

    /* Nor is it in her files. */
    char path[2 * SCRATCH_PATH];
    (void)snprintf(path, sizeof path, "%s/note-together-eva/outbox.mdb", company->folder);
    size_t size = 0;
    char *held = scratch_read(path, &size);
    assert_non_null(held);
    assert_null(memmem(held, size, "Their secret", 12));
    assert_non_null(memmem(held, size, "my own words", 12));
    free(held);
}

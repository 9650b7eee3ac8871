/* The bulk writer: each line becomes one lead, however often the program is killed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/integration/program.h"
#include "tests/integration/programs.h"

#define LINES 3000u
#define MOST_WAITING 200u /* of the program */

/* Lines from `from` to `to`; the caller frees. */
static char *lines(const char *name, unsigned from, unsigned to)
{
    const size_t most = 64;
    char *text = calloc(to - from + 1u, most);
    size_t size = 0;
    assert_non_null(text);
    for (unsigned i = from; i <= to; i++) {
        size += (size_t)snprintf(text + size, most, "%s%u\t%s%u@example.com\n", name, i, name, i);
    }
    return text;
}

static void feed(struct program *writer, const char *name, unsigned from, unsigned to)
{
    char *text = lines(name, from, to);
    program_feed(writer, text, strlen(text));
    free(text);
}

/* The line it said last that it has queued. */
static unsigned long last_queued(const struct program *writer)
{
    static const char words[] = "queued up to line ";
    unsigned long line = 0;
    for (const char *at = writer->said; (at = strstr(at, words)) != NULL;) {
        at += strlen(words);
        line = strtoul(at, NULL, 10);
    }
    return line;
}

/* How often each line is on the server: all `count` once. */
static void assert_each_once(const struct company *company, const char *name, unsigned count)
{
    unsigned char *times = calloc(count + 1u, 1);
    char key[64];
    (void)snprintf(key, sizeof key, "\"externalId\":\"%s/", name);
    struct tandem_output output = company_run(company, "kari", "list|lead|--json");
    assert_non_null(times);
    for (const char *at = output.out; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        unsigned long line = strtoul(at, NULL, 10);
        assert_in_range(line, 1, count);
        times[line]++;
    }
    for (unsigned i = 1; i <= count; i++) {
        if (times[i] != 1) {
            print_error("line %u is there %u times\n", i, times[i]);
            fail();
        }
    }
    tandem_output_release(&output);
    free(times);
}

/* Whether it is as it is when it waits for something. */
static bool sleeps(const struct program *writer)
{
    char path[64], text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)writer->pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    const char *state = fgets(text, sizeof text, file) == NULL ? NULL : strrchr(text, ')');
    (void)fclose(file);
    return state != NULL && state[2] == 'S';
}

/* It reads all it may while the server stands still, and is killed with all of it unanswered. */
static void fill_until_it_waits(const struct company *company)
{
    struct program writer;
    program_start(&writer, company, "bulk-writer", "kari", "fair");
    program_says(&writer, "going on behind line 0\n");
    int status = 0;
    assert_int_equal(kill(company->server.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(company->server.pid, &status, WUNTRACED), company->server.pid);
    assert_true(WIFSTOPPED(status));
    for (unsigned line = 1; line <= MOST_WAITING; line++) {
        char said[64];
        (void)snprintf(said, sizeof said, "queued up to line %u\n", line);
        feed(&writer, "fair", line, line);
        program_says(&writer, said);
    }
    /* More than the pipe holds: it has read some of it, and has no room to queue that. */
    feed(&writer, "fair", MOST_WAITING + 1, LINES);
    while (last_queued(&writer) == MOST_WAITING && !sleeps(&writer)) {
        (void)program_hear_soon(&writer);
    }
    program_kill(&writer);
    assert_int_equal(last_queued(&writer), MOST_WAITING);
    program_release(&writer);
    assert_int_equal(kill(company->server.pid, SIGCONT), 0);
}

void writer_writes_each_line_once_however_it_ends(void **state)
{
    const struct company *company = *state;
    struct program writer;
    char said[64];
    fill_until_it_waits(company);

    /* Killed in the middle of its work, with answers under way. */
    program_start(&writer, company, "bulk-writer", "kari", "fair");
    (void)snprintf(said, sizeof said, "going on behind line %u\n", MOST_WAITING);
    program_says(&writer, said);
    feed(&writer, "fair", 1, LINES / 2);
    program_says(&writer, "queued up to line ");
    program_says(&writer, "\n");
    program_kill(&writer);
    unsigned long at_least = last_queued(&writer);
    program_release(&writer);

    program_start(&writer, company, "bulk-writer", "kari", "fair");
    feed(&writer, "fair", 1, LINES);
    program_close_input(&writer);
    assert_int_equal(program_end(&writer), 0);
    assert_true(strtoul(strstr(writer.said, "line ") + 5, NULL, 10) >= at_least);
    program_release(&writer);
    assert_each_once(company, "fair", LINES);

    /* Nor again by the next run, nor when its folder was lost: nils has none of it. */
    static const char *const users[] = {"kari", "nils"};
    for (size_t i = 0; i < 2; i++) {
        program_start(&writer, company, "bulk-writer", users[i], "fair");
        feed(&writer, "fair", 1, LINES);
        program_close_input(&writer);
        assert_int_equal(program_end(&writer), 0);
        assert_null(strstr(writer.said, "queued"));
        program_release(&writer);
    }
    assert_each_once(company, "fair", LINES);
}

void writer_says_what_is_no_lead_or_not_taken(void **state)
{
    static const char mixed[] = "Berg\tberg@example.com\nLien\tno address\nDahl";
    const struct company *company = *state;
    struct program writer;
    program_start(&writer, company, "bulk-writer", "nils", "mixed");
    program_feed(&writer, mixed, strlen(mixed));
    program_close_input(&writer);
    program_says(&writer, "line 2: emailAddress: ");
    assert_int_equal(program_end(&writer), 1);
    assert_int_equal(last_queued(&writer), 3);
    program_release(&writer);
    struct tandem_output output = company_run(company, "kari", "list|lead|--json");
    assert_non_null(strstr(output.out, "mixed/000000001"));
    assert_null(strstr(output.out, "mixed/000000002"));
    assert_non_null(strstr(output.out, "mixed/000000003"));
    tandem_output_release(&output);

    /* Who may only look: it stays in the outbox, and is not written again by the next run. */
    for (int run = 0; run < 2; run++) {
        program_start(&writer, company, "bulk-writer", "vera", "looker");
        feed(&writer, "looker", 1, 1);
        program_close_input(&writer);
        assert_int_equal(program_end(&writer), 1);
        assert_non_null(strstr(writer.said, "of the outbox was not taken"));
        assert_int_equal(last_queued(&writer), run == 0 ? 1 : 0);
        program_release(&writer);
    }
}

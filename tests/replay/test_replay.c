/* Beginnings of traces, through a real server and two clients.
 *
 *     test_replay              a trace made up here
 *     test_replay FILE         the beginning of one of people; skipped where it is not there
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/replay/replay.h"

#define SKIPPED 77
/* As many as are replayed in a few seconds on a slow disk. */
#define EDITS 200

static const char *file;

static void replay(const struct trace *trace, const struct replay_options *options,
                   struct replay_figures *told)
{
    char why[CREW_WHY] = "";
    if (!replay_run(trace, options, told, why)) {
        fail_msg("%s", why);
    }
}

static void its_beginning_comes_to_the_same_everywhere(void **state)
{
    (void)state;
    struct trace trace;
    struct replay_figures told;
    char why[256] = "";
    if (!trace_read(file, &trace, why)) {
        fail_msg("%s: %s", file, why);
    }
    const struct replay_options options = {.edits = EDITS, .readers = trace.concurrent ? 0 : 1};
    replay(&trace, &options, &told);
    assert_int_equal(told.clients, 2);
    assert_int_equal(told.keystrokes, EDITS);
    assert_true(told.versions > 0 && told.versions <= EDITS);
    assert_true(told.in_order);
    /* In whole pages, and so few keystrokes may be less than one. */
    assert_true(told.after.notes > 0 && told.after.notes >= told.before.notes);
    assert_true(!trace.concurrent || told.meetings > 1);
    trace_release(&trace);
}

/* Two who type at one place, delete the same, write into what the other deletes, and see each other
 * now and then: letters of one, two and four bytes. In the trace's own text the ties are as one
 * merge has them; ours need not be. */
static const char made_up[] =
    "{\"kind\":\"concurrent\",\"numAgents\":2,\"endContent\":"
    "\"bza\\u00f8eyx\\ud83d\\ude00\",\"txns\":["
    "{\"agent\":0,\"parents\":[],\"patches\":[[0,0,\"a\\u00f8c\\ud83d\\ude00\"]]},"
    "{\"agent\":0,\"parents\":[0],\"patches\":[[3,0,\"x\"],[2,1,\"\"]]},"
    "{\"agent\":1,\"parents\":[0],\"patches\":[[3,0,\"y\"],[2,1,\"e\"]]},"
    "{\"agent\":1,\"parents\":[2],\"patches\":[[0,0,\"z\"]]},"
    "{\"agent\":0,\"parents\":[1],\"patches\":[[0,0,\"b\"]]}]}";

static void read_made_up(struct trace *trace)
{
    char folder[SCRATCH_PATH], path[SCRATCH_PATH + 32], why[256] = "";
    assert_true(scratch_make(folder));
    (void)snprintf(path, sizeof path, "%s/trace.json", folder);
    assert_true(scratch_write(path, made_up, strlen(made_up)));
    bool good = trace_read(path, trace, why);
    scratch_remove(folder);
    if (!good) {
        fail_msg("%s", why);
    }
}

static void what_two_type_at_one_place_is_all_there(void **state)
{
    (void)state;
    struct trace trace;
    struct replay_figures told;
    const struct replay_options options = {.readers = 1};
    read_made_up(&trace);
    replay(&trace, &options, &told);
    assert_int_equal(told.clients, 3);
    assert_int_equal(told.keystrokes, 7);
    assert_int_equal(told.text_size, strlen("bza\xc3\xb8"
                                            "eyx\xf0\x9f\x98\x80"));
    assert_true(told.after.all >= told.before.all);
    trace_release(&trace);
}

static void one_by_one_each_keystroke_is_a_version(void **state)
{
    (void)state;
    struct trace trace;
    struct replay_figures told;
    const struct replay_options options = {.each = true};
    read_made_up(&trace);
    replay(&trace, &options, &told);
    /* What replaces is taken away first, and then typed. */
    assert_in_range(told.versions, 7, 8);
    assert_true(told.p50_ms > 0 && told.p99_ms >= told.p50_ms);
    trace_release(&trace);
}

int main(int count, char **words)
{
    const struct CMUnitTest real[] = {
        cmocka_unit_test(its_beginning_comes_to_the_same_everywhere),
    };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(what_two_type_at_one_place_is_all_there),
        cmocka_unit_test(one_by_one_each_keystroke_is_a_version),
    };
    if (count < 2) {
        return cmocka_run_group_tests(own, NULL, NULL);
    }
    file = words[1];
    if (access(file, R_OK) != 0) {
        (void)fprintf(stderr,
                      "SKIPPED: there is no %s. Nothing was tested; configure with "
                      "-DTANDEM_SHARED_DATA=FOLDER to say where the data is.\n",
                      file);
        return SKIPPED;
    }
    return cmocka_run_group_tests(real, NULL, NULL);
}

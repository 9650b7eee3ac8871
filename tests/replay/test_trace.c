/* Reading traces, and following what their edits do to which characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/replay/history.h"
#include "tests/replay/slots.h"
#include "tests/support/scratch.h"

static char folder[SCRATCH_PATH];

static const char *write_trace(const char *json)
{
    static char path[SCRATCH_PATH + 32];
    (void)snprintf(path, sizeof path, "%s/trace.json.gz", folder);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, json, (unsigned)strlen(json)), strlen(json));
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

/* The text that the first `count` edits make. */
static void assert_makes(const char *json, size_t count, const char *text)
{
    struct trace trace;
    struct history history;
    char why[256] = "";
    if (!trace_read(write_trace(json), &trace, why) ||
        !history_follow(&trace, count, &history, why)) {
        fail_msg("%s", why);
    }
    assert_int_equal(history.text_size, strlen(text));
    assert_memory_equal(history.text, text, strlen(text));
    history_release(&history);
    trace_release(&trace);
}

static void assert_refused(const char *json, const char *reason)
{
    struct trace trace;
    struct history history = {.count = 0};
    char why[256] = "";
    bool good = trace_read(write_trace(json), &trace, why) &&
                history_follow(&trace, SIZE_MAX, &history, why);
    assert_false(good);
    if (strstr(why, reason) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", why, reason);
    }
    history_release(&history);
    trace_release(&trace);
}

#define PATCHES(list) "{\"patches\":[" list "]}"
#define SEQUENTIAL(end, txns)                                                                      \
    "{\"startContent\":\"\",\"endContent\":\"" end "\",\"txns\":[" txns "]}"

static void places_of_a_sequential_trace_are_code_points(void **state)
{
    (void)state;
    static const char json[] = SEQUENTIAL(
        "a\\u00f8\\ud83d\\ude00X", PATCHES("[0,0,\"a\\u00f8b\"]") "," PATCHES(
                                       "[2,1,\"\\ud83d\\ude00c\"]") "," PATCHES("[3,1,\"\"],["
                                                                                "3,0,\"X\"]"));
    assert_makes(json, SIZE_MAX, "a\xc3\xb8\xf0\x9f\x98\x80X");
    assert_makes(json, 1,
                 "a\xc3\xb8"
                 "b");
    assert_makes(json, 3, "a\xc3\xb8\xf0\x9f\x98\x80");
}

static void a_plain_file_is_read_too(void **state)
{
    (void)state;
    char path[SCRATCH_PATH + 32], why[256];
    static const char json[] = SEQUENTIAL("ab", PATCHES("[0,0,\"ab\"]"));
    struct trace trace;
    (void)snprintf(path, sizeof path, "%s/plain.json", folder);
    assert_true(scratch_write(path, json, strlen(json)));
    assert_true(trace_read(path, &trace, why));
    assert_int_equal(trace.count, 1);
    assert_false(trace.concurrent);
    trace_release(&trace);
}

#define TXN(agent, parents, list)                                                                  \
    "{\"agent\":" #agent ",\"parents\":[" parents "],\"patches\":[" list "]}"
#define CONCURRENT(end, txns)                                                                      \
    "{\"kind\":\"concurrent\",\"numAgents\":2,\"endContent\":\"" end "\",\"txns\":[" txns "]}"

/* Both begin with "one two": one turns the first word into "ones", the other deletes " t" and then
 * sees both. */
static const char apart[] = CONCURRENT(
    "Onesw!o", TXN(0, "", "[0,0,\"one two\"]") "," TXN(0, "0", "[0,1,\"O\"],[3,0,\"s\"]") "," TXN(
                   1, "0", "[3,2,\"\"]") "," TXN(1, "2", "[4,0,\"!\"]") "," TXN(0, "1,3", ""));

static void places_of_a_concurrent_trace_are_its_authors(void **state)
{
    (void)state;
    assert_makes(apart, SIZE_MAX, "Onesw!o");
    assert_makes(apart, 3, "Ones two");
}

static void what_two_delete_is_gone_once(void **state)
{
    (void)state;
    assert_makes(
        CONCURRENT("acd", TXN(0, "", "[0,0,\"abc\"]") "," TXN(0, "0", "[1,1,\"\"]") "," TXN(
                              1, "0", "[1,1,\"\"],[2,0,\"d\"]")),
        SIZE_MAX, "acd");
}

static void what_is_no_trace_is_refused(void **state)
{
    (void)state;
    static const char missing[] = "/nonexistent/trace.json.gz";
    struct trace trace;
    char why[256] = "";
    assert_false(trace_read(missing, &trace, why));
    assert_non_null(strstr(why, "cannot be opened"));
    trace_release(&trace);
    assert_refused("hello", "no JSON");
    assert_refused("[]", "endContent is no text");
    assert_refused("{\"endContent\":\"\"}", "no txns");
    assert_refused(SEQUENTIAL("", PATCHES("")), "no patches");
    assert_refused(SEQUENTIAL("", PATCHES("[0,0]")), "not [at, removed, inserted]");
    assert_refused(SEQUENTIAL("", PATCHES("[-1,0,\"a\"]")), "not [at, removed, inserted]");
    assert_refused(SEQUENTIAL("", PATCHES("[0,0,7]")), "is no text");
    assert_refused(SEQUENTIAL("", PATCHES("[0,0,\"a\\r\\nb\"]")), "carriage returns");
    assert_refused(SEQUENTIAL("b", PATCHES("[0,0,\"a\"]")), "do not make its endContent");
    assert_refused(SEQUENTIAL("a", PATCHES("[1,0,\"a\"]")), "beyond the end");
    assert_refused(SEQUENTIAL("", PATCHES("[0,1,\"\"]")), "beyond the end");
}

static void what_is_no_concurrent_trace_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"kind\":\"concurrent\",\"numAgents\":99,\"endContent\":\"\"}", "numAgents");
    assert_refused(CONCURRENT("a", TXN(2, "", "[0,0,\"a\"]")), "no agent");
    assert_refused(CONCURRENT("a", TXN(0, "0", "[0,0,\"a\"]")), "a parent of txn 0");
    assert_refused(CONCURRENT("a", "{\"agent\":0,\"patches\":[[0,0,\"a\"]]}"), "no parents");
    assert_refused(CONCURRENT("ab", TXN(0, "", "[0,0,\"a\"]") "," TXN(0, "", "[0,0,\"b\"]")),
                   "does not follow");
    assert_refused(CONCURRENT("ab", TXN(0, "", "[0,0,\"a\"]") "," TXN(1, "", "[1,0,\"b\"]")),
                   "beyond the end");
}

static void a_damaged_file_is_refused(void **state)
{
    (void)state;
    const char *path = write_trace(apart);
    size_t size;
    char why[256] = "";
    struct trace trace;
    char *data = scratch_read(path, &size);
    assert_non_null(data);
    assert_true(scratch_write(path, data, size - 6));
    assert_false(trace_read(path, &trace, why));
    assert_non_null(strstr(why, "cut short"));
    trace_release(&trace);
    data[size / 2] ^= 0x5a;
    assert_true(scratch_write(path, data, size));
    assert_false(trace_read(path, &trace, why));
    trace_release(&trace);
    free(data);
}

static void slots_count_bytes_and_places(void **state)
{
    (void)state;
    struct slots slots;
    slots_init(&slots);
    assert_true(slots_replace(&slots, 0, 0, "abc", 3, 0));
    assert_int_equal(slots_bytes(&slots, 2), 2);
    assert_int_equal(slots_at(&slots, 4), SIZE_MAX);
    assert_true(slots_replace(&slots, 1, 1, "\xf0\x9f\x98\x80\xc3\xb8", 6, 3));
    assert_int_equal(slots.count, 4);
    assert_int_equal(slots_find(&slots, 2), 3);
    assert_int_equal(slots_find(&slots, 1), SIZE_MAX);
    assert_int_equal(slots_find(&slots, 4), 2);
    assert_int_equal(slots_bytes(&slots, 3), 7);
    assert_int_equal(slots_at(&slots, 5), 2);
    assert_int_equal(slots_at(&slots, 6), SIZE_MAX);
    assert_true(slots_replace(&slots, 0, 4, "xy", 2, SLOT_OF | 1u));
    assert_int_equal(slots.count, 2);
    assert_int_equal(slots.slot[1], SLOT_OF | 1u);
    slots_release(&slots);
}

static int make_folder(void **state)
{
    (void)state;
    return scratch_make(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_a_sequential_trace_are_code_points),
        cmocka_unit_test(a_plain_file_is_read_too),
        cmocka_unit_test(places_of_a_concurrent_trace_are_its_authors),
        cmocka_unit_test(what_two_delete_is_gone_once),
        cmocka_unit_test(what_is_no_trace_is_refused),
        cmocka_unit_test(what_is_no_concurrent_trace_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(slots_count_bytes_and_places),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

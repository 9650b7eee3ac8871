/* docs/CLIENT.md says nothing that is not so any more: its code is that of the programs, its names
 * are those of the header, and its links lead somewhere. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/scratch.h"

static const char begins[] = "\n```c\n", ends[] = "```\n";

static char *read_source(const char *path)
{
    char whole[1024];
    size_t size = 0;
    (void)snprintf(whole, sizeof whole, "%s/%s", SOURCE_FOLDER, path);
    char *text = scratch_read(whole, &size);
    assert_non_null(text);
    return text;
}

static void code_is_of_the_programs(void **state)
{
    static const char *const paths[] = {"client-lib/example/live-view.c",
                                        "client-lib/example/bulk-writer.c",
                                        "client-lib/example/note-together.c",
                                        "client-lib/example/partner-agent.c"};
    enum { PROGRAMS = sizeof paths / sizeof *paths };
    char *guide = read_source("docs/CLIENT.md"), *programs[PROGRAMS];
    bool quoted[PROGRAMS] = {false};
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < PROGRAMS; i++) {
        programs[i] = read_source(paths[i]);
    }
    for (char *at = guide; (at = strstr(at, begins)) != NULL;) {
        at += strlen(begins);
        char *end = strstr(at, ends);
        assert_non_null(end);
        *end = '\0';
        bool found = false;
        for (size_t i = 0; i < PROGRAMS; i++) {
            bool here = strstr(programs[i], at) != NULL;
            quoted[i] = quoted[i] || here;
            found = found || here;
        }
        if (!found) {
            print_error("no program has this:\n%s", at);
            wrong++;
        }
        at = end + 1;
    }
    assert_int_equal(wrong, 0);
    for (size_t i = 0; i < PROGRAMS; i++) {
        assert_true(quoted[i]);
        free(programs[i]);
    }
    free(guide);
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_';
}

static bool has_name(const char *text, const char *name, size_t size)
{
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++) {
        if (!in_name(at[size]) && (at == text || !in_name(at[-1]))) {
            return true;
        }
    }
    return false;
}

/* Blanks the code, which the compiler looks at. */
static void drop_code(char *guide)
{
    for (char *at = guide; (at = strstr(at, begins)) != NULL;) {
        char *end = strstr(at + strlen(begins), ends);
        assert_non_null(end);
        memset(at, ' ', (size_t)(end - at));
        at = end;
    }
}

static void names_are_those_of_the_header(void **state)
{
    static const char *const prefixes[] = {"tandem_", "TANDEM_"};
    char *guide = read_source("docs/CLIENT.md"), *header = read_source("include/tandem/tandem.h");
    char *notes = read_source("include/tandem/note.h");
    unsigned names = 0, wrong = 0;
    (void)state;
    drop_code(guide);
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;
        for (char *at = guide; (at = strstr(at, prefixes[i])) != NULL; at += size) {
            char name[128];
            size = strlen(prefixes[i]);
            while (in_name(at[size])) {
                size++;
            }
            (void)snprintf(name, sizeof name, "%.*s", (int)size, at);
            if (size > strlen(prefixes[i]) && !has_name(header, name, size) &&
                !has_name(notes, name, size)) {
                print_error("the header has no %s\n", name);
                wrong++;
            }
            names++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(names > 50);
    free(guide);
    free(header);
    free(notes);
}

static void links_lead_somewhere(void **state)
{
    char *guide = read_source("docs/CLIENT.md");
    unsigned links = 0;
    (void)state;
    drop_code(guide);
    for (char *at = guide; (at = strstr(at, "](")) != NULL;) {
        char path[1024];
        at += 2;
        (void)snprintf(path, sizeof path, "%s/docs/%.*s", SOURCE_FOLDER, (int)strcspn(at, ")#"),
                       at);
        if (access(path, R_OK) != 0) {
            print_error("there is no %s\n", path);
            fail();
        }
        links++;
    }
    assert_true(links > 3);
    free(guide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_of_the_programs),
        cmocka_unit_test(names_are_those_of_the_header),
        cmocka_unit_test(links_lead_somewhere),
    };
    return cmocka_run_group_tests_name("guide of the client library", tests, NULL, NULL);
}

/* Who is newly named in a text, by whom, and in which line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants those first */
#include <cmocka.h>

#include "cli/cli_mention.h"
#include "cli/cli_note_typed.h"
#include "protocol/wire.h"

/* The names between '|'. */
static const char *found(const char *before, const char *after)
{
    static char text[MENTIONS_MOST * MENTION_NAME + 1];
    struct mention_names names;
    text[0] = '\0';
    mention_find(before, after, &names);
    for (size_t i = 0; i < names.count; i++) {
        strcat(strcat(text, i == 0 ? "" : "|"), names.names[i]);
    }
    return text;
}

static void names_are_found_where_they_begin_and_end(void **state)
{
    (void)state;
    assert_string_equal(found(NULL, "@kari"), "kari");
    assert_string_equal(found(NULL, "ask @kari, (@nils) and @\"Bo By\"."), "kari|nils|Bo By");
    assert_string_equal(found(NULL, "@kari.moe and @nils-ole."), "kari.moe|nils-ole");
    assert_string_equal(found(NULL, "@kari. @nils- @ola@"), "kari|nils|ola");
    assert_string_equal(found(NULL, "@kari's @\xc3\xa5se"), "kari|\xc3\xa5se");
    assert_string_equal(found(NULL, "@@kari\n@nils"), "kari|nils");
    assert_string_equal(found(NULL, "@ola@fjord.no"), "ola@fjord.no");
}

static void what_is_no_name_is_not(void **state)
{
    (void)state;
    assert_string_equal(found(NULL, ""), "");
    assert_string_equal(found(NULL, "@"), "");
    assert_string_equal(found(NULL, "@ @. @\"\" @\"open"), "");
    assert_string_equal(found(NULL, "@\"on\ntwo\""), "");
    assert_string_equal(found(NULL, "mail kari@fjord.no, caf\xc3\xa9@home"), "");
}

static void only_what_is_new_counts_and_once(void **state)
{
    (void)state;
    assert_string_equal(found("@kari", "@kari and @nils"), "nils");
    assert_string_equal(found("@Kari", "@kari"), "");
    assert_string_equal(found("@karin", "@kari"), "kari");
    assert_string_equal(found("mail kari@fjord.no", "@fjord.no"), "fjord.no");
    assert_string_equal(found("", "@kari @KARI @\"kari\""), "kari");
}

static void there_are_bounds(void **state)
{
    char text[16 * 1024] = "@", many[4096] = "";
    struct mention_names names;
    (void)state;
    memset(text + 1, 'a', MENTION_NAME - 1);
    assert_int_equal(strlen(found(NULL, text)), MENTION_NAME - 1);
    text[MENTION_NAME] = 'a';
    assert_string_equal(found(NULL, text), "");
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(many + strlen(many), 16, "@n%u ", i);
    }
    mention_find(NULL, many, &names);
    assert_int_equal(names.count, MENTIONS_MOST);
    assert_string_equal(names.names[MENTIONS_MOST - 1], "n31");
}

/* The names of `text` that hold a byte with an 'x' below it. */
static const char *found_typed(const char *text, const char *below)
{
    static char out[MENTIONS_MOST * MENTION_NAME + 1];
    uint8_t typed[128] = {0};
    struct mention_names names;
    assert_int_equal(strlen(text), strlen(below));
    for (size_t i = 0; below[i] != '\0'; i++) {
        typed[i] = below[i] == 'x';
    }
    mention_find_typed("@old", text, typed, &names);
    out[0] = '\0';
    for (size_t i = 0; i < names.count; i++) {
        strcat(strcat(out, i == 0 ? "" : "|"), names.names[i]);
    }
    return out;
}

static void names_that_others_typed_are_theirs(void **state)
{
    (void)state;
    assert_string_equal(found_typed("@kari @nils @old", "......xxxxxxxxxx"), "nils");
    assert_string_equal(found_typed("@kari @nils", ".....x....."), "");
    assert_string_equal(found_typed("@kari @nils", "....x.x...."), "kari|nils");
    assert_string_equal(found_typed("@kari @kari", "......xxxxx"), "kari");
}

static void what_was_typed_here_is_known_among_what_others_typed(void **state)
{
    (void)state;
    struct note_typed typed = {.marks = NULL};
    static const uint8_t wanted[] = {0, 1, 1, 0, 0, 1, 0};
    note_typed_begin(&typed, 4);               /* .... */
    note_typed_change(&typed, 1, 0, 3, true);  /* .xxx... */
    note_typed_change(&typed, 3, 0, 2, false); /* .xx..x... */
    note_typed_change(&typed, 7, 2, 0, false); /* .xx..x. */
    assert_non_null(note_typed_marks(&typed, 7));
    assert_memory_equal(note_typed_marks(&typed, 7), wanted, sizeof wanted);
    assert_null(note_typed_marks(&typed, 8));
    note_typed_change(&typed, 99, 5, 400, true);
    assert_non_null(note_typed_marks(&typed, 407));
    note_typed_change(&typed, 6, 1000, 0, false);
    assert_memory_equal(note_typed_marks(&typed, 6), wanted, 6);
    note_typed_release(&typed);
}

static const char *line_of(const char *text, const char *name, bool names)
{
    static char line[1024];
    struct buffer out = {0};
    assert_int_equal(mention_line(text, name, &out), names);
    (void)bytes_to_text(buffer_bytes(&out), line, sizeof line);
    assert_true(wire_utf8_valid(buffer_bytes(&out)));
    assert_true(out.size <= MENTION_LINE);
    buffer_release(&out);
    return line;
}

static void the_line_that_mentions_is_found(void **state)
{
    (void)state;
    assert_string_equal(line_of("a\n  b @BO c\r\nd", "bo", true), "b @BO c");
    assert_string_equal(line_of("@bob\n@bo.\n", "bo", true), "@bo.");
    assert_string_equal(line_of("x@bo.no\n(@bo)", "bo", true), "(@bo)");
    assert_string_equal(line_of("@bo.by\n@bo-by\n@bo@by\n@bo, hi", "bo", true), "@bo, hi");
    assert_string_equal(line_of("one\n@\"bo by\" two", "bo by", true), "@\"bo by\" two");
    assert_string_equal(line_of("one\n@\"bo\n@bo", "bo", true), "@bo");
    assert_string_equal(line_of("\n \n  first\nsecond", "bo", false), "first");
    assert_string_equal(line_of("", "bo", false), "");
    assert_string_equal(line_of("@", "bo", false), "@");
}

static void a_long_line_is_cut_around_the_name(void **state)
{
    (void)state;
    char text[2001];
    for (unsigned i = 0; i < 1000; i++) {
        memcpy(text + 2 * i, "\xc3\xb8", 2);
    }
    text[2000] = '\0';
    assert_int_equal(strlen(line_of(text, "bo", false)), MENTION_LINE);
    for (unsigned at = 1; at < 1990; at += 96) {
        text[0] = 'x';
        for (unsigned i = 0; i < 999; i++) {
            memcpy(text + 1 + 2 * i, "\xc3\xb8", 2);
        }
        text[1999] = '\0';
        memcpy(text + (at | 1u), " @bo  ", 6);
        assert_non_null(strstr(line_of(text, "bo", true), "@bo"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_where_they_begin_and_end),
        cmocka_unit_test(what_is_no_name_is_not),
        cmocka_unit_test(only_what_is_new_counts_and_once),
        cmocka_unit_test(there_are_bounds),
        cmocka_unit_test(names_that_others_typed_are_theirs),
        cmocka_unit_test(what_was_typed_here_is_known_among_what_others_typed),
        cmocka_unit_test(the_line_that_mentions_is_found),
        cmocka_unit_test(a_long_line_is_cut_around_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who is newly named in a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants those first */
#include <cmocka.h>

#include "cli/cli_mention.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_where_they_begin_and_end),
        cmocka_unit_test(what_is_no_name_is_not),
        cmocka_unit_test(only_what_is_new_counts_and_once),
        cmocka_unit_test(there_are_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

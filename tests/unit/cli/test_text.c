#include "prelude.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_text.h"
#include "protocol/memory.h"

static void widths_are_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("bl\xC3\xA5" "b\xC3\xA6r \xC3\xB8l"), 9);
    assert_int_equal(text_width("\xE6\x9D\xB1\xE4\xBA\xAC"), 4);
    assert_int_equal(text_width("\xF0\x9F\x98\x80"), 2);
    assert_int_equal(text_width("e\xCC\x81"), 1);
    assert_int_equal(text_width("\xFF\xFE"), 2);
    assert_int_equal(text_width("\x1B[31m"), 5);
}

static char *put(const char *text, size_t columns, size_t *used)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    *used = text_put(file, text, columns);
    (void)fclose(file);
    return out;
}

static void expect_put(const char *text, size_t columns, const char *shown)
{
    size_t used = 0;
    char *out = put(text, columns, &used);
    assert_string_equal(out, shown);
    assert_int_equal(used, text_width(shown));
    free(out);
}

static void what_strangers_write_is_shown_not_obeyed(void **state)
{
    (void)state;
    expect_put("a\x1B]0;evil\x07z", 0, "a\xC2\xB7]0;evil\xC2\xB7z");
    expect_put("x\xC2\x9By", 0, "x\xC2\xB7y");
    expect_put("a\rb", 0, "a\xC2\xB7" "b");
    expect_put("gnp\xE2\x80\xAEtxt", 0, "gnp\xC2\xB7txt");
    expect_put("bad\xFF", 0, "bad\xC2\xB7");
}

static void cutting_counts_columns(void **state)
{
    (void)state;
    expect_put("abcdef", 6, "abcdef");
    expect_put("abcdefg", 6, "abcde\xE2\x80\xA6");
    expect_put("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", 5, "\xE6\x9D\xB1\xE4\xBA\xAC\xE2\x80\xA6");
    expect_put("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", 4, "\xE6\x9D\xB1\xE2\x80\xA6");
    expect_put("\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5", 3, "\xC3\xA5\xC3\xA5\xE2\x80\xA6");
}

static void what_has_more_lines_says_so(void **state)
{
    (void)state;
    expect_put("one\ntwo", 6, "one\xE2\x80\xA6");
    expect_put("abcdef\ntwo", 6, "abcde\xE2\x80\xA6");
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    text_put_lines(file, "one\n\x1B[2J\rtwo\n", "  | ");
    (void)fclose(file);
    assert_string_equal(out, "  | one\n  | \xC2\xB7[2J\xC2\xB7two\n  | \n");
    free(out);
}

static void expect_short(const char *text, size_t columns, bool whole, const char *wanted)
{
    struct buffer out = {0};
    assert_int_equal(text_add_short(&out, text, columns, "'"), whole);
    assert_string_equal(text_of(&out), wanted);
    buffer_release(&out);
}

static void what_a_line_leaves_out_is_counted(void **state)
{
    (void)state;
    expect_short("", 6, true, "''");
    expect_short("abcdef", 6, true, "'abcdef'");
    expect_short("abcdefg", 6, false, "'abcde\xE2\x80\xA6' (2 more characters)");
    expect_short("one\ntwo", 6, false, "'one\xE2\x80\xA6' (1 more line)");
    expect_short("abcdefg\ntwo\n", 6, false, "'abcde\xE2\x80\xA6' (2 more lines)");
    expect_short("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", 5, false,
                 "'\xE6\x9D\xB1\xE4\xBA\xAC\xE2\x80\xA6' (1 more character)");
}

static char *print(const char *const rows[][3], size_t count, size_t width)
{
    struct table table;
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    table_init(&table, 3);
    for (size_t i = 0; i < count; i++) {
        table_row(&table, rows[i]);
    }
    table_print(&table, file, width);
    table_release(&table);
    (void)fclose(file);
    return out;
}

static void tables_align_whatever_the_script(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"name", "city", "x"},
        {"\xC3\x85s B\xC3\xA6r", "Troms\xC3\xB8", "1"},
        {"\xE6\x9D\xB1\xE4\xBA\xAC", "T\xC5\x8Dky\xC5\x8D", "2"},
        {"\xF0\x9F\x98\x80", NULL, "3"},
    };
    char *out = print(rows, 4, 0);
    assert_string_equal(out, "name    city    x\n"
                             "\xC3\x85s B\xC3\xA6r  Troms\xC3\xB8  1\n"
                             "\xE6\x9D\xB1\xE4\xBA\xAC    T\xC5\x8Dky\xC5\x8D   2\n"
                             "\xF0\x9F\x98\x80              3\n");
    free(out);
}

static void tables_fit_the_screen(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"id", "empty", "text"},
        {"0123456789", "", "a long text that does not fit\nand a second line"},
    };
    char *out = print(rows, 2, 24);
    assert_string_equal(out, "id          text\n"
                             "0123456789  a long text\xE2\x80\xA6\n");
    free(out);
    out = print(rows, 2, 15);
    assert_string_equal(out, "id\n0123456789\n");
    free(out);
}

static void utf8_is_judged_strictly(void **state)
{
    (void)state;
    assert_true(text_is_utf8("bl\xC3\xA5", 4));
    assert_true(text_is_utf8("\xF4\x8F\xBF\xBF", 4));
    assert_false(text_is_utf8("\xF4\x90\x80\x80", 4));
    assert_false(text_is_utf8("\xC3", 1));
    assert_false(text_is_utf8("\xE0\x80\xAF", 3));
    assert_false(text_is_utf8("\x80", 1));
}

static void parts_are_between_commas(void **state)
{
    (void)state;
    static const char *const parts[] = {"suppliers", "Pavlova, Ltd.", "", "a\\b", "c,"};
    const char *at = "suppliers, Pavlova\\, Ltd. ,,a\\b,c\\,";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char *part = text_next_part(&at);
        assert_string_equal(part, parts[i]);
        memory_free(part);
    }
    assert_string_equal(at, "");
    assert_true(text_has_separator("a,b"));
    assert_true(text_has_separator("a\\,b,c"));
    assert_false(text_has_separator("a\\,b"));
    assert_false(text_has_separator("a\\"));
}

static void sizes_and_spans_are_for_people(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(text_bytes(0, out), "0 bytes");
    assert_string_equal(text_bytes(1023, out), "1023 bytes");
    assert_string_equal(text_bytes(81920, out), "80 KiB");
    assert_string_equal(text_bytes(1048575, out), "1.0 MiB");
    assert_string_equal(text_bytes(83287982080, out), "77.6 GiB");
    assert_string_equal(text_bytes(UINT64_MAX, out), "16777216 TiB");
    assert_string_equal(text_span(1044, out), "1 s");
    assert_string_equal(text_span(59999, out), "59 s");
    assert_string_equal(text_span(60000, out), "1 min");
    assert_string_equal(text_span(11520000, out), "3 h 12 min");
    assert_string_equal(text_span((uint64_t)((40 * 24 + 3) * 60 + 59) * 60000, out), "40 d 3 h");
}

static void mistyped_words_are_a_few_letters_away(void **state)
{
    (void)state;
    assert_int_equal(text_distance("name", "name", 4), 0);
    assert_int_equal(text_distance("Nmae", "name", 4), 2);
    assert_int_equal(text_distance("nam", "name", 4), 1);
    assert_int_equal(text_distance("kitten", "sitting", 7), 3);
    assert_int_equal(text_distance("user", "user add", 4), 0);
    assert_int_equal(text_distance("", "abc", 3), 3);
    assert_true(text_distance("a word that is longer than any field can be", "a", 1) == SIZE_MAX);
}

static void capitals_of_any_alphabet_count_for_people_alone(void **state)
{
    (void)state;
    assert_true(text_same("Åse", "ÅSE"));
    assert_false(text_same("Åse", "åse"));
    assert_true(text_alike("ÅSE Москва", "åse москва"));
    assert_false(text_alike("Åse", "Ase"));
    assert_false(text_alike("Åse", "Åsen"));
    assert_true(text_alike("\xc5se", "\xc5SE")); /* not UTF-8, from a terminal of another sort */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistyped_words_are_a_few_letters_away),
        cmocka_unit_test(widths_are_columns),
        cmocka_unit_test(what_strangers_write_is_shown_not_obeyed),
        cmocka_unit_test(cutting_counts_columns),
        cmocka_unit_test(what_has_more_lines_says_so),
        cmocka_unit_test(what_a_line_leaves_out_is_counted),
        cmocka_unit_test(tables_align_whatever_the_script),
        cmocka_unit_test(tables_fit_the_screen),
        cmocka_unit_test(utf8_is_judged_strictly),
        cmocka_unit_test(capitals_of_any_alphabet_count_for_people_alone),
        cmocka_unit_test(parts_are_between_commas),
        cmocka_unit_test(sizes_and_spans_are_for_people),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_csv.h"

/* Rows as one text: "1:a|b;3:c|d;" */
struct seen {
    char text[4096];
    size_t rows;
    size_t stop_after;
};

static bool take(void *context, const struct csv_row *row)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "%lu:", row->line);
    for (size_t i = 0; i < row->count; i++) {
        used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "%s%s",
                                 i == 0 ? "" : "|", row->cells[i]);
    }
    (void)snprintf(seen->text + used, sizeof seen->text - used, ";");
    seen->rows++;
    return seen->rows != seen->stop_after;
}

static bool parse(const char *text, size_t size, const struct csv_form *form, struct seen *seen,
                  struct csv_problem *problem)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    rewind(file);
    bool good = csv_read_rows(file, form, take, seen, problem);
    (void)fclose(file);
    return good;
}

static const struct csv_form comma = {.delimiter = ','};

static void expect_rows(const char *text, const char *rows)
{
    struct seen seen = {0};
    struct csv_problem problem;
    assert_true(parse(text, strlen(text), &comma, &seen, &problem));
    assert_string_equal(seen.text, rows);
}

static void expect_problem(const char *text, size_t size, unsigned long line, const char *part)
{
    struct seen seen = {0};
    struct csv_problem problem;
    assert_false(parse(text, size, &comma, &seen, &problem));
    assert_int_equal(problem.line, line);
    assert_non_null(strstr(problem.text, part));
}

static void rows_and_cells(void **state)
{
    (void)state;
    expect_rows("a,b\nc,d\n", "1:a|b;2:c|d;");
    expect_rows("a,b\nc,d", "1:a|b;2:c|d;");
    expect_rows("a,\n,\n", "1:a|;2:|;");
    expect_rows("\"a,b\",\"say \"\"hi\"\"\"\n", "1:a,b|say \"hi\";");
    expect_rows("", "");
}

static void line_ends_and_bom(void **state)
{
    (void)state;
    expect_rows("a,b\r\nc,d\r\n", "1:a|b;2:c|d;");
    expect_rows("\xEF\xBB\xBFname,b\nc,d\n", "1:name|b;2:c|d;");
    expect_rows("\xEF\xBB\xBF\"name\",b\n", "1:name|b;");
    expect_rows("a\n\n\nb\n", "1:a;4:b;");
}

static void embedded_newlines_keep_line_numbers(void **state)
{
    (void)state;
    expect_rows("a,\"one\ntwo\nthree\"\nb,c\n\"x\r\ny\",z\nlast,row\n",
                "1:a|one\ntwo\nthree;4:b|c;5:x\r\ny|z;7:last|row;");
}

static void broken_quoting_names_its_row(void **state)
{
    (void)state;
    static const char stray[] = "a,b\nfine,row\nbad \"quote\",x\nmore,rows\n";
    static const char after[] = "a,b\n\"closed\"and more,x\n";
    static const char open_at_end[] = "a,b\nc,d\n\"never closed,x\ny,z\n";
    static const char open_then_text[] = "a,b\n\"open\nx,\"y\",z\n";
    expect_problem(stray, strlen(stray), 3, "quoting");
    expect_problem(after, strlen(after), 2, "quoting");
    expect_problem(open_at_end, strlen(open_at_end), 3, "never closed");
    expect_problem(open_then_text, strlen(open_then_text), 2, "quoting");
}

static void wrong_encoding_names_its_line(void **state)
{
    (void)state;
    static const char latin[] = "name\nOslo\nTroms\xF8\n";
    static const char overlong[] = "name\n\xC0\xAF\n";
    static const char surrogate[] = "\xED\xA0\x80\n";
    static const char zero[] = "name\na\0b\n";
    static const char utf16[] = "\xFF\xFEn\0a\0";
    expect_problem(latin, strlen(latin), 3, "latin1");
    expect_problem(overlong, strlen(overlong), 2, "UTF-8");
    expect_problem(surrogate, strlen(surrogate), 1, "UTF-8");
    expect_problem(zero, sizeof zero - 1, 2, "zero byte");
    expect_problem(utf16, sizeof utf16 - 1, 1, "UTF-16");
}

static void latin1_becomes_utf8(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct csv_problem problem;
    struct csv_form form = {.delimiter = ';', .latin1 = true};
    static const char text[] = "by;land\nTroms\xF8;Norge\n";
    assert_true(parse(text, strlen(text), &form, &seen, &problem));
    assert_string_equal(seen.text, "1:by|land;2:Troms\xC3\xB8|Norge;");
}

static void a_callback_can_end_it(void **state)
{
    (void)state;
    struct seen seen = {.stop_after = 2};
    struct csv_problem problem;
    static const char text[] = "a\nb\nc\nd \"broken\n";
    assert_true(parse(text, strlen(text), &comma, &seen, &problem));
    assert_int_equal(seen.rows, 2);
}

static void limits_hold(void **state)
{
    (void)state;
    char wide[CSV_MOST_CELLS + 8];
    memset(wide, ',', sizeof wide);
    wide[sizeof wide - 1] = '\n';
    expect_problem(wide, sizeof wide, 1, "cells");
    size_t size = CSV_ROW_BYTES + 100;
    char *long_row = test_malloc(size);
    memset(long_row, 'x', size);
    expect_problem(long_row, size, 1, "1 MiB");
    test_free(long_row);
}

static void expect_written(const char *text, const char *written)
{
    char *said = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&said, &size);
    assert_non_null(out);
    csv_put_cell(out, text);
    (void)fclose(out);
    assert_string_equal(said, written);
    free(said);
}

static void what_a_spreadsheet_would_run_is_guarded(void **state)
{
    (void)state;
    expect_written("=1+1", "'=1+1");
    expect_written("@SUM(A1)", "'@SUM(A1)");
    expect_written("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\"");
    expect_written("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0");
    expect_written("-12.50 NOK", "'-12.50 NOK");
    expect_written("\t=1", "\"'\t=1\"");
    expect_written("+47 (22) 33-44/55.0", "+47 (22) 33-44/55.0");
    expect_written("-5", "-5");
    expect_written("", "");
    expect_written("'tis", "'tis");
    expect_written("a=b", "a=b");
}

static bool take_unguarded(void *context, const struct csv_row *row)
{
    char *out = context;
    (void)snprintf(out, 64, "%s", csv_unguard(row->cells[0]));
    return false;
}

static void what_was_guarded_is_read_back_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = {"=1",  "'=1", "''=1", "'tis", "''", "'", "+47 22", "-x",
                                        "'-5", "@a",  "\t=x", "=\"a\",b", "'@ \"x\"", "+"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char back[64] = "";
        struct csv_problem problem;
        FILE *file = tmpfile();
        assert_non_null(file);
        csv_put_cell(file, texts[i]);
        (void)fputs(",x\r\n", file);
        rewind(file);
        assert_true(csv_read_rows(file, &comma, take_unguarded, back, &problem));
        (void)fclose(file);
        assert_string_equal(back, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_spreadsheet_would_run_is_guarded),
        cmocka_unit_test(what_was_guarded_is_read_back_as_it_was),
        cmocka_unit_test(rows_and_cells),
        cmocka_unit_test(line_ends_and_bom),
        cmocka_unit_test(embedded_newlines_keep_line_numbers),
        cmocka_unit_test(broken_quoting_names_its_row),
        cmocka_unit_test(wrong_encoding_names_its_line),
        cmocka_unit_test(latin1_becomes_utf8),
        cmocka_unit_test(a_callback_can_end_it),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

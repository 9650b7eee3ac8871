/* The file of refused rows of an import. */
#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_import.h"
#include "protocol/memory.h"

/* Reports refusals of two rows of `text`, by their lines. */
static void expect_report(const char *text, const char *const *header, size_t columns,
                          unsigned long first, unsigned long second, const char *report)
{
    char *said = NULL;
    size_t size = 0;
    struct import_refusal refusals[] = {{first, (char *)"name", (char *)"too short"},
                                        {second, (char *)"", (char *)"no, really"}};
    struct import *import = memory_new(sizeof *import);
    FILE *file = tmpfile();
    assert_non_null(import);
    assert_non_null(file);
    (void)fputs(text, file);
    import->form.delimiter = ';';
    import->header = (char **)(void *)header;
    import->header_count = columns;
    import->refusals = refusals;
    import->refused = 2;
    import->report = open_memstream(&said, &size);
    import_write_report(import, file);
    (void)fclose(import->report);
    (void)fclose(file);
    memory_free(import);
    assert_string_equal(said, report);
    free(said);
}

static void refused_rows_stand_behind_their_reasons(void **state)
{
    (void)state;
    static const char *const header[] = {"Name", "a,b"};
    expect_report("Name;a,b\nx;=1\nGood;\n\"two\nlines\";y\n", header, 2, 2, 4,
                  "line,column,reason,Name,\"a,b\"\r\n"
                  "2,name,too short,x,'=1\r\n"
                  "4,,\"no, really\",\"two\nlines\",y\r\n");
}

static void a_report_is_a_table_whatever_its_rows_are(void **state)
{
    (void)state;
    static const char *const header[] = {"Name", "Town"};
    expect_report("Name;Town\nalone\nx;y;z;\n", header, 2, 2, 3,
                  "line,column,reason,Name,Town\r\n"
                  "2,name,too short,alone,\r\n"
                  "3,,\"no, really\",x,\"y,z,\"\r\n");
}

static void a_report_of_a_report_has_its_columns_once(void **state)
{
    (void)state;
    static const char *const header[] = {"line", "column", "reason", "Name"};
    expect_report("line;column;reason;Name\n7;name;too short;x\n9;;;'=2\n", header, 4, 2, 3,
                  "line,column,reason,Name\r\n2,name,too short,x\r\n3,,\"no, really\",'=2\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_rows_stand_behind_their_reasons),
        cmocka_unit_test(a_report_of_a_report_has_its_columns_once),
        cmocka_unit_test(a_report_is_a_table_whatever_its_rows_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What an import refuses by looking at the file alone. Not being signed in is the sign that the
 * file was found good: the file is checked first. */
#include "prelude.h"

#include <stdio.h>
#include <string.h>

#include "run.h"

static char folder[64];

static struct run import_text(const char *text, const char *map, const char *key)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/rows.csv", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
    if (key == NULL) {
        return run_tandem("import", path, "--as", "account", "--map", map, (char *)NULL);
    }
    return run_tandem("import", path, "--as", "account", "--map", map, "--key", key, (char *)NULL);
}

static void expect(struct run run, const char *part)
{
    if (strstr(run.err, part) == NULL) {
        print_error("%s\n", run.err);
    }
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, part));
    run_release(&run);
}

static void good_files_get_as_far_as_the_sign_in(void **state)
{
    (void)state;
    expect(import_text("Name,City\nFjord,Bergen\n", "name=Name", NULL), "tandem login");
    expect(import_text("\xEF\xBB\xBFName\r\n\"Fjord\r\nBruk\"\r\n", "name=Name", "name"),
           "tandem login");
    expect(import_text("id,Name\n,x\n", "name=Name", "id"), "tandem login");
}

static void broken_files_are_refused_with_their_line(void **state)
{
    (void)state;
    expect(import_text("Name,City\nFjord,Bergen\n\"Open,x\n", "name=Name", NULL), "line 3");
    expect(import_text("Name\nTroms\xF8\n", "name=Name", NULL), "line 2");
    expect(import_text("Name\nTroms\xF8\n", "name=Name", NULL), "Nothing was imported");
    expect(import_text("", "name=Name", NULL), "is empty");
    expect(import_text("\xEF\xBB\xBF", "name=Name", NULL), "is empty");
}

static void columns_must_be_there_once(void **state)
{
    (void)state;
    expect(import_text("Company,City\nFjord,Bergen\n", "name=Name", NULL), "no column Name");
    expect(import_text("Company,City\nFjord,Bergen\n", "name=Name", NULL), "Company, City");
    expect(import_text("Name;City\nFjord;Bergen\n", "name=Name", NULL), "--delimiter");
    expect(import_text("Name,Name\na,b\n", "name=Name", NULL), "two columns");
    expect(import_text("Name\na\n", "name=Name", "externalId=Code"), "no column Code");
    expect(import_text("Name\na\n", "name=Name", "id"), "column id");
}

static void a_missing_file_is_refused(void **state)
{
    (void)state;
    expect(run_tandem("import", "/nonexistent.csv", "--as", "account", "--map", "name=Name",
                      (char *)NULL),
           "cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_get_as_far_as_the_sign_in),
        cmocka_unit_test(broken_files_are_refused_with_their_line),
        cmocka_unit_test(columns_must_be_there_once),
        cmocka_unit_test(a_missing_file_is_refused),
    };
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}

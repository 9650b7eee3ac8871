/* Imports of real and of large files through the real programs: what a dry run promises and leaves
 * alone, what a report says, that a repetition doubles nothing, and how broken files are refused.
 *
 * What is in afterwards is read back by an export and compared with the file row by row; which rows
 * must be refused, and on which lines, the test works out from the files itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/real/csv_table.h"
#include "tests/real/stage.h"

#define ADMIN STAGE_ADMIN
#define LEADS SHARED_DATA "/leads/"
#define PATH (SCRATCH_PATH + 64)

static int make_stage(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    *state = stage;
    return stage != NULL && stage_open(stage) ? 0 : -1;
}

static int end_stage(void **state)
{
    struct stage *stage = *state;
    bool good = stage_close(stage);
    free(stage);
    return good ? 0 : -1;
}

static const char *path_in(const struct stage *stage, const char *name, char out[PATH])
{
    (void)snprintf(out, PATH, "%s/%s", stage->folder, name);
    return out;
}

/* ---- An import and what it says
 * ------------------------------------------------------------------- */

struct counts {
    int64_t rows, created, updated, unchanged, refused;
};

/* A report is written to FOLDER/report.csv. Releases the output. */
static void check_counts(struct tandem_output *output, const struct counts *expected)
{
    if (output->status != (expected->refused > 0 ? 1 : 0)) {
        fail_msg("exit status %d: %s%s", output->status, output->out, output->err);
    }
    assert_int_equal(tandem_output_number(output, "rows"), expected->rows);
    assert_int_equal(tandem_output_number(output, "created"), expected->created);
    assert_int_equal(tandem_output_number(output, "updated"), expected->updated);
    assert_int_equal(tandem_output_number(output, "unchanged"), expected->unchanged);
    assert_int_equal(tandem_output_number(output, "refused"), expected->refused);
    tandem_output_release(output);
}

/* The lines and columns of the report, each "LINE,COLUMN", and that each has a reason. */
static void read_report(const char *path, struct text_list *out)
{
    struct csv_table table;
    assert_true(csv_table_read(&table, path));
    for (size_t i = 0; i < table.rows; i++) {
        assert_true(strlen(csv_table_cell(&table, i, "reason")) > 5);
        text_list_addf(out, "%s,%s", csv_table_cell(&table, i, "line"),
                       csv_table_cell(&table, i, "column"));
    }
    csv_table_release(&table);
}

static void check_report(const char *path, struct text_list *expected)
{
    struct text_list actual = {.count = 0};
    read_report(path, &actual);
    assert_true(text_list_agrees(expected, &actual, "the report"));
    text_list_release(&actual);
}

/* All records of an entity, the named columns of each joined by '|', without their ids. */
static void export_rows(const struct stage *stage, const char *entity, const char *columns,
                        const char *where, struct text_list *out)
{
    char path[PATH];
    struct csv_table table;
    struct tandem_output output = stage_run(stage, ADMIN, "export", entity, "--csv", "--columns",
                                            columns, where == NULL ? NULL : "--where", where, NULL);
    assert_int_equal(output.status, 0);
    assert_true(scratch_write(path_in(stage, "export.csv", path), output.out, strlen(output.out)));
    tandem_output_release(&output);
    assert_true(csv_table_read(&table, path));
    assert_string_equal(table.cells.items[0], "id"); /* an export always has it, and first */
    for (size_t i = 0; i < table.rows; i++) {
        char row[2048] = "";
        for (size_t c = 1; c < table.columns; c++) {
            size_t used = strlen(row);
            (void)snprintf(row + used, sizeof row - used, "%s%s", c == 1 ? "" : "|",
                           table.cells.items[(i + 1) * table.columns + c]);
        }
        text_list_add(out, row);
    }
    csv_table_release(&table);
}

static void check_exported(const struct stage *stage, const char *entity, const char *columns,
                           const char *where, struct text_list *expected)
{
    struct text_list actual = {.count = 0};
    export_rows(stage, entity, columns, where, &actual);
    assert_true(text_list_agrees(expected, &actual, "what was exported"));
    text_list_release(&actual);
}

/* ---- Leads
 * -------------------------------------------------------------------------------------------- */

static struct tandem_output import_leads(const struct stage *stage, const char *more)
{
    char report[PATH];
    return stage_run(
        stage, ADMIN, "import", LEADS "ProspectiveBuyer.csv", "--as", "lead", "--key",
        "externalId=ProspectAlternateKey", "--map",
        "firstName=FirstName,lastName=LastName,emailAddress=EmailAddress,phoneNumber=Phone,"
        "title=Occupation,address.street={AddressLine1} {AddressLine2},address.city=City",
        "--set", "status=New", "--set", "source=Purchased List", "--json", "--report",
        path_in(stage, "report.csv", report), more, NULL);
}

/* Rows whose key an earlier row has; what the others should be. */
static void expect_leads(struct text_list *refused, struct text_list *rows)
{
    static const char key[] = "ProspectAlternateKey";
    struct csv_table table;
    assert_true(csv_table_read(&table, LEADS "ProspectiveBuyer.csv"));
    for (size_t i = 0; i < table.rows; i++) {
        const char *own = csv_table_cell(&table, i, key);
        if (csv_table_find(&table, key, own) < i) {
            text_list_addf(refused, "%zu,%s", i + 2, key);
        } else {
            text_list_addf(
                rows, "%s|%s|%s|%s|%s|%s|New", own, csv_table_cell(&table, i, "FirstName"),
                csv_table_cell(&table, i, "LastName"), csv_table_cell(&table, i, "EmailAddress"),
                csv_table_cell(&table, i, "Phone"), csv_table_cell(&table, i, "Occupation"));
        }
    }
    csv_table_release(&table);
}

static void leads_are_tried_then_imported_then_left_alone(void **state)
{
    struct stage *stage = *state;
    struct text_list refused = {.count = 0}, rows = {.count = 0};
    char report[PATH];
    (void)path_in(stage, "report.csv", report);
    expect_leads(&refused, &rows);
    assert_true(refused.count > 0);
    int64_t twice = (int64_t)refused.count, once = (int64_t)rows.count;
    const struct counts fresh = {once + twice, once, 0, 0, twice};
    const struct counts again = {once + twice, 0, 0, once, twice};

    int64_t before = stage_seq(stage);
    struct tandem_output output = import_leads(stage, "--dry-run");
    check_counts(&output, &fresh);
    check_report(report, &refused);
    assert_int_equal(stage_seq(stage), before);

    output = import_leads(stage, NULL);
    check_counts(&output, &fresh);
    check_report(report, &refused);
    check_exported(stage, "lead",
                   "externalId,firstName,lastName,emailAddress,phoneNumber,title,status", NULL,
                   &rows);

    before = stage_seq(stage);
    output = import_leads(stage, NULL);
    check_counts(&output, &again);
    assert_int_equal(stage_seq(stage), before);
    text_list_release(&refused);
    text_list_release(&rows);
}

static void progress_is_told(void **state)
{
    struct stage *stage = *state;
    struct tandem_output output = import_leads(stage, "--progress");
    assert_non_null(strstr(output.err, "1000 of 2059 rows"));
    assert_non_null(strstr(output.err, "2000 of 2059 rows"));
    tandem_output_release(&output);
}

/* ---- Resellers and vendors
 * -------------------------------------------------------------------------- */

/* A party's name is theirs alone, so resellers of the same name are refused but the first. */
static void expect_resellers(struct text_list *refused, struct text_list *rows)
{
    struct csv_table table;
    assert_true(csv_table_read(&table, LEADS "DimReseller.csv"));
    for (size_t i = 0; i < table.rows; i++) {
        const char *name = csv_table_cell(&table, i, "ResellerName");
        if (csv_table_find(&table, "ResellerName", name) < i) {
            text_list_addf(refused, "%zu,ResellerName", i + 2);
        } else {
            text_list_addf(rows, "%s|%s|reseller|%s",
                           csv_table_cell(&table, i, "ResellerAlternateKey"), name,
                           csv_table_cell(&table, i, "Phone"));
        }
    }
    csv_table_release(&table);
}

static void resellers_become_parties(void **state)
{
    struct stage *stage = *state;
    struct text_list refused = {.count = 0}, rows = {.count = 0};
    char report[PATH];
    (void)path_in(stage, "report.csv", report);
    expect_resellers(&refused, &rows);
    const struct counts counts = {(int64_t)(rows.count + refused.count), (int64_t)rows.count, 0, 0,
                                  (int64_t)refused.count};
    struct tandem_output output =
        stage_run(stage, ADMIN, "import", LEADS "DimReseller.csv", "--as", "party", "--key",
                  "externalId=ResellerAlternateKey", "--map", "name=ResellerName,phoneNumber=Phone",
                  "--set", "kind=reseller", "--json", "--report", report, NULL);
    check_counts(&output, &counts);
    check_report(report, &refused);
    check_exported(stage, "party", "externalId,name,kind,phoneNumber", "kind=reseller", &rows);
    text_list_release(&refused);
    text_list_release(&rows);
}

static void vendors_become_suppliers(void **state)
{
    struct stage *stage = *state;
    struct text_list rows = {.count = 0};
    struct csv_table table;
    assert_true(csv_table_read(&table, LEADS "Vendor.csv"));
    for (size_t i = 0; i < table.rows; i++) {
        text_list_addf(&rows, "%s|%s|supplier", csv_table_cell(&table, i, "AccountNumber"),
                       csv_table_cell(&table, i, "Name"));
    }
    const struct counts counts = {(int64_t)table.rows, (int64_t)table.rows, 0, 0, 0};
    struct tandem_output output = stage_run(stage, ADMIN, "import", LEADS "Vendor.csv", "--as",
                                            "party", "--key", "externalId=AccountNumber", "--map",
                                            "name=Name", "--set", "kind=supplier", "--json", NULL);
    check_counts(&output, &counts);
    check_exported(stage, "party", "externalId,name,kind", "kind=supplier", &rows);
    csv_table_release(&table);
    text_list_release(&rows);
}

/* ---- Many rows
 * -------------------------------------------------------------------------------------------- */

#define MANY 20000u

/* What is wrong with a row of the large file. */
enum flaw { SOUND, NO_NAME, BAD_MAIL, BAD_MONEY, BAD_TYPE, CELL_TOO_MUCH };

static enum flaw flaw_of(unsigned row)
{
    return row % 997 == 0 ? (enum flaw)(1 + row / 997 % 5) : SOUND;
}

static const char *flawed_column(enum flaw flaw)
{
    return flaw == NO_NAME     ? "name"
           : flaw == BAD_MAIL  ? "Mail"
           : flaw == BAD_MONEY ? "Turnover"
           : flaw == BAD_TYPE  ? "Kind"
                               : "";
}

/* Some cells need quoting, and a quarter of the rows has two lines. */
static void name_of(unsigned row, bool changed, char out[64])
{
    static const char *const forms[] = {"Company %u", "Company, \"%u\"", "Bedrift Ærø %u"};
    int size = snprintf(out, 48, forms[row % 3], row);
    (void)snprintf(out + size, 16, "%s", changed && row % 100 == 1 ? " GmbH" : "");
}

static const char *about(unsigned row)
{
    return row % 4 == 3 ? "Two\nlines" : "One line";
}

static void put_quoted(FILE *file, const char *text)
{
    (void)fputc('"', file);
    for (; *text != '\0'; text++) {
        (void)fprintf(file, "%s%c", *text == '"' ? "\"" : "", *text);
    }
    (void)fputc('"', file);
}

/* Writes the file, and what should come of it. */
static void make_many(const char *path, bool changed, struct text_list *refused,
                      struct text_list *rows)
{
    unsigned line = 2;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs("Key,Name,About,Mail,Turnover,Kind\r\n", file);
    for (unsigned row = 1; row <= MANY; row++) {
        char name[64];
        enum flaw flaw = flaw_of(row);
        name_of(row, changed, name);
        (void)fprintf(file, "K%05u,", row);
        put_quoted(file, flaw == NO_NAME ? "" : name);
        (void)fputc(',', file);
        put_quoted(file, about(row));
        (void)fprintf(file, ",%s,%u.5%s,%s%s\r\n", flaw == BAD_MAIL ? "nobody" : "a@b.example", row,
                      flaw == BAD_MONEY ? "x" : "", flaw == BAD_TYPE ? "Friend" : "Customer",
                      flaw == CELL_TOO_MUCH ? ",more" : "");
        if (flaw == SOUND) {
            text_list_addf(rows, "K%05u|%s|%s|a@b.example|%u.50 NOK|Customer", row, name,
                           about(row), row);
        } else {
            text_list_addf(refused, "%u,%s", line, flawed_column(flaw));
        }
        line += strchr(about(row), '\n') != NULL ? 2 : 1;
    }
    assert_int_equal(fclose(file), 0);
}

static struct tandem_output import_many(const struct stage *stage, const char *path,
                                        const char *more)
{
    char report[PATH];
    return stage_run(
        stage, ADMIN, "import", path, "--as", "account", "--key", "externalId=Key", "--map",
        "name=Name,description=About,emailAddress=Mail,annualRevenue=Turnover,type=Kind",
        "--currency", "NOK", "--json", "--progress", "--report",
        path_in(stage, "report.csv", report), more, NULL);
}

static const char many_columns[] = "externalId,name,description,emailAddress,annualRevenue,type";

static void many_rows_are_imported(void **state)
{
    struct stage *stage = *state;
    struct text_list refused = {.count = 0}, rows = {.count = 0};
    char path[PATH], report[PATH];
    (void)path_in(stage, "report.csv", report);
    make_many(path_in(stage, "many.csv", path), false, &refused, &rows);
    int64_t bad = (int64_t)refused.count, good = (int64_t)rows.count;
    const struct counts fresh = {MANY, good, 0, 0, bad};
    assert_int_equal(bad, MANY / 997);

    int64_t before = stage_seq(stage);
    struct tandem_output output = import_many(stage, path, "--dry-run");
    check_counts(&output, &fresh);
    check_report(report, &refused);
    assert_int_equal(stage_seq(stage), before);

    output = import_many(stage, path, NULL);
    assert_non_null(strstr(output.err, "1000 of 20000 rows"));
    assert_non_null(strstr(output.err, "20000 of 20000 rows"));
    check_counts(&output, &fresh);
    check_report(report, &refused);
    check_exported(stage, "account", many_columns, NULL, &rows);
    text_list_release(&refused);
    text_list_release(&rows);
}

static void a_repetition_doubles_nothing_and_updates_what_changed(void **state)
{
    struct stage *stage = *state;
    struct text_list refused = {.count = 0}, rows = {.count = 0};
    char path[PATH];
    (void)path_in(stage, "many.csv", path); /* of the test before */
    int64_t bad = MANY / 997, good = MANY - bad;
    const struct counts again = {MANY, 0, 0, good, bad};
    int64_t before = stage_seq(stage);
    struct tandem_output output = import_many(stage, path, NULL);
    check_counts(&output, &again);
    assert_int_equal(stage_seq(stage), before);

    int64_t updates = 0;
    for (unsigned row = 1; row <= MANY; row++) {
        updates += row % 100 == 1 && flaw_of(row) == SOUND;
    }
    const struct counts changed = {MANY, 0, updates, good - updates, bad};
    make_many(path, true, &refused, &rows);
    output = import_many(stage, path, "--dry-run");
    check_counts(&output, &changed);
    assert_int_equal(stage_seq(stage), before);
    output = import_many(stage, path, NULL);
    check_counts(&output, &changed);
    check_exported(stage, "account", many_columns, NULL, &rows);
    text_list_release(&refused);
    text_list_release(&rows);
}

/* ---- Broken files
 * ----------------------------------------------------------------------------------------- */

static void broken_files_are_refused_with_words(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *words[2];
    } broken[] = {
#define FILE_OF(text) (text), sizeof(text) - 1
        {FILE_OF("Name\r\nGood\r\n\"never closed\r\nMore\r\n"), {"line 3", "quote"}},
        {FILE_OF("Name\nGood\nb\"roken\"\n"), {"line 3", "quot"}},
        {FILE_OF("Name\nGood\n\"x\"y\n"), {"line 3", "quot"}},
        {FILE_OF("Name\nGood\nM\xfcnchen\n"), {"line 3", "UTF-8"}},
        {FILE_OF("Name\nGood\nNul\0l\n"), {"line 3", ""}},
        {FILE_OF("N\0a\0m\0e\0\n\0"), {"line 1", ""}},
        {FILE_OF(""), {"empty", "columns"}},
        {FILE_OF("Title,City\nGood,Oslo\n"), {"no column Name", "Title, City"}},
        {FILE_OF("Name,Name\nGood,Bad\n"), {"Name", "column"}},
#undef FILE_OF
    };
    struct stage *stage = *state;
    char path[PATH];
    int64_t before = stage_seq(stage);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_true(
            scratch_write(path_in(stage, "broken.csv", path), broken[i].text, broken[i].size));
        struct tandem_output output =
            stage_run(stage, ADMIN, "import", path, "--as", "account", "--map", "name=Name", NULL);
        if (output.status != 1 || strstr(output.err, broken[i].words[0]) == NULL ||
            strstr(output.err, broken[i].words[1]) == NULL) {
            fail_msg("broken file %zu: exit status %d: %s%s", i, output.status, output.out,
                     output.err);
        }
        tandem_output_release(&output);
    }
    assert_int_equal(stage_seq(stage), before);
}

static void wrong_words_are_usage(void **state)
{
    struct stage *stage = *state;
    static const char *const wrong[][3] = {{"--as", "account", "--no-such-flag"},
                                           {"--as", "account", "--delimiter=ab"},
                                           {"--as", "account", "--encoding=ebcdic"},
                                           {"--as", "account", "--date-format=french"},
                                           {"--as", "account", "--map==Name"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tandem_output output = stage_run(stage, ADMIN, "import", LEADS "Vendor.csv",
                                                wrong[i][0], wrong[i][1], wrong[i][2], NULL);
        assert_int_equal(output.status, 2);
        assert_true(strlen(output.err) > 10);
        tandem_output_release(&output);
    }
}

/* ---- Other writings
 * ------------------------------------------------------------------------------------------ */

static void other_encodings_and_separators_are_read(void **state)
{
    static const char latin[] = "Name\tKey\tDay\nM\xfcnchner R\xfc"
                                "ck\tL1\t31.12.2026\n";
    static const char marked[] = "\xEF\xBB\xBFName,Key\r\nWith a mark,L2\r\n";
    struct stage *stage = *state;
    struct text_list rows = {.count = 0};
    char path[PATH], profile[PATH];
    assert_true(scratch_write(path_in(stage, "latin.csv", path), latin, sizeof latin - 1));
    assert_true(stage_do(stage, ADMIN, "import", path, "--as", "campaign", "--map",
                         "name=Name,externalId=Key,startDate=Day", "--delimiter", "tab",
                         "--encoding", "latin1", "--date-format", "eu", NULL));
    /* From a pipe. */
    assert_true(scratch_write(path_in(stage, "marked.csv", path), marked, sizeof marked - 1));
    const struct tandem_command command = {.profile = path_in(stage, "profile-" ADMIN, profile),
                                           .input = path};
    const char *const arguments[] = {
        "import", "-", "--as", "campaign", "--map", "name=Name,externalId=Key", NULL};
    struct tandem_output output = tandem_command_run(&command, arguments);
    assert_int_equal(output.status, 0);
    tandem_output_release(&output);
    text_list_add(&rows, "L1|Münchner Rück|2026-12-31");
    text_list_add(&rows, "L2|With a mark|");
    check_exported(stage, "campaign", "externalId,name,startDate", NULL, &rows);
    text_list_release(&rows);
}

static void a_server_that_is_gone_is_said_to_be(void **state)
{
    struct stage *stage = *state;
    assert_true(server_process_stop(&stage->server));
    struct tandem_output output = import_leads(stage, NULL);
    assert_int_equal(output.status, 3);
    tandem_output_release(&output);
}

int main(void)
{
    if (!stage_has_data(LEADS "DimReseller.csv")) {
        return STAGE_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leads_are_tried_then_imported_then_left_alone),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(resellers_become_parties),
        cmocka_unit_test(vendors_become_suppliers),
        cmocka_unit_test(many_rows_are_imported),
        cmocka_unit_test(a_repetition_doubles_nothing_and_updates_what_changed),
        cmocka_unit_test(broken_files_are_refused_with_words),
        cmocka_unit_test(wrong_words_are_usage),
        cmocka_unit_test(other_encodings_and_separators_are_read),
        cmocka_unit_test(a_server_that_is_gone_is_said_to_be),
    };
    return cmocka_run_group_tests(tests, make_stage, end_stage);
}

/* export: all records of an entity as CSV (RFC 4180, UTF-8) or, with --json, one object a line.
 *
 * The first row names the fields as `tandem import` takes them, the first column is the id: an
 * export that was edited elsewhere goes back in with `tandem import FILE --as ENTITY --key id`. From
 * the copy of a profile that is offline, a last column "state" marks what is pending. */
#include <string.h>

#include "cli/cli_csv.h"
#include "cli/cli_entry.h"
#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_text.h"
#include "cli/cli_where.h"

#define MOST_COLUMNS 160u

struct export {
    struct cli *cli;
    const char *entity;
    char names[MOST_COLUMNS][72];
    size_t count;
    bool failed;
};

static void add_name(struct export *export, const char *name)
{
    if (export->count < MOST_COLUMNS) {
        (void)snprintf(export->names[export->count++], sizeof export->names[0], "%s", name);
    }
}

static void take_field(void *context, const struct field_facts *facts)
{
    add_name(context, facts->name);
}

/* A custom entity has a name, perhaps an account, and what every record has. */
static void add_custom_entity(struct export *export)
{
    tandem_field_info info;
    add_name(export, "name");
    add_name(export, "account");
    for (size_t i = 0; tandem_field_at("account", i, &info); i++) {
        if (info.common) {
            add_name(export, info.name);
        }
    }
}

static enum tandem_failure choose_columns(struct export *export, const char *columns)
{
    tandem_field_info info;
    if (columns != NULL) {
        return fields_each_column(export->cli, export->entity, columns, take_field, export);
    }
    for (size_t i = 0; tandem_field_at(export->entity, i, &info); i++) {
        add_name(export, info.name);
    }
    if (export->count == 0) {
        add_custom_entity(export);
    }
    return fields_each_custom(export->cli, export->entity, take_field, export);
}

static bool print_record(void *context, const tandem_record *record)
{
    struct export *export = context;
    FILE *out = export->cli->out;
    if (export->cli->json) {
        export->failed = !cli_print_record(export->cli, record) || export->failed;
        return !export->failed;
    }
    (void)fputs(tandem_record_id(record), out);
    for (size_t i = 0; i < export->count; i++) {
        const char *text = tandem_record_text(record, export->names[i]);
        (void)fputc(',', out);
        csv_put_cell(out, text == NULL ? "" : text);
    }
    if (export->cli->local) {
        (void)fputc(',', out);
        csv_put_cell(out, entry_record_mark(record));
    }
    (void)fputs("\r\n", out);
    return ferror(out) == 0;
}

static void print_head(const struct export *export)
{
    (void)fputs("id", export->cli->out);
    for (size_t i = 0; i < export->count; i++) {
        (void)fputc(',', export->cli->out);
        csv_put_cell(export->cli->out, export->names[i]);
    }
    if (export->cli->local) {
        (void)fputs(",state", export->cli->out);
    }
    (void)fputs("\r\n", export->cli->out);
}

static enum tandem_failure export_all(struct export *export, const struct arguments *arguments,
                                      struct where *where)
{
    struct cli *cli = export->cli;
    enum tandem_failure failure = cli_connect(cli, CLI_READS);
    if (failure == TANDEM_DONE) { /* before the first line is out */
        failure = fields_check_entity(cli, export->entity);
    }
    if (failure == TANDEM_DONE) {
        failure = where_resolve(cli, where);
    }
    const char *columns = arguments_value(arguments, "columns");
    if (failure == TANDEM_DONE && (columns != NULL || !cli->json)) {
        failure = choose_columns(export, columns);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (!cli->json) {
        print_head(export);
    }
    if (cli_query(cli, &where->query, print_record, export) != TANDEM_OK) {
        return cli_fault(cli, "the export is not complete", &cli->fault);
    }
    return export->failed ? cli_no_memory(cli) : TANDEM_DONE;
}

enum tandem_failure command_export(struct cli *cli, const struct arguments *arguments)
{
    struct export export = {.cli = cli, .entity = arguments->positional[0]};
    struct where where;
    if (cli->json && arguments_has(arguments, "csv")) {
        return cli_usage(cli, "--csv or --json, not both");
    }
    enum tandem_failure failure = where_read(cli, export.entity, arguments, &where);
    if (failure == TANDEM_DONE) {
        failure = export_all(&export, arguments, &where);
    }
    where_release(&where);
    return failure;
}

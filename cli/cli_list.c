/* list: records of an entity. */
#include "cli/cli_list.h"

#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_mark.h"
#include "cli/cli_where.h"
#include "protocol/schema.h"

static bool fits_a_cell(const tandem_field_info *info)
{
    static const char *const wide[] = {"longText", "address", "reference", "references", "blob"};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (strcmp(info->kind, wide[i]) == 0) {
            return false;
        }
    }
    return !info->common || strcmp(info->name, "tags") == 0;
}

static void add_column(struct list *list, const char *name, size_t length)
{
    if (list->names_count < LIST_COLUMNS && length < sizeof list->names[0]) {
        memcpy(list->names[list->names_count], name, length);
        list->names[list->names_count][length] = '\0';
        list->names_count++;
    }
}

/* Fields that fit, and what names a record even when it is long: of that the first line shows. */
static void choose_columns(struct list *list, const char *entity)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    tandem_field_info info;
    for (size_t i = 0; tandem_field_at(entity, i, &info); i++) {
        bool title = def != NULL && strcmp(info.name, def->title_field) == 0;
        if (fits_a_cell(&info) || (title && strcmp(info.kind, "longText") == 0)) {
            add_column(list, info.name, strlen(info.name));
        }
    }
    if (list->names_count == 0) {
        add_column(list, "name", 4);
    }
}

static void add_field(void *context, const struct field_facts *facts)
{
    add_column(context, facts->name, strlen(facts->name));
}

static enum tandem_failure list_begin(struct list *list, struct cli *cli, const char *entity,
                               const char *columns)
{
    *list = (struct list){.cli = cli};
    if (columns == NULL && !cli->json) {
        choose_columns(list, entity);
        enum tandem_failure failure = fields_each_custom(cli, entity, add_field, list);
        if (failure != TANDEM_DONE) {
            return failure;
        }
    }
    if (columns != NULL) {
        enum tandem_failure failure = fields_each_column(cli, entity, columns, add_field, list);
        if (failure != TANDEM_DONE) {
            return failure;
        }
    }
    const char *cells[LIST_COLUMNS + 2] = {"id", "state"}; /* left out when none has one */
    for (size_t i = 0; i < list->names_count; i++) {
        cells[i + 2] = list->names[i];
    }
    table_init(&list->table, list->names_count + 2);
    table_row(&list->table, cells);
    return TANDEM_DONE;
}

bool list_take(void *context, const tandem_record *record)
{
    struct list *list = context;
    list->records++;
    if (list->cli->json) {
        list->table.failed = !cli_print_record(list->cli, record) || list->table.failed;
        return !list->table.failed;
    }
    const char *cells[LIST_COLUMNS + 2] = {tandem_record_id(record), mark_of(list->cli, record)};
    for (size_t i = 0; i < list->names_count; i++) {
        cells[i + 2] = tandem_record_text(record, list->names[i]);
    }
    table_row(&list->table, cells);
    return !list->table.failed;
}

static enum tandem_failure print_found(struct list *list, const char *entity)
{
    struct cli *cli = list->cli;
    if (list->table.failed) {
        return cli_no_memory(cli);
    }
    if (list->records == 0) {
        enum tandem_failure failure = fields_check_entity(cli, entity);
        if (failure == TANDEM_DONE) {
            cli_note(cli, "There is none.");
        }
        return failure;
    }
    if (!cli->json) {
        table_print(&list->table, cli->out, text_terminal_width(cli->out));
    }
    return TANDEM_DONE;
}

static enum tandem_failure tell_failed(struct cli *cli, const char *entity)
{
    const tandem_fault fault = cli->fault;
    enum tandem_failure failure = fault.code == TANDEM_CODE_UNKNOWN_ENTITY
                                      ? fields_check_entity(cli, entity)
                                      : TANDEM_DONE;
    return failure == TANDEM_DONE ? cli_fault(cli, NULL, &fault) : failure;
}

enum tandem_failure list_print(struct cli *cli, const tandem_query *query, const char *columns)
{
    struct list list;
    enum tandem_failure failure = list_begin(&list, cli, query->entity, columns);
    if (failure == TANDEM_DONE && cli_query(cli, query, list_take, &list) != TANDEM_OK) {
        failure = tell_failed(cli, query->entity);
    } else if (failure == TANDEM_DONE) {
        failure = print_found(&list, query->entity);
    }
    table_release(&list.table);
    return failure;
}

enum tandem_failure command_list(struct cli *cli, const struct arguments *arguments)
{
    struct where where;
    enum tandem_failure failure = where_read(cli, arguments->positional[0], arguments, &where);
    if (failure == TANDEM_DONE) {
        failure = cli_connect(cli, CLI_READS);
    }
    if (failure == TANDEM_DONE) {
        failure = where_resolve(cli, &where);
    }
    if (failure == TANDEM_DONE) {
        failure = list_print(cli, &where.query, arguments_value(arguments, "columns"));
    }
    where_release(&where);
    return failure;
}

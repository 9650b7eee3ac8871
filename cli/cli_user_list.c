/* user list: everybody, with the names of where they belong. */
#include <string.h>

#include "cli/cli_list.h"
#include "cli/cli_list_of_commands.h"
#include "protocol/memory.h"

enum { COLUMN_NAME, COLUMN_FULL, COLUMN_ROLE, COLUMN_OF, COLUMN_STATE, COLUMN_ID, COLUMNS };

struct directory {
    struct cli *cli;
    struct buffer parties; /* lines "id name" */
    struct table table;
};

static bool take_party(void *context, const tandem_record *record)
{
    struct directory *directory = context;
    text_addf(&directory->parties, "%s %s\n", tandem_record_id(record),
              tandem_record_title(record));
    return true;
}

/* Appends the name of a party; its id where the name is not known. */
static void add_name(const char *parties, const char *id, size_t length, struct buffer *out)
{
    const char *line = parties;
    while (line != NULL && strncmp(line, id, length) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    text_add(out, out->size == 0 ? "" : ", ");
    if (line == NULL || *line == '\0') {
        buffer_append(out, id, length);
        return;
    }
    line += length + 1;
    buffer_append(out, line, strcspn(line, "\n"));
}

static void add_names(const char *parties, const char *ids, struct buffer *out)
{
    for (const char *at = ids; at != NULL && *at != '\0';) {
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        if (length > 0) {
            add_name(parties, at, length, out);
        }
        at += length;
    }
}

static bool take_user(void *context, const tandem_record *record)
{
    struct directory *directory = context;
    const char *parties = text_of(&directory->parties);
    const char *disabled = tandem_record_text(record, "disabled");
    struct buffer of = {0};
    if (parties == NULL) {
        directory->table.failed = true;
        return false;
    }
    add_names(parties, tandem_record_text(record, "departments"), &of);
    add_names(parties, tandem_record_text(record, "partner"), &of);
    const char *cells[COLUMNS] = {
        [COLUMN_NAME] = tandem_record_text(record, "name"),
        [COLUMN_FULL] = tandem_record_text(record, "fullName"),
        [COLUMN_ROLE] = tandem_record_text(record, "role"),
        [COLUMN_OF] = text_of(&of),
        [COLUMN_STATE] = disabled != NULL && strcmp(disabled, "true") == 0 ? "disabled" : "",
        [COLUMN_ID] = tandem_record_id(record),
    };
    table_row(&directory->table, cells);
    buffer_release(&of);
    return !directory->table.failed;
}

static enum tandem_failure print_table(struct cli *cli)
{
    static const char *const headings[COLUMNS] = {"name", "full name", "role", "of", "state", "id"};
    struct directory directory = {.cli = cli};
    enum tandem_failure failure = TANDEM_DONE;
    tandem_query parties = {.entity = "party"};
    tandem_query users = {.entity = "user", .sort = "name"};
    table_init(&directory.table, COLUMNS);
    table_row(&directory.table, headings);
    if (cli_query(cli, &parties, take_party, &directory) != TANDEM_OK ||
        cli_query(cli, &users, take_user, &directory) != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    } else if (directory.table.failed) {
        failure = cli_no_memory(cli);
    } else {
        table_print(&directory.table, cli->out, text_terminal_width(cli->out));
    }
    table_release(&directory.table);
    buffer_release(&directory.parties);
    return failure;
}

enum tandem_failure command_user_list(struct cli *cli, const struct arguments *arguments)
{
    (void)arguments;
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure != TANDEM_DONE || !cli->json) {
        return failure == TANDEM_DONE ? print_table(cli) : failure;
    }
    struct list list = {.cli = cli};
    tandem_query users = {.entity = "user", .sort = "name"};
    if (cli_query(cli, &users, list_take, &list) != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    }
    return failure;
}
